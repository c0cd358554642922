//! Parse Server: a JSON condition in one parameter, dates as objects in it, and
//! a count that is only there where it is asked for.

use serde_json::{Value, json};

use crate::contract::{self, Contract};
use crate::model::{list, millis, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const KEY: &str = "parse-rest-api-key";

static PARSE: Contract = Contract {
    name: "parse",
    path: "/parse/classes/GameScore",
    secret: ("PARSE_KEY", KEY),
    answer,
    table: |count| table(Ties::Id, score, id, 123_000, count),
    id,
    key: "/objectId",
};

fn id(number: usize) -> String {
    format!("Ed{number:08}")
}

fn score(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!(
        "{{\"objectId\":\"{id}\",\"score\":{version},\"playedAt\":{{\"__type\":\"Date\",\"iso\":\"{updated}\"}},\"updatedAt\":\"{updated}\"}}"
    )
}

/// The bound of `{"updatedAt":{"$gte":{"__type":"Date","iso":…}}}`.
fn bound(condition: &str) -> Option<i64> {
    let condition: Value = serde_json::from_str(condition).ok()?;
    let date = condition.pointer("/updatedAt/$gte")?;
    (date["__type"] == "Date").then(|| clock::parse(date["iso"].as_str()?))?
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("X-Parse-REST-API-Key") != Some(KEY) {
        return refuse(403, json!({"error": "unauthorized"}));
    }
    let since = match request.param("where").map(bound) {
        Some(None) => return refuse(400, json!({"code": 102, "error": "bad $gte value"})),
        since => since.flatten(),
    };
    let limit = number(request, "limit").unwrap_or(100);
    let skip = number(request, "skip").unwrap_or(0);
    let (rows, total) = match request.param("order") {
        Some("updatedAt,objectId") => table.select(since, true, skip, limit),
        _ => table.select_unsorted(since, true, skip, limit),
    };
    let count = match request.param("count") {
        Some("1") => format!(",\"count\":{total}"),
        _ => String::new(),
    };
    Reply::json(format!("{{\"results\":{}{count}}}", list(&rows)))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&PARSE);
    contract::brings_all_rows_and_then_the_changes(&PARSE);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&PARSE);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&PARSE, "unauthorized");
    contract::tells_which_bound_was_refused(&PARSE, "\"first\": null", "bad $gte value");
}
