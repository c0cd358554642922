//! Bounds of every kind: exclusive ones, numbers, days, none at all, and an API
//! that cannot sort.

use serde_json::{Value, json};

use crate::custom::{Custom, filtered, page};
use crate::model::{counted, table};
use crate::support::api::{Api, Date};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::Reply;
use crate::support::table::{Row, Table, Ties};
use crate::support::{all_rows, latest_by_id};

fn in_seconds(row: &Row) -> String {
    let seconds = row.updated.div_euclid(SECOND);
    format!(
        "{{\"id\":\"{}\",\"version\":{},\"updatedAt\":{seconds}}}",
        row.id, row.version
    )
}

fn in_fractions(row: &Row) -> String {
    let (seconds, micros) = (
        row.updated.div_euclid(SECOND),
        row.updated.rem_euclid(SECOND),
    );
    format!(
        "{{\"id\":\"{}\",\"version\":{},\"updatedAt\":{seconds}.{micros:06}}}",
        row.id, row.version
    )
}

fn in_millis(row: &Row) -> String {
    format!(
        "{{\"id\":\"{}\",\"version\":{},\"updatedAt\":\"{}\"}}",
        row.id,
        row.version,
        row.updated / 1000
    )
}

fn in_days(row: &Row) -> String {
    let day = &clock::rfc3339(row.updated)[..10];
    format!(
        "{{\"id\":\"{}\",\"version\":{},\"updatedAt\":\"{day}\"}}",
        row.id, row.version
    )
}

fn in_rfc3339(row: &Row) -> String {
    let time = clock::rfc3339(row.updated);
    format!(
        "{{\"id\":\"{}\",\"version\":{},\"updatedAt\":\"{time}\"}}",
        row.id, row.version
    )
}

fn seconds(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().map(|seconds| seconds * SECOND)
}

fn millis(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().map(|millis| millis * 1000)
}

fn day(text: &str) -> Option<i64> {
    (text.len() == 10).then(|| clock::parse(&format!("{text}T00:00:00Z")))?
}

fn since(format: &str, first: Value) -> Value {
    json!({"since": {"format": format, "first": first}})
}

/// First sync: all rows. Second: two that changed, one of them within the unit
/// that the bound is cut to.
#[track_caller]
fn check(custom: &Custom, rows: usize) {
    let flags = ["--page-size", "7"];
    let first = custom.rows(&flags);
    assert_eq!(first.len(), rows);
    assert_eq!(latest_by_id(&first), custom.model.table().contents());
    let newest = custom.model.table().newest().unwrap();
    assert!(custom.model.table().update("1", newest));
    assert!(custom.model.table().update("2", newest + 86_400 * SECOND));
    let second = custom.rows(&flags);
    assert_eq!(second.len(), 2, "{second:?}");
    let both = latest_by_id(&[first, second].concat());
    assert_eq!(both, custom.model.table().contents());
    assert_eq!(custom.rows(&flags).len(), 0);
}

#[test]
fn seconds_since_1970_are_a_bound() {
    let table = table(Ties::Insertion, in_seconds, counted, SECOND, 100);
    let custom = Custom::start(since("unix", json!("0")), table, |r, t| {
        filtered(r, t, seconds)
    });
    check(&custom, 100);
    assert_eq!(custom.bounds()[0].as_deref(), Some("0"));
}

#[test]
fn a_fraction_of_a_second_is_cut_downwards_in_the_bound_only() {
    let table = table(Ties::Insertion, in_fractions, counted, 750_000, 100);
    let custom = Custom::start(since("unix", json!("0")), table, |r, t| {
        filtered(r, t, seconds)
    });
    check(&custom, 100);
    assert!(
        custom.state()["last_updated_at"]
            .as_str()
            .unwrap()
            .contains('.')
    );
}

#[test]
fn milliseconds_since_1970_are_a_bound() {
    let table = table(Ties::Insertion, in_millis, counted, 5000, 100);
    let custom = Custom::start(since("unix-ms", json!(0)), table, |r, t| {
        filtered(r, t, millis)
    });
    check(&custom, 100);
}

#[test]
fn numbers_are_sent_back_as_they_came_without_any_format() {
    let table = table(Ties::Insertion, in_seconds, counted, SECOND, 100);
    let custom = Custom::start(since("as-received", json!(null)), table, |r, t| {
        filtered(r, t, seconds)
    });
    check(&custom, 100);
}

#[test]
fn a_day_is_a_bound_for_times_within_it() {
    let mut table = table(Ties::Insertion, in_rfc3339, counted, 1, 100);
    table.insert("1000", BASE + 3 * 86_400 * SECOND);
    let custom = Custom::start(since("date", json!("1970-01-01")), table, |r, t| {
        filtered(r, t, day)
    });
    check(&custom, 101);
    assert!(custom.bounds().contains(&Some("2024-01-18".to_owned())));
}

#[test]
fn days_alone_tell_new_versions_by_their_content() {
    let mut table = Table::rendered_by(Ties::Insertion, in_days);
    for number in 0..60 {
        table.insert(
            &counted(number),
            (BASE / SECOND / 86_400 + number as i64 / 12) * 86_400 * SECOND,
        );
    }
    let custom = Custom::start(since("date", json!("1970-01-01")), table, |r, t| {
        filtered(r, t, day)
    });
    check(&custom, 60);
}

#[test]
fn without_a_first_bound_its_parameter_is_left_out() {
    let table = table(Ties::Insertion, in_rfc3339, counted, 1, 100);
    let custom = Custom::start(since("as-received", json!(null)), table, |r, t| {
        filtered(r, t, clock::parse)
    });
    check(&custom, 100);
    let bounds = custom.bounds();
    assert_eq!(bounds[0], None);
    assert!(bounds.last().unwrap().is_some());
}

#[test]
fn an_exclusive_bound_leaves_out_no_row() {
    let connection = json!({"since": {"bound": "exclusive", "first": "1970-01-01T00:00:00Z"}});
    let table = table(Ties::Unstable(9), in_rfc3339, counted, 1000, 150);
    let custom = Custom::start(connection, table, |request, table| {
        page(
            request,
            table,
            request.param("updated_since").and_then(clock::parse),
            false,
        )
    });
    custom.model.after_page(|table, number| {
        if number < 8 {
            let time = table.newest().unwrap() + SECOND;
            table.update(&counted(2 * number as usize), time);
        }
    });
    let mut rows = custom.rows(&["--page-size", "10", "--max-offset", "40"]);
    custom.model.after_page(|_, _| {});
    rows.extend(custom.rows(&["--page-size", "10"]));
    assert_eq!(latest_by_id(&rows), custom.model.table().contents());
    // A row of just the mark's time is beyond an exclusive bound at the mark.
    let newest = custom.model.table().newest().unwrap();
    custom.model.table().insert("900", newest);
    let late = custom.rows(&[]);
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!(late[0]["id"], "900");
    assert_eq!(custom.rows(&[]).len(), 0);
}

fn unsorted(scratch: &crate::support::Scratch) -> std::path::PathBuf {
    scratch.write("connection.json", json!({"sorted": false}).to_string())
}

fn sync(api: &Api, scratch: &crate::support::Scratch) -> crate::support::Outcome {
    let config = unsorted(scratch);
    crate::support::run(
        crate::support::highwater(scratch.path())
            .args([
                "sync",
                "--max-retries",
                "0",
                "--page-size",
                "10",
                "--config",
            ])
            .arg(config)
            .args(["--url", &api.url()]),
    )
}

/// Users whose order of insertion is not that of their times.
fn shuffled() -> Table {
    let mut table = Table::new(Ties::Insertion);
    for number in 0..100_i64 {
        table.insert(&number.to_string(), BASE + number * 37 % 100 * SECOND);
    }
    table
}

#[test]
fn an_api_that_cannot_sort_is_walked_whole() {
    let api = Api::over(shuffled()).unsorted().start();
    let scratch = crate::support::Scratch::new();
    let receipt = sync(&api, &scratch).expect(0).receipt();
    assert_eq!(receipt["rows"], 100);
    assert_eq!(
        receipt["last_updated_at"],
        clock::rfc3339(BASE + 99 * SECOND)
    );
    api.table().update("5", BASE + 200 * SECOND);
    assert_eq!(sync(&api, &scratch).expect(0).receipt()["rows"], 1);
    assert_eq!(
        latest_by_id(&all_rows(&scratch.join("out"))),
        api.table().contents()
    );
    assert_eq!(sync(&api, &scratch).expect(0).receipt()["rows"], 0);
}

#[test]
fn the_mark_of_an_unsorted_walk_moves_only_at_its_end() {
    let api = Api::over(shuffled())
        .unsorted()
        .fault(|_, number| (number == 4).then(|| Reply::status(503)))
        .start();
    let scratch = crate::support::Scratch::new();
    let receipt = sync(&api, &scratch).expect(3).receipt();
    assert_eq!(receipt["last_updated_at"], Value::Null);
    assert_eq!(receipt["complete"], false);
    sync(&api, &scratch).expect(0);
    let rows = all_rows(&scratch.join("out"));
    assert_eq!(latest_by_id(&rows), api.table().contents());
    assert_eq!(rows.len(), 100, "rows came twice");
}

#[test]
fn an_unsorted_table_that_moves_while_it_is_walked_loses_nothing() {
    let now = BASE + 1000 * SECOND;
    let api = Api::over(shuffled()).unsorted().date(Date::At(now)).start();
    api.set_after_page(move |table, _, page| {
        if page <= 6 {
            let number = page as i64 * 3;
            table.update(&(90 + page).to_string(), now + page as i64 * SECOND);
            table.update(&number.to_string(), now + page as i64 * SECOND);
            table.delete(&(number + 1).to_string());
        }
    });
    let scratch = crate::support::Scratch::new();
    sync(&api, &scratch).expect(0);
    api.set_after_page(|_, _, _| {});
    api.set_date(Date::At(now + 100 * SECOND));
    sync(&api, &scratch).expect(0);
    let rows = all_rows(&scratch.join("out"));
    let latest = latest_by_id(&rows);
    for (id, row) in api.table().contents() {
        assert_eq!(latest.get(&id), Some(&row), "{id}");
    }
    let versions: std::collections::BTreeSet<String> = rows.iter().map(Value::to_string).collect();
    assert_eq!(versions.len(), rows.len(), "a version came twice");
}

/// As `-3.25`, seconds before and after 1970.
fn signed(micros: i64) -> String {
    let (sign, rest) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (whole, fraction) = (rest / SECOND as u64, rest % SECOND as u64);
    match format!("{fraction:06}").trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

fn micros(text: &str) -> Option<i64> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some(sign * (whole.parse::<i64>().ok()? * SECOND + fraction))
}

#[test]
fn numbers_with_a_minus_and_a_fraction_are_cursors_in_flags_and_the_state_too() {
    for quote in ["", "\""] {
        let render = move |id: i64, at: i64| {
            format!(
                "{{\"id\":\"{id}\",\"updatedAt\":{quote}{}{quote}}}",
                signed(at)
            )
        };
        let mut table = Table::new(Ties::Insertion);
        for id in 0..40 {
            let at = (id - 20) * SECOND / 4;
            table.insert_json(&id.to_string(), at, render(id, at));
        }
        let custom = Custom::start(
            since("as-received", json!(null)),
            table,
            |request, table| filtered(request, table, micros),
        );
        let flags = ["--page-size", "7", "--lookback", "0s"];
        assert_eq!(custom.rows(&flags).len(), 40);
        assert_eq!(custom.state()["last_updated_at"], "4.75");
        let at = 5 * SECOND + 250_000;
        custom.model.table().insert_json("new", at, render(40, at));
        assert_eq!(custom.rows(&flags).len(), 1);
        assert_eq!(custom.rows(&flags).len(), 0);
        // From the twentieth row before 1970 on, which is -2.25.
        for (nth, since) in [&["--since", "-2.25"][..], &["--since=-2.25"]]
            .iter()
            .enumerate()
        {
            let out = format!("--out=from-{nth}");
            let rows = custom.rows(&[&flags[..], *since, &[&out]].concat());
            assert_eq!(rows.len(), 30, "{quote} {since:?}");
        }
        let rows =
            custom.rows(&[&flags[..], &["--since=-2.25", "--until=0.5", "--out=some"]].concat());
        assert_eq!(rows.len(), 11, "{rows:?}");
        // A mark that is negative and broken is one to go on from.
        let custom = {
            let mut table = Table::new(Ties::Insertion);
            (0..10).for_each(|id| {
                let at = (id - 20) * SECOND / 4;
                table.insert_json(&id.to_string(), at, render(id, at));
            });
            Custom::start(
                since("as-received", json!(null)),
                table,
                |request, table| filtered(request, table, micros),
            )
        };
        assert_eq!(custom.rows(&flags).len(), 10);
        assert_eq!(custom.state()["last_updated_at"], "-2.75");
        custom
            .model
            .table()
            .insert_json("new", -SECOND / 8, render(99, -SECOND / 8));
        assert_eq!(custom.rows(&flags).len(), 1);
        assert_eq!(custom.state()["last_updated_at"], "-0.125");
    }
}
