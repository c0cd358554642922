//! The README's recipes, run as they are printed there, over a log of 500 files
//! that holds what is hard: fields that appear late, numbers beyond 64 bits,
//! dates and text in one field, quotes, backslashes, line breaks, NUL, two
//! versions of one timestamp, and the keys `1` and `"1"`.
//!
//! They need programs that others wrote: PostgreSQL (PGHOST and the like name a
//! server), DuckDB (DUCKDB_PYTHON names a Python that has it), sqlite3.

#![allow(clippy::unwrap_used)]

mod service;
mod shards;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::value::RawValue;
use support::api::{Api, Date};
use support::clock::{BASE, SECOND, rfc3339};
use support::readme::block;
use support::table::{Table, Ties};
use support::{Outcome, Scratch, highwater, program, run};

/// How many files there are.
const FILES: usize = 500;

/// A row's fields as text: a string's content, anything else as JSON.
type Row = BTreeMap<String, String>;

/// Rows as JSON, but for their id and timestamp, and the file that each is for.
/// Each comes in a version that is to be forgotten first.
const ODD: [(usize, &str, &str); 13] = [
    (3, "1", r#""name":"a number is my key""#),
    (4, r#""1""#, r#""name":"a text is my key""#),
    (5, r#""big""#, r#""n":123456789012345678901234567890"#),
    (6, r#""low""#, r#""n":-99999999999999999999"#),
    (7, r#""exact""#, r#""m":0.1234567890123456789012345"#),
    (8, r#""day""#, r#""when":"2024-05-06""#),
    (450, r#""text""#, r#""when":"tomorrow, \"perhaps\"""#),
    (
        451,
        r#""late""#,
        r#""late":true,"nested":{"a":[1,"x, \"y\""]}"#,
    ),
    (
        452,
        r#""slash""#,
        r#""name":"C:\\temp\\new \\. \\u0000 \\n""#,
    ),
    (
        453,
        r#""break""#,
        r#""name":"one\ntwo\r\nthree\n\\.\nfour\t""#,
    ),
    (454, r#""nul""#, r#""name":"a\u0000b\u0000\u0000 \\\u0000""#),
    (
        455,
        r#""quote""#,
        r#""name":"it's \"q\", ''caf\u00e9'' 😀","late":null"#,
    ),
    (456, r#""empty""#, r#""name":"","Name":"another case""#),
];

/// The rows as they are in the end.
fn expected() -> Vec<Row> {
    let plain = (0..FILES).map(|nth| {
        let at = rfc3339(BASE + nth as i64 * SECOND);
        row(&format!(
            r#"{{"id":"k{nth}","updatedAt":"{at}","name":"n{nth}"}}"#
        ))
    });
    let odd = ODD.iter().map(|(nth, id, fields)| {
        let at = rfc3339(BASE + *nth as i64 * SECOND);
        row(&format!(r#"{{"id":{id},"updatedAt":"{at}",{fields}}}"#))
    });
    let mut rows: Vec<Row> = plain.chain(odd).collect();
    rows.sort();
    rows
}

/// A row's fields but for null and what `--metadata` added.
fn row(json: &str) -> Row {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).expect(json);
    let fields = fields.into_iter().filter_map(|(name, raw)| {
        let text = match raw.get().as_bytes()[0] {
            b'"' => serde_json::from_str(raw.get()).unwrap(),
            b'{' | b'[' => compact(raw.get()),
            b'n' => return None,
            _ => raw.get().to_owned(),
        };
        (!["_seq", "_synced_at"].contains(&&*name)).then_some((name, text))
    });
    fields.collect()
}

fn compact(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value.to_string()
}

/// A folder in which a log of all files but the last is, and its API.
fn log(format: &str) -> (Scratch, Api) {
    let dir = Scratch::new();
    dir.write("c.json", "{}");
    let api = Api::start(Table::new(Ties::Insertion));
    api.set_date(Date::At(BASE + 900_000 * SECOND));
    for nth in 0..FILES {
        let at = BASE + nth as i64 * SECOND;
        let put = |id: &str, fields: &str| {
            let json = format!(r#"{{"id":{id},"updatedAt":"{}",{fields}}}"#, rfc3339(at));
            let name = id.replace('"', "'");
            let mut table = api.table();
            if !table.update_json(&name, at, json.as_str()) {
                table.insert_json(&name, at, json);
            }
        };
        let key = format!("\"k{nth}\"");
        if nth > 0 {
            put(&key, &format!("\"name\":\"n{nth}\""));
        } else {
            put(&key, "\"name\":\"old\"");
        }
        let odd = ODD.iter().find(|(file, ..)| *file == nth);
        if let Some((_, id, _)) = odd {
            put(id, "\"name\":\"a version that is to be forgotten\"");
        }
        if nth + 1 < FILES || odd.is_some() {
            sync(&dir, &api, format);
        }
        // A later version of the same time; of the first row once all are there.
        if let Some((_, id, fields)) = odd {
            put(id, fields);
        }
        if nth == 0 {
            put("\"k0\"", "\"name\":\"n0\"");
            put("\"gone\"", "\"name\":\"is deleted in the end\"");
        }
    }
    api.table().delete("'gone'");
    let words = ["audit", "--repair", "-q", "--metadata", "--config=c.json"];
    let mut command = highwater(dir.path());
    run(command.args(words).args(["--url", &api.url()])).expect(0);
    (dir, api)
}

fn sync(dir: &Scratch, api: &Api, format: &str) {
    let words = ["sync", "-q", "--metadata", "--config=c.json", "--format"];
    let mut command = highwater(dir.path());
    run(command.args(words).args([format, "--url", &api.url()])).expect(0);
}

/// Runs a block by a shell to which `highwater` is the program, and its source
/// the API.
#[track_caller]
fn in_shell(dir: &Scratch, api: &Api, block: &str) -> Outcome {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let name = bin.join("highwater");
    let source = format!("--config c.json --url '{}'", api.url());
    let script = format!(
        "#!/bin/sh\nexec '{}' \"$@\" {source}\n",
        program().display()
    );
    fs::write(&name, script).unwrap();
    run(Command::new("chmod").arg("+x").arg(&name)).expect(0);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.current_dir(dir.path()).env("PATH", path);
    run(shell.args(["-e", "-c", block]))
}

#[track_caller]
fn same(found: impl Iterator<Item = Row>, expected: Vec<Row>) {
    let mut found: Vec<Row> = found.collect();
    found.sort();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// PostgreSQL's text has no NUL.
fn without_nul(mut rows: Vec<Row>) -> Vec<Row> {
    for text in rows.iter_mut().flat_map(BTreeMap::values_mut) {
        *text = text.replace('\0', "\u{fffd}");
    }
    rows.sort();
    rows
}

/// CSV knows no types: a text `1` is the number, empty is null.
fn as_csv(rows: Vec<Row>) -> Vec<Row> {
    let number = |row: &Row| row.values().any(|text| text.contains("number is my key"));
    let mut rows: Vec<Row> = rows.into_iter().filter(|row| !number(row)).collect();
    for row in &mut rows {
        row.retain(|_, text| !text.is_empty());
    }
    rows
}

/// A schema of its own on the server, dropped at the end.
struct Schema(String);

impl Schema {
    fn new(name: &str) -> Self {
        let name = format!("highwater_{name}_{}", std::process::id());
        psql("public", &format!("create schema {name}"));
        Self(name)
    }

    /// The block, told where its tables are.
    fn around(&self, block: &str) -> String {
        format!("export PGOPTIONS='-c search_path={}'\n{block}", self.0)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        psql("public", &format!("drop schema {} cascade", self.0));
    }
}

fn psql(schema: &str, statement: &str) -> String {
    let mut command = Command::new("psql");
    command.env(
        "PGOPTIONS",
        format!("-c search_path={schema} -c client_min_messages=warning"),
    );
    let words = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c"];
    run(command.args(words).arg(statement)).expect(0).stdout
}

/// Runs a block over the log, then over one more change, and once more over a
/// file that it had before.
fn merged(
    format: &str,
    holds: &str,
    rows: impl Fn() -> Vec<Row>,
    expected: Vec<Row>,
    schema: Option<&Schema>,
) {
    let (dir, api) = log(format);
    let block = block(holds);
    let block = schema.map_or(block.clone(), |schema| schema.around(&block));
    let outcome = in_shell(&dir, &api, &block).expect(0);
    assert_eq!(outcome.receipt()["waiting"], 0, "{}", outcome.stderr);
    let loaded = outcome.receipt()["loaded"].as_u64().unwrap();
    assert!(loaded >= FILES as u64, "{loaded}");
    same(rows().into_iter(), expected.clone());
    // The last file once more, as after a crash.
    let files = support::files(&dir.join("out"));
    let mut rows_of = files.iter().rev().filter(|name| name.contains("Z."));
    let before = rows_of.nth(1).unwrap();
    let state = dir.join("out/state.json");
    let mut text: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&state).unwrap()).unwrap();
    let stamp = before.split_once('-').unwrap().1.split_once('.').unwrap().0;
    text["files"]["load"]["done"] = stamp.into();
    fs::write(&state, text.to_string()).unwrap();
    let outcome = in_shell(&dir, &api, &block).expect(0);
    assert_eq!(outcome.receipt()["loaded"], 1);
    same(rows().into_iter(), expected);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgresql_has_the_table_from_ndjson() {
    let schema = Schema::new("ndjson");
    let rows = || {
        let text = psql(&schema.0, "select row from users");
        text.lines().map(row).collect()
    };
    merged(
        "ndjson",
        "> users.sql ",
        rows,
        without_nul(expected()),
        Some(&schema),
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgresql_has_the_table_from_csv() {
    let schema = Schema::new("csv");
    let rows = || {
        let text = psql(&schema.0, "select row from users_csv");
        text.lines().map(row).collect()
    };
    merged(
        "csv",
        "> users-csv.sql ",
        rows,
        without_nul(as_csv(expected())),
        Some(&schema),
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgresql_stages_every_version_as_it_came() {
    let schema = Schema::new("staging");
    let (dir, api) = log("ndjson");
    psql(&schema.0, "create table staging (line text)");
    let block = schema.around(&block("> staging.sql "));
    in_shell(&dir, &api, &block).expect(0);
    let staged = psql(&schema.0, "select line from staging");
    let mut staged: Vec<&str> = staged.lines().collect();
    let files = support::files(&dir.join("out"));
    let files = files.iter().filter(|name| name.ends_with(".ndjson"));
    let texts: Vec<String> = files
        .map(|name| fs::read_to_string(dir.join("out").join(name)).unwrap())
        .collect();
    let mut lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
    lines.sort_unstable();
    staged.sort_unstable();
    assert!(lines.len() > FILES + ODD.len());
    assert_eq!(staged, lines);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_file_that_postgresql_refuses_waits_and_leaves_nothing_of_it_there() {
    let schema = Schema::new("refused");
    let dir = Scratch::new();
    dir.write("c.json", "{}");
    let api = Api::start(Table::users(60, 1));
    let block = schema.around(&block("> users.sql "));
    // A table of the same name that cannot take the rows.
    psql(
        &schema.0,
        "create table users (id jsonb primary key, seq bigint, row jsonb check (row->>'id' <> '50'))",
    );
    let outcome = in_shell(&dir, &api, &block).expect(6);
    assert!(
        outcome.stderr.contains("violates check"),
        "{}",
        outcome.stderr
    );
    assert_eq!(psql(&schema.0, "select count(*) from users"), "0\n");
    psql(&schema.0, "drop table users");
    in_shell(&dir, &api, &block).expect(0);
    assert_eq!(psql(&schema.0, "select count(*) from users"), "60\n");
}

#[test]
#[ignore = "needs sqlite3"]
fn sqlite_has_the_table() {
    let (dir, api) = log("ndjson");
    let block = block("> users.sqlite ");
    let outcome = in_shell(&dir, &api, &block).expect(0);
    assert_eq!(outcome.receipt()["waiting"], 0);
    let ask = |statement: &str| {
        let mut command = Command::new("sqlite3");
        run(command
            .current_dir(dir.path())
            .args(["users.db", statement]))
        .expect(0)
        .stdout
    };
    let text = ask("select row from users");
    same(text.lines().map(row), expected());
    assert_eq!(
        ask("select count(*), count(distinct seq) from users"),
        format!("{0}|{0}\n", FILES + ODD.len())
    );
    // A table that cannot take the rows: nothing of the file is there.
    api.table().insert("more", BASE + 1_000 * SECOND);
    ask("create trigger no before insert on users begin select raise(abort, 'no'); end");
    let outcome = in_shell(&dir, &api, &block).expect(6);
    assert_eq!(outcome.receipt()["waiting"], 1, "{}", outcome.stderr);
    ask("drop trigger no");
    in_shell(&dir, &api, &block).expect(0);
    assert_eq!(
        ask("select count(*) from users"),
        format!("{}\n", FILES + ODD.len() + 1)
    );
}

#[test]
#[ignore = "needs DuckDB"]
fn duckdb_has_the_table() {
    let (dir, api) = log("ndjson");
    sync(&dir, &api, "ndjson");
    let script = "import duckdb, json, sys\n\
        r = duckdb.sql(sys.argv[1])\n\
        for x in r.fetchall(): print(json.dumps({c: v for c, v in zip(r.columns, x) if v is not None}))";
    let python = std::env::var("DUCKDB_PYTHON").unwrap_or("python3".into());
    let query = block("read_json");
    let mut command = Command::new(python);
    let outcome = run(command.current_dir(dir.path()).args(["-c", script, &query])).expect(0);
    let rounded = |mut row: Row| {
        // DuckDB tells names apart by their letters alone, and adds a number.
        if let Some(text) = row.remove("Name_1") {
            row.insert("Name".into(), text);
        }
        // Its JSON has fractions as floats.
        if row["id"] == "exact" {
            assert_eq!(row["m"], "0.12345678901234568");
            row.insert("m".into(), "0.1234567890123456789012345".into());
        }
        row
    };
    same(outcome.stdout.lines().map(row).map(rounded), expected());
}

#[test]
#[ignore = "writes to /srv/inbox"]
fn cp_puts_each_file_into_the_inbox() {
    let dir = Scratch::new();
    dir.write("c.json", "{\"table\": \"highwater-recipe\"}");
    let api = Api::start(Table::users(60, 1));
    let inbox = std::path::Path::new("/srv/inbox");
    fs::create_dir_all(inbox).unwrap();
    in_shell(&dir, &api, &block("/srv/inbox/")).expect(0);
    let mine = |name: &String| name.starts_with("highwater-recipe-");
    let names: Vec<String> = support::files(inbox).into_iter().filter(mine).collect();
    let rows: Vec<_> = names
        .iter()
        .flat_map(|name| support::ndjson(inbox.join(name)))
        .collect();
    names
        .iter()
        .for_each(|name| fs::remove_file(inbox.join(name)).unwrap());
    let _ = fs::remove_dir(inbox);
    assert_eq!((names.len(), rows.len()), (1, 60));
}
