//! What a sync knows of its files when it starts: it takes up those of a sync
//! that did not end, finds the name of the next one, and opens the sink.

use crate::checkpoint::{Checkpoint, Files, Origin, Progress, Resume};
use crate::cli::{Options, Out};
use crate::config::Connection;
use crate::error::{Error, Result};
use crate::load;
use crate::row::Encoder;
use crate::sink::Sink;
use crate::sink::file::FileSink;
use crate::sink::stdout::StdoutSink;
use crate::stamp::after;
use crate::store::Store;
use crate::timestamp::{self, Instant};

/// Loads the state and brings the files of a sync that did not end in order.
/// `loads` says whether files are to be handed over.
pub(crate) fn take_up(
    store: &mut Store,
    origin: &Origin,
    options: &Options,
    loads: bool,
) -> Result<(Option<Checkpoint>, Files)> {
    let state = store.read()?.map(|text| store.parse(&text));
    let (state, mut known) = if options.full_refresh {
        (None, start_over(store, origin, state)?)
    } else {
        let state = state.transpose()?;
        let known = match &state {
            Some(state) => go_on(store, origin, options, state)?,
            None => {
                store.recover(&[])?;
                Files::first()
            }
        };
        (state, known)
    };
    known.last = store.last_stamp(known.last.as_deref())?;
    if loads {
        known.load.get_or_insert_default();
    }
    Ok((state, known))
}

/// Completes the files that a state names, as far as they are sound, and sets
/// the others aside.
fn start_over(
    store: &mut Store,
    origin: &Origin,
    state: Option<Result<Checkpoint>>,
) -> Result<Files> {
    let state = state.and_then(|state| {
        let damaged = |error: &Error| log::warn!("{error}; starting over");
        state.inspect_err(damaged).ok()
    });
    let Some(state) = state else {
        store.start_over(&[])?;
        return Ok(Files::first());
    };
    let other = state.check_origin(origin);
    let same = other.inspect_err(|error| log::warn!("{error}; starting over"));
    let sound = store.start_over(&state.parts())?;
    let mut known = match same {
        Ok(()) => state.files.clone(),
        // Of another table's state only the names count.
        Err(_) => Files {
            last: state.files.last.clone(),
            ..Files::first()
        },
    };
    known.closed.clear();
    let rows = |name: &str| !name.ends_with(".rejected.ndjson");
    let sound = sound.into_iter().filter(|part| rows(&part.file));
    sound.for_each(|part| known.finish(part));
    load::forget_damaged(store, &mut known)?;
    Ok(known)
}

/// Takes up what a state says.
fn go_on(
    store: &mut Store,
    origin: &Origin,
    options: &Options,
    state: &Checkpoint,
) -> Result<Files> {
    let same = state.check_origin(origin);
    same.map_err(|error| store.in_state(error))?;
    if options.since.is_some() && !is_beginning(state) {
        return Err(Error::usage("there is a state already, which says where to start")
            .at("--since")
            .hint("--full-refresh starts over and keeps the old files; --state names another state"));
    }
    let age = store.check_age(state.files.last.as_deref());
    age.map_err(|error| store.in_state(error))?;
    let mut known = state.files.clone();
    if store.recover(&state.parts())? {
        log::warn!("the last sync did not end; what it had committed is kept");
        known.finish(state.part.as_ref().unwrap_or(&Default::default()));
        store.save(Checkpoint::render(&state.progress, &known, None, origin))?;
    }
    Ok(known)
}

/// Whether a state says that nothing was delivered yet.
fn is_beginning(state: &Checkpoint) -> bool {
    let progress = &state.progress;
    progress.resume == Resume::Beginning
        && progress.last_updated_at.is_none()
        && progress.seen.is_empty()
        && state.parts().is_empty()
}

/// How rows are written.
pub(crate) fn encoder(
    connection: &Connection,
    known: &Files,
    options: &Options,
    now: Instant,
) -> Result<Encoder> {
    let encoder = Encoder::new(options.format.unwrap_or_default(), connection)
        .with_header(known.columns.as_deref());
    if options.metadata {
        encoder.with_metadata(known.seq, now)
    } else {
        Ok(encoder)
    }
}

/// Opens the sink. A file's name is later than that of every other.
pub(crate) fn open(
    store: Store,
    origin: &Origin,
    progress: Progress,
    known: Files,
    options: &Options,
    now: Instant,
) -> Result<Box<dyn Sink>> {
    let origin = origin.clone();
    if options.out == Out::Stdout {
        return Ok(Box::new(StdoutSink::new(store, origin, progress, known)?));
    }
    let now = timestamp::compact(now);
    let stamp = match &known.last {
        Some(last) if *last >= now => after(last)?,
        _ => now,
    };
    let extension = options.format.unwrap_or_default().extension();
    Ok(Box::new(FileSink::new(
        store, origin, progress, known, &stamp, extension,
    )))
}
