//! `highwater check` as a whole program, against an API whose ways are known.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod apis;
mod clauses;
mod front;
mod honest;
mod known;
mod measured;
mod newcomer;
mod other;
mod pages;
mod proof;
mod suggest;
mod types;
mod unusual;
mod world;

use serde_json::Value;
use support::clock::{BASE, SECOND};
use support::table::{Table, Ties};
use support::{Outcome, Scratch, highwater, run};

/// Runs a check with these words, without patience.
fn check(scratch: &Scratch, words: &[&str]) -> Outcome {
    let mut command = highwater(scratch.path());
    command.args(["check", "--max-retries", "0"]).args(words);
    run(&mut command)
}

/// What the report for machines says, given the exit code.
#[track_caller]
fn report(code: i32, words: &[&str]) -> Value {
    let scratch = Scratch::new();
    let outcome = check(&scratch, &[words, &["--json"]].concat()).expect(code);
    let report: Value = serde_json::from_str(&outcome.stdout).expect("a JSON report");
    assert_eq!(report["ok"], code == 0, "{report:#}");
    assert!(
        report["requests"].as_u64().is_some_and(|n| n <= 70),
        "{report:#}"
    );
    assert!(
        support::files(scratch.path()).is_empty(),
        "it wrote to the disk"
    );
    report
}

/// One clause of it.
#[track_caller]
fn clause<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["clause"] == name);
    found.unwrap_or_else(|| panic!("no clause {name}: {report:#}"))
}

/// Fails unless the clause stands like this, and says that.
#[track_caller]
fn stands(report: &Value, name: &str, verdict: &str, says: &str) {
    let clause = clause(report, name);
    assert_eq!(clause["verdict"], verdict, "{report:#}");
    let found = clause["found"].as_str().expect("a text");
    assert!(found.contains(says), "{says:?} is not in {clause:#}");
}

/// Fails unless exactly these clauses ask for something.
#[track_caller]
fn asks_for(report: &Value, names: &[&str]) {
    let checks = report["checks"].as_array().expect("a list");
    let asking = checks
        .iter()
        .filter(|check| check["verdict"] == "warning" || check["verdict"] == "broken");
    let asking: Vec<&str> = asking
        .filter_map(|check| check["clause"].as_str())
        .collect();
    assert_eq!(asking, names, "{report:#}");
}

/// Rows a second apart, each a quarter past it.
fn quarters() -> Table {
    let mut table = Table::new(Ties::Insertion);
    for number in 0..100 {
        table.insert(&number.to_string(), BASE + number * SECOND + 250_000);
    }
    table
}
