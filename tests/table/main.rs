//! The table that finished files come to: against a plain model over random
//! histories, over damaged files, and at a million versions. The program itself is
//! started by the last alone: a lock that this process holds goes to its children.

#![allow(clippy::unwrap_used)]

mod damage;
mod large;
mod meanwhile;
mod random;

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use highwater::cli::Options;
use highwater::compact::{self, Receipt};
use highwater::disk::{Disk, Os};
use highwater::error::Result;
use highwater::table;

use support::Scratch;

/// What a command is told in this folder: it is its own `--out`.
fn options(command: &str, dir: &Scratch, flags: &[&str]) -> Options {
    let out = format!("--out={}", dir.path().display());
    let words = [command, &out].into_iter().chain(flags.iter().copied());
    Options::parse(words.map(Into::into)).unwrap()
}

/// What `table` prints.
fn print(dir: &Scratch, flags: &[&str]) -> Result<String> {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    let mut out = Vec::new();
    table::print(&options("table", dir, flags), &disk, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn compact(dir: &Scratch, flags: &[&str]) -> Result<Receipt> {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    compact::run(&options("compact", dir, flags), &disk, &|_| false)
}

/// A folder with the state of a table `user` of this key.
fn folder(key: &[&str]) -> Scratch {
    let dir = Scratch::new();
    let key = serde_json::to_string(key).unwrap();
    dir.write(
        "state.json",
        format!(r#"{{"version":1,"last_updated_at":null,"seen":{{}},"part":null,"source":{{"url":"u","table":"user","primary_key":{key},"cursor":"t"}}}}"#),
    );
    dir
}
