//! Connections: kept from page to page, and replaced where they die.

use crate::support::api::Api;
use crate::support::http::{Quirk, Reply, Server};
use crate::support::table::Table;
use crate::support::{Scratch, all_rows};
use crate::{page, sync};

#[test]
fn one_connection_serves_a_whole_sync() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(500, 1));
    sync(dir.path(), &api.url(), &[]).expect(0);
    assert!(api.counts().requests > 10);
    assert_eq!(api.server().connections(), 1);
    let agent = &api.requests()[0];
    assert_eq!(agent.header("accept"), Some("application/json"));
    assert!(
        agent
            .header("user-agent")
            .unwrap()
            .starts_with("highwater/")
    );
}

#[test]
fn a_retry_after_an_error_status_uses_the_same_connection() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(100, 1))
        .fault(|_, nth| {
            (nth == 2).then(|| {
                Reply::status(503)
                    .header("Retry-After", 0)
                    .body("x".repeat(5000))
            })
        })
        .start();
    sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(api.server().connections(), 1);
}

#[test]
fn a_connection_that_died_idle_is_replaced_at_once() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(200, 1))
        .fault(|_, nth| (nth == 2).then(|| Reply::broken(Quirk::Reset)))
        .start();
    let outcome = sync(dir.path(), &api.url(), &["--max-retries", "1"]).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 200);
    assert_eq!(outcome.receipt()["retries"], 1);
    assert_eq!(api.server().connections(), 2);
    assert!(outcome.stderr.contains("retrying at once (1 of 1)"));
}

#[test]
fn a_server_that_promises_to_keep_a_connection_and_does_not_is_no_failure() {
    let dir = Scratch::new();
    let server = Server::start(|request| Reply::json(page(request)).quirk(Quirk::SilentClose));
    let outcome = sync(dir.path(), &server.url("/"), &["--max-retries", "1"]).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 200);
    assert!(!outcome.stderr.contains("retrying in"));
}

#[test]
fn a_server_that_closes_after_each_answer_costs_no_retry() {
    let dir = Scratch::new();
    let server = Server::start(|request| Reply::json(page(request)).close());
    let outcome = sync(dir.path(), &server.url("/"), &["--max-retries", "0"]).expect(0);
    assert_eq!(outcome.receipt()["retries"], 0);
    assert_eq!(server.connections() as u64, outcome.receipt()["requests"]);
}

#[test]
fn every_framing_of_a_body_is_read() {
    for quirk in [Quirk::Chunked(1000), Quirk::Chunked(1), Quirk::UntilClose] {
        let dir = Scratch::new();
        let server = Server::start(move |request| Reply::json(page(request)).quirk(quirk.clone()));
        sync(dir.path(), &server.url("/"), &[]).expect(0);
        assert_eq!(all_rows(&dir.join("out")).len(), 200);
    }
}
