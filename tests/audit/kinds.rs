//! Every kind of file, key and paging.

use std::fs;

use serde_json::Value;

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND};
use crate::support::http::{Reply, Server};
use crate::support::table::Table;
use crate::support::{Scratch, files, highwater, run};
use crate::{audit, sync};

#[test]
fn what_is_missing_and_what_was_deleted_is_told_and_nothing_written() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 2));
    let url = api.url();
    let program = |words: &[&str]| run(highwater(dir.path()).args(words).args(["--url", &url]));
    program(&["sync"]).expect(0);
    let clean = program(&["audit"]).expect(0);
    assert!(
        clean.stdout.contains("alike           300\n"),
        "{}",
        clean.stdout
    );
    let ids: Vec<String> = api
        .table()
        .rows()
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    let later = api.table().newest().unwrap() + SECOND;
    for id in &ids[..20] {
        api.table().delete(id);
    }
    api.table().update(&ids[30], later);
    api.table().insert("brand-new", later);
    let before = files(&dir.join("out"));
    let outcome = program(&["audit"]).expect(1);
    assert_eq!(outcome.stderr, "");
    for part in [
        "alike           279\n",
        "missing           2  1 never delivered, 1 in another version\n",
        "deleted          20  in the files, not in the API\n",
        ", ...\n",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    let outcome = program(&["audit", "--json"]).expect(1);
    assert_eq!(outcome.stdout.lines().count(), 1);
    let report = outcome.receipt();
    assert_eq!(report["missing"], 2);
    assert_eq!(report["deleted"], 20);
    assert_eq!(report["deleted_ids"].as_array().unwrap().len(), 10);
    let mut missing: Vec<&str> = report["missing_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    missing.sort_unstable();
    let mut wanted = [&*ids[30], "brand-new"];
    wanted.sort_unstable();
    assert_eq!(missing, wanted);
    assert_eq!(files(&dir.join("out")), before);
}

#[test]
fn a_changed_line_and_a_file_that_is_gone_are_found_in_either_format() {
    for format in ["ndjson", "csv"] {
        let dir = Scratch::new();
        let api = Api::start(Table::users(60, 1));
        let url = api.url();
        let flags = ["--url", &url, "--format", format];
        let asked = ["--url", &*url];
        sync(&dir, &flags);
        let report = audit(&dir, &asked).unwrap();
        assert_eq!(
            (report.alike, report.alike_all),
            (60, true),
            "{format} {report:?}"
        );
        let newest = api.table().newest().unwrap();
        for row in 0..3 {
            api.table()
                .insert(&format!("x{row}"), newest + (row + 1) * SECOND);
        }
        sync(&dir, &flags);
        let report = audit(&dir, &asked).unwrap();
        assert_eq!(report.alike, 63, "{format} {report:?}");
        let rows = |name: &String| name.ends_with(format);
        let mut names = files(&dir.join("out")).into_iter().filter(rows);
        let (first, second) = (names.next().unwrap(), names.next().unwrap());
        let path = dir.join("out").join(first);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("user.7.", "user.8.", 1)).unwrap();
        fs::remove_file(dir.join("out").join(second)).unwrap();
        let report = audit(&dir, &asked).unwrap();
        assert_eq!(
            (report.alike, report.never, report.missing),
            (59, 3, 4),
            "{format} {report:?}"
        );
    }
}

#[test]
fn typed_renamed_nested_and_ignored_fields_are_compared_as_they_are_written() {
    let row = move |id: u32, views: u32| {
        format!(
            r#"{{"no":{id},"of":{{"team":"a\u0062","x":{id}}},"flag":"true","tags":["x", 1],"at":"2024-01-15T10:30:{id:02}+02:00","seen":{{"n":{views},"k":1}},"note":null}}"#
        )
    };
    let body = move |views: u32| {
        let rows: Vec<String> = (0..9).map(move |id| row(id, views)).collect();
        let rows = rows.join(",");
        Reply::json(format!(
            r#"{{"data":[{rows}],"offset":0,"limit":50,"total":9}}"#
        ))
    };
    for (format, columns) in [
        (
            "ndjson",
            r#","columns":{"no":"LONG","/of/team":"STRING","flag":"BOOLEAN","at":"UTC_DATETIME","tags":"JSON"}"#,
        ),
        (
            "csv",
            r#","columns":{"no":"LONG","/of/team":"STRING","flag":"BOOLEAN","at":"UTC_DATETIME","tags":"JSON"}"#,
        ),
        ("ndjson", ""),
        ("csv", ""),
    ] {
        let dir = Scratch::new();
        let config = r#"{"table":"t","primary_key":["/of/team","no"],"cursor":"at","ignore":["/seen/n"]COLUMNS}"#;
        dir.write("c.json", config.replace("COLUMNS", columns));
        let config = dir.join("c.json").display().to_string();
        let first = Server::start(move |_| body(1));
        sync(
            &dir,
            &[
                "--url",
                &first.url("/"),
                "--config",
                &config,
                "--format",
                format,
            ],
        );
        let state = fs::read_to_string(dir.join("out/state.json")).unwrap();
        let second = Server::start(move |_| body(2));
        fs::write(
            dir.join("out/state.json"),
            state.replace(&first.url("/"), &second.url("/")),
        )
        .unwrap();
        let report = audit(&dir, &["--url", &second.url("/"), "--config", &config]).unwrap();
        assert_eq!(
            (report.alike, report.missing),
            (9, 0),
            "{format} {columns} {report:?}"
        );
    }
}

#[test]
fn an_audit_works_from_a_recording() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 3));
    let url = api.url();
    let tape = dir.join("tape.ndjson").display().to_string();
    sync(&dir, &["--url", &url, "--record", &tape]);
    let report = audit(&dir, &["--url", &url, "--replay", &tape]).unwrap();
    assert_eq!((report.alike, report.files), (120, 120), "{report:?}");
    let name = files(&dir.join("out"))
        .into_iter()
        .find(|name| name.ends_with(".ndjson"))
        .unwrap();
    let path = dir.join("out").join(name);
    let mut text = fs::read_to_string(&path).unwrap();
    text = text.split_once('\n').unwrap().1.to_owned();
    let old = text.lines().next().unwrap();
    let mut gone: Value = serde_json::from_str(old).unwrap();
    gone["id"] = "nobody".into();
    text += &format!("{gone}\n");
    fs::write(&path, text).unwrap();
    let report = audit(&dir, &["--url", &url, "--replay", &tape]).unwrap();
    assert_eq!(
        (report.alike, report.missing, report.deleted),
        (119, 1, 1),
        "{report:?}"
    );
    assert_eq!(report.deleted_ids, ["nobody"]);
}

#[test]
fn what_came_within_the_lookback_is_too_young_to_be_judged() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(20, 1));
    let url = api.url();
    sync(&dir, &["--url", &url]);
    let now = crate::support::clock::now();
    assert!(api.table().newest().unwrap() < BASE + 1000 * SECOND);
    api.table().insert("fresh", now - 30 * SECOND);
    api.table().insert("old", now - 90 * SECOND);
    let report = audit(&dir, &["--url", &url]).unwrap();
    assert_eq!(
        (report.missing_ids, report.young_ids),
        (vec!["old".to_owned()], vec!["fresh".to_owned()])
    );
}

#[test]
fn pages_by_number_and_a_sync_that_did_not_end_are_known() {
    let dir = Scratch::new();
    let rows = |page: usize| -> String {
        let rows = (0..25).skip((page - 1) * 10).take(10);
        let rows: Vec<String> = rows
            .map(|id| format!(r#"{{"id":{id},"updatedAt":"2024-01-15T10:30:{id:02}Z"}}"#))
            .collect();
        format!(r#"{{"data":[{}]}}"#, rows.join(","))
    };
    let server = Server::start(move |request| {
        let since = request
            .param("since")
            .and_then(crate::support::clock::parse);
        let first = since.map_or(0, |since| {
            (since - crate::support::clock::parse("2024-01-15T10:30:00Z").unwrap()) / SECOND
        });
        let page: usize = request.param("page").unwrap().parse().unwrap();
        if first <= 0 {
            return Reply::json(rows(page));
        }
        let left = (0..25).skip(first as usize).skip((page - 1) * 10).take(10);
        let left: Vec<String> = left
            .map(|id| format!(r#"{{"id":{id},"updatedAt":"2024-01-15T10:30:{id:02}Z"}}"#))
            .collect();
        Reply::json(format!(r#"{{"data":[{}]}}"#, left.join(",")))
    });
    dir.write("c.json", r#"{"query":{"since":"{since}","page":"{page}"},"page_size":10,"response":{"offset":null,"total":null}}"#);
    let config = dir.join("c.json").display().to_string();
    let url = server.url("/");
    let flags = ["--url", &*url, "--config", &config];
    sync(&dir, &flags);
    let report = audit(&dir, &flags).unwrap();
    assert_eq!((report.alike, report.alike_all), (25, true), "{report:?}");
    let path = dir.join("out/state.json");
    let state = fs::read_to_string(&path).unwrap();
    let mut state: Value = serde_json::from_str(&state).unwrap();
    state["part"] =
        serde_json::json!({"file": "user-20990101T000000Z.ndjson", "bytes": 0, "rows": 0});
    fs::write(&path, state.to_string()).unwrap();
    let error = audit(&dir, &flags).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert!(error.to_string().contains("did not end"), "{error}");
}

#[test]
fn a_column_that_is_declared_or_no_more_is_told_as_that_and_not_for_each_row() {
    let row = |id: u32| {
        format!(r#"{{"no":{id},"of":{{"team":"t{id}"}},"x":"y","at":"2024-01-15T10:30:{id:02}Z"}}"#)
    };
    let body = move |change: bool| {
        let rows: Vec<String> = (0..9).map(row).collect();
        let rows = rows
            .join(",")
            .replace("t5", if change { "other" } else { "t5" });
        Reply::json(format!(
            r#"{{"data":[{rows}],"offset":0,"limit":50,"total":9}}"#
        ))
    };
    let few = r#""columns":{"no":"LONG","at":"UTC_DATETIME"},"#;
    let more = r#""columns":{"no":"LONG","at":"UTC_DATETIME","/of/team":"STRING"},"#;
    for (format, before, after, added, left) in [
        ("ndjson", "", more, "of_team", ""),
        ("ndjson", more, "", "", "of_team"),
        ("csv", few, more, "of_team", ""),
        ("csv", more, few, "", "of_team"),
        ("csv", "", few, "", "of, x"),
    ] {
        for change in [false, true] {
            let place = format!("{format} {before} {after} {change}");
            let dir = Scratch::new();
            let rest = r#""table":"t","primary_key":["no"],"cursor":"at""#;
            dir.write("c.json", format!("{{{before}{rest}}}"));
            let config = dir.join("c.json").display().to_string();
            let changed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let shared = std::sync::Arc::clone(&changed);
            let ordering = std::sync::atomic::Ordering::SeqCst;
            let api = Server::start(move |_| body(shared.load(ordering)));
            let url = api.url("/");
            let flags = ["--url", &*url, "--config", &config];
            sync(&dir, &[&flags[..], &["--format", format]].concat());
            dir.write("c.json", format!("{{{after}{rest}}}"));
            changed.store(change, ordering);
            let report = audit(&dir, &flags).unwrap();
            // In CSV nothing else says it.
            let seen = change && format == "ndjson";
            assert_eq!(report.missing, u64::from(seen), "{place}: {report:?}");
            assert_eq!(report.alike, 9 - u64::from(seen), "{place}: {report:?}");
            assert_eq!(report.columns_added.join(", "), added, "{place}");
            assert_eq!(report.columns_left.join(", "), left, "{place}");
        }
    }
}

#[test]
fn a_row_is_young_by_its_cursor_wherever_that_stands() {
    let now = crate::support::clock::now();
    let at = crate::support::clock::rfc3339;
    // A time of creation stands before it, or the time is inside of a field.
    for (config, field) in [
        (
            r#"{"cursor":"at","since":{"fallback":"born"}}"#,
            r#""born":"2020-01-01T00:00:00Z","at":TIME"#,
        ),
        (r#"{"cursor":"/f/at"}"#, r#""f":{"x":1,"at":TIME}"#),
        (
            r#"{"cursor":"/f/at","columns":{"id":"LONG","/f/at":"UTC_DATETIME"}}"#,
            r#""f":{"at":TIME}"#,
        ),
    ] {
        for format in ["ndjson", "csv"] {
            let dir = Scratch::new();
            dir.write("c.json", config);
            let config = dir.join("c.json").display().to_string();
            let round = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let shared = std::sync::Arc::clone(&round);
            let server = Server::start(move |_| {
                let times = match shared.load(std::sync::atomic::Ordering::SeqCst) {
                    0 => vec![(1, BASE), (2, BASE + SECOND), (3, now - 20 * SECOND)],
                    // One has gone that was delivered just now, another has changed.
                    _ => vec![(1, BASE), (2, now - 10 * SECOND)],
                };
                let rows: Vec<String> = times
                    .iter()
                    .map(|(id, time)| {
                        let time = format!("\"{}\"", at(*time));
                        format!("{{\"id\":{id},{}}}", field.replace("TIME", &time))
                    })
                    .collect();
                let (rows, total) = (rows.join(","), times.len());
                Reply::json(format!(
                    r#"{{"data":[{rows}],"offset":0,"limit":50,"total":{total}}}"#
                ))
            });
            let url = server.url("/");
            let flags = ["--url", &*url, "--config", &config];
            sync(&dir, &[&flags[..], &["--format", format]].concat());
            round.store(1, std::sync::atomic::Ordering::SeqCst);
            let report = audit(&dir, &flags).unwrap();
            let counts = (report.alike, report.young, report.missing, report.deleted);
            assert_eq!(counts, (1, 2, 0, 0), "{config} {format}: {report:?}");
        }
    }
}

#[test]
fn rows_with_a_fault_are_there_and_are_not_called_deleted() {
    for (format, keyless) in [("ndjson", false), ("csv", false), ("ndjson", true)] {
        let dir = Scratch::new();
        dir.write(
            "c.json",
            r#"{"on_bad_row":"reject","columns":{"id":"LONG","n":"LONG","updatedAt":"UTC_DATETIME"}}"#,
        );
        let config = dir.join("c.json").display().to_string();
        let bad = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let shared = std::sync::Arc::clone(&bad);
        let server = Server::start(move |_| {
            let bad = shared.load(std::sync::atomic::Ordering::SeqCst);
            let rows: Vec<String> = (0..5)
                .filter(|id| !bad || *id != 4)
                .map(|id| {
                    let (name, n) = match (bad && id == 2, keyless) {
                        (false, _) => ("id", "7"),
                        (true, false) => ("id", r#""many""#),
                        (true, true) => ("no", "7"),
                    };
                    format!(r#"{{"{name}":{id},"n":{n},"updatedAt":"2024-01-15T10:30:0{id}Z"}}"#)
                })
                .collect();
            let (rows, total) = (rows.join(","), rows.len());
            Reply::json(format!(
                r#"{{"data":[{rows}],"offset":0,"limit":50,"total":{total}}}"#
            ))
        });
        let url = server.url("/");
        let flags = ["--url", &*url, "--config", &config];
        sync(&dir, &[&flags[..], &["--format", format]].concat());
        bad.store(true, std::sync::atomic::Ordering::SeqCst);
        let report = audit(&dir, &flags).unwrap();
        assert_eq!((report.set_aside, report.missing), (1, 0), "{report:?}");
        // Of one without a key nobody knows which it is: it may be either, so
        // that it is not said that all are alike.
        assert!(!report.alike_all && report.verdict().is_err(), "{report:?}");
        let (deleted, young) = if keyless { (vec![], 2) } else { (vec!["4"], 0) };
        assert_eq!(
            (report.deleted_ids, report.young),
            (deleted.into_iter().map(str::to_owned).collect(), young),
            "{format} {keyless}"
        );
    }
}

#[test]
fn the_numbers_of_versions_say_which_is_the_latest_as_in_the_table() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(12, 1));
    let url = api.url();
    sync(&dir, &["--url", &url, "--metadata"]);
    let name = files(&dir.join("out"))
        .into_iter()
        .find(|name| name.ends_with(".ndjson"));
    let path = dir.join("out").join(name.unwrap());
    let text = fs::read_to_string(&path).unwrap();
    // An older version of a row further down, as of files that were put together.
    let first = text.lines().next().unwrap();
    let mut older: Value = serde_json::from_str(first).unwrap();
    older["name"] = "older".into();
    older["_seq"] = 1.into();
    fs::write(&path, format!("{text}{older}\n")).unwrap();
    let report = audit(&dir, &["--url", &url]).unwrap();
    assert_eq!(
        (report.alike, report.files, report.missing),
        (12, 12, 0),
        "{report:?}"
    );
    older["_seq"] = u64::MAX.into();
    fs::write(&path, format!("{text}{older}\n")).unwrap();
    let report = audit(&dir, &["--url", &url]).unwrap();
    assert_eq!((report.alike, report.missing), (11, 1), "{report:?}");
}
