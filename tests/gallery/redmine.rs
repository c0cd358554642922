//! Redmine: the operator inside the value, closed issues left out unless they
//! are asked for, at most 100 a page, times cut to the second although they are
//! kept and compared to the microsecond.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const KEY: &str = "ebc3f6b781a6fb3f2b0a83ce0ebb80e0d585189d";

static REDMINE: Contract = Contract {
    name: "redmine",
    path: "/issues.json",
    secret: ("REDMINE_KEY", KEY),
    answer,
    table: |count| table(Ties::Unstable(3), issue, counted, 321_987, count),
    id: counted,
    key: "/id",
};

fn is_closed(row: &Row) -> bool {
    row.serial.is_multiple_of(5)
}

fn issue(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let updated = clock::rfc3339(row.updated.div_euclid(SECOND) * SECOND);
    let status = if is_closed(row) { "Closed" } else { "New" };
    format!(
        "{{\"id\":{id},\"status\":{{\"name\":\"{status}\"}},\"done_ratio\":{version},\"updated_on\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("X-Redmine-API-Key") != Some(KEY) {
        return Reply::status(401).header("WWW-Authenticate", "Basic realm=\"Redmine API\"");
    }
    // `>= from` is asked of the database as `> from - 1 s`.
    let since = match request
        .param("updated_on")
        .map(|value| value.strip_prefix(">=").and_then(clock::parse))
    {
        Some(None) => return refuse(422, json!({"errors": ["Updated is not a valid date"]})),
        since => since.flatten().map(|from| from - SECOND),
    };
    let limit = number(request, "limit")
        .filter(|limit| *limit > 0)
        .unwrap_or(25)
        .min(100);
    let offset = number(request, "offset").unwrap_or(0);
    let all = request.param("status_id") == Some("*");
    let (rows, _) = match request.param("sort") {
        Some("updated_on") => table.select(since, false, 0, usize::MAX),
        _ => table.select_unsorted(since, false, 0, usize::MAX),
    };
    let rows: Vec<&Row> = rows
        .into_iter()
        .filter(|row| all || !is_closed(row))
        .collect();
    let total = rows.len();
    let page: Vec<&Row> = rows.into_iter().skip(offset).take(limit).collect();
    let issues = list(&page);
    Reply::json(format!(
        "{{\"issues\":{issues},\"total_count\":{total},\"offset\":{offset},\"limit\":{limit}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&REDMINE);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&REDMINE);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&REDMINE, "the API answered 401");
    contract::tells_which_bound_was_refused(
        &REDMINE,
        "\"first\": \"1970-01-01T00:00:00Z\"",
        "Updated is not a valid date",
    );
}

#[test]
fn closed_issues_come_too_and_a_page_is_clamped() {
    let trial = Trial::start(&REDMINE, 230);
    let rows = trial.rows(&["--page-size", "200"]);
    trial.assert_is_table(&rows);
    assert!(rows.iter().any(|row| row["status"]["name"] == "Closed"));
}
