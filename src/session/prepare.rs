//! What a sync needs before it can ask: it refuses options that cannot go
//! together, takes the lock, and takes up what the state says.

use std::sync::Arc;

use crate::checkpoint::{Files, Origin};
use crate::cli::{Options, Out};
use crate::clock::{Clock, time_of_day};
use crate::config::Connection;
use crate::connect::{patient, source};
use crate::cursor::{Cursor, Mark};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::row::Encoder;
use crate::secret::Secrets;
use crate::source::retry::Retry;
use crate::store::Store;

use super::files::{encoder, take_up};
use super::start::{instant, settings, start};

/// A sync that can begin.
pub(super) struct Prepared {
    pub(super) store: Store,
    pub(super) origin: Origin,
    /// What the state says of the files.
    pub(super) known: Files,
    pub(super) encoder: Encoder,
    pub(super) source: Retry,
    pub(super) cursor: Cursor,
    /// When the last complete sync ended.
    pub(super) checked_at: Option<String>,
}

/// Prepares a sync; `hands_over` says whether its files are for a consumer.
pub(super) fn prepare(
    options: &Options,
    disk: Arc<dyn Disk>,
    (connection, secrets): (&Connection, &Secrets),
    hands_over: bool,
    clock: &dyn Clock,
) -> Result<Prepared> {
    let (since, until) = range(options, connection)?;
    check_options(options, connection)?;
    // A connection that cannot be used changes nothing. But a recording is
    // begun only under the lock, since another sync may be writing to it.
    let asked = options
        .record
        .is_none()
        .then(|| source(options, connection, secrets))
        .transpose()?;
    let origin = origin(connection, secrets);
    let folder = match &options.out {
        Out::Dir(folder) => Some(folder.clone()),
        Out::Stdout => None,
    };
    let mut store = Store::new(disk, options.state_path(), folder, &connection.table);
    let (process, begin) = (std::process::id(), time_of_day());
    store.lock(&format!("process {process}, running since {begin},"))?;
    let (state, known) = take_up(&mut store, &origin, options, hands_over)?;
    store.sweep()?;
    let encoder = encoder(connection, &known, options, clock.now())?;
    let checked_at = state
        .as_ref()
        .and_then(|state| state.progress.checked_at.clone());
    let start = start(connection, state, since).map_err(|error| store.in_state(error))?;
    let source = asked.map_or_else(|| source(options, connection, secrets), Ok)?;
    let source = patient(source, options, connection, secrets, connection.max_retries)?;
    Ok(Prepared {
        store,
        origin,
        known,
        encoder,
        source,
        cursor: Cursor::new(settings(connection, until.map(|mark| mark.at)), start),
        checked_at,
    })
}

/// The range of time that the options name.
fn range(options: &Options, connection: &Connection) -> Result<(Option<Mark>, Option<Mark>)> {
    let since = instant(
        options.since.as_deref(),
        "--since",
        &connection.since.format,
    )?;
    let until = instant(
        options.until.as_deref(),
        "--until",
        &connection.since.format,
    )?;
    if let (Some(since), Some(until)) = (&since, &until)
        && until.at < since.at
    {
        return Err(Error::usage("--until is before --since").hint("are they the other way round?"));
    }
    Ok((since, until))
}

/// Refuses options that cannot go together, or not with this connection.
fn check_options(options: &Options, connection: &Connection) -> Result<()> {
    if connection.reject_bad_rows && options.out == Out::Stdout {
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
    Ok(())
}

/// Where the rows come from, without secrets.
pub(crate) fn origin(connection: &Connection, secrets: &Secrets) -> Origin {
    Origin {
        url: secrets.redact(&connection.url).into_owned(),
        table: connection.table.clone(),
        primary_key: connection
            .primary_key
            .iter()
            .map(|key| key.name.clone())
            .collect(),
        cursor: connection.cursor.name.clone(),
    }
}
