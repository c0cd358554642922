//! Strapi 5: filters and paging in brackets, the offset echoed and the total
//! beside it, limits clamped, unknown operators refused.

use serde_json::json;

use crate::contract::{self, Contract};
use crate::model::{falling, list, millis, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "1a2b3c4d5e6f-strapi-api-token";
const MAX_LIMIT: usize = 100;

static STRAPI: Contract = Contract {
    name: "strapi",
    path: "/api/articles",
    secret: ("STRAPI_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Id, article, id, 123_000, count),
    id,
    key: "/documentId",
};

fn id(number: usize) -> String {
    format!("doc{number:021}")
}

fn article(row: &Row) -> String {
    let (id, serial, version, updated) = (&row.id, row.serial, row.version, millis(row.updated));
    format!(
        "{{\"id\":{serial},\"documentId\":\"{id}\",\"title\":\"version {version}\",\"updatedAt\":\"{updated}\"}}"
    )
}

fn error(status: u16, name: &str, message: &str) -> Reply {
    let error = json!({"status": status, "name": name, "message": message, "details": {}});
    refuse(status, json!({"data": null, "error": error}))
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(401, "UnauthorizedError", "Missing or invalid credentials");
    }
    let mut since = None;
    for (name, value) in &request.query {
        if !name.starts_with("filters") {
            continue;
        }
        if name != "filters[updatedAt][$gte]" {
            return error(400, "ValidationError", "Invalid key in filters");
        }
        match clock::parse(value) {
            Some(time) => since = Some(time),
            None => {
                return error(
                    400,
                    "ValidationError",
                    "Invalid format, expected a timestamp or an ISO date",
                );
            }
        }
    }
    let limit = number(request, "pagination[limit]")
        .unwrap_or(25)
        .min(MAX_LIMIT);
    let start = number(request, "pagination[start]").unwrap_or(0);
    let sort = (request.param("sort[0]"), request.param("sort[1]"));
    let (rows, total) = match sort {
        (Some("updatedAt:asc"), Some("documentId:asc")) => table.select(since, true, start, limit),
        (Some("updatedAt:desc"), _) => {
            falling(table.select(since, true, 0, usize::MAX), start, limit)
        }
        _ => table.select_unsorted(since, true, start, limit),
    };
    let data = list(&rows);
    Reply::json(format!(
        "{{\"data\":{data},\"meta\":{{\"pagination\":{{\"start\":{start},\"limit\":{limit},\"total\":{total}}}}}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&STRAPI);
    contract::brings_all_rows_and_then_the_changes(&STRAPI);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&STRAPI);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&STRAPI, "Missing or invalid credentials");
    contract::tells_which_bound_was_refused(
        &STRAPI,
        "\"first\": \"1970-01-01T00:00:00.000Z\"",
        "Invalid format, expected a timestamp",
    );
}
