//! Questions about the filter: from a bound that the API itself sent and, where
//! that goes wrong, from other bounds, to find out by how much.

use std::time::Duration;

use crate::config::Connection;
use crate::cursor::Mark;
use crate::timestamp::{self, Format, Instant};

use super::ask::{Asked, Asker, Probe, Seen};
use super::evidence::{Evidence, Pick, Shift, coarse, honours, shifted, tells};

/// Other forms of a bound, which are tried where the API does not accept its
/// own.
const SPELLINGS: [&str; 4] = [
    "[year]-[month]-[day]T[hour]:[minute]:[second]Z",
    "[year]-[month]-[day] [hour]:[minute]:[second]",
    "unix",
    "date",
];

/// Asks from a timestamp on that the API sent. Where that goes wrong, it finds
/// out by how much, or tries other forms.
pub(super) fn since(connection: &Connection, all: &mut Evidence, asker: &mut Asker) {
    let deep = all.deep.as_ref().and_then(|probe| probe.seen.as_ref().ok());
    let Some(pick) = pick(&connection.since.format, &all.page, deep) else {
        return;
    };
    let Some(probe) = asker.ask(
        connection,
        from_on(connection, &connection.since.format, &pick.mark),
    ) else {
        return;
    };
    let shift = probe.seen.as_ref().ok();
    let shift = shift.and_then(|seen| shifted(&pick, seen, &all.page));
    let shift = shift.or_else(|| late(connection, all, &pick, &probe, asker));
    match (coarse(&probe, &all.page), shift) {
        (Some(grain), shift) if shift.is_none() || again_coarse(connection, all, &pick, asker) => {
            all.grain = Some(grain);
        }
        (_, Some(shift)) => all.shift = measure(connection, &pick, &probe, shift, asker),
        _ if !honours(&probe, &pick, &all.page) => {
            all.spelling = respelled(connection, &all.page, &pick, &probe.asked, asker);
        }
        _ => {}
    }
    all.since = Some((pick, probe));
}

/// The question from this timestamp on.
fn from_on(connection: &Connection, format: &Format, mark: &Mark) -> Asked {
    Asked {
        since: Some(Mark {
            text: format.spell(&mark.text, mark.at),
            at: format.cut(mark.at),
        }),
        limit: connection.page_size,
        offset: 0,
    }
}

/// Whether a filter that began at the start of a unit does so from another
/// bound too, and is not one that reads its bound in another zone.
fn again_coarse(connection: &Connection, all: &Evidence, pick: &Pick, asker: &mut Asker) -> bool {
    let page = &all.page;
    let mut marks = page.marks.iter().rev();
    let other = marks.find(|mark| {
        let apart = (mark.at.secs - pick.mark.at.secs).abs();
        (900..40_000).contains(&apart) && apart % 900 != 0
    });
    let Some(mark) = other else {
        return true;
    };
    let probe = asker.ask(
        connection,
        from_on(connection, &connection.since.format, mark),
    );
    probe.is_some_and(|probe| coarse(&probe, page).is_some())
}

/// Where the rows of the bound itself are left out: whether those come from a
/// second before it on, as they do where the bound is exclusive, or the filter
/// begins later than it is asked to.
fn late(
    connection: &Connection,
    all: &Evidence,
    pick: &Pick,
    probe: &Probe,
    asker: &mut Asker,
) -> Option<(i64, i64)> {
    let seen = probe.seen.as_ref().ok()?;
    let (_, end) = pick.run?;
    let next = all.page.marks.get(end)?;
    let missing = seen.marks.first().is_some_and(|mark| mark.at >= next.at);
    let cut = probe.asked.since.as_ref()?.at < pick.mark.at;
    if !missing || cut || all.page.disorder().is_some() {
        return None;
    }
    let before = moved(connection, &pick.mark, moved_by(pick.mark.at, -1));
    let before = asker.ask(connection, before)?.seen.ok()?;
    let comes = before.marks.iter().any(|mark| mark.at == pick.mark.at);
    let came = seen.marks.first()?.at.secs - pick.mark.at.secs;
    (!comes).then_some((0, came))
}

/// By how much the filter is shifted, to the quarter of an hour: a bound that
/// is moved the other way by as much brings the row that it was taken from.
fn measure(
    connection: &Connection,
    pick: &Pick,
    probe: &Probe,
    (least, most): (i64, i64),
    asker: &mut Asker,
) -> Option<Shift> {
    const QUARTER: i64 = 900;
    let came = probe.seen.as_ref().ok()?.marks.first();
    let (mut low, mut high) = (
        least.div_euclid(QUARTER),
        most.div_euclid(QUARTER) + i64::from(most.rem_euclid(QUARTER) != 0),
    );
    let mut exact = true;
    while low < high {
        let middle = low + (high - low) / 2;
        // A second on, so that it does not matter whether the bound is inclusive.
        let at = moved_by(pick.mark.at, -(middle * QUARTER + 1));
        let asked = moved(connection, &pick.mark, at);
        let Some(Probe { seen: Ok(seen), .. }) = asker.ask(connection, asked) else {
            exact = false;
            break;
        };
        match seen
            .marks
            .first()
            .is_some_and(|mark| mark.at <= pick.mark.at)
        {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    // From a second later on, that row must be left out again.
    let after = moved_by(pick.mark.at, 1 - low * QUARTER);
    let after = asker.ask(connection, moved(connection, &pick.mark, after));
    exact &= after.is_some_and(|probe| {
        let seen = probe.seen.unwrap_or_default();
        seen.marks.first().is_none_or(|mark| mark.at > pick.mark.at)
    });
    let (least, most) = match exact {
        true => (low * QUARTER, low * QUARTER),
        false => (least, most),
    };
    // There is no shift at all: something else explains what came.
    (most != 0 || least != 0).then(|| Shift {
        asked: probe
            .asked
            .since
            .as_ref()
            .map_or_else(String::new, |mark| mark.text.clone()),
        came: came.map_or_else(
            || "no row came".to_owned(),
            |mark| format!("the first row is {}", mark.text),
        ),
        least,
        most,
    })
}

/// An instant so many seconds later, or earlier.
fn moved_by(at: Instant, seconds: i64) -> Instant {
    let apart = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => at.minus(apart),
        false => at.plus(apart),
    }
}

/// The question from a time on that no row has.
fn moved(connection: &Connection, like: &Mark, at: Instant) -> Asked {
    let format = &connection.since.format;
    let digits = like.text.bytes().all(|b| b.is_ascii_digit());
    let text = match format {
        // As the API itself counts.
        Format::AsReceived if digits && like.text.len() < 12 => Format::Unix.spell("", at),
        Format::AsReceived if digits => Format::UnixMs.spell("", at),
        _ => format.spell(&timestamp::format(at), at),
    };
    Asked {
        since: Some(Mark {
            text,
            at: format.cut(at),
        }),
        limit: connection.page_size,
        offset: 0,
    }
}

/// A form of the bound that is honoured where the API's own form is not.
fn respelled(
    connection: &Connection,
    page: &Seen,
    pick: &Pick,
    sent: &Asked,
    asker: &mut Asker,
) -> Option<String> {
    for text in SPELLINGS {
        let Ok(format) = Format::new(text) else {
            continue;
        };
        let asked = from_on(connection, &format, &pick.mark);
        if asked == *sent || asked.since == sent.since {
            continue;
        }
        // Any API would honour a bound that no row precedes.
        let other = asker
            .ask(connection, asked)
            .filter(|probe| tells(page, probe));
        if other.is_some_and(|probe| honours(&probe, pick, page)) {
            return Some(text.to_owned());
        }
    }
    None
}

/// Asks from a day before the oldest row on.
pub(super) fn earlier(connection: &Connection, all: &Evidence, asker: &mut Asker) -> Option<Probe> {
    const BEFORE: Duration = Duration::from_secs(86_400);
    let oldest = all.page.marks.first()?;
    asker.dare(
        connection,
        moved(connection, oldest, oldest.at.minus(BEFORE)),
    )
}

/// Asks from two days after the newest row that is known.
pub(super) fn later(connection: &Connection, all: &Evidence, asker: &mut Asker) -> Option<Probe> {
    const AFTER: Duration = Duration::from_secs(2 * 86_400);
    let deep = all.deep.as_ref().and_then(|probe| probe.seen.as_ref().ok());
    let pages = [Some(&all.page), deep].into_iter().flatten();
    let newest = pages
        .flat_map(|page| &page.marks)
        .max_by_key(|mark| mark.at)?;
    asker.dare(connection, moved(connection, newest, newest.at.plus(AFTER)))
}

/// The timestamp to try the filter with: one that rows precede, that the
/// format can say, whose rows are all on the page, and whose spelling is as
/// long as any.
fn pick(format: &Format, page: &Seen, deep: Option<&Seen>) -> Option<Pick> {
    let whole = |mark: &Mark| format.cut(mark.at) == mark.at;
    if page.disorder().is_some() {
        let last = page.marks.iter().max_by_key(|mark| mark.at)?;
        return Some(Pick {
            mark: last.clone(),
            run: None,
        });
    }
    let runs = page.runs();
    let after = runs.iter().filter(|(start, _)| *start > 0);
    let best = after.max_by_key(|(start, end)| {
        let mark = &page.marks[*start];
        (whole(mark), *end < page.len(), mark.text.len(), *start)
    });
    let newer = deep
        .and_then(|deep| deep.marks.first())
        .filter(|mark| mark.at > page.at(0));
    match (best, newer) {
        (Some(run), _) => Some(Pick {
            mark: page.marks[run.0].clone(),
            run: Some(*run),
        }),
        (None, Some(mark)) => Some(Pick {
            mark: mark.clone(),
            run: None,
        }),
        (None, None) => Some(Pick {
            mark: page.marks.first()?.clone(),
            run: runs.first().copied(),
        }),
    }
}
