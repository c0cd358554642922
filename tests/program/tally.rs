//! Totals that are odd, wrong or missing.

use serde_json::{Value, json};

use crate::broken::{bent_page, says};
use crate::support::api::Api;
use crate::support::http::{Reply, Server};
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, latest_by_id};
use crate::{page, sync};

/// A sync of 200 rows whose total is what this makes of it.
#[track_caller]
fn with_total(
    code: i32,
    total: impl Fn(&Value) -> Value + Send + Sync + 'static,
) -> (Outcome, usize, usize) {
    let dir = Scratch::new();
    let server = Server::start(move |request| {
        let mut page = page(request);
        page["total"] = total(&page);
        Reply::json(page)
    });
    let outcome = sync(dir.path(), &server.url("/"), &[]).expect(code);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(latest_by_id(&rows).len(), rows.len());
    (outcome, rows.len(), server.requests().len())
}

#[test]
fn a_total_that_is_no_count_is_named() {
    for total in [
        json!(-1),
        json!(1.5),
        json!("many"),
        json!(true),
        json!([200]),
        json!("99999999999999999999999"),
    ] {
        let shown = total.to_string();
        let outcome = bent_page(move |page| page["total"] = total.clone());
        says(&outcome, &["\"total\"", shown.trim_matches('"')]);
    }
}

#[test]
fn a_total_in_a_string_counts() {
    let (outcome, rows, requests) = with_total(0, |page| json!(page["total"].to_string()));
    assert_eq!((rows, requests), (200, 6));
    assert_eq!(outcome.receipt()["complete"], true);
}

#[test]
fn without_a_total_a_page_with_nothing_new_is_the_end() {
    let (outcome, rows, _) = with_total(0, |_| Value::Null);
    assert_eq!(rows, 200);
    assert_eq!(outcome.receipt()["complete"], true);
    let dir = Scratch::new();
    let api = Api::over(Table::users(200, 7)).no_total().start();
    sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(
        latest_by_id(&all_rows(&dir.join("out"))),
        api.table().contents()
    );
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 0);
}

#[test]
fn a_total_that_is_too_high_delivers_every_row_and_is_exit_5() {
    for more in [1, 50, 1_000_000] {
        let (outcome, rows, requests) =
            with_total(5, move |page| json!(page["total"].as_u64().unwrap() + more));
        assert_eq!(rows, 200);
        assert!(requests < 40, "{requests}");
        says(&outcome, &["total", "try: "]);
    }
    let (_, rows, _) = with_total(5, |_| json!(u64::MAX));
    assert_eq!(rows, 200);
}

#[test]
fn a_total_below_the_rows_that_came_is_not_believed() {
    for total in [0, 1, 49] {
        let (outcome, rows, _) = with_total(0, move |_| json!(total));
        assert_eq!(rows, 200, "{total}");
        assert_eq!(outcome.receipt()["complete"], true);
    }
}
