//! `audit`: is it all there, and what was deleted? It walks the whole table as
//! a first sync does, and compares each row with what the finished files say
//! is the table. It writes nothing and takes no lock, unless it is to repair.
//!
//! # Why nothing is called missing or deleted that is not
//!
//! The files are listed before the first request, at an instant B, and rows
//! stamped at or after B less the lookback are too young to be judged.
//!
//! - *Missing*: the walk met a version that is older than that, and the files
//!   have another one or none. By the lookback's promise the API showed that
//!   version before B, and the files did not have it. Where the row changed
//!   during the walk, the walk that follows meets the newer version, which is
//!   young; the last version that was met counts.
//! - *Deleted*: the files have the row and the walk did not meet it. A complete
//!   walk meets every row that stands still while it lasts ([`crate::cursor`]).
//!   One that was updated moves to the end, and the walk may end before that,
//!   since it goes no further than its own beginning. So the walk is carried on
//!   from where it ended, as the next sync would be, until one round brings
//!   nothing new or fits on one page. A row that moved in any round is met in
//!   the next one, unless it moves there too; the last round is one consistent
//!   answer, in which every row that has moved since the round before must be.
//!   Where rows never stand still for so long, rows that were not met are too
//!   young to be judged.

mod book;
mod content;
mod glance;
mod hash;
mod judge;
mod ledger;
mod repair;
mod report;

use std::sync::{Arc, Mutex, OnceLock};

use crate::checkpoint::{Checkpoint, Origin, Progress};
use crate::cli::Options;
use crate::clock::{self, SystemClock};
use crate::config::Connection;
use crate::connect::{connection, patient, source};
use crate::cursor::{Cursor, Start};
use crate::disk::Disk;
use crate::error::{Error, Refusal, Result};
use crate::progress::StatusLine;
use crate::row::{Encoder, FileFormat};
use crate::secret;
use crate::session::{instant, origin, settings, start};
use crate::sink::behind::Behind;
use crate::source::retry::Retry;
use crate::store::Store;
use crate::sync::{Sync, Tally};
use crate::table::{folder, held, identify};
use book::Book;
use judge::{Dated, Judge};
use ledger::Standing;
use repair::Repair;
pub use repair::Repaired;
use report::NAMED;
pub use report::Report;

/// How often the walk is carried on at most.
const ROUNDS: u32 = 6;
/// A round with at most this many requests had one page, besides the requests
/// that prove the end.
const SHORT: u64 = 2;

/// Compares the files with the API.
///
/// # Errors
/// Those of a sync, and [`crate::error::Kind::Local`] where a file is damaged
/// or a sync did not end.
pub fn run(options: &Options, disk: &Arc<dyn Disk>) -> Result<Report> {
    let began = std::time::Instant::now();
    let (connection, secrets) = connection(options)?;
    let since = instant(
        options.since.as_deref(),
        "--since",
        &connection.since.format,
    )?;
    let folder = folder(options);
    let (state, repair) = match options.repair {
        true => Repair::open(options, disk, &connection, &secrets)
            .map(|(state, repair)| (state, Some(repair)))?,
        false => (
            at_rest(options, disk, &origin(&connection, &secrets))?,
            None,
        ),
    };
    let ways = ways(&connection, repair.is_some())?;
    let identity = identify(options, state.as_ref())?;
    let files = held(&**disk, &folder, &identity)?;
    let written = repair.as_ref().map(|repair| repair.format);
    let formats = files.iter().map(|file| file.format).chain(written);
    let cells = formats.into_iter().any(|format| format == FileFormat::Csv);
    let begun = Arc::new(OnceLock::new());
    let files = (Arc::clone(disk), files);
    let mut book = Book::new(
        files,
        identity.clone(),
        &connection,
        cells,
        Arc::clone(&begun),
    );
    book.file_all()?;
    book.repair = repair;
    let asked = source(options, &connection, &secrets)?;
    let asked = Box::new(Dated {
        source: asked,
        begun,
    });
    let mut asked = patient(
        asked,
        options,
        &connection,
        &secrets,
        connection.max_retries,
    )?;
    let book = Arc::new(Mutex::new(book));
    let first = start(&connection, None, since)?;
    let walked = walk_all(options, &connection, &mut asked, &book, first);
    let mut book = book
        .lock()
        .map_err(|_| Error::local("the thread that compares is gone"))?;
    if let (Err(_), Some(repair)) = (&walked, &mut book.repair) {
        repair.give_up();
    }
    let (settled, progress) = walked?;
    let mut report = Report {
        table: secret::redacted(&identity.name).into_owned(),
        files: book.ledger.filed(),
        requests: asked.requests(),
        columns_added: book.added.clone(),
        columns_left: book.compare_again()?,
        ..Report::default()
    };
    book.look_at_unmet()?;
    sum_up(&mut report, &mut book, settled)?;
    mend(options, &mut report, &mut book, &ways, progress)?;
    report.seconds = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    Ok(report)
}

/// Writes what the files lack, and what was deleted, where that is wanted.
fn mend(
    options: &Options,
    report: &mut Report,
    book: &mut Book,
    ways: &[Vec<String>],
    progress: Progress,
) -> Result<()> {
    if book.repair.is_none() {
        return Ok(());
    }
    // A table that lost so many rows was more likely emptied by mistake.
    let held_back = report.deleted > report.files / 2 && !options.yes;
    if report.deleted > 0 && !held_back {
        book.bury(ways)?;
    }
    if let Some(repair) = &mut book.repair {
        repair.done.held_back = held_back;
        repair.commit(progress)?;
        report.repaired = Some(repair.done.clone());
    }
    Ok(())
}

/// The state, where no sync is under way.
fn at_rest(options: &Options, disk: &Arc<dyn Disk>, origin: &Origin) -> Result<Option<Checkpoint>> {
    let store = Store::new(Arc::clone(disk), options.state_path(), None, "");
    let state = store.load()?;
    if let Some(state) = &state {
        let same = state.check_origin(origin);
        same.map_err(|error| store.in_state(error))?;
        if !state.parts().is_empty() {
            return Err(Error::local("a sync is running, or did not end")
                .at(folder(options).display())
                .hint("wait for it, or run highwater sync once, which completes it"));
        }
    }
    Ok(state)
}

/// Where the fields of the key are in the rows of the files.
fn ways(connection: &Connection, repairs: bool) -> Result<Vec<Vec<String>>> {
    let columns = connection.columns.as_deref().unwrap_or_default();
    let key = connection.primary_key.iter();
    let ways: Vec<Vec<String>> = key
        .map(
            |key| match columns.iter().any(|(field, _)| field.path == key.path) {
                true => vec![key.name.clone()],
                false => key.path.clone(),
            },
        )
        .collect();
    let mut firsts: Vec<_> = ways.iter().map(|way| way.first()).collect();
    firsts.sort_unstable();
    firsts.dedup();
    if repairs && firsts.len() < ways.len() {
        return Err(Error::usage("several fields of the key are inside of one")
            .at("--repair")
            .hint("declare them in \"columns\""));
    }
    Ok(ways)
}

/// Walks the table, and then what changed meanwhile, until nothing changes.
/// Answers whether rows that were not met are truly not there.
fn walk_all(
    options: &Options,
    connection: &Connection,
    asked: &mut Retry,
    book: &Arc<Mutex<Book>>,
    first: Start,
) -> Result<(bool, Progress)> {
    let mut round = walk(options, connection, asked, book, first)?;
    let is_quiet = round.drifts == 0;
    // Later walks meet the same columns again.
    let set_aside = book.lock().map_or(0, |book| book.set_aside);
    let settled = carry_on(options, connection, asked, book, (&mut round, is_quiet))?;
    if let Ok(mut book) = book.lock() {
        book.set_aside = set_aside;
    }
    Ok((settled, round.progress))
}

/// Walks what changed since the last round, until a round settles it.
fn carry_on(
    options: &Options,
    connection: &Connection,
    asked: &mut Retry,
    book: &Arc<Mutex<Book>>,
    (round, is_quiet): (&mut Round, bool),
) -> Result<bool> {
    for _ in 0..ROUNDS {
        let open = book.lock().map_or(0, |book| {
            let counts = [Standing::Unmet, Standing::New, Standing::Older];
            counts
                .map(|standing| book.ledger.count(standing))
                .iter()
                .sum()
        });
        if open == 0 {
            return Ok(true);
        }
        let state = Checkpoint {
            progress: round.progress.clone(),
            ..Checkpoint::default()
        };
        let before = asked.requests();
        *round = match walk(
            options,
            connection,
            asked,
            book,
            start(connection, Some(state), None)?,
        ) {
            Ok(round) => round,
            // A recording of one walk without a drift shows rows that did not
            // change.
            Err(error) if error.refusal() == Some(Refusal::Unrecorded) => return Ok(is_quiet),
            Err(error) => return Err(error),
        };
        if round.rows == 0 || (asked.requests() - before <= SHORT && round.drifts == 0) {
            return Ok(true);
        }
    }
    log::warn!("rows change so often that those that were not met cannot be called deleted");
    Ok(false)
}

/// The result of a walk.
struct Round {
    progress: Progress,
    rows: u64,
    drifts: u64,
}

/// One walk from a start to its end.
fn walk(
    options: &Options,
    connection: &Connection,
    asked: &mut Retry,
    book: &Arc<Mutex<Book>>,
    start: Start,
) -> Result<Round> {
    let cursor = Cursor::new(settings(connection, None), start);
    let mut encoder = Encoder::new(FileFormat::Ndjson, connection);
    let seq = book.lock().ok().and_then(|book| {
        let repair = book.repair.as_ref().filter(|repair| repair.metadata)?;
        Some(repair.seq)
    });
    if let Some(seq) = seq {
        encoder = encoder.with_metadata(seq, clock::now())?;
    }
    let mut sink = Behind::new(Box::new(Judge(Arc::clone(book))))?;
    let mut line = StatusLine::new(options);
    let (mut clock, mut show) = (SystemClock, |tally: &Tally| line.show(tally));
    let mut walk =
        Sync::new(connection, asked, cursor, encoder, &mut sink, &mut clock).observed(&mut show);
    let result = walk.run();
    let round = Round {
        progress: walk.progress(),
        rows: walk.tally().rows,
        drifts: walk.cursor().counts().drifts,
    };
    line.clear();
    sink.finish(result.is_ok())?;
    result?;
    Ok(round)
}

/// Counts the rows of each kind, and names some of them.
fn sum_up(report: &mut Report, book: &mut Book, settled: bool) -> Result<()> {
    // A row with a fault and no key may be any of those that were not met.
    let settled = settled && !book.keyless;
    let count = |standing| book.ledger.count(standing);
    let unmet = count(Standing::Unmet);
    report.api = book.ledger.met();
    report.alike = count(Standing::Alike);
    report.never = count(Standing::New);
    report.missing = report.never + count(Standing::Older);
    report.deleted = if settled { unmet } else { 0 };
    let recent = count(Standing::Recent);
    report.young = count(Standing::Young) + recent + unmet - report.deleted;
    report.set_aside = book.set_aside;
    report.unmet = unmet - report.deleted;
    report.alike_all = report.missing == 0 && unmet == 0;
    let mut name = |standing, id: String| {
        let ids = match standing {
            Some(Standing::New | Standing::Older) => &mut report.missing_ids,
            Some(Standing::Unmet) if settled => &mut report.deleted_ids,
            Some(Standing::Young | Standing::Recent | Standing::Unmet) => &mut report.young_ids,
            _ => return,
        };
        if ids.len() < NAMED && !ids.contains(&id) {
            ids.push(id);
        }
    };
    book.name(&mut name)
}
