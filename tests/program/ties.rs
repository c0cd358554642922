//! Rows that share one timestamp, more of them than fit a page.

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND};
use crate::support::table::{Table, Ties};
use crate::support::{Scratch, all_rows, latest_by_id};
use crate::sync;

#[test]
fn a_row_that_enters_a_long_run_as_another_leaves_it_is_found() {
    let scratch = Scratch::new();
    let mut table = Table::new(Ties::Id);
    for row in 0..200 {
        table.insert(&format!("{row:04}"), BASE);
    }
    let api = Api::over(table)
        .after_page(|table, _, nth| {
            if nth == 3 {
                table.delete("0010");
                table.insert("0005x", BASE);
                table.insert("9999", BASE + SECOND);
            }
        })
        .start();
    let receipt = sync(scratch.path(), &api.url(), &[]).expect(0).receipt();
    let mut delivered = latest_by_id(&all_rows(&scratch.join("out")));
    assert!(delivered.remove("0010").is_some(), "it was read before");
    assert_eq!(delivered, api.table().contents());
    assert_eq!(receipt["rows"], 202);
}

#[test]
fn a_long_run_that_keeps_still_is_walked_twice_and_no_more() {
    let scratch = Scratch::new();
    let mut table = Table::new(Ties::Id);
    for row in 0..500 {
        table.insert(&format!("{row:04}"), BASE);
    }
    let api = Api::start(table);
    let receipt = sync(scratch.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 500);
    assert!(api.counts().requests <= 42, "{:?}", api.counts());
}
