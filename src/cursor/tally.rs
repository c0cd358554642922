//! What a sync counts: the pages and rows that it passed, and failures in a
//! row at one timestamp.

use std::ops::Range;

use super::Rows;
use super::proof::end::Sign;
use crate::timestamp::Instant;

/// The pages and rows that were passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pages: u64,
    /// Rows on the largest page.
    largest: u64,
    rows: u64,
    /// How many rows the first total promised.
    promised: Option<u64>,
    /// Whether all rows that the last page brought are younger than the sync.
    young: bool,
}

impl Passed {
    /// Rows on the largest page so far, None before the first.
    pub(super) fn largest(&self) -> Option<u64> {
        (self.pages > 0).then_some(self.largest)
    }

    /// Takes note of a page that brought these rows of a sync that `began`
    /// then.
    pub(super) fn page<R: Rows>(
        &mut self,
        page: &R,
        brought: &[Range<usize>],
        sign: Sign,
        began: Instant,
    ) {
        if self.pages == 0 {
            self.promised = sign.total;
        }
        self.pages += 1;
        self.largest = self.largest.max(sign.rows);
        let mut brought = brought.iter().cloned().flatten().peekable();
        self.young = brought.peek().is_some() && brought.all(|row| page.at(row) > began);
    }

    /// Counts rows that were passed.
    pub(super) fn add(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Sets how many rows were passed.
    pub(super) fn set(&mut self, rows: u64) {
        self.rows = rows;
    }

    /// Whether the reading has reached what changed after the sync began: as
    /// many rows were passed as the first total promised, and the last page
    /// brought only younger rows.
    pub(super) fn is_beyond_the_beginning(&self) -> bool {
        self.young && self.promised.is_none_or(|promised| self.rows >= promised)
    }
}

/// Failures in a row at one timestamp.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    count: u32,
    at: Option<Instant>,
}

impl Strikes {
    /// Counts one; how many there were in a row.
    pub(super) fn strike(&mut self, at: Option<Instant>) -> u32 {
        self.count = if self.at == at { self.count + 1 } else { 1 };
        self.at = at;
        self.count
    }

    /// Starts again.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether there were any.
    pub(super) fn any(&self) -> bool {
        self.count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{instant, page};
    use super::*;

    fn sign(total: u64) -> Sign {
        Sign {
            rows: 2,
            reached: 2,
            total: Some(total),
            more: None,
            limit: 2,
            largest: None,
        }
    }

    #[test]
    fn what_changed_after_the_beginning_is_reached_when_a_page_brings_nothing_older() {
        let began = instant(10);
        let brings = |rows: &[(u32, i64)], brought: Range<usize>| {
            let mut passed = Passed::default();
            passed.add(5);
            passed.page(&page(rows), &[brought], sign(5), began);
            passed.is_beyond_the_beginning()
        };
        assert!(brings(&[(1, 9), (2, 11)], 1..2));
        // The rows may be in another order than by time.
        assert!(!brings(&[(1, 9), (2, 11)], 0..2));
        assert!(!brings(&[(1, 9), (2, 11)], 0..0));
    }

    #[test]
    fn rows_that_the_first_total_promised_are_waited_for() {
        let mut passed = Passed::default();
        let all = [0..1, 1..2];
        for (brought, total, beyond) in [(2, 3, false), (1, 9, true)] {
            passed.add(brought);
            let rows = page(&[(1, 11), (2, 12)]);
            passed.page(&rows, &all, sign(total), instant(10));
            assert_eq!(passed.is_beyond_the_beginning(), beyond);
        }
        assert_eq!(passed.largest(), Some(2));
    }

    #[test]
    fn strikes_count_at_one_timestamp_only() {
        let mut strikes = Strikes::default();
        assert_eq!(
            [1, 1, 2].map(|at| strikes.strike(Some(instant(at)))),
            [1, 2, 1]
        );
        strikes.clear();
        assert!(!strikes.any());
    }
}
