//! Sails' blueprints: times as milliseconds in JSON numbers, a JSON condition
//! in one parameter, a bare array, and no total.

use serde_json::{Value, json};

use crate::contract::{self, Contract};
use crate::model::{counted, list, number, refuse, table};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "sails-policy-token";

static SAILS: Contract = Contract {
    name: "sails",
    path: "/user",
    secret: ("SAILS_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Id, user, counted, 123_000, count),
    id: counted,
    key: "/id",
};

fn user(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, row.updated.div_euclid(1000));
    format!("{{\"createdAt\":1,\"updatedAt\":{updated},\"id\":{id},\"visits\":{version}}}")
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refuse(
            403,
            json!({"code": "E_FORBIDDEN", "message": "You are not permitted to perform this action."}),
        );
    }
    let condition = request.param("where").map(|text| {
        let condition: Value = serde_json::from_str(text).ok()?;
        Some(condition.pointer("/updatedAt/>=")?.as_i64()? * 1000)
    });
    let since = match condition {
        Some(None) => {
            let problem =
                "The `where` clause provided in the query string could not be parsed as JSON.";
            return refuse(
                400,
                json!({"code": "E_INVALID_CRITERIA", "problems": [problem]}),
            );
        }
        since => since.flatten(),
    };
    let (limit, skip) = (
        number(request, "limit").unwrap_or(30),
        number(request, "skip").unwrap_or(0),
    );
    let (rows, _) = match request.param("sort") {
        Some(r#"[{"updatedAt":"ASC"},{"id":"ASC"}]"#) => table.select(since, true, skip, limit),
        _ => table.select_unsorted(since, true, skip, limit),
    };
    Reply::json(list(&rows))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&SAILS);
    contract::brings_all_rows_and_then_the_changes(&SAILS);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&SAILS);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&SAILS, "You are not permitted");
    contract::tells_which_bound_was_refused(&SAILS, "\"first\": 0", "could not be parsed as JSON");
}
