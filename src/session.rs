//! A sync from its options to its receipt: it opens the connection, the state
//! and the outputs, hands them to the loop, and closes them in order.

mod files;
mod prepare;
mod receipt;
pub(crate) mod start;

use std::sync::Arc;

use crate::cli::Options;
use crate::clock::{Clock, SystemClock, time_of_day};
use crate::connect::connection;
use crate::disk::Disk;
use crate::error::{Kind, Result};
use crate::load::{Loaded, Loader, Shell};
use crate::progress::StatusLine;
use crate::sink::Outcome;
use crate::sink::behind::Behind;
use crate::sync::{Sync, Tally, progress};
use files::open;
pub(crate) use files::take_up;
pub(crate) use prepare::origin;
use prepare::{Prepared, prepare};
use receipt::Closed;
pub use receipt::{Confirmed, Receipt};
pub(crate) use start::{instant, settings, start};

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
    let (connection, secrets) = connection(options)?;
    receipt.table = Some(connection.table.clone());
    let mut clock = SystemClock;
    let hands_over = loader.is_some();
    let prepared = prepare(options, disk, (&connection, &secrets), hands_over, &clock)?;
    let Prepared { mut source, .. } = prepared;
    let before = progress(&prepared.cursor, prepared.checked_at.clone());
    receipt.last_updated_at.clone_from(&before.last_updated_at);
    let (store, origin, known) = (prepared.store, prepared.origin, prepared.known);
    let sink = open(store, &origin, before, known, options, clock.now())?;
    let mut sink = Behind::new(sink)?;
    let mut line = StatusLine::new(options);
    let mut show = |tally: &Tally| line.show(tally);
    let (cursor, encoder) = (prepared.cursor, prepared.encoder);
    let mut sync = Sync::new(
        &connection,
        &mut source,
        cursor,
        encoder,
        &mut sink,
        &mut clock,
    )
    .observed(&mut show)
    .checked_at(prepared.checked_at);
    let result = sync.run();
    receipt.walked(sync.tally(), sync.cursor());
    line.clear();
    receipt.retries = source.count();
    let (closed, result) = close(&mut sink, result, loader);
    receipt.closed(closed);
    result
}

/// Ends what a sync wrote, and hands its files over.
fn close(
    sink: &mut Behind,
    result: Result<()>,
    loader: Option<&mut dyn Loader>,
) -> (Closed, Result<()>) {
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
    let ended = match outcome {
        Err(Some(error)) => Err(error),
        _ => Ok(()),
    };
    // The first error counts. Those that it caused, or that came after it, are
    // told too.
    let mut errors = [result, ended, handed].into_iter().filter_map(Result::err);
    let first = errors.next();
    errors.for_each(|error| log::error!("{error}"));
    let closed = Closed {
        done,
        complete,
        loaded,
    };
    (closed, first.map_or(Ok(()), Err))
}
