//! A sync whose first page is good and whose second page is not: what holds then,
//! whatever is wrong with that page.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND, rfc3339};
use crate::support::http::{Reply, Request};
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, assert_no_leftovers, latest_by_id, ndjson};
use crate::{ids, page, state, sync};

/// Nothing that is answered so may take longer, on a busy machine either.
const BOUND: Duration = Duration::from_secs(20);

/// A sync that gets this in place of its second page, as often as it asks; and
/// the next one, to which the API answers as it should.
#[track_caller]
pub(crate) fn second_page(
    code: i32,
    flags: &[&str],
    reply: impl Fn(&Request) -> Reply + Send + 'static,
) -> Outcome {
    let dir = Scratch::new();
    let api = Api::over(Table::users(200, 1))
        .fault(move |request, nth| (nth >= 2).then(|| reply(request)))
        .start();
    let begun = Instant::now();
    let outcome = sync(dir.path(), &api.url(), flags).expect(code);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(
        // A refused page is asked for once more, from the last timestamp on.
        ["48", "0"].iter().any(|offset| {
            let place = format!("error: page at offset {offset}");
            outcome.stderr.contains(&place)
        }),
        "{}",
        outcome.stderr
    );

    let receipt = outcome.receipt();
    assert_eq!(receipt["complete"], false);
    assert_eq!(receipt["rows"], 50);
    let mark = rfc3339(BASE + 49 * SECOND);
    // Rows out of order say that nothing of the walk is proved.
    let (mark, rest) = if outcome.stderr.contains("out of order") {
        (Value::Null, 199)
    } else {
        (Value::from(&*mark), 150)
    };
    assert_eq!(receipt["last_updated_at"], mark);
    assert_eq!(receipt["requests"], Value::from(api.counts().requests));
    let rows = ndjson(dir.join(receipt["file"].as_str().unwrap()));
    let expected: Vec<String> = (1..=50).map(|id| id.to_string()).collect();
    assert_eq!(ids(&rows), expected);
    let state = state(dir.path());
    assert_eq!(state["last_updated_at"], mark);
    assert_eq!(state["part"], Value::Null);
    assert_no_leftovers(&dir.join("out"));

    api.set_fault(|_, _| None);
    let next = sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(next.receipt()["rows"], rest);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 50 + rest);
    assert_eq!(latest_by_id(&rows), api.table().contents());
    outcome
}

/// The same with the page that should have come, bent.
#[track_caller]
pub(crate) fn bent_page(bend: impl Fn(&mut Value) + Send + 'static) -> Outcome {
    second_page(5, &["--max-retries", "0"], move |request| {
        let mut page = page(request);
        bend(&mut page);
        Reply::json(page)
    })
}

/// Fails the test unless the program said each of these.
#[track_caller]
pub(crate) fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        let said = outcome.stderr.contains(part);
        assert!(said, "{part:?} is not in: {}", outcome.stderr);
    }
}
