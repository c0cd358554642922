//! What comes from the environment is sent and never shown; what cannot be sent
//! safely is warned of; a connection file that cannot work is named by its line.

use std::path::Path;

use serde_json::json;

use crate::contract::connection;
use crate::support::http::{Reply, Server, refusing_addr};
use crate::support::{Outcome, Scratch, highwater, run};

/// With characters that are spelled otherwise in a query and in JSON.
const SECRET: &str = "tok/en+with \"quotes\" & 100% sure";

fn sync(scratch: &Scratch, config: &Path, flags: &[&str]) -> Outcome {
    run(highwater(scratch.path())
        .env("GALLERY_SECRET", SECRET)
        .args(["sync", "--max-retries", "0", "--config"])
        .arg(config)
        .args(flags))
}

/// Pieces that no spelling of the secret lacks.
#[track_caller]
fn assert_hidden(text: &str) {
    assert!(!text.contains("with") && !text.contains("quotes"), "{text}");
}

#[test]
fn a_token_in_the_query_is_sent_and_not_shown() {
    let server = Server::start(|_| {
        Reply::json(r#"{"data":[{"id":"1","updatedAt":"2024-01-15T10:30:00Z"}],"total":1}"#)
    });
    let scratch = Scratch::new();
    let query = json!({"api_key": "${GALLERY_SECRET}", "from": "{since}", "n": "{limit}", "at": "{offset}"});
    let config = scratch.write("c.json", json!({"query": query}).to_string());
    let flags = [
        "--url",
        &server.url("/rows"),
        "-vv",
        "--record",
        "exchanges",
    ];
    let outcome = sync(&scratch, &config, &flags).expect(0);
    assert_eq!(server.requests()[0].param("api_key"), Some(SECRET));
    assert!(
        outcome.stderr.contains("${GALLERY_SECRET}"),
        "{}",
        outcome.stderr
    );
    let read = |name: &str| std::fs::read_to_string(scratch.join(name)).unwrap();
    for text in [
        &outcome.stdout,
        &outcome.stderr,
        &read("exchanges"),
        &read("out/state.json"),
    ] {
        assert_hidden(text);
    }
    let replayed = run(highwater(scratch.path()).args([
        "sync",
        "--config",
        "c.json",
        "--replay",
        "exchanges",
        "--out",
        "replayed",
    ]))
    .expect(0);
    assert_eq!(replayed.receipt()["rows"], 1);
}

#[test]
fn a_secret_that_the_api_echoes_is_not_shown() {
    let server = Server::start(|request| {
        let key = request.header("X-Key").unwrap().to_owned();
        Reply::json(json!({"error": format!("the key {key} has expired")})).with_status(403)
    });
    let scratch = Scratch::new();
    let config = scratch.write(
        "c.json",
        json!({"headers": {"X-Key": "${GALLERY_SECRET}"}}).to_string(),
    );
    let outcome = sync(&scratch, &config, &["--url", &server.url("/"), "-vv"]).expect(4);
    assert!(
        outcome
            .stderr
            .contains("the key ${GALLERY_SECRET} has expired"),
        "{}",
        outcome.stderr
    );
    assert_hidden(&outcome.stderr);
}

#[test]
fn a_secret_in_the_url_is_kept_out_of_the_state() {
    let server = Server::start(|_| Reply::json(r#"{"data":[],"total":0}"#));
    let scratch = Scratch::new();
    let url = server.url("/${GALLERY_SECRET}/rows");
    let config = scratch.write("c.json", json!({"url": url}).to_string());
    let outcome = run(highwater(scratch.path())
        .env("GALLERY_SECRET", "path-with-quotes")
        .args(["sync", "-vv", "--config"])
        .arg(&config))
    .expect(0);
    assert_eq!(server.requests()[0].path, "/path-with-quotes/rows");
    let state = std::fs::read_to_string(scratch.join("out/state.json")).unwrap_or_default();
    for text in [&outcome.stdout, &outcome.stderr, &state] {
        assert_hidden(text);
    }
}

#[test]
fn credentials_in_the_clear_are_warned_of_unless_they_stay_on_this_machine() {
    let scratch = Scratch::new();
    let config = scratch.write(
        "c.json",
        json!({"headers": {"X-Key": "${GALLERY_SECRET}"}}).to_string(),
    );
    let open = scratch.write("open.json", "{}");
    let warning = "credentials go to";
    let far = ["--url", "http://gallery.invalid/rows", "--timeout", "2s"];
    let outcome = sync(&scratch, &config, &far).expect(3);
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
    let outcome = sync(&scratch, &open, &far).expect(3);
    assert!(!outcome.stderr.contains(warning), "{}", outcome.stderr);
    let near = format!("http://{}/rows", refusing_addr());
    let outcome = sync(&scratch, &config, &["--url", &near]).expect(3);
    assert!(!outcome.stderr.contains(warning), "{}", outcome.stderr);
}

#[test]
fn an_authority_file_that_cannot_be_used_is_named() {
    let scratch = Scratch::new();
    let missing = scratch.write("c.json", json!({"ca_file": "no-such.pem"}).to_string());
    let outcome = sync(&scratch, &missing, &[]).expect(2);
    assert!(
        outcome
            .stderr
            .contains("ca_file no-such.pem: cannot read it"),
        "{}",
        outcome.stderr
    );
    scratch.write("empty.pem", "not a certificate\n");
    let empty = scratch.write("c.json", json!({"ca_file": "empty.pem"}).to_string());
    let outcome = sync(&scratch, &empty, &[]).expect(2);
    assert!(
        outcome.stderr.contains("holds no certificate"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn every_connection_of_the_gallery_names_the_variable_that_it_lacks() {
    let folder = connection("x");
    for entry in std::fs::read_dir(folder.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let name = text.split("${").nth(1).unwrap().split('}').next().unwrap();
        let outcome = sync(&Scratch::new(), &path, &[]).expect(2);
        let said = format!("the environment variable {name} is not set");
        assert!(
            outcome.stderr.contains(&said),
            "{}: {}",
            path.display(),
            outcome.stderr
        );
    }
}

#[test]
fn a_key_that_is_not_known_is_named_with_its_line_and_the_nearest() {
    let scratch = Scratch::new();
    let config = scratch.write(
        "c.json",
        "{\n  \"table\": \"t\",\n  \"primary_keys\": [\"id\"]\n}",
    );
    let outcome = sync(&scratch, &config, &[]).expect(2);
    assert!(outcome.stderr.contains("line 3"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("did you mean \"primary_key\"?"),
        "{}",
        outcome.stderr
    );
}
