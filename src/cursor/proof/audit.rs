//! Audit: where pages are read as windows of their own and the API tells no
//! total, nothing shows an order that is not by the cursor, since the filter
//! leaves out the rows that stand in the wrong place. So at the end of such a
//! sync some pages of its first window are looked at as well: the first ones,
//! then each eighth; by offset, those that lie where no window reached, at
//! doubling depths. They must be sorted, in themselves and one after another.

use super::super::{Bound, Rows};
use crate::error::Error;
use crate::timestamp::Instant;

/// Pages that are looked at one by one.
const FIRST: u64 = 8;
/// Of the others, one of so many.
const SHARE: u64 = 8;
/// The most pages in all.
const MOST: u64 = 200;

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
    /// The first timestamp of the page before.
    first: Option<Instant>,
}

impl Audit {
    pub(in crate::cursor) fn new(bound: Bound, limit: u64, way: Way) -> Self {
        Self {
            bound,
            limit,
            way,
            nth: 0,
            first: None,
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
        if page.count() == 0 {
            return Ok(true);
        }
        if self.first.is_some_and(|first| page.at(0) < first) {
            return Err(Error::contract(format!(
                "rows are out of order: {:?} is on a later page than rows that are newer",
                page.mark(0)
            ))
            .hint("have the API sort by the cursor, ascending, with a parameter in \"query\"; if it cannot, set \"sorted\": false"));
        }
        self.first = Some(page.at(0));
        self.nth += 1;
        Ok(self.nth >= MOST || (page.count() as u64) < self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::page;
    use super::*;

    #[test]
    fn the_first_pages_are_looked_at_and_each_eighth_after_them() {
        let mut audit = Audit::new(Bound::NONE, 2, Way::Pages);
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
        let mut audit = Audit::new(Bound::NONE, 1, Way::Deeper(100));
        assert_eq!(audit.hear(&page(&[(1, 5)])), Ok(false));
        assert_eq!(audit.offset(), 200);
        assert!(audit.hear(&page(&[(2, 4)])).is_err());
        assert_eq!(audit.hear(&page(&[])), Ok(true));
    }
}
