//! A sync from its options to its receipt: it opens the connection, the
//! state and the outputs, hands them to the loop, and closes them in order.

mod start;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::checkpoint::{Checkpoint, Origin};
use crate::cli::{Options, Out};
use crate::clock::{Clock, SystemClock, time_of_day};
use crate::config::Connection;
use crate::connect::{connection, source};
use crate::cursor::Cursor;
use crate::disk::Disk;
use crate::error::{Error, Kind, Result};
use crate::progress::StatusLine;
use crate::row::Encoder;
use crate::secret::Secrets;
use crate::sink::behind::Behind;
use crate::sink::file::FileSink;
use crate::sink::stdout::StdoutSink;
use crate::sink::{Outcome, Sink};
use crate::source::retry::Retry;
use crate::store::Store;
use crate::sync::{self, Sync, Tally};
use crate::timestamp::{self, Instant};
use start::{instant, settings, start};

/// What a sync did, for whoever started it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Receipt {
    /// The table's name.
    pub table: String,
    /// The file, None where nothing changed.
    pub file: Option<String>,
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
    /// Whether all that the API reported was delivered.
    pub complete: bool,
    /// How long it took.
    pub seconds: f64,
}

/// Runs a sync. The receipt is there even where it failed on the way.
///
/// # Errors
/// The second part: what ended the sync before its time.
pub fn run(options: &Options, disk: Arc<dyn Disk>) -> (Option<Receipt>, Result<()>) {
    let mut receipt = None;
    let result = attempt(options, disk, &mut receipt);
    (receipt, result)
}

fn attempt(options: &Options, disk: Arc<dyn Disk>, receipt: &mut Option<Receipt>) -> Result<()> {
    let begun = std::time::Instant::now();
    let mut clock = SystemClock;
    let (of, secrets) = connection(options)?;
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
    // What cannot be asked touches nothing; but a recording is begun under the
    // lock, since another sync may be writing to it.
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
    let state = take_up(&mut store, &origin, options)?;
    store.sweep()?;
    let start = start(&of, state, since).map_err(|error| store.in_state(error))?;
    let mut source = asked.map_or_else(|| source(options, &of, &secrets), Ok)?;
    let mut cursor = Cursor::new(settings(&of, until.map(|mark| mark.at)), start);
    let sink = open(store, &origin, &cursor, options, clock.now())?;
    let mut sink = Behind::new(sink)?;
    let mut retry = Retry::new(of.max_retries, u64::from(clock.now().nanos));
    let mut line = StatusLine::new(options);
    let mut sync = Sync {
        of: &of,
        source: &mut source,
        retry: &mut retry,
        cursor: &mut cursor,
        encoder: &mut Encoder::new(options.format, &of),
        sink: &mut sink,
        clock: &mut clock,
        observer: &mut |tally| line.show(tally),
        tally: Tally::default(),
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
    if let Some(rejects) = &done.rejects {
        log::warn!("{} rows were set aside, see {rejects}", done.rejected);
    }
    *receipt = Some(Receipt {
        table: of.table.clone(),
        file: done.file,
        rows: done.rows,
        requests,
        windows: counts.windows,
        drifts: counts.drifts,
        duplicates: counts.duplicates,
        retries: retry.count(),
        rejected: done.rejected,
        last_updated_at: done.mark,
        complete,
        seconds: (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    });
    match (result, outcome) {
        (Err(error), Err(Some(another))) => {
            log::error!("{another}");
            Err(error)
        }
        (Ok(()), Err(Some(error))) | (Err(error), _) => Err(error),
        (Ok(()), _) => Ok(()),
    }
}

/// Whose rows they are, without secrets.
fn origin(of: &Connection, secrets: &Secrets) -> Origin {
    Origin {
        url: secrets.redact(&of.url).into_owned(),
        table: of.table.clone(),
        primary_key: of.primary_key.iter().map(|key| key.name.clone()).collect(),
        cursor: of.cursor.name.clone(),
    }
}

/// Loads the state and brings the files of a sync that did not end in order.
fn take_up(store: &mut Store, origin: &Origin, options: &Options) -> Result<Option<Checkpoint>> {
    let state = store.read()?.map(|text| store.parse(&text));
    if options.full_refresh {
        let state = state.and_then(|state| {
            let damaged = |error: &Error| log::warn!("{error}; starting over");
            let state = state.inspect_err(damaged).ok()?;
            let other = state.check_origin(origin);
            other.unwrap_or_else(|error| log::warn!("{error}; starting over"));
            Some(state)
        });
        store.start_over(state.as_ref().and_then(|state| state.part.as_ref()))?;
        return Ok(None);
    }
    let state = state.transpose()?;
    if let Some(state) = &state {
        let same = state.check_origin(origin);
        same.map_err(|error| store.in_state(error))?;
        if options.since.is_some() {
            return Err(Error::usage("there is a state already, which says where to start")
                .at("--since")
                .hint("--full-refresh starts over and keeps the old files; --state names another state"));
        }
    }
    if store.recover(state.as_ref().and_then(|state| state.part.as_ref()))? {
        log::warn!("the last sync did not end; what it had committed is kept");
        if let Some(state) = &state {
            store.save(Checkpoint::render(&state.progress, None, origin))?;
        }
    }
    Ok(state)
}

/// Opens the sink. A file's name is later than that of every other.
fn open(
    store: Store,
    origin: &Origin,
    cursor: &Cursor,
    options: &Options,
    now: Instant,
) -> Result<Box<dyn Sink>> {
    let progress = sync::progress(cursor);
    if options.out == Out::Stdout {
        return Ok(Box::new(StdoutSink::new(store, origin.clone(), progress)?));
    }
    let stamps = store.stamps()?;
    let newest = stamps
        .iter()
        .filter_map(|stamp| timestamp::parse(&spread(stamp)?))
        .max();
    let next = newest.map(|newest| newest.plus(Duration::from_secs(1)));
    let stamp = timestamp::compact(next.map_or(now, |next| next.max(now)));
    let extension = options.format.extension();
    Ok(Box::new(FileSink::new(
        store,
        origin.clone(),
        progress,
        &stamp,
        extension,
    )))
}

/// The timestamp that a file's stamp is short for.
fn spread(stamp: &str) -> Option<String> {
    let part = |range: std::ops::Range<usize>| stamp.get(range);
    let (date, time) = (
        part(0..4).zip(part(4..6)).zip(part(6..8))?,
        part(9..11).zip(part(11..13)).zip(part(13..15))?,
    );
    let (((year, month), day), ((hour, minute), second)) = (date, time);
    Some(format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}
