//! What is asked of every API in the gallery, whatever it is like: all rows,
//! none twice, then the changes alone, whatever moves in between, and an error
//! that tells what the API had to say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::model::{Answer, Model};
use crate::support::clock::{self, SECOND};
use crate::support::table::Table;
use crate::support::zone;
use crate::support::{Outcome, Scratch, assert_no_leftovers, highwater, ndjson, run};

/// One kind of API.
pub struct Contract {
    /// The connection file's name.
    pub name: &'static str,
    pub path: &'static str,
    /// What the connection file takes from the environment, as the API wants it.
    pub secret: (&'static str, &'static str),
    pub answer: Answer,
    pub table: fn(usize) -> Table,
    /// An id, by the row's number.
    pub id: fn(usize) -> String,
    /// Where the primary key is in a row, as a JSON pointer.
    pub key: &'static str,
}

/// An API under way, and a directory to sync it into.
pub struct Trial {
    of: &'static Contract,
    pub model: Model,
    pub scratch: Scratch,
    pub config: PathBuf,
    pub secret: String,
}

impl Trial {
    pub fn start(of: &'static Contract, rows: usize) -> Self {
        let scratch = Scratch::new();
        std::fs::create_dir_all(scratch.join("zones/America")).unwrap();
        scratch.write("zones/America/New_York", zone::rule(zone::NEW_YORK));
        Self {
            of,
            model: Model::start((of.table)(rows), of.answer),
            scratch,
            config: connection(of.name),
            secret: of.secret.1.to_owned(),
        }
    }

    /// The connection file with `from` replaced by `to`.
    pub fn altered(mut self, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "no {from} in {text}");
        self.config = self.scratch.write("altered.json", text.replace(from, to));
        self
    }

    pub fn sync(&self, flags: &[&str]) -> Outcome {
        self.patient("0", flags)
    }

    /// A sync that asks so many times again.
    pub fn patient(&self, retries: &str, flags: &[&str]) -> Outcome {
        self.command("sync", retries, flags)
    }

    fn call(&self, command: &str, flags: &[&str]) -> Outcome {
        self.command(command, "0", flags)
    }

    fn command(&self, command: &str, retries: &str, flags: &[&str]) -> Outcome {
        run(highwater(self.scratch.path())
            .env(self.of.secret.0, &self.secret)
            .env("TZDIR", self.scratch.join("zones"))
            .args([command, "--max-retries", retries, "--config"])
            .arg(&self.config)
            .args(["--url", &self.model.url(self.of.path)])
            .args(flags))
    }

    /// The rows of a sync that must succeed.
    #[track_caller]
    pub fn rows(&self, flags: &[&str]) -> Vec<Value> {
        let receipt = self.sync(flags).expect(0).receipt();
        assert_eq!(receipt["complete"], true, "{receipt}");
        assert_no_leftovers(&self.scratch.join("out"));
        let rows = delivered(self.scratch.path(), &receipt);
        assert_eq!(receipt["rows"], rows.len(), "{receipt}");
        rows
    }

    pub fn key(&self, row: &Value) -> String {
        match row.pointer(self.of.key) {
            Some(Value::String(key)) => key.clone(),
            Some(key) => key.to_string(),
            None => panic!("no {} in {row}", self.of.key),
        }
    }

    /// Fails unless the rows are the table's, all of them, none twice.
    #[track_caller]
    pub fn assert_is_table(&self, rows: &[Value]) {
        let table = self.model.table().contents();
        assert_eq!(rows.len(), table.len());
        self.assert_latest(rows, &table);
    }

    /// The table's rows, as `expected` makes them.
    fn contents(&self, expected: fn(&mut Value)) -> BTreeMap<String, Value> {
        let mut table = self.model.table().contents();
        table.values_mut().for_each(expected);
        table
    }

    /// Fails unless the last version of each row is the table's.
    #[track_caller]
    fn assert_latest(&self, rows: &[Value], table: &BTreeMap<String, Value>) {
        let latest: BTreeMap<String, &Value> =
            rows.iter().map(|row| (self.key(row), row)).collect();
        for (id, row) in table {
            let found = latest.get(id).unwrap_or_else(|| panic!("{id} is lost"));
            for (name, value) in row.as_object().unwrap() {
                assert!(
                    is_same(&found[name], value),
                    "{name} is not {value} in {found}"
                );
            }
        }
    }
}

/// A time in UTC is spelled anew where its column says that it is one.
fn is_same(a: &Value, b: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(clock::parse);
    a == b || (time(a).is_some() && time(a) == time(b))
}

/// The connection file of this name.
pub fn connection(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/connections/{name}.json"))
}

/// The rows of the file that a receipt names.
#[track_caller]
pub fn delivered(dir: &Path, receipt: &Value) -> Vec<Value> {
    receipt["file"]
        .as_str()
        .map(|file| ndjson(dir.join(file)))
        .unwrap_or_default()
}

/// Changes seven rows and adds three, later than all others; their ids.
pub fn change(of: &Contract, table: &mut Table) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let (mut time, rows) = (table.newest().unwrap(), table.len());
    for number in 0..7 {
        let id = (of.id)(number * 11);
        time += SECOND;
        assert!(table.update(&id, time), "{id}");
        ids.insert(id);
    }
    for number in rows..rows + 3 {
        table.insert(&(of.id)(number), time);
        ids.insert((of.id)(number));
    }
    ids
}

/// A check finds nothing broken, and the file that it suggests is as good.
#[track_caller]
pub fn is_approved_by_check(of: &'static Contract) {
    let mut trial = Trial::start(of, 230);
    trial.call("check", &["--page-size", "20"]).expect(0);
    let suggested = trial.call("check", &["--suggest"]).expect(0).stdout;
    trial.config = trial.scratch.write("suggested.json", suggested);
    let rows = trial.rows(&["--page-size", "20"]);
    assert_eq!(rows.len(), 230);
}

/// A first sync brings all rows; the second one the changes; a third nothing.
#[track_caller]
pub fn brings_all_rows_and_then_the_changes(of: &'static Contract) {
    brings_all_rows_and_then_the_changes_as(of, |_| {});
}

/// The same where rows do not go as they come: both they and the table's are
/// compared as `expected` makes them.
#[track_caller]
pub fn brings_all_rows_and_then_the_changes_as(of: &'static Contract, expected: fn(&mut Value)) {
    let trial = Trial::start(of, 230);
    let rows = |flags: &[&str]| {
        let mut rows = trial.rows(flags);
        rows.iter_mut().for_each(expected);
        rows
    };
    let first = rows(&["--page-size", "20"]);
    assert_eq!(first.len(), 230);
    trial.assert_latest(&first, &trial.contents(expected));

    let changed = change(of, &mut trial.model.table());
    let second = rows(&["--page-size", "20"]);
    assert_eq!(second.len(), changed.len());
    let ids: BTreeSet<String> = second.iter().map(|row| trial.key(row)).collect();
    assert_eq!(ids, changed);
    trial.assert_latest(&[first, second].concat(), &trial.contents(expected));

    let before = trial.model.requests().len();
    let third = trial.sync(&["--page-size", "20"]).expect(0).receipt();
    assert_eq!(
        (&third["rows"], &third["file"]),
        (&Value::from(0), &Value::Null)
    );
    assert!(trial.model.requests().len() - before <= 3, "{third}");
    comes_in_shards_too(of);
}

/// A first sync that is divided brings all rows once, and says why where it
/// cannot be.
#[track_caller]
fn comes_in_shards_too(of: &'static Contract) {
    let trial = Trial::start(of, 230);
    let plan = trial.call("plan", &["--shards", "3", "--json"]);
    if plan.code == Some(2) {
        let known = ["tells no total", "does not sort", "holds {since}"];
        let says = |why: &&str| plan.stderr.contains(*why);
        assert!(known.iter().any(says), "{}", plan.stderr);
        eprintln!(
            "REFUSED {} {}",
            of.name,
            plan.stderr.lines().next().unwrap()
        );
        return;
    }
    let plan = plan.expect(0).receipt();
    let shards = plan["shards"].as_array().unwrap();
    assert!((2..=3).contains(&shards.len()), "{plan}");
    let mut all: Vec<Value> = Vec::new();
    for shard in shards {
        let given = ["since", "until"].map(|name| {
            let time = shard[name].as_str().unwrap();
            format!("--{name}={time}")
        });
        let flags = ["--page-size", "20", "--state", "none", "--out", "-"];
        let flags = [&flags[..], &[&given[0], &given[1]]].concat();
        let outcome = trial.sync(&flags).expect(0);
        let lines = outcome.stdout.lines();
        let rows: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        // A filter that is coarse counts some of the rows before.
        let told = shard["rows"].as_u64().unwrap();
        assert!(told.abs_diff(rows.len() as u64) <= 9, "{plan}");
        all.extend(rows);
    }
    let since = format!("--since={}", plan["mark"].as_str().unwrap());
    all.extend(trial.rows(&["--page-size", "20", &since]));
    let keys: BTreeSet<String> = all.iter().map(|row| trial.key(row)).collect();
    assert_eq!((all.len(), keys.len()), (230, 230), "{plan}");
    let rest = trial.rows(&["--page-size", "20"]);
    assert_eq!(rest.len(), 0, "{plan}");
}

/// Rows that are updated and deleted between two pages cost no other row.
#[track_caller]
pub fn loses_nothing_while_rows_move(of: &'static Contract) {
    let trial = Trial::start(of, 230);
    let id = of.id;
    trial.model.after_page(move |table, page| {
        if page <= 30 {
            let time = table.newest().unwrap() + SECOND;
            let moved = usize::try_from(page).unwrap() * 3;
            table.update(&id(moved), time);
            table.delete(&id(moved + 1));
        }
    });
    let mut rows = trial.rows(&["--page-size", "20"]);
    trial.model.after_page(|_, _| {});
    rows.extend(trial.rows(&["--page-size", "20"]));
    trial.assert_latest(&rows, &trial.model.table().contents());
    let versions: BTreeSet<String> = rows.iter().map(Value::to_string).collect();
    assert_eq!(versions.len(), rows.len(), "a version came twice");
}

/// Credentials that the API refuses end with what it said, and stay secret.
#[track_caller]
pub fn tells_why_it_was_refused(of: &'static Contract, said: &str) {
    let mut trial = Trial::start(of, 30);
    trial.secret = "not-the-right-secret".into();
    let outcome = trial.sync(&["-vv", "--record", "exchanges"]).expect(4);
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let recording = std::fs::read_to_string(trial.scratch.join("exchanges")).unwrap();
    for text in [&outcome.stdout, &outcome.stderr, &recording] {
        assert!(!text.contains(&trial.secret), "{text}");
    }
}

/// A bound that the API cannot read ends with what it said.
#[track_caller]
pub fn tells_which_bound_was_refused(of: &'static Contract, first: &str, said: &str) {
    let trial = Trial::start(of, 30).altered(first, "\"first\": \"yesterday\"");
    let outcome = trial.sync(&[]).expect(4);
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}
