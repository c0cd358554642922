//! WordPress: times on the site's own wall, without an offset, compared as they
//! stand; an exclusive bound; the total in a header.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, falling, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const BASIC: &str = "ZWRpdG9yOmFiY2QgRUZHSCAxMjM0";
/// New York in January, where the table's rows are.
const AHEAD: i64 = -5 * 3600 * SECOND;

static WORDPRESS: Contract = Contract {
    name: "wordpress",
    path: "/wp-json/wp/v2/posts",
    secret: ("WORDPRESS_BASIC", BASIC),
    answer,
    table: |count| table(Ties::Insertion, post, counted, 1_000_000, count),
    id: counted,
    key: "/id",
};

fn post(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let wall = |ahead: i64| {
        clock::rfc3339(row.updated + ahead)
            .trim_end_matches('Z')
            .to_owned()
    };
    let (modified, gmt) = (wall(AHEAD), wall(0));
    format!(
        "{{\"id\":{id},\"modified\":\"{modified}\",\"modified_gmt\":\"{gmt}\",\"status\":\"publish\",\"title\":{{\"rendered\":\"version {version}\"}},\"_links\":{{\"self\":[]}}}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Basic {BASIC}")) {
        let message = "Sorry, you are not allowed to do that.";
        return refuse(
            401,
            json!({"code": "rest_forbidden_context", "message": message, "data": {"status": 401}}),
        );
    }
    let limit = number(request, "per_page").unwrap_or(10);
    if !(1..=100).contains(&limit) {
        let message = "Invalid parameter(s): per_page";
        return refuse(
            400,
            json!({"code": "rest_invalid_param", "message": message, "data": {"status": 400}}),
        );
    }
    let since = match request
        .param("modified_after")
        .map(|text| clock::parse(&format!("{text}Z")))
    {
        Some(None) => {
            let message = "Invalid parameter(s): modified_after";
            return refuse(
                400,
                json!({"code": "rest_invalid_param", "message": message, "data": {"status": 400}}),
            );
        }
        since => since.flatten().map(|wall| wall - AHEAD),
    };
    let offset = number(request, "offset").unwrap_or(0);
    let (rows, total) = match (request.param("orderby"), request.param("order")) {
        (Some("modified"), Some("asc")) => table.select(since, false, offset, limit),
        (_, Some("desc")) => falling(table.select(since, false, 0, usize::MAX), offset, limit),
        _ => table.select_unsorted(since, false, offset, limit),
    };
    // The links are another object at each request.
    let rows = rows.iter().map(|row| {
        let mut row: Value = serde_json::from_str(&row.json).unwrap();
        row["_links"]["self"] = json!([{"href": request.raw_target}]);
        row
    });
    Reply::json(Value::from(rows.collect::<Vec<_>>())).header("X-WP-Total", total)
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&WORDPRESS);
    contract::brings_all_rows_and_then_the_changes_as(&WORDPRESS, |row| {
        row["_links"] = Value::Null
    });
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&WORDPRESS, "you are not allowed to do that");
    contract::tells_which_bound_was_refused(&WORDPRESS, "\"first\": null", "modified_after");
}

#[test]
fn a_page_beyond_the_highest_is_refused_by_name() {
    let outcome = Trial::start(&WORDPRESS, 30)
        .sync(&["--page-size", "101"])
        .expect(4);
    assert!(outcome.stderr.contains("per_page"), "{}", outcome.stderr);
}
