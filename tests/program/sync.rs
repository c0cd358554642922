//! What the program is for: every changed row once, and the mark remembered.

use std::fs;

use serde_json::json;

use crate::support::api::{Api, Date};
use crate::support::clock::{self, BASE, SECOND, rfc3339};
use crate::support::table::{Table, Ties};
use crate::support::{Scratch, all_rows, assert_no_leftovers, files, latest_by_id, ndjson};
use crate::{ids, state, sync};

#[test]
fn a_first_sync_delivers_every_row_in_order_and_keeps_the_mark() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(200, 1));
    let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.stdout.lines().count(), 1);

    let receipt = outcome.receipt();
    let file = receipt["file"].as_str().unwrap();
    let rows = ndjson(dir.join(file));
    let numbers: Vec<String> = (1..=200).map(|id| id.to_string()).collect();
    assert_eq!(ids(&rows), numbers);
    assert_eq!(latest_by_id(&rows), api.table().contents());
    assert_eq!(files(&dir.join("out")).len(), 3);
    assert!(file.starts_with("out/user-20") && file.ends_with("Z.ndjson"));

    let mark = rfc3339(BASE + 199 * SECOND);
    let state = state(dir.path());
    assert_eq!(state["version"], 2);
    assert_eq!(state["last_updated_at"], json!(mark));
    assert_eq!(state["part"], json!(null));
    assert_eq!(state["seen"].as_object().unwrap().len(), 1);
    assert_eq!(
        state["source"],
        json!({"url": api.url(), "table": "user", "primary_key": ["id"], "cursor": "updatedAt"})
    );
    let first = &api.requests()[0];
    assert_eq!(first.param("updated_since"), Some("0001-01-01T00:00:00Z"));
    assert_eq!(first.param("order_by"), Some("updatedAt"));
    assert_eq!(first.param("order_type"), Some("asc"));
    assert_eq!(first.param("limit"), Some("50"));
    assert_eq!(first.param("offset"), Some("0"));
    assert_eq!(first.query.len(), 5);
}

#[test]
fn the_receipt_has_the_keys_that_were_promised_and_no_others() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(60, 1));
    let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
    let receipt = outcome.receipt();
    let mut keys: Vec<&str> = receipt.as_object().unwrap().keys().map(|k| &**k).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "complete",
            "confirmed",
            "drifts",
            "duplicates",
            "error",
            "exit",
            "file",
            "finished",
            "last_updated_at",
            "rejected",
            "requests",
            "retries",
            "rows",
            "seconds",
            "started",
            "table",
            "windows",
        ]
    );
    assert_eq!(receipt["table"], "user");
    assert_eq!(receipt["rows"], 60);
    assert_eq!(receipt["requests"], json!(api.counts().requests));
    assert_eq!(
        receipt["last_updated_at"],
        json!(rfc3339(BASE + 59 * SECOND))
    );
    assert_eq!(receipt["complete"], true);
    for zero in ["drifts", "retries", "rejected"] {
        assert_eq!(receipt[zero], 0, "{zero}");
    }
    assert_eq!(
        (&receipt["exit"], &receipt["error"]),
        (&json!(0), &json!(null))
    );
    for time in ["started", "finished"] {
        let text = receipt[time].as_str().unwrap();
        assert!(
            text.ends_with('Z') && clock::parse(text).is_some(),
            "{text}"
        );
    }
    assert!(receipt["seconds"].as_f64().unwrap() < 60.0);
}

#[test]
fn a_second_sync_with_nothing_new_leaves_no_file() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 3));
    sync(dir.path(), &api.url(), &[]).expect(0);
    let now = || {
        let mut state = state(dir.path());
        state["checked_at"].take();
        (files(&dir.join("out")), state)
    };
    let before = now();
    let requests = api.counts().requests;

    let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
    let receipt = outcome.receipt();
    assert_eq!(receipt["file"], json!(null));
    assert_eq!(receipt["rows"], 0);
    assert_eq!(receipt["complete"], true);
    assert_eq!(receipt["duplicates"], 3);
    assert_eq!(api.counts().requests, requests + 1);
    assert_eq!(now(), before);
}

#[test]
fn an_empty_table_is_no_error_and_leaves_no_file() {
    let dir = Scratch::new();
    let api = Api::start(Table::new(Ties::Insertion));
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["file"], json!(null));
    assert_eq!(receipt["last_updated_at"], json!(null));
    assert_eq!(receipt["complete"], true);
    assert!(all_rows(&dir.join("out")).is_empty());
    // What comes later is found from the beginning.
    api.table().insert("1", BASE);
    sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(ids(&all_rows(&dir.join("out"))), ["1"]);
}

#[test]
fn a_row_that_changes_between_syncs_is_delivered_once_more() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    sync(dir.path(), &api.url(), &[]).expect(0);
    api.table().update("7", BASE + 500 * SECOND);
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 1);
    let second = ndjson(dir.join(receipt["file"].as_str().unwrap()));
    assert_eq!(ids(&second), ["7"]);
    assert_eq!(
        sync(dir.path(), &api.url(), &[]).expect(0).receipt()["rows"],
        0
    );

    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 121);
    assert_eq!(latest_by_id(&rows), api.table().contents());
}

#[test]
fn a_row_that_changes_within_the_second_of_the_mark_is_not_missed() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 5));
    sync(dir.path(), &api.url(), &[]).expect(0);
    let newest = api.table().newest().unwrap();
    api.table().update("10", newest);
    api.table().insert("11", newest);
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 2);
    assert_eq!(receipt["duplicates"], 4);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(latest_by_id(&rows), api.table().contents());
}

#[test]
fn the_state_of_the_reference_connector_is_taken_up() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(200, 1));
    fs::create_dir(dir.join("out")).unwrap();
    let mark = rfc3339(BASE + 149 * SECOND);
    dir.write(
        "out/state.json",
        format!("{{\"last_updated_at\": \"{mark}\"}}"),
    );
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(api.requests()[0].param("updated_since"), Some(&*mark));
    // What it has delivered of that second is not known: the row at the mark comes again.
    assert_eq!(receipt["rows"], 51);
    assert_eq!(state(dir.path())["version"], 2);
    assert_eq!(
        sync(dir.path(), &api.url(), &[]).expect(0).receipt()["rows"],
        0
    );
}

#[test]
fn rows_that_change_while_the_sync_pages_are_neither_lost_nor_doubled() {
    let dir = Scratch::new();
    let late = |nth: u64| BASE + (10_000 + nth as i64) * SECOND;
    let api = Api::over(Table::users(500, 1))
        .after_page(move |table, _, nth| {
            if nth <= 9 {
                table.update(&(nth * 3).to_string(), late(nth));
            }
        })
        .start();
    let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
    let receipt = outcome.receipt();
    let rows = all_rows(&dir.join("out"));
    assert_eq!(latest_by_id(&rows), api.table().contents());
    assert_eq!(receipt["rows"], rows.len());
    assert_eq!(receipt["requests"], json!(api.counts().requests));
    assert_eq!(receipt["complete"], true);
    // Nothing twice: two versions at most, and those differ.
    let mut lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), rows.len());
    assert_no_leftovers(&dir.join("out"));
}

#[test]
fn rows_that_are_deleted_while_the_sync_pages_take_no_others_with_them() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 2))
        .after_page(|table, _, nth| {
            if nth <= 4 {
                table.delete(&nth.to_string());
            }
        })
        .start();
    sync(dir.path(), &api.url(), &[]).expect(0);
    let rows = latest_by_id(&all_rows(&dir.join("out")));
    for (id, row) in api.table().contents() {
        assert_eq!(rows.get(&id), Some(&row), "{id}");
    }
}

#[test]
fn the_mark_keeps_the_spelling_of_the_api() {
    let dir = Scratch::new();
    let mut table = Table::new(Ties::Insertion);
    let spelled = "2024-01-15T16:00:00.1000000+05:30";
    table.insert_json(
        "1",
        BASE + SECOND / 10,
        format!("{{\"id\":\"1\",\"updatedAt\":\"{spelled}\"}}"),
    );
    let api = Api::start(table);
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["last_updated_at"], spelled);
    assert_eq!(state(dir.path())["last_updated_at"], spelled);
    sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(api.requests()[1].param("updated_since"), Some(spelled));
}

#[test]
fn a_young_table_is_read_again_from_the_lookback_on_and_nothing_comes_twice() {
    let dir = Scratch::new();
    let mut table = Table::new(Ties::Insertion);
    for nth in 0..8 {
        table.insert(&nth.to_string(), BASE + nth * 30 * SECOND);
    }
    // A minute before this lie the first six rows.
    let asked = Date::At(BASE + 225 * SECOND);
    let api = Api::over(table).date(asked).start();
    sync(dir.path(), &api.url(), &[]).expect(0);
    let kept = state(dir.path());
    assert_eq!(kept["last_updated_at"], json!(rfc3339(BASE + 210 * SECOND)));
    assert_eq!(kept["resume_from"], json!(rfc3339(BASE + 150 * SECOND)));
    assert_eq!(kept["seen"].as_object().unwrap().len(), 3);
    // It carries an older time than the mark: its transaction committed late.
    api.table().insert("late", BASE + 160 * SECOND);
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 1);
    assert_eq!(receipt["duplicates"], 3);
    assert_eq!(ids(&all_rows(&dir.join("out"))[8..]), ["late"]);
}
