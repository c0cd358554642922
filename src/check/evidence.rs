//! Which questions are put to the API, and what came of each. Every question
//! follows from the answers before it; none is asked that cannot tell.

use crate::config::{self, Connection};
use crate::cursor::Mark;
use std::time::Duration;

use crate::error::{Kind, Result};
use crate::template::Slot;
use crate::timestamp::{self, Format};

use super::ask::{Answer, Asked, Asker, Probe, Seen, opening};

/// A deep offset that comes back empty may be a cap only from here on.
const DEEP: u64 = 1000;
/// Other spellings of a bound that are tried where the API's own is not taken.
const SPELLINGS: [&str; 4] = [
    "[year]-[month]-[day]T[hour]:[minute]:[second]Z",
    "[year]-[month]-[day] [hour]:[minute]:[second]",
    "unix",
    "date",
];

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
    /// Without the filter.
    pub(super) unfiltered: Option<Probe>,
    /// From later than all rows that are known on, where no bound that rows
    /// precede could be tried: the bound as sent, and what came.
    pub(super) later: Option<Probe>,
    /// The first page in the reverse order, where the connection names one.
    pub(super) reverse: Option<Result<Seen>>,
    /// The first page once more.
    pub(super) again: Option<Probe>,
    /// A short page a little further on; its row 0 was at this row before.
    pub(super) next: Option<Probe>,
    /// Near the end, or as deep as a sync may go.
    pub(super) deep: Option<Probe>,
    /// Half as deep, where the deep one failed.
    pub(super) half: Option<Probe>,
    /// Behind the end.
    pub(super) past: Option<Probe>,
    /// From a known timestamp on.
    pub(super) since: Option<(Pick, Probe)>,
    /// From the first row's timestamp on, where none came from a later one.
    pub(super) zone: Option<Probe>,
    /// A spelling that is taken where the API's own is not.
    pub(super) spelling: Option<String>,
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
    pub(super) fn of(of: &Connection) -> Self {
        match of.paging() {
            config::Paging::Offset => Self::Offset,
            config::Paging::Page | config::Paging::Link => Self::Page,
            config::Paging::None => Self::None,
        }
    }
}

/// Whether the connection tells the API how many rows to send.
pub(super) fn limits(of: &Connection) -> bool {
    of.holds(Slot::Limit)
}

/// Asks what is to be asked after the first answer.
pub(super) fn gather(of: &Connection, first: &Answer, asker: &mut Asker) -> Evidence {
    let mut all = Evidence {
        opening: Some(opening(of)),
        ..Evidence::default()
    };
    let Ok(page) = first.page(of) else {
        return all;
    };
    let opening = opening(of);
    if page.is_empty() {
        let free = Asked {
            since: None,
            ..opening.clone()
        };
        if opening.since.is_some() {
            all.unfiltered = asker.ask(of, free);
        }
        return all;
    }
    all.page = page;
    let (page, count) = (&all.page, all.page.len() as u64);
    if page.runs().iter().any(|(start, end)| end - start > 1) {
        all.again = asker.ask(of, opening.clone());
    }
    let paging = Paging::of(of);
    // Numbered pages are of the size that the API makes them.
    let size = if paging == Paging::Page && limits(of) {
        count.min(of.page_size)
    } else {
        of.page_size
    };
    let from = |limit: u64, offset: u64| Asked {
        limit,
        offset,
        ..opening.clone()
    };
    if paging != Paging::None && count > 1 {
        all.next = asker.ask(
            of,
            match paging {
                Paging::Offset => from(2, step(page) as u64),
                _ if limits(of) => from(count / 2, count / 2),
                _ => from(size, size),
            },
        );
    }
    if paging != Paging::None {
        let limit = if paging == Paging::Offset { 2 } else { size };
        let end = match page.total {
            Some(total) => Some(total.max(count)),
            None if count < of.page_size => Some(count),
            None => None,
        };
        let deepest = match page.total {
            Some(total) => (total.max(1) - 1).min(of.max_offset),
            // A page that is full, and no word of how many follow.
            None if end.is_none() => of.max_offset,
            None => 0,
        };
        if deepest >= count {
            let told = page.total.is_some();
            let probe = asker.dare(of, from(limit, deepest));
            let barren = probe.as_ref().is_some_and(is_barren);
            let failed = probe.as_ref().is_some_and(|probe| probe.seen.is_err());
            if deepest >= DEEP && (failed || barren && told) {
                all.half = asker.dare(of, from(limit, deepest / 2));
            }
            // Where nothing was promised, an empty page is the end.
            match barren && !failed && !told {
                true => all.past = probe,
                false => all.deep = probe,
            }
        }
        if let Some(end) = end {
            let offset = match paging {
                Paging::Page => end.next_multiple_of(size.max(1)),
                _ => end,
            };
            if offset <= of.max_offset {
                all.past = asker.dare(of, from(limit, offset));
            }
        }
    }
    since(of, &mut all, asker);
    if all
        .since
        .as_ref()
        .is_some_and(|(_, probe)| !tells(&all.page, probe))
    {
        all.later = later(of, &all, asker);
    }
    let free = Asked {
        since: None,
        ..opening.clone()
    };
    if opening.since.is_some() && of.holds(Slot::Since) {
        all.unfiltered = asker.dare(of, free);
    }
    if of.sorted && all.page.at(0) < all.page.at(all.page.len() - 1) && rises(&all.page) {
        all.reverse = asker.reversed(of, &opening);
    }
    all
}

/// The offset that is tried: that of the first row that is newer than the one
/// before it, so that another order among equals cannot mislead.
pub(super) fn step(page: &Seen) -> usize {
    let newer = (1..page.len()).find(|row| page.at(*row) > page.at(*row - 1));
    newer.unwrap_or(1)
}

/// Whether no rows came.
pub(super) fn is_barren(probe: &Probe) -> bool {
    probe.seen.as_ref().map_or(true, Seen::is_empty)
}

/// Asks from a timestamp on that the API sent, and where that goes wrong tries
/// other spellings of it.
fn since(of: &Connection, all: &mut Evidence, asker: &mut Asker) {
    let deep = all.deep.as_ref().and_then(|probe| probe.seen.as_ref().ok());
    let Some(pick) = pick(&of.since.format, &all.page, deep) else {
        return;
    };
    let spelled = |format: &Format| Asked {
        since: Some(Mark {
            text: format.spell(&pick.mark.text, pick.mark.at),
            at: format.cut(pick.mark.at),
        }),
        limit: of.page_size,
        offset: 0,
    };
    let Some(probe) = asker.ask(of, spelled(&of.since.format)) else {
        return;
    };
    if !honours(&probe, &pick, &all.page) {
        let sent = probe.asked.clone();
        for text in SPELLINGS {
            let Ok(format) = Format::new(text) else {
                continue;
            };
            let asked = spelled(&format);
            if asked == sent || asked.since == sent.since {
                continue;
            }
            // A bound that no row precedes would be honoured by any API.
            let other = asker.ask(of, asked).filter(|probe| tells(&all.page, probe));
            if other.is_some_and(|probe| honours(&probe, &pick, &all.page)) {
                all.spelling = Some(text.to_owned());
                break;
            }
        }
    }
    if all.spelling.is_none()
        && probe.seen.as_ref().is_ok_and(Seen::is_empty)
        && let Some(mark) = all.page.marks.first().filter(|mark| mark.at < pick.mark.at)
    {
        let first = Mark {
            text: of.since.format.spell(&mark.text, mark.at),
            at: mark.at,
        };
        all.zone = asker.ask(
            of,
            Asked {
                since: Some(first),
                ..spelled(&of.since.format)
            },
        );
    }
    all.since = Some((pick, probe));
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

/// Asks from two days after the newest row that is known.
fn later(of: &Connection, all: &Evidence, asker: &mut Asker) -> Option<Probe> {
    const AFTER: Duration = Duration::from_secs(2 * 86_400);
    let deep = all.deep.as_ref().and_then(|probe| probe.seen.as_ref().ok());
    let pages = [Some(&all.page), deep].into_iter().flatten();
    let newest = pages
        .flat_map(|page| &page.marks)
        .max_by_key(|mark| mark.at)?;
    let at = newest.at.plus(AFTER);
    let format = &of.since.format;
    let text = if newest.text.bytes().all(|b| b.is_ascii_digit()) {
        format.spell("", at)
    } else {
        format.spell(&timestamp::format(at), at)
    };
    let since = Some(Mark {
        text,
        at: format.cut(at),
    });
    let asked = Asked {
        since,
        limit: of.page_size,
        offset: 0,
    };
    asker.dare(of, asked)
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

/// Whether the spelling itself was refused.
pub(super) fn is_refused(probe: &Probe) -> bool {
    probe
        .seen
        .as_ref()
        .is_err_and(|error| error.kind() == Kind::Refused)
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
