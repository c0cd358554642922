//! Names and types that a suggestion gives.

use serde_json::{Value, json};

use crate::check;
use crate::support::Scratch;
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Server};

/// The file that is suggested for rows like these, by the reference's
/// parameters.
fn suggested(path: &str, row: fn(usize, &str) -> Value) -> Value {
    let server = Server::start(move |request| {
        let number = |name: &str, without: usize| {
            let given = request.param(name).and_then(|text| text.parse().ok());
            given.unwrap_or(without)
        };
        let bound = request
            .param("updated_since")
            .unwrap_or_default()
            .to_owned();
        let bound = bound.trim_end_matches('Z');
        let mut rows: Vec<Value> = (0..90)
            .map(|id| (id, clock::rfc3339(BASE + id as i64 * SECOND)))
            .filter(|(_, time)| time.trim_end_matches('Z') >= bound)
            .map(|(id, time)| row(id, &time))
            .collect();
        if request.param("order_type") == Some("desc") {
            rows.reverse();
        }
        let page = rows
            .iter()
            .skip(number("offset", 0))
            .take(number("limit", 50));
        Reply::json(
            json!({"data": page.collect::<Vec<_>>(), "offset": number("offset", 0), "total": rows.len()}),
        )
    });
    let outcome = check(&Scratch::new(), &["--url", &server.url(path), "--suggest"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn the_time_in_utc_is_taken_before_the_local_one() {
    let file = suggested("/posts", |id, time| {
        let wall = time.trim_end_matches('Z');
        json!({"id": id, "modified": wall.replace("T10", "T05"), "modified_gmt": wall, "updatedAt": null})
    });
    assert_eq!(file["cursor"], "modified_gmt");
    assert_eq!(file["columns"]["modified_gmt"], "UTC_DATETIME");
    assert_eq!(file["columns"]["modified"], "NAIVE_DATETIME");
}

#[test]
fn a_time_without_a_zone_is_never_typed_as_utc() {
    let file = suggested("/posts", |id, time| {
        let wall = time.trim_end_matches('Z');
        json!({"id": id, "updatedAt": wall, "seen": wall})
    });
    assert_eq!(file["cursor"], "updatedAt");
    assert_eq!(file["columns"]["updatedAt"], "NAIVE_DATETIME");
    assert_eq!(file["columns"]["seen"], "NAIVE_DATETIME");
}

#[test]
fn the_id_that_stays_is_taken_before_that_of_a_version() {
    let file = suggested(
        "/posts",
        |id, time| json!({"id": id, "documentId": format!("d{id:08}"), "updatedAt": time}),
    );
    assert_eq!(file["primary_key"], json!(["documentId"]));
}

#[test]
fn whole_numbers_of_a_page_promise_no_whole_numbers() {
    let file = suggested(
        "/posts",
        |id, time| json!({"id": id, "stock": id * 3, "updatedAt": time}),
    );
    assert_eq!(file["columns"]["id"], "DECIMAL");
    assert_eq!(file["columns"]["stock"], "DECIMAL");
}

#[test]
fn the_table_is_called_as_the_address_says() {
    let row: fn(usize, &str) -> Value = |id, time| json!({"id": id, "updatedAt": time});
    for (path, name) in [
        ("/Books", "books"),
        ("/api/v1/Books/", "books"),
        ("/odata/Products.json", "products"),
        ("/collections/stations/items", "stations"),
        ("/items/articles", "articles"),
        ("/api/order-lines?active=true", "order_lines"),
    ] {
        assert_eq!(suggested(path, row)["table"], name, "{path}");
    }
}
