//! All that was asked of the API and answered, as a value, and how its parts
//! are read. It asks nothing and judges nothing.

use crate::config::{self, Connection};
use crate::cursor::Mark;
use crate::error::{Error, Kind, Result};
use crate::template::Slot;
use crate::timestamp::Instant;

use super::ask::{Asked, Probe, Seen};

/// The timestamp that the filter was tried with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pick {
    /// It, as the API spelled it.
    pub(super) mark: Mark,
    /// Its rows on the first page, where it is from there: the first and the
    /// one after the last.
    pub(super) run: Option<(usize, usize)>,
}

/// All that was asked and answered. What is None was not asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Evidence {
    /// The first page.
    pub(super) page: Seen,
    /// What it was asked with.
    pub(super) opening: Option<Asked>,
    /// Why the first page cannot be read, although its rows were found.
    pub(super) fault: Option<Error>,
    /// What a first page without rows hides.
    pub(super) hidden: Option<Hidden>,
    /// From a day before the oldest row on, where the first page came without
    /// the filter.
    pub(super) covered: Option<Probe>,
    /// Without the filter.
    pub(super) free: Option<Free>,
    /// From later than all rows that are known on, where no bound that rows
    /// precede could be tried: the bound as sent, and what came.
    pub(super) later: Option<Probe>,
    /// The first page in the reverse order, where the connection names one.
    pub(super) reverse: Option<Result<Seen>>,
    /// The first page once more.
    pub(super) again: Option<Probe>,
    /// A short page a little further on; its row 0 was at this place before.
    pub(super) next: Option<Probe>,
    /// Near the end, or as deep as a sync may go.
    pub(super) deep: Option<Probe>,
    /// Half as deep, where the deep one failed.
    pub(super) half: Option<Probe>,
    /// Behind the end.
    pub(super) past: Option<Probe>,
    /// From a known timestamp on.
    pub(super) since: Option<(Pick, Probe)>,
    /// By how much later or earlier than asked the filter begins.
    pub(super) shift: Option<Shift>,
    /// The unit that the filter takes as a whole: it begins at its start.
    pub(super) grain: Option<&'static str>,
    /// A form of the bound that is accepted where the API's own form is not.
    pub(super) spelling: Option<String>,
}

/// Rows that a first page without any hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hidden {
    /// So many come without the filter.
    ByFilter(usize),
    /// So many come without any parameter; those that leave none.
    ByParameters(usize, String),
}

/// An answer without the filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Free {
    /// Its rows.
    pub(super) rows: usize,
    /// Those without a timestamp.
    pub(super) lacking: usize,
    /// The total that it told.
    pub(super) total: Option<u64>,
}

/// A filter that reads its bound as another time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shift {
    /// The bound that showed it.
    pub(super) asked: String,
    /// The first row that came, in words.
    pub(super) came: String,
    /// By how many seconds it begins later, at the least.
    pub(super) least: i64,
    /// And at the most.
    pub(super) most: i64,
}

/// How an API is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// By offset.
    Offset,
    /// By numbers of pages.
    Page,
    /// Not at all.
    None,
}

impl Paging {
    /// How this connection asks for pages.
    pub(super) fn of(connection: &Connection) -> Self {
        match connection.paging() {
            config::Paging::Offset => Self::Offset,
            config::Paging::Page | config::Paging::Link => Self::Page,
            config::Paging::None => Self::None,
        }
    }
}

/// Whether the connection tells the API how many rows to send.
pub(super) fn limits(connection: &Connection) -> bool {
    connection.holds(Slot::Limit)
}

/// Whether no rows came.
pub(super) fn is_barren(probe: &Probe) -> bool {
    probe.seen.as_ref().map_or(true, Seen::is_empty)
}

/// Whether a bound could show that the filter filters: rows of the first page
/// precede it.
pub(super) fn tells(page: &Seen, probe: &Probe) -> bool {
    let bound = probe.asked.since.as_ref().map(|mark| mark.at);
    bound.is_some_and(|bound| (0..page.len()).any(|row| page.at(row) < bound))
}

/// Whether the keys rise with the timestamps, so that a page that was sorted
/// by them looks the same.
pub(super) fn rises(page: &Seen) -> bool {
    let number = |id: &str| id.trim_start_matches('#').parse::<u64>();
    let pairs = page.ids.iter().zip(page.ids.iter().skip(1));
    pairs
        .into_iter()
        .all(|(one, next)| match (number(one), number(next)) {
            (Ok(one), Ok(next)) => one < next,
            _ => one < next,
        })
}

/// Whether the filter does what it is for.
pub(super) fn honours(probe: &Probe, pick: &Pick, page: &Seen) -> bool {
    let Ok(seen) = &probe.seen else {
        return false;
    };
    let bound = probe
        .asked
        .since
        .as_ref()
        .map_or(pick.mark.at, |mark| mark.at);
    let newer = (0..page.len()).any(|row| page.at(row) > pick.mark.at);
    let all_after = seen.marks.iter().all(|mark| mark.at >= bound);
    all_after && !(newer && seen.is_empty())
}

/// Whether the form of the bound itself was refused.
pub(super) fn is_refused(probe: &Probe) -> bool {
    probe
        .seen
        .as_ref()
        .is_err_and(|error| error.kind() == Kind::Refused)
}

/// The page that a question brought.
pub(super) fn seen(probe: Option<&Probe>) -> Option<&Seen> {
    probe.and_then(|probe| probe.seen.as_ref().ok())
}

/// What went wrong with a question that nothing else is known of.
pub(super) fn failed(probe: Option<&Probe>) -> Option<String> {
    probe?.seen.as_ref().err().map(ToString::to_string)
}

/// Whether a page brings nothing but rows that came before: an API may answer
/// what lies behind the end with its last page.
pub(super) fn is_known(all: &Evidence, past: &Seen) -> bool {
    let known = [Some(&all.page), seen(all.deep.as_ref())];
    let known = |id: &String| known.iter().flatten().any(|page| page.ids.contains(id));
    // A short question near the end has shown the last row alone.
    past.ids.last().is_some_and(known)
}

/// Whether the filter was seen to filter by its bound.
pub(super) fn is_filtered(all: &Evidence) -> bool {
    let Some((pick, probe)) = &all.since else {
        return false;
    };
    let taken = probe.seen.is_ok() && all.shift.is_none();
    let filters = all.grain.is_some() || honours(probe, pick, &all.page);
    let later = all.later.as_ref().is_some_and(|later| {
        let bound = later.asked.since.as_ref().map(|mark| mark.at);
        let after = |page: &Seen| page.marks.iter().all(|mark| Some(mark.at) >= bound);
        later.seen.as_ref().is_ok_and(after)
    });
    taken && filters && (all.grain.is_some() || tells(&all.page, probe) || later)
}

/// The unit of a filter that lets rows from before its bound through: the
/// smallest unit whose start lies between the rows that came and those that did
/// not.
pub(super) fn coarse(probe: &Probe, page: &Seen) -> Option<&'static str> {
    const GRAINS: [(&str, i128); 5] = [
        ("millisecond", 1_000_000),
        ("second", 1_000_000_000),
        ("minute", 60_000_000_000),
        ("hour", 3_600_000_000_000),
        ("day", 86_400_000_000_000),
    ];
    let whole = |at: Instant| i128::from(at.secs) * 1_000_000_000 + i128::from(at.nanos);
    let bound = whole(probe.asked.since.as_ref()?.at);
    let seen = probe.seen.as_ref().ok()?;
    if seen.disorder().is_some() || page.disorder().is_some() {
        return None;
    }
    let came = whole(seen.marks.first()?.at);
    if came >= bound {
        return None;
    }
    let (name, start) = GRAINS
        .iter()
        .map(|(name, grain)| (*name, bound.div_euclid(*grain) * grain))
        .find(|(_, start)| came >= *start)?;
    let known = (0..page.len()).map(|row| whole(page.at(row)));
    let (mut before, mut missed) = (false, false);
    for at in known {
        before |= at < start;
        missed |= at >= start && at < came;
    }
    (before && !missed).then_some(name)
}

/// By how many seconds a filter begins later than it was asked to, at the
/// least and at the most, where its first row tells that it does.
pub(super) fn shifted(pick: &Pick, seen: &Seen, page: &Seen) -> Option<(i64, i64)> {
    const QUARTER: i64 = 900;
    const FARTHEST: i64 = 14 * 3600;
    if page.disorder().is_some() || seen.disorder().is_some() {
        return None;
    }
    let (_, end) = pick.run?;
    let bound = pick.mark.at.secs;
    let Some(came) = seen.marks.first() else {
        // Nothing came although rows follow: they may all lie before it.
        let last = page.marks.last()?;
        return (last.at > pick.mark.at).then_some((last.at.secs - bound, FARTHEST));
    };
    // What should have come first, with a bound of either kind.
    let next = page.marks.get(end)?;
    let most = came.at.secs - bound;
    let late = came.at > next.at && most >= QUARTER;
    let early = came.at < pick.mark.at && came.at > page.at(0) && -most >= QUARTER;
    if !late && !early {
        return None;
    }
    let before = page.marks.iter().rev().find(|mark| mark.at < came.at);
    let least = before.map_or(-FARTHEST, |mark| mark.at.secs - bound);
    Some((least, most))
}
