//! What the tables of one connection file share: a login, and the pace.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::page;
use crate::support::http::{Reply, Request, Server};
use crate::support::{Outcome, Scratch, highwater, run};

/// Tables t1 to tN behind a login. A token is good for so many requests.
fn gate(good_for: u32) -> Server {
    let (given, used) = (AtomicU32::new(0), AtomicU32::new(0));
    Server::start(move |request| {
        if request.path == "/login" {
            used.store(0, Ordering::SeqCst);
            let nth = given.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::json(json!({"token": format!("token-number-{nth}")}).to_string());
        }
        let present = format!("token-number-{}", given.load(Ordering::SeqCst));
        let known = request.header("authorization") == Some(&*present);
        if !known || used.fetch_add(1, Ordering::SeqCst) >= good_for {
            return Reply::json("{}").with_status(401);
        }
        Reply::json(page(request).to_string())
    })
}

/// A file of so many tables with these defaults.
fn file(dir: &Scratch, server: &Server, count: usize, defaults: &Value) {
    let table = |n: usize| {
        (
            format!("t{n}"),
            json!({"url": server.url(&format!("/t{n}"))}),
        )
    };
    let tables: serde_json::Map<String, Value> = (1..=count).map(table).collect();
    let all = json!({"defaults": defaults, "tables": tables});
    dir.write("all.json", all.to_string());
}

fn login(server: &Server) -> Value {
    json!({
        "page_size": 100,
        "headers": {"Authorization": "{token}"},
        "auth": {"login": {"url": server.url("/login")}, "token": "/token"},
    })
}

fn command(dir: &Scratch, words: &[&str]) -> Outcome {
    run(highwater(dir.path())
        .args(words)
        .args(["--config", "all.json"]))
}

fn logins(server: &Server) -> usize {
    let is_login = |request: &&Request| request.path == "/login";
    server.requests().iter().filter(is_login).count()
}

#[test]
fn tables_that_log_in_alike_log_in_once() {
    let dir = Scratch::new();
    let server = gate(u32::MAX);
    file(&dir, &server, 20, &login(&server));
    command(&dir, &["sync"]).expect(0);
    assert_eq!(logins(&server), 1);
    assert!(server.requests().len() > 20 * 2);
    command(&dir, &["audit"]).expect(0);
    assert_eq!(logins(&server), 2);
}

#[test]
fn a_token_that_is_refused_is_renewed_once_for_all_tables() {
    let dir = Scratch::new();
    // Each table takes two pages and the proof of the end.
    let server = gate(7);
    file(&dir, &server, 6, &login(&server));
    let outcome = command(&dir, &["sync"]).expect(0);
    let refused: u64 = outcome
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["retries"]
                .as_u64()
                .unwrap()
        })
        .sum();
    assert_eq!(logins(&server) as u64, 1 + refused);
    assert!((1..6).contains(&refused), "{refused}");
}

#[test]
fn tables_that_log_in_otherwise_have_tokens_of_their_own() {
    let dir = Scratch::new();
    let server = gate(u32::MAX);
    let other = gate(u32::MAX);
    let all = json!({
        "defaults": login(&server),
        "tables": {
            "a": {"url": server.url("/a")},
            "b": {"url": other.url("/b"), "auth": login(&other)["auth"]},
            "c": {"url": server.url("/c")},
        },
    });
    dir.write("all.json", all.to_string());
    command(&dir, &["sync"]).expect(0);
    assert_eq!((logins(&server), logins(&other)), (1, 1));
}

#[test]
#[cfg(unix)]
fn a_command_for_a_token_is_run_once() {
    let dir = Scratch::new();
    let server = Server::start(|request| match request.header("authorization") {
        Some("a-token-of-the-vault") => Reply::json(page(request).to_string()),
        _ => Reply::json("{}").with_status(401),
    });
    let script = "echo asked >> asked; echo a-token-of-the-vault";
    let defaults = json!({
        "headers": {"Authorization": "{token}"},
        "auth": {"command": ["sh", "-c", script]},
    });
    file(&dir, &server, 5, &defaults);
    command(&dir, &["sync"]).expect(0);
    assert_eq!(fs::read_to_string(dir.join("asked")).unwrap(), "asked\n");
}

/// Seven rows, which one request fetches and proves.
fn few() -> Server {
    Server::start(|request| {
        let row = |n: u32| json!({"id": n, "updatedAt": format!("2024-01-0{n}T00:00:00Z")});
        let rows: Vec<Value> = (1..=7).map(row).collect();
        let offset = request.param("offset").unwrap().parse::<usize>().unwrap();
        Reply::json(json!({"data": &rows[offset..], "offset": offset, "total": 7}).to_string())
    })
}

#[test]
fn tables_of_one_host_keep_one_pace() {
    let dir = Scratch::new();
    let server = few();
    file(&dir, &server, 8, &json!({"pace": "100ms"}));
    let begun = Instant::now();
    command(&dir, &["sync"]).expect(0);
    let requests = server.requests().len();
    assert_eq!(requests, 8);
    assert!(begun.elapsed() >= Duration::from_millis(700));
}

#[test]
fn tables_of_two_hosts_do_not_wait_for_each_other() {
    let dir = Scratch::new();
    let server = few();
    let other = server.url("/b").replace("127.0.0.1", "localhost");
    let all = json!({
        "defaults": {"pace": "100s"},
        "tables": {"a": {"url": server.url("/a")}, "b": {"url": other}},
    });
    dir.write("all.json", all.to_string());
    let begun = Instant::now();
    command(&dir, &["sync"]).expect(0);
    assert_eq!(server.requests().len(), 2);
    assert!(begun.elapsed() < Duration::from_secs(100));
}
