//! Positions: in one window as many distinct rows must have been met as
//! positions were walked. Where fewer were, a position that was passed holds
//! a row that was not met.
//!
//! The rows of the last timestamp, T, are known in the order in which they
//! were met, which is what a page joins by ([`super::join`]).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::super::rows::{Rows, positions, twins};
use crate::timestamp::Instant;

/// Keys are hashes already.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The rows that a window met.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Met {
    /// Each distinct row's key, and when it was met: a number that grows.
    order: HashMap<u64, u64, BuildHasherDefault<Identity>>,
    next: u64,
    /// Rows at T have this number or a later one.
    run: u64,
    run_rows: u64,
    last: Option<Instant>,
    /// Positions before the first row that was met.
    base: u64,
    reached: u64,
    /// Rows whose key another row of the same page has.
    twins: u64,
    /// Rows that were met again at a later timestamp.
    again: u64,
    /// Rows that lack a key or a timestamp.
    skipped: u64,
}

impl Met {
    /// Nothing, from this position on.
    pub(in crate::cursor) fn from(base: u64) -> Self {
        Self {
            base,
            reached: base,
            ..Self::default()
        }
    }

    /// T, the last timestamp.
    pub(in crate::cursor) fn last(&self) -> Option<Instant> {
        self.last
    }

    /// When a row of T was met; of rows in no order, when any row was.
    #[inline]
    pub(in crate::cursor) fn at_last(&self, key: u64) -> Option<u64> {
        self.order.get(&key).copied().filter(|met| *met >= self.run)
    }

    /// Whether a row was met, at whatever timestamp.
    pub(in crate::cursor) fn holds(&self, key: u64) -> bool {
        self.order.contains_key(&key)
    }

    /// How many distinct rows were met.
    pub(in crate::cursor) fn rows(&self) -> u64 {
        self.order.len() as u64
    }

    /// How many rows of T were met.
    pub(in crate::cursor) fn run_rows(&self) -> u64 {
        self.run_rows
    }

    /// How many rows there were before a bound, T or later, when they were
    /// passed.
    pub(in crate::cursor) fn behind(&self, bound: Instant) -> u64 {
        let all = self.base + self.rows() + self.twins + self.skipped;
        if self.last.is_some_and(|last| last < bound) {
            all
        } else {
            all - self.run_rows.min(self.rows())
        }
    }

    /// The position after the last row.
    pub(in crate::cursor) fn reached(&self) -> u64 {
        self.reached
    }

    /// Rows that are distinct, as far as their keys tell. Where keys do not
    /// tell rows apart, those of one key are distinct by their timestamps.
    fn distinct(&self) -> u64 {
        let again = if self.twins > 0 { self.again } else { 0 };
        self.base + self.rows() + self.twins + again + self.skipped
    }

    /// How many positions were passed whose rows were not met.
    pub(in crate::cursor) fn unmet(&self) -> u64 {
        self.reached.saturating_sub(self.distinct())
    }

    /// Rows that were met again at a later timestamp.
    pub(in crate::cursor) fn again(&self) -> u64 {
        self.again
    }

    /// Whether rows of one key and one timestamp stood side by side.
    pub(in crate::cursor) fn has_twins(&self) -> bool {
        self.twins > 0
    }

    /// Takes a page that starts at the position `from` and joins with its
    /// first `known` rows; how many of its rows were not met before.
    pub(in crate::cursor) fn take<R: Rows>(
        &mut self,
        page: &R,
        from: u64,
        known: usize,
        sorted: bool,
    ) -> u64 {
        let mut news = 0;
        let start = self.next;
        self.order.reserve(page.count());
        for row in 0..page.count() {
            let (at, key) = (page.at(row), page.key(row));
            if sorted && self.last.is_none_or(|last| at > last) {
                self.last = Some(at);
                self.run = self.next;
                self.run_rows = 0;
            }
            let older = sorted && self.last.is_some_and(|last| at < last);
            match self.order.get(&key).copied() {
                Some(met) if older || met >= self.run => continue,
                Some(met) => {
                    // Of one page, they are two rows; else the row has moved.
                    let twin = met >= start;
                    self.twins += u64::from(twin);
                    self.again += u64::from(!twin);
                }
                None => news += 1,
            }
            // A row that came in before one that was met has that one's place.
            let place = if older {
                0
            } else if row < known {
                let later = (row + 1..known).find_map(|row| self.at_last(page.key(row)));
                later.unwrap_or(self.next)
            } else {
                self.next
            };
            self.order.insert(key, place);
            self.run_rows += u64::from(!older);
            self.next = self.next.max(place + 1);
        }
        self.skipped += page.skipped() as u64;
        self.reached = self.reached.max(from + positions(page));
        // Rows that their key cannot tell apart are distinct all the same.
        self.twins += twins(page).len() as u64;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, page};
    use super::*;

    #[test]
    fn each_distinct_row_counts_once_and_each_position_does() {
        let mut met = Met::default();
        assert_eq!(met.take(&page(&[(1, 1), (2, 2), (3, 2)]), 0, 0, true), 3);
        assert_eq!((met.rows(), met.reached(), met.unmet()), (3, 3, 0));
        assert_eq!((met.behind(instant(2)), met.run_rows()), (1, 2));
        // An overlap of one row, and a position whose row was never met.
        assert_eq!(met.take(&page(&[(3, 2), (4, 4)]), 3, 1, true), 1);
        assert_eq!((met.rows(), met.reached(), met.unmet()), (4, 5, 1));
        assert_eq!(met.last(), Some(instant(4)));
    }

    #[test]
    fn a_row_that_moved_to_the_last_timestamp_is_met_there_anew() {
        let mut met = Met::default();
        met.take(&page(&[(1, 1), (2, 2)]), 0, 0, true);
        assert_eq!(met.at_last(1), None);
        assert_eq!(met.take(&page(&[(2, 2), (1, 2)]), 0, 1, true), 0);
        assert!(met.at_last(1) > met.at_last(2));
        assert_eq!((met.rows(), met.behind(instant(2))), (2, 0));
    }

    #[test]
    fn rows_that_came_in_before_known_ones_keep_the_order() {
        let mut met = Met::default();
        met.take(&page(&[(1, 7), (3, 7)]), 0, 0, true);
        met.take(&page(&[(2, 7), (3, 7), (4, 7)]), 1, 2, true);
        let places = [1, 2, 3, 4].map(|key| met.at_last(key));
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn rows_that_their_key_cannot_tell_apart_hide_no_position() {
        let mut met = Met::default();
        met.take(&page(&[(1, 7), (1, 7), (2, 7)]), 0, 0, true);
        assert_eq!((met.unmet(), met.has_twins()), (0, true));
    }
}
