//! Proxies, as curl reads them out of the environment.

use serde_json::json;

use crate::support::http::{Reply, Request, Server};
use crate::{Place, page, says};

/// A proxy that opens no tunnels, and answers for every host otherwise.
fn plain(request: &Request) -> Reply {
    match &*request.method {
        "CONNECT" => Reply::status(403),
        _ => Reply::json(page(request, 60)),
    }
}

fn place() -> Place {
    Place::new(&json!({"url": "http://api.example.test:81/rows?a=b"}))
}

#[test]
fn plain_http_is_sent_to_a_proxy_by_its_whole_address() {
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let server = Server::start(plain);
        let proxy = server.url("");
        let flags = ["--max-retries", "0", "--page-size", "20"];
        let outcome = place().run("sync", &flags, &[(name, &proxy)]).expect(0);
        assert_eq!(outcome.receipt()["rows"], 60);
        let requests = server.requests();
        assert!(requests.len() > 2);
        for request in &requests {
            let target = &request.raw_target;
            let start = "http://api.example.test:81/rows?a=b&order_by=";
            assert!(target.starts_with(start), "{target}");
            assert_eq!(request.header("host"), Some("api.example.test:81"));
            assert_eq!(request.header("proxy-authorization"), None);
        }
        assert_eq!(server.connections(), 1, "it is kept open");
    }
}

#[test]
fn a_body_goes_through_a_proxy_whole() {
    let server = Server::start(|request| {
        assert!(request.raw_target.starts_with("http://api.example.test/"));
        let skip = request.json()["skip"].as_u64().unwrap();
        Reply::json(crate::page_of(
            120,
            None,
            usize::try_from(skip).unwrap(),
            50,
        ))
    });
    let place = Place::new(&json!({
        "url": "http://api.example.test/rows",
        "body": {"skip": "{offset}", "since": "{since}", "filler": "x".repeat(300_000)},
    }));
    let proxy = server.url("");
    let outcome = place.run("sync", &[], &[("http_proxy", &proxy)]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 120);
}

#[test]
fn a_proxy_gets_its_user_and_password_and_they_show_nowhere() {
    let server = Server::start(|request| {
        // me:p@ss w
        match request.header("proxy-authorization") {
            Some("Basic bWU6cEBzcyB3") => plain(request),
            _ => Reply::status(407).body("who?"),
        }
    });
    let address = server.url("");
    let proxy = |user: &str| address.replace("http://", &format!("http://{user}@"));
    let run = |user: &str| {
        let flags = ["-vv", "--max-retries", "0"];
        place().run("sync", &flags, &[("http_proxy", &proxy(user))])
    };
    let outcome = run("me:p%40ss%20w").expect(0);
    assert!(!outcome.stderr.contains("p%40ss"), "{}", outcome.stderr);
    assert_eq!(outcome.receipt()["rows"], 60);
    let outcome = run("me:wrong-pass").expect(4);
    says(&outcome, &["407", "HTTP_PROXY"]);
    assert!(!outcome.stderr.contains("wrong-pass"), "{}", outcome.stderr);
}

#[test]
fn https_takes_a_tunnel_and_a_proxy_that_refuses_it_is_named() {
    let server = Server::start(plain);
    let proxy = server.url("");
    let place = Place::new(&json!({"url": "https://api.example.test/rows"}));
    let flags = ["--max-retries", "0"];
    let outcome = place
        .run("sync", &flags, &[("https_proxy", &proxy)])
        .expect(3);
    let address = server.addr().to_string();
    says(&outcome, &["the proxy", &address, "403", "NO_PROXY"]);
    let request = &server.requests()[0];
    assert_eq!(
        (&*request.method, &*request.raw_target),
        ("CONNECT", "api.example.test:443")
    );
}

#[test]
fn hosts_that_are_excepted_and_this_machine_are_reached_without_a_proxy() {
    let server = Server::start(plain);
    let proxy = server.url("");
    for list in [
        "example.test",
        ".example.test:81",
        "*",
        "a.test, example.test",
    ] {
        let flags = ["--max-retries", "0", "--timeout", "2s"];
        let environment = [("http_proxy", &*proxy), ("NO_PROXY", list)];
        let outcome = place().run("sync", &flags, &environment).expect(3);
        assert!(!outcome.stderr.contains("proxy"), "{}", outcome.stderr);
    }
    assert_eq!(server.requests().len(), 0);
    let own = Server::start(|request| Reply::json(page(request, 60)));
    let place = Place::new(&json!({"url": own.url("/")}));
    place.run("sync", &[], &[("http_proxy", &proxy)]).expect(0);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn an_address_that_is_none_is_exit_2_and_names_the_variable() {
    for (proxy, shown) in [("http://", "http://"), ("http://me:p4ssw0rd@", "p4ssw0rd")] {
        let outcome = place().run("sync", &[], &[("http_proxy", proxy)]).expect(2);
        says(&outcome, &["http_proxy", "no address of a proxy"]);
        assert_eq!(outcome.stderr.contains(shown), shown == "http://");
    }
}

#[test]
fn a_proxy_that_does_not_answer_is_named() {
    let refusing = crate::support::http::refusing_addr().to_string();
    for scheme in ["http", "socks5h"] {
        let proxy = format!("{scheme}://me:p4ssw0rd@{refusing}");
        let environment = [("all_proxy", &*proxy)];
        let flags = ["--max-retries", "0", "-vv"];
        let outcome = place().run("sync", &flags, &environment).expect(3);
        says(&outcome, &["the proxy", &refusing, "NO_PROXY"]);
        assert!(!outcome.stderr.contains("p4ssw0rd"), "{}", outcome.stderr);
    }
}
