//! Rows that become visible after later ones did: they come with the next sync,
//! the ones around them do not come again, and the state stays small.

use serde_json::Value;

use crate::support::api::{Api, Date};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::table::Table;
use crate::support::{Scratch, all_rows, highwater, latest_by_id, run};

/// A table that is written to right now, by the API's own clock: a row a second.
fn live(rows: usize) -> Api {
    let table = Table::users(rows, 1);
    let now = table.newest().unwrap() + SECOND;
    Api::over(table).date(Date::At(now)).start()
}

fn sync(api: &Api, scratch: &Scratch, lookback: &str) -> Value {
    let url = api.url();
    let flags = [
        "sync",
        "--url",
        &url,
        "--page-size",
        "50",
        "--lookback",
        lookback,
    ];
    run(highwater(scratch.path()).args(flags))
        .expect(0)
        .receipt()
}

fn state(scratch: &Scratch) -> Value {
    serde_json::from_slice(&std::fs::read(scratch.join("out/state.json")).unwrap()).unwrap()
}

#[test]
fn a_row_that_was_committed_late_comes_next_time_and_alone() {
    let api = live(600);
    let scratch = Scratch::new();
    assert_eq!(sync(&api, &scratch, "60s")["rows"], 600);
    let newest = api.table().newest().unwrap();
    api.table().insert("late", newest - 40 * SECOND);
    api.set_date(Date::At(newest + 10 * SECOND));
    assert_eq!(sync(&api, &scratch, "60s")["rows"], 1);
    assert_eq!(
        latest_by_id(&all_rows(&scratch.join("out"))),
        api.table().contents()
    );
    assert_eq!(sync(&api, &scratch, "60s")["rows"], 0);
}

#[test]
fn the_mark_is_the_newest_time_and_the_bound_is_not() {
    let api = live(600);
    let scratch = Scratch::new();
    let receipt = sync(&api, &scratch, "60s");
    let newest = api.table().newest().unwrap();
    assert_eq!(receipt["last_updated_at"], clock::rfc3339(newest));
    let from = clock::parse(state(&scratch)["resume_from"].as_str().unwrap()).unwrap();
    assert!((60..65).contains(&((newest - from) / SECOND)), "{from}");
}

#[test]
fn the_state_holds_no_more_rows_than_the_lookback() {
    let api = live(600);
    let scratch = Scratch::new();
    sync(&api, &scratch, "60s");
    let seen = state(&scratch)["seen"].as_object().unwrap().len();
    assert!((60..=65).contains(&seen), "{seen}");
    // Once all is old the rows at the mark are enough.
    let newest = BASE + 3600 * SECOND;
    api.table().update("1", newest);
    api.set_date(Date::At(newest + 3600 * SECOND));
    assert_eq!(sync(&api, &scratch, "60s")["rows"], 1);
    let state = state(&scratch);
    assert_eq!(state["seen"].as_object().unwrap().len(), 1, "{state}");
    assert_eq!(state.get("resume_from"), None);
}

#[test]
fn rows_within_the_lookback_come_again_only_where_they_changed() {
    let api = live(300);
    let scratch = Scratch::new();
    sync(&api, &scratch, "2m");
    let newest = api.table().newest().unwrap();
    for id in ["290", "250", "3"] {
        api.table().update(id, newest - 5 * SECOND);
    }
    api.set_date(Date::At(newest + 2 * SECOND));
    assert_eq!(sync(&api, &scratch, "2m")["rows"], 3);
    assert_eq!(
        latest_by_id(&all_rows(&scratch.join("out"))),
        api.table().contents()
    );
}

#[test]
fn without_a_lookback_the_bound_is_the_mark() {
    let api = live(300);
    let scratch = Scratch::new();
    sync(&api, &scratch, "0");
    let state = state(&scratch);
    assert_eq!(state.get("resume_from"), None, "{state}");
    assert_eq!(state["seen"].as_object().unwrap().len(), 1);
}
