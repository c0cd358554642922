//! What whoever meets an API for the first time gets wrong, and what they are
//! told to do about it.

use serde_json::json;

use crate::support::api::Api;
use crate::support::http::{Server, refusing_addr};
use crate::support::reply::Reply;
use crate::support::table::Table;
use crate::support::{Scratch, highwater, run};
use crate::{check, clause, report, stands};

#[test]
fn a_server_that_is_not_there_is_temporary() {
    let url = format!("http://{}/users", refusing_addr());
    let report = report(3, &["--url", &url]);
    stands(&report, "reachable", "broken", "connection refused");
    assert!(
        clause(&report, "reachable")["try"]
            .to_string()
            .contains("--url")
    );
}

#[test]
fn a_path_that_is_not_there_says_that_the_host_answers() {
    let server = Server::start(|_| Reply::status(404));
    let report = report(4, &["--url", &server.url("/user")]);
    stands(&report, "reachable", "broken", "404");
    assert!(
        clause(&report, "reachable")["try"]
            .to_string()
            .contains("at this path")
    );
    assert_eq!(report["requests"], 2, "and one without any parameters");
}

#[test]
fn a_page_for_people_is_no_api() {
    let server = Server::start(|_| {
        Reply::status(200)
            .body("<html>Log in")
            .header("Content-Type", "text/html")
    });
    let report = report(5, &["--url", &server.url("/user")]);
    stands(&report, "reachable", "broken", "text/html");
    let server = Server::start(|_| Reply::json("<html>Log in".to_owned()));
    stands(
        &self::report(5, &["--url", &server.url("/")]),
        "rows",
        "broken",
        "not JSON: <html>",
    );
}

#[test]
fn a_missing_token_is_told_with_the_line_to_write() {
    let server = Server::start(|_| Reply::json(json!({"error": "who are you"})).with_status(401));
    let report = report(4, &["--url", &server.url("/")]);
    stands(&report, "reachable", "ok", "");
    stands(&report, "credentials", "broken", "who are you");
    let advice = clause(&report, "credentials")["try"].to_string();
    assert!(advice.contains("Bearer ${API_TOKEN}"), "{advice}");
}

#[test]
fn a_wrong_token_is_named_by_its_header_and_never_shown() {
    let server = Server::start(|request| {
        let sent = request
            .header("authorization")
            .unwrap_or_default()
            .to_owned();
        Reply::json(json!({"error": format!("{sent} is not valid")})).with_status(401)
    });
    let scratch = Scratch::new();
    let text = json!({"url": server.url("/"), "headers": {"Authorization": "Bearer ${TOKEN}"}});
    scratch.write("c.json", text.to_string());
    for more in [&["--json"][..], &[], &["--suggest"], &["-vv"]] {
        let mut command = highwater(scratch.path());
        command
            .args(["check", "--config", "c.json"])
            .args(more)
            .env("TOKEN", "s3cr3t-value");
        let outcome = run(&mut command).expect(4);
        let all = outcome.stdout + &outcome.stderr;
        assert!(!all.contains("s3cr3t"), "{all}");
        assert!(
            all.contains("Authorization") || more == ["--suggest"],
            "{all}"
        );
    }
}

#[test]
fn a_token_that_is_not_set_is_a_matter_of_the_command() {
    let scratch = Scratch::new();
    scratch.write(
        "c.json",
        r#"{"headers": {"Authorization": "Bearer ${HIGHWATER_UNSET}"}}"#,
    );
    let outcome = check(&scratch, &["--config", "c.json"]).expect(2);
    assert!(
        outcome.stderr.contains("HIGHWATER_UNSET"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn wrong_names_are_answered_with_the_right_ones() {
    let api = Api::start(Table::users(120, 1));
    let scratch = Scratch::new();
    let file = scratch.write("c.json", r#"{"cursor": "updated", "primary_key": ["uid"]}"#);
    let report = report(
        5,
        &["--config", &file.to_string_lossy(), "--url", &api.url()],
    );
    stands(&report, "key", "broken", "no field uid");
    stands(&report, "key", "broken", "id");
    assert_eq!(
        clause(&report, "key")["setting"],
        json!({"primary_key": ["id"]})
    );
    stands(&report, "cursor", "broken", "updatedAt, createdAt");
    assert_eq!(
        clause(&report, "cursor")["setting"],
        json!({"cursor": "updatedAt"})
    );
    let requests = report["requests"].as_u64();
    assert!(
        requests.is_some_and(|requests| requests <= 12),
        "only the names that are advised are tried: {report:#}"
    );
}

#[test]
fn a_wrong_pointer_is_answered_with_the_lists_that_are_there() {
    let body = json!({
        "meta": {"tags": [{"t": 1}]},
        "result": {"users": [{"id": 1, "changed": "2024-01-15T10:30:00Z"}, {"id": 2, "changed": "2024-01-15T10:30:01Z"}]},
    });
    let server = Server::start(move |_| Reply::json(body.clone()));
    let report = report(5, &["--url", &server.url("/")]);
    stands(
        &report,
        "rows",
        "broken",
        "/result/users (2 rows), /meta/tags (1 row)",
    );
    assert_eq!(
        clause(&report, "rows")["setting"],
        json!({"response": {"rows": "/result/users"}})
    );
}

#[test]
fn an_error_in_place_of_rows_is_quoted() {
    let server = Server::start(|_| Reply::json(json!({"error": "quota used up"})));
    stands(
        &report(5, &["--url", &server.url("/")]),
        "rows",
        "broken",
        "quota used up",
    );
}

#[test]
fn the_parameter_that_is_refused_is_found() {
    for (bad, says) in [
        ("limit", "page_size"),
        ("order_type", "query"),
        ("updated_since", "first"),
    ] {
        let api = Api::start(Table::users(120, 1));
        api.set_fault(move |request, _| {
            let there = request.param(bad).is_some();
            there.then(|| Reply::json(json!({"error": "bad request"})).with_status(400))
        });
        let report = report(4, &["--url", &api.url()]);
        stands(&report, "parameters", "broken", &format!("{bad}="));
        stands(&report, "parameters", "broken", "bad request");
        let advice = clause(&report, "parameters")["try"].to_string();
        assert!(advice.contains(says), "{advice}");
    }
}

#[test]
fn a_first_bound_that_hides_all_rows_is_found() {
    let api = Api::start(Table::users(120, 1));
    api.set_fault(|request, _| {
        let hides = request.param("updated_since") == Some("0001-01-01T00:00:00Z");
        hides.then(|| Reply::json(json!({"data": [], "offset": 0, "total": 0})))
    });
    let report = report(5, &["--url", &api.url()]);
    stands(&report, "rows", "broken", "50 without the filter");
    assert_eq!(
        clause(&report, "rows")["setting"],
        json!({"since": {"first": null}})
    );
}
