//! Inquiries into a table that is filtered rightly, wrongly, or not at all.

use super::super::super::testing::{bound, instant, page};
use super::*;
use crate::timestamp;

fn known(rows: &[(u32, i64)]) -> Vec<Known> {
    let row = |(id, at): &(u32, i64)| Known {
        id: id.to_string(),
        at: instant(*at),
    };
    rows.iter().map(row).collect()
}

/// Asks a table of rows that is filtered by `filter`.
fn inquire(
    rows: &[(u32, i64)],
    missing: &[(u32, i64)],
    question: Option<(i64, u64)>,
    filter: impl Fn(i64) -> i64,
    total: bool,
) -> Finding {
    let from = |since: Option<&str>| {
        let since = since
            .and_then(timestamp::parse)
            .map_or(i64::MIN, |at| filter(at.secs));
        rows.iter()
            .filter(|row| row.1 >= since)
            .copied()
            .collect::<Vec<_>>()
    };
    let at = missing.iter().map(|row| row.1).min().unwrap_or(0);
    let start = bound(instant(at));
    let first = from(start.text.as_deref());
    let question = question.map(|(since, offset)| Question {
        since: bound(instant(since)).text,
        offset,
    });
    let told = total.then_some(first.len() as u64);
    let limits = Limits {
        limit: 10,
        max_offset: 1000,
        step: 1,
        by_offset: true,
    };
    let mut inquiry = Inquiry::new(
        known(missing),
        first.first().map(|row| instant(row.1)),
        told,
        start,
        question,
        Bound::NONE,
        limits,
    );
    for _ in 0..60 {
        let (since, offset, _) = inquiry.ask();
        let found = from(since);
        let rows: Vec<_> = found
            .iter()
            .skip(offset as usize)
            .take(10)
            .copied()
            .collect();
        let told = total.then_some(found.len() as u64);
        match inquiry.hear(&page(&rows), told) {
            Finding::More => {}
            finding => return finding,
        }
    }
    panic!("endless");
}

const HOUR: i64 = 3600;

fn hourly() -> Vec<(u32, i64)> {
    (0..300).map(|n| (n, i64::from(n) * HOUR)).collect()
}

#[test]
fn a_filter_in_another_zone_is_refuted_by_hours() {
    let rows = hourly();
    for total in [true, false] {
        for question in [None, Some((0, 280)), Some((200 * HOUR, 0))] {
            let missing = [(290, 290 * HOUR)];
            let shift = |at| if at == 0 { 0 } else { at + 4 * HOUR };
            let Finding::Refuted(error) = inquire(&rows, &missing, question, shift, total) else {
                panic!("not refuted: {question:?} {total}");
            };
            assert!(
                error
                    .to_string()
                    .contains("leaves out rows of its own bound")
            );
            assert!(
                error.hint_text().contains("by 4 hours"),
                "{}",
                error.hint_text()
            );
        }
    }
}

#[test]
fn an_exclusive_bound_is_told_from_another_zone() {
    let finding = inquire(
        &hourly(),
        &[(290, 290 * HOUR)],
        Some((0, 280)),
        |at| at + 1,
        true,
    );
    let Finding::Refuted(error) = finding else {
        panic!("not refuted");
    };
    assert!(
        error.hint_text().contains("exclusive\"}"),
        "{}",
        error.hint_text()
    );
}

#[test]
fn rows_that_were_changed_or_deleted_accuse_nobody() {
    let mut rows = hourly();
    rows.retain(|row| row.0 != 290);
    for total in [true, false] {
        for question in [
            None,
            Some((0, 280)),
            Some((200 * HOUR, 0)),
            Some((290 * HOUR, 0)),
        ] {
            let missing = [(290, 290 * HOUR)];
            let finding = inquire(&rows, &missing, question, |at| at, total);
            assert!(
                matches!(finding, Finding::Gone(_)),
                "{finding:?} {question:?} {total}"
            );
        }
    }
}

#[test]
fn an_api_that_shows_nothing_any_more_is_refuted() {
    let finding = inquire(&[], &[(290, 290 * HOUR)], Some((0, 280)), |at| at, true);
    let Finding::Refuted(error) = finding else {
        panic!("not refuted");
    };
    assert!(error.to_string().contains("shows no row any more"));
}

#[test]
fn rows_that_are_back_after_a_pause_are_believed() {
    let missing = known(&[(7, 7)]);
    let mut inquiry = Inquiry::new(
        missing,
        None,
        None,
        bound(instant(7)),
        None,
        Bound::NONE,
        Limits {
            limit: 10,
            max_offset: 100,
            step: 1,
            by_offset: true,
        },
    );
    assert_eq!(inquiry.hear(&page(&[(6, 6), (7, 7)]), None), Finding::More);
    assert_eq!(inquiry.ask().2, PAUSE);
    assert_eq!(inquiry.hear(&page(&[(7, 7)]), None), Finding::Back);
}
