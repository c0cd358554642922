//! What a check may call good: only what could have come out otherwise.

use serde_json::{Value, json};

use crate::support::Scratch;
use crate::support::http::{Reply, Request, Server};
use crate::{clause, report, stands};

fn at(second: usize) -> String {
    let (hours, minutes) = (second / 3600, second / 60 % 60);
    format!("2024-01-15T{hours:02}:{minutes:02}:{:02}Z", second % 60)
}

fn row(second: usize) -> Value {
    json!({"id": second, "updatedAt": at(second)})
}

/// Some of the rows, by offset and limit, with a total.
fn paged(rows: &[Value], request: &Request) -> Reply {
    let number = |name: &str, without: usize| {
        let given = request.param(name).and_then(|text| text.parse().ok());
        given.unwrap_or(without)
    };
    let (offset, limit) = (number("offset", 0), number("limit", 50));
    let page: Vec<&Value> = rows.iter().skip(offset).take(limit).collect();
    Reply::json(json!({"data": page, "offset": offset, "total": rows.len()}))
}

fn since(rows: &[Value], bound: &str) -> Vec<Value> {
    let passes = |row: &&Value| row["updatedAt"].as_str().is_some_and(|text| text >= bound);
    rows.iter().filter(passes).cloned().collect()
}

fn checked(code: i32, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Value {
    let server = Server::start(answer);
    report(code, &["--url", &server.url("/rows")])
}

#[test]
fn rows_that_a_filter_hides_are_counted() {
    let dated: Vec<Value> = (0..120).map(row).collect();
    let bare = (120..200).map(|id| json!({"id": id, "updatedAt": null}));
    let all: Vec<Value> = dated.iter().cloned().chain(bare).collect();
    let found = checked(5, move |request| match request.param("updated_since") {
        Some(bound) => paged(&since(&dated, bound), request),
        None => paged(&all, request),
    });
    stands(&found, "coverage", "broken", "80 of 200 rows");
}

#[test]
fn an_ignored_filter_over_one_timestamp_is_found_from_a_later_bound() {
    let rows: Vec<Value> = (0..30)
        .map(|id| json!({"id": id, "updatedAt": at(1)}))
        .collect();
    let found = checked(5, move |request| paged(&rows, request));
    stands(&found, "filter", "broken", "ignored");
    stands(&found, "filter", "broken", "2024-01-17");
}

#[test]
fn a_filter_in_another_zone_is_no_exclusive_bound() {
    // Two hours of rows, a quarter of an hour apart.
    let rows: Vec<Value> = (0..40).map(|n| row(n * 900)).collect();
    let found = checked(5, move |request| {
        let bound = request.param("updated_since").unwrap_or_default();
        let hour: Option<usize> = bound.get(11..13).and_then(|hour| hour.parse().ok());
        let moved = match hour.filter(|_| bound.starts_with("2024")) {
            Some(hour) => format!("{}{:02}{}", &bound[..11], hour + 1, &bound[13..]),
            None => bound.to_owned(),
        };
        paged(&since(&rows, &moved), request)
    });
    stands(&found, "filter", "broken", "1 hour later");
    assert!(!found.to_string().contains("exclusive\"}"), "{found:#}");
}

#[test]
fn an_order_that_only_happens_to_be_right_is_not_approved() {
    let rows: Vec<Value> = (0..120).map(row).collect();
    let found = checked(5, move |request| {
        let bound = request.param("updated_since").unwrap_or_default();
        paged(&since(&rows, bound), request)
    });
    stands(&found, "sorted", "broken", "has no effect");
}

#[test]
fn each_parameter_that_is_refused_is_named_whatever_the_status() {
    for status in [400, 403, 404, 500] {
        let rows: Vec<Value> = (0..20).map(row).collect();
        let found = checked(4, move |request| {
            let refused = ["order_by", "order_type"];
            match refused.iter().any(|name| request.param(name).is_some()) {
                true => Reply::status(status),
                false => paged(&rows, request),
            }
        });
        stands(&found, "parameters", "broken", "order_by=updatedAt");
        stands(&found, "parameters", "broken", "order_type=asc");
        let found = clause(&found, "parameters")["found"].to_string();
        assert!(!found.contains("limit="), "{found}");
    }
}

#[test]
fn a_table_is_named_by_its_address() {
    let rows: Vec<Value> = (0..20).map(row).collect();
    let server = Server::start(move |request| {
        let bound = request.param("updated_since").unwrap_or_default();
        let mut some = since(&rows, bound);
        if request.param("order_type") == Some("desc") {
            some.reverse();
        }
        paged(&some, request)
    });
    let scratch = Scratch::new();
    let outcome = crate::check(&scratch, &["--url", &server.url("/v1/Books/"), "--suggest"]);
    let outcome = outcome.expect(0);
    assert!(
        outcome.stdout.contains("\"table\": \"books\""),
        "{}",
        outcome.stdout
    );
}
