//! How far the reading got: T, the high-water mark, and where the next window
//! and the next sync take up. None of them passes a row that was not read.

use super::{Bound, Cursor, Mark, Rows};
use crate::timestamp::Instant;

impl Cursor {
    /// The bound that everything not read yet is at or after.
    pub(super) fn anchor(&self) -> Bound {
        let last = if self.set.exclusive {
            &self.before
        } else {
            &self.last
        };
        last.as_ref()
            .filter(|_| self.set.sorted)
            .map(|mark| Bound::spelled(mark, &self.set.format))
            .filter(|anchor| anchor.at > self.bound.at)
            .unwrap_or_else(|| self.bound.clone())
    }

    /// Moves T, the mark and the resume bound up to the page's rows, and
    /// `seen` with them.
    pub(super) fn advance<R: Rows>(&mut self, page: &R, inside: usize, asked: Instant) {
        let Some(end) = inside.checked_sub(1) else {
            return;
        };
        // Only a window's first page is known to be gapless by itself.
        let gapless = !self.set.by_page || (self.offset == 0 && self.walk.is_none());
        let ripe = asked.minus(self.set.lookback);
        let passed = (0..inside).rev().find(|row| page.at(*row) <= ripe);
        if let Some(row) = passed.filter(|_| gapless && !self.frozen) {
            let mark = if self.set.exclusive {
                self.previous(page, row)
            } else {
                Some(Mark::of(page, row))
            };
            let newer = |mark: &Mark| match &self.resume_mark {
                Some(resume) => mark.at > resume.at,
                None => mark.at >= self.resume.at,
            };
            if let Some(mark) = mark.filter(newer) {
                let bound = Bound::spelled(&mark, &self.set.format);
                self.resume.at = bound.at.max(self.resume.at);
                self.resume_mark = Some(mark);
            }
        }
        self.frozen |= passed != Some(end);
        if (self.last.as_ref()).is_none_or(|last| last.at < page.at(end)) {
            self.before = self.previous(page, end);
            let newest = Mark::of(page, end);
            if self.mark.as_ref().is_none_or(|mark| mark.at <= newest.at) {
                self.mark = Some(newest.clone());
            }
            self.last = Some(newest);
        }
        if gapless {
            self.floor = self.floor.max(self.anchor().at.min(self.resume.at));
            self.seen.forget_before(self.floor);
        }
        let rows = (0..inside).rev();
        for row in rows.take_while(|row| page.at(*row) >= self.floor) {
            self.seen.insert(page.id(row), page.hash(row), page.at(row));
        }
    }

    /// The last timestamp before a row's, as far as it was read.
    fn previous<R: Rows>(&self, page: &R, row: usize) -> Option<Mark> {
        let at = page.at(row);
        if let Some(older) = (0..row).rev().find(|older| page.at(*older) < at) {
            return Some(Mark::of(page, older));
        }
        let older = |mark: &&Mark| mark.at < at;
        let last = self.last.as_ref().filter(older);
        last.or(self.before.as_ref().filter(older)).cloned()
    }

    /// Takes note of rows in no order.
    pub(super) fn gather<R: Rows>(&mut self, page: &R, opened: Instant) {
        let ripe = opened.minus(self.set.lookback);
        let until = self.set.until.unwrap_or(Instant::MAX);
        for row in 0..page.count() {
            let at = page.at(row);
            if at < self.floor || at >= until {
                continue;
            }
            if at <= opened && self.last.as_ref().is_none_or(|last| last.at < at) {
                self.last = Some(Mark::of(page, row));
            }
            let ripe = at < ripe || (at == ripe && !self.set.exclusive);
            if ripe && self.before.as_ref().is_none_or(|before| before.at < at) {
                self.before = Some(Mark::of(page, row));
            }
            self.seen.insert(page.id(row), page.hash(row), at);
        }
    }

    /// Moves the mark once all rows in no order were read.
    pub(super) fn conclude(&mut self) {
        let newer = |last: &&Mark| self.mark.as_ref().is_none_or(|mark| mark.at < last.at);
        if let Some(last) = self.last.as_ref().filter(newer) {
            self.mark = Some(last.clone());
        }
        if let Some(ripe) = self.before.take() {
            let bound = Bound::spelled(&ripe, &self.set.format);
            self.resume.at = bound.at.max(self.resume.at);
            self.resume_mark = Some(ripe);
            self.seen.forget_before(self.resume.at);
        }
    }
}
