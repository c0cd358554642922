//! Notion's query of a data source: pages are reached by cursors alone, and times
//! are rounded to the minute.

use serde_json::json;

use crate::contract::{self, Contract};
use crate::model::{list, millis, refuse};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "ntn_0123456789abcdefghijklmnopqrst";
const MINUTE: i64 = 60 * SECOND;

static NOTION: Contract = Contract {
    name: "notion",
    path: "/v1/data_sources/ID/query",
    secret: ("NOTION_TOKEN", TOKEN),
    answer,
    table: pages,
    id,
    key: "/id",
};

fn id(number: usize) -> String {
    format!("59833787-2cf9-4fdf-8782-{number:012}")
}

/// Six pages a minute.
fn pages(count: usize) -> Table {
    let mut table = Table::rendered_by(Ties::Insertion, page);
    for number in 0..count {
        table.insert(&id(number), BASE + (number / 6) as i64 * MINUTE);
    }
    table
}

fn page(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let edited = millis(row.updated.div_euclid(MINUTE) * MINUTE);
    format!(
        "{{\"object\":\"page\",\"id\":\"{id}\",\"last_edited_time\":\"{edited}\",\"archived\":false,\"properties\":{{\"n\":{version}}}}}"
    )
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    refuse(
        status,
        json!({"object": "error", "status": status, "code": code, "message": message}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(401, "unauthorized", "API token is invalid.");
    }
    if request.header("Notion-Version").is_none() {
        return error(
            400,
            "missing_version",
            "Notion-Version header failed validation",
        );
    }
    let body = request.json();
    let bound = &body["filter"]["last_edited_time"]["on_or_after"];
    let Some(since) = bound.as_str().and_then(clock::parse) else {
        return error(400, "validation_error", "body failed validation");
    };
    let size = usize::try_from(body["page_size"].as_u64().unwrap()).unwrap();
    if size > 100 {
        let message = "body.page_size should be less than or equal to `100`";
        return error(400, "validation_error", message);
    }
    let sort = json!([{"timestamp": "last_edited_time", "direction": "ascending"}]);
    let since = Some(since.div_euclid(MINUTE) * MINUTE);
    let (rows, total) = match body["sorts"] == sort {
        true => table.select(since, true, 0, size),
        false => table.select_unsorted(since, true, 0, size),
    };
    let more = rows.len() < total;
    Reply::json(format!(
        "{{\"object\":\"list\",\"results\":{},\"next_cursor\":null,\"has_more\":{more}}}",
        list(&rows)
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&NOTION);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&NOTION, "API token is invalid");
}
