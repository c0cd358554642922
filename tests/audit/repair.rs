//! Repairs: what is missing comes, what was deleted goes, and the next sync goes
//! on as if nothing had been.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND, now, rfc3339};
use crate::support::http::Reply;
use crate::support::table::{Random, Table, Ties};
use crate::support::versions::{Plain, ndjson_rows, plain, versions};
use crate::support::{Scratch, assert_no_leftovers, files, highwater, run};
use crate::{audit, sync, table};

/// Fails unless the table of the files is that of the API.
#[track_caller]
fn assert_alike(dir: &Scratch, api: &Api) {
    let outcome = run(highwater(dir.path()).arg("table")).expect(0);
    let mut rows = ndjson_rows(outcome.stdout.as_bytes());
    for row in &mut rows {
        row.retain(|name, _| !["_seq", "_synced_at"].contains(&&**name));
    }
    rows.sort();
    let table = api.table();
    let mut wanted: Vec<_> = table.rows().iter().map(|row| plain(&row.json)).collect();
    wanted.sort();
    assert_eq!(rows, wanted);
}

#[test]
fn after_a_repair_an_audit_is_clean_and_the_next_sync_brings_nothing_twice() {
    for (metadata, format, declared) in [
        (false, "ndjson", true),
        (true, "ndjson", false),
        (false, "csv", true),
        (true, "csv", true),
        (false, "csv", false),
        (true, "csv", false),
    ] {
        let dir = Scratch::new();
        dir.write("c.json", "{}");
        let config = format!("--config={}", dir.join("c.json").display());
        let api = Api::start(Table::users(100, 2));
        let url = api.url();
        let mut metadata = if metadata { vec!["--metadata"] } else { vec![] };
        if !declared {
            metadata.push(&config);
        }
        let written = format!("--format={format}");
        let flags = [&["--url", &*url, &*written], &metadata[..]].concat();
        sync(&dir, &flags);
        let ids: Vec<String> = api
            .table()
            .rows()
            .iter()
            .map(|row| row.id.to_string())
            .collect();
        let later = api.table().newest().unwrap() + SECOND;
        api.table().delete(&ids[3]);
        api.table().delete(&ids[4]);
        api.table().update(&ids[5], later);
        api.table().insert("brand-new", later);
        api.table().insert("fresh", now());
        let repair = [
            &["audit", "--repair", "--json", "--url", &url],
            &metadata[..],
        ]
        .concat();
        let report = run(highwater(dir.path()).args(&repair)).expect(0).receipt();
        assert_eq!(
            (&report["missing"], &report["deleted"]),
            (&2.into(), &2.into()),
            "{report}"
        );
        assert_eq!(report["repaired"]["rows"], 3, "{report}");
        let out = dir.join("out");
        let written = report["repaired"]["file"].as_str().unwrap();
        assert!(written.ends_with(format), "{report}");
        assert_no_leftovers(&out);
        assert_alike(&dir, &api);
        let all = all_versions(&out);
        let gone = all.iter().filter(|row| row.contains_key("_deleted"));
        let gone: Vec<_> = gone.collect();
        assert_eq!(gone.len(), 2);
        let fields = if metadata.contains(&"--metadata") {
            4
        } else {
            2
        };
        for row in &gone {
            assert_eq!((&*row["_deleted"], row.len()), ("true", fields), "{row:?}");
        }
        let seqs = all.iter().filter_map(|row| row.get("_seq"));
        let mut seqs: Vec<u64> = seqs.map(|seq| seq.parse().unwrap()).collect();
        assert_eq!(seqs.len(), if fields == 4 { all.len() } else { 0 });
        let sorted = seqs.clone();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs, sorted);
        let report = audit(&dir, &flags).unwrap();
        assert_eq!(
            (report.alike, report.alike_all, report.young),
            (100, true, 0),
            "{report:?}"
        );
        let mut again = highwater(dir.path());
        let receipt = run(again.arg("sync").args(&flags)).expect(0).receipt();
        assert_eq!(receipt["rows"], 0, "{receipt}");
        api.table().insert(&ids[3], now());
        sync(&dir, &flags);
        assert_alike(&dir, &api);
        run(highwater(dir.path()).args(["compact"])).expect(0);
        assert_alike(&dir, &api);
        assert!(
            all_versions(&out)
                .iter()
                .all(|row| !row.contains_key("_deleted"))
        );
        let report = audit(&dir, &flags).unwrap();
        assert_eq!((report.alike, report.alike_all), (101, true), "{report:?}");
    }
}

/// The versions of all files, oldest first.
fn all_versions(out: &Path) -> Vec<Plain> {
    let names = files(out);
    let read = |name: &String| fs::read(out.join(name)).unwrap();
    let bytes: Vec<_> = names.iter().map(read).collect();
    versions(
        names
            .iter()
            .map(|name| &**name)
            .zip(bytes.iter().map(|bytes| &**bytes)),
    )
}

#[test]
fn the_header_of_a_csv_grows_by_what_a_repair_brings_and_loses_nothing() {
    let dir = Scratch::new();
    dir.write("c.json", "{}");
    let config = format!("--config={}", dir.join("c.json").display());
    let put = |api: &Api, id: &str, second: i64, more: &str| {
        let at = BASE + second * SECOND;
        let json = format!(r#"{{"id":"{id}","updatedAt":"{}"{more}}}"#, rfc3339(at));
        api.table().insert_json(id, at, json);
    };
    let api = Api::start(Table::new(Ties::Insertion));
    (0..4).for_each(|row| put(&api, &row.to_string(), 10 * row, ""));
    let url = api.url();
    let flags = ["--url", &url, "--format=csv", "--page-size=2", &config];
    sync(&dir, &flags);
    // Late, so that no sync sees them; the second one has fields of its own.
    put(&api, "late", 5, "");
    put(
        &api,
        "odd",
        15,
        r#","a,b":"x,\"y\"","n":[1, "z"],"t":"{\"k\": 1}""#,
    );
    put(&api, "odd too", 25, r#","m":null,"n":"\n""#);
    api.table().delete("2");
    let words = [&["audit", "--repair", "--json"], &flags[..]].concat();
    let report = run(highwater(dir.path()).args(&words)).expect(0).receipt();
    let repaired = &report["repaired"];
    assert_eq!(
        (&repaired["rows"], &repaired["deleted"]),
        (&3.into(), &1.into())
    );
    let names = repaired["files"].as_array().unwrap();
    let header = |name: &Value| {
        let text = fs::read_to_string(dir.join(name.as_str().unwrap())).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    let headers: Vec<String> = names.iter().map(header).collect();
    assert_eq!(
        headers,
        [
            "id,updatedAt,_deleted",
            "id,updatedAt,_deleted,\"a,b\",n,t",
            "id,updatedAt,_deleted,\"a,b\",n,t,m"
        ]
    );
    let report = audit(&dir, &flags).unwrap();
    assert_eq!((report.alike, report.alike_all), (6, true), "{report:?}");
    // The next sync keeps to that header.
    put(&api, "next", 50, r#","t":"u""#);
    let mut command = highwater(dir.path());
    let receipt = run(command.arg("sync").args(flags)).expect(0).receipt();
    assert_eq!(header(&receipt["file"]), headers[2]);
    run(highwater(dir.path()).arg("compact")).expect(0);
    let report = audit(&dir, &flags).unwrap();
    assert_eq!((report.alike, report.alike_all), (7, true), "{report:?}");
}

#[test]
fn strings_of_json_columns_and_numbers_of_versions_go_on_in_a_repair() {
    for format in ["ndjson", "csv"] {
        let dir = Scratch::new();
        dir.write(
            "c.json",
            r#"{"columns":{"id":"STRING","x":"JSON","updatedAt":"UTC_DATETIME"}}"#,
        );
        let config = format!("--config={}", dir.join("c.json").display());
        let api = Api::start(Table::new(Ties::Insertion));
        let put = |id: &str, second: i64| {
            let at = BASE + second * SECOND;
            let x = [r#""a,\"b""#, r#"[1, "z"]"#, "7", "null", r#""""#][second as usize % 5];
            let json = format!(r#"{{"id":"{id}","x":{x},"updatedAt":"{}"}}"#, rfc3339(at));
            api.table().insert_json(id, at, json);
        };
        (0..10).for_each(|row| put(&format!("a{row}"), row));
        let url = api.url();
        let written = format!("--format={format}");
        let flags = [
            "--url",
            &url,
            "--metadata",
            "--page-size=4",
            &*written,
            &config,
        ];
        sync(&dir, &flags);
        // Numbers that are ahead of the clock, as after it was set back.
        let state = dir.join("out/state.json");
        let mut text: Value = serde_json::from_str(&fs::read_to_string(&state).unwrap()).unwrap();
        let far = 9_000_000_000_000_000u64;
        text["files"]["seq"] = far.into();
        fs::write(&state, text.to_string()).unwrap();
        (0..10).for_each(|row| put(&format!("b{row}"), row));
        (0..3).for_each(|row| _ = api.table().delete(&format!("a{row}")));
        let words = [&["audit", "--repair", "--json"], &flags[..]].concat();
        let report = run(highwater(dir.path()).args(&words)).expect(0).receipt();
        let repaired = &report["repaired"];
        assert_eq!(
            (&repaired["rows"], &repaired["deleted"]),
            (&10.into(), &3.into())
        );
        let all = all_versions(&dir.join("out"));
        let seqs = all.iter().map(|row| row["_seq"].parse::<u64>().unwrap());
        let new: Vec<u64> = seqs.filter(|seq| *seq > far).collect();
        assert_eq!(new.len(), 13, "{format}: {new:?}");
        assert!(
            new.is_sorted_by(|one, next| one < next),
            "{format}: {new:?}"
        );
        let report = audit(&dir, &flags).unwrap();
        assert_eq!(
            (report.alike, report.alike_all),
            (17, true),
            "{format}: {report:?}"
        );
    }
}

#[test]
fn a_csv_whose_rows_are_all_gone_says_so_of_each() {
    let dir = Scratch::new();
    dir.write("c.json", r#"{"primary_key":["/f/id","n"]}"#);
    let config = format!("--config={}", dir.join("c.json").display());
    let api = Api::start(Table::new(Ties::Insertion));
    for row in 0..3 {
        let at = BASE + row * SECOND;
        let updated = rfc3339(at);
        let json = format!(r#"{{"f":{{"id":"a {row}","x":1}},"n":{row},"updatedAt":"{updated}"}}"#);
        api.table().insert_json(&row.to_string(), at, json);
    }
    let url = api.url();
    let flags = ["--url", &url, "--format=csv", &config];
    sync(&dir, &flags);
    (0..3).for_each(|row| _ = api.table().delete(&row.to_string()));
    // The state has no header then, as one of other syncs.
    let state = dir.join("out/state.json");
    let mut text: Value = serde_json::from_str(&fs::read_to_string(&state).unwrap()).unwrap();
    text["files"].as_object_mut().unwrap().remove("columns");
    fs::write(&state, text.to_string()).unwrap();
    let words = [&["audit", "--repair", "--yes", "--json"], &flags[..]].concat();
    let report = run(highwater(dir.path()).args(&words)).expect(0).receipt();
    assert_eq!(report["repaired"]["deleted"], 3, "{report}");
    for command in ["table", "compact"] {
        let outcome = run(highwater(dir.path()).arg(command)).expect(0);
        assert!(!outcome.stdout.contains("\"a "), "{}", outcome.stdout);
    }
    let report = audit(&dir, &flags).unwrap();
    assert_eq!((report.files, report.alike_all), (0, true), "{report:?}");
}

#[test]
fn where_more_than_half_is_gone_nothing_is_deleted_unless_it_is_meant() {
    let dir = Scratch::new();
    let api = Api::start(table(20));
    let url = api.url();
    sync(&dir, &["--url", &url]);
    for id in 0..11 {
        api.table().delete(&id.to_string());
    }
    let words = |more: &[&str]| {
        let words = ["audit", "--repair", "--json", "--url", &url];
        run(highwater(dir.path()).args(words).args(more))
    };
    let before = files(&dir.join("out"));
    let report = words(&[]).expect(1).receipt();
    assert_eq!(
        (&report["deleted"], &report["repaired"]["deleted"]),
        (&11.into(), &0.into()),
        "{report}"
    );
    assert_eq!(files(&dir.join("out")), before);
    let report = words(&["--yes"]).expect(0).receipt();
    assert_eq!(report["repaired"]["deleted"], 11, "{report}");
    assert_alike(&dir, &api);
    let report = words(&[]).expect(0).receipt();
    assert_eq!(
        (&report["alike"], &report["repaired"]["file"]),
        (&9.into(), &serde_json::Value::Null),
        "{report}"
    );
}

#[test]
fn a_walk_that_fails_on_the_way_leaves_the_files_as_they_were() {
    let dir = Scratch::new();
    let api = Api::start(table(100));
    let url = api.url();
    sync(&dir, &["--url", &url]);
    let old = files(&dir.join("out"));
    let state = fs::read_to_string(dir.join("out/state.json")).unwrap();
    for id in 0..30 {
        api.table().delete(&id.to_string());
        api.table()
            .insert(&format!("new-{id}"), crate::support::clock::BASE);
    }
    let asked = Mutex::new(0);
    api.set_fault(move |_, _| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        (*asked > 4).then(|| Reply::status(500))
    });
    let words = [
        "audit",
        "--repair",
        "--url",
        &url,
        "--page-size",
        "10",
        "--max-retries",
        "0",
    ];
    run(highwater(dir.path()).args(words)).expect(3);
    assert_eq!(files(&dir.join("out")), old);
    let value = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let after = fs::read_to_string(dir.join("out/state.json")).unwrap();
    assert_eq!(
        value(&after)["last_updated_at"],
        value(&state)["last_updated_at"]
    );
    api.set_fault(|_, _| None);
    run(highwater(dir.path()).args(words)).expect(0);
    assert_alike(&dir, &api);
}

#[test]
fn rows_that_change_during_a_repair_are_right_after_the_next_sync() {
    for seed in 0..12 {
        let dir = Scratch::new();
        let api = Api::start(table(80));
        let url = api.url();
        let flags = ["--url", &*url, "--page-size", "10"];
        sync(&dir, &flags);
        for id in 0..10 {
            api.table().delete(&id.to_string());
        }
        let random = Mutex::new((Random::new(seed), 30));
        api.set_after_page(move |table, _, _| {
            let mut guard = random.lock().unwrap();
            let (random, left) = &mut *guard;
            for _ in 0..random.below(3).min(*left) {
                *left -= 1;
                let id = (10 + random.below(70)).to_string();
                if random.below(3) == 0 {
                    table.insert(&format!("new-{left}"), now());
                } else {
                    table.update(&id, now());
                }
            }
        });
        let words = [&["audit", "--repair"], &flags[..]].concat();
        run(highwater(dir.path()).args(&words)).expect(0);
        api.set_after_page(|_, _, _| {});
        sync(&dir, &flags);
        run(highwater(dir.path()).args(&words)).expect(0);
        assert_alike(&dir, &api);
        let report = audit(&dir, &flags).unwrap();
        assert!(
            report.alike_all && report.young == 0,
            "seed {seed}: {report:?}"
        );
    }
}

#[test]
fn composite_and_nested_keys_are_deleted_as_the_table_finds_them() {
    for (config, rows) in [
        (
            r#"{"table":"t","primary_key":["a","b"],"cursor":"at"}"#,
            [r#""a":1,"b":"x""#, r#""a":1,"b":"y""#, r#""a":2,"b":"x""#],
        ),
        (
            r#"{"table":"t","primary_key":["/f/id"],"cursor":"at"}"#,
            [r#""f":{"id":7}"#, r#""f":{"id":8}"#, r#""f":{"id":9}"#],
        ),
    ] {
        let dir = Scratch::new();
        dir.write("c.json", config);
        let config = dir.join("c.json").display().to_string();
        let page = move |count: usize| {
            let rows = rows.iter().enumerate().take(count);
            let rows: Vec<String> = rows
                .map(|(at, row)| format!(r#"{{{row},"at":"2024-01-15T10:30:0{at}Z"}}"#))
                .collect();
            Reply::json(format!(
                r#"{{"data":[{}],"offset":0,"limit":50,"total":{count}}}"#,
                rows.join(",")
            ))
        };
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(3));
        let shared = std::sync::Arc::clone(&count);
        let server = crate::support::http::Server::start(move |_| {
            page(shared.load(std::sync::atomic::Ordering::SeqCst))
        });
        let url = server.url("/");
        let flags = ["--url", &*url, "--config", &config];
        sync(&dir, &flags);
        count.store(2, std::sync::atomic::Ordering::SeqCst);
        let words = [&["audit", "--repair", "--json"], &flags[..]].concat();
        let report = run(highwater(dir.path()).args(&words)).expect(0).receipt();
        assert_eq!(report["repaired"]["deleted"], 1, "{report}");
        let report = audit(&dir, &flags).unwrap();
        assert_eq!((report.files, report.alike), (2, 2), "{report:?}");
        let outcome = run(highwater(dir.path()).arg("table")).expect(0);
        assert_eq!(outcome.stdout.lines().count(), 2);
    }
}
