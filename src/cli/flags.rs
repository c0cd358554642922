//! The one table of flags: the parser, the help texts and the search for the
//! nearest flag are all driven by it.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{FileFormat, Options, Out, StateAt, Topic};
use crate::config::size;
use crate::timestamp;

/// One flag.
pub(super) struct Flag {
    /// Its name without the dashes.
    pub(super) name: &'static str,
    /// Its letter, if it has one; only flags without a value do.
    pub(super) short: Option<char>,
    /// What its value is called, empty where it takes none.
    pub(super) value: &'static str,
    /// The commands that know it.
    pub(super) of: &'static [Topic],
    /// What holds where it is not given, empty where nothing does.
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
];
const SYNC: &[Topic] = &[Topic::Sync];
const CHECK: &[Topic] = &[Topic::Check];
const STATUS: &[Topic] = &[Topic::Status];
const REPORTS: &[Topic] = &[Topic::Check, Topic::Status, Topic::Audit];
const WALKED: &[Topic] = &[Topic::Sync, Topic::Audit];
const SOURCE: &[Topic] = &[Topic::Sync, Topic::Check, Topic::Audit];
const STORED: &[Topic] = &[
    Topic::Sync,
    Topic::Status,
    Topic::Table,
    Topic::Compact,
    Topic::Audit,
];
const AUDIT: &[Topic] = &[Topic::Audit];
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
pub(super) const FLAGS: [Flag; 28] = [
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
         flags win over it, and without one the reference API's contract holds",
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
        "where a first sync starts, as the API spells times; where there is a state already, \
         it takes --full-refresh too",
        |to, value| put(&mut to.since, text(value)),
    ),
    flag(
        "until",
        "TIME",
        SYNC,
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
        |to, _| {
            to.full_refresh = true;
            Ok(())
        },
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
        |to, _| {
            to.metadata = true;
            Ok(())
        },
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
        WALKED,
        "60s",
        "how long after its timestamp a row may still turn up; the next sync reads that long \
         again and drops what it knows",
        |to, value| put(&mut to.lookback, duration(value)),
    ),
    flag(
        "record",
        "FILE",
        SOURCE,
        "",
        "write every exchange to this file, for --replay",
        |to, value| put(&mut to.record, path(value)),
    ),
    flag(
        "replay",
        "FILE",
        SOURCE,
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
        "print JSON: check and audit their findings, status a line a table",
        |to, _| {
            to.json = true;
            Ok(())
        },
    ),
    flag(
        "suggest",
        "",
        CHECK,
        "",
        "print a connection file for what the API seems to be like",
        |to, _| {
            to.suggest = true;
            Ok(())
        },
    ),
    flag(
        "repair",
        "",
        AUDIT,
        "",
        "append what is missing, and for what was deleted a row of its key alone with \
         \"_deleted\": true",
        |to, _| {
            to.repair = true;
            Ok(())
        },
    ),
    flag(
        "yes",
        "",
        AUDIT,
        "",
        "take more than half of the rows as deleted, where the API has lost so many",
        |to, _| {
            to.yes = true;
            Ok(())
        },
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
        to.quiet = true;
        Ok(())
    }),
    switch("help", 'h', true, "print this", |_, _| Ok(())),
    switch("version", 'V', true, "print the version", |_, _| Ok(())),
];

fn put<T>(to: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *to = Some(value?);
    Ok(())
}

fn text(value: OsString) -> Result<String, String> {
    value
        .into_string()
        .map_err(|value| format!("{:?} is not Unicode", value.to_string_lossy()))
}

/// A file. Only `--out` knows `-`.
fn path(value: OsString) -> Result<PathBuf, String> {
    if value == "-" {
        return Err("takes a file, and \"-\" is none; one of that name is ./-".into());
    }
    Ok(value.into())
}

fn number<T>(value: OsString, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let text = text(value)?;
    let (low, high) = (range.start(), range.end());
    // `parse` would take a plus sign, which nobody writes on purpose.
    let digits = Some(&text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{text:?} is no whole number from {low} to {high}"))
}

fn duration(value: OsString) -> Result<Duration, String> {
    timestamp::duration(&text(value)?)
}
