//! Where a sync starts: what the state, the flags and the connection say about
//! that, in the words of the cursor.

use crate::checkpoint::{Checkpoint, Resume};
use crate::config::{self, Connection};
use crate::cursor::{Bound, Mark, Order, Paging, Settings, Start};
use crate::error::{Error, Result};
use crate::seen::Seen;
use crate::template::Slot;
use crate::timestamp::{self, Format, Instant};

/// A flag's timestamp; a date stands for its midnight in UTC.
pub(crate) fn instant(text: Option<&str>, flag: &str, format: &Format) -> Result<Option<Mark>> {
    let Some(text) = text else {
        return Ok(None);
    };
    // Of the zone's day where local times have one.
    let zone = if format.is_local() { "" } else { "Z" };
    let midnight = format!("{text}T00:00:00{zone}");
    if let Some(at) = read(text, format) {
        return Ok(Some(Mark {
            text: text.to_owned(),
            at,
        }));
    }
    if let Some(at) = read(&midnight, format) {
        return Ok(Some(Mark { text: midnight, at }));
    }
    Err(Error::usage(format!("{text:?} is no timestamp"))
        .at(flag)
        .hint("write it as 2024-01-15T10:30:00Z"))
}

/// A person who writes a timestamp by hand may write RFC 3339 for any API.
fn read(text: &str, format: &Format) -> Option<Instant> {
    known(text, format).or_else(|| timestamp::parse(text))
}

/// A cursor's value, which may have been a number.
fn known(text: &str, format: &Format) -> Option<Instant> {
    let read = format.read(text, false);
    read.or_else(|| format.read(text, true))
}

/// Where the cursor takes up.
pub(crate) fn start(
    connection: &Connection,
    state: Option<Checkpoint>,
    since: Option<Mark>,
) -> Result<Start> {
    let format = &connection.since.format;
    let spelled = |mark: &Mark| Bound::spelled(mark, format);
    let first = match (&since, &connection.since.first) {
        (Some(since), _) => since_bound(connection, since),
        (None, None) => Bound {
            text: None,
            at: Instant::MIN,
        },
        (None, Some(text)) => match read(text, format) {
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
    let marked = |text: &str| {
        let at = known(text, format).or_else(|| timestamp::parse(text));
        let at = at.ok_or_else(|| {
            Error::local(format!("the state's {text:?} is no timestamp of this API"))
                .hint("has \"since\": {\"format\": …} changed in the connection file?")
        })?;
        Ok(Mark {
            text: text.to_owned(),
            at,
        })
    };
    let mark = progress
        .last_updated_at
        .as_deref()
        .map(marked)
        .transpose()?;
    let bound = match (&progress.resume, &mark) {
        (Resume::At(text), _) => match marked(text) {
            Ok(mark) => not_before(spelled(&mark), progress.start.as_deref()),
            // The first bound may be no timestamp; it is sent as it is.
            Err(_) if connection.since.first.as_ref() == Some(text) => first.clone(),
            Err(error) => return Err(error),
        },
        (Resume::Mark, Some(mark)) => spelled(mark),
        _ => first.clone(),
    };
    if let Some(why) = &progress.refuted {
        log::warn!(
            "the last sync was not believed ({why}); this one begins where everything is proved, so that rows may come once more"
        );
    }
    // Rows may have been read as of the second hour that the mark's text means.
    let newest = mark.as_ref().and_then(|mark| format.latest(&mark.text));
    let newest = newest.unwrap_or(Instant::MAX);
    Ok(Start {
        bound,
        mark,
        seen: Seen::load(progress.seen, newest),
        question: progress.question,
        beginning: first,
        refuted: progress.refuted,
    })
}

/// The bound from which the rows at a mark and after it come. Rows before it
/// are not wanted, however the API's filter cuts: where that leaves out the rows
/// of its own bound, an earlier one is sent.
pub(crate) fn since_bound(connection: &Connection, since: &Mark) -> Bound {
    let format = &connection.since.format;
    let earlier = || format.before_like(&since.text, since.at);
    let sent = match connection.since.exclusive.then(earlier).flatten() {
        Some((text, at)) => Mark { text, at },
        None => since.clone(),
    };
    Bound {
        at: since.at,
        ..Bound::spelled(&sent, format)
    }
}

/// The bound, from which rows before `start` are not wanted.
fn not_before(bound: Bound, start: Option<&str>) -> Bound {
    let start = start.and_then(timestamp::parse);
    Bound {
        at: start.map_or(bound.at, |start| start.max(bound.at)),
        ..bound
    }
}

/// How the connection is walked, as the cursor takes it.
pub(crate) fn settings(connection: &Connection, until: Option<Instant>) -> Settings {
    Settings {
        limit: connection.page_size,
        max_offset: connection.max_offset,
        exclusive: connection.since.exclusive,
        order: if connection.sorted {
            Order::Sorted
        } else {
            Order::Unsorted
        },
        paging: paging(connection),
        filters: connection.holds(Slot::Since),
        limits: connection.holds(Slot::Limit),
        format: connection.since.format.clone(),
        lookback: connection.lookback,
        until,
    }
}

/// How the connection asks for the page after a page.
fn paging(connection: &Connection) -> Paging {
    match connection.paging() {
        config::Paging::Offset => Paging::Offset,
        config::Paging::Page => Paging::Page,
        config::Paging::Link => Paging::Link,
        config::Paging::None => Paging::Keyset,
    }
}
