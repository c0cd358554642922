//! APIs that break the contract: an error after a bounded number of requests.

use highwater::cursor::{Answer, Order, Paging, Rows};
use highwater::error::{Error, Kind};

use crate::model::{Api, Dice, Ledger, Page, Row, Table, Total, cursor, instant, reason};

fn row(id: u32, at: i64) -> Row {
    Row {
        at,
        tie: id,
        id,
        version: u64::from(id) * 1_000_000 + at as u64,
        visible: 0,
    }
}

fn order(sorted: bool) -> Order {
    if sorted {
        Order::Sorted
    } else {
        Order::Unsorted
    }
}

fn paging(by_page: bool) -> Paging {
    if by_page {
        Paging::Page
    } else {
        Paging::Offset
    }
}

/// Reads from any function of the request; the error, or how many rows came.
fn read(
    api: &Api,
    limit: u64,
    mut answer: impl FnMut(Option<&str>, u64, u64) -> (Vec<Row>, Option<u64>),
) -> Result<u64, (Error, u64)> {
    let mut cursor = cursor(api);
    let mut rows = 0;
    for nth in 0..limit {
        let ask = cursor.request();
        let (page, total) = answer(ask.since, ask.offset, nth);
        let page = Page(page);
        let asked = Answer::new(None, total, instant(1_000 + nth as i64));
        let step = cursor.accept(&page, &asked).map_err(|error| {
            assert_eq!(error.kind(), Kind::Contract);
            assert!(!error.hint_text().is_empty(), "{error}");
            (error, nth + 1)
        })?;
        rows += step
            .deliver
            .iter()
            .map(|range| range.len() as u64)
            .sum::<u64>();
        assert!(cursor.seen().len() <= rows as usize);
        if step.done {
            return Ok(rows);
        }
    }
    panic!("endless: {rows} rows");
}

fn error(result: Result<u64, (Error, u64)>, most: u64) -> String {
    let (error, requests) = result.expect_err("it ended well");
    assert!(requests <= most, "{requests} requests");
    error.to_string()
}

fn absent(limit: u64) -> Api {
    Api {
        total: Total::Absent,
        ..Api::new(limit)
    }
}

#[test]
fn the_same_page_for_ever_is_refused() {
    for total in [None, Some(100), Some(1_000_000)] {
        for stamps in [[1, 2, 3, 4], [1, 1, 1, 1], [1, 2, 2, 2]] {
            for (by_page, sorted) in [(false, true), (true, true), (false, false), (true, false)] {
                let mut api = Api::new(4);
                (api.settings.paging, api.settings.order) = (paging(by_page), order(sorted));
                let page: Vec<Row> = (0..).zip(stamps).map(|(id, at)| row(id, at)).collect();
                let result = read(&api, 500, |_, _, _| (page.clone(), total));
                error(result, 400);
            }
        }
    }
}

#[test]
fn an_offset_that_is_ignored_loses_no_row_in_silence() {
    let table = Table::of((0..100).map(|row| row / 2));
    for exclusive in [false, true] {
        let mut api = Api::new(10);
        api.settings.exclusive = exclusive;
        let result = read(&api, 500, |since, _, nth| {
            let (page, total) = api.answer(&table, since, 0, 10, nth);
            (page.0, total)
        });
        assert_eq!(result.map_err(|(error, _)| error), Ok(100));
    }
    let ties = Table::of((0..100).map(|row| row / 20));
    for api in [Api::new(10), absent(10)] {
        let result = read(&api, 500, |since, _, nth| {
            let (page, total) = api.answer(&ties, since, 0, 10, nth);
            (page.0, total)
        });
        error(result, 60);
    }
}

#[test]
fn a_filter_that_is_ignored_loses_and_repeats_nothing() {
    let table = Table::of(0..300);
    for total in [Total::Exact, Total::Absent] {
        let mut api = Api {
            total,
            ..Api::new(10)
        };
        api.settings.max_offset = 100;
        let result = read(&api, 500, |_, offset, nth| {
            let (page, total) = api.answer(&table, None, offset, 10, nth);
            (page.0, total)
        });
        assert_eq!(result.map_err(|(error, _)| error), Ok(300));
    }
}

#[test]
fn a_wrong_echo_is_refused() {
    let api = Api::new(2);
    let mut cursor = cursor(&api);
    let answer = Answer::new(Some(7), None, instant(9));
    let error = cursor.accept(&Page(vec![row(1, 1)]), &answer).unwrap_err();
    assert!(
        error.to_string().contains("for offset 7, asked for was 0"),
        "{error}"
    );
    // and nothing of it was taken
    assert_eq!((cursor.mark(), cursor.request().offset), (None, 0));
}

#[test]
fn rows_out_of_order_are_refused_with_their_place() {
    let rows = vec![row(1, 1), row(2, 3), row(3, 2)];
    let message = error(read(&Api::new(3), 9, |_, _, _| (rows.clone(), None)), 1);
    assert!(
        message.starts_with("row 2 (id \"3\"): rows are out of order"),
        "{message}"
    );
}

#[test]
fn an_empty_page_below_its_own_total_is_refused() {
    let table = Table::of(0..50);
    let api = Api::new(10);
    let result = read(&api, 100, |since, offset, nth| {
        let (page, _) = api.answer(&table, since, offset.min(20), 10, nth);
        let rows = if offset > 20 { vec![] } else { page.0 };
        (rows, Some(50))
    });
    assert!(error(result, 10).contains("empty page, though the total is 50"));
}

#[test]
fn a_total_of_more_rows_than_the_filter_passes_is_refused() {
    for ties in [1, 3] {
        let table = Table::of((0..50).map(|row| row / ties));
        let api = Api::new(10);
        let result = read(&api, 100, |since, offset, nth| {
            let (page, _) = api.answer(&table, since, offset, 10, nth);
            (page.0, Some(500))
        });
        error(result, 60);
    }
}

#[test]
fn a_total_that_counts_something_else_is_passed_over() {
    let table = Table::of(0..55);
    let api = absent(10);
    let result = read(&api, 100, |since, offset, nth| {
        let (page, _) = api.answer(&table, since, offset, 10, nth);
        (page.0, Some(7))
    });
    assert_eq!(result.map_err(|(error, _)| error), Ok(55));
}

#[test]
fn ties_in_another_order_each_time_are_refused_with_a_page_size_that_would_do() {
    let table = Table::of([7; 100]);
    let api = Api {
        unstable: true,
        ..Api::new(10)
    };
    let result = read(&api, 200, |since, offset, nth| {
        let (page, total) = api.answer(&table, since, offset, 10, nth);
        (page.0, total)
    });
    let (error, requests) = result.unwrap_err();
    assert!(error.to_string().contains("no stable order"), "{error}");
    assert!(
        error.hint_text().contains("--page-size"),
        "{}",
        error.hint_text()
    );
    assert!(requests < 100);
}

#[test]
fn a_table_that_grows_as_fast_as_it_is_read_is_left_for_later_or_refused() {
    for (total, sorted, by_page) in [
        (Total::Exact, true, false),
        (Total::Absent, true, false),
        (Total::Exact, false, false),
        (Total::Absent, false, false),
        (Total::Exact, true, true),
        (Total::Absent, true, true),
    ] {
        let mut api = Api {
            total,
            ..Api::new(10)
        };
        (api.settings.order, api.settings.paging) = (order(sorted), paging(by_page));
        let mut table = Table::of(0..100);
        let mut ledger = Ledger::default();
        let message = reason(ledger.sync(&api, &mut table, |table, _| {
            for _ in 0..10 {
                table.clock += 1;
                table.insert(false);
            }
            false
        }));
        let refused = message.contains("grows as fast") || message.contains("move from page");
        let sorted = api.settings.order == Order::Sorted;
        assert!(
            (refused || sorted && message.is_empty()) && ledger.requests < 4_000,
            "{message} {api:?}"
        );
    }
}

#[test]
fn a_long_run_of_old_ties_is_no_endless_table() {
    for total in [Total::Exact, Total::Absent, Total::Capped(1000)] {
        let mut api = Api {
            total,
            ..Api::new(4)
        };
        api.settings.max_offset = 1000;
        let mut table = Table::of([7; 5_000].into_iter().chain(8..20));
        let mut ledger = Ledger::default();
        let synced = ledger.sync(&api, &mut table, |table, _| {
            table.clock += 1;
            false
        });
        assert_eq!(reason(synced), "");
        assert!(ledger.lacks(&table).is_empty());
    }
}

#[test]
fn pages_of_noise_are_bounded() {
    let mut dice = Dice(1);
    let mut outcomes = [0, 0];
    for round in 0..300 {
        let mut api = Api::new(1 + dice.below(6) as u64);
        api.settings.paging = paging(round % 3 == 0);
        api.settings.order = order(round % 5 != 0);
        let with_total = dice.below(3);
        let result = read(&api, 10_000, |_, _, _| {
            let mut rows: Vec<Row> = (0..dice.below(api.settings.limit as usize + 1))
                .map(|_| row(dice.below(50) as u32, dice.below(30) as i64))
                .collect();
            rows.sort_by_key(|row| row.at);
            let total = (with_total > 0).then(|| dice.below(60) as u64);
            assert!(Page(rows.clone()).count() <= 6);
            (rows, total)
        });
        outcomes[usize::from(result.is_ok())] += 1;
    }
    assert!(outcomes[0] > 50, "{outcomes:?}");
}
