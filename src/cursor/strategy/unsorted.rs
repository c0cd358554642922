//! Rows in no order that is known, by offset: each page overlaps half of the
//! one before and must hold a row that was met. The mark moves only when the
//! whole table was walked.
//!
//! A row that moves to the front of what was read leaves a position behind,
//! but it has a new timestamp then: a window at the newest timestamp that was
//! old enough when the sync began shows it. Where the rows of that window do
//! not explain all positions, the table is walked again.

use super::super::proof::end::Sign;
use super::super::proof::ground::Doubt;
use super::super::proof::positions::Met;
use super::super::trust::Probe;
use super::super::{Bound, Cursor, Rows, WALKS};
use crate::error::Result;

/// Where a walk over rows in no order stands.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Unsorted {
    /// What the walk met, while the newest rows are looked at.
    walked: Option<Met>,
    /// Rows among the newest that the walk had not met.
    others: u64,
    /// Walks whose positions were not explained.
    walks: u32,
    /// Rows older than the sync that only a repeated walk brought.
    late: u64,
    /// New rows since the walk was begun.
    fresh: u64,
}

impl Unsorted {
    /// Takes note of a page's rows.
    fn pass<R: Rows>(&mut self, page: &R) {
        if let Some(walked) = &self.walked {
            let other = |row: &usize| !walked.holds(page.key(*row));
            self.others += (0..page.count()).filter(other).count() as u64;
        }
    }
}

impl Cursor {
    /// Takes note of a page of rows in no order; those at these places are
    /// new.
    pub(in crate::cursor) fn pass_unsorted<R: Rows>(
        &mut self,
        page: &R,
        deliver: &[std::ops::Range<usize>],
    ) {
        let ripe = self.clock.ripe_at(self.clock.began());
        self.unsorted.pass(page);
        self.unsorted.fresh += deliver.iter().map(|rows| rows.len() as u64).sum::<u64>();
        if self.unsorted.walks > 0 && self.unsorted.walked.is_none() {
            let old = |row: &usize| page.at(*row) < ripe;
            let rows = deliver.iter().cloned().flatten();
            self.unsorted.late += rows.filter(old).count() as u64;
        }
    }

    /// Turns to the next request; true where there is none.
    pub(in crate::cursor) fn turn_unsorted(&mut self, sign: Sign) -> Result<bool> {
        if !sign.is_end() {
            return Ok(false);
        }
        // A total may be that of the page, or an estimate.
        let several = self.window.pages() > 1 || sign.may_count_the_page();
        let told = sign.total.is_some() && !several || sign.more == Some(false);
        if told || self.unsorted.walked.is_some() {
            return self.end_unsorted();
        }
        if self.trust.probe() == Probe::Rows {
            if sign.total.is_some() {
                // Rows came in, or the total was too low: the walk goes on.
                self.trust.distrust_totals();
                return Ok(false);
            }
            return Err(self.hidden());
        }
        self.trust.end(true);
        self.probe(sign);
        Ok(false)
    }

    /// The walk is at its end: the positions must be explained.
    pub(in crate::cursor) fn end_unsorted(&mut self) -> Result<bool> {
        let unmet = match self.unsorted.walked.take() {
            Some(walked) => walked.unmet().saturating_sub(self.unsorted.others),
            None => {
                if let Some(newest) = self.newest_bound() {
                    self.unsorted.walked = Some(self.window.take_met());
                    self.unsorted.others = 0;
                    self.trust.end(true);
                    self.open(newest)?;
                    return Ok(false);
                }
                self.window.met().unmet()
            }
        };
        self.unsorted.walks += 1;
        // Rows that come in anywhere explain positions too, where rows do come
        // in, and none of them was there before the sync.
        let busy = std::mem::take(&mut self.unsorted.fresh) > 0 && self.unsorted.late == 0;
        if unmet == 0 || (self.unsorted.walks > WALKS && busy) {
            return self.conclude();
        }
        if self.unsorted.walks <= WALKS {
            self.trust.end(false);
            let first = self.trust.first().clone();
            self.open(first)?;
            return Ok(false);
        }
        let error = self.unstable();
        Err(self.refute(error, Doubt::Start))
    }

    /// The bound of a window that shows the newest rows, where the filter can
    /// tell it from this one and the walk took more than one request.
    fn newest_bound(&self) -> Option<Bound> {
        let ripe = self.clock.ripe_at(self.clock.began());
        let mark = self.marks.ripe(ripe, &self.set)?;
        let bound = Bound::spelled(&mark, &self.set.format);
        let several = self.window.pages() > 1 || self.window.met().unmet() > 0;
        let later = bound.at > self.window.bound().at;
        (self.set.filters && several && later).then_some(bound)
    }

    /// Moves the marks: the whole table was read.
    pub(in crate::cursor) fn conclude_unsorted(&mut self) {
        let ripe = self.clock.ripe_at(self.clock.began());
        let ripe = self.marks.ripe(ripe, &self.set);
        if self.marks.conclude(ripe, &self.set) {
            let resume = self.marks.resume().clone();
            let question = self.window.question();
            self.trust
                .reach((question.since != resume.text).then_some(question));
            self.seen.forget_before(resume.at);
        }
    }
}
