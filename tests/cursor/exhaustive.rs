//! Every small table with every one and every two changes, whenever they come.
//! `EXHAUST` says how many rows the largest tables have: three by default, which
//! is quick; four is what holds before a change lands.

use highwater::cursor::Paging;

use crate::model::{Api, Ledger, Table, Total};

#[derive(Debug, Clone, Copy)]
enum Change {
    Update(u32),
    Delete(u32),
    InsertFirst,
    InsertLast,
}

fn changes(rows: u32) -> Vec<Change> {
    let mut all = vec![Change::InsertFirst, Change::InsertLast];
    all.extend((0..rows).flat_map(|id| [Change::Update(id), Change::Delete(id)]));
    all
}

fn apply(table: &mut Table, change: Change, tick: bool) {
    table.clock += i64::from(tick);
    match change {
        Change::Update(id) => table.update(id),
        Change::Delete(id) => table.delete(id),
        Change::InsertFirst => table.insert(true),
        Change::InsertLast => table.insert(false),
    }
}

/// Tables of so many rows, each row of the same instant as the one before it
/// or of the next.
fn tables(rows: u32) -> impl Iterator<Item = Table> {
    (0..1_u32 << (rows - 1)).map(move |ties| {
        let mut at = 100;
        Table::of((0..rows).map(|row| {
            at += i64::from(row > 0 && ties >> (row - 1) & 1 == 0);
            at
        }))
    })
}

/// Two changes, before these requests of the first sync.
fn run(api: &Api, table: &Table, plan: &[(u64, Change)], tick: bool) {
    let mut table = table.clone();
    let mut ledger = Ledger::default();
    let synced = ledger.sync(api, &mut table, |table, nth| {
        for (when, change) in plan {
            if *when == nth {
                apply(table, *change, tick);
            }
        }
        false
    });
    let story = || format!("{api:?} {plan:?} tick {tick}");
    if let Err(error) = synced {
        panic!("{error}: {}", story());
    }
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // What changes within the instant that is being read may come later.
        if tick {
            ledger.check(api, &table);
        }
        ledger.complete(api, &mut table)
    }));
    match checked {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{error}: {}", story()),
        Err(_) => panic!("{}", story()),
    }
}

fn exhaust(rows: u32, pages: std::ops::RangeInclusive<u64>, api: impl Fn(u64) -> Api) {
    for table in tables(rows) {
        for limit in pages.clone() {
            let api = api(limit);
            let mut quiet = Ledger::default();
            quiet.sync(&api, &mut table.clone(), |_, _| false).unwrap();
            let points = quiet.requests + 1;
            let all = changes(rows);
            for tick in [true, false] {
                for first in &all {
                    for when in 1..=points {
                        run(&api, &table, &[(when, *first)], tick);
                        for second in &all {
                            for later in when..=points + 1 {
                                run(&api, &table, &[(when, *first), (later, *second)], tick);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn size() -> u32 {
    std::env::var("EXHAUST").map_or(3, |rows| rows.parse().unwrap())
}

#[test]
fn no_change_loses_or_repeats_a_row_of_an_api_with_totals() {
    exhaust(size(), 2..=4, Api::new);
}

#[test]
fn no_change_loses_or_repeats_a_row_of_an_api_without_totals() {
    exhaust(size(), 2..=3, |limit| Api {
        total: Total::Absent,
        ..Api::new(limit)
    });
}

#[test]
fn no_change_loses_or_repeats_a_row_beyond_exclusive_bounds() {
    exhaust(size(), 2..=3, |limit| {
        let mut api = Api::new(limit);
        api.settings.exclusive = true;
        api
    });
}

#[test]
fn no_change_loses_or_repeats_a_row_beyond_exclusive_bounds_without_totals() {
    exhaust(size(), 2..=3, |limit| {
        let mut api = Api {
            total: Total::Absent,
            ..Api::new(limit)
        };
        api.settings.exclusive = true;
        api
    });
}

#[test]
fn no_change_loses_or_repeats_a_row_where_pages_are_numbered() {
    for total in [Total::Exact, Total::Absent] {
        exhaust(size(), 2..=3, |limit| {
            let mut api = Api {
                total,
                ..Api::new(limit)
            };
            api.settings.paging = Paging::Page;
            api
        });
    }
}

#[test]
fn no_change_loses_or_repeats_a_row_of_ties_in_no_order() {
    // A run that fills the page may come back in its order by chance.
    exhaust(4, 5..=5, |limit| Api {
        unstable: true,
        ..Api::new(limit)
    });
}

#[test]
fn no_change_loses_or_repeats_a_row_where_the_offset_is_kept_low() {
    exhaust(size(), 2..=3, |limit| {
        let mut api = Api::new(limit);
        api.settings.max_offset = limit + 1;
        api
    });
}
