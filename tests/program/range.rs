//! How much is asked for: --since, --until, --full-refresh, --state, --page-size,
//! --max-offset.

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND, rfc3339};
use crate::support::table::Table;
use crate::support::{Scratch, all_rows, files, latest_by_id};
use crate::{ids, state, sync};

fn at(second: i64) -> String {
    rfc3339(BASE + second * SECOND)
}

#[test]
fn since_is_where_a_first_sync_starts() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(100, 1));
    sync(dir.path(), &api.url(), &["--since", &at(90)]).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 10);
    assert_eq!(api.requests()[0].param("updated_since"), Some(&*at(90)));
    assert_eq!(state(dir.path())["last_updated_at"], at(99));
}

#[test]
fn a_date_as_since_is_its_midnight() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(3, 1));
    sync(dir.path(), &api.url(), &["--since", "2024-01-15"]).expect(0);
    let asked = api.requests()[0].param("updated_since").map(str::to_owned);
    assert_eq!(asked.as_deref(), Some("2024-01-15T00:00:00Z"));
}

#[test]
fn since_with_a_state_is_refused_and_names_full_refresh() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(100, 1));
    sync(dir.path(), &api.url(), &[]).expect(0);
    let before = state(dir.path());
    let outcome = sync(dir.path(), &api.url(), &["--since", &at(90)]).expect(2);
    assert!(outcome.stderr.contains("--full-refresh"));
    assert_eq!(state(dir.path()), before);
    let flags = ["--since", &at(90), "--full-refresh"];
    let receipt = sync(dir.path(), &api.url(), &flags).expect(0).receipt();
    assert_eq!(receipt["rows"], 10);
}

#[test]
fn until_ends_before_its_time_and_the_mark_never_passes_it() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(200, 2));
    let receipt = sync(dir.path(), &api.url(), &["--until", &at(30)])
        .expect(0)
        .receipt();
    assert_eq!(receipt["rows"], 60);
    assert_eq!(receipt["complete"], true);
    assert_eq!(state(dir.path())["last_updated_at"], at(29));
    let before = api.counts().requests;
    // An earlier one changes nothing.
    let receipt = sync(dir.path(), &api.url(), &["--until", &at(10)])
        .expect(0)
        .receipt();
    assert_eq!(receipt["rows"], 0);
    assert_eq!(state(dir.path())["last_updated_at"], at(29));
    assert!(api.counts().requests <= before + 2);
    // Without it the rest follows, and nothing twice.
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 140);
    assert_eq!(all_rows(&dir.join("out")).len(), 200);
}

#[test]
fn an_until_before_the_since_is_exit_2_and_one_at_it_is_an_empty_shard() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(20, 1));
    let shard = |since, until| {
        let range = ["--since", &at(since), "--until", &at(until)];
        sync(
            dir.path(),
            &api.url(),
            &[&["--state", "none"], &range[..]].concat(),
        )
    };
    let outcome = shard(9, 8).expect(2);
    assert!(outcome.stderr.contains("--until is before --since"));
    assert_eq!(api.counts().requests, 0);
    assert_eq!(shard(9, 9).expect(0).receipt()["rows"], 0);
    assert_eq!(shard(9, 10).expect(0).receipt()["rows"], 1);
}

#[test]
fn shards_without_a_state_cover_the_table_exactly_once() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(200, 2));
    let mut all = String::new();
    for (since, until) in [(0, 33), (33, 34), (34, 90), (90, 1000)] {
        let flags = ["--state", "none", "--out", "-"];
        let range = ["--since", &at(since), "--until", &at(until)];
        let outcome = sync(dir.path(), &api.url(), &[&flags[..], &range].concat()).expect(0);
        all += &outcome.stdout;
    }
    let rows: Vec<serde_json::Value> = all
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 200);
    assert_eq!(latest_by_id(&rows), api.table().contents());
    assert_eq!(files(dir.path()), Vec::<String>::new());
}

#[test]
fn a_full_refresh_starts_over_and_keeps_the_older_files() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(100, 1));
    sync(dir.path(), &api.url(), &[]).expect(0);
    let first = files(&dir.join("out"));
    let receipt = sync(dir.path(), &api.url(), &["--full-refresh"])
        .expect(0)
        .receipt();
    assert_eq!(receipt["rows"], 100);
    let second = files(&dir.join("out"));
    assert!(first.iter().all(|name| second.contains(name)));
    assert_eq!(second.len(), first.len() + 1);
    assert_eq!(
        sync(dir.path(), &api.url(), &[]).expect(0).receipt()["rows"],
        0
    );
}

#[test]
fn without_a_state_every_sync_is_a_first_one() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(60, 1));
    for _ in 0..2 {
        let receipt = sync(dir.path(), &api.url(), &["--state", "none"])
            .expect(0)
            .receipt();
        assert_eq!(receipt["rows"], 60);
    }
    let files = files(&dir.join("out"));
    assert_eq!(
        files
            .iter()
            .filter(|name| name.ends_with(".ndjson"))
            .count(),
        2
    );
    assert!(!files.contains(&"state.json".to_owned()));
}

#[test]
fn a_state_may_lie_anywhere() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(60, 1));
    let flags = ["--state", "elsewhere.json"];
    sync(dir.path(), &api.url(), &flags).expect(0);
    assert_eq!(
        sync(dir.path(), &api.url(), &flags).expect(0).receipt()["rows"],
        0
    );
    assert!(files(dir.path()).contains(&"elsewhere.json".to_owned()));
    assert!(!files(&dir.join("out")).contains(&"state.json".to_owned()));
}

#[test]
fn the_page_size_is_asked_for_and_a_smaller_one_that_comes_is_taken() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(200, 1)).max_limit(30).start();
    sync(dir.path(), &api.url(), &["--page-size", "100"]).expect(0);
    assert_eq!(api.requests()[0].param("limit"), Some("100"));
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 200);
    assert_eq!(latest_by_id(&rows), api.table().contents());
}

#[test]
fn a_page_size_of_one_gets_every_row_and_a_warning() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(12, 1));
    let outcome = sync(dir.path(), &api.url(), &["--page-size", "1"]).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 12);
    assert_eq!(
        outcome.stderr.matches("warning").count(),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn no_offset_passes_max_offset_and_all_rows_come() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(400, 3)).max_offset(100).start();
    let flags = ["--max-offset", "100", "--page-size", "20"];
    let receipt = sync(dir.path(), &api.url(), &flags).expect(0).receipt();
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 400);
    assert_eq!(latest_by_id(&rows), api.table().contents());
    assert!(receipt["windows"].as_u64().unwrap() >= 4, "{receipt}");
    let offset = |text: &str| text.parse::<u64>().unwrap();
    for request in api.requests() {
        assert!(offset(request.param("offset").unwrap()) <= 100);
    }
}

#[test]
fn a_state_of_another_table_key_or_cursor_is_refused_and_another_url_is_a_warning() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    sync(dir.path(), &api.url(), &[]).expect(0);
    for (config, named) in [
        (r#"{"table": "account"}"#, "account"),
        (r#"{"primary_key": ["email"]}"#, "email"),
        (r#"{"cursor": "createdAt"}"#, "createdAt"),
    ] {
        let config = dir.write("c.json", config);
        let flags = ["--config", config.to_str().unwrap()];
        let outcome = sync(dir.path(), &api.url(), &flags).expect(6);
        assert!(outcome.stderr.contains(named), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("state.json"), "{}", outcome.stderr);
    }
    let moved = Api::start(Table::users(10, 1));
    let outcome = sync(dir.path(), &moved.url(), &[]).expect(0);
    assert!(outcome.stderr.contains(&moved.url()), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("warning"), "{}", outcome.stderr);
    assert_eq!(ids(&all_rows(&dir.join("out"))).len(), 10);
}
