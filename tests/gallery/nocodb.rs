//! NocoDB: a condition in a language of its own, and records whose `UpdatedAt`
//! is null until they are changed, so that no order holds.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "nocodb-xc-token";

static NOCODB: Contract = Contract {
    name: "nocodb",
    path: "/api/v2/tables/m1a2b3c4d5e6f7g/records",
    secret: ("NOCODB_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, record, counted, 1_000_000, count),
    id: counted,
    key: "/Id",
};

fn time(micros: i64) -> String {
    clock::rfc3339(micros)
        .replace('T', " ")
        .replace('Z', "+00:00")
}

fn record(row: &Row) -> String {
    let (id, version, created) = (&row.id, row.version, time(row.created));
    let updated = match version {
        1 => "null".to_owned(),
        _ => format!("\"{}\"", time(row.updated)),
    };
    format!(
        "{{\"Id\":{id},\"CreatedAt\":\"{created}\",\"UpdatedAt\":{updated},\"Hours\":{version}}}"
    )
}

/// The bound of the file's condition, which names it twice.
fn bound(condition: &str) -> Option<i64> {
    let rest = condition.strip_prefix("(UpdatedAt,gte,exactDate,")?;
    let (first, rest) = rest.split_once(")~or((UpdatedAt,is,null)~and(CreatedAt,gte,exactDate,")?;
    let second = rest.strip_suffix("))")?;
    (first == second).then(|| clock::parse(&format!("{}Z", first.replace(' ', "T"))))?
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("xc-token") != Some(TOKEN) {
        return refuse(
            401,
            json!({"error": "AUTHENTICATION_REQUIRED", "message": "Authentication required - Invalid token"}),
        );
    }
    let Some(since) = request.param("where").and_then(bound) else {
        return refuse(
            422,
            json!({"error": "INVALID_FILTER", "message": "Invalid filter expression"}),
        );
    };
    let (limit, offset) = (
        number(request, "limit").unwrap_or(25),
        number(request, "offset").unwrap_or(0),
    );
    // The rows that the condition passes, as they were created.
    let mut rows: Vec<&Row> = table
        .rows()
        .iter()
        .filter(|row| row.updated >= since)
        .collect();
    rows.sort_by_key(|row| (row.created, row.serial));
    let total = rows.len();
    let page: Vec<&str> = rows
        .iter()
        .skip(offset)
        .take(limit)
        .map(|row| &*row.json)
        .collect();
    let last = offset + limit >= total;
    Reply::json(format!(
        "{{\"list\":[{}],\"pageInfo\":{{\"totalRows\":{total},\"pageSize\":{limit},\"isLastPage\":{last}}}}}",
        page.join(",")
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&NOCODB);
    contract::brings_all_rows_and_then_the_changes(&NOCODB);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&NOCODB);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&NOCODB, "Invalid token");
}

#[test]
fn a_record_that_was_never_changed_comes_by_when_it_was_created() {
    let trial = Trial::start(&NOCODB, 60);
    assert!(trial.rows(&[]).iter().all(|row| row["UpdatedAt"].is_null()));
    let newest = trial.model.table().newest().unwrap();
    trial
        .model
        .table()
        .insert("900", newest + 5 * clock::SECOND);
    trial.model.table().update("3", newest + 9 * clock::SECOND);
    let rows = trial.rows(&[]);
    let ids: Vec<&Value> = rows.iter().map(|row| &row["Id"]).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&&json!(900)) && ids.contains(&&json!(3)));
}

#[test]
fn without_the_fallback_the_null_is_named() {
    let outcome = Trial::start(&NOCODB, 30)
        .altered(",\n    \"fallback\": \"CreatedAt\"", "")
        .sync(&[])
        .expect(5);
    assert!(
        outcome.stderr.contains("row 0, field \"UpdatedAt\""),
        "{}",
        outcome.stderr
    );
}
