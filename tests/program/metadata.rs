//! `--metadata`, and the CSV header that grows: what the state carries from
//! sync to sync besides the mark.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::http::{Reply, Request, Server};
use crate::support::table::Table;
use crate::support::{Scratch, all_rows, files, highwater, ndjson, run};
use crate::{state, sync};

fn seqs(rows: &[Value]) -> Vec<u64> {
    rows.iter()
        .map(|row| row["_seq"].as_u64().unwrap())
        .collect()
}

fn grow(numbers: &[u64]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

#[test]
fn each_row_has_a_larger_number_than_those_before_it_over_all_syncs() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    for nth in 0..3 {
        sync(dir.path(), &api.url(), &["--metadata"]).expect(0);
        let newest = api.table().newest().unwrap();
        api.table().update(&(nth + 1).to_string(), newest + 1);
    }
    sync(dir.path(), &api.url(), &["--metadata", "--full-refresh"]).expect(0);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 120 + 2 + 120);
    let numbers = seqs(&rows);
    assert!(grow(&numbers), "{numbers:?}");
    // As far as a float counts exactly.
    assert!(numbers.iter().all(|number| *number < 1 << 53));
    assert_eq!(state(dir.path())["files"]["seq"], json!(numbers.last()));
    for row in &rows {
        let time = row["_synced_at"].as_str().unwrap();
        assert_eq!(time.len(), "2024-01-15T10:30:00.000000Z".len(), "{time}");
        assert!(highwater::timestamp::parse(time).is_some(), "{time}");
    }
}

#[test]
fn the_added_fields_come_after_the_row_as_it_was_sent() {
    let rows = r#"{"id":"1","updatedAt":"2024-01-15T10:30:00Z"},
        { "id": "2", "updatedAt": "2024-01-15T12:30:00+02:00", "n": 1.50 }"#;
    let server = Server::start(move |_| crate::whole(rows, 2));
    let dir = Scratch::new();
    let receipt = sync(dir.path(), &server.url("/"), &["--metadata"])
        .expect(0)
        .receipt();
    let file = dir.join(receipt["file"].as_str().unwrap());
    let text = fs::read_to_string(&file).unwrap();
    let seqs = seqs(&ndjson(&file));
    assert_eq!(seqs[1], seqs[0] + 1);
    let synced_at = ndjson(&file)[0]["_synced_at"].as_str().unwrap().to_owned();
    let added = |seq| format!(",\"_seq\":{seq},\"_synced_at\":\"{synced_at}\"}}\n");
    let expected = [
        format!(
            "{{\"id\":\"1\",\"updatedAt\":\"2024-01-15T10:30:00Z\"{}",
            added(seqs[0])
        ),
        format!(
            "{{\"id\":\"2\",\"updatedAt\":\"2024-01-15T10:30:00Z\",\"n\":1.50{}",
            added(seqs[1])
        ),
    ];
    assert_eq!(text, expected.concat());
}

#[test]
fn numbers_grow_on_stdout_too_also_after_a_run_that_saved_nothing() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(120, 1))
        .fault(|_, nth| (nth == 2).then(|| Reply::status(401)))
        .start();
    let rows = |code| -> Vec<Value> {
        let words = ["sync", "--metadata", "--out", "-", "--url", &api.url()];
        let outcome = run(highwater(dir.path()).args(words)).expect(code);
        let lines = outcome.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let mut all = seqs(&rows(4));
    assert_eq!(all.len(), 50);
    all.extend(seqs(&rows(0)));
    let newest = api.table().newest().unwrap();
    api.table().update("3", newest + 1);
    all.extend(seqs(&rows(0)));
    assert_eq!(all.len(), 171);
    assert!(grow(&all));
}

#[test]
fn a_clock_that_was_set_back_does_not_set_the_numbers_back() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(3, 1));
    sync(dir.path(), &api.url(), &["--metadata"]).expect(0);
    let mut ahead = state(dir.path());
    ahead["files"]["seq"] = json!(5_000_000_000_000_000_u64);
    dir.write("out/state.json", ahead.to_string());
    let newest = api.table().newest().unwrap();
    api.table().update("1", newest + 1);
    sync(dir.path(), &api.url(), &["--metadata"]).expect(0);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows[3]["_seq"], 5_000_000_000_000_001_u64);
}

#[test]
fn csv_has_the_added_columns_last() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(3, 1));
    let outcome = sync(dir.path(), &api.url(), &["--metadata", "--format=csv"]).expect(0);
    let file = dir.join(outcome.receipt()["file"].as_str().unwrap());
    let text = fs::read_to_string(file).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(Into::into).collect();
    assert_eq!(header[7..], ["createdAt", "_seq", "_synced_at"]);
    let numbers: Vec<u64> = reader
        .records()
        .map(|record| record.unwrap()[8].parse().unwrap())
        .collect();
    assert!(numbers.len() == 3 && grow(&numbers));
}

#[test]
fn a_field_of_the_api_s_own_that_is_called_so_is_a_wrong_command() {
    for field in ["_seq", "_synced_at"] {
        let rows = format!(r#"{{"id":"7","updatedAt":"2024-01-15T10:30:00Z","{field}":5}}"#);
        let server = Server::start(move |_| crate::whole(&rows, 1));
        for format in ["ndjson", "csv"] {
            let dir = Scratch::new();
            let format = format!("--format={format}");
            let outcome = sync(dir.path(), &server.url("/"), &["--metadata", &format]).expect(2);
            for part in [field, "--metadata", "row 0 (id \"7\")"] {
                assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
            }
            sync(dir.path(), &server.url("/"), &[&format]).expect(0);
        }
        let dir = Scratch::new();
        let columns = format!(
            r#"{{"columns": {{"id": "STRING", "updatedAt": "UTC_DATETIME", "{field}": "LONG"}}}}"#
        );
        dir.write("c.json", columns);
        let outcome = sync(
            dir.path(),
            &server.url("/"),
            &["--metadata", "--config=c.json"],
        )
        .expect(2);
        assert!(outcome.stderr.contains(field), "{}", outcome.stderr);
    }
}

/// A server of these rows, which can be changed; and a folder with a connection
/// file without columns.
fn growing(rows: &[&str]) -> (Scratch, Server, Arc<Mutex<Vec<String>>>) {
    let dir = Scratch::new();
    dir.write("c.json", "{}");
    let rows: Vec<String> = rows.iter().map(|&row| row.to_owned()).collect();
    let rows = Arc::new(Mutex::new(rows));
    let served = Arc::clone(&rows);
    let server = Server::start(move |request: &Request| {
        let rows = served.lock().unwrap();
        let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
        let since = request.param("updated_since").unwrap_or_default();
        let passes = |row: &&String| {
            let value: Value = serde_json::from_str(row).unwrap();
            value["updatedAt"].as_str().unwrap() >= since
        };
        let passing: Vec<&String> = rows.iter().filter(passes).collect();
        let (offset, limit) = (number("offset"), number("limit"));
        let page: Vec<&str> = passing
            .iter()
            .skip(offset)
            .take(limit)
            .map(|row| row.as_str())
            .collect();
        Reply::json(format!(
            "{{\"data\":[{}],\"offset\":{offset},\"total\":{}}}",
            page.join(","),
            passing.len()
        ))
    });
    (dir, server, rows)
}

fn row(id: u32, more: &str) -> String {
    format!("{{\"id\":\"{id}\",\"updatedAt\":\"2024-01-15T10:30:{id:02}Z\"{more}}}")
}

/// The text of each CSV, oldest first.
fn csvs(dir: &Scratch) -> Vec<String> {
    let out = dir.join("out");
    let names = files(&out)
        .into_iter()
        .filter(|name| name.ends_with(".csv"));
    names
        .map(|name| fs::read_to_string(out.join(name)).unwrap())
        .collect()
}

const CSV: [&str; 4] = ["--format=csv", "--config=c.json", "--page-size=3", "-q"];

#[test]
fn a_csv_without_columns_keeps_every_field_and_the_order_of_its_header() {
    let first: Vec<String> = (0..6)
        .map(|id| row(id, if id == 4 { ",\"b\":1" } else { "" }))
        .collect();
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let (dir, server, rows) = growing(&first);
    let receipt = sync(dir.path(), &server.url("/"), &CSV).expect(0).receipt();
    assert_eq!(receipt["rows"], 6);
    assert_eq!(receipt["files"].as_array().unwrap().len(), 2);
    let texts = csvs(&dir);
    assert!(texts[0].starts_with("id,updatedAt\n0,"), "{}", texts[0]);
    assert!(texts[1].starts_with("id,updatedAt,b\n"), "{}", texts[1]);
    assert!(
        texts[1].contains("\n4,2024-01-15T10:30:04Z,1\n"),
        "{}",
        texts[1]
    );
    // The next sync's first page has the fields in another order, without one,
    // and with a new one.
    let more = [
        "{\"c,d\":\"x\",\"updatedAt\":\"2024-01-15T10:31:00Z\",\"id\":\"7\"}".to_owned(),
        "{\"b\":2,\"id\":\"8\",\"updatedAt\":\"2024-01-15T10:31:01Z\"}".to_owned(),
    ];
    rows.lock().unwrap().extend(more);
    let receipt = sync(dir.path(), &server.url("/"), &CSV).expect(0).receipt();
    assert_eq!(receipt["files"], Value::Null);
    let last = csvs(&dir).pop().unwrap();
    assert_eq!(
        last,
        "id,updatedAt,b,\"c,d\"\n7,2024-01-15T10:31:00Z,,x\n8,2024-01-15T10:31:01Z,2,\n"
    );
    assert_eq!(
        state(dir.path())["files"]["columns"],
        json!(["id", "updatedAt", "b", "c,d"])
    );
    // What is added goes to the end as well, and stays when it is left out.
    rows.lock()
        .unwrap()
        .push(row(59, "").replace("10:30", "10:32"));
    let flags = [&CSV[..], &["--metadata"]].concat();
    sync(dir.path(), &server.url("/"), &flags).expect(0);
    rows.lock()
        .unwrap()
        .push(row(1, "").replace("10:30", "10:33"));
    sync(dir.path(), &server.url("/"), &CSV).expect(0);
    let texts = csvs(&dir);
    let header = "id,updatedAt,b,\"c,d\",_seq,_synced_at\n";
    assert!(texts[3].starts_with(header) && texts[4].starts_with(header));
    assert!(
        texts[4].ends_with("1,2024-01-15T10:33:01Z,,,,\n"),
        "{}",
        texts[4]
    );
}

#[test]
fn a_header_that_would_change_on_stdout_is_exit_5_and_is_right_the_next_time() {
    let rows: Vec<String> = (0..6)
        .map(|id| row(id, if id == 4 { ",\"vat\":1" } else { "" }))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for state in [&["--state=none"][..], &[], &["--since=2024-01-01"]] {
        let (dir, server, _) = growing(&rows);
        let flags = [&CSV[..], &["--out", "-"], state].concat();
        let outcome = sync(dir.path(), &server.url("/"), &flags).expect(5);
        assert!(outcome.stderr.contains("\"vat\""), "{}", outcome.stderr);
        assert!(!outcome.stdout.contains("vat"));
        let keeps = state != ["--state=none"];
        assert_eq!(outcome.stderr.contains("run again"), keeps);
        let outcome = sync(dir.path(), &server.url("/"), &flags);
        if keeps {
            let text = outcome.expect(0).stdout;
            assert!(text.starts_with("id,updatedAt,vat\n"), "{text}");
            assert_eq!(text.lines().count(), 7);
        } else {
            outcome.expect(5);
        }
    }
}

#[test]
fn a_csv_whose_first_rows_are_set_aside_has_its_header_all_the_same() {
    let rows: Vec<String> = (0..6)
        .map(|id| row(id, if id < 4 { ",\"n\":\"x\"" } else { ",\"n\":1" }))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let (dir, server, _) = growing(&rows);
    dir.write(
        "c.json",
        r#"{"on_bad_row":"reject","columns":{"id":"STRING","updatedAt":"UTC_DATETIME","n":"LONG"}}"#,
    );
    let receipt = sync(dir.path(), &server.url("/"), &CSV).expect(0).receipt();
    assert_eq!(
        (&receipt["rows"], &receipt["rejected"]),
        (&json!(2), &json!(4))
    );
    let texts = csvs(&dir);
    assert_eq!(
        texts,
        ["id,updatedAt,n\n4,2024-01-15T10:30:04Z,1\n5,2024-01-15T10:30:05Z,1\n"]
    );
}
