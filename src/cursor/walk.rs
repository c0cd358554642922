//! A page of the walk: whether it joins what was read, which of its rows are
//! new, and how the marks move over it.

use std::ops::Range;
use std::time::Duration;

use super::guard::answer::check_empty;
use super::proof::end::Sign;
use super::proof::ground::Doubt;
use super::proof::join::{self, Miss};
use super::rows::positions;
use super::strategy::numbered::Repeated;
use super::trust::Probe;
use super::{Answer, Cursor, Rows, Settings, Step};
use crate::error::Result;
use crate::timestamp::Instant;

impl Cursor {
    /// A page of the walk.
    pub(in crate::cursor) fn walk<R: Rows>(&mut self, page: &R, answer: &Answer) -> Result<Step> {
        let rows = positions(page);
        let from = self.position(rows == 0);
        let reached = from.saturating_add(rows);
        let total = self.believable(answer.total);
        if rows > 0 && !self.set.by_page() && total.is_some_and(|total| total < reached) {
            self.trust.distrust_totals();
        }
        let total = self.believable(total);
        check_empty(rows, total, from).map_err(|error| self.refute(error, Doubt::Here))?;
        let left = total.map(|total| total.saturating_sub(reached));
        self.watch(page, left)?;
        let opened = self.window.opened(self.clock.asked());
        if self.window.is_new()
            && let Some(step) = self.judge_bound(page, answer, total)?
        {
            return Ok(step);
        }
        // Pages by number are walked again for that.
        let shrank = rows == 0 && !self.set.by_page() && total.is_some_and(|total| total < from);
        let joint = if shrank {
            Err(Miss::Empty)
        } else {
            join::check(
                self.window.expect(),
                page,
                self.window.met(),
                self.set.sorted(),
            )
        };
        let known = match joint {
            Ok(known) => known,
            Err(miss) => return self.drift(miss),
        };
        self.disorders.clear();
        let ripe = self.clock.ripe_at(opened);
        let news = self
            .window
            .take(page, from, known, total, self.set.sorted());
        if let Some(step) = self.check_positions(ripe)? {
            return Ok(step);
        }
        if news > 0 {
            self.trust.probed(Probe::Open);
        }
        let repeats = self
            .progress
            .page(rows > 0 && news == 0, self.pages_met(rows));
        repeats.map_err(|error| self.refute(error, Doubt::Here))?;
        let sign = Sign {
            rows,
            reached,
            total: total.filter(|total| *total >= reached),
            more: answer.more,
            limit: self.set.limit,
            largest: self.passed.largest(),
        };
        let run = self.unsettled_run(page, sign, ripe);
        let inside = self.inside(page, run);
        let deliver = self.select(page, inside);
        let done = self.deliver(page, &deliver, sign, inside, run);
        let done = done.inspect_err(|_| self.forget(page, &deliver))?;
        Ok(Step {
            deliver,
            done,
            ..Step::default()
        })
    }

    /// Moves the marks over a page, of which these rows are new, and turns to
    /// the next request; true where there is none.
    pub(in crate::cursor) fn deliver<R: Rows>(
        &mut self,
        page: &R,
        deliver: &[Range<usize>],
        sign: Sign,
        inside: usize,
        run: Option<Instant>,
    ) -> Result<bool> {
        self.run.count(page, deliver);
        let new: u64 = deliver.iter().map(|range| range.len() as u64).sum();
        self.pass(new);
        let began = self.clock.began();
        self.passed.page(page, deliver, sign, began);
        self.progress.bring(new);
        if let Some(walk) = &mut self.repeated {
            walk.bring(page, deliver, began);
        }
        if self.set.sorted() {
            self.advance(page, inside);
        } else {
            self.pass_unsorted(page, deliver);
            self.gather(page);
        }
        if let Some(run) = run {
            self.walk_run_again(run)?;
            return Ok(false);
        }
        let stopped =
            inside < page.count() && self.set.until.is_some_and(|until| page.at(inside) >= until);
        self.turn(page, sign, inside, stopped)
    }

    /// Forgets rows that are not delivered after all, because their page is
    /// refused.
    pub(in crate::cursor) fn forget<R: Rows>(&mut self, page: &R, rows: &[Range<usize>]) {
        for row in rows.iter().cloned().flatten() {
            self.seen.forget(&page.id(row));
        }
    }

    /// The position of the page that was asked for. A page's number says
    /// little of its rows where the API clamps the page size, so these are
    /// counted; where an empty page follows, one before it may have been short
    /// for a moment.
    pub(in crate::cursor) fn position(&self, empty: bool) -> u64 {
        if !self.set.by_page() {
            return self.window.offset();
        }
        let counted = self.window.met().reached();
        if empty && self.window.rows() > 0 {
            let largest = self.passed.largest().unwrap_or_default();
            return counted.max(self.window.pages() * largest);
        }
        counted
    }

    /// How many pages of so many rows hold all that the window met, where rows
    /// are in no order and pages overlap by half.
    fn pages_met(&self, rows: u64) -> u64 {
        if self.set.sorted() {
            return 0;
        }
        2 * self.window.met().rows() / rows.max(1)
    }

    /// A total that is capped where offsets are says nothing, and neither does
    /// one that was below what was read.
    pub(in crate::cursor) fn believable(&self, total: Option<u64>) -> Option<u64> {
        let Settings {
            limit, max_offset, ..
        } = self.set;
        let capped = |total: u64| total >= limit && total.abs_diff(max_offset) < limit;
        total.filter(|total| self.trust.has_totals() && (!self.set.sorted() || !capped(*total)))
    }

    pub(in crate::cursor) fn watch<R: Rows>(&mut self, page: &R, left: Option<u64>) -> Result<()> {
        let last = self.marks.last().map(|last| last.at);
        let oldest = if self.set.sorted() {
            None
        } else {
            (0..page.count()).map(|row| page.at(row)).min()
        };
        let (began, asked) = (self.clock.began(), self.clock.asked());
        let checked = self.progress.check(began, asked, last, left, oldest);
        checked.map_err(|error| self.refute(error, Doubt::Here))
    }

    /// Counts the rows that were passed.
    pub(in crate::cursor) fn pass(&mut self, new: u64) {
        // Of the first window those count too that an earlier sync delivered.
        if self.counts.windows == 1 {
            self.passed.set(self.window.met().rows());
        } else {
            self.passed.add(new);
        }
    }

    /// How many rows at the page's start belong to this sync, or to the walk
    /// that is repeated.
    pub(in crate::cursor) fn inside<R: Rows>(&self, page: &R, run: Option<Instant>) -> usize {
        let count = page.count();
        if !self.set.sorted() {
            return count;
        }
        let end = self.repeated.as_ref().map_or(Instant::MAX, Repeated::end);
        let end = end.min(self.set.until.unwrap_or(Instant::MAX));
        let end = end.min(run.map_or(Instant::MAX, |run| run.plus(Duration::from_nanos(1))));
        if page.count() > 0 && page.at(count - 1) < end {
            return count;
        }
        (0..count).take_while(|row| page.at(*row) < end).count()
    }
}
