//! Answers that are JSON and still not what the API promised.

use serde_json::{Value, json};

use crate::broken::{bent_page, says};
use crate::support::api::Api;
use crate::support::http::{Reply, Request, Server};
use crate::support::table::Table;
use crate::support::{Scratch, all_rows, latest_by_id};
use crate::{page, sync};

/// More requests than any of these tables takes.
const MANY: usize = 60;

#[test]
fn a_wrong_offset_in_the_answer_is_named_with_the_one_that_was_asked_for() {
    let outcome = bent_page(|page| page["offset"] = json!(7));
    says(&outcome, &["offset 7", "48"]);
    for wrong in [json!(-1), json!("x"), json!(1.5), json!([])] {
        let value = wrong.to_string();
        let outcome = bent_page(move |page| page["offset"] = wrong.clone());
        says(&outcome, &["\"offset\"", value.trim_matches('"')]);
    }
}

#[test]
fn an_offset_that_is_not_obeyed_loses_nothing_in_silence() {
    for (echoed, total) in [(true, true), (false, true), (false, false)] {
        let dir = Scratch::new();
        let server = Server::start(move |request: &Request| {
            // Always the first rows, whatever was asked for.
            let asked = request.param("offset").unwrap().to_owned();
            let mut first = request.clone();
            for (name, value) in &mut first.query {
                if name == "offset" {
                    *value = "0".to_owned();
                }
            }
            let mut page = page(&first);
            match echoed {
                true => page["offset"] = json!(asked.parse::<u64>().unwrap()),
                false => page["offset"] = Value::Null,
            }
            if !total {
                page["total"] = Value::Null;
            }
            Reply::json(page)
        });
        let outcome = sync(dir.path(), &server.url("/"), &[]);
        let requests = server.requests().len();
        assert!(requests <= MANY, "{requests}: {outcome:?}");
        let rows = all_rows(&dir.join("out"));
        assert_eq!(latest_by_id(&rows).len(), rows.len());
        assert_eq!(outcome.receipt()["rows"], rows.len());
        // The filter alone leads to every row; else it is said that it does not.
        match outcome.code {
            Some(0) => assert_eq!(rows.len(), 200),
            _ => says(&outcome.expect(5), &["error: page at offset", "try: "]),
        }
    }
}

#[test]
fn a_filter_that_is_not_obeyed_either_still_ends() {
    for total in [true, false] {
        let dir = Scratch::new();
        let server = Server::start(move |_| {
            let table = Table::users(50, 1);
            let rows: Vec<Value> = table.contents().into_values().collect();
            let mut rows = rows;
            rows.sort_by_key(|row| row["updatedAt"].to_string());
            match total {
                true => Reply::json(json!({"data": rows, "total": 1000})),
                false => Reply::json(json!({ "data": rows })),
            }
        });
        let outcome = sync(dir.path(), &server.url("/"), &[]).expect(5);
        assert!(
            server.requests().len() <= MANY,
            "{}",
            server.requests().len()
        );
        says(&outcome, &["try: "]);
        assert_eq!(all_rows(&dir.join("out")).len(), 50);
    }
}

#[test]
fn rows_out_of_order_are_named() {
    let outcome = bent_page(|page| {
        let rows = page["data"].as_array_mut().unwrap();
        rows.swap(20, 30);
    });
    says(&outcome, &["row 2", "order"]);
}

#[test]
fn a_row_without_its_key_or_time_is_named_with_the_field() {
    for (field, value) in [
        ("id", None),
        ("id", Some(json!(null))),
        ("id", Some(json!(["7"]))),
        ("id", Some(json!(true))),
        ("updatedAt", None),
        ("updatedAt", Some(json!(null))),
        ("updatedAt", Some(json!(""))),
        ("updatedAt", Some(json!("yesterday"))),
        ("updatedAt", Some(json!("2024-02-30T00:00:00Z"))),
        ("updatedAt", Some(json!("2024-01-15T10:31:20"))),
        ("updatedAt", Some(json!({}))),
    ] {
        let shown = value.as_ref().filter(|value| !value.is_null()).cloned();
        let outcome = bent_page(move |page| {
            let row = page["data"][30].as_object_mut().unwrap();
            match &value {
                Some(value) => row.insert(field.to_owned(), value.clone()),
                None => row.remove(field),
            };
        });
        says(&outcome, &["row 30", &format!("{field:?}")]);
        match shown {
            Some(value) => says(&outcome, &[&value.to_string()]),
            None => says(&outcome, &["missing"]),
        }
    }
}

#[test]
fn rows_that_are_no_list_of_objects_are_exit_5_and_shown() {
    for (value, parts) in [
        (json!({"a": 1}), &["/data", "{\"a\":1}"][..]),
        (json!(null), &["/data", "null"]),
        (json!("x"), &["/data", "\"x\""]),
        (json!([1]), &["row 0", "1"]),
        (json!([null]), &["row 0", "null"]),
        (json!([["a"]]), &["row 0", "[\"a\"]"]),
    ] {
        let outcome = bent_page(move |page| page["data"] = value.clone());
        says(&outcome, parts);
        says(&outcome, &["error: "]);
    }
    let outcome = bent_page(|page| {
        *page = json!({"error": "try later", "code": 17});
    });
    says(&outcome, &["/data", "try later"]);
    let outcome = bent_page(|page| *page = page["data"].take());
    says(&outcome, &["/data"]);
}

#[test]
fn a_key_that_is_there_twice_is_named() {
    let outcome = crate::broken::second_page(5, &["--max-retries", "0"], |request| {
        let text = page(request).to_string();
        let twice = text.replacen("\"id\":\"60\"", "\"id\":\"60\",\"id\":\"61\"", 1);
        assert_ne!(text, twice);
        Reply::json(twice)
    });
    says(&outcome, &["row ", "\"id\"", "twice"]);
    let outcome = crate::broken::second_page(5, &["--max-retries", "0"], |request| {
        let text = page(request).to_string();
        Reply::json(text.replacen('{', "{\"data\":[],", 1))
    });
    says(&outcome, &["\"data\"", "two fields"]);
}

#[test]
fn two_rows_of_one_id_on_a_page_are_two_versions_and_both_are_delivered() {
    let dir = Scratch::new();
    let rows = r#"{"id":"1","updatedAt":"2024-01-15T10:30:00Z","name":"a"},{"id":"1","updatedAt":"2024-01-15T10:30:01Z","name":"b"}"#;
    let server = Server::start(move |_| crate::whole(rows, 2));
    sync(dir.path(), &server.url("/"), &[]).expect(0);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 2);
    assert_eq!(latest_by_id(&rows)["1"]["name"], "b");
}

#[test]
fn more_rows_than_were_asked_for_are_taken() {
    let dir = Scratch::new();
    let server = Server::start(|request| {
        let mut larger = request.clone();
        for (name, value) in &mut larger.query {
            if name == "limit" {
                *value = "70".to_owned();
            }
        }
        Reply::json(page(&larger))
    });
    sync(dir.path(), &server.url("/"), &[]).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 200);
}

#[test]
fn ties_in_an_order_of_their_own_at_each_request_lose_nothing_or_are_named() {
    use crate::support::table::Ties;
    // Runs shorter than a page are walked; longer ones cannot be told apart.
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 12).with_ties(Ties::Unstable(7)));
    sync(dir.path(), &api.url(), &[]).expect(0);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 300);
    assert_eq!(latest_by_id(&rows), api.table().contents());

    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 150).with_ties(Ties::Unstable(7)));
    let outcome = sync(dir.path(), &api.url(), &[]).expect(5);
    says(&outcome, &["share one timestamp", "--page-size"]);
    sync(dir.path(), &api.url(), &["--page-size", "200"]).expect(0);
    let rows = latest_by_id(&all_rows(&dir.join("out")));
    assert_eq!(rows, api.table().contents());
}

#[test]
fn a_limit_that_makes_no_sense_is_refused() {
    for limit in ["-5", "\"many\"", "{}"] {
        let scratch = Scratch::new();
        let body = format!("{{\"data\":[],\"offset\":0,\"limit\":{limit},\"total\":0}}");
        let server = Server::start(move |_| Reply::json(body.clone()));
        let outcome = sync(scratch.path(), &server.url("/"), &[]).expect(5);
        assert!(outcome.stderr.contains("limit"), "{}", outcome.stderr);
    }
}

#[test]
fn a_row_that_is_twice_on_a_page_is_delivered_once() {
    let scratch = Scratch::new();
    let row = r#"{"id":"1","updatedAt":"2024-01-15T10:30:00Z"}"#;
    let body = format!("{{\"data\":[{row},{row}],\"offset\":0,\"limit\":50,\"total\":2}}");
    let server = Server::start(move |_| Reply::json(body.clone()));
    let receipt = sync(scratch.path(), &server.url("/"), &[])
        .expect(0)
        .receipt();
    assert_eq!(
        (&receipt["rows"], &receipt["duplicates"]),
        (&1.into(), &1.into())
    );
}
