//! A table that outgrows its reader.

use crate::support::api::Api;
use crate::support::clock::SECOND;
use crate::support::http::Request;
use crate::support::table::{Random, Table};
use crate::support::{Scratch, highwater, run};

/// Old timestamps, so that nothing but the rows that are left tells.
fn outgrown(rows: usize, hook: impl FnMut(&mut Table, &Request, u64) + Send + 'static) {
    let scratch = Scratch::new();
    let api = Api::over(Table::users(rows, 1)).after_page(hook).start();
    let mut command = highwater(scratch.path());
    command.args(["sync", "--url", &api.url()]);
    let outcome = run(&mut command).expect(5);
    let said = &outcome.stderr;
    assert!(
        said.contains("grows as fast as it is read") && said.contains("--until"),
        "{said}"
    );
    assert!(api.counts().requests < 5_000, "{:?}", api.counts());
    assert_eq!(outcome.receipt()["complete"], false);
}

#[test]
fn a_table_whose_rows_change_faster_than_they_are_read_is_given_up() {
    let mut random = Random::new(7);
    outgrown(500, move |table, _, _| {
        for _ in 0..60 {
            let (id, at) = (1 + random.below(500), table.newest().unwrap() + SECOND);
            table.update(&id.to_string(), at);
        }
    });
}

#[test]
fn a_table_that_gets_more_rows_than_are_read_is_given_up() {
    outgrown(500, |table, _, nth| {
        for row in 0..50 {
            let at = table.newest().unwrap() + SECOND;
            table.insert(&format!("new-{nth}-{row}"), at);
        }
    });
}

#[test]
fn without_a_total_a_table_that_keeps_growing_slowly_is_read_to_its_end() {
    let scratch = Scratch::new();
    let hook = |table: &mut Table, _: &Request, nth: u64| {
        let at = table.newest().unwrap() + SECOND;
        table.insert(&format!("new-{nth}"), at);
    };
    let api = Api::over(Table::users(300, 1))
        .no_total()
        .after_page(hook)
        .start();
    let mut command = highwater(scratch.path());
    command.args(["sync", "--url", &api.url()]);
    let receipt = run(&mut command).expect(0).receipt();
    assert!(receipt["rows"].as_u64().unwrap() >= 300, "{receipt}");
    assert!(api.counts().requests < 200, "{:?}", api.counts());
}

#[test]
fn an_exclusive_bound_that_nobody_told_of_is_found() {
    let scratch = Scratch::new();
    let api = Api::over(Table::users(1000, 40)).exclusive().start();
    let mut command = highwater(scratch.path());
    command.args(["sync", "--max-offset", "100", "--url", &api.url()]);
    let outcome = run(&mut command).expect(5);
    assert!(
        outcome.stderr.contains("\"exclusive\""),
        "{}",
        outcome.stderr
    );
}
