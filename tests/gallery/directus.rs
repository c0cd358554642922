//! Directus: the filter's field and operator in the parameter's name, the count
//! under `meta`, times to the millisecond, an unstable order among equal ones,
//! and rows that were never updated, whose `date_updated` is null.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, millis, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "static-directus-token";
const QUERY_LIMIT_MAX: usize = 100;
/// When rows were updated that never were.
const NEVER: i64 = i64::MIN / 4;

static DIRECTUS: Contract = Contract {
    name: "directus",
    path: "/items/articles",
    secret: ("DIRECTUS_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Unstable(7), article, counted, 123_000, count),
    id: counted,
    key: "/id",
};

fn article(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let (created, updated) = (millis(row.created), millis(row.updated));
    format!(
        "{{\"id\":{id},\"status\":\"published\",\"revision\":{version},\"date_created\":\"{created}\",\"date_updated\":\"{updated}\"}}"
    )
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    refuse(
        status,
        json!({"errors": [{"message": message, "extensions": {"code": code}}]}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(401, "INVALID_CREDENTIALS", "Invalid user credentials.");
    }
    let mut since = None;
    for (name, value) in &request.query {
        let Some(filter) = name.strip_prefix("filter[") else {
            continue;
        };
        if filter != "date_updated][_gte]" {
            let field = filter.split(']').next().unwrap();
            let message = format!(
                "You don't have permission to access field \"{field}\" in collection \"articles\" or it does not exist."
            );
            return error(403, "FORBIDDEN", &message);
        }
        match clock::parse(value) {
            Some(time) => since = Some(time),
            None => {
                return error(
                    400,
                    "INVALID_QUERY",
                    "Invalid query. Invalid date in filter.",
                );
            }
        }
    }
    let limit = number(request, "limit").unwrap_or(100);
    if limit > QUERY_LIMIT_MAX {
        let message =
            format!("Invalid query. \"limit\" must be less than or equal to {QUERY_LIMIT_MAX}.");
        return error(400, "INVALID_QUERY", &message);
    }
    let offset = number(request, "offset").unwrap_or(0);
    let (rows, total) = match request.param("sort") {
        Some("date_updated") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    let meta = match request.param("meta") {
        Some("filter_count" | "*") => format!("\"meta\":{{\"filter_count\":{total}}},"),
        _ => String::new(),
    };
    Reply::json(format!("{{{meta}\"data\":{}}}", list(&rows)))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&DIRECTUS);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&DIRECTUS);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&DIRECTUS, "Invalid user credentials.");
    contract::tells_which_bound_was_refused(
        &DIRECTUS,
        "\"first\": \"1970-01-01T00:00:00Z\"",
        "INVALID_QUERY",
    );
}

#[test]
fn a_field_that_cannot_be_filtered_is_named() {
    let trial = Trial::start(&DIRECTUS, 30).altered("[date_updated]", "[updated]");
    let outcome = trial.sync(&[]).expect(4);
    assert!(
        outcome.stderr.contains("access field \\\"updated\\\""),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_limit_beyond_the_highest_is_refused_by_name() {
    let outcome = Trial::start(&DIRECTUS, 30)
        .sync(&["--page-size", "101"])
        .expect(4);
    assert!(
        outcome.stderr.contains("less than or equal to 100"),
        "{}",
        outcome.stderr
    );
}

/// Adds two rows that were never updated.
fn add_untouched(table: &mut Table) {
    for id in ["900", "901"] {
        let json = format!("{{\"id\":{id},\"status\":\"draft\",\"date_updated\":null}}");
        table.insert_json(id, NEVER, json);
    }
}

#[test]
fn rows_that_were_never_updated_match_no_bound() {
    let trial = Trial::start(&DIRECTUS, 60);
    add_untouched(&mut trial.model.table());
    let rows = trial.rows(&["--page-size", "20"]);
    assert_eq!(rows.len(), 60);
    assert!(rows.iter().all(|row| !row["date_updated"].is_null()));
    let newest = trial.model.table().newest().unwrap();
    trial.model.table().update("900", newest + SECOND);
    let rows = trial.rows(&[]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["id"], 900);
}

#[test]
fn without_a_first_bound_a_null_is_named() {
    let trial = Trial::start(&DIRECTUS, 60)
        .altered("\"first\": \"1970-01-01T00:00:00Z\"", "\"first\": null");
    add_untouched(&mut trial.model.table());
    let outcome = trial.sync(&[]).expect(5);
    assert!(
        outcome.stderr.contains("row 0, field \"date_updated\""),
        "{}",
        outcome.stderr
    );
}
