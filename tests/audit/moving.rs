//! Rows that change while an audit reads them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND, now};
use crate::support::table::{Random, Table};
use crate::support::{Scratch, highwater, run};
use crate::{audit, sync, table};

/// What changes a row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Update,
    Delete,
    Insert,
    /// Deleted and there again at once.
    Again,
}

const CHANGES: [Change; 4] = [
    Change::Update,
    Change::Delete,
    Change::Insert,
    Change::Again,
];

fn change(table: &mut Table, change: Change, id: &str) {
    match change {
        Change::Update => _ = table.update(id, now()),
        Change::Delete => _ = table.delete(id),
        Change::Insert => table.insert(&format!("new-{}", now()), now()),
        Change::Again => {
            if table.delete(id) {
                table.insert(id, now());
            }
        }
    }
}

/// What differs before the audit begins: row 1 was deleted, row 2 updated, and
/// row `late` came, long ago and after the last sync.
fn differ(table: &mut Table, rows: i64) {
    table.delete("1");
    table.update("2", BASE + rows * SECOND);
    table.insert("late", BASE + 2 * SECOND);
}

#[test]
fn any_one_change_before_any_request_makes_nothing_missing_or_deleted() {
    const ROWS: i64 = 7;
    let dir = Scratch::new();
    let api = Api::start(table(ROWS));
    let url = api.url();
    let flags = ["--url", &url, "--page-size", "3", "--max-retries", "0"];
    sync(&dir, &flags);
    let mut audits = 0;
    for kind in CHANGES {
        for row in (0..ROWS)
            .map(|row| row.to_string())
            .chain(["late".to_owned()])
        {
            for before in 1.. {
                *api.table() = table(ROWS);
                differ(&mut api.table(), ROWS);
                let asked = Arc::new(AtomicU64::new(0));
                let count = Arc::clone(&asked);
                let id = row.clone();
                api.set_after_page(move |table, _, _| {
                    if count.fetch_add(1, Ordering::SeqCst) + 1 == before {
                        change(table, kind, &id);
                    }
                });
                let report = audit(&dir, &flags).unwrap();
                let place = format!("{kind:?} of {row} after request {before}: {report:?}");
                let touched = kind != Change::Insert;
                let judged = |id: &str| !touched || row != id;
                // What was so before the audit is found, where it stayed so.
                assert!(
                    report.deleted_ids.contains(&"1".to_owned()) || !judged("1"),
                    "{place}"
                );
                for id in ["2", "late"] {
                    assert!(
                        report.missing_ids.contains(&id.to_owned()) || !judged(id),
                        "{place}"
                    );
                }
                for id in &report.missing_ids {
                    assert!(["2", "late"].contains(&&**id), "{place}");
                }
                for id in &report.deleted_ids {
                    assert!(api.table().get(id).is_none(), "{place}");
                }
                audits += 1;
                if before > asked.load(Ordering::SeqCst) {
                    break;
                }
            }
        }
    }
    assert!(audits > 100, "{audits}");
}

#[test]
fn many_changes_between_requests_make_nothing_missing_or_deleted() {
    let mut settled = 0;
    for seed in 0..24u64 {
        let dir = Scratch::new();
        let rows = 120;
        let unsorted = seed % 4 == 3;
        let served = Api::over(table(rows));
        let api = if unsorted { served.unsorted() } else { served }.start();
        let url = api.url();
        dir.write("c.json", format!(r#"{{"sorted":{}}}"#, !unsorted));
        let config = dir.join("c.json").display().to_string();
        let flags = ["--url", &url, "--page-size", "10", "--config", &config];
        sync(&dir, &flags);
        differ(&mut api.table(), rows);
        let left = if unsorted { 10 } else { 30 };
        let random = Mutex::new((Random::new(seed), left));
        api.set_after_page(move |table, _, _| {
            let mut guard = random.lock().unwrap();
            let (random, left) = &mut *guard;
            for _ in 0..random.below(3).min(*left) {
                *left -= 1;
                let id = (3 + random.below(rows as usize - 3)).to_string();
                change(table, CHANGES[random.below(4)], &id);
            }
        });
        let report = match audit(&dir, &flags) {
            Ok(report) => report,
            // Where rows in no order move, a walk may not be believed.
            Err(error) if unsorted && error.exit_code() == 5 => continue,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let place = format!("seed {seed}: {report:?}");
        assert_eq!(report.missing, 2, "{place}");
        for id in &report.deleted_ids {
            assert!(api.table().get(id).is_none(), "{place}");
        }
        settled += u32::from(report.deleted_ids.contains(&"1".to_owned()));
    }
    assert!(settled >= 18, "{settled}");
}

#[test]
fn a_table_that_never_rests_loses_no_row_by_it() {
    let dir = Scratch::new();
    let api = Api::start(table(200));
    let url = api.url();
    let flags = ["--url", &url, "--page-size", "10"];
    sync(&dir, &flags);
    let random = Mutex::new(Random::new(5));
    api.set_after_page(move |table, _, _| {
        let mut random = random.lock().unwrap();
        for _ in 0..6 {
            table.update(&random.below(200).to_string(), now());
        }
    });
    let report = audit(&dir, &flags).unwrap();
    assert_eq!((report.missing, report.deleted), (0, 0), "{report:?}");
    assert_eq!(report.alike + report.young, 200, "{report:?}");
}

#[test]
fn the_table_of_the_experiment_is_judged_rightly_and_repaired_while_it_changes() {
    const ROWS: usize = 2_000;
    for format in ["ndjson", "csv"] {
        let dir = Scratch::new();
        // As the experiment has it, but for what happens after each request.
        let api = Api::start(Table::users(ROWS, 3));
        let url = api.url();
        let ask = |words: &[&str], code: i32| {
            let mut command = highwater(dir.path());
            run(command.args(words).args(["--url", &url])).expect(code)
        };
        ask(&["sync", "--format", format], 0);
        // What differs when the audits begin.
        let newest = api.table().newest().unwrap();
        for id in 1..=20 {
            assert!(api.table().delete(&id.to_string()));
        }
        for id in 21..=50 {
            assert!(api.table().update(&id.to_string(), newest + SECOND));
        }
        (0..10).for_each(|row| {
            api.table()
                .insert(&format!("late-{row}"), BASE + row * SECOND)
        });
        // Rows of the upper half are updated, deleted and inserted all the time.
        let random = Mutex::new(Random::new(7));
        api.set_after_page(move |table, _, _| {
            let mut random = random.lock().unwrap();
            // Not so often that no round is quiet, in which all are judged young.
            for _ in 0..if random.below(3) == 0 { 3 } else { 0 } {
                let id = (ROWS / 2 + random.below(ROWS / 2)).to_string();
                match random.below(10) {
                    0 => _ = table.delete(&id),
                    1 => table.insert(&format!("new-{}", random.number()), now()),
                    _ => _ = table.update(&id, now()),
                }
            }
        });
        let before = api.table().len();
        let report = ask(&["audit", "--json"], 1).receipt();
        assert!(api.table().len() != before, "nothing happened");
        assert_eq!(report["missing"], 40, "{report}");
        let judged = |report: &serde_json::Value| {
            let deleted = report["deleted"].as_u64().unwrap();
            let gone = (1..=ROWS).filter(|id| api.table().get(&id.to_string()).is_none());
            assert!(deleted <= gone.count() as u64, "{report}");
            deleted
        };
        assert!(judged(&report) >= 20, "{report}");
        let report = ask(&["audit", "--repair", "--json"], 0).receipt();
        assert!(judged(&report) >= 20, "{report}");
        api.set_after_page(|_, _, _| {});
        ask(&["sync", "--format", format], 0);
        let report = ask(&["audit", "--repair", "--json"], 0).receipt();
        assert_eq!(report["missing"], 0, "{report}");
        let report = ask(&["audit", "--json"], 0).receipt();
        assert_eq!(report["alike"], api.table().len(), "{report}");
        assert_eq!(
            (&report["files"], &report["young"]),
            (&report["alike"], &0.into())
        );
    }
}
