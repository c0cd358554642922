//! Answers that mean something else than their status says: no rows, later, or
//! an error.

use serde_json::{Value, json};

use crate::support::http::{Reply, Server};
use crate::{Place, faulty, says};

#[test]
fn no_content_and_nothing_new_are_no_rows() {
    for status in [204, 304] {
        let server = Server::start(move |_| Reply::status(status));
        let place = Place::new(&json!({"url": server.url("/")}));
        let outcome = place.sync(&["--max-retries", "0"]).expect(0);
        let receipt = outcome.receipt();
        assert_eq!(receipt["complete"], true);
        assert_eq!(
            (&receipt["rows"], &receipt["file"]),
            (&json!(0), &Value::Null)
        );
        assert_eq!(outcome.stderr, "");
        assert_eq!(server.requests().len(), 1);
        place.run("check", &[], &[]);
    }
}

#[test]
fn a_status_means_no_rows_where_the_connection_says_so() {
    let server = Server::start(|_| {
        let page = "<html>nothing here</html>";
        Reply::status(404)
            .header("Content-Type", "text/html")
            .body(page)
    });
    let mut of = json!({"url": server.url("/")});
    let outcome = Place::new(&of).sync(&[]).expect(4);
    says(&outcome, &["404", "statuses.empty"]);
    of["statuses"] = json!({"empty": [404]});
    assert_eq!(Place::new(&of).rows(&[]).len(), 0);
}

#[test]
fn a_status_means_later_where_the_connection_says_so() {
    let mut of = json!({"statuses": {"retry": [403, "409"]}});
    for status in [403, 409] {
        let server = faulty(120, move |_, nth| {
            (nth == 2).then(|| Reply::status(status).header("Retry-After", 0))
        });
        of["url"] = json!(server.url("/"));
        let place = Place::new(&of);
        assert_eq!(place.rows(&[]).len(), 120);
    }
    let server = Server::start(|_| Reply::status(403));
    of["url"] = json!(server.url("/"));
    Place::new(&of).sync(&["--max-retries", "1"]).expect(3);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_answer_that_is_being_prepared_is_asked_for_again() {
    let server = faulty(60, |_, nth| {
        (nth <= 2).then(|| {
            Reply::json(json!({}))
                .with_status(202)
                .header("Retry-After", 0)
        })
    });
    let place = Place::new(&json!({"url": server.url("/")}));
    let outcome = place.sync(&[]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 60);
    says(&outcome, &["202", "retrying"]);
    let server = Server::start(|_| Reply::status(202).header("Retry-After", 0));
    let place = Place::new(&json!({"url": server.url("/")}));
    let outcome = place.sync(&["--max-retries", "2"]).expect(3);
    says(&outcome, &["after 3 tries", "202", "try: "]);
}

#[test]
fn an_error_object_with_200_is_tried_again_after_good_pages() {
    let error = json!({"success": false, "message": "slow down"});
    let body = error.clone();
    let server = faulty(120, move |_, nth| {
        (nth == 2).then(|| Reply::json(body.clone()))
    });
    let place = Place::new(&json!({"url": server.url("/")}));
    let outcome = place.sync(&[]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 120);
    says(&outcome, &["slow down", "retrying"]);

    // From the first request on it is what this API is like.
    let server = Server::start(move |_| Reply::json(error.clone()));
    let place = Place::new(&json!({"url": server.url("/")}));
    let outcome = place.sync(&[]).expect(5);
    says(&outcome, &["slow down"]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_error_at_a_place_that_the_connection_names_is_one_whatever_is_beside_it() {
    let of = |url: String| json!({"url": url, "response": {"error": "/fault/message"}});
    let bad =
        || Reply::json(json!({"data": [], "total": 0, "fault": {"message": "no such\nuser"}}));
    let server = Server::start(move |_| bad());
    let outcome = Place::new(&of(server.url("/"))).sync(&[]).expect(4);
    says(&outcome, &["200 with an error", "no such", "try: "]);
    assert_eq!(server.requests().len(), 1);
    let outcome = Place::new(&of(server.url("/"))).run("check", &[], &[]);
    assert_eq!(outcome.code, Some(4));

    let server = faulty(120, move |_, nth| (nth == 2).then(bad));
    let place = Place::new(&of(server.url("/")));
    assert_eq!(place.rows(&[]).len(), 120);

    let server = faulty(120, move |_, nth| (nth >= 2).then(bad));
    let place = Place::new(&of(server.url("/")));
    let outcome = place.sync(&["--max-retries", "1"]).expect(3);
    says(&outcome, &["after 2 tries", "no such"]);
    assert_eq!(outcome.receipt()["rows"], 50);
}

#[test]
fn a_place_for_errors_that_says_nothing_is_no_error() {
    for nothing in [
        json!(null),
        json!(false),
        json!(""),
        json!([]),
        json!({}),
        json!(0),
    ] {
        let server = Server::start(move |request| {
            let mut page = crate::page(request, 60);
            page["error"] = nothing.clone();
            Reply::json(page)
        });
        let of = json!({"url": server.url("/"), "response": {"error": "/error"}});
        assert_eq!(Place::new(&of).rows(&[]).len(), 60);
    }
}
