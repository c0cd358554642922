//! Pages that are found by a link, a flag or the last timestamp, and ends that
//! are refusals.

use serde_json::{Value, json};

use crate::Place;
use crate::support::http::{Reply, Request, Server};

/// Row number `n`; three rows share a second.
fn row(n: usize) -> Value {
    let (minute, second) = (n / 3 / 60, n / 3 % 60);
    json!({"id": n, "at": format!("2024-01-15T10:{minute:02}:{second:02}Z")})
}

/// The rows from the bound on, of so many.
fn from(request: &Request, count: usize) -> Vec<Value> {
    let since = request.param("since").unwrap_or_default().to_owned();
    let rows = (0..count).map(row);
    rows.filter(|row| row["at"].as_str() >= Some(&since))
        .collect()
}

fn number(request: &Request, name: &str) -> usize {
    request
        .param(name)
        .map_or(0, |value| value.parse().unwrap())
}

/// Two syncs bring all rows once, and nothing more; the requests of each.
fn brings_all(server: &Server, connection: &Value, count: usize) -> [usize; 2] {
    let mut connection = connection.clone();
    connection["url"] = json!(server.url("/rows"));
    connection["cursor"] = json!("at");
    connection["since"] = json!({"first": null});
    let place = Place::new(&connection);
    let mut requests = [0, 0];
    for (nth, rows) in [count, 0].into_iter().enumerate() {
        let before = server.requests().len();
        let receipt = place.sync(&[]).expect(0).receipt();
        assert_eq!(receipt["rows"], rows, "{receipt}");
        assert_eq!(receipt["complete"], true, "{receipt}");
        requests[nth] = server.requests().len() - before;
    }
    requests
}

#[test]
fn links_to_the_next_page_are_followed_in_the_body_and_in_the_header() {
    for header in [false, true] {
        let server = Server::start(move |request| {
            let rows = from(request, 95);
            let start = number(request, "cursor");
            let page: Vec<Value> = rows.iter().skip(start).take(20).cloned().collect();
            let since = request.param("since").unwrap_or_default();
            let link = format!("/rows?since={since}&cursor={}", start + 20);
            let next = (rows.len() > start + 20).then_some(link);
            let reply = Reply::json(json!({
                "items": page,
                "links": {"next": if header { None } else { next.clone() }},
            }));
            match next.filter(|_| header) {
                Some(next) => reply.header("Link", format!("<{next}>; rel=\"next\"")),
                None => reply,
            }
        });
        let next = if header { "header:Link" } else { "/links/next" };
        let connection = json!({
            "query": {"since": "{since}", "size": "{limit}"},
            "page_size": 20,
            "response": {"rows": "/items", "offset": null, "total": null, "next": next},
        });
        brings_all(&server, &connection, 95);
    }
}

#[test]
fn a_flag_says_which_page_is_the_last() {
    let server = Server::start(|request| {
        let rows = from(request, 100);
        let start = number(request, "offset");
        let page: Vec<Value> = rows.iter().skip(start).take(20).cloned().collect();
        Reply::json(json!({"items": page, "has_more": rows.len() > start + 20}))
    });
    let connection = json!({
        "query": {"since": "{since}", "offset": "{offset}", "size": "{limit}"},
        "page_size": 20,
        "response": {"rows": "/items", "offset": null, "total": null, "more": "/has_more"},
    });
    let requests = brings_all(&server, &connection, 100);
    // One for each 18 rows or so, one for the end, and one that is quiet.
    assert!(requests[0] <= 7 && requests[1] == 1, "{requests:?}");
}

#[test]
fn a_page_past_the_last_may_be_refused() {
    for status in [400, 404, 416, 422] {
        for name in ["{page}", "{offset}", "{offset1}"] {
            let server = Server::start(move |request| {
                let rows = from(request, 100);
                let place = number(request, "place");
                let start = match name {
                    "{page}" => (place - 1) * 20,
                    "{offset1}" => place - 1,
                    _ => place,
                };
                if start > 0 && start >= rows.len() {
                    return Reply::json(json!({"detail": "Invalid page."})).with_status(status);
                }
                let page: Vec<Value> = rows.iter().skip(start).take(20).cloned().collect();
                Reply::json(json!({ "items": page }))
            });
            let connection = json!({
                "query": {"since": "{since}", "place": name, "size": "{limit}"},
                "page_size": 20,
                "response": {"rows": "/items", "offset": null, "total": null},
            });
            brings_all(&server, &connection, 100);
        }
    }
}

#[test]
fn without_an_offset_each_page_is_asked_for_from_the_last_timestamp() {
    let server = Server::start(|request| {
        let page: Vec<Value> = from(request, 100).into_iter().take(20).collect();
        Reply::json(json!({ "items": page }))
    });
    let connection = json!({
        "query": {"since": "{since}", "size": "{limit}"},
        "page_size": 20,
        "response": {"rows": "/items", "offset": null, "total": null},
    });
    brings_all(&server, &connection, 100);
}

#[test]
fn a_cap_of_the_offsets_that_is_refused_is_passed_by_a_new_window() {
    let server = Server::start(|request| {
        let start = number(request, "offset");
        if start > 60 {
            return Reply::json(json!({"error": "offset too large"})).with_status(400);
        }
        let page: Vec<Value> = from(request, 300)
            .into_iter()
            .skip(start)
            .take(20)
            .collect();
        Reply::json(json!({ "items": page }))
    });
    let connection = json!({
        "query": {"since": "{since}", "offset": "{offset}", "size": "{limit}"},
        "page_size": 20,
        "response": {"rows": "/items", "offset": null, "total": null},
    });
    brings_all(&server, &connection, 300);
}
