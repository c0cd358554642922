//! Elasticsearch, OpenSearch: the rows wrapped in hits, and no page beyond the
//! first 10,000 of them.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, millis, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const KEY: &str = "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==";
const WINDOW: usize = 10_000;

static ELASTICSEARCH: Contract = Contract {
    name: "elasticsearch",
    path: "/orders/_search",
    secret: ("ELASTIC_KEY", KEY),
    answer,
    table: |count| table(Ties::Insertion, order, counted, 123_000, count),
    id: counted,
    key: "/id",
};

fn order(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!("{{\"id\":\"{id}\",\"total\":{version}.50,\"updated_at\":\"{updated}\"}}")
}

fn error(status: u16, kind: &str, reason: &str) -> Reply {
    let cause = json!({"type": kind, "reason": reason});
    refuse(
        status,
        json!({"error": {"root_cause": [cause], "type": kind, "reason": reason}, "status": status}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("ApiKey {KEY}")) {
        return error(
            401,
            "security_exception",
            "unable to authenticate with provided credentials",
        );
    }
    if request.header("Content-Type") != Some("application/json") {
        return refuse(
            406,
            json!({"error": "Content-Type header is not supported"}),
        );
    }
    let body = request.json();
    let since = match body["query"]["range"]["updated_at"]["gte"].as_str() {
        Some(text) => match clock::parse(text) {
            None => {
                let reason = format!("failed to parse date field [{text}]");
                return error(400, "parse_exception", &reason);
            }
            since => since,
        },
        // Without a query all match.
        None => {
            assert_eq!(body["query"], json!(null));
            None
        }
    };
    let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
    let (from, size) = (number("from"), number("size"));
    if from + size > WINDOW {
        let reason = format!(
            "Result window is too large, from + size must be less than or equal to: [{WINDOW}] but was [{}].",
            from + size
        );
        return error(400, "illegal_argument_exception", &reason);
    }
    let (rows, total) = match body["sort"] == json!([{"updated_at": "asc"}, {"id": "asc"}]) {
        true => table.select(since, true, from, size),
        false => table.select_unsorted(since, true, from, size),
    };
    // Unless all are to be counted, it stops at 10,000.
    let (value, relation) = match body["track_total_hits"] == json!(true) {
        true => (total, "eq"),
        false if total > WINDOW => (WINDOW, "gte"),
        false => (total, "eq"),
    };
    let hits: Vec<String> = rows
        .iter()
        .map(|row| {
            let (id, source) = (&row.id, &row.json);
            format!(
                "{{\"_index\":\"orders\",\"_id\":\"{id}\",\"_score\":null,\"_source\":{source},\"sort\":[1,\"{id}\"]}}"
            )
        })
        .collect();
    Reply::json(format!(
        "{{\"took\":3,\"timed_out\":false,\"hits\":{{\"total\":{{\"value\":{value},\"relation\":\"{relation}\"}},\"max_score\":null,\"hits\":[{}]}}}}",
        hits.join(",")
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&ELASTICSEARCH);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&ELASTICSEARCH);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&ELASTICSEARCH, "unable to authenticate");
    contract::tells_which_bound_was_refused(
        &ELASTICSEARCH,
        "\"first\": null",
        "failed to parse date field",
    );
}

#[test]
fn more_rows_than_the_window_holds_come_all_the_same() {
    let trial = Trial::start(&ELASTICSEARCH, 0);
    for number in 0..WINDOW + 500 {
        let time = clock::BASE + (number / 3) as i64 * SECOND;
        trial.model.table().insert(&counted(number), time);
    }
    trial.assert_is_table(&trial.rows(&[]));
    let deepest = trial
        .model
        .requests()
        .iter()
        .map(|r| r.json()["from"].as_u64())
        .max();
    assert!(deepest.unwrap().unwrap() > 8000);
}
