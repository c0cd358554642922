//! Values from the environment are shown nowhere.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::api::Api;
use crate::support::http::Reply;
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, files, highwater, run};

const TOKEN: &str = "s3cr/t+to ken%&\"";
/// Some ways to spell it, and pieces that must not be left of it.
const SPELLINGS: [&str; 5] = ["s3cr", "s3cr/t", "s3cr%2Ft", "s3cr%2ft", "to%20ken"];

const CONFIG: &str = r#"{
    "headers": {"Authorization": "Bearer ${API_TOKEN}", "X-Api-Key": "${API_KEY}"},
    "query": {"order_by": "updatedAt", "order_type": "asc", "updated_since": "{since}",
              "limit": "{limit}", "offset": "{offset}", "key": "${API_TOKEN}"}
}"#;

#[track_caller]
fn run_with(dir: &Scratch, words: &[&str], level: &str) -> Outcome {
    let mut command = highwater(dir.path());
    command
        .env("API_TOKEN", TOKEN)
        .env("API_KEY", "k3y-of-mine");
    command.env("RUST_LOG", level);
    run(command.args(words))
}

#[track_caller]
fn assert_hidden(text: &str) {
    for piece in SPELLINGS.iter().chain(&["k3y-of-mine", "k3y"]) {
        assert!(!text.contains(piece), "{piece} shows in {text}");
    }
}

/// Everything that was written below the directory, but for the connection file.
fn assert_hidden_in_files(dir: &Path) {
    for name in files(dir) {
        let path = dir.join(&name);
        if path.is_dir() {
            assert_hidden_in_files(&path);
        } else if name != "c.json" {
            assert_hidden(&String::from_utf8_lossy(&fs::read(path).unwrap()));
        }
    }
}

#[test]
fn a_secret_is_sent_and_shows_in_no_log_state_recording_receipt_or_status() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(120, 1))
        .fault(|_, nth| {
            let echo = json!({ "error": format!("slow down, {TOKEN}") });
            (nth == 2).then(|| Reply::json(echo).with_status(429).header("Retry-After", 0))
        })
        .start();
    let url = format!("{}?tenant=1", api.url());
    let config = dir.write("c.json", CONFIG);
    let config = config.to_str().unwrap();
    let base = [
        "sync", "--config", config, "--url", &url, "--record", "r.jsonl",
    ];
    for (level, more) in [
        ("trace", &[][..]),
        ("trace", &["-vv"]),
        ("ureq=trace,ureq_proto=trace,rustls=trace", &[]),
    ] {
        let outcome = run_with(
            &dir,
            &[&base[..], more, &["--full-refresh"]].concat(),
            level,
        );
        let outcome = outcome.expect(0);
        assert_hidden(&outcome.stderr);
        assert_hidden(&outcome.stdout);
        assert_hidden_in_files(dir.path());
        assert!(
            fs::read_to_string(dir.join("r.jsonl"))
                .unwrap()
                .contains("${API_TOKEN}")
        );
    }
    for request in api.requests() {
        let sent = request.header("authorization").unwrap();
        assert!(sent == "Bearer s3cr/t+to ken%&\"", "{sent}");
        assert_eq!(request.header("x-api-key"), Some("k3y-of-mine"));
        assert_eq!(request.param("key"), Some(TOKEN));
    }
    let status = run_with(&dir, &["status"], "trace").expect(0);
    assert_hidden(&status.stdout);
    assert_hidden(&status.stderr);
}

#[test]
fn an_error_that_quotes_a_secret_does_not_show_it() {
    for (code, status, body) in [
        (4, 401, format!("the token {TOKEN} is wrong")),
        (5, 200, format!("{TOKEN} is no JSON")),
        (
            5,
            200,
            json!({"data": [{"id": "1", "updatedAt": TOKEN}]}).to_string(),
        ),
        (5, 200, json!({"data": TOKEN}).to_string()),
        (
            5,
            200,
            json!({"data": [{"id": "k3y-of-mine", "updatedAt": "x"}]}).to_string(),
        ),
    ] {
        let dir = Scratch::new();
        let api = Api::over(Table::users(1, 1))
            .fault(move |_, _| Some(Reply::json(body.clone()).with_status(status)))
            .start();
        let config = dir.write("c.json", CONFIG);
        let config = config.to_str().unwrap();
        let words = [
            "sync",
            "--config",
            config,
            "--url",
            &api.url(),
            "--max-retries",
            "0",
        ];
        let outcome = run_with(
            &dir,
            &[&words[..], &["--record", "r.jsonl", "-vv"]].concat(),
            "trace",
        );
        let outcome = outcome.expect(code);
        assert_hidden(&outcome.stderr);
        assert_hidden(&outcome.stdout);
        assert_hidden_in_files(dir.path());
    }
}

#[test]
fn a_secret_in_the_url_is_hidden_from_the_state_and_from_errors() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    let text = format!(r#"{{"url": "{}/${{API_KEY}}?t=${{API_KEY}}"}}"#, api.url());
    let config = dir.write("c.json", text);
    let config = config.to_str().unwrap();
    let outcome = run_with(&dir, &["sync", "--config", config, "-vv"], "trace").expect(0);
    assert_hidden(&outcome.stderr);
    assert_hidden_in_files(dir.path());
    assert!(api.requests()[0].path.ends_with("/k3y-of-mine"));
    drop(api);
    let words = ["sync", "--config", config, "-vv", "--max-retries", "1"];
    let outcome = run_with(&dir, &words, "trace").expect(3);
    assert_hidden(&outcome.stderr);
}

#[test]
fn a_variable_that_is_not_set_is_exit_2_and_named() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    let config = dir.write(
        "c.json",
        r#"{"headers": {"X-Api-Key": "${NO_SUCH_VARIABLE}"}}"#,
    );
    let config = config.to_str().unwrap();
    let words = ["sync", "--config", config, "--url", &api.url()];
    let outcome = run_with(&dir, &words, "warn").expect(2);
    for part in ["NO_SUCH_VARIABLE", "c.json", "line 1"] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(api.counts().requests, 0);
    assert_eq!(files(dir.path()), ["c.json"]);
}

#[test]
fn a_recording_with_secrets_is_replayed_without_them() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    let config = dir.write("c.json", CONFIG);
    let config = config.to_str().unwrap();
    let url = api.url();
    let words = [
        "sync", "--config", config, "--url", &url, "--record", "r.jsonl",
    ];
    run_with(&dir, &words, "warn").expect(0);
    drop(api);
    let words = [
        "sync", "--config", config, "--out", "again", "--replay", "r.jsonl",
    ];
    let outcome = run(highwater(dir.path()).args(words)).expect(0);
    assert_eq!(outcome.receipt()["rows"], 120);
}

#[test]
fn what_the_http_library_writes_and_reads_shows_at_no_level() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    let words = ["sync", "--url", &api.url(), "--state", "none"];
    let debug = run_with(&dir, &words, "debug").expect(0);
    let lines = debug.stderr.lines().count();
    for level in ["trace", "ureq=trace", "ureq_proto=trace,ureq=trace"] {
        let outcome = run_with(&dir, &words, level).expect(0);
        assert!(
            outcome.stderr.lines().count() <= lines,
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_exit_2_before_anything_is_and_not_shown() {
    for token in ["k3y\n", "k3y-of-mine-ü"] {
        let dir = Scratch::new();
        let api = Api::start(Table::users(10, 1));
        let config = r#"{"headers": {"Authorization": "Bearer ${API_KEY}"}}"#;
        let config = dir.write("c.json", config);
        let mut command = highwater(dir.path());
        command.env("API_KEY", token);
        command.args(["sync", "--url", &api.url(), "--config"]);
        let outcome = run(command.arg(config)).expect(2);
        assert!(
            outcome.stderr.contains("Authorization"),
            "{}",
            outcome.stderr
        );
        assert_hidden(&outcome.stderr);
        assert_eq!(api.server().connections(), 0);
    }
}

#[test]
fn an_everyday_word_or_number_from_the_environment_leaves_the_receipt_usable() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(50, 1));
    let config = r#"{"page_size": "${API_PAGE}", "query": {"updated_since": "{since}",
        "order_by": "updatedAt", "order_type": "asc", "limit": "{limit}",
        "offset": "{offset}", "as": "${API_USER}"}}"#;
    let config = dir.write("c.json", config);
    let mut command = highwater(dir.path());
    command.env("API_PAGE", "50").env("API_USER", "user");
    command.args(["sync", "--url", &api.url(), "--config"]);
    let receipt = run(command.arg(config)).expect(0).receipt();
    assert_eq!(receipt["rows"], 50);
    let file = receipt["file"].as_str().unwrap();
    assert!(dir.join(file).is_file(), "{file}");
}

#[test]
fn a_connection_file_that_is_wrong_because_of_a_secret_does_not_show_it() {
    let dir = Scratch::new();
    for text in [
        r#"{"page_size": "${API_KEY}"}"#,
        r#"{"url": "${API_KEY}"}"#,
        r#"{"cursor": "/a/${API_KEY}", "${API_KEY}": 1}"#,
        r#"{"since": {"format": "[${API_KEY}]"}}"#,
        r#"{"columns": {"id": "${API_KEY}"}}"#,
    ] {
        let config = dir.write("c.json", text);
        let words = ["sync", "--config", config.to_str().unwrap()];
        let outcome = run_with(&dir, &words, "trace").expect(2);
        assert_hidden(&outcome.stderr);
    }
}
