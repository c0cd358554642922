//! Which rows of a page are new, and what is remembered of them.

use std::ops::Range;

use super::rows::twins;
use super::{Cursor, Rows};
use crate::seen::Standing;
use crate::timestamp::Instant;

impl Cursor {
    /// The rows that are new, of the first `inside` ones.
    pub(super) fn select<R: Rows>(&mut self, page: &R, inside: usize) -> Vec<Range<usize>> {
        let mut deliver: Vec<Range<usize>> = Vec::new();
        let twins = self.find_twins(page);
        let until = self.set.until.filter(|_| !self.set.sorted());
        for row in 0..inside {
            let at = page.at(row);
            if until.is_some_and(|until| at >= until) {
                continue;
            }
            if at < self.floor
                || twins.contains(&row)
                || (self.seen.covers(at) && self.is_known(page, row))
            {
                self.counts.duplicates += 1;
                continue;
            }
            match deliver.last_mut() {
                Some(range) if range.end == row => range.end = row + 1,
                _ => deliver.push(row..row + 1),
            }
        }
        deliver
    }

    /// Whether a row's version was delivered, or one that is newer. A replica
    /// that lags behind shows an older one for a while; where it still stands
    /// when the newer one is old enough to be everywhere, it is the row's
    /// present version: it was committed late.
    fn is_known<R: Rows>(&mut self, page: &R, row: usize) -> bool {
        let at = page.at(row);
        match self.seen.judge(&page.id(row), page.hash(row), at) {
            Standing::New => false,
            Standing::Delivered => true,
            Standing::Older(newer) if newer > self.clock.horizon() => false,
            Standing::Older(newer) if newer <= self.clock.ripe() => false,
            Standing::Older(newer) => {
                self.marks.hold(at);
                if newer <= self.clock.asked().minus(self.set.lookback) {
                    self.warn("behind", "a row came in an older version than was delivered; by the clock it would be its present one, by the newest row a replica may lag behind, so it is left for a later sync: do the clocks of this machine, the API and its database agree?");
                }
                true
            }
        }
    }

    /// Which rows the page has already. A row that differs from another of
    /// its key and instant says that the key is none.
    fn find_twins<R: Rows>(&mut self, page: &R) -> Vec<usize> {
        let mut same = Vec::new();
        for (earlier, row) in twins(page) {
            if page.hash(earlier) == page.hash(row) {
                same.push(row);
            } else {
                self.warn("key", "several rows have the same primary key and timestamp: they are all delivered, but a table by this key has only one of them; name all fields that tell rows apart with \"primary_key\"");
            }
        }
        same
    }

    /// Moves the marks up to the page's rows, and what is remembered with
    /// them.
    pub(super) fn advance<R: Rows>(&mut self, page: &R, inside: usize) {
        // Of numbered pages only a window's first is known to be gapless.
        let gapless = !self.set.by_page() || (self.window.pages() == 1 && self.repeated.is_none());
        let ages = self.clock.ages();
        let window = gapless.then_some(&self.window);
        let reached = self.marks.advance(page, inside, ages, window, &self.set);
        self.trust.reach(reached);
        if gapless {
            self.floor = self.floor.max(self.anchor().at.min(self.marks.resume().at));
            self.seen.forget_before(self.floor);
        }
        let floor = self.floor;
        let rows = (0..inside).rev();
        for row in rows.take_while(|row| page.at(*row) >= floor) {
            self.remember(page, row);
        }
    }

    fn remember<R: Rows>(&mut self, page: &R, row: usize) {
        if !self.is_known(page, row) {
            let (id, hash, at) = (page.id(row), page.hash(row), page.at(row));
            self.seen.insert(id, hash, at);
        }
    }

    /// Takes note of rows in no order.
    pub(super) fn gather<R: Rows>(&mut self, page: &R) {
        // What the walk began with is known when it ends, however often its
        // pages were read.
        let opened = self.clock.began();
        let lookback = self.set.lookback;
        let (ripe, sure) = (opened.minus(lookback), self.clock.sure_at(opened));
        let until = self.set.until.unwrap_or(Instant::MAX);
        for row in 0..page.count() {
            let at = page.at(row);
            if at < self.floor || at >= until {
                continue;
            }
            self.marks.gather(page, row, (opened, ripe, sure.min(ripe)));
            self.remember(page, row);
        }
    }
}
