//! The clauses about offset, page size, total and what lies deep.

use serde_json::json;

use crate::front::{ask, hiding};
use crate::support::api::Api;
use crate::support::http::Server;
use crate::support::reply::Reply;
use crate::support::table::Table;
use crate::{asks_for, clause, report, stands};

#[test]
fn a_clamped_page_is_told_with_its_size() {
    for (rows, per_second) in [(500, 1), (30, 1)] {
        let api = Api::over(Table::users(rows, per_second))
            .max_limit(20)
            .start();
        let report = report(0, &["--url", &api.url()]);
        asks_for(&report, &["limit"]);
        stands(&report, "limit", "warning", "got 20");
        assert_eq!(
            clause(&report, "limit")["setting"],
            json!({"page_size": 20})
        );
    }
}

#[test]
fn a_clamped_page_is_told_without_a_total_too() {
    let api = Api::over(Table::users(500, 1))
        .max_limit(20)
        .no_total()
        .start();
    let report = report(0, &["--url", &api.url()]);
    stands(&report, "limit", "warning", "got 20");
    stands(&report, "total", "ok", "none told");
}

#[test]
fn an_offset_that_is_ignored_is_broken() {
    for per_second in [1, 2, 100] {
        let api = Api::start(Table::users(500, per_second));
        let server = hiding(api, "offset");
        let report = report(5, &["--url", &server.url("/")]);
        stands(&report, "offset", "broken", "ignored");
        stands(&report, "echo", "broken", "answer says 0");
    }
}

#[test]
fn a_deep_offset_that_is_refused_is_told_with_a_cap() {
    let api = Api::over(Table::users(4000, 1)).max_offset(2500).start();
    let report = report(0, &["--url", &api.url()]);
    stands(&report, "depth", "warning", "400");
    assert_eq!(
        clause(&report, "depth")["setting"],
        json!({"max_offset": 1999})
    );
}

#[test]
fn a_total_that_is_not_true_is_broken() {
    for (told, rows) in [(400, 300), (200, 300), (20, 300)] {
        let api = Api::start(Table::users(rows, 1));
        let server = Server::start(move |request| {
            let mut body = ask(&api, request);
            body["total"] = json!(told);
            Reply::json(body)
        });
        let report = report(5, &["--url", &server.url("/")]);
        stands(&report, "total", "broken", &told.to_string());
        assert_eq!(
            clause(&report, "total")["setting"],
            json!({"response": {"total": null}})
        );
    }
}

#[test]
fn a_total_of_the_whole_table_is_broken() {
    let api = Api::start(Table::users(300, 1));
    let server = Server::start(move |request| {
        let mut body = ask(&api, request);
        body["total"] = json!(300);
        Reply::json(body)
    });
    stands(
        &report(5, &["--url", &server.url("/")]),
        "total",
        "broken",
        "does not count what passes",
    );
}

#[test]
fn a_page_behind_the_end_that_is_refused_is_told() {
    let api = Api::start(Table::users(120, 1));
    api.set_fault(|request, _| {
        (request.param("offset") == Some("120")).then(|| Reply::status(404))
    });
    stands(&report(0, &["--url", &api.url()]), "end", "warning", "404");
}

#[test]
fn a_deep_offset_that_fails_without_a_total_is_told_too() {
    let api = Api::over(Table::users(300, 1))
        .max_offset(7000)
        .no_total()
        .start();
    let found = report(0, &["--url", &api.url()]);
    stands(&found, "depth", "warning", "400");
    let api = Api::over(Table::users(300, 1)).no_total().start();
    let found = report(0, &["--url", &api.url()]);
    asks_for(&found, &[]);
    stands(&found, "end", "ok", "10000");
    api.set_fault(|request, _| {
        let deep = request
            .param("offset")
            .is_some_and(|offset| offset.len() > 3);
        deep.then(|| Reply::status(500))
    });
    stands(
        &report(0, &["--url", &api.url()]),
        "depth",
        "warning",
        "500",
    );
}
