//! CouchDB's `_find`: a selector that must be there, times that are compared as
//! text, no total.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, millis, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

/// reader:secret
const BASIC: &str = "cmVhZGVyOnNlY3JldA==";

static COUCHDB: Contract = Contract {
    name: "couchdb",
    path: "/orders/_find",
    secret: ("COUCHDB_BASIC", BASIC),
    answer,
    table: |count| table(Ties::Insertion, order, counted, 123_000, count),
    id: counted,
    key: "/_id",
};

fn order(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!(
        "{{\"_id\":\"{id}\",\"_rev\":\"{version}-967a00dff5e02add41819138abb3284d\",\"updated_at\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Basic {BASIC}")) {
        return refuse(
            401,
            json!({"error": "unauthorized", "reason": "Name or password is incorrect."}),
        );
    }
    if request.header("Content-Type") != Some("application/json") {
        let reason = "Content-Type must be application/json";
        return refuse(415, json!({"error": "bad_content_type", "reason": reason}));
    }
    let body = request.json();
    let Some(selector) = body["selector"].as_object() else {
        let reason = "Missing required key: selector";
        return refuse(
            400,
            json!({"error": "missing_required_key", "reason": reason}),
        );
    };
    let sort = &body["sort"][0];
    if sort != &json!({"updated_at": "asc"}) {
        let reason = "No index exists for this sort, try indexing by the sort fields.";
        return refuse(400, json!({"error": "no_usable_index", "reason": reason}));
    }
    // Any text is a bound: it is compared as such.
    let since = selector["updated_at"]["$gte"].as_str().unwrap();
    let since = match clock::parse(since) {
        Some(time) => Some(time),
        None => Some(i64::MAX),
    };
    let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
    let (rows, _) = table.select(since, true, number("skip"), number("limit"));
    Reply::json(format!(
        "{{\"docs\":{},\"bookmark\":\"g1AAAAB4eJzLYWBgYMpgSmHgKy5JLCrJTq2MT8lPzkzJBYqzAFkmIDkOmFwOSGU2AG3RD1s\"}}",
        list(&rows)
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&COUCHDB);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&COUCHDB);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&COUCHDB, "Name or password is incorrect");
}

#[test]
fn a_missing_index_and_a_missing_selector_are_told() {
    for (from, to, said) in [
        (
            "[{\"updated_at\": \"asc\"}]",
            "[{\"name\": \"asc\"}]",
            "No index exists",
        ),
        (
            "\"first\": \"1970-01-01T00:00:00Z\"",
            "\"first\": null",
            "Missing required key",
        ),
    ] {
        let outcome = Trial::start(&COUCHDB, 30)
            .altered(from, to)
            .sync(&[])
            .expect(4);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}
