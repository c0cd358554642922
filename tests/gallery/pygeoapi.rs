//! pygeoapi (OGC API Features): GeoJSON, an open interval of times, the fields
//! one level down, limits clamped.

use serde_json::json;

use crate::contract::{self, Contract};
use crate::model::{counted, list, millis, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "pygeoapi-gateway-token";
const MAX_ITEMS: usize = 100;

static PYGEOAPI: Contract = Contract {
    name: "pygeoapi",
    path: "/collections/stations/items",
    secret: ("PYGEOAPI_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, feature, counted, 123_000, count),
    id: counted,
    key: "/id",
};

fn feature(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!(
        "{{\"type\":\"Feature\",\"id\":{id},\"properties\":{{\"updated\":\"{updated}\",\"value\":{version}.50}},\"geometry\":{{\"type\":\"Point\",\"coordinates\":[-75.0,45.0]}}}}"
    )
}

fn error(status: u16, code: &str, description: &str) -> Reply {
    refuse(
        status,
        json!({"code": code, "type": code, "description": description}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(401, "NotAuthorized", "the gateway wants a token");
    }
    let interval = request.param("datetime");
    let since = match interval.map(|interval| clock::parse(interval.strip_suffix("/..")?)) {
        Some(None) => {
            return error(
                400,
                "InvalidParameterValue",
                "datetime parameter out of range",
            );
        }
        since => since.flatten(),
    };
    let limit = number(request, "limit").unwrap_or(10).min(MAX_ITEMS);
    let offset = number(request, "offset").unwrap_or(0);
    let (rows, total) = match request.param("sortby") {
        Some("updated") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    let (features, returned) = (list(&rows), rows.len());
    Reply::json(format!(
        "{{\"type\":\"FeatureCollection\",\"features\":{features},\"numberMatched\":{total},\"numberReturned\":{returned},\"links\":[],\"timeStamp\":\"2026-01-01T00:00:00.000000Z\"}}"
    ))
    .header("Content-Type", "application/geo+json")
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&PYGEOAPI);
    contract::brings_all_rows_and_then_the_changes(&PYGEOAPI);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&PYGEOAPI);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&PYGEOAPI, "the gateway wants a token");
    contract::tells_which_bound_was_refused(
        &PYGEOAPI,
        "\"first\": null",
        "datetime parameter out of range",
    );
}
