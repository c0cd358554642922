//! Totals add up: a window that closes at T leaves the rows after it, and the
//! next window's total must not be less. Where it is, both bounds are counted
//! again; if there are more rows before T than were met there, three times in
//! a row, the API does not sort by the cursor, its filter is off, or the
//! total is an estimate.

use super::super::Bound;
use super::ground::Ground;
use crate::error::Error;

/// Times in a row that the totals must disagree.
const TIMES: u32 = 3;

/// A window that was closed, with the total that it told last.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Closed {
    pub(in crate::cursor) bound: Bound,
    pub(in crate::cursor) total: u64,
    /// Rows that were met and that the next window's bound leaves out.
    pub(in crate::cursor) behind: u64,
    /// Where it was opened.
    pub(in crate::cursor) ground: Ground,
}

impl Closed {
    /// Whether the next window's total is less than the rows that were left.
    pub(in crate::cursor) fn lacks(&self, next: u64) -> bool {
        self.total.saturating_sub(next) > self.behind
    }
}

/// Counts the rows from two bounds on, one after the other.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Recount {
    closed: Closed,
    next: Bound,
    first: Option<u64>,
    strikes: u32,
}

/// What a count shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cursor) enum Count {
    /// Another count is needed.
    More,
    /// Rows left or changed meanwhile: all is well.
    Sound,
    /// Rows were skipped.
    Refuted(Error),
}

impl Recount {
    pub(in crate::cursor) fn new(closed: Closed, next: Bound) -> Self {
        Self {
            closed,
            next,
            first: None,
            strikes: 0,
        }
    }

    /// The bound to count from. Every other time the later one is counted
    /// first, so that two servers that answer in turn swap their parts.
    pub(in crate::cursor) fn bound(&self) -> &Bound {
        if self.first.is_some() == self.swapped() {
            &self.closed.bound
        } else {
            &self.next
        }
    }

    /// Where the window was opened whose rows are in doubt.
    pub(in crate::cursor) fn ground(&self) -> &Ground {
        &self.closed.ground
    }

    fn swapped(&self) -> bool {
        self.strikes % 2 == 1
    }

    /// Takes a count; without one nothing can be said.
    pub(in crate::cursor) fn count(&mut self, total: Option<u64>) -> Count {
        let Some(total) = total else {
            return Count::Sound;
        };
        let Some(first) = self.first.take() else {
            self.first = Some(total);
            return Count::More;
        };
        let (old, next) = if self.swapped() {
            (total, first)
        } else {
            (first, total)
        };
        let between = old.saturating_sub(next);
        if between <= self.closed.behind {
            return Count::Sound;
        }
        self.strikes += 1;
        if self.strikes < TIMES {
            return Count::More;
        }
        let text = |bound: &Bound| match &bound.text {
            Some(text) => format!("{text:?}"),
            None => "the beginning".into(),
        };
        let met = self.closed.behind;
        Count::Refuted(
            Error::contract(format!(
                "by the totals {between} rows lie from {} to {}, but only {met} came",
                text(&self.closed.bound),
                text(&self.next)
            ))
            .hint("the API does not sort by the cursor or its filter is off (highwater check tells); if its total is an estimate, set \"total\": null"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{bound, instant};
    use super::*;

    fn recount(behind: u64) -> Recount {
        let ground = Ground {
            mark: None,
            resume: Bound::NONE,
            resume_mark: None,
        };
        let closed = Closed {
            bound: Bound::NONE,
            total: 100,
            behind,
            ground,
        };
        assert!(closed.lacks(100 - behind - 1) && !closed.lacks(100 - behind));
        Recount::new(closed, bound(instant(7)))
    }

    #[test]
    fn three_counts_in_a_row_refute_the_walk() {
        let mut recount = recount(40);
        for (total, from) in [
            (100, true),
            (50, false),
            (50, false),
            (100, true),
            (100, true),
        ] {
            assert_eq!(recount.bound() == &Bound::NONE, from);
            assert_eq!(recount.count(Some(total)), Count::More);
        }
        assert!(matches!(recount.count(Some(50)), Count::Refuted(_)));
    }

    #[test]
    fn rows_that_left_meanwhile_are_no_proof() {
        let mut recount = recount(40);
        assert_eq!(recount.count(Some(90)), Count::More);
        assert_eq!(recount.count(Some(50)), Count::Sound);
        assert_eq!(recount.count(None), Count::Sound);
    }
}
