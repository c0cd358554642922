//! Large tables: what the plain walk loses, and what reading costs.

use highwater::timestamp::Format;

use crate::model::{Api, Dice, Ledger, Table, Total, mix, reason};

/// One update of any row per request, as long as the first rows are not over.
fn one_update(table: &mut Table, nth: u64) -> bool {
    table.clock += 1;
    let place = mix(nth) as usize % table.rows.len();
    table.update_at(place);
    false
}

/// What a reader gets that advances by the rows it received.
fn walk_plainly(api: &Api, table: &mut Table) -> Ledger {
    let mut ledger = Ledger::default();
    let mut offset = 0;
    for nth in 0.. {
        if nth > 0 {
            one_update(table, nth);
        }
        let (page, total) = api.answer(table, None, offset, api.settings.limit, nth);
        offset += page.0.len() as u64;
        for row in &page.0 {
            ledger.latest.insert(row.id, row.version);
        }
        if page.0.is_empty() || total.is_some_and(|total| offset >= total) {
            break;
        }
    }
    ledger
}

#[test]
fn the_plain_walk_loses_rows_that_the_cursor_does_not() {
    let mut table = Table::of(0..10_000);
    let plain = walk_plainly(&Api::new(50), &mut table);
    let lost = plain.lacks(&table).len();
    assert!(lost > 90, "only {lost} rows lost");

    for total in [Total::Exact, Total::Absent] {
        let api = Api {
            total,
            ..Api::new(50)
        };
        let mut table = Table::of(0..10_000);
        let mut ledger = Ledger::default();
        ledger.sync(&api, &mut table, one_update).unwrap();
        ledger.check(&api, &table);
        ledger.complete(&api, &mut table).unwrap();
        assert!(ledger.held < 10, "{} rows were remembered", ledger.held);
    }
}

#[test]
fn the_work_is_linear_in_the_rows() {
    let (rows, limit) = (200_000, 500);
    let mut api = Api::new(limit);
    api.settings.max_offset = 10_000;
    let mut table = Table::of((0..rows).map(|row| row / 3));
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    assert!(ledger.lacks(&table).is_empty());
    let pages = rows as u64 / limit;
    let plain: u64 = (0..pages).map(|page| page * limit).sum();
    assert!(ledger.offsets < plain / 15, "{} of {plain}", ledger.offsets);
    assert!(
        ledger.reread < rows as u64 / 50,
        "{} rows read twice",
        ledger.reread
    );
    assert!(ledger.held < 10, "{} rows were remembered", ledger.held);
}

#[test]
fn runs_of_ties_survive_one_update_per_request() {
    for run in [7, 20, 48, 49, 51, 75, 100, 250, 700] {
        for total in [Total::Exact, Total::Absent] {
            let api = Api {
                total,
                ..Api::new(50)
            };
            let mut table = Table::of((0..5_000).map(|row| row / run));
            let mut ledger = Ledger::default();
            let synced = ledger.sync(&api, &mut table, one_update);
            assert_eq!(reason(synced), "", "{run} {total:?}");
            ledger.check(&api, &table);
            ledger.complete(&api, &mut table).unwrap();
        }
    }
}

#[test]
fn runs_of_ties_in_no_order_survive_or_are_refused() {
    for run in [7, 20, 40, 48, 49, 75, 700] {
        let api = Api {
            unstable: true,
            ..Api::new(50)
        };
        let mut table = Table::of((0..2_000).map(|row| row / run));
        let mut ledger = Ledger::default();
        let synced = ledger.sync(&api, &mut table, one_update);
        match synced {
            Ok(()) => ledger.check(&api, &table),
            Err(error) => assert!(run > 45, "{error}"),
        }
        if run <= 45 {
            ledger.complete(&api, &mut table).unwrap();
        } else {
            // the lost ones are none: a page that holds the run completes it
            let larger = Api {
                unstable: true,
                ..Api::new(2_000)
            };
            ledger.complete(&larger, &mut table).unwrap();
        }
    }
}

#[test]
fn a_day_of_rows_at_one_bound_completes_under_one_update_per_request() {
    for total in [Total::Exact, Total::Absent] {
        let mut api = Api {
            total,
            ..Api::new(50)
        };
        api.settings.format = Format::Date;
        let mut table = Table::of((0..20_000).map(|row| row * 4));
        table.clock = 86_400 * 3;
        let mut ledger = Ledger::default();
        let synced = ledger.sync(&api, &mut table, one_update);
        assert_eq!(reason(synced), "");
        ledger.check(&api, &table);
        assert!(ledger.requests < 2_500, "{} requests", ledger.requests);
        ledger.complete(&api, &mut table).unwrap();
    }
}

#[test]
fn what_was_read_in_the_last_minute_may_be_long_and_busy() {
    let mut api = Api::new(50);
    api.settings.lookback = std::time::Duration::from_secs(100_000);
    let mut table = Table::of((0..10_000).map(|row| row / 2));
    let mut ledger = Ledger::default();
    ledger.sync(&api, &mut table, |_, _| false).unwrap();
    let mut dice = Dice(3);
    let synced = ledger.sync(&api, &mut table, |table, _| {
        // rows that were read go, so that every second page is a drift
        table.clock += 1;
        table.update_at(dice.below(50));
        false
    });
    assert_eq!(reason(synced), "");
    ledger.complete(&api, &mut table).unwrap();
}
