//! Which questions are put to the API. Each follows from the answers before
//! it; none is asked that cannot tell, and none is judged here.

use crate::config::Connection;
use crate::json;
use crate::template::Slot;

use super::ask::{Answer, Asked, Asker, Seen, opening};
use super::bounds::{earlier, later, since};
use super::evidence::{Evidence, Free, Hidden, Paging, honours, is_barren, limits, rises, tells};
use super::parameters;
use super::survey::fields::value;
use super::survey::json::{items, whole};

/// A deep offset that comes back empty may be a limit only from here on.
const DEEP: u64 = 1000;

/// Asks everything that follows the first answer.
pub(super) fn gather(of: &Connection, first: &mut Answer, asker: &mut Asker) -> Evidence {
    let opening = opening(of);
    let mut all = Evidence {
        opening: Some(opening.clone()),
        ..Evidence::default()
    };
    match first.page(of) {
        Ok(page) => all.page = page,
        Err(error) => {
            all.fault = Some(error);
            return all;
        }
    }
    if all.page.is_empty() {
        all.hidden = hidden(of, &opening, asker);
        return all;
    }
    if all.page.runs().iter().any(|(start, end)| end - start > 1) {
        all.again = asker.ask(of, opening.clone());
    }
    if Paging::of(of) != Paging::None {
        farther(of, &mut all, &opening, asker);
    }
    since(of, &mut all, asker);
    let tried = all.since.as_ref();
    if tried.is_some_and(|(pick, probe)| {
        let told = tells(&all.page, probe) && honours(probe, pick, &all.page);
        let explained = all.grain.is_some() || all.shift.is_some() || all.spelling.is_some();
        !told && !explained
    }) {
        all.later = later(of, &all, asker);
    }
    if of.holds(Slot::Since) {
        all.free = free(of, &opening, asker);
        if opening.since.is_none() && all.page.disorder().is_none() {
            all.covered = earlier(of, &all, asker);
        }
    }
    if of.sorted && all.page.at(0) < all.page.at(all.page.len() - 1) && rises(&all.page) {
        all.reverse = asker.reversed(of, &opening);
    }
    all
}

/// Where there are no rows: what hides them.
fn hidden(of: &Connection, opening: &Asked, asker: &mut Asker) -> Option<Hidden> {
    if opening.since.is_some() {
        let free = Asked {
            since: None,
            ..opening.clone()
        };
        let free = asker.ask(of, free)?.seen.ok();
        if let Some(page) = free.filter(|page| !page.is_empty()) {
            return Some(Hidden::ByFilter(page.len()));
        }
    }
    let (rows, names) = parameters::hiding(of, asker)?;
    Some(Hidden::ByParameters(rows, names))
}

/// Asks for further pages: the next, one near the end, one behind it.
fn farther(of: &Connection, all: &mut Evidence, opening: &Asked, asker: &mut Asker) {
    let paging = Paging::of(of);
    let (page, count) = (&all.page, all.page.len() as u64);
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
    if count > 1 {
        all.next = asker.ask(
            of,
            match paging {
                Paging::Offset => from(2, step(page) as u64),
                _ if limits(of) => from(count / 2, count / 2),
                _ => from(size, size),
            },
        );
    }
    let limit = if paging == Paging::Offset { 2 } else { size };
    let end = match page.total {
        Some(total) => Some(total.max(count)),
        None if count < of.page_size => Some(count),
        None => None,
    };
    let deepest = match page.total {
        Some(total) => (total.max(1) - 1).min(of.max_offset),
        // The page is full, and nothing says how many rows follow.
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
        // Where no total was told, an empty page is the end.
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

/// The offset that is tried: that of the first row that is newer than the one
/// before it, so that another order among equals cannot mislead.
fn step(page: &Seen) -> usize {
    let newer = (1..page.len()).find(|row| page.at(*row) > page.at(*row - 1));
    newer.unwrap_or(1)
}

/// Asks without the filter, and counts.
fn free(of: &Connection, opening: &Asked, asker: &mut Asker) -> Option<Free> {
    let asked = Asked {
        since: None,
        ..opening.clone()
    };
    let answer = asker.answer(of, &asked)?;
    let total = answer.total(of);
    let list = json::point(whole(&answer.body), &of.response.rows)?;
    let rows = items(list);
    let unwrapped = rows.iter().map(|row| json::point(row, &of.response.row));
    // Rows that are lists have no names to look for.
    let plain = of.response.columns.is_none();
    let lacking = unwrapped.filter(|row| {
        let row = row.unwrap_or_default();
        let fallback = of.since.fallback.as_ref();
        plain
            && value(row, &of.cursor)
                .or_else(|| value(row, fallback?))
                .is_none()
    });
    Some(Free {
        rows: rows.len(),
        lacking: lacking.count(),
        total,
    })
}
