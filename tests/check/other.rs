//! APIs of other shapes: by page, unpaged, bare lists, replays.

use serde_json::{Value, json};

use crate::front::ask;
use crate::support::Scratch;
use crate::support::api::Api;
use crate::support::http::{Request, Server};
use crate::support::reply::Reply;
use crate::support::table::Table;
use crate::{asks_for, check, report, stands};

/// By numbered pages: `page` and `per_page` in front of offset and limit.
fn paged(api: Api, honours: bool) -> Server {
    Server::start(move |request| {
        let number = |name: &str| {
            request
                .param(name)
                .and_then(|text| text.parse::<u64>().ok())
        };
        let (page, size) = (
            number("page").unwrap_or(1),
            number("per_page").unwrap_or(50),
        );
        let offset = if honours { (page - 1) * size } else { 0 };
        let mut inner = Request::clone(request);
        inner.query = vec![
            ("order_by".into(), "updatedAt".into()),
            ("limit".into(), size.to_string()),
            ("offset".into(), offset.to_string()),
        ];
        inner.query.extend(
            request
                .param("since")
                .map(|since| ("updated_since".into(), since.into())),
        );
        let mut body = ask(&api, &inner);
        body["offset"] = Value::Null;
        Reply::json(body)
    })
}

const PAGED: &str = r#"{"query": {"since": "{since}", "per_page": "{limit}", "page": "{page}"}}"#;

#[test]
fn pages_by_number_are_judged_by_number() {
    let scratch = Scratch::new();
    let file = scratch
        .write("c.json", PAGED)
        .to_string_lossy()
        .into_owned();
    for rows in [30, 100, 119, 500] {
        let server = paged(Api::start(Table::users(rows, 1)), true);
        let report = report(0, &["--config", &file, "--url", &server.url("/")]);
        asks_for(&report, &[]);
        stands(&report, "offset", "ok", "page 2 starts with row");
        stands(&report, "total", "ok", &rows.to_string());
    }
    let server = paged(Api::start(Table::users(500, 1)), false);
    let report = report(5, &["--config", &file, "--url", &server.url("/")]);
    stands(
        &report,
        "offset",
        "broken",
        "page 2 starts with row 0 again",
    );
}

#[test]
fn numbered_pages_of_the_apis_own_size_are_no_broken_offset() {
    let api = Api::start(Table::users(300, 1));
    let server = Server::start(move |request| {
        let page: u64 = request.param("page").unwrap().parse().unwrap();
        let mut inner = Request::clone(request);
        inner.query.retain(|(name, _)| name == "updated_since");
        inner.query.push(("order_by".into(), "updatedAt".into()));
        inner
            .query
            .push(("offset".into(), ((page - 1) * 50).to_string()));
        let mut body = ask(&api, &inner);
        body["offset"] = Value::Null;
        Reply::json(body)
    });
    let scratch = Scratch::new();
    let text = r#"{"query": {"updated_since": "{since}", "size": "{limit}", "page": "{page}"}}"#;
    let file = scratch.write("c.json", text).to_string_lossy().into_owned();
    let report = report(0, &["--config", &file, "--url", &server.url("/")]);
    asks_for(&report, &["limit"]);
    stands(&report, "offset", "ok", "goes on behind");
}

#[test]
fn an_api_without_pages_must_send_all_rows_at_once() {
    let scratch = Scratch::new();
    let file = scratch.write(
        "c.json",
        r#"{"query": {"order_by": "updatedAt", "updated_since": "{since}"}}"#,
    );
    let file = file.to_string_lossy().into_owned();
    let api = Api::start(Table::users(30, 1));
    let whole = report(0, &["--config", &file, "--url", &api.url()]);
    stands(&whole, "offset", "warning", "at once");
    let api = Api::start(Table::users(300, 1));
    stands(
        &report(5, &["--config", &file, "--url", &api.url()]),
        "offset",
        "broken",
        "at once",
    );
}

#[test]
fn a_recording_of_a_check_replays_without_an_api() {
    let scratch = Scratch::new();
    let api = Api::start(Table::users(500, 2));
    let url = api.url();
    let live = check(&scratch, &["--url", &url, "--record", "r.ndjson"]).expect(0);
    drop(api);
    let replayed = check(&scratch, &["--url", &url, "--replay", "r.ndjson"]).expect(0);
    let same = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("reachable") && !line.starts_with("clock"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(same(&live.stdout), same(&replayed.stdout));
    assert_eq!(crate::support::files(scratch.path()), ["r.ndjson"]);
}

#[test]
fn what_a_recording_does_not_hold_is_skipped_and_not_blamed_on_the_api() {
    let scratch = Scratch::new();
    let api = Api::start(Table::users(30, 1));
    let url = api.url();
    let mut sync = crate::support::highwater(scratch.path());
    sync.args([
        "sync", "--url", &url, "--record", "r.ndjson", "--state", "none", "--out", "-",
    ]);
    crate::support::run(&mut sync).expect(0);
    let outcome = check(&scratch, &["--url", &url, "--replay", "r.ndjson", "--json"]).expect(1);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    asks_for(&report, &[]);
    stands(&report, "filter", "not seen", "");
    stands(&report, "clock", "not seen", "");
}

#[test]
fn a_bare_list_with_its_total_in_a_header_is_judged_like_any_other() {
    let api = Api::start(Table::users(120, 1));
    let server = Server::start(move |request| {
        let body = ask(&api, request);
        Reply::json(body["data"].clone()).header("Content-Range", format!("0-49/{}", body["total"]))
    });
    let scratch = Scratch::new();
    let text = json!({"response": {"rows": "", "offset": null, "total": "header:Content-Range"}});
    let file = scratch
        .write("c.json", text.to_string())
        .to_string_lossy()
        .into_owned();
    let report = report(0, &["--config", &file, "--url", &server.url("/")]);
    asks_for(&report, &[]);
    stands(&report, "total", "ok", "120");
}
