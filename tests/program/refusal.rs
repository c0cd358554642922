//! Statuses other than 200: which are tried again, which end the sync, and what
//! it says of them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::broken::{says, second_page};
use crate::support::api::Api;
use crate::support::clock;
use crate::support::http::{Reply, Server};
use crate::support::table::Table;
use crate::support::{Scratch, all_rows, files};
use crate::{page, sync};

#[test]
fn a_refusal_is_exit_4_at_once_with_the_apis_words_and_a_hint() {
    for (status, hint) in [
        (400, "--page-size"),
        (401, "Authorization"),
        (403, "credentials"),
        (404, "url"),
        (405, "GET"),
        (410, "url"),
        (413, "--page-size"),
        (422, "connection file"),
    ] {
        let outcome = second_page(4, &["--max-retries", "3"], move |_| {
            Reply::json(json!({"error": "computer says no"})).with_status(status)
        });
        says(
            &outcome,
            &[&status.to_string(), "computer says no", "try: ", hint],
        );
        assert_eq!(outcome.receipt()["retries"], 0, "{status}");
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_and_each_retry_is_counted_and_told() {
    for status in [408, 429, 500, 502, 503, 504] {
        let dir = Scratch::new();
        let api = Api::over(Table::users(60, 1))
            .fault(move |_, nth| (nth <= 2).then(|| Reply::status(status).header("Retry-After", 0)))
            .start();
        let outcome = sync(dir.path(), &api.url(), &["--max-retries", "2"]).expect(0);
        let receipt = outcome.receipt();
        assert_eq!(receipt["retries"], 2);
        assert_eq!(receipt["rows"], 60);
        assert_eq!(receipt["requests"], 5);
        let told = format!("the API answered {status}");
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.contains(&told)), "{lines:?}");
        assert!(lines[0].contains("(1 of 2)") && lines[1].contains("(2 of 2)"));
    }
}

#[test]
fn a_server_that_stays_in_trouble_is_exit_3_after_the_retries() {
    let outcome = second_page(3, &["--max-retries", "2"], |_| {
        Reply::status(503).header("Retry-After", 0)
    });
    says(&outcome, &["after 3 tries", "503", "try: "]);
    assert_eq!(outcome.receipt()["retries"], 2);
}

#[test]
fn what_the_server_does_not_implement_is_exit_3_without_a_retry() {
    let outcome = second_page(3, &["--max-retries", "3"], |_| Reply::status(501));
    assert_eq!(outcome.receipt()["retries"], 0);
}

#[test]
fn the_pause_that_the_api_asks_for_in_seconds_or_as_a_date_is_kept() {
    for as_date in [false, true] {
        let dir = Scratch::new();
        let api = Api::over(Table::users(10, 1))
            .fault(move |_, nth| {
                let now = clock::BASE;
                let reply = Reply::status(429).header("Date", clock::http_date(now));
                let after = match as_date {
                    true => clock::http_date(now + clock::SECOND),
                    false => "1".to_owned(),
                };
                (nth == 1).then(|| reply.header("Retry-After", after))
            })
            .start();
        let begun = Instant::now();
        let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        assert_eq!(outcome.receipt()["retries"], 1);
        says(&outcome, &["429", "retrying in 1."]);
    }
}

#[test]
fn a_pause_longer_than_a_minute_is_exit_3_at_once_and_says_when_to_come_back() {
    for status in [429, 503] {
        let outcome = second_page(3, &[], move |_| {
            Reply::status(status).header("Retry-After", 3600)
        });
        says(&outcome, &["3600 s"]);
        assert_eq!(outcome.receipt()["retries"], 0);
    }
}

#[test]
fn a_redirect_within_the_origin_is_followed_with_the_credentials() {
    let dir = Scratch::new();
    let server = Server::start(|request| match &*request.path {
        "/old" => {
            let (_, query) = request.raw_target.split_once('?').unwrap();
            Reply::status(301).header("Location", format!("/new?{query}"))
        }
        _ => Reply::json(page(request)),
    });
    let config = dir.write(
        "c.json",
        r#"{"table": "user", "headers": {"Authorization": "Bearer t", "X-Api-Key": "k"}}"#,
    );
    let flags = ["--config", config.to_str().unwrap()];
    sync(dir.path(), &server.url("/old"), &flags).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 200);
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer t"));
        assert_eq!(request.header("x-api-key"), Some("k"));
    }
}

#[test]
fn a_redirect_to_another_origin_is_exit_4_and_gets_nothing_of_ours() {
    for status in [301, 302, 303, 307, 308] {
        let dir = Scratch::new();
        let other = Server::start(|request| Reply::json(page(request)));
        let elsewhere = other.url("/users");
        let server = Server::start(move |request| {
            let (_, query) = request.raw_target.split_once('?').unwrap();
            Reply::status(status).header("Location", format!("{elsewhere}?{query}"))
        });
        let config = dir.write("c.json", r#"{"headers": {"X-Api-Key": "k"}}"#);
        let flags = ["--config", config.to_str().unwrap()];
        let outcome = sync(dir.path(), &server.url("/"), &flags).expect(4);
        let origin = other.url("");
        says(&outcome, &["redirects to another origin", &origin, "try: "]);
        assert_eq!(other.connections(), 0);
        assert_eq!(files(&dir.join("out")), [".lock"]);
    }
}

#[test]
fn a_redirect_in_a_circle_ends_with_exit_4() {
    let dir = Scratch::new();
    let server =
        Server::start(|request| Reply::status(302).header("Location", request.raw_target.clone()));
    let outcome = sync(dir.path(), &server.url("/"), &[]).expect(4);
    says(&outcome, &["redirects"]);
    assert!(server.requests().len() <= 10);
}
