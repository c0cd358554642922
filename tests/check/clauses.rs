//! Each clause, by an API that keeps all of them but one.

use serde_json::json;

use crate::front::{ask, hiding};
use crate::support::Scratch;
use crate::support::api::{Api, Date};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::Server;
use crate::support::reply::Reply;
use crate::support::table::{Row, Table, Ties};
use crate::{asks_for, check, clause, quarters, report, stands};

#[test]
fn an_api_that_keeps_the_contract_passes_with_few_requests() {
    let api = Api::start(Table::users(500, 2));
    let report = report(0, &["--url", &api.url()]);
    asks_for(&report, &[]);
    for name in [
        "reachable",
        "rows",
        "key",
        "cursor",
        "sorted",
        "filter",
        "bound",
        "ties",
        "offset",
        "limit",
        "total",
        "end",
    ] {
        stands(&report, name, "ok", "");
    }
    stands(&report, "precision", "ok", "seconds");
    assert_eq!(report["requests"], api.counts().requests);
    assert!(api.counts().requests <= 24, "{report:#}");
}

#[test]
fn the_table_has_one_aligned_line_a_clause() {
    let api = Api::over(Table::users(500, 2)).exclusive().start();
    let outcome = check(&Scratch::new(), &["--url", &api.url()]).expect(5);
    let wanted = "bound            warning  exclusive: rows at it are left out    \"since\": {\"bound\": \"exclusive\"}\n";
    assert!(outcome.stdout.contains(wanted), "{}", outcome.stdout);
    for line in outcome.stdout.lines().take_while(|line| !line.is_empty()) {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line.as_bytes()[25], b' ');
        assert_ne!(line.as_bytes()[26], b' ');
    }
    assert_eq!(outcome.stderr, "", "the table says it all");
}

#[test]
fn a_bound_that_leaves_its_own_rows_out_is_told_with_its_setting() {
    for (rows, per_second) in [(500, 2), (30, 3), (200, 1), (120, 60)] {
        let api = Api::over(Table::users(rows, per_second))
            .exclusive()
            .start();
        let report = report(5, &["--url", &api.url()]);
        asks_for(&report, &["bound"]);
        stands(&report, "bound", "warning", "exclusive");
        assert_eq!(
            clause(&report, "bound")["setting"],
            json!({"since": {"bound": "exclusive"}})
        );
    }
}

#[test]
fn a_bound_that_is_said_to_be_exclusive_and_is_not_loses_nothing() {
    let api = Api::start(Table::users(500, 2));
    let scratch = Scratch::new();
    let file = scratch.write("c.json", r#"{"since": {"bound": "exclusive"}}"#);
    let report = report(
        0,
        &["--config", &file.to_string_lossy(), "--url", &api.url()],
    );
    stands(&report, "bound", "warning", "inclusive");
}

#[test]
fn a_table_in_no_order_is_broken() {
    let mut table = Table::users(300, 1);
    for id in (1..300).step_by(7) {
        table.update(&id.to_string(), BASE + (1000 + id) * SECOND);
    }
    let api = Api::over(table).unsorted().start();
    let found = report(5, &["--url", &api.url()]);
    asks_for(&found, &["sorted"]);
    stands(&found, "sorted", "broken", "follows");
    assert_eq!(
        clause(&found, "sorted")["setting"],
        json!({"sorted": false})
    );
    let scratch = Scratch::new();
    let file = scratch.write("c.json", r#"{"sorted": false}"#);
    let report = report(
        0,
        &["--config", &file.to_string_lossy(), "--url", &api.url()],
    );
    stands(&report, "sorted", "ok", "expects");
}

#[test]
fn disorder_behind_the_first_page_is_seen_from_the_last_one() {
    let mut table = Table::new(Ties::Insertion);
    for number in 0..200_i64 {
        let second = if number < 100 { number + 1000 } else { number };
        table.insert(&number.to_string(), BASE + second * SECOND);
    }
    let api = Api::over(table).unsorted().start();
    stands(
        &report(5, &["--url", &api.url()]),
        "sorted",
        "broken",
        "not throughout",
    );
}

#[test]
fn a_filter_that_is_ignored_is_broken() {
    let api = Api::start(Table::users(500, 1));
    let server = hiding(api, "updated_since");
    let report = report(5, &["--url", &server.url("/")]);
    stands(&report, "filter", "broken", "ignored");
}

#[test]
fn ties_that_change_places_are_told_and_nothing_else_is_blamed_for_it() {
    for per_second in [3, 5, 100] {
        let table = Table::users(300, per_second).with_ties(Ties::Unstable(7));
        let api = Api::start(table);
        // A run that is longer than a page cannot be read without an order.
        let long = per_second == 100;
        let report = report(if long { 5 } else { 0 }, &["--url", &api.url()]);
        let asking: &[&str] = if long { &["ties", "sync"] } else { &["ties"] };
        asks_for(&report, asking);
        stands(&report, "ties", "warning", "change places");
        if long {
            stands(&report, "sync", "broken", "no stable order");
        }
    }
}

#[test]
fn a_spelling_that_the_api_does_not_take_back_is_broken_with_one_that_it_takes() {
    let api = Api::start(quarters());
    api.set_fault(|request, _| {
        let since = request.param("updated_since").unwrap_or_default();
        since
            .contains('.')
            .then(|| Reply::json(json!({"error": "no fractions"})).with_status(400))
    });
    let report = report(4, &["--url", &api.url()]);
    stands(&report, "precision", "ok", "microseconds");
    stands(&report, "spelling", "broken", "no fractions");
    let wanted = json!({"since": {"format": "[year]-[month]-[day]T[hour]:[minute]:[second]Z"}});
    assert_eq!(clause(&report, "spelling")["setting"], wanted);
}

#[test]
fn naive_timestamps_are_named_with_the_format_that_reads_them() {
    let naive = |row: &Row| {
        let text = clock::rfc3339(row.updated)
            .replace('T', " ")
            .replace('Z', "");
        json!({"id": &*row.id, "updatedAt": text}).to_string()
    };
    let mut table = Table::rendered_by(Ties::Insertion, naive);
    for number in 0..80 {
        table.insert(&number.to_string(), BASE + number * SECOND);
    }
    let api = Api::start(table);
    let report = report(5, &["--url", &api.url()]);
    stands(
        &report,
        "cursor",
        "broken",
        "no offset from UTC: \"2024-01-15 10:30:00\"",
    );
    let wanted = json!({"since": {"format": "[year]-[month]-[day] [hour]:[minute]:[second]"}});
    assert_eq!(clause(&report, "cursor")["setting"], wanted);
}

#[test]
fn keys_that_are_there_twice_are_broken() {
    let mut table = Table::users(10, 1);
    table.update_json(
        "7",
        BASE + 99 * SECOND,
        r#"{"id": "3", "nr": 7, "updatedAt": "2024-01-15T11:00:00Z"}"#,
    );
    let api = Api::start(table);
    stands(
        &report(5, &["--url", &api.url()]),
        "key",
        "broken",
        "the same in rows 2 and 9: \"3\"",
    );
}

#[test]
fn a_clock_that_is_off_is_a_warning() {
    let api = Api::over(Table::users(10, 1))
        .date(Date::At(clock::now() - 300 * SECOND))
        .start();
    let report = report(0, &["--url", &api.url()]);
    asks_for(&report, &["clock"]);
    stands(&report, "clock", "warning", "behind ours");
}

#[test]
fn rate_limits_are_shown() {
    let api = Api::start(Table::users(10, 1));
    let server = Server::start(move |request| {
        Reply::json(ask(&api, request)).header("X-RateLimit-Remaining", 17)
    });
    stands(
        &report(0, &["--url", &server.url("/")]),
        "rate limit",
        "ok",
        "17",
    );
}

#[test]
fn a_table_that_is_empty_shows_nothing_and_breaks_nothing() {
    let api = Api::start(Table::users(0, 1));
    stands(
        &report(1, &["--url", &api.url()]),
        "rows",
        "not seen",
        "empty table",
    );
}

#[test]
fn a_total_above_an_empty_page_is_no_empty_table() {
    let server = Server::start(|_| Reply::json(json!({"data": [], "total": 3})));
    let found = report(5, &["--url", &server.url("/rows")]);
    stands(&found, "rows", "broken", "the total is 3");
}

#[test]
fn tables_of_one_row_and_of_one_timestamp_are_neither_refused_nor_approved() {
    for (rows, per_second) in [(1, 1), (2, 2), (50, 50), (49, 100), (51, 100), (200, 200)] {
        let api = Api::start(Table::users(rows, per_second));
        asks_for(&report(1, &["--url", &api.url()]), &[]);
    }
}

#[test]
fn a_column_that_does_not_fit_is_named() {
    let mut table = Table::users(10, 1);
    table.update_json(
        "7",
        BASE + 99 * SECOND,
        r#"{"id": "7", "name": 7, "updatedAt": "2024-01-15T11:00:00Z"}"#,
    );
    let api = Api::start(table);
    let report = report(5, &["--url", &api.url()]);
    stands(
        &report,
        "columns",
        "broken",
        "row 9, name: must be a string, not 7",
    );
    assert_eq!(
        clause(&report, "columns")["setting"],
        json!({"columns": {"name": "JSON"}})
    );
}

#[test]
fn a_failure_half_way_is_told_by_its_exit_code() {
    let api = Api::start(Table::users(500, 1));
    api.set_fault(|_, nth| (nth == 3).then(|| Reply::status(503)));
    let outcome = check(&Scratch::new(), &["--url", &api.url(), "--json"]).expect(3);
    assert!(outcome.stderr.contains("503"), "{}", outcome.stderr);
    assert_eq!(api.counts().requests, 3);
}

#[test]
fn no_answer_whatever_makes_it_panic() {
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "7",
        "\"x\"",
        "[[]]",
        "[{}]",
        "{\"data\":[{}]}",
        "{\"data\":[1]}",
        "{\"data\":{}}",
        "{\"data\":null}",
        "{\"data\":[],\"total\":-1}",
        "{\"data\":[{\"id\":null}]}",
        "{\"data\":[{\"id\":{},\"updatedAt\":[]}]}",
        "{\"data\":[{\"id\":1,\"updatedAt\":1e999}]}",
        "{\"a\":[{\"a\":[{\"a\":{}}]}]}",
        "{\"data\":[{\"id\":1,\"id\":2,\"updatedAt\":\"2024-01-15T10:30:00Z\"}]}",
        "\u{feff}{}",
        "{\"data\":[{\"id\":1,\"updatedAt\":\"2024-01-15T10:30:00Z\"}],\"total\":99999999999999999999}",
        "{\"data\":[{\"id\":1,\"updatedAt\":\"2024-01-15T10:30:00Z\"}],\"total\":18446744073709551615,\"offset\":7}",
    ];
    for body in bodies {
        let server = Server::start(move |_| Reply::json(body.to_owned()));
        let url = server.url("/");
        for more in [&["--json"][..], &["--suggest"], &[]] {
            let words = [&["--url", &*url, "--timeout", "5s"][..], more].concat();
            let outcome = check(&Scratch::new(), &words);
            assert!(
                matches!(outcome.code, Some(0 | 1 | 3 | 5)),
                "{body}: {outcome:?}"
            );
            assert!(!outcome.stderr.contains("panick"), "{body}: {outcome:?}");
        }
    }
}
