//! Rows in no order that is known. By offset each page overlaps half of the
//! one before and must hold a row that was met; by number the pages are walked
//! again until a walk meets the same rows. The mark moves only when the whole
//! table was walked, and three things hold:
//!
//! - Nothing follows the page that looked like the last.
//! - A window at one of the newest timestamps that were old enough when the
//!   sync began brings no row that was there all the time and that the walk
//!   did not meet. One that it does bring shows that results are capped, or
//!   that rows are taken away after paging.
//! - As many rows were met as positions were passed. A row that moves to the
//!   front of what was read leaves a position that no row explains, but it has
//!   a new timestamp then, so that the window at the newest timestamps brings
//!   it. Where that does not explain all positions, the table is walked again.

mod tail;

use std::collections::HashSet;

use super::super::proof::end::Sign;
use super::super::proof::ground::Doubt;
use super::super::proof::inquiry::{Inquiry, Limits};
use super::super::proof::positions::Met;
use super::super::proof::witness::{Roll, Verdict};
use super::super::trust::Probe;
use super::super::{Bound, Cursor, Mark, Question, Rows, WALKS};
use crate::error::{Error, Result};
use crate::timestamp::Instant;
use tail::Tail;

/// Of the newest rows as many are remembered as a page holds, but no fewer and
/// no more than this.
const LEAST: usize = 8;
const MOST: usize = 1000;

/// Where a walk over rows in no order stands.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Unsorted {
    /// What the walk met, while the newest rows are looked at.
    walked: Option<Met>,
    newest: Newest,
    tail: Tail,
    /// The newest timestamp that the first walk met. Rows that change get a
    /// newer one, whatever the clocks say.
    latest: Option<Instant>,
    /// Known rows that have to come back in this window, and its oldest row.
    roll: Option<Roll>,
    shown: Option<Instant>,
    /// Whether the walk ended without rows that were seen beyond its last page
    /// and that were there all the time.
    hidden: bool,
    /// Walks whose positions were not explained.
    walks: u32,
    /// Rows older than the sync that only a repeated walk brought.
    late: u64,
    /// New rows that are younger than the sync.
    young: u64,
}

/// Rows that the window at the newest timestamps brings and that the walk had
/// not met.
#[derive(Debug, Default)]
struct Newest {
    all: HashSet<u64>,
    /// Whether some were there all the time.
    old: bool,
    /// Whether some were there all the time by the clocks, though they are
    /// newer than all that the walk met.
    newer: bool,
    /// Whether the clocks say so of rows too that have changed since the walk
    /// met them: then they say nothing.
    changed: bool,
}

impl Newest {
    /// Whether rows that were there all the time were passed over.
    fn passed_over(&self) -> bool {
        self.old || self.newer && !self.changed
    }
}

impl Unsorted {
    /// Calls the roll of these rows in the window that opens.
    pub(in crate::cursor) fn call(&mut self, roll: Option<Roll>) {
        self.roll = roll;
        self.shown = None;
    }

    /// Whether a row was there when the sync began, which all those up to
    /// `ripe` were by the clocks.
    fn is_old(&self, at: Instant, ripe: Instant) -> bool {
        at < ripe && self.latest.is_none_or(|latest| at <= latest)
    }

    /// Whether this is the first walk over the table.
    fn is_first(&self) -> bool {
        self.walks == 0 && !self.is_checking()
    }

    /// Whether the newest rows are looked at.
    pub(in crate::cursor) fn is_checking(&self) -> bool {
        self.walked.is_some()
    }

    /// Takes note of a page's rows; by the clocks those up to `ripe` were there
    /// when the sync began.
    fn pass<R: Rows>(&mut self, page: &R, ripe: Instant) {
        if let Some(roll) = &mut self.roll {
            roll.pass(page);
        }
        let oldest = (0..page.count()).map(|row| page.at(row)).min();
        self.shown = self.shown.into_iter().chain(oldest).min();
        let Some(walked) = &self.walked else {
            return;
        };
        for row in 0..page.count() {
            let (key, at) = (page.key(row), page.at(row));
            let newer = at < ripe && self.latest.is_some_and(|latest| at > latest);
            if walked.holds(key) {
                self.newest.changed |= newer;
            } else {
                self.newest.all.insert(key);
                self.newest.newer |= newer;
                self.newest.old |= at < ripe && !newer;
            }
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
        let began = self.clock.began();
        let ripe = self.clock.ripe_at(began);
        self.unsorted.pass(page, ripe);
        if self.unsorted.is_first() {
            let newest = (0..page.count()).map(|row| page.at(row)).max();
            self.unsorted.latest = self.unsorted.latest.max(newest);
        }
        let new = deliver.iter().cloned().flatten();
        let old = |row: &usize| self.unsorted.is_old(page.at(*row), ripe);
        let old = new.clone().filter(old).count() as u64;
        self.unsorted.young += new.count() as u64 - old;
        if let Some(until) = self.set.until {
            // Those that are left for another sync move as well.
            let later = (0..page.count()).filter(|row| page.at(*row) >= until);
            let newest = later.map(|row| page.at(row)).max();
            self.unsorted.young += u64::from(newest.is_some_and(|at| at >= ripe));
            if let Some((walk, newest)) = self.repeated.as_mut().zip(newest) {
                walk.stir(newest, began);
            }
        }
        if self.unsorted.is_checking() {
            return;
        }
        if self.unsorted.walks > 0 {
            self.unsorted.late += old;
        }
        let offset = self.window.question().offset;
        let most = usize::try_from(self.set.limit).map_or(MOST, |limit| limit.clamp(LEAST, MOST));
        let old = began.minus(self.set.lookback);
        self.unsorted.tail.pass(page, old, offset, most);
    }

    /// Turns to the next request; true where there is none.
    pub(in crate::cursor) fn turn_unsorted(&mut self, sign: Sign) -> Result<bool> {
        if !sign.is_end() {
            return Ok(false);
        }
        if self.unsorted.is_checking() || self.is_told_the_end(sign) {
            return self.end_unsorted();
        }
        if self.trust.probe() == Probe::Rows {
            return self.end_hidden();
        }
        self.trust.end(true);
        self.probe(sign);
        Ok(false)
    }

    /// Rows were seen beyond the last page that it did not bring. In a busy
    /// table they may just be moving.
    pub(in crate::cursor) fn end_hidden(&mut self) -> Result<bool> {
        if self.unsorted.young == 0 {
            return Err(self.hidden());
        }
        self.unsorted.hidden |= self.beyond.is_old();
        match self.repeated.take() {
            Some(walk) => self.close_walk(walk),
            None => self.end_unsorted(),
        }
    }

    /// Whether the first page says for itself that it is the last. A total may
    /// be that of the page, or an estimate.
    pub(in crate::cursor) fn is_told_the_end(&self, sign: Sign) -> bool {
        sign.more == Some(false) || self.window.pages() == 1 && sign.is_plain()
    }

    /// A window is at its end: known rows must have come back, and the
    /// positions must be explained.
    pub(in crate::cursor) fn end_unsorted(&mut self) -> Result<bool> {
        if let Some(inquiry) = self.judge_roll() {
            self.phase = super::super::Phase::Inquiry(Box::new(inquiry));
            return Ok(false);
        }
        let Some(walked) = self.unsorted.walked.take() else {
            let Some(newest) = self.newest_bound() else {
                let unmet = self.unmet(self.window.met(), 0);
                return self.explain_positions(unmet, false);
            };
            self.unsorted.walked = Some(self.window.take_met());
            self.unsorted.newest = Newest::default();
            self.trust.end(true);
            self.open(newest)?;
            return Ok(false);
        };
        let newest = std::mem::take(&mut self.unsorted.newest);
        let unmet = self.unmet(&walked, newest.all.len() as u64);
        self.explain_positions(unmet, newest.passed_over())
    }

    /// Positions that neither the walk's rows nor those that came in explain.
    /// Pages by number do not overlap, so that rows which move fill positions
    /// there twice; that is why they are walked again.
    fn unmet(&self, walked: &Met, came_in: u64) -> u64 {
        if self.set.by_page() {
            return 0;
        }
        walked.unmet().saturating_sub(came_in)
    }

    /// Concludes the walk where its positions are explained and it passed over
    /// no row that was there all the time, or else walks again.
    fn explain_positions(&mut self, unmet: u64, passed_over: bool) -> Result<bool> {
        self.unsorted.walks += 1;
        let passed_over = std::mem::take(&mut self.unsorted.hidden) || passed_over;
        let Unsorted {
            walks, late, young, ..
        } = self.unsorted;
        // Rows that come in anywhere explain positions too, where rows do come
        // in, and none of them was there before the sync.
        let busy = young > 0 && late == 0;
        if !passed_over && (unmet == 0 || (walks > WALKS && busy)) {
            return self.conclude();
        }
        if walks <= WALKS {
            self.trust.end(false);
            let first = self.trust.first().clone();
            self.open(first)?;
            return Ok(false);
        }
        let error = if passed_over {
            Error::contract("rows that were there all the time came from a later bound, and not in a walk over the whole table")
                .hint("the API caps its results (then it has to sort by the cursor: a parameter in \"query\", without \"sorted\": false), or it takes rows away after paging (permissions, deleted rows, a filter)")
        } else {
            Error::contract(format!("{unmet} positions that were passed hold rows that did not come, in each of {walks} walks"))
                .hint("the API keeps no stable order: have it sort by a key, with a parameter in \"query\"; or let a page hold more rows: --page-size; or does the primary key not tell all rows apart (\"primary_key\")?")
        };
        Err(self.refute(error, Doubt::Start))
    }

    /// Calls the roll of the known rows next to a bound.
    pub(in crate::cursor) fn call_roll(&mut self) {
        let unfiltered = self.window.bound().text == self.trust.beginning().text;
        let wanted = self.set.filters && !unfiltered && self.trust.wants_witness();
        let roll = wanted.then(|| Roll::new(self.known_rows()));
        self.unsorted.call(roll);
    }

    /// What the window says of its bound; an inquiry where known rows did not
    /// come back.
    fn judge_roll(&mut self) -> Option<Inquiry> {
        let roll = self.unsorted.roll.take()?;
        let missing = match roll.judge() {
            Verdict::Confirmed => {
                self.trust.confirm(self.marks.ground());
                return None;
            }
            Verdict::Missing(missing) => missing,
            Verdict::Silent => return None,
        };
        let bound = self.window.bound().clone();
        let place = missing.first().and_then(|row| self.place(row.at));
        let question = if self.unsorted.is_checking() {
            place
        } else {
            self.trust.reached().cloned()
        };
        let question = question.filter(|question| question.since != bound.text)?;
        self.trust.inquire();
        let beginning = self.trust.beginning().clone();
        let shown = self.unsorted.shown;
        let limits = Limits::of(&self.set);
        let inquiry = Inquiry::new(
            missing,
            shown,
            None,
            bound,
            Some(question),
            beginning,
            limits,
        );
        Some(inquiry.unordered())
    }

    /// How a row of this instant was reached by the walk.
    fn place(&self, at: Instant) -> Option<Question> {
        let offset = self.unsorted.tail.offset(at)?;
        let since = self.trust.first().text.clone();
        Some(Question { since, offset })
    }

    /// The bound of a window that shows the newest rows, up to a page or a
    /// quarter of them, where the filter can tell it from this one and the walk took more than
    /// one request.
    fn newest_bound(&self) -> Option<Bound> {
        let several = self.window.pages() > 1 || self.window.met().unmet() > 0;
        if !self.set.filters || !several {
            return None;
        }
        let ripe = self.clock.ripe_at(self.clock.began());
        // If results are capped, a window over most of them is capped as well.
        let most = usize::try_from(self.window.met().rows() / 4).unwrap_or(MOST);
        let marks: Vec<Mark> = self.unsorted.tail.marks(ripe).collect();
        let marks = marks.iter().skip(marks.len().saturating_sub(most.max(2)));
        let mut bounds = marks.map(|mark| Bound::spelled(mark, &self.set.format));
        bounds.find(|bound| bound.at > self.window.bound().at)
    }

    /// Moves the marks: the whole table was read.
    pub(in crate::cursor) fn conclude_unsorted(&mut self) {
        let ripe = self.clock.ripe_at(self.clock.began());
        let ripe = self.marks.ripe(ripe, &self.set);
        let place = ripe.as_ref().and_then(|mark| self.place(mark.at));
        if self.marks.conclude(ripe, &self.set) {
            let resume = self.marks.resume().clone();
            let question = place.unwrap_or_else(|| self.window.question());
            self.trust
                .reach((question.since != resume.text).then_some(question));
            self.seen.forget_before(resume.at);
        }
    }
}
