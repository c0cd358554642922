//! Join: how a page must begin so that nothing was skipped before it.
//!
//! In a sorted table a page joins if it starts with a row older than T: then all
//! of T is on it or after it, whatever order the API keeps among equals. Where
//! T's run fills the page before, there may be no such row; then it joins if it
//! holds rows of T that this window met, all in the order in which they were
//! met. What follows the last of these is new and gapless; known rows that are
//! missing have left, unknown ones before it have come in. In a table without
//! an order the same holds with any row that was met.

use super::super::rows::Rows;
use super::positions::Met;
use crate::timestamp::Instant;

/// What the next page has to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cursor) enum Expect {
    /// Nothing: it is a window's first.
    Start,
    /// The rows before T: it must start with an older row.
    Before,
    /// The rows that the window met: of those it must hold one.
    Met,
    /// All that was read before this window: it must start with an older row.
    Older(Instant),
    /// Nothing but another row than the last: a page of one row has no room
    /// for an overlap.
    Other(u64),
}

/// Why a page does not join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cursor) enum Miss {
    /// It is empty, though it was to overlap.
    Empty,
    /// It starts too late: rows before it have left.
    Gap,
    /// Rows that were met have changed places.
    Disorder,
}

impl Miss {
    pub(in crate::cursor) fn explain(self) -> &'static str {
        match self {
            Self::Empty => "the table shrank",
            Self::Gap => "the page starts too late",
            Self::Disorder => "rows with equal timestamps changed places",
        }
    }
}

/// Whether the page joins, and with how many rows at its start.
pub(in crate::cursor) fn check<R: Rows>(
    expect: Expect,
    page: &R,
    met: &Met,
    sorted: bool,
) -> Result<usize, Miss> {
    let count = page.count();
    match expect {
        Expect::Start => Ok(0),
        Expect::Other(_) if count == 0 => Ok(0),
        Expect::Other(last) if page.key(0) == last => Err(Miss::Gap),
        Expect::Other(_) => Ok(0),
        // Rows that cannot be used cannot be compared either.
        _ if count == 0 && page.skipped() > 0 => Ok(0),
        _ if count == 0 => Err(Miss::Empty),
        Expect::Older(at) if page.at(0) < at => Ok(0),
        Expect::Older(_) => Err(Miss::Gap),
        Expect::Before if met.last().is_none_or(|last| page.at(0) < last) => {
            joint(page, met, sorted)
        }
        Expect::Before => Err(Miss::Gap),
        Expect::Met => joint(page, met, sorted),
    }
}

fn joint<R: Rows>(page: &R, met: &Met, sorted: bool) -> Result<usize, Miss> {
    let last = met.last().filter(|_| sorted);
    let older = last.is_some_and(|last| page.at(0) < last);
    let mut known = 0;
    let mut highest = 0;
    for row in 0..page.count() {
        if last.is_some_and(|last| page.at(row) < last) {
            known = row + 1;
            continue;
        }
        if last.is_some_and(|last| page.at(row) > last) {
            break;
        }
        if let Some(place) = met.at_last(page.key(row)) {
            // In no order rows change places: one that is updated may move to
            // the front, which hides none that is unread.
            if sorted && place < highest && !older {
                return Err(Miss::Disorder);
            }
            highest = place;
            known = row + 1;
        }
    }
    if known == 0 {
        Err(Miss::Gap)
    } else {
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, page};
    use super::*;

    fn met(rows: &[(u32, i64)], sorted: bool) -> Met {
        let mut met = Met::default();
        met.take(&page(rows), 0, 0, sorted);
        met
    }

    fn join(before: &[(u32, i64)], rows: &[(u32, i64)], sorted: bool) -> Result<usize, Miss> {
        check(Expect::Met, &page(rows), &met(before, sorted), sorted)
    }

    #[test]
    fn a_row_that_was_met_is_not_enough_where_an_older_one_can_be_asked_for() {
        let met = met(&[(1, 1), (2, 2), (3, 2)], true);
        let rows = page(&[(3, 2), (4, 5)]);
        assert_eq!(check(Expect::Before, &rows, &met, true), Err(Miss::Gap));
        let rows = page(&[(1, 1), (3, 2), (4, 5)]);
        assert_eq!(check(Expect::Before, &rows, &met, true), Ok(2));
    }

    #[test]
    fn a_page_that_starts_with_an_older_row_joins() {
        assert_eq!(
            join(&[(1, 1), (2, 2)], &[(1, 1), (3, 2), (4, 5)], true),
            Ok(1)
        );
    }

    #[test]
    fn a_page_joins_with_the_last_row_of_the_last_timestamp_that_was_met() {
        let ties = [(1, 7), (2, 7), (3, 7)];
        assert_eq!(join(&ties, &[(2, 7), (3, 7), (4, 7)], true), Ok(2));
        // The others have left, and one has come in.
        assert_eq!(join(&ties, &[(9, 7), (3, 7), (4, 7)], true), Ok(2));
    }

    #[test]
    fn a_page_without_a_row_that_was_met_does_not_join() {
        assert_eq!(
            join(&[(1, 7), (2, 7)], &[(3, 7), (4, 7)], true),
            Err(Miss::Gap)
        );
        assert_eq!(join(&[(1, 7), (2, 7)], &[(2, 8)], true), Err(Miss::Gap));
        assert_eq!(join(&[(1, 7)], &[], true), Err(Miss::Empty));
    }

    #[test]
    fn rows_that_changed_places_are_a_disorder() {
        assert_eq!(
            join(&[(1, 7), (2, 7)], &[(2, 7), (1, 7)], true),
            Err(Miss::Disorder)
        );
    }

    #[test]
    fn in_a_table_without_an_order_any_row_that_was_met_joins() {
        let before = [(5, 9), (6, 8), (7, 7)];
        assert_eq!(join(&before, &[(6, 8), (7, 7), (8, 6)], false), Ok(2));
        assert_eq!(join(&before, &[(8, 6)], false), Err(Miss::Gap));
        assert_eq!(join(&before, &[(7, 7), (5, 9)], false), Ok(2));
    }

    #[test]
    fn what_is_sought_must_start_with_a_row_older_than_all_that_is_new() {
        let sought = |rows: &[(u32, i64)]| {
            check(
                Expect::Older(instant(5)),
                &page(rows),
                &Met::default(),
                true,
            )
        };
        assert_eq!(sought(&[(1, 4), (2, 6)]), Ok(0));
        assert_eq!(sought(&[(1, 5)]), Err(Miss::Gap));
    }
}
