//! Recordings, and syncs that are answered from one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND};
use crate::support::http::{Quirk, Reply};
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, files, highwater, ndjson, run};
use crate::{state, sync};

fn testdata(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/playground").join(name)
}

/// A sync from a recording, and from nothing else.
#[track_caller]
fn replay(dir: &Path, recording: &Path, flags: &[&str]) -> Outcome {
    let mut command = highwater(dir);
    command.args(["sync", "--replay"]).arg(recording);
    run(command.args(flags))
}

/// The bytes of the file that a receipt names.
#[track_caller]
fn delivered(dir: &Path, outcome: &Outcome) -> Vec<u8> {
    let receipt = outcome.receipt();
    let file = receipt["file"].as_str().expect("a file");
    fs::read(dir.join(file)).unwrap()
}

#[test]
fn the_recorded_playground_gives_the_files_that_it_gave_live() {
    for format in ["ndjson", "csv"] {
        let dir = Scratch::new();
        let first = testdata("first.jsonl");
        let outcome = replay(dir.path(), &first, &["--format", format]).expect(0);
        assert_eq!(outcome.stderr, "");
        let receipt = outcome.receipt();
        assert_eq!(receipt["rows"], 200);
        assert_eq!(receipt["requests"], 5);
        let golden = fs::read(testdata(&format!("first.{format}"))).unwrap();
        assert!(
            delivered(dir.path(), &outcome) == golden,
            "{format} differs"
        );

        let unchecked = || {
            let mut state = state(dir.path());
            state["checked_at"].take();
            state
        };
        let after_first = unchecked();
        let second = testdata("second.jsonl");
        let outcome = replay(dir.path(), &second, &["--format", format]).expect(0);
        let receipt = outcome.receipt();
        assert_eq!(receipt["file"], json!(null));
        assert_eq!(receipt["requests"], 1);
        assert_eq!(receipt["duplicates"], 1);
        assert_eq!(unchecked(), after_first);
    }
}

#[test]
fn the_recorded_files_hold_the_rows_that_the_api_sent() {
    let mut sent = Vec::new();
    for line in fs::read_to_string(testdata("first.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for row in line["response"]["body"]["data"].as_array().unwrap() {
            if !sent.contains(row) {
                sent.push(row.clone());
            }
        }
    }
    assert_eq!(sent.len(), 200);
    assert_eq!(ndjson(testdata("first.ndjson")), sent);
    let mut reader = csv::Reader::from_path(testdata("first.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let rows: Vec<Value> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let pairs = header.iter().zip(&record);
            pairs.map(|(k, v)| (k.to_owned(), json!(v))).collect()
        })
        .collect();
    assert_eq!(rows, sent);
}

#[test]
fn a_replay_writes_what_the_recorded_sync_wrote() {
    let dir = Scratch::new();
    let again = Scratch::new();
    let api = Api::over(Table::users(200, 3))
        .after_page(|table, _, nth| {
            // Rows move while it is recorded: the replay meets the same drifts.
            if nth == 2 {
                table.update("4", BASE + 900 * SECOND);
            }
        })
        .start();
    let first = dir.join("first.jsonl");
    let second = dir.join("second.jsonl");
    let live = sync(
        dir.path(),
        &api.url(),
        &["--record", first.to_str().unwrap()],
    )
    .expect(0);
    let replayed = replay(again.path(), &first, &[]).expect(0);
    assert_eq!(
        delivered(dir.path(), &live),
        delivered(again.path(), &replayed)
    );
    for same in [
        "rows",
        "requests",
        "drifts",
        "duplicates",
        "last_updated_at",
    ] {
        assert_eq!(live.receipt()[same], replayed.receipt()[same], "{same}");
    }

    api.table().update("9", BASE + 901 * SECOND);
    let live = sync(
        dir.path(),
        &api.url(),
        &["--record", second.to_str().unwrap()],
    )
    .expect(0);
    drop(api);
    let replayed = replay(again.path(), &second, &[]).expect(0);
    assert_eq!(
        delivered(dir.path(), &live),
        delivered(again.path(), &replayed)
    );
    let mut states = [state(dir.path()), state(again.path())];
    for state in &mut states {
        state["source"]["url"] = json!(null);
        // The two may run in different seconds.
        assert!(state["checked_at"].take().is_string());
        assert!(state["files"]["last"].take().is_string());
    }
    assert_eq!(states[0], states[1]);
}

#[test]
fn a_replay_needs_no_network() {
    let dir = Scratch::new();
    let first = testdata("first.jsonl");
    // An address that cannot be connected to is never tried.
    let url = "http://host.invalid:1/";
    replay(dir.path(), &first, &["--url", url]).expect(0);
}

#[test]
fn a_request_that_was_not_recorded_is_named_with_the_nearest_one() {
    let dir = Scratch::new();
    let first = testdata("first.jsonl");
    let outcome = replay(dir.path(), &first, &["--page-size", "40"]).expect(2);
    for part in ["limit=40", "limit", "50", "first.jsonl"] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(files(&dir.join("out")), [".lock"]);

    // Another mark: the first sync's recording after the first sync.
    replay(dir.path(), &first, &[]).expect(0);
    let before = state(dir.path());
    let outcome = replay(dir.path(), &first, &[]).expect(2);
    let mark = before["last_updated_at"].as_str().unwrap();
    for part in [mark, "updated_since", "0001-01-01T00:00:00Z"] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(state(dir.path()), before);
}

#[test]
fn failures_and_retries_are_recorded_and_replayed_without_waiting() {
    let dir = Scratch::new();
    let again = Scratch::new();
    let api = Api::over(Table::users(60, 1))
        .fault(|_, nth| match nth {
            1 => Some(Reply::status(503).header("Retry-After", 0)),
            3 => Some(Reply::broken(Quirk::Hangup)),
            _ => None,
        })
        .start();
    let recording = dir.join("r.jsonl");
    let flags = ["--record", recording.to_str().unwrap()];
    let live = sync(dir.path(), &api.url(), &flags).expect(0);
    assert_eq!(live.receipt()["retries"], 2);

    let text = fs::read_to_string(&recording).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0]["response"]["status"], 503);
    assert_eq!(lines[0]["response"]["headers"]["retry-after"], "0");
    assert_eq!(lines[1]["response"]["status"], 200);
    assert_eq!(lines[2]["exit"], 3);
    assert_eq!(lines[0]["request"], lines[1]["request"]);
    assert_eq!(lines[2]["request"], lines[3]["request"]);
    assert_eq!(lines[0]["request"]["query"]["limit"], "50");

    let replayed = replay(again.path(), &recording, &[]).expect(0);
    assert_eq!(replayed.receipt()["retries"], 2);
    assert_eq!(
        delivered(dir.path(), &live),
        delivered(again.path(), &replayed)
    );
}

#[test]
fn a_recording_of_a_failure_fails_the_same_way_again() {
    let dir = Scratch::new();
    let again = Scratch::new();
    let api = Api::over(Table::users(60, 1))
        .fault(|_, nth| {
            (nth > 1).then(|| Reply::json(json!({"error": "no such user"})).with_status(401))
        })
        .start();
    let recording = dir.join("r.jsonl");
    let flags = ["--record", recording.to_str().unwrap()];
    let live = sync(dir.path(), &api.url(), &flags).expect(4);
    let replayed = replay(again.path(), &recording, &[]).expect(4);
    assert_eq!(live.stderr, replayed.stderr);
    assert!(live.stderr.contains("no such user"));
    assert_eq!(
        delivered(dir.path(), &live),
        delivered(again.path(), &replayed)
    );
}

#[test]
fn a_recording_that_is_missing_empty_or_damaged_is_named_with_its_line() {
    let dir = Scratch::new();
    let missing = replay(dir.path(), Path::new("nowhere.jsonl"), &[]).expect(2);
    assert!(missing.stderr.contains("nowhere.jsonl"));
    let empty = dir.write("empty.jsonl", "");
    let empty = replay(dir.path(), &empty, &[]).expect(2);
    assert!(empty.stderr.contains("empty"), "{}", empty.stderr);
    let text = fs::read_to_string(testdata("first.jsonl")).unwrap();
    let torn = dir.write("torn.jsonl", &text[..text.len() - 100]);
    let torn = replay(dir.path(), &torn, &[]).expect(2);
    assert!(
        torn.stderr.contains("torn.jsonl, line 5"),
        "{}",
        torn.stderr
    );
    assert_eq!(files(&dir.join("out")), Vec::<String>::new());
}

#[test]
fn a_recording_that_cannot_be_written_is_exit_6_before_anything_is_asked() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    let flags = ["--record", "no/such/folder/r.jsonl"];
    let outcome = sync(dir.path(), &api.url(), &flags).expect(6);
    assert!(outcome.stderr.contains("no/such/folder/r.jsonl"));
    assert_eq!(api.counts().requests, 0);
}

#[test]
fn a_recording_does_not_take_the_place_of_the_state() {
    let scratch = Scratch::new();
    let api = Api::start(Table::users(5, 1));
    let outcome = sync(scratch.path(), &api.url(), &["--record", "out/state.json"]).expect(2);
    assert!(outcome.stderr.contains("--record"), "{}", outcome.stderr);
    assert_eq!(api.counts().requests, 0);
}
