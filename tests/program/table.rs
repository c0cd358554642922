//! `table` and `compact`, over the files that syncs wrote.

use std::fs;
use std::process::Stdio;

use crate::support::api::Api;
use crate::support::clock::SECOND;
use crate::support::table::{Random, Table};
use crate::support::versions::{csv_rows, ndjson_rows, plain};
use crate::support::{Outcome, Scratch, assert_no_leftovers, files, highwater, run};

#[track_caller]
fn words(dir: &Scratch, words: &[&str]) -> Outcome {
    run(highwater(dir.path()).args(words))
}

/// Some syncs of a table that changes between them.
fn churned(dir: &Scratch, formats: &[&str]) -> Api {
    let api = Api::start(Table::users(60, 1));
    let mut random = Random::new(7);
    for (round, format) in formats.iter().enumerate() {
        let url = api.url();
        let sync = [
            "sync",
            "-q",
            "--url",
            &url,
            "--format",
            format,
            "--lookback",
            "0s",
        ];
        words(dir, &sync).expect(0);
        let mut table = api.table();
        for _ in 0..20 {
            let at = table.newest().unwrap() + SECOND;
            table.update(&(1 + random.below(60)).to_string(), at);
            table.insert(&format!("new-{round}-{at}"), at);
        }
        drop(table);
        words(dir, &sync).expect(0);
    }
    api
}

/// What the API has now, as texts.
fn wanted(api: &Api) -> Vec<crate::support::versions::Plain> {
    let table = api.table();
    let mut rows: Vec<_> = table.rows().iter().map(|row| plain(&row.json)).collect();
    rows.sort();
    rows
}

#[test]
fn after_churn_the_table_is_that_of_the_api_in_either_format_and_compacted() {
    for formats in [
        &["ndjson", "ndjson"][..],
        &["csv", "csv"],
        &["csv", "ndjson"],
    ] {
        let dir = Scratch::new();
        let api = churned(&dir, formats);
        let check = || {
            let outcome = words(&dir, &["table"]).expect(0);
            assert_eq!(outcome.stderr, "");
            let mut rows = ndjson_rows(outcome.stdout.as_bytes());
            rows.sort();
            assert_eq!(rows, wanted(&api), "{formats:?}");
            let outcome = words(&dir, &["table", "--format", "csv"]).expect(0);
            let mut rows = csv_rows(outcome.stdout.as_bytes());
            rows.sort();
            assert_eq!(rows, wanted(&api), "{formats:?}");
        };
        check();
        let receipt = words(&dir, &["compact"]).expect(0).receipt();
        assert_eq!(receipt["rows"], api.table().len());
        let file = receipt["file"].as_str().unwrap();
        let end = formats[1];
        assert!(
            file.ends_with(&format!(".{end}")) && dir.join(file).is_file(),
            "{file}"
        );
        let left = files(&dir.join("out"));
        assert_eq!(
            left.iter().filter(|name| name.starts_with("user-")).count(),
            1,
            "{left:?}"
        );
        assert_no_leftovers(&dir.join("out"));
        check();
        // The next sync goes on, with a file of a later name.
        let later = api.table().newest().unwrap() + SECOND;
        api.table().update("7", later);
        let url = api.url();
        let receipt = words(&dir, &["sync", "-q", "--url", &url, "--format", end])
            .expect(0)
            .receipt();
        assert!(receipt["file"].as_str().unwrap() > file, "{receipt}");
        check();
    }
}

#[test]
fn a_folder_that_is_not_there_is_told_and_not_made() {
    let dir = Scratch::new();
    for command in ["table", "compact"] {
        let outcome = words(&dir, &[command, "--out", "missing"]).expect(6);
        for part in ["missing", "  try: ", "--out"] {
            assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
        }
        assert!(!dir.join("missing").exists());
        let outcome = words(&dir, &[command, "--out", "-"]).expect(2);
        assert!(
            outcome.stderr.contains("the folder of the files"),
            "{}",
            outcome.stderr
        );
        words(&dir, &[command, "--url", "http://localhost/"]).expect(2);
    }
    fs::create_dir(dir.join("empty")).unwrap();
    let outcome = words(&dir, &["table", "--out", "empty", "-q"]).expect(0);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
    // What may be under way there cannot be known.
    let outcome = words(&dir, &["compact", "--out", "empty", "-q"]).expect(6);
    assert!(outcome.stderr.contains("--state"), "{}", outcome.stderr);
}

#[test]
fn without_a_state_the_connection_file_says_what_the_key_is() {
    let dir = Scratch::new();
    dir.write(
        "orders-20260101T000000Z.ndjson",
        "{\"no\":1,\"n\":1}\n{\"no\":1,\"n\":2}\n",
    );
    // A secret that is not set is not needed.
    dir.write(
        "c.json",
        r#"{"table":"orders","primary_key":["no"],"headers":{"Authorization":"${NOT_SET_AT_ALL}"},"columns":{"no":"LONG","updatedAt":"UTC_DATETIME"}}"#,
    );
    let flags = ["--out", ".", "--config", "c.json"];
    for state in [&["--state", "none"][..], &[]] {
        let outcome = words(&dir, &[&["table"], &flags[..], state].concat()).expect(0);
        assert_eq!(
            (&*outcome.stdout, &*outcome.stderr),
            ("{\"no\":1,\"n\":2}\n", "")
        );
    }
    let compact = [&["compact"], &flags[..], &["--state", "none"]].concat();
    let receipt = words(&dir, &compact).expect(0).receipt();
    assert_eq!(
        (&receipt["rows"], &receipt["versions"]),
        (&1.into(), &2.into())
    );
    let outcome = words(&dir, &["table", "--out", "."]).expect(0);
    assert!(
        outcome.stderr.contains("no state says which table"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn only_one_at_a_time_writes_but_all_may_read() {
    let dir = Scratch::new();
    churned(&dir, &["ndjson"]);
    let lock = fs::File::open(dir.join("out/.lock")).unwrap();
    lock.lock().unwrap();
    let before = files(&dir.join("out"));
    let outcome = words(&dir, &["compact"]).expect(6);
    assert!(
        outcome.stderr.contains("holds out/.lock"),
        "{}",
        outcome.stderr
    );
    assert_eq!(files(&dir.join("out")), before);
    words(&dir, &["table"]).expect(0);
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_had_enough_is_exit_6_without_a_word() {
    let dir = Scratch::new();
    let rows: String = (0..20_000)
        .map(|id| format!("{{\"id\":{id},\"text\":\"some more text\"}}\n"))
        .collect();
    dir.write("user-20260101T000000Z.ndjson", rows);
    let mut child = highwater(dir.path())
        .args(["table", "--out", ".", "--state", "none"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(outcome.status.code(), Some(6));
    assert_eq!(String::from_utf8_lossy(&outcome.stderr), "");
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let mut command = highwater(dir.path());
        command
            .args(["table", "--out", ".", "--state", "none"])
            .stdout(full);
        let outcome = command.output().unwrap();
        assert_eq!(outcome.status.code(), Some(6));
        let said = String::from_utf8_lossy(&outcome.stderr);
        assert!(
            said.contains("stdout") && said.contains("  try: "),
            "{said}"
        );
    }
}
