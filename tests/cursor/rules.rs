//! What single answers lead to.

use std::time::Duration;

use highwater::cursor::{Answer, Bound, Cursor, Order, Paging, Rows, Start, Step};
use highwater::error::Error;
use highwater::timestamp::{Format, Instant, parse};

use crate::model::{Api, Ledger, Page, Row, Table, Total, cursor, instant};

fn page(rows: &[(u32, i64)]) -> Page {
    let row = |&(id, at): &(u32, i64)| Row {
        at,
        tie: id,
        id,
        version: u64::from(id),
        visible: at,
    };
    Page(rows.iter().map(row).collect())
}

fn accept<R: Rows>(cursor: &mut Cursor, rows: &R, echoed: Option<u64>, total: Option<u64>) -> Step {
    cursor
        .accept(rows, &Answer::new(echoed, total, NOW))
        .unwrap()
}

/// What is asked for next: the bound and the offset.
fn asked(cursor: &Cursor) -> (Option<&str>, u64) {
    (cursor.request().since, cursor.request().offset)
}

const NOW: Instant = Instant {
    secs: 1_740_000_000,
    nanos: 0,
};

#[test]
fn the_next_page_starts_on_the_row_before_the_last_timestamp() {
    let mut cursor = cursor(&Api::new(5));
    let rows = page(&[(1, 1), (2, 2), (3, 3), (4, 4), (5, 4)]);
    let step = accept(&mut cursor, &rows, Some(0), Some(9));
    assert_eq!(step.deliver, [0..5]);
    assert_eq!(asked(&cursor), (None, 2));
    // it must hold every row of that timestamp, in whatever order
    let rows = page(&[(3, 3), (5, 4), (6, 4), (4, 4), (7, 5)]);
    let step = accept(&mut cursor, &rows, Some(2), Some(9));
    assert_eq!(step.deliver, [2..3, 4..5]);
    assert_eq!(asked(&cursor), (None, 5));
}

#[test]
fn a_page_that_starts_too_late_is_discarded_and_a_window_opens_at_the_last_timestamp() {
    let mut cursor = cursor(&Api::new(3));
    let rows = page(&[(1, 1), (2, 2), (3, 3)]);
    accept(&mut cursor, &rows, None, Some(6));
    let rows = page(&[(4, 4), (5, 5), (6, 6)]);
    let step = accept(&mut cursor, &rows, None, Some(5));
    assert_eq!((step.deliver.len(), step.drift.is_some()), (0, true));
    assert_eq!(asked(&cursor), (Some("1970-01-01T00:00:03Z"), 0));
    assert_eq!((cursor.counts().windows, cursor.counts().drifts), (2, 1));
}

#[test]
fn an_exclusive_bound_is_the_timestamp_before_the_last() {
    let mut api = Api::new(3);
    api.settings.exclusive = true;
    let mut cursor = cursor(&api);
    accept(&mut cursor, &page(&[(1, 1), (2, 2), (3, 3)]), None, Some(6));
    accept(&mut cursor, &page(&[(4, 4)]), None, Some(6));
    assert_eq!(asked(&cursor), (Some("1970-01-01T00:00:02Z"), 0));
}

#[test]
fn a_row_that_comes_again_with_the_same_id_and_another_timestamp_joins_nothing() {
    let mut cursor = cursor(&Api::new(2));
    accept(&mut cursor, &page(&[(1, 1), (2, 2)]), None, Some(4));
    let step = accept(&mut cursor, &page(&[(2, 5)]), None, Some(2));
    assert!(step.drift.is_some());
}

#[test]
fn half_a_page_of_ties_may_thin_out_but_not_change_its_order() {
    let ties = |ids: std::ops::Range<u32>| ids.map(|id| (id, 7)).collect::<Vec<_>>();
    let mut thinned = cursor(&Api::new(16));
    accept(&mut thinned, &page(&ties(0..16)), None, Some(40));
    assert_eq!(thinned.request().offset, 8);
    let step = accept(&mut thinned, &page(&ties(10..26)), None, Some(38));
    assert_eq!((step.deliver, step.drift), (vec![6..16], None));

    let mut mixed = cursor(&Api::new(16));
    accept(&mut mixed, &page(&ties(0..16)), None, Some(40));
    let mut rows = ties(8..24);
    rows.swap(2, 10);
    assert!(
        accept(&mut mixed, &page(&rows), None, Some(40))
            .drift
            .is_some()
    );
}

#[test]
fn the_next_sync_resumes_where_no_row_can_come_late() {
    let mut api = Api::new(10);
    api.settings.lookback = Duration::from_secs(60);
    let mut table = Table::of([10, 20, 30, 90, 99]);
    table.clock = 100;
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert_eq!(ledger.resume(), Some("1970-01-01T00:00:30Z"));
    assert_eq!(ledger.mark(), instant(99));
    assert_eq!(ledger.held, 3);
    table.insert_late(30, 5);
    table.clock += 5;
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert!(ledger.lacks(&table).is_empty());
}

#[test]
fn an_old_table_is_resumed_at_its_mark() {
    let mut table = Table::of([10, 20, 30]);
    table.clock = 1000;
    let mut api = Api::new(10);
    api.settings.lookback = Duration::from_secs(60);
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert_eq!(
        (ledger.resume(), ledger.held),
        (Some("1970-01-01T00:00:30Z"), 1)
    );
}

#[test]
fn a_coarse_bound_is_cut_downwards_and_what_it_covers_is_remembered() {
    let mut api = Api::new(10);
    api.settings.format = Format::Date;
    let day = 86_400;
    let mut table = Table::of([day - 5, day + 1, day + 2, day + 3]);
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert_eq!(ledger.held, 3);
    ledger.complete(&api, &mut table).unwrap();
}

#[test]
fn nothing_at_or_after_the_end_is_delivered_and_the_mark_stays_below() {
    let mut api = Api::new(2);
    api.settings.until = Some(instant(13));
    let mut table = Table::of([10, 11, 12, 13, 13, 14]);
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert_eq!(ledger.mark(), instant(12));
    assert_eq!(ledger.latest.len(), 3);
    ledger.complete(&api, &mut table).unwrap();
}

#[test]
fn rows_of_an_unsorted_table_after_the_end_are_left_for_later() {
    let mut api = Api::new(4);
    (api.settings.order, api.settings.until) = (Order::Unsorted, Some(instant(13)));
    let mut table = Table::of([10, 11, 12, 13, 13, 14, 9, 15, 8]);
    table.clock = 20;
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert_eq!((ledger.mark(), ledger.latest.len()), (instant(12), 5));
    ledger.complete(&api, &mut table).unwrap();
}

#[test]
fn a_total_that_is_capped_ends_nothing() {
    for ties in [1, 20] {
        let mut api = Api {
            total: Total::Capped(40),
            ..Api::new(10)
        };
        api.settings.max_offset = 40;
        let mut table = Table::of((0..200).map(|row| row / ties));
        let mut ledger = Ledger::default();
        ledger.sync(&api, &mut table, |_, _| false).unwrap();
        assert!(ledger.lacks(&table).is_empty());
    }
}

#[test]
fn a_page_of_one_row_is_asked_about_once_more_where_there_is_no_total() {
    let mut table = Table::of([10]);
    let api = Api {
        total: Total::Absent,
        ..Api::new(10)
    };
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    // From its own timestamp on, after it, and beyond the page.
    assert_eq!(ledger.requests, 4);

    let api = Api {
        clamp: vec![1],
        ..api
    };
    let mut table = Table::of([10, 11, 12]);
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert!(ledger.lacks(&table).is_empty());
}

#[test]
fn an_empty_table_is_done_at_once_or_when_nothing_lies_beyond_its_first_page() {
    for total in [Total::Exact, Total::Absent] {
        let api = Api {
            total,
            ..Api::new(10)
        };
        let mut ledger = Ledger::default();
        ledger
            .sync(&api, &mut Table::default(), |_, _| false)
            .unwrap();
        let requests = if total == Total::Exact { 1 } else { 2 };
        assert_eq!((ledger.requests, ledger.resume()), (requests, None));
    }
}

#[test]
fn a_bound_is_spelled_as_the_api_spelled_it() {
    struct Odd;
    impl Rows for Odd {
        fn count(&self) -> usize {
            1
        }
        fn at(&self, _: usize) -> Instant {
            parse("2024-01-15T10:30:00Z").unwrap()
        }
        fn mark(&self, _: usize) -> String {
            "2024-01-15 11:30:00.000+0100".into()
        }
        fn id(&self, _: usize) -> String {
            "1".into()
        }
        fn key(&self, _: usize) -> u64 {
            1
        }
        fn hash(&self, _: usize) -> u64 {
            1
        }
    }
    let mut cursor = cursor(&Api::new(10));
    assert!(accept(&mut cursor, &Odd, Some(0), Some(1)).done);
    assert_eq!(cursor.resume(), Some("2024-01-15 11:30:00.000+0100"));
    assert_eq!(cursor.mark().unwrap().text, "2024-01-15 11:30:00.000+0100");
}

/// An API that numbers the pages of a table in no order.
fn numbered(limit: u64) -> Api {
    let mut api = Api::new(limit);
    (api.settings.order, api.settings.paging) = (Order::Unsorted, Paging::Page);
    api.settings.lookback = Duration::from_secs(60);
    api
}

#[test]
fn a_full_page_without_a_link_is_the_last_where_its_total_agrees() {
    let rows = page(&[(1, 1), (2, 2), (3, 3)]);
    let mut settings = numbered(3).settings;
    settings.paging = Paging::Link;
    for more in [true, false] {
        let mut cursor = Cursor::new(settings.clone(), Start::new(Bound::NONE));
        let answer = Answer {
            more: Some(more),
            ..Answer::new(None, Some(3), NOW)
        };
        assert_eq!(cursor.accept(&rows, &answer).unwrap().done, !more);
    }
}

#[test]
fn a_refused_page_is_the_end_only_where_the_page_before_it_promised_no_more() {
    // The rows that are deleted after the first answer, or none.
    for deleted in [2, 0] {
        let mut cursor = Cursor::new(numbered(2).settings, Start::new(Bound::NONE));
        let mut total = 4;
        let end = (0..20).find_map(|_| {
            let step = if cursor.request().offset == 0 {
                let answer = Answer::new(None, Some(total), NOW);
                cursor.accept(&page(&[(1, 1), (2, 2)]), &answer)
            } else {
                cursor.refused(Error::refused("no such page"))
            };
            total = 4 - deleted;
            match step {
                Ok(step) => step.done.then_some(true),
                Err(_) => Some(false),
            }
        });
        assert_eq!(end, Some(deleted > 0));
    }
}

#[test]
fn numbered_rows_in_no_order_may_be_deleted_all_the_time() {
    let mut table = Table::of(0..100);
    table.clock = 1000;
    let mut ledger = Ledger::default();
    let deleting = |table: &mut Table, nth: u64| {
        if nth.is_multiple_of(3) {
            table.rows.remove(0);
        }
        false
    };
    ledger.sync(&numbered(10), &mut table, deleting).unwrap();
    assert!(ledger.lacks(&table).is_empty());
}

#[test]
fn numbered_rows_in_no_order_may_come_in_after_the_end_or_by_a_clock_that_is_behind() {
    for (until, behind) in [(Some(instant(900)), 0), (None, 30)] {
        let mut api = numbered(10);
        api.settings.until = until;
        let mut table = Table::of(0..100);
        table.clock = 1000;
        for row in &mut table.rows {
            row.id += 1000;
        }
        let mut ledger = Ledger::default();
        let coming_in = |table: &mut Table, nth: u64| {
            table.clock = 1000 + i64::try_from(nth / 5).unwrap();
            table.rows.push(Row {
                at: table.clock - behind,
                tie: 0,
                id: 999 - u32::try_from(nth).unwrap(),
                version: 1000 + nth,
                visible: i64::MIN,
            });
            false
        };
        ledger.sync(&api, &mut table, coming_in).unwrap();
    }
}
