//! The program as its users run it: a process, its flags, its files and its exit
//! code, against servers on the loopback that behave and that do not.

#![allow(clippy::unwrap_used)]

mod broken;
mod command;
mod completions;
mod connection;
mod contract;
mod growth;
mod init;
mod load;
mod metadata;
mod network;
mod output;
mod plan;
mod playground;
mod range;
mod readme;
mod record;
mod refusal;
mod secrets;
mod shared;
mod status;
mod stdout;
mod sync;
mod table;
mod tables;
mod tally;
mod terminal;
mod ties;
mod unattended;

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use serde_json::{Value, json};

use support::http::{Reply, Request};
use support::table::Table;
use support::{Outcome, clock, highwater, run};

/// A sync from this URL in this directory, with these flags.
#[track_caller]
fn sync(dir: &Path, url: &str, flags: &[&str]) -> Outcome {
    run(highwater(dir).args(["sync", "--url", url]).args(flags))
}

/// The state's value.
#[track_caller]
fn state(dir: &Path) -> Value {
    let path = dir.join("out/state.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The page that 200 users, a second apart, have for a request: to be bent.
fn page(request: &Request) -> Value {
    let table = Table::users(200, 1);
    let since = request.param("updated_since").and_then(clock::parse);
    let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
    let (offset, limit) = (number("offset"), number("limit"));
    let (rows, total) = table.select(since, true, offset, limit);
    let parsed = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    let rows: Vec<Value> = rows.iter().map(|row| parsed(&row.json)).collect();
    json!({ "data": rows, "offset": offset, "limit": limit, "total": total })
}

/// A page of these rows, written as they are, that is all there is.
fn whole(rows: &str, count: usize) -> Reply {
    Reply::json(format!(
        "{{\"data\":[{rows}],\"offset\":0,\"limit\":50,\"total\":{count}}}"
    ))
}

/// The ids, in their order.
fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}
