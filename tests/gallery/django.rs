//! Django REST framework with `LimitOffsetPagination`, `OrderingFilter` and
//! django-filter: unknown parameters are ignored, a limit is clamped, times
//! lose their fraction where it is zero.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b";
const MAX_LIMIT: usize = 100;

static DJANGO: Contract = Contract {
    name: "django-rest-framework",
    path: "/api/users/",
    secret: ("DJANGO_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, user, counted, 123_456, count),
    id: counted,
    key: "/id",
};

fn user(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, clock::rfc3339(row.updated));
    format!(
        "{{\"id\":{id},\"username\":\"user{id}\",\"logins\":{version},\"updated_at\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Token {TOKEN}")) {
        return refuse(401, json!({"detail": "Invalid token."}))
            .header("WWW-Authenticate", "Token");
    }
    let since = match request.param("updated_at__gte").map(clock::parse) {
        Some(None) => {
            return refuse(
                400,
                json!({"updated_at__gte": ["Enter a valid date/time."]}),
            );
        }
        since => since.flatten(),
    };
    let limit = number(request, "limit")
        .filter(|limit| *limit > 0)
        .unwrap_or(MAX_LIMIT)
        .min(MAX_LIMIT);
    let offset = number(request, "offset").unwrap_or(0);
    let (rows, total) = match request.param("ordering") {
        Some("updated_at,id") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    let next = if offset + rows.len() < total {
        format!(
            "\"http://api.example.com/api/users/?limit={limit}&offset={}\"",
            offset + limit
        )
    } else {
        "null".into()
    };
    let results = list(&rows);
    Reply::json(format!(
        "{{\"count\":{total},\"next\":{next},\"previous\":null,\"results\":{results}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&DJANGO);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&DJANGO);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&DJANGO, "Invalid token.");
    contract::tells_which_bound_was_refused(
        &DJANGO,
        "\"first\": \"1970-01-01T00:00:00Z\"",
        "Enter a valid date/time.",
    );
}

#[test]
fn times_with_and_without_a_fraction_are_sent_back_as_they_came() {
    let trial = Trial::start(&DJANGO, 230);
    let rows = trial.rows(&["--max-offset", "5", "--page-size", "5"]);
    trial.assert_is_table(&rows);
    let bounds: Vec<String> = trial
        .model
        .requests()
        .iter()
        .map(|request| request.param("updated_at__gte").unwrap().to_owned())
        .collect();
    assert!(
        bounds.iter().any(|bound| bound.contains(".123456Z")),
        "{bounds:?}"
    );
    assert!(
        bounds
            .iter()
            .any(|bound| bound.starts_with("2024") && !bound.contains('.')),
        "{bounds:?}"
    );
}

#[test]
fn a_limit_that_is_clamped_costs_no_row() {
    let trial = Trial::start(&DJANGO, 230);
    let rows = trial.rows(&["--page-size", "150"]);
    trial.assert_is_table(&rows);
}

#[test]
fn a_filter_that_is_ignored_brings_no_row_twice() {
    let trial = Trial::start(&DJANGO, 80).altered("updated_at__gte", "updated_at__after");
    trial.assert_is_table(&trial.rows(&[]));
    let changed = contract::change(&DJANGO, &mut trial.model.table());
    assert_eq!(trial.rows(&[]).len(), changed.len());
}

#[test]
fn an_ordering_that_is_ignored_ends_the_sync() {
    let trial = Trial::start(&DJANGO, 60).altered("updated_at,id", "modified");
    trial
        .model
        .table()
        .update("1", clock::BASE + 1000 * clock::SECOND);
    let outcome = trial.sync(&[]).expect(5);
    assert!(
        outcome.stderr.contains("out of order"),
        "{}",
        outcome.stderr
    );
}
