//! A rehearsal: the loop of a real sync with its cursor, over the real source,
//! into a sink that keeps nothing; then the sync after it, from the state that
//! results. It writes nothing, and it ends after a fixed number of pages.

use std::sync::{Arc, Mutex, PoisonError};

use crate::checkpoint::{Checkpoint, Progress};
use crate::clock::SystemClock;
use crate::config::Connection;
use crate::cursor::{Cursor, Start};
use crate::error::{Error, Kind, Result};
use crate::row::Encoder;
use crate::session::start::{settings, start};
use crate::sink::behind::Behind;
use crate::sink::{Batch, Outcome, Sink};
use crate::sync::Sync;

use super::ask::Asker;
use super::clause::Clause;
use super::finding::Finding;

/// Pages of a first sync, and of the one after it.
pub(super) const PAGES: (u64, u64) = (24, 8);
/// The same for a setting that is to be advised.
pub(super) const ADVISED: (u64, u64) = (8, 5);

/// The result of a rehearsed sync.
#[derive(Debug, Clone, Default)]
struct Noted {
    progress: Option<Progress>,
    rows: u64,
    /// How many batches may still come.
    left: u64,
    stopped: bool,
}

/// A sink that only remembers how far a sync came.
struct Nowhere(Arc<Mutex<Noted>>);

impl Nowhere {
    fn noted(&self) -> Noted {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clone()
    }
}

impl Sink for Nowhere {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.rows += batch.rows;
        if let Some(progress) = &batch.progress {
            noted.progress = Some(progress.clone());
        }
        if noted.left == 0 {
            noted.stopped = true;
            return Err(Error::local("enough was seen"));
        }
        noted.left -= 1;
        Ok(())
    }

    fn finish(&mut self, _: bool) -> Result<Outcome> {
        Ok(Outcome::default())
    }

    fn committed(&self) -> Outcome {
        Outcome {
            rows: self.noted().rows,
            ..Outcome::default()
        }
    }
}

/// The result of a rehearsal.
pub(super) enum Rehearsed {
    /// Nothing spoke against it: what is to be said of it.
    Sound(Finding),
    /// A sync would end with this error.
    Broken(Finding),
}

/// Rehearses a first sync and the one after it. None where the network, or
/// the end of a recording, left it open.
pub(super) fn rehearse(
    connection: &Connection,
    asker: &mut Asker,
    pages: (u64, u64),
) -> Option<Rehearsed> {
    let begin = start(connection, None, None).ok()?;
    let (noted, first) = sync(connection, asker, begin, pages.0);
    if let Err(error) = first {
        return open(asker, "a sync", error);
    }
    let state = Checkpoint {
        progress: noted.progress?,
        ..Checkpoint::default()
    };
    let again = match start(connection, Some(state), None) {
        Ok(again) => again,
        Err(error) => return open(asker, "the sync after it", error),
    };
    let (_, second) = sync(connection, asker, again, pages.1);
    if let Err(error) = second {
        return open(asker, "the sync after the first", error);
    }
    let rows = noted.rows;
    Some(Rehearsed::Sound(if noted.stopped {
        Finding::ok(
            Clause::Sync,
            format!("the first {rows} rows, and a sync that goes on from there, were rehearsed"),
        )
    } else {
        Finding::ok(
            Clause::Sync,
            format!("{rows} rows, and the sync after it, were rehearsed"),
        )
    }))
}

/// What an error of a rehearsed sync means for the report.
fn open(asker: &mut Asker, which: &str, error: Error) -> Option<Rehearsed> {
    match error.kind() {
        Kind::Contract | Kind::Refused => {
            let remedy = error.hint_text().to_owned();
            let check = Finding::broken(Clause::Sync, format!("{which} ends with: {error}"));
            Some(Rehearsed::Broken(check.remedy(remedy)))
        }
        Kind::Temporary => {
            asker.halt = Some(error);
            None
        }
        Kind::Usage | Kind::Local | Kind::Differs => None,
    }
}

/// One sync, which ends well where it is stopped.
fn sync(
    connection: &Connection,
    asker: &mut Asker,
    begin: Start,
    pages: u64,
) -> (Noted, Result<()>) {
    let noted = Arc::new(Mutex::new(Noted {
        left: pages,
        ..Noted::default()
    }));
    let sink = Nowhere(Arc::clone(&noted));
    let mut sink = match Behind::new(Box::new(sink)) {
        Ok(sink) => sink,
        Err(error) => return (Noted::default(), Err(error)),
    };
    let cursor = Cursor::new(settings(connection, None), begin);
    let encoder = Encoder::new(Default::default(), connection);
    let (source, mut clock) = (&mut asker.source, SystemClock);
    let result = Sync::new(connection, source, cursor, encoder, &mut sink, &mut clock).run();
    // All batches are with the sink once its thread has ended.
    _ = sink.committed();
    let noted = Nowhere(noted).noted();
    let result = if noted.stopped { Ok(()) } else { result };
    (noted, result)
}
