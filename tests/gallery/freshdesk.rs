//! Freshdesk: pages by number and none beyond the 300th, no total, a bare
//! array, unknown fields refused, only the last thirty days where no bound is
//! given.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

/// `abcdefghij1234567890:X` in base64.
const BASIC: &str = "YWJjZGVmZ2hpajEyMzQ1Njc4OTA6WA";
const LAST_PAGE: usize = 300;

static FRESHDESK: Contract = Contract {
    name: "freshdesk",
    path: "/api/v2/tickets",
    secret: ("FRESHDESK_BASIC", BASIC),
    answer,
    table: |count| table(Ties::Unstable(5), ticket, counted, SECOND, count),
    id: counted,
    key: "/id",
};

fn ticket(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, clock::rfc3339(row.updated));
    format!(
        "{{\"id\":{id},\"subject\":\"ticket {id}\",\"priority\":{version},\"updated_at\":\"{updated}\"}}"
    )
}

fn invalid(field: &str, message: &str, code: &str) -> Reply {
    let errors: Value = json!([{"field": field, "message": message, "code": code}]);
    refuse(
        400,
        json!({"description": "Validation failed", "errors": errors}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Basic {BASIC}")) {
        let message = "You have to be logged in to perform this action.";
        return refuse(
            401,
            json!({"code": "invalid_credentials", "message": message}),
        );
    }
    let known = [
        "updated_since",
        "order_by",
        "order_type",
        "per_page",
        "page",
    ];
    if let Some((name, _)) = request
        .query
        .iter()
        .find(|(name, _)| !known.contains(&&**name))
    {
        return invalid(name, "Unexpected/invalid field in request", "invalid_field");
    }
    let since = match request.param("updated_since").map(clock::parse) {
        Some(None) => {
            let message =
                "Value set is of type String. It should be a/an 'combined date and time ISO8601'";
            return invalid("updated_since", message, "invalid_value");
        }
        Some(since) => since,
        None => Some(clock::now() - 30 * 86_400 * SECOND),
    };
    let size = number(request, "per_page").unwrap_or(30);
    if !(1..=100).contains(&size) {
        let message = "It should be a Positive Integer less than or equal to 100";
        return invalid("per_page", message, "invalid_value");
    }
    let page = number(request, "page").unwrap_or(1);
    if page > LAST_PAGE {
        let message = "You cannot access tickets beyond the 300th page. Please provide a smaller page number.";
        return invalid("page", message, "invalid_value");
    }
    let offset = (page - 1) * size;
    let sorted = request.param("order_by") == Some("updated_at")
        && request.param("order_type") == Some("asc");
    let (rows, total) = match sorted {
        true => table.select(since, true, offset, size),
        false => table.select_unsorted(since, true, offset, size),
    };
    let reply = Reply::json(list(&rows));
    match offset + rows.len() < total {
        true => reply.header(
            "Link",
            format!("<https://x/api/v2/tickets?page={}>;rel=\"next\"", page + 1),
        ),
        false => reply,
    }
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&FRESHDESK);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&FRESHDESK);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&FRESHDESK, "You have to be logged in");
    contract::tells_which_bound_was_refused(
        &FRESHDESK,
        "\"first\": \"1970-01-01T00:00:00Z\"",
        "Validation failed",
    );
}

#[test]
fn a_field_that_is_not_known_is_named() {
    let trial = Trial::start(&FRESHDESK, 30).altered("per_page", "limit");
    let outcome = trial.sync(&[]).expect(4);
    assert!(
        outcome.stderr.contains("Validation failed"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn more_rows_than_the_last_page_reaches_come_all_the_same() {
    let trial = Trial::start(&FRESHDESK, 0);
    for number in 0..1000 {
        let time = clock::BASE + (number / 2) as i64 * SECOND;
        trial.model.table().insert(&counted(number), time);
    }
    let rows = trial.rows(&["--page-size", "3"]);
    trial.assert_is_table(&rows);
    // But for the few that are looked at to see that the API does sort.
    let requests = trial.model.requests();
    let pages = requests
        .iter()
        .filter_map(|request| number(request, "page"));
    let deep = pages.filter(|page| *page > 3).count();
    assert!(deep * 7 < requests.len(), "{deep} of {}", requests.len());
}

#[test]
fn that_pages_cannot_overlap_is_said_once() {
    let trial = Trial::start(&FRESHDESK, 230);
    let outcome = trial.sync(&["--page-size", "20"]).expect(0);
    assert_eq!(
        outcome.stderr.matches("paged by numbers").count(),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_run_of_equal_times_longer_than_a_page_is_read_to_its_end() {
    let mut table = Table::rendered_by(Ties::Insertion, ticket);
    for number in 0..70 {
        table.insert(
            &counted(number),
            clock::BASE + SECOND * i64::from(number >= 50),
        );
    }
    let trial = Trial::start(&FRESHDESK, 0);
    *trial.model.table() = table;
    trial.assert_is_table(&trial.rows(&["--page-size", "20"]));
}
