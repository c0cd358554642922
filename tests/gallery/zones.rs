//! Local times, through both changes of a daylight saving year: a row a minute,
//! some of them visible late, some updated, and a sync again and again, against
//! APIs that filter by the local text and by the instant that they take it for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::contract::delivered;
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request, Server};
use crate::support::zone::{NEW_YORK, rule};
use crate::support::{Scratch, highwater, run};

/// 2024-03-10T07:00:00Z and 2024-11-03T06:00:00Z: New York's clocks are set.
const SPRING: i64 = 1_710_054_000;
const AUTUMN: i64 = 1_730_613_600;

const SPACED: &str = "[year]-[month]-[day] [hour]:[minute]:[second]";

/// How an API compares a bound with its rows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Filter {
    /// As text; so it sorts, too.
    Texts,
    /// As an instant: an hour that comes twice is the first one, or the second.
    First,
    Second,
}

#[derive(Clone)]
struct Row {
    id: usize,
    version: usize,
    at: i64,
    /// Seconds from its time to when it can be seen.
    late: i64,
}

struct Api {
    filter: Filter,
    now: i64,
    rows: Vec<Row>,
}

fn offset(at: i64) -> i64 {
    if (SPRING..AUTUMN).contains(&at) {
        -4 * 3600
    } else {
        -5 * 3600
    }
}

/// What the clocks in New York show.
fn local(at: i64) -> String {
    let text = clock::rfc3339((at + offset(at)) * SECOND);
    text.trim_end_matches('Z').replace('T', " ")
}

/// The instant that an API takes a local text for.
fn taken(text: &str, filter: Filter) -> i64 {
    let wall = clock::parse(&format!("{}Z", text.replace(' ', "T"))).unwrap() / SECOND;
    let fits = |hours: i64| Some(wall + hours * 3600).filter(|at| at + offset(*at) == wall);
    let found: Vec<i64> = [fits(4), fits(5)].into_iter().flatten().collect();
    match filter {
        Filter::Second => *found.last().expect("a time that was skipped was sent"),
        _ => *found.first().expect("a time that was skipped was sent"),
    }
}

impl Api {
    fn answer(&self, request: &Request) -> Reply {
        let since = request.param("since");
        let mut rows: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.at + row.late <= self.now)
            .collect();
        if let (Some(since), Filter::Texts) = (since, self.filter) {
            rows.retain(|row| &*local(row.at) >= since);
        } else if let Some(since) = since {
            let since = taken(since, self.filter);
            rows.retain(|row| row.at >= since);
        }
        match self.filter {
            Filter::Texts => rows.sort_by_key(|row| (local(row.at), row.id)),
            _ => rows.sort_by_key(|row| (row.at, row.id)),
        }
        let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
        let mut body = String::new();
        for row in rows.iter().skip(number("offset")).take(number("limit")) {
            let comma = if body.is_empty() { "" } else { "," };
            let (id, version, at) = (row.id, row.version, local(row.at));
            write!(
                body,
                "{comma}{{\"id\":{id},\"version\":{version},\"at\":\"{at}\"}}"
            )
            .unwrap();
        }
        Reply::json(format!("{{\"total\":{},\"rows\":[{body}]}}", rows.len()))
            .header("Date", clock::http_date(self.now * SECOND))
    }
}

/// Syncs every `step` minutes from an hour before a change until two hours
/// after it, and then once more.
fn goes_through(change: i64, filter: Filter, since: Value, step: usize) {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.join("America")).unwrap();
    scratch.write("America/New_York", rule(NEW_YORK));
    let mut since = since;
    since["zone"] = "America/New_York".into();
    let connection = json!({
        "table": "t", "cursor": "at", "since": since,
        "query": {"since": "{since}", "limit": "{limit}", "offset": "{offset}"},
        "response": {"rows": "/rows", "offset": null, "total": "/total"},
    });
    let config = scratch.write("connection.json", connection.to_string());
    let api = Arc::new(Mutex::new(Api {
        filter,
        now: 0,
        rows: Vec::new(),
    }));
    let ours = Arc::clone(&api);
    let server = Server::start(move |request| ours.lock().unwrap().answer(request));
    let mut came: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for minute in 0..240_usize {
        {
            let mut api = api.lock().unwrap();
            api.now = change - 5400 + 60 * minute as i64 + 30;
            let (at, late) = (api.now - 25, [0, 5, 50][minute % 3]);
            api.rows.push(Row {
                id: minute,
                version: 0,
                at,
                late,
            });
            if let Some(older) = minute.checked_sub(40).filter(|older| older % 7 == 0) {
                let row = &mut api.rows[older];
                (row.version, row.at, row.late) = (1, at + 3, 0);
            }
        }
        let quiet = !(28..160).contains(&minute) || minute % step != 0;
        if quiet && minute != 239 {
            continue;
        }
        if minute == 239 {
            api.lock().unwrap().now += 600;
        }
        let outcome = run(highwater(scratch.path())
            .env("TZDIR", scratch.path())
            .args(["sync", "--max-retries", "0", "--page-size", "7", "--config"])
            .arg(&config)
            .args(["--url", &server.url("/rows")]));
        let receipt = outcome.expect(0).receipt();
        for row in delivered(scratch.path(), &receipt) {
            let number = |name: &str| row[name].as_u64().unwrap() as usize;
            *came.entry((number("id"), number("version"))).or_default() += 1;
        }
        let api = api.lock().unwrap();
        for row in api.rows.iter().filter(|row| row.at + row.late <= api.now) {
            let times = came.get(&(row.id, row.version));
            assert_eq!(
                times,
                Some(&1),
                "{filter:?} {since}: row {} of {} in minute {minute}",
                row.id,
                local(row.at)
            );
        }
        assert!(came.values().all(|times| *times == 1));
    }
}

#[test]
fn an_hour_that_comes_twice_loses_no_row_where_texts_are_compared() {
    goes_through(AUTUMN, Filter::Texts, json!({"first": null}), 1);
    goes_through(
        AUTUMN,
        Filter::Texts,
        json!({"first": null, "format": SPACED}),
        7,
    );
}

#[test]
fn an_hour_that_comes_twice_loses_no_row_where_it_is_taken_for_the_first() {
    goes_through(AUTUMN, Filter::First, json!({"first": null}), 1);
    goes_through(
        AUTUMN,
        Filter::First,
        json!({"first": null, "format": SPACED}),
        7,
    );
}

#[test]
fn an_hour_that_comes_twice_loses_no_row_where_it_is_taken_for_the_second() {
    goes_through(AUTUMN, Filter::Second, json!({"first": null}), 1);
    goes_through(
        AUTUMN,
        Filter::Second,
        json!({"first": null, "format": SPACED}),
        7,
    );
}

#[test]
fn an_hour_that_is_skipped_loses_no_row() {
    for filter in [Filter::Texts, Filter::First] {
        goes_through(SPRING, filter, json!({"first": null}), 3);
        goes_through(SPRING, filter, json!({"first": null, "format": SPACED}), 7);
    }
}
