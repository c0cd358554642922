//! What the files hold.

use std::fs;

use crate::support::http::Server;
use crate::support::{Outcome, Scratch, files, ndjson};
use crate::{sync, whole};

/// Syncs one page of these rows and returns the file's text.
#[track_caller]
fn written(rows: &str, count: usize, flags: &[&str]) -> (Outcome, String) {
    let dir = Scratch::new();
    let rows = rows.to_owned();
    let server = Server::start(move |_| whole(&rows, count));
    let outcome = sync(dir.path(), &server.url("/"), flags).expect(0);
    let file = outcome.receipt()["file"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(dir.join(file)).unwrap();
    (outcome, text)
}

fn records(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn declared_columns_come_first_and_every_other_field_follows_as_it_came() {
    let row = r#"{"zeta":{"b":[1, 2], "a":null},"updatedAt":"2024-01-15T10:30:00Z",
        "job":"x","id":"1","alpha":true,"name":"n"}"#;
    let (_, text) = written(row, 1, &[]);
    assert_eq!(
        text,
        concat!(
            r#"{"id":"1","name":"n","job":"x","updatedAt":"2024-01-15T10:30:00Z","#,
            r#""zeta":{"b":[1,2],"a":null},"alpha":true}"#,
            "\n"
        )
    );
}

#[test]
fn quotes_line_breaks_and_other_scripts_stay_on_one_line_and_read_back() {
    let row = r#"{"id":"1","name":"a \"b\" \\ c\n\td \u00e9\ud83d\ude00 é😀 \u2028","updatedAt":"2024-01-15T10:30:00Z","a/b \" c":"\/"}"#;
    let dir = Scratch::new();
    let server = Server::start(move |_| whole(row, 1));
    let outcome = sync(dir.path(), &server.url("/"), &[]).expect(0);
    let rows = ndjson(dir.join(outcome.receipt()["file"].as_str().unwrap()));
    assert_eq!(
        rows,
        [serde_json::from_str::<serde_json::Value>(row).unwrap()]
    );
}

#[test]
fn null_stays_null_and_what_is_missing_stays_missing() {
    let row = r#"{"id":"1","name":null,"updatedAt":"2024-01-15T10:30:00Z","extra":null}"#;
    let (_, text) = written(row, 1, &[]);
    assert_eq!(text, format!("{row}\n"));
}

#[test]
fn numbers_keep_every_digit() {
    let row = r#"{"id":"1","updatedAt":"2024-01-15T10:30:00Z","a":0.1000,"b":1e400,"c":12345678901234567890123,"d":-0.0,"e":1E+2,"f":[0.30,{"g":9007199254740993.0}]}"#;
    let (_, text) = written(row, 1, &[]);
    assert_eq!(text, format!("{row}\n"));
}

#[test]
fn timestamps_are_written_in_utc_with_all_their_digits() {
    for (sent, written_as) in [
        ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
        ("2024-01-15T16:00:00+05:30", "2024-01-15T10:30:00Z"),
        ("2024-01-14T22:30:00.25-12:00", "2024-01-15T10:30:00.25Z"),
        (
            "2024-01-15T10:30:00.123456789Z",
            "2024-01-15T10:30:00.123456789Z",
        ),
        ("2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00Z"),
        ("2024-01-15T10:30:00+00:00", "2024-01-15T10:30:00Z"),
    ] {
        let row = format!(
            r#"{{"id":"1","updatedAt":"2024-01-15T10:30:00Z","createdAt":"{sent}","other":"{sent}"}}"#
        );
        let (_, text) = written(&row, 1, &[]);
        let expected = format!(
            r#"{{"id":"1","updatedAt":"2024-01-15T10:30:00Z","createdAt":"{written_as}","other":"{sent}"}}"#
        );
        assert_eq!(text, expected + "\n", "{sent}");
    }
}

#[test]
fn a_number_as_primary_key_is_taken() {
    let rows = r#"{"id":12345678901234567890123,"updatedAt":"2024-01-15T10:30:00Z"}"#;
    let (_, text) = written(rows, 1, &[]);
    assert!(text.contains("12345678901234567890123"), "{text}");
}

#[test]
fn csv_reads_back_field_by_field() {
    let rows = r#"
        {"id":"1","name":"a \"quoted\", comma","email":null,"address":"two\nlines\r\nthree","company":"","job":"  =1+1 é😀","updatedAt":"2024-01-15T10:30:00+01:00","createdAt":"2024-01-15T10:30:00.5Z"},
        {"job":"j","id":"2","updatedAt":"2024-01-15T10:30:00Z"}"#;
    let (outcome, text) = written(rows, 2, &["--format", "csv"]);
    assert_eq!(outcome.stderr, "");
    assert!(
        outcome.receipt()["file"]
            .as_str()
            .unwrap()
            .ends_with(".csv")
    );
    let records = records(&text);
    let header = [
        "id",
        "name",
        "email",
        "address",
        "company",
        "job",
        "updatedAt",
        "createdAt",
    ];
    assert_eq!(records[0], header);
    assert_eq!(
        records[1],
        [
            "1",
            "a \"quoted\", comma",
            "",
            "two\nlines\r\nthree",
            "",
            "  =1+1 é😀",
            "2024-01-15T09:30:00Z",
            "2024-01-15T10:30:00.5Z"
        ]
    );
    let second = ["2", "", "", "", "", "j", "2024-01-15T10:30:00Z", ""];
    assert_eq!(records[2], second);
    assert_eq!(records.len(), 3);
}

#[test]
fn a_field_that_no_column_takes_is_warned_of_once_by_its_name() {
    let row = |id: u32| {
        format!(r#"{{"id":"{id}","updatedAt":"2024-01-15T10:30:00Z","shoe_size":{id},"pet":1}}"#)
    };
    let rows = [row(1), row(2), row(3)].join(",");
    let (outcome, text) = written(&rows, 3, &["--format", "csv"]);
    assert_eq!(outcome.stderr.matches("shoe_size").count(), 1);
    assert_eq!(outcome.stderr.matches("pet").count(), 1);
    assert!(outcome.stderr.contains("warning"), "{}", outcome.stderr);
    assert!(!text.contains("shoe_size"));
    assert_eq!(records(&text).len(), 4);
    let (outcome, _) = written(&rows, 3, &[]);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn each_sync_writes_a_file_of_its_own_even_within_one_second() {
    let dir = Scratch::new();
    let api = crate::support::api::Api::start(crate::support::table::Table::users(1, 1));
    for nth in 2..5 {
        sync(dir.path(), &api.url(), &[]).expect(0);
        let newest = api.table().newest().unwrap();
        api.table().insert(&nth.to_string(), newest + 1);
    }
    let files = files(&dir.join("out"));
    let rows = files.iter().filter(|name| name.ends_with(".ndjson"));
    assert_eq!(rows.count(), 3, "{files:?}");
}

#[test]
fn a_value_that_does_not_fit_its_column_is_named_with_its_row_and_field() {
    for (field, value) in [
        ("name", "12"),
        ("createdAt", "\"yesterday\""),
        ("job", "[\"x\"]"),
    ] {
        let rows = format!(
            r#"{{"id":"1","updatedAt":"2024-01-15T10:30:00Z"}},{{"id":"b7","updatedAt":"2024-01-15T10:30:00Z","{field}":{value}}}"#
        );
        let dir = Scratch::new();
        let server = Server::start(move |_| whole(&rows, 2));
        let outcome = sync(dir.path(), &server.url("/"), &[]).expect(5);
        for part in ["offset 0", "row 1", "b7", field, value] {
            assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
        }
        assert_eq!(outcome.receipt()["complete"], false);
    }
}
