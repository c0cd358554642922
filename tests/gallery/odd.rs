//! Rows with faults through a whole sync: none of them blocks the table or is
//! lost, each is reported, and the positions of the others still count.

use serde_json::{Value, json};

use crate::custom::Custom;
use crate::model::number;
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::ndjson;
use crate::support::table::{Table, Ties};

fn row(id: usize, cursor: &str) -> String {
    format!("{{\"id\":{id},\"updatedAt\":{cursor},\"name\":\"n{id}\"}}")
}

fn time(second: usize) -> String {
    format!("\"{}\"", clock::rfc3339(BASE + second as i64 * SECOND))
}

/// 100 rows, a second each, of which every seventh has no cursor, every
/// eleventh no key and every thirteenth is no JSON.
fn mixed() -> Table {
    let mut table = Table::new(Ties::Insertion);
    for number in 0..100 {
        let at = BASE + number as i64 * SECOND;
        let json = match number {
            n if n % 7 == 3 => row(n, "null"),
            n if n % 11 == 3 => row(n, &time(n)).replace("\"id\":", "\"no\":"),
            n if n % 13 == 3 => row(n, &time(n)).replace("\"n", "NaN,\"x\":\"n"),
            n => row(n, &time(n)),
        };
        table.insert_json(&number.to_string(), at, json);
    }
    table
}

fn connection(total: bool) -> Value {
    json!({
        "table": "t", "on_bad_row": "reject",
        "query": {"updated_since": "{since}", "limit": "{limit}", "offset": "{offset}"},
        "response": {"offset": null, "total": if total { json!("/total") } else { Value::Null }},
        "since": {"first": null},
    })
}

fn answer(request: &Request, table: &Table) -> Reply {
    let since = request
        .param("updated_since")
        .map(|since| clock::parse(since).unwrap());
    let (limit, offset) = (
        number(request, "limit").unwrap(),
        match number(request, "page") {
            Some(page) => (page - 1) * number(request, "limit").unwrap(),
            None => number(request, "offset").unwrap(),
        },
    );
    let (rows, total) = table.select(since, true, offset, limit);
    let rows: Vec<&str> = rows.iter().map(|row| &*row.json).collect();
    Reply::json(format!(
        "{{\"data\":[{}],\"total\":{total}}}",
        rows.join(",")
    ))
}

fn rejects(custom: &Custom) -> Vec<Vec<Value>> {
    let files = std::fs::read_dir(custom.scratch.join("out")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".rejected.ndjson"));
    files.sort();
    files.iter().map(ndjson).collect()
}

#[test]
fn every_row_is_delivered_or_reported_once_on_pages_of_any_size() {
    for total in [true, false] {
        for size in ["2", "3", "7", "50", "200"] {
            let custom = Custom::start(connection(total), mixed(), answer);
            let receipt = custom.sync(&["--page-size", size]).expect(0).receipt();
            let rows = ndjson(custom.scratch.join(receipt["file"].as_str().unwrap()));
            let mut ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
            ids.sort_unstable();
            let sound = |n: &u64| n % 7 != 3 && n % 11 != 3 && n % 13 != 3;
            let expected: Vec<u64> = (0..100).filter(sound).collect();
            assert_eq!(ids, expected, "{total} {size}");
            let files = rejects(&custom);
            assert_eq!(files.len(), 1);
            assert_eq!(files[0].len(), 100 - expected.len(), "{total} {size}");
            assert_eq!(receipt["rejected"], files[0].len());
            assert!(files[0].iter().all(|line| line["reason"].is_string()));
            // What is no JSON stands there as text.
            let texts = files[0].iter().filter(|line| line["row"].is_string());
            assert!(texts.count() > 3);
        }
    }
}

#[test]
fn a_row_at_the_mark_is_not_set_aside_again_and_again() {
    let custom = Custom::start(connection(true), mixed(), answer);
    let newest = BASE + 200 * SECOND;
    let keyless = row(1, &time(200)).replace("\"id\":", "\"no\":");
    custom.model.table().insert_json("x", newest, keyless);
    custom.sync(&[]).expect(0);
    let receipt = custom.sync(&[]).expect(0).receipt();
    assert_eq!(
        (&receipt["rejected"], &receipt["file"]),
        (&json!(0), &Value::Null)
    );
    // It is reported again when it changes.
    let changed = row(2, &time(200)).replace("\"id\":", "\"no\":");
    custom.model.table().update_json("x", newest, changed);
    let receipt = custom.sync(&[]).expect(0).receipt();
    assert_eq!(
        (&receipt["rejected"], &receipt["rows"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(rejects(&custom).len(), 2);
}

#[test]
fn without_the_setting_the_error_names_it() {
    let mut plain = connection(true);
    plain.as_object_mut().unwrap().remove("on_bad_row");
    let custom = Custom::start(plain, mixed(), answer);
    let outcome = custom.sync(&[]).expect(5);
    assert!(
        outcome
            .stderr
            .contains("row 3, field \"updatedAt\": the cursor is missing or null"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("\"on_bad_row\": \"reject\""),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_page_of_nothing_but_such_rows_is_not_the_end() {
    let mut table = Table::new(Ties::Insertion);
    for number in 0..30 {
        let bad = (10..20).contains(&number);
        let cursor = if bad { "\"\"".to_owned() } else { time(number) };
        table.insert_json(
            &number.to_string(),
            BASE + number as i64 * SECOND,
            row(number, &cursor),
        );
    }
    for (total, paged) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut connection = connection(total);
        if paged {
            connection["query"] =
                json!({"updated_since": "{since}", "limit": "{limit}", "page": "{page}"});
        }
        let custom = Custom::start(connection, table_of(&table), answer);
        let receipt = custom.sync(&["--page-size", "4"]).expect(0).receipt();
        assert_eq!(
            (&receipt["rows"], &receipt["rejected"]),
            (&json!(20), &json!(10)),
            "{total} {paged}"
        );
    }
}

fn table_of(table: &Table) -> Table {
    let mut copy = Table::new(Ties::Insertion);
    for row in table.rows() {
        copy.insert_json(&row.id, row.updated, row.json.clone());
    }
    copy
}

#[test]
fn a_half_character_is_replaced_and_warned_of_once() {
    let mut table = Table::new(Ties::Insertion);
    for number in 0..30 {
        let text = row(number, &time(number)).replace("\"n", "\"\\ud83d");
        table.insert_json(&number.to_string(), BASE + number as i64 * SECOND, text);
    }
    let mut plain = connection(true);
    plain.as_object_mut().unwrap().remove("on_bad_row");
    let custom = Custom::start(plain, table, answer);
    let outcome = custom.sync(&["--page-size", "7"]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 30);
    assert_eq!(
        outcome.stderr.matches("half a surrogate pair").count(),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_zone_that_is_not_there_is_exit_2_and_names_the_nearest() {
    let scratch = crate::support::Scratch::new();
    std::fs::create_dir(scratch.join("America")).unwrap();
    let rule = crate::support::zone::rule(crate::support::zone::NEW_YORK);
    scratch.write("America/New_York", &rule);
    scratch.write("America/Broken", b"nothing");
    for (zone, said) in [
        (
            "America/NewYork",
            "\"zone\": no time zone \"America/NewYork\" on this system, did you mean \"America/New_York\"?",
        ),
        (
            "America",
            "\"zone\": no time zone \"America\" on this system",
        ),
        ("America/../America/New_York", "is no name of a time zone"),
        (
            "America/Broken",
            "the file of the time zone \"America/Broken\" cannot be used: it is cut short",
        ),
        (
            "-5:00",
            "is no time zone, write a name as \"America/New_York\" or an offset as \"-05:00\"",
        ),
    ] {
        let connection = json!({"since": {"zone": zone}});
        let config = scratch.write("connection.json", connection.to_string());
        for command in ["sync", "check"] {
            let outcome = crate::support::run(
                crate::support::highwater(scratch.path())
                    .env("TZDIR", scratch.path())
                    .args([command, "--config"])
                    .arg(&config),
            )
            .expect(2);
            assert!(outcome.stderr.contains(said), "{zone}: {}", outcome.stderr);
        }
    }
    let config = scratch.write(
        "connection.json",
        json!({"since": {"zone": "Asia/Tokyo"}}).to_string(),
    );
    let outcome = crate::support::run(
        crate::support::highwater(scratch.path())
            .env("TZDIR", scratch.join("nowhere"))
            .args(["sync", "--config"])
            .arg(&config),
    )
    .expect(2);
    assert!(
        outcome.stderr.contains("a fixed offset such as -05:00"),
        "{}",
        outcome.stderr
    );
}
