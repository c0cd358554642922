//! How a page must begin for it to join the rows read before without a gap,
//! and what is wrong with one that does not.

use std::collections::HashSet;

use super::{Cursor, Rows};
use crate::timestamp::Instant;

/// Of so many rows of overlap half may be missing,
const MANY: usize = 8;
/// of so many one, and of fewer none: they could match by chance.
const SOME: usize = 5;

/// How the next page must begin.
#[derive(Debug)]
pub(super) enum Expect {
    /// Anything: it is a window's first.
    Start,
    /// With a row older than T, which makes it gapless. Where `ids` names rows
    /// of T, with these and the rest of T right after it.
    Older { at: Instant, ids: Vec<String> },
    /// With these rows, in this order; those of T are at this instant, None
    /// where the table is not sorted.
    InOrder {
        ids: Vec<String>,
        at: Option<Instant>,
    },
    /// With another row than the last: nothing can be overlapped.
    Plain { last: String },
    /// With no row at all: one row was all there was.
    Nothing,
    /// Anything, since overlaps are off.
    Unchecked,
}

/// What a page's beginning shows.
#[derive(Debug, Default)]
pub(super) struct Joint {
    /// Rows at its start that were read before.
    pub(super) known: usize,
    /// Whether rows are gone from among those, yet none was skipped.
    pub(super) thinned: bool,
}

/// Why a page does not join.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) why: &'static str,
    /// Whether rows with equal timestamps changed places.
    pub(super) disorder: bool,
}

impl Miss {
    pub(super) fn moved(why: &'static str) -> Self {
        let disorder = false;
        Self { why, disorder }
    }

    fn disorder(why: &'static str) -> Self {
        let disorder = true;
        Self { why, disorder }
    }
}

impl Expect {
    /// Whether the page joins. `run` are the rows of T, or all rows where the
    /// table is not sorted, that this window passed by offset.
    pub(super) fn check<R: Rows>(
        &self,
        page: &R,
        shrank: bool,
        run: &HashSet<String>,
    ) -> Result<Joint, Miss> {
        let count = page.count();
        let joins = |known| {
            let thinned = false;
            Ok(Joint { known, thinned })
        };
        match self {
            Self::Unchecked => joins(0),
            _ if shrank => Err(Miss::moved("the table shrank")),
            Self::Start => joins(0),
            Self::Nothing if count == 0 => joins(0),
            Self::Nothing => Err(Miss::moved("a row came after the last one")),
            Self::Plain { .. } if count == 0 => joins(0),
            Self::Plain { last } if page.id(0) == *last => {
                Err(Miss::moved("the last row came again"))
            }
            Self::Plain { .. } => joins(0),
            // Rows that cannot be placed join nothing, and take no place from
            // those that can.
            _ if count == 0 && page.skipped() > 0 => joins(0),
            _ if count == 0 => Err(Miss::moved("the table shrank")),
            Self::Older { at, .. } if page.at(0) >= *at => {
                Err(Miss::moved("the page starts too late"))
            }
            Self::Older { ids, .. } if ids.is_empty() => joins(0),
            Self::Older { at, ids } => {
                let run = (1..count).take_while(|row| page.at(*row) == *at);
                let found: HashSet<String> = run.map(|row| page.id(row)).collect();
                if ids.iter().all(|id| found.contains(id)) {
                    joins(1 + ids.len())
                } else {
                    Err(Miss::moved("a row of the last timestamp is gone"))
                }
            }
            Self::InOrder { ids, at } => {
                let known = in_order(page, ids, *at);
                // Rows leave a long run all the time; those that stay, in
                // their order, still join this page to the last.
                let thinned = known < ids.len();
                let enough = match ids.len() {
                    MANY.. => ids.len() / 2,
                    SOME.. => ids.len() - 1,
                    few => few,
                };
                if known < enough {
                    return Err(Miss::disorder(
                        "rows with equal timestamps did not come back in their order",
                    ));
                }
                let again = (known..count)
                    .take_while(|row| at.is_none_or(|at| page.at(*row) == at))
                    .any(|row| run.contains(&page.id(row)));
                if again {
                    return Err(Miss::disorder("a row came again among equal timestamps"));
                }
                Ok(Joint { known, thinned })
            }
        }
    }
}

/// How many rows at the page's start are of `ids`, in their order, and still
/// at their place: one that was updated has the same id and another timestamp.
fn in_order<R: Rows>(page: &R, ids: &[String], at: Option<Instant>) -> usize {
    let mut rest = ids;
    for row in 0..page.count() {
        let id = page.id(row);
        let stays = at.is_none_or(|at| page.at(row) == at);
        let Some(found) = rest.iter().position(|known| stays && *known == id) else {
            return row;
        };
        rest = &rest[found + 1..];
    }
    page.count()
}

impl Cursor {
    /// Where the next page is to start, and how.
    pub(super) fn next<R: Rows>(&self, page: &R, total: Option<u64>) -> (u64, Expect) {
        let count = page.count();
        let Some(end) = count.checked_sub(1).filter(|_| self.set.overlap) else {
            return (self.read, Expect::Unchecked);
        };
        let start = run_start(page);
        let at = self.set.sorted.then(|| page.at(end));
        let alone = end == 0 && page.skipped() == 0;
        if alone && self.set.limit > 1 && total.is_none() {
            (self.read, Expect::Nothing)
        } else if end == 0 {
            (self.read, Expect::Plain { last: page.id(end) })
        } else if let Some(at) = at.filter(|_| start >= 2) {
            let ids = (start..count).map(|row| page.id(row)).collect();
            let older = page.position(start - 1) as u64;
            (self.offset + older, Expect::Older { at, ids })
        } else {
            let half = count / 2;
            let ids = (count - half..count).map(|row| page.id(row)).collect();
            let first = page.position(count - half) as u64;
            (self.offset + first, Expect::InOrder { ids, at })
        }
    }
}

/// The first row of the page's last timestamp.
pub(super) fn run_start<R: Rows>(page: &R) -> usize {
    let count = page.count();
    let run = (0..count).rev();
    count
        - run
            .take_while(|row| page.at(*row) == page.at(count - 1))
            .count()
}
