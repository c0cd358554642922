//! Odoo over JSON-RPC: positional arguments, a domain of conditions, times in
//! UTC without a zone that are shown to the second and kept to the microsecond,
//! and every error with status 200.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const KEY: &str = "b8a3c1d2e4f5061728394a5b6c7d8e9f00112233";

static ODOO: Contract = Contract {
    name: "odoo",
    path: "/jsonrpc",
    secret: ("ODOO_KEY", KEY),
    answer,
    table: |count| table(Ties::Insertion, partner, counted, 321_987, count),
    id: counted,
    key: "/id",
};

fn partner(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let written = clock::rfc3339(row.updated.div_euclid(SECOND) * SECOND);
    let written = written.replace('T', " ").replace('Z', "");
    format!(
        "{{\"id\":{id},\"name\":\"Partner {id}\",\"color\":{version},\"street2\":false,\"country_id\":[20,\"Belgium\"],\"write_date\":\"{written}\"}}"
    )
}

/// Errors come with status 200.
fn error(name: &str, message: &str) -> Reply {
    Reply::json(json!({"jsonrpc": "2.0", "id": 1, "error": {
        "code": 200,
        "message": "Odoo Server Error",
        "data": {"name": name, "debug": "Traceback (most recent call last): …", "message": message},
    }}))
}

/// The bound of a domain that asks for nothing else.
fn bound(domain: &Value) -> Option<Option<i64>> {
    match domain.as_array()?.as_slice() {
        [] => Some(None),
        [condition] => {
            let [field, operator, value] = condition.as_array()?.as_slice() else {
                return None;
            };
            (field == "write_date" && operator == ">=").then_some(())?;
            let time = clock::parse(&format!("{}Z", value.as_str()?.replace(' ', "T")))?;
            Some(Some(time))
        }
        _ => None,
    }
}

fn answer(request: &Request, table: &Table) -> Reply {
    let body = request.json();
    assert_eq!(request.method, "POST");
    assert_eq!(
        (&body["jsonrpc"], &body["method"]),
        (&json!("2.0"), &json!("call"))
    );
    let params = &body["params"];
    assert_eq!(params["method"], "execute_kw");
    let args = params["args"].as_array().unwrap();
    if args[..3] != [json!("database"), json!(2), json!(KEY)] {
        return error("odoo.exceptions.AccessDenied", "Access Denied");
    }
    assert_eq!(args[3..5], ["res.partner", "search_read"]);
    let Some(since) = bound(&args[5][0]) else {
        return error(
            "builtins.ValueError",
            &format!("Invalid leaf {}", args[5][0]),
        );
    };
    let keywords = &args[6];
    let number = |name: &str| usize::try_from(keywords[name].as_u64().unwrap()).unwrap();
    let (offset, limit) = (number("offset"), number("limit"));
    let (rows, _) = match keywords["order"].as_str() {
        Some("write_date, id") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    Reply::json(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}}",
        list(&rows)
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&ODOO);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&ODOO);
}

#[test]
fn a_refusal_says_why_though_its_status_is_200() {
    contract::tells_why_it_was_refused(&ODOO, "Access Denied");
}

#[test]
fn the_first_sync_asks_without_the_condition() {
    let trial = Trial::start(&ODOO, 30);
    trial.assert_is_table(&trial.rows(&[]));
    let domain = |request: &Request| request.json()["params"]["args"][5].clone();
    let requests = trial.model.requests();
    assert_eq!(domain(&requests[0]), json!([[]]));
    trial.rows(&[]);
    let last = trial.model.requests().pop().unwrap();
    assert_eq!(domain(&last)[0][0][0], "write_date");
}

#[test]
fn a_condition_that_is_wrong_is_told() {
    let trial = Trial::start(&ODOO, 30)
        .altered("\"write_date\", \">=\"", "\"writedate\", \">=\"")
        .altered("\"first\": null", "\"first\": \"1970-01-01 00:00:00\"");
    let outcome = trial.sync(&[]).expect(4);
    assert!(
        outcome.stderr.contains("Invalid leaf"),
        "{}",
        outcome.stderr
    );
}
