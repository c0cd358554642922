//! A sync from its options to its receipt: it opens the connection, the
//! state and the outputs, hands them to the loop, and closes them in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::checkpoint::{Checkpoint, Origin, Resume};
use crate::cli::{Options, Out};
use crate::config::Connection;
use crate::cursor::{Bound, Cursor, Mark, Settings, Start};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::progress::StatusLine;
use crate::row::Encoder;
use crate::secret::{self, Secrets};
use crate::seen::Seen;
use crate::sink::behind::Behind;
use crate::sink::file::FileSink;
use crate::sink::stdout::StdoutSink;
use crate::sink::{Outcome, Sink};
use crate::source::Source;
use crate::source::live::{self, Live};
use crate::source::record::Recorder;
use crate::source::replay::Replay;
use crate::source::retry::Retry;
use crate::store::Store;
use crate::sync::{self, Clock, Sync, Tally};
use crate::timestamp::{self, Format, Instant};

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

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

/// Now, by the machine's clock, in UTC to the second, for people.
pub fn time_of_day() -> String {
    timestamp::format(Instant { nanos: 0, ..now() })
}

/// Now, by the machine's clock.
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Instant { secs: 0, nanos: 0 }.plus(since.unwrap_or_default())
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        now()
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The connection that the options name: the file's, with the flags over it.
/// What came from the environment is redacted from here on.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn connection(options: &Options) -> Result<(Connection, Secrets)> {
    let mut secrets = Secrets::default();
    let mut of = match &options.config {
        None => Connection::default(),
        Some(path) => {
            let read = std::fs::read_to_string(path);
            let text = read.map_err(|error| {
                Error::usage(format!("cannot read {}: {error}", path.display()))
                    .hint("see --config")
            })?;
            let environment = |name: &str| {
                let value = std::env::var(name).ok();
                if value.as_deref() == Some("") {
                    log::warn!("the environment variable {name} is empty");
                }
                value
            };
            let parsed =
                Connection::parse(&text, &environment, options.replay.is_some(), &mut secrets);
            // Even the error may quote a value.
            secret::install(secrets.clone());
            parsed.map_err(|error| error.at(path.display()))?
        }
    };
    set(&mut of.url, options.url.clone());
    set(&mut of.page_size, options.page_size);
    set(&mut of.max_offset, options.max_offset);
    set(&mut of.lookback, options.lookback);
    set(&mut of.max_retries, options.max_retries);
    set(&mut of.timeout, options.timeout);
    set(&mut of.max_body, options.max_body);
    of.validate()?;
    advise(&of);
    Ok((of, secrets))
}

/// Warns of what can hardly be meant.
fn advise(of: &Connection) {
    let query = of.url.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        if !name.is_empty() && of.query.iter().any(|(sent, _)| sent == name) {
            log::warn!(
                "{name:?} is in the URL and will be sent a second time; take it out of the URL"
            );
        }
    }
}

fn set<T>(to: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *to = given;
    }
}

/// Who answers: the network or a recording.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a URL or a recording that cannot be used.
pub fn source(options: &Options, of: &Connection, secrets: &Secrets) -> Result<Box<dyn Source>> {
    if let Some(path) = &options.replay {
        return Ok(Box::new(Replay::open(path, secrets.clone())?));
    }
    let live = Live::new(live::Settings {
        url: of.url.clone(),
        headers: of.headers.clone(),
        secret_headers: !secrets.is_empty(),
        timeout: of.timeout,
        connect_timeout: of.timeout.min(Duration::from_secs(10)),
        max_body: of.max_body,
        ca_file: of.ca_file.as_ref().map(PathBuf::from),
        ..live::Settings::default()
    })?;
    match &options.record {
        Some(path) => Ok(Box::new(Recorder::create(live, path, secrets.clone())?)),
        None => Ok(Box::new(live)),
    }
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
    let start = start(&of, state, since)?;
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
    let local = result.as_ref().is_err_and(|error| error.exit_code() == 6);
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
        log::warn!(
            "{} rows did not fit their columns, see {rejects}",
            done.rejected
        );
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

/// A flag's timestamp; a date stands for its midnight in UTC.
fn instant(text: Option<&str>, flag: &str, format: &Format) -> Result<Option<Mark>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let read = |text: &str| format.read(text, false).or_else(|| timestamp::parse(text));
    let midnight = format!("{text}T00:00:00Z");
    if let Some(at) = read(text) {
        return Ok(Some(Mark {
            text: text.to_owned(),
            at,
        }));
    }
    if let Some(at) = timestamp::parse(&midnight) {
        return Ok(Some(Mark { text: midnight, at }));
    }
    Err(Error::usage(format!("{text:?} is no timestamp"))
        .at(flag)
        .hint("write it as 2024-01-15T10:30:00Z"))
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
            state.inspect_err(damaged).ok()
        });
        store.start_over(state.as_ref().and_then(|state| state.part.as_ref()))?;
        return Ok(None);
    }
    let state = state.transpose()?;
    if let Some(state) = &state {
        state
            .check_origin(origin)
            .map_err(|error| match store.state() {
                Some(path) => error.at(path.display()),
                None => error,
            })?;
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

/// Where the cursor takes up.
fn start(of: &Connection, state: Option<Checkpoint>, since: Option<Mark>) -> Result<Start> {
    let format = &of.since.format;
    let spelled = |mark: &Mark| Bound {
        text: Some(format.spell(&mark.text, mark.at)),
        at: format.cut(mark.at),
    };
    let first = match (&since, &of.since.first) {
        (Some(since), _) => Bound {
            // Rows before it are not wanted, however the API's filter cuts.
            at: since.at,
            ..spelled(since)
        },
        (None, None) => Bound {
            text: None,
            at: Instant::MIN,
        },
        (None, Some(text)) => match format.read(text, false).or_else(|| timestamp::parse(text)) {
            Some(at) => spelled(&Mark {
                text: text.clone(),
                at,
            }),
            None => Bound {
                text: Some(text.clone()),
                at: Instant::MIN,
            },
        },
    };
    let progress = state.map(|state| state.progress).unwrap_or_default();
    let read = |text: &str| {
        let at = format.read(text, false);
        let at = at.ok_or_else(|| {
            Error::local(format!("the state's {text:?} is no timestamp of this API"))
                .hint("has \"since\": {\"format\": …} changed in the connection file?")
        })?;
        Ok(Mark {
            text: text.to_owned(),
            at,
        })
    };
    let mark = progress.last_updated_at.as_deref().map(read).transpose()?;
    let bound = match (&progress.resume, &mark) {
        (Resume::At(text), _) => match read(text) {
            Ok(mark) => spelled(&mark),
            // The first bound may be no timestamp; it is sent as it is.
            Err(_) if of.since.first.as_ref() == Some(text) => first,
            Err(error) => return Err(error),
        },
        (Resume::Mark, Some(mark)) => spelled(mark),
        _ => first,
    };
    let newest = mark.as_ref().map_or(Instant::MAX, |mark| mark.at);
    Ok(Start {
        bound,
        mark,
        seen: Seen::load(progress.seen, newest),
    })
}

fn settings(of: &Connection, until: Option<Instant>) -> Settings {
    Settings {
        limit: of.page_size,
        max_offset: of.max_offset,
        exclusive: of.since.exclusive,
        sorted: of.sorted,
        by_page: of.by_page(),
        format: of.since.format.clone(),
        lookback: of.lookback,
        until,
        overlap: true,
    }
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
