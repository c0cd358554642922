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
pub(super) fn gather(connection: &Connection, first: &mut Answer, asker: &mut Asker) -> Evidence {
    let opening = opening(connection);
    let mut all = Evidence {
        opening: Some(opening.clone()),
        ..Evidence::default()
    };
    match first.page(connection) {
        Ok(page) => all.page = page,
        Err(error) => {
            all.fault = Some(error);
            return all;
        }
    }
    if all.page.is_empty() {
        all.hidden = hidden(connection, &opening, asker);
        return all;
    }
    if all.page.runs().iter().any(|(start, end)| end - start > 1) {
        all.again = asker.ask(connection, opening.clone());
    }
    if Paging::of(connection) != Paging::None {
        farther(connection, &mut all, &opening, asker);
    }
    since(connection, &mut all, asker);
    let tried = all.since.as_ref();
    if tried.is_some_and(|(pick, probe)| {
        let told = tells(&all.page, probe) && honours(probe, pick, &all.page);
        let explained = all.grain.is_some() || all.shift.is_some() || all.spelling.is_some();
        !told && !explained
    }) {
        all.later = later(connection, &all, asker);
    }
    if connection.holds(Slot::Since) {
        all.free = free(connection, &opening, asker);
        if opening.since.is_none() && all.page.disorder().is_none() {
            all.covered = earlier(connection, &all, asker);
        }
    }
    if connection.sorted && all.page.at(0) < all.page.at(all.page.len() - 1) && rises(&all.page) {
        all.reverse = asker.reversed(connection, &opening);
    }
    all
}

/// Where there are no rows: what hides them.
fn hidden(connection: &Connection, opening: &Asked, asker: &mut Asker) -> Option<Hidden> {
    if opening.since.is_some() {
        let free = Asked {
            since: None,
            ..opening.clone()
        };
        let free = asker.ask(connection, free)?.seen.ok();
        if let Some(page) = free.filter(|page| !page.is_empty()) {
            return Some(Hidden::ByFilter(page.len()));
        }
    }
    let (rows, names) = parameters::hiding(connection, asker)?;
    Some(Hidden::ByParameters(rows, names))
}

/// Asks for further pages: the next, one near the end, one behind it.
fn farther(connection: &Connection, all: &mut Evidence, opening: &Asked, asker: &mut Asker) {
    let paging = Paging::of(connection);
    let (page, count) = (&all.page, all.page.len() as u64);
    // Numbered pages are of the size that the API makes them.
    let size = if paging == Paging::Page && limits(connection) {
        count.min(connection.page_size)
    } else {
        connection.page_size
    };
    let from = |limit: u64, offset: u64| Asked {
        limit,
        offset,
        ..opening.clone()
    };
    if count > 1 {
        all.next = asker.ask(
            connection,
            match paging {
                Paging::Offset => from(2, step(page) as u64),
                _ if limits(connection) => from(count / 2, count / 2),
                _ => from(size, size),
            },
        );
    }
    let limit = if paging == Paging::Offset { 2 } else { size };
    let end = match page.total {
        Some(total) => Some(total.max(count)),
        None if count < connection.page_size => Some(count),
        None => None,
    };
    let deepest = match page.total {
        Some(total) => (total.max(1) - 1).min(connection.max_offset),
        // The page is full, and nothing says how many rows follow.
        None if end.is_none() => connection.max_offset,
        None => 0,
    };
    if deepest >= count {
        let told = page.total.is_some();
        let probe = asker.dare(connection, from(limit, deepest));
        let barren = probe.as_ref().is_some_and(is_barren);
        let failed = probe.as_ref().is_some_and(|probe| probe.seen.is_err());
        if deepest >= DEEP && (failed || barren && told) {
            all.half = asker.dare(connection, from(limit, deepest / 2));
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
        if offset <= connection.max_offset {
            all.past = asker.dare(connection, from(limit, offset));
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
fn free(connection: &Connection, opening: &Asked, asker: &mut Asker) -> Option<Free> {
    let asked = Asked {
        since: None,
        ..opening.clone()
    };
    let answer = asker.answer(connection, &asked)?;
    let total = answer.total(connection);
    let list = json::point(whole(&answer.body), &connection.response.rows)?;
    let rows = items(list);
    let unwrapped = rows
        .iter()
        .map(|row| json::point(row, &connection.response.row));
    // Rows that are lists have no names to look for.
    let plain = connection.response.columns.is_none();
    let lacking = unwrapped.filter(|row| {
        let row = row.unwrap_or_default();
        let fallback = connection.since.fallback.as_ref();
        plain
            && value(row, &connection.cursor)
                .or_else(|| value(row, fallback?))
                .is_none()
    });
    Some(Free {
        rows: rows.len(),
        lacking: lacking.count(),
        total,
    })
}
