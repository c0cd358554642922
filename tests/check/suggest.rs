//! Suggested connection files: fed back, they pass the check and sync all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::front::ask;
use crate::support::api::Api;
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::Server;
use crate::support::reply::Reply;
use crate::support::table::{Row, Table, Ties};
use crate::support::{Scratch, files, highwater, ndjson, run};
use crate::{asks_for, check, clause, quarters};

/// Suggests, checks and syncs with the suggestion; the file and the rows.
#[track_caller]
fn round_trip(words: &[&str], rows: usize, key: &str) -> Value {
    let scratch = Scratch::new();
    let outcome = check(&scratch, &[words, &["--suggest"]].concat()).expect(0);
    assert!(files(scratch.path()).is_empty(), "it wrote to the disk");
    let file: Value = serde_json::from_str(&outcome.stdout).expect("a JSON file");
    scratch.write("c.json", &outcome.stdout);
    let again = check(&scratch, &["--config", "c.json", "--json"]).expect(0);
    let report: Value = serde_json::from_str(&again.stdout).unwrap();
    let broken = report["checks"].as_array().unwrap().iter();
    assert!(
        broken.clone().all(|check| check["setting"].is_null()),
        "{report:#}"
    );
    let mut sync = highwater(scratch.path());
    let receipt = run(sync.args(["sync", "--config", "c.json"]))
        .expect(0)
        .receipt();
    let synced = ndjson(scratch.join(receipt["file"].as_str().expect("a file")));
    let keys: BTreeSet<String> = synced.iter().map(|row| row[key].to_string()).collect();
    assert_eq!((synced.len(), keys.len()), (rows, rows), "{receipt:#}");
    file
}

#[test]
fn the_reference_contract_is_suggested_for_what_keeps_it() {
    let api = Api::start(Table::users(230, 2));
    let file = round_trip(&["--url", &api.url()], 230, "id");
    assert_eq!(file["primary_key"], json!(["id"]));
    assert_eq!(file["columns"]["name"], "STRING");
    assert_eq!(file["columns"]["updatedAt"], "UTC_DATETIME");
    assert_eq!(file["page_size"], 50);
    assert_eq!(
        file["response"],
        json!({"rows": "/data", "offset": "/offset", "total": "/total"})
    );
}

#[test]
fn what_deviates_is_written_into_the_file() {
    let api = Api::over(Table::users(230, 2))
        .exclusive()
        .max_limit(30)
        .no_total()
        .start();
    let file = round_trip(&["--url", &api.url()], 230, "id");
    assert_eq!(file["since"]["bound"], "exclusive");
    assert_eq!(file["page_size"], 30);
    assert_eq!(file["response"]["total"], Value::Null);
}

#[test]
fn a_foreign_layout_is_found_out() {
    let api = Api::start(Table::rendered_by(Ties::Insertion, foreign));
    for number in 0..170 {
        api.table()
            .insert(&number.to_string(), BASE + number * SECOND);
    }
    let server = Server::start(move |request| {
        let mut inner = request.clone();
        for (name, value) in &mut inner.query {
            if name == "updated_since" {
                *value = value.replace(' ', "T") + "Z";
            }
        }
        let body = ask(&api, &inner);
        let wrapped: Vec<Value> = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| json!({"node": row}))
            .collect();
        Reply::json(json!({
            "page": {"skip": body["offset"], "count": wrapped.len()},
            "result": {"users": wrapped, "other": [{"x": 1}]},
            "meta": {"total_count": body["total"]},
        }))
    });
    let scratch = Scratch::new();
    let given = r#"{"url": "URL", "query": {"order_by": "updatedAt", "updated_since": "{since}", "limit": "{limit}", "offset": "{offset}"},
        "since": {"first": null}, "headers": {"X-Token": "${HOME}/x"}, "timeout": "7s"}"#;
    let path = scratch.write("given.json", given.replace("URL", &server.url("/")));
    let file = round_trip(&["--config", &path.to_string_lossy()], 170, "uuid");
    let layout = json!({"rows": "/result/users", "row": "/node", "offset": "/page/skip", "total": "/meta/total_count"});
    assert_eq!(file["response"], layout);
    assert_eq!(file["primary_key"], json!(["uuid"]));
    assert_eq!(file["cursor"], "modified_on");
    assert_eq!(
        file["since"]["format"],
        "[year]-[month]-[day] [hour]:[minute]:[second]"
    );
    assert_eq!(file["since"]["first"], Value::Null);
    assert_eq!(file["headers"]["X-Token"], "${HOME}/x", "as it was written");
    assert_eq!(file["timeout"], "7s");
    let types = json!({"uuid": "STRING", "nr": "DECIMAL", "score": "DECIMAL", "ok": "BOOLEAN", "tags": "JSON",
        "none": "JSON", "born": "NAIVE_DATE", "created": "UTC_DATETIME", "modified_on": "NAIVE_DATETIME"});
    assert_eq!(file["columns"], types);
}

fn foreign(row: &Row) -> String {
    let time = clock::rfc3339(row.updated);
    json!({
        "uuid": format!("u-{}", row.id), "nr": row.serial, "score": row.serial as f64 + 0.5, "ok": true, "tags": [1],
        "none": null, "born": "1990-02-03", "created": time,
        "modified_on": time.replace('T', " ").replace('Z', ""),
    })
    .to_string()
}

#[test]
fn a_bare_list_and_a_header_total_are_found_out() {
    let api = Api::start(Table::users(120, 1));
    let server = Server::start(move |request| {
        let body = ask(&api, request);
        Reply::json(body["data"].clone()).header("X-Total-Count", &body["total"])
    });
    let file = round_trip(&["--url", &server.url("/")], 120, "id");
    assert_eq!(
        file["response"],
        json!({"rows": "", "offset": null, "total": "header:X-Total-Count"})
    );
}

#[test]
fn columns_that_were_declared_and_fit_stay_as_they_were() {
    let api = Api::start(Table::users(20, 1));
    let scratch = Scratch::new();
    let path = scratch.write(
        "c.json",
        r#"{"columns": {"updatedAt": "STRING", "id": "STRING"}, "page_size": "25"}"#,
    );
    let file = round_trip(
        &["--config", &path.to_string_lossy(), "--url", &api.url()],
        20,
        "id",
    );
    assert_eq!(
        file["columns"],
        json!({"updatedAt": "STRING", "id": "STRING"})
    );
    assert_eq!(file["page_size"], 25);
    assert_eq!(file["url"], api.url());
}

#[test]
fn a_first_bound_that_hides_all_rows_is_left_out_of_the_file() {
    let api = Api::start(Table::users(120, 1));
    api.set_fault(|request, _| {
        let hides = request.param("updated_since") == Some("0001-01-01T00:00:00Z");
        hides.then(|| Reply::json(json!({"data": [], "offset": 0, "total": 0})))
    });
    let file = round_trip(&["--url", &api.url()], 120, "id");
    assert_eq!(file["since"]["first"], Value::Null);
}

#[test]
fn fractions_that_the_api_sends_and_does_not_take_are_spelled_without() {
    let api = Api::start(quarters());
    api.set_fault(|request, _| {
        let since = request.param("updated_since").unwrap_or_default();
        since.contains('.').then(|| Reply::status(400))
    });
    let file = round_trip(&["--url", &api.url()], 100, "id");
    assert_eq!(
        file["since"]["format"],
        "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
    );
}

#[test]
fn what_cannot_be_suggested_is_said_and_nothing_is_printed() {
    for body in ["{}", "{\"data\":[{\"x\":1}]}", "<p>"] {
        let server = Server::start(move |_| Reply::json(body.to_owned()));
        let outcome = check(&Scratch::new(), &["--url", &server.url("/"), "--suggest"]).expect(5);
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.contains("error: "), "{}", outcome.stderr);
    }
}

#[test]
fn what_a_setting_cannot_mend_is_still_told_by_the_exit_code() {
    let api = Api::start(Table::users(120, 1));
    let server = Server::start(move |request| {
        let mut request = request.clone();
        request.query.retain(|(name, _)| name != "offset");
        Reply::json(ask(&api, &request))
    });
    let outcome = check(&Scratch::new(), &["--url", &server.url("/"), "--suggest"]).expect(5);
    assert!(outcome.stderr.contains("offset"), "{}", outcome.stderr);
    assert!(
        outcome.stdout.starts_with('{'),
        "the file is there to go on with"
    );
}

#[test]
fn what_no_answer_tells_is_noted() {
    // Nothing but the whole table, whatever is asked for.
    let api = Api::start(Table::users(20, 1));
    let server = Server::start(move |request| {
        let mut request = request.clone();
        request.query.clear();
        Reply::json(ask(&api, &request))
    });
    let outcome = check(&Scratch::new(), &["--url", &server.url("/"), "--suggest"]).expect(5);
    for what in [
        "a further page",
        "the filter",
        "sort by the timestamp",
        "\"query\"",
    ] {
        assert!(outcome.stderr.contains(what), "{what}: {}", outcome.stderr);
    }
}

#[test]
fn what_is_suggested_for_the_reference_needs_no_setting() {
    let api = Api::start(Table::users(20, 1));
    let outcome = check(&Scratch::new(), &["--url", &api.url(), "--suggest"]).expect(0);
    assert!(!outcome.stderr.contains("\"query\""), "{}", outcome.stderr);
    let both = check(&Scratch::new(), &["--url", &api.url(), "--json"]).expect(0);
    let report: Value = serde_json::from_str(&both.stdout).unwrap();
    asks_for(&report, &[]);
    assert!(clause(&report, "columns")["setting"].is_null());
}
