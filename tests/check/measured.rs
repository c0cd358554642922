//! What a check measures: hours, grains, seconds and counts.

use serde_json::{Value, json};

use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Request, Server};
use crate::{report, stands};

/// Where a filter begins that is asked to begin at this time.
type Begins = fn(i64) -> i64;

/// Rows so many microseconds apart, by the reference's parameters; the filter
/// begins where it is told to.
fn checked(code: i32, apart: i64, begins: Begins) -> Value {
    let times: Vec<i64> = (0..120).map(|number| BASE + number * apart).collect();
    let server = Server::start(move |request| answer(&times, request, begins));
    report(code, &["--url", &server.url("/rows")])
}

fn answer(times: &[i64], request: &Request, begins: Begins) -> Reply {
    let number = |name: &str, without: usize| {
        let given = request.param(name).and_then(|text| text.parse().ok());
        given.unwrap_or(without)
    };
    let bound = request.param("updated_since").and_then(clock::parse);
    let bound = bound.map_or(i64::MIN, begins);
    let mut passing: Vec<(usize, i64)> = times.iter().copied().enumerate().collect();
    passing.retain(|(_, time)| *time >= bound);
    if request.param("order_type") == Some("desc") {
        passing.reverse();
    }
    let (offset, limit) = (number("offset", 0), number("limit", 50));
    let page = passing.iter().skip(offset).take(limit);
    let page: Vec<Value> = page
        .map(|(id, time)| json!({"id": id, "updatedAt": clock::rfc3339(*time)}))
        .collect();
    Reply::json(json!({"data": page, "offset": offset, "total": passing.len()}))
}

#[test]
fn another_zone_is_told_by_its_hours_in_both_directions() {
    const HOUR: i64 = 3600 * SECOND;
    let ten_minutes = 600 * SECOND;
    let found = checked(5, ten_minutes, |bound| bound + 2 * HOUR);
    stands(&found, "filter", "broken", "another zone, 2 hours later");
    let found = checked(5, ten_minutes, |bound| bound - 2 * HOUR);
    stands(&found, "filter", "broken", "another zone, 2 hours earlier");
    let found = checked(5, 400 * SECOND, |bound| bound + 11 * HOUR / 2);
    stands(&found, "filter", "broken", "another zone, 5.5 hours later");
    let found = checked(5, 400 * SECOND, |bound| bound - HOUR / 4 * 15);
    stands(
        &found,
        "filter",
        "broken",
        "another zone, 3.75 hours earlier",
    );
}

#[test]
fn hours_are_exact_where_rows_are_days_apart() {
    const HOUR: i64 = 3600 * SECOND;
    let found = checked(5, 40 * HOUR, |bound| bound + 5 * HOUR);
    stands(&found, "filter", "broken", "another zone, 5 hours later");
}

#[test]
fn a_filter_that_is_a_minute_late_is_no_exclusive_bound() {
    let found = checked(5, 400 * SECOND, |bound| bound + 60 * SECOND);
    stands(&found, "filter", "broken", "begins up to 400 s later");
    assert!(!found.to_string().contains("exclusive"), "{found:#}");
}

#[test]
fn the_grain_of_a_filter_is_told() {
    fn cut<const UNIT: i64>(bound: i64) -> i64 {
        bound.div_euclid(UNIT) * UNIT
    }
    const MINUTE: i64 = 60 * SECOND;
    let cases: [(i64, Begins, &str); 5] = [
        (173, cut::<1000>, "by the whole millisecond"),
        (173_000, cut::<SECOND>, "by the whole second"),
        (7 * SECOND, cut::<MINUTE>, "by the whole minute"),
        (431 * SECOND, cut::<{ 60 * MINUTE }>, "by the whole hour"),
        (
            11_000 * SECOND,
            cut::<{ 1440 * MINUTE }>,
            "by the whole day",
        ),
    ];
    for (apart, begins, says) in cases {
        let found = checked(0, apart, begins);
        stands(&found, "filter", "ok", says);
        stands(&found, "bound", "not seen", "and so its bound");
    }
}

#[test]
fn totals_are_told_with_the_filter_and_without() {
    let found = checked(0, SECOND, |bound| bound);
    stands(
        &found,
        "coverage",
        "ok",
        "120 rows, with the filter and without",
    );
    stands(&found, "total", "ok", "120: a row before it, none behind; ");
}

#[test]
fn rows_without_a_timestamp_are_counted_where_no_total_tells() {
    let server = Server::start(|request| {
        let filtered = request.param("updated_since").is_some();
        let rows = (0..30).filter(|id| !filtered || id % 3 > 0).map(|id| {
            let time = (id % 3 > 0).then(|| clock::rfc3339(BASE + id * SECOND));
            json!({"id": id, "updatedAt": time})
        });
        let all: Vec<Value> = rows.collect();
        let offset = request.param("offset").and_then(|text| text.parse().ok());
        let page: Vec<&Value> = all.iter().skip(offset.unwrap_or(0)).collect();
        Reply::json(json!({"data": page}))
    });
    let found = report(5, &["--url", &server.url("/rows")]);
    stands(
        &found,
        "coverage",
        "broken",
        "without the filter 10 of 30 rows have no updatedAt",
    );
}

#[test]
fn a_clock_that_is_off_by_less_than_the_lookback_is_told_by_its_seconds() {
    let times: Vec<i64> = (0..60).map(|number| BASE + number * SECOND).collect();
    let server = Server::start(move |request| {
        let date = clock::http_date(clock::now() - 20 * SECOND);
        answer(&times, request, |bound| bound).header("Date", date)
    });
    let found = report(0, &["--url", &server.url("/rows")]);
    let clock = crate::clause(&found, "clock")["found"].to_string();
    assert!(
        clock.contains("20 s behind") || clock.contains("21 s behind"),
        "{clock}"
    );
}

#[test]
fn a_page_of_one_timestamp_asks_for_a_second_key_of_the_order() {
    let times = vec![BASE; 120];
    let server = Server::start(move |request| answer(&times, request, |bound| bound));
    let found = report(1, &["--url", &server.url("/rows")]);
    stands(
        &found,
        "ties",
        "ok",
        "all 50 rows of the first page share a timestamp",
    );
    let advice = crate::clause(&found, "ties")["try"].to_string();
    assert!(advice.contains("sort by a second key, id"), "{advice}");
}

#[test]
fn rows_without_a_timestamp_are_counted_where_a_first_sync_asks_without_the_filter() {
    // Those without one come last.
    let server = Server::start(|request| {
        let number = |name: &str, without: usize| {
            let given = request.param(name).and_then(|text| text.parse().ok());
            given.unwrap_or(without)
        };
        let bound = request.param("updated_since").and_then(clock::parse);
        let times = (0..90).map(|id| Some(BASE + id * SECOND)).chain([None; 40]);
        let mut rows: Vec<(usize, Option<i64>)> = times.enumerate().collect();
        rows.retain(|(_, time)| bound.is_none_or(|bound| time.is_some_and(|time| time >= bound)));
        if request.param("order_type") == Some("desc") {
            rows.reverse();
        }
        let page = rows
            .iter()
            .skip(number("offset", 0))
            .take(number("limit", 50));
        let page: Vec<Value> = page
            .map(|(id, time)| json!({"id": id, "updatedAt": time.map(clock::rfc3339)}))
            .collect();
        Reply::json(json!({"data": page, "offset": number("offset", 0), "total": rows.len()}))
    });
    let scratch = crate::support::Scratch::new();
    let file = scratch.write("c.json", r#"{"since": {"first": null}}"#);
    let words = [
        "--config",
        &*file.to_string_lossy(),
        "--url",
        &server.url("/rows"),
    ];
    let found = report(5, &words);
    stands(
        &found,
        "coverage",
        "broken",
        "40 of 130 rows do not pass the filter",
    );
}
