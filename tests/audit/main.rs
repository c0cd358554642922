//! Audits: which rows are called missing, deleted or too young, while rows change
//! before every request, and of every kind of file and paging.

#![allow(clippy::unwrap_used)]

mod kinds;
mod moving;
mod paging;
mod repair;

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use highwater::audit::{self, Report};
use highwater::cli::Options;
use highwater::disk::{Disk, Os};
use highwater::error::Result;
use highwater::session;

use support::Scratch;
use support::clock::{BASE, SECOND};
use support::table::{Table, Ties};

/// What a command is told in this folder.
fn options(command: &str, dir: &Scratch, flags: &[&str]) -> Options {
    let out = format!("--out={}", dir.join("out").display());
    let words = [command, &out, "-q"];
    let words = words.into_iter().chain(flags.iter().copied());
    Options::parse(words.map(Into::into)).unwrap()
}

#[track_caller]
fn sync(dir: &Scratch, flags: &[&str]) {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    session::run(&options("sync", dir, flags), disk).1.unwrap();
}

/// Takes the flags of a sync, too.
fn audit(dir: &Scratch, flags: &[&str]) -> Result<Report> {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    let writes = |flag: &str| flag.starts_with("--format") || flag == "--metadata";
    let flags: Vec<&str> = flags.iter().copied().filter(|flag| !writes(flag)).collect();
    audit::run(&options("audit", dir, &flags), &disk)
}

/// Rows `0` to `count - 1`, two of a second.
fn table(count: i64) -> Table {
    let mut table = Table::new(Ties::Id);
    for row in 0..count {
        table.insert(&row.to_string(), BASE + row / 2 * SECOND);
    }
    table
}
