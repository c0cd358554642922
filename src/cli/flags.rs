//! The one table of flags: the parser, the help texts and the search for the
//! nearest flag are all driven by it.

mod values;

use std::ffi::OsString;

use super::{FileFormat, Options, Out, StateAt, Topic};
use crate::config::size;
use values::{duration, number, on, path, put, text};

/// One flag.
pub(super) struct Flag {
    /// Its name without the dashes.
    pub(super) name: &'static str,
    /// Its letter, if it has one; only flags without a value do.
    pub(super) short: Option<char>,
    /// The name of its value; empty where it takes none.
    pub(super) value: &'static str,
    /// The commands that know it.
    pub(super) of: &'static [Topic],
    /// The default; empty where there is none.
    pub(super) default: &'static str,
    /// What it does.
    pub(super) text: &'static str,
    /// Whether giving it twice means more than giving it once.
    pub(super) repeats: bool,
    /// Takes its value.
    pub(super) set: Set,
}

type Set = fn(&mut Options, OsString) -> Result<(), String>;

const ALL: &[Topic] = &[
    Topic::Sync,
    Topic::Check,
    Topic::Status,
    Topic::Table,
    Topic::Compact,
    Topic::Audit,
    Topic::Plan,
    Topic::Init,
];
const SYNC: &[Topic] = &[Topic::Sync];
const CHECK: &[Topic] = &[Topic::Check];
const STATUS: &[Topic] = &[Topic::Status];
const AUDIT: &[Topic] = &[Topic::Audit];
const PLAN: &[Topic] = &[Topic::Plan];
const INIT: &[Topic] = &[Topic::Init];
const REPORTS: &[Topic] = &[Topic::Check, Topic::Status, Topic::Audit, Topic::Plan];
const WALKED: &[Topic] = &[Topic::Sync, Topic::Audit];
const SHARDED: &[Topic] = &[Topic::Sync, Topic::Plan];
/// The commands that ask an API.
const SOURCE: &[Topic] = &[
    Topic::Sync,
    Topic::Check,
    Topic::Audit,
    Topic::Plan,
    Topic::Init,
];
const LOOKED: &[Topic] = &[Topic::Sync, Topic::Audit, Topic::Plan];
const RECORDED: &[Topic] = &[Topic::Sync, Topic::Check, Topic::Audit];
const STORED: &[Topic] = &[
    Topic::Sync,
    Topic::Status,
    Topic::Table,
    Topic::Compact,
    Topic::Audit,
];
const WRITTEN: &[Topic] = &[Topic::Sync, Topic::Table, Topic::Compact, Topic::Audit];

const fn flag(
    name: &'static str,
    value: &'static str,
    of: &'static [Topic],
    default: &'static str,
    text: &'static str,
    set: Set,
) -> Flag {
    Flag {
        name,
        short: None,
        value,
        of,
        default,
        text,
        repeats: false,
        set,
    }
}

/// A flag of every command, without a value.
const fn switch(
    name: &'static str,
    short: char,
    repeats: bool,
    text: &'static str,
    set: Set,
) -> Flag {
    Flag {
        short: Some(short),
        repeats,
        ..flag(name, "", ALL, "", text, set)
    }
}

/// Every flag, in the order of the help texts.
pub(super) const FLAGS: [Flag; 30] = [
    flag(
        "url",
        "URL",
        SOURCE,
        "http://127.0.0.1:5001/pagination/offset",
        "where the API answers",
        |to, value| put(&mut to.url, text(value)),
    ),
    flag(
        "config",
        "FILE",
        ALL,
        "",
        "the connection file (JSON): the names of parameters and fields, headers, the table; \
         flags win over it, and without one the defaults hold, which fit the example API of \
         Fivetran's Connector SDK",
        |to, value| put(&mut to.config, path(value)),
    ),
    flag(
        "table",
        "NAME",
        ALL,
        "",
        "of a connection file with several tables, this one alone",
        |to, value| put(&mut to.table, text(value)),
    ),
    flag(
        "max-age",
        "DURATION",
        STATUS,
        "",
        "exit 1 where the last complete sync is older than this, or where there was none",
        |to, value| put(&mut to.max_age, duration(value)),
    ),
    flag(
        "out",
        "DIR",
        STORED,
        "out",
        "the directory of the files; for sync - is the standard output, with the state in ./state.json, \
         and acknowledges nothing: whether its reader kept the rows is not known, see --load",
        |to, value| {
            to.out = if value == "-" {
                Out::Stdout
            } else {
                Out::Dir(value.into())
            };
            Ok(())
        },
    ),
    flag(
        "format",
        "FORMAT",
        WRITTEN,
        "ndjson",
        "ndjson (one JSON object a line, every field) or csv (a header, the declared columns, or \
         else all fields met so far); compact keeps to that of the newest file",
        |to, value| {
            to.format = match &*text(value)? {
                "ndjson" => Some(FileFormat::Ndjson),
                "csv" => Some(FileFormat::Csv),
                other => return Err(format!("{other:?} is neither ndjson nor csv")),
            };
            Ok(())
        },
    ),
    flag(
        "state",
        "FILE",
        STORED,
        "DIR/state.json",
        "where the mark is kept; none keeps no state at all",
        |to, value| {
            to.state = if value == "none" {
                StateAt::None
            } else {
                StateAt::File(path(value)?)
            };
            Ok(())
        },
    ),
    flag(
        "since",
        "TIME",
        SOURCE,
        "",
        "where a first sync starts, written as the API writes times; where there is a state already, \
         it takes --full-refresh too",
        |to, value| put(&mut to.since, text(value)),
    ),
    flag(
        "until",
        "TIME",
        SHARDED,
        "",
        "end before this time; the mark never passes it",
        |to, value| put(&mut to.until, text(value)),
    ),
    flag(
        "full-refresh",
        "",
        SYNC,
        "",
        "start over, whatever the state says; older files are kept",
        |to, _| on(&mut to.full_refresh),
    ),
    flag(
        "load",
        "CMD",
        SYNC,
        "",
        "run CMD by the shell for each finished file that was not handed over yet, oldest first, \
         with the file on its standard input; exit 0 counts as handed over, else it comes again; \
         nothing bounds CMD but CMD: timeout 10m CMD",
        |to, value| put(&mut to.load, text(value)),
    ),
    flag(
        "metadata",
        "",
        WALKED,
        "",
        "add _seq, which is larger in each later row, and _synced_at (UTC) to every row",
        |to, _| on(&mut to.metadata),
    ),
    flag(
        "page-size",
        "N",
        SOURCE,
        "50",
        "rows to ask for at once, from 1 to 1000000",
        |to, value| put(&mut to.page_size, number(value, 1..=1_000_000)),
    ),
    flag(
        "max-offset",
        "N",
        WALKED,
        "10000",
        "the offset to start a new window at, since APIs cap offsets and deep ones are slow",
        |to, value| put(&mut to.max_offset, number(value, 1..=u64::MAX)),
    ),
    flag(
        "lookback",
        "DURATION",
        LOOKED,
        "60s",
        "how long after its timestamp a row may still become visible; the next sync reads that \
         much again and drops what it knows",
        |to, value| put(&mut to.lookback, duration(value)),
    ),
    flag(
        "record",
        "FILE",
        RECORDED,
        "",
        "write every exchange to this file, for --replay",
        |to, value| put(&mut to.record, path(value)),
    ),
    flag(
        "replay",
        "FILE",
        RECORDED,
        "",
        "answer from a recording, without any network or waiting",
        |to, value| put(&mut to.replay, path(value)),
    ),
    flag(
        "max-retries",
        "N",
        SOURCE,
        "5",
        "how often a request that failed is sent again",
        |to, value| put(&mut to.max_retries, number(value, 0..=u32::MAX)),
    ),
    flag(
        "timeout",
        "DURATION",
        SOURCE,
        "60s",
        "how long one request may take, its answer included",
        |to, value| {
            let timeout = duration(value)?;
            if timeout.is_zero() {
                return Err("must be longer than nothing".into());
            }
            put(&mut to.timeout, Ok(timeout))
        },
    ),
    flag(
        "max-body",
        "SIZE",
        SOURCE,
        "64M",
        "the largest answer to take, in bytes (K, M, G) after decompression",
        |to, value| {
            let bytes = size(&text(value)?)?;
            if !(1..u64::from(u32::MAX)).contains(&bytes) {
                return Err("must be from 1 to 4294967294 bytes".into());
            }
            put(&mut to.max_body, Ok(bytes))
        },
    ),
    flag(
        "json",
        "",
        REPORTS,
        "",
        "print JSON: check and audit their findings, status a line a table, plan a line",
        |to, _| on(&mut to.json),
    ),
    flag(
        "suggest",
        "",
        CHECK,
        "",
        "print a connection file for what the API seems to be like",
        |to, _| on(&mut to.suggest),
    ),
    flag(
        "repair",
        "",
        AUDIT,
        "",
        "append what is missing, and for what was deleted a row of its key alone with \
         \"_deleted\": true",
        |to, _| on(&mut to.repair),
    ),
    flag(
        "yes",
        "",
        AUDIT,
        "",
        "take more than half of the rows as deleted, where the API has lost so many",
        |to, _| on(&mut to.yes),
    ),
    flag(
        "shards",
        "N",
        PLAN,
        "",
        "into how many ranges to divide the rows, from 1 to 10000",
        |to, value| put(&mut to.shards, number(value, 1..=10_000)),
    ),
    flag(
        "overwrite",
        "",
        INIT,
        "",
        "write over the connection file that is there",
        |to, _| on(&mut to.overwrite),
    ),
    switch(
        "verbose",
        'v',
        true,
        "say more on the standard error, twice for every request",
        |to, _| {
            to.verbose = to.verbose.saturating_add(1);
            Ok(())
        },
    ),
    switch("quiet", 'q', false, "say nothing but errors", |to, _| {
        on(&mut to.quiet)
    }),
    switch("help", 'h', true, "print this", |_, _| Ok(())),
    switch("version", 'V', true, "print the version", |_, _| Ok(())),
];
