//! Kinto: numbers of milliseconds as times, which it takes in quotes as an ETag
//! has them, a bound that is exclusive, and the next page's address in a header
//! of its own. Totals come with HEAD alone.

use serde_json::json;

use crate::contract::{self, Contract};
use crate::model::{counted, list, number, refuse, table};
use crate::support::clock::SECOND;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const BASIC: &str = "dG9rZW46cmVhZGVyLXNlY3JldA==";
const PAGINATE_BY: usize = 100;

static KINTO: Contract = Contract {
    name: "kinto",
    path: "/v1/buckets/blog/collections/articles/records",
    secret: ("KINTO_BASIC", BASIC),
    answer,
    table: |count| table(Ties::Id, record, counted, 7_000, count),
    id: counted,
    key: "/id",
};

fn record(row: &Row) -> String {
    let (id, version, modified) = (&row.id, row.version, row.updated * 1000 / SECOND);
    format!("{{\"id\":\"{id}\",\"words\":{version},\"last_modified\":{modified}}}")
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Basic {BASIC}")) {
        let message = "Please authenticate yourself to use this endpoint.";
        let body = json!({"code": 401, "errno": 104, "error": "Unauthorized", "message": message});
        return refuse(401, body);
    }
    let since = match request.param("_since") {
        None => None,
        Some(text) => {
            let digits = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            match digits.and_then(|digits| digits.parse::<i64>().ok()) {
                Some(since) => Some(since * SECOND / 1000),
                None => {
                    let message = "_since in querystring: Invalid value for _since";
                    let body = json!({"code": 400, "errno": 107, "error": "Invalid parameters", "message": message});
                    return refuse(400, body);
                }
            }
        }
    };
    assert_eq!(request.param("_sort"), Some("last_modified"));
    let limit = number(request, "_limit")
        .unwrap_or(PAGINATE_BY)
        .min(PAGINATE_BY);
    let offset = request
        .param("_token")
        .map_or(0, |token| token.parse().unwrap());
    let (rows, total) = table.select(since, false, offset, limit);
    let reply = Reply::json(format!("{{\"data\":{}}}", list(&rows)));
    let next = offset + rows.len();
    if next == total {
        return reply;
    }
    let host = request.header("Host").unwrap();
    let path = &request.path;
    let query = request.raw_target.split_once('?').unwrap().1;
    let query = query.split('&').filter(|pair| !pair.starts_with("_token="));
    let query: Vec<&str> = query.collect();
    let query = query.join("&");
    reply.header(
        "Next-Page",
        format!("http://{host}{path}?{query}&_token={next}"),
    )
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&KINTO);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&KINTO);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&KINTO, "Please authenticate yourself");
    contract::tells_which_bound_was_refused(&KINTO, "\"first\": null", "Invalid value for _since");
}
