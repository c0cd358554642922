//! A sync from its options to its receipt: it opens the connection, the state
//! and the outputs, hands them to the loop, and closes them in order.

mod files;
pub(crate) mod start;

use std::sync::Arc;

use serde::Serialize;

use crate::checkpoint::Origin;
use crate::cli::{Options, Out};
use crate::clock::{Clock, SystemClock, time_of_day};
use crate::config::Connection;
use crate::connect::{connection, patient, source};
use crate::cursor::Cursor;
use crate::disk::Disk;
use crate::error::{Error, Kind, Result};
use crate::load::{Loaded, Loader, Shell};
use crate::progress::StatusLine;
use crate::secret::Secrets;
use crate::sink::Outcome;
use crate::sink::behind::Behind;
use crate::store::Store;
use crate::sync::{Sync, Tally, progress};
use files::open;
pub(crate) use files::{encoder, take_up};
pub(crate) use start::{instant, settings, start};

/// What a sync did, for whoever started it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Receipt {
    /// The table's name, None where the connection could not be read.
    pub table: Option<String>,
    /// The file, None where nothing changed.
    pub file: Option<String>,
    /// All files, where the header of a CSV file had to change on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Rows delivered and committed.
    pub rows: u64,
    /// Requests sent, failures included.
    pub requests: u64,
    /// Windows walked.
    pub windows: u64,
    /// Pages that showed that rows had moved.
    pub drifts: u64,
    /// Rows that came again and were dropped.
    pub duplicates: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Rows set aside.
    pub rejected: u64,
    /// The high-water mark.
    pub last_updated_at: Option<String>,
    /// Whether all that the API reported was delivered, and none of its
    /// answers spoke against it.
    pub complete: bool,
    /// True where a row that was known confirmed the API's bound, or why none
    /// did.
    pub confirmed: Confirmed,
    /// Files that were handed over, where `--load` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded: Option<u64>,
    /// Files that still wait to be handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// When it began: RFC 3339 in UTC.
    pub started: String,
    /// When it ended.
    pub finished: String,
    /// The exit code that it comes to.
    pub exit: u8,
    /// What ended it before its time, None where nothing did.
    pub error: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Receipt {
    /// The receipt of a sync that could not begin.
    pub fn failed(options: &Options, error: &Error) -> Self {
        Self {
            table: options.table.clone(),
            exit: error.exit_code(),
            error: Some(error.to_string()),
            finished: time_of_day(),
            ..Self::new(options)
        }
    }

    /// The receipt of a sync that asked for nothing yet.
    fn new(options: &Options) -> Self {
        let loads = options.load.as_ref().map(|_| 0);
        Self {
            table: options.one_of.clone(),
            file: None,
            files: Vec::new(),
            rows: 0,
            requests: 0,
            windows: 0,
            drifts: 0,
            duplicates: 0,
            retries: 0,
            rejected: 0,
            last_updated_at: None,
            complete: false,
            confirmed: Confirmed::No("the sync ended before it asked"),
            loaded: loads,
            waiting: None,
            started: time_of_day(),
            finished: String::new(),
            exit: 0,
            error: None,
            seconds: 0.0,
        }
    }
}

/// What was found about the bound: true, or why nothing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Confirmed {
    /// A row that was known came back at the bound.
    Yes(bool),
    /// No such row came back, for this reason.
    No(&'static str),
}

/// Runs a sync. The receipt is there wherever it failed.
///
/// # Errors
/// The second part: what ended the sync before its time.
pub fn run(options: &Options, disk: Arc<dyn Disk>) -> (Option<Receipt>, Result<()>) {
    let mut shell = options.load.as_deref().map(Shell::new);
    let loader = shell.as_mut().map(|shell| shell as &mut dyn Loader);
    run_with(options, disk, loader)
}

/// The same, with this loader in the place of the one that the options name.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    options: &Options,
    disk: Arc<dyn Disk>,
    loader: Option<&mut dyn Loader>,
) -> (Option<Receipt>, Result<()>) {
    let begun = std::time::Instant::now();
    let mut receipt = Receipt::new(options);
    let result = attempt(options, disk, loader, &mut receipt);
    receipt.finished = time_of_day();
    receipt.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    if let Err(error) = &result {
        receipt.exit = error.exit_code();
        receipt.error = Some(error.to_string());
    }
    (Some(receipt), result)
}

fn attempt(
    options: &Options,
    disk: Arc<dyn Disk>,
    loader: Option<&mut dyn Loader>,
    receipt: &mut Receipt,
) -> Result<()> {
    let mut clock = SystemClock;
    let (of, secrets) = connection(options)?;
    receipt.table = Some(of.table.clone());
    let since = instant(options.since.as_deref(), "--since", &of.since.format)?;
    let until = instant(options.until.as_deref(), "--until", &of.since.format)?;
    if let (Some(since), Some(until)) = (&since, &until)
        && until.at < since.at
    {
        return Err(Error::usage("--until is before --since").hint("are they the other way round?"));
    }
    if of.reject_bad_rows && options.out == Out::Stdout {
        return Err(
            Error::usage("\"on_bad_row\": \"reject\" needs a folder for the rejects")
                .hint("use --out DIR"),
        );
    }
    let taken =
        [options.state_path().as_ref(), options.config.as_ref()].contains(&options.record.as_ref());
    if options.record.is_some() && taken {
        return Err(
            Error::usage("this file has another use: it is the state or the connection")
                .at("--record")
                .hint("name a file of its own"),
        );
    }
    // A connection that cannot be used changes nothing. But a recording is
    // begun only under the lock, since another sync may be writing to it.
    let asked = options
        .record
        .is_none()
        .then(|| source(options, &of, &secrets))
        .transpose()?;
    let origin = origin(&of, &secrets);
    let folder = match &options.out {
        Out::Dir(folder) => Some(folder.clone()),
        Out::Stdout => None,
    };
    let mut store = Store::new(disk, options.state_path(), folder, &of.table);
    let (process, begin) = (std::process::id(), time_of_day());
    store.lock(&format!("process {process}, running since {begin},"))?;
    let (state, known) = take_up(&mut store, &origin, options, loader.is_some())?;
    store.sweep()?;
    let mut encoder = encoder(&of, &known, options, clock.now())?;
    let checked_at = state
        .as_ref()
        .and_then(|state| state.progress.checked_at.clone());
    let start = start(&of, state, since).map_err(|error| store.in_state(error))?;
    let source = asked.map_or_else(|| source(options, &of, &secrets), Ok)?;
    let mut source = patient(source, options, &of, &secrets, of.max_retries)?;
    let mut cursor = Cursor::new(settings(&of, until.map(|mark| mark.at)), start);
    let before = progress(&cursor, checked_at.clone());
    receipt.last_updated_at.clone_from(&before.last_updated_at);
    let sink = open(store, &origin, before, known, options, clock.now())?;
    let mut sink = Behind::new(sink)?;
    let mut line = StatusLine::new(options);
    let mut sync = Sync {
        of: &of,
        source: &mut source,
        cursor: &mut cursor,
        encoder: &mut encoder,
        sink: &mut sink,
        clock: &mut clock,
        observer: &mut |tally| line.show(tally),
        tally: Tally::default(),
        unsaved: 0,
        good: false,
        unasked: 0,
        checked_at,
    };
    let result = sync.run();
    let requests = sync.tally.requests;
    line.clear();
    // After a failure on this side there is nothing more to be committed.
    let local = result
        .as_ref()
        .is_err_and(|error| error.kind() == Kind::Local);
    let outcome = if local {
        Err(None)
    } else {
        sink.finish(result.is_ok()).map_err(Some)
    };
    let complete = result.is_ok() && outcome.is_ok();
    let done = outcome
        .as_ref()
        .map_or_else(|_| sink.committed(), Outcome::clone);
    let counts = cursor.counts();
    // Rows are safe by now. Only a broken disk keeps them from the consumer.
    let (loaded, handed) = match loader {
        Some(loader) if !local && outcome.is_ok() => {
            let (loaded, handed) = sink.hand_over(loader);
            (Some(loaded), handed)
        }
        loader => (loader.map(|_| Loaded::default()), Ok(())),
    };
    if let Some(rejects) = &done.rejects {
        log::warn!("{} rows were set aside, see {rejects}", done.rejected);
    }
    *receipt = Receipt {
        table: receipt.table.take(),
        files: match (&done.before[..], &done.file) {
            ([], _) => Vec::new(),
            (before, last) => [before, last.as_slice()].concat(),
        },
        file: done.file,
        rows: done.rows,
        requests,
        windows: counts.windows,
        drifts: counts.drifts,
        duplicates: counts.duplicates,
        retries: source.count(),
        rejected: done.rejected,
        last_updated_at: done.mark,
        complete,
        confirmed: cursor
            .unconfirmed()
            .map_or(Confirmed::Yes(true), Confirmed::No),
        loaded: loaded.map(|loaded| loaded.files),
        waiting: loaded.map(|loaded| loaded.waiting),
        ..std::mem::replace(receipt, Receipt::new(options))
    };
    let ended = match outcome {
        Err(Some(error)) => Err(error),
        _ => Ok(()),
    };
    // The first error counts. Those that it caused, or that came after it, are
    // told too.
    let mut errors = [result, ended, handed].into_iter().filter_map(Result::err);
    let Some(first) = errors.next() else {
        return Ok(());
    };
    errors.for_each(|error| log::error!("{error}"));
    Err(first)
}

/// Where the rows come from, without secrets.
pub(crate) fn origin(of: &Connection, secrets: &Secrets) -> Origin {
    Origin {
        url: secrets.redact(&of.url).into_owned(),
        table: of.table.clone(),
        primary_key: of.primary_key.iter().map(|key| key.name.clone()).collect(),
        cursor: of.cursor.name.clone(),
    }
}
