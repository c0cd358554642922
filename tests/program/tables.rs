//! Several tables in one connection file.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::page;
use crate::support::http::{Reply, Server};
use crate::support::{Outcome, Scratch, all_rows, files, highwater, run};

/// Twenty tables behind one address; one of them is refused where asked to.
fn server(bad: &'static str) -> Server {
    Server::start(move |request| {
        if request.path == format!("/{bad}") {
            return Reply::json("{}").with_status(403);
        }
        Reply::json(page(request).to_string())
    })
}

fn connection(dir: &Scratch, server: &Server) {
    let mut tables = String::new();
    for n in 1..=20 {
        let url = server.url(&format!("/t{n}"));
        let comma = if n == 1 { "" } else { ",\n" };
        let _ = write!(tables, "{comma}    \"t{n}\": {{\"url\": \"{url}\"}}");
    }
    let defaults = "{\"page_size\": 100, \"max_retries\": 0}";
    dir.write(
        "all.json",
        format!("{{\n  \"defaults\": {defaults},\n  \"tables\": {{\n{tables}\n  }}\n}}\n"),
    );
}

fn command(dir: &Scratch, words: &[&str]) -> Outcome {
    let words = words.iter().chain(&["--config", "all.json"]);
    run(highwater(dir.path()).args(words))
}

fn receipts(outcome: &Outcome) -> BTreeMap<String, Value> {
    let lines = outcome.stdout.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap();
        (value["table"].as_str().unwrap().to_owned(), value)
    });
    lines.collect()
}

#[test]
fn twenty_tables_are_synced_each_into_a_folder_of_its_own() {
    let dir = Scratch::new();
    let server = server("none");
    connection(&dir, &server);
    let outcome = command(&dir, &["sync"]).expect(0);
    let all = receipts(&outcome);
    assert_eq!(all.len(), 20);
    assert_eq!(files(&dir.join("out")).len(), 20);
    for (name, receipt) in &all {
        assert_eq!(receipt["rows"], 200, "{name}");
        let file = receipt["file"].as_str().unwrap();
        assert!(file.starts_with(&format!("out/{name}/{name}-2")), "{file}");
        assert_eq!(all_rows(&dir.join("out").join(name)).len(), 200);
    }
    let outcome = command(&dir, &["sync"]).expect(0);
    assert!(
        receipts(&outcome)
            .values()
            .all(|receipt| receipt["rows"] == 0)
    );
    let status = command(&dir, &["status", "--json", "--max-age", "15m"]).expect(0);
    assert_eq!(receipts(&status).len(), 20);
    let table = command(&dir, &["table", "--table", "t7"]).expect(0);
    assert_eq!(table.stdout.lines().count(), 200);
    command(&dir, &["table"]).expect(2);
    let compact = command(&dir, &["compact"]).expect(0);
    assert_eq!(receipts(&compact).len(), 20);
    let check = command(&dir, &["check", "--table", "t3"]);
    assert!(check.stdout.contains("/t3 answers"), "{}", check.stdout);
}

#[test]
fn twenty_tables_are_checked_and_audited_one_after_the_other() {
    let dir = Scratch::new();
    let server = server("none");
    connection(&dir, &server);
    command(&dir, &["sync"]).expect(0);
    let audit = command(&dir, &["audit", "--json"]).expect(0);
    let all = receipts(&audit);
    assert_eq!(all.len(), 20);
    for (name, report) in &all {
        let parts = ["alike", "missing", "deleted"].map(|part| report[part].as_u64());
        assert_eq!(parts, [Some(200), Some(0), Some(0)], "{name}");
    }
    // One of them lacks a row.
    let folder = dir.join("out/t9");
    let files = files(&folder);
    let file = files.iter().find(|name| name.ends_with(".ndjson")).unwrap();
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(folder.join(file), rest).unwrap();
    let audit = command(&dir, &["audit", "--json"]).expect(1);
    let all = receipts(&audit);
    assert_eq!(all.len(), 20);
    for (name, report) in &all {
        let missing = u64::from(name == "t9");
        assert_eq!(report["missing"].as_u64(), Some(missing), "{name}");
    }
    let shown = command(&dir, &["audit"]).expect(1).stdout;
    for n in 1..=20 {
        assert!(shown.contains(&format!("t{n}")), "{shown}");
    }
    let check = command(&dir, &["check", "--max-retries", "0"]);
    for n in 1..=20 {
        assert!(
            check.stdout.contains(&format!("t{n}:\n")),
            "{}",
            check.stdout
        );
        assert!(check.stdout.contains(&format!("/t{n} answers")));
    }
}

#[test]
fn a_table_that_fails_stops_no_other_and_its_exit_code_counts() {
    let dir = Scratch::new();
    let server = server("t2");
    connection(&dir, &server);
    let outcome = command(&dir, &["sync"]).expect(4);
    let all = receipts(&outcome);
    assert_eq!(all.len(), 20);
    for (name, receipt) in &all {
        let (exit, rows) = if name == "t2" { (4, 0) } else { (0, 200) };
        assert_eq!(receipt["exit"], exit, "{name}");
        assert_eq!(receipt["rows"], rows, "{name}");
    }
    assert!(
        outcome.stderr.starts_with("error: t2 at 2"),
        "{}",
        outcome.stderr
    );
    // Alive are all but one.
    command(&dir, &["status", "--max-age", "15m"]).expect(1);
    command(&dir, &["status", "--max-age", "15m", "--table", "t1"]).expect(0);
}

#[test]
fn one_table_is_picked_by_its_name_and_a_wrong_name_is_told_the_nearest() {
    let dir = Scratch::new();
    let server = server("none");
    connection(&dir, &server);
    let outcome = command(&dir, &["sync", "--table", "t7"]).expect(0);
    assert_eq!(receipts(&outcome).len(), 1);
    assert_eq!(files(&dir.join("out")), ["t7"]);
    let outcome = command(&dir, &["sync", "--table", "t77"]).expect(2);
    assert!(
        outcome.stderr.contains("did you mean \"t7\"?"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.receipt()["exit"], 2);
    run(highwater(dir.path()).args(["sync", "--table", "t7"])).expect(2);
    for flags in [
        ["--out", "-"],
        ["--state", "one.json"],
        ["--record", "all.ndjson"],
    ] {
        let outcome = command(&dir, &["sync", flags[0], flags[1]]).expect(2);
        assert!(outcome.stderr.contains(flags[0]), "{}", outcome.stderr);
    }
}

#[test]
fn a_fault_is_named_with_its_line_in_the_file_of_all_tables() {
    let dir = Scratch::new();
    for (text, line, what) in [
        (
            "{\n\"tables\": {\n\"a\": {\n\"page_sise\": 7}}}",
            4,
            "page_size",
        ),
        (
            "{\"defaults\": {\n\"page_size\": \"x\"},\n\"tables\": {\"a\": {}}}",
            2,
            "page_size",
        ),
        (
            "{\n\"default\": {}, \"tables\": {\"a\": {}}}",
            2,
            "defaults",
        ),
        ("{\"tables\": {\n\"a\": 7}}", 2, "must be an object"),
        ("{\"tables\": {\"a\": {},\n\"A\": {}}}", 2, "twice"),
        ("{\"tables\": {\n\"../a\": {}}}", 2, "letters"),
        ("{\n\"tables\": {}}", 2, "no table"),
    ] {
        dir.write("all.json", text);
        let outcome = command(&dir, &["sync"]).expect(2);
        let place = format!("all.json, line {line}");
        for part in [&*place, what] {
            assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
        }
        assert_eq!(outcome.receipt()["exit"], 2);
    }
}

#[test]
fn a_table_completes_the_objects_of_the_defaults_and_hides_their_secrets() {
    let dir = Scratch::new();
    let server = Server::start(|request| {
        let sent = |name: &str| request.header(name).unwrap_or("none").to_owned();
        Reply::json(format!("{} {}", sent("x-one"), sent("x-two"))).with_status(403)
    });
    dir.write(
        "all.json",
        format!(
            "{{\"defaults\": {{\"url\": \"{}\", \"headers\": {{\"X-One\": \"${{FIRST}}\", \"X-Two\": \"d\"}}}},\n\"tables\": {{\"a\": {{}}, \"b\": {{\"headers\": {{\"x-two\": \"${{SECOND}}\"}}}}}}}}",
            server.url("/")
        ),
    );
    let mut command = highwater(dir.path());
    command.args(["sync", "--config", "all.json"]);
    command
        .env("FIRST", "first-secret-value")
        .env("SECOND", "second-secret-value");
    let outcome = run(&mut command).expect(4);
    let sent = server.requests();
    let of = |at: usize, name: &str| sent[at].header(name).map(str::to_owned);
    assert_eq!(of(0, "x-one").as_deref(), Some("first-secret-value"));
    assert_eq!(of(0, "x-two").as_deref(), Some("d"));
    assert_eq!(of(1, "x-one").as_deref(), Some("first-secret-value"));
    assert_eq!(of(1, "x-two").as_deref(), Some("second-secret-value"));
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("secret-value"), "{text}");
    }
}
