//! LoopBack 4: the whole question as JSON in one parameter, a bare array, and
//! no total.

use serde_json::{Value, json};

use crate::contract::{self, Contract};
use crate::model::{counted, list, millis, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.loopback.c2ln";

static LOOPBACK: Contract = Contract {
    name: "loopback",
    path: "/customers",
    secret: ("LOOPBACK_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Id, customer, counted, 123_000, count),
    id: counted,
    key: "/id",
};

fn customer(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!("{{\"id\":{id},\"orders\":{version},\"updatedAt\":\"{updated}\"}}")
}

fn error(status: u16, name: &str, message: &str) -> Reply {
    refuse(
        status,
        json!({"error": {"statusCode": status, "name": name, "message": message}}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(
            401,
            "UnauthorizedError",
            "Error verifying token : invalid signature",
        );
    }
    let filter = request.param("filter").unwrap_or("{}");
    let Ok(filter) = serde_json::from_str::<Value>(filter) else {
        return error(
            400,
            "BadRequestError",
            "Invalid JSON value for parameter \"filter\".",
        );
    };
    let since = match filter
        .pointer("/where/updatedAt/gte")
        .map(|bound| bound.as_str().and_then(clock::parse))
    {
        Some(None) => return error(400, "BadRequestError", "Invalid date: yesterday"),
        since => since.flatten(),
    };
    let size = |name: &str| {
        filter[name]
            .as_u64()
            .map(|size| usize::try_from(size).unwrap())
    };
    let (limit, skip) = (
        size("limit").unwrap_or(usize::MAX),
        size("skip").unwrap_or(0),
    );
    let (rows, _) = match filter["order"] == json!(["updatedAt ASC", "id ASC"]) {
        true => table.select(since, true, skip, limit),
        false => table.select_unsorted(since, true, skip, limit),
    };
    Reply::json(list(&rows))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&LOOPBACK);
    contract::brings_all_rows_and_then_the_changes(&LOOPBACK);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&LOOPBACK);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&LOOPBACK, "Error verifying token");
}
