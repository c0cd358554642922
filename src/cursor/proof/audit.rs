//! Audit: where pages are read as windows of their own and the API tells no
//! total, nothing shows an order that is not by the cursor, since the filter
//! leaves out the rows that stand in the wrong place. So at the end of such a
//! sync some pages of its first window are looked at as well: the first ones,
//! then each eighth; by offset, those that lie where no window reached, at
//! doubling depths. They must be sorted, in themselves and one after another:
//! for an old row to move behind a newer one, another old row would have to
//! come in before it, and none does. Since a replica that lags may have
//! answered, such a page is asked for again before it is believed.

use super::super::{Bound, Rows, last_at};
use crate::error::Error;
use crate::timestamp::Instant;

/// Pages that are looked at one by one.
const FIRST: u64 = 8;
/// Of the others, one of so many.
const SHARE: u64 = 8;
/// The most pages in all.
const MOST: u64 = 200;
/// Times in a row that a page must be out of order.
const TIMES: u32 = 3;

/// Which pages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cursor) enum Way {
    /// From the second on.
    Pages,
    /// From this offset on, doubling.
    Deeper(u64),
}

/// Looks at pages of a window.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Audit {
    bound: Bound,
    limit: u64,
    way: Way,
    nth: u64,
    /// Rows older than this do not come in any more.
    ripe: Instant,
    /// The last timestamp of the page before.
    last: Option<Instant>,
    strikes: u32,
}

impl Audit {
    /// Looks at pages from a bound on, in a sync before which all rows older
    /// than `ripe` were there.
    pub(in crate::cursor) fn new(bound: Bound, limit: u64, way: Way, ripe: Instant) -> Self {
        Self {
            bound,
            limit,
            way,
            nth: 0,
            ripe,
            last: None,
            strikes: 0,
        }
    }

    /// Whether the page to look at lies within what may be asked for.
    pub(in crate::cursor) fn is_within(&self, max_offset: u64) -> bool {
        self.way != Way::Pages || self.offset() <= max_offset
    }

    pub(in crate::cursor) fn bound(&self) -> &Bound {
        &self.bound
    }

    /// The page to look at.
    pub(in crate::cursor) fn offset(&self) -> u64 {
        match self.way {
            Way::Pages if self.nth < FIRST => (self.nth + 1) * self.limit,
            Way::Pages => (FIRST + (self.nth - FIRST + 1) * SHARE) * self.limit,
            Way::Deeper(from) => from.saturating_mul(1 << self.nth.min(40)),
        }
    }

    /// Takes the page; whether it was the last one.
    pub(in crate::cursor) fn hear<R: Rows>(&mut self, page: &R) -> Result<bool, Error> {
        let Some(last) = last_at(page) else {
            return Ok(true);
        };
        let first = page.at(0);
        if first < self.ripe && self.last.is_some_and(|last| first < last) {
            self.strikes += 1;
            if self.strikes < TIMES {
                return Ok(false);
            }
            return Err(Error::contract(format!(
                "rows are out of order: {:?} is on a later page than rows that are newer",
                page.mark(0)
            ))
            .hint("have the API sort by the cursor, ascending, with a parameter in \"query\"; if it cannot, set \"sorted\": false"));
        }
        self.last = Some(last);
        self.strikes = 0;
        self.nth += 1;
        Ok(self.nth >= MOST || (page.count() as u64) < self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, page};
    use super::*;

    #[test]
    fn the_first_pages_are_looked_at_and_each_eighth_after_them() {
        let mut audit = Audit::new(Bound::NONE, 2, Way::Pages, instant(50));
        let mut offsets = Vec::new();
        for at in 0..11 {
            offsets.push(audit.offset() / 2);
            assert_eq!(audit.hear(&page(&[(1, at), (2, at)])), Ok(false));
        }
        assert_eq!(offsets, [1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 32]);
        assert_eq!(audit.hear(&page(&[(1, 20)])), Ok(true));
    }

    #[test]
    fn an_older_row_on_a_later_page_is_refused() {
        let mut audit = Audit::new(Bound::NONE, 1, Way::Deeper(100), instant(50));
        assert_eq!(audit.hear(&page(&[(1, 5)])), Ok(false));
        assert_eq!(audit.offset(), 200);
        for _ in 1..TIMES {
            assert_eq!(audit.hear(&page(&[(2, 4)])), Ok(false));
            assert_eq!(audit.offset(), 200);
        }
        assert!(audit.hear(&page(&[(2, 4)])).is_err());
        assert_eq!(audit.hear(&page(&[])), Ok(true));
    }

    #[test]
    fn an_old_row_is_refused_behind_one_that_has_just_changed() {
        let mut audit = Audit::new(Bound::NONE, 2, Way::Pages, instant(50));
        assert_eq!(audit.hear(&page(&[(1, 5), (2, 90)])), Ok(false));
        let mut other = audit.clone();
        let heard = [(); TIMES as usize].map(|()| other.hear(&page(&[(3, 6), (4, 7)])).is_err());
        assert_eq!(heard, [false, false, true]);
        // A young one may have come in late.
        assert_eq!(audit.hear(&page(&[(3, 60), (4, 95)])), Ok(false));
    }
}
