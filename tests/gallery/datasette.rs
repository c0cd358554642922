//! Datasette: a query of one's own with named parameters, rows as lists beside
//! the names of their columns, times as SQLite's `datetime('now')` writes them,
//! and no total.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "dstok_eyJhIjoicm9vdCJ9.c2ln";
const MAX_RETURNED_ROWS: usize = 1000;
const SQL: &str = "select * from articles where updated_at >= :since order by updated_at, id limit :limit offset :offset";

static DATASETTE: Contract = Contract {
    name: "datasette",
    path: "/content.json",
    secret: ("DATASETTE_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Id, article, counted, 1_000_000, count),
    id: counted,
    key: "/id",
};

fn article(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let updated = clock::rfc3339(row.updated).replace('T', " ");
    let updated = updated.trim_end_matches('Z');
    format!("{{\"id\":{id},\"updated_at\":\"{updated}\",\"words\":{version}}}")
}

fn error(status: u16, message: &str) -> Reply {
    refuse(
        status,
        json!({"ok": false, "error": message, "status": status, "title": null}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(403, "Permission denied: execute-sql");
    }
    if request.param("sql") != Some(SQL) {
        return error(400, "no such column: changed_at");
    }
    let limit = number(request, "limit").unwrap().min(MAX_RETURNED_ROWS);
    let offset = number(request, "offset").unwrap();
    // SQLite compares what are texts to it.
    let Some(since) = request.param("since") else {
        return error(400, "You did not supply a value for binding :since.");
    };
    let time = |row: &&Row| {
        let row: Value = serde_json::from_str(&row.json).unwrap();
        row["updated_at"].as_str().unwrap() >= since
    };
    let (all, _) = table.select(None, true, 0, usize::MAX);
    let rows = all.into_iter().filter(time).skip(offset).take(limit);
    let rows: Vec<Value> = rows
        .map(|row| {
            let row: Value = serde_json::from_str(&row.json).unwrap();
            json!([row["id"], row["updated_at"], row["words"]])
        })
        .collect();
    Reply::json(json!({
        "database": "content", "rows": rows, "truncated": false,
        "columns": ["id", "updated_at", "words"], "query": {"sql": SQL}, "query_ms": 1.9,
    }))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&DATASETTE);
    contract::brings_all_rows_and_then_the_changes(&DATASETTE);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&DATASETTE);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&DATASETTE, "Permission denied");
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let outcome = Trial::start(&DATASETTE, 30)
        .altered("where updated_at", "where changed_at")
        .sync(&[])
        .expect(4);
    assert!(
        outcome.stderr.contains("no such column: changed_at"),
        "{}",
        outcome.stderr
    );
}
