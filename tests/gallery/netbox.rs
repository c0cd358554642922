//! NetBox: the Django shape with a page size that is clamped, unknown filters
//! that are ignored, an unstable order among equal times, and old rows whose
//! `last_updated` is null.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
const MAX_PAGE_SIZE: usize = 50;

static NETBOX: Contract = Contract {
    name: "netbox",
    path: "/api/dcim/devices/",
    secret: ("NETBOX_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Unstable(11), device, counted, 654_321, count),
    id: counted,
    key: "/id",
};

fn device(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, clock::rfc3339(row.updated));
    format!(
        "{{\"id\":{id},\"name\":\"switch-{id}\",\"position\":{version}.50,\"site\":{{\"id\":1,\"name\":\"Ams\"}},\"last_updated\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Token {TOKEN}")) {
        return refuse(403, json!({"detail": "Invalid token"}));
    }
    let since = match request.param("last_updated__gte").map(clock::parse) {
        Some(None) => {
            return refuse(
                400,
                json!({"last_updated__gte": ["Enter a valid date/time."]}),
            );
        }
        since => since.flatten(),
    };
    // Of 0, all; and never more than the highest.
    let limit = match number(request, "limit") {
        Some(0) | None => MAX_PAGE_SIZE,
        Some(limit) => limit.min(MAX_PAGE_SIZE),
    };
    let offset = number(request, "offset").unwrap_or(0);
    let (rows, total) = match request.param("ordering") {
        Some("last_updated") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    Reply::json(format!(
        "{{\"count\":{total},\"next\":null,\"previous\":null,\"results\":{}}}",
        list(&rows)
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&NETBOX);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&NETBOX);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&NETBOX, "Invalid token");
    contract::tells_which_bound_was_refused(
        &NETBOX,
        "\"first\": \"1970-01-01T00:00:00Z\"",
        "Enter a valid date/time.",
    );
}

#[test]
fn a_page_smaller_than_asked_for_is_no_end() {
    let trial = Trial::start(&NETBOX, 230);
    let rows = trial.rows(&[]);
    trial.assert_is_table(&rows);
    assert_eq!(trial.model.requests()[0].param("limit"), Some("1000"));
    let changed = contract::change(&NETBOX, &mut trial.model.table());
    assert_eq!(trial.rows(&[]).len(), changed.len());
}

#[test]
fn all_is_well_where_the_table_is_a_page_or_nothing() {
    for rows in [0, 1, 2, MAX_PAGE_SIZE, MAX_PAGE_SIZE + 1] {
        let trial = Trial::start(&NETBOX, rows);
        trial.assert_is_table(&trial.rows(&[]));
        assert_eq!(trial.rows(&[]).len(), 0);
    }
}
