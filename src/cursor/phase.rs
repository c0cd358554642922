//! What the next answer is for: the walk, or a proof that needs questions of
//! its own. What such a question brings is not taken; the walk goes on where
//! it was.

use std::time::Duration;

use super::proof::audit::Audit;
use super::proof::end::{Beyond, Sign};
use super::proof::ground::Doubt;
use super::proof::inquiry::{Finding, Inquiry, Limits};
use super::proof::join::Expect;
use super::proof::totals::{Count, Recount};
use super::proof::witness::{Known, Verdict, judge};
use super::trust::Probe;
use super::window::Window;
use super::{Answer, Ask, Cursor, Paging, Rows, Step, positions};
use crate::error::{Error, Kind, Result};

/// What the next answer is for.
#[derive(Debug)]
pub(super) enum Phase {
    /// The next page of the window.
    Walk,
    /// Rows that did not come back at the bound.
    Inquiry(Box<Inquiry>),
    /// The totals of two bounds.
    Recount(Box<Recount>),
    /// The page after the one that looked like the last.
    Probe(u64),
    /// Pages that no window reached.
    Audit(Box<Audit>),
}

impl Phase {
    pub(super) fn is_proof(&self) -> bool {
        !matches!(self, Self::Walk)
    }

    pub(super) fn ask<'a>(&'a self, window: &'a Window, limit: u64) -> Ask<'a> {
        let ask = |since: &'a Option<String>, offset| Ask {
            since: since.as_deref(),
            offset,
            limit,
            pause: Duration::ZERO,
        };
        let bound = &window.bound().text;
        match self {
            Self::Walk => ask(bound, window.offset()),
            Self::Probe(offset) => ask(bound, *offset),
            Self::Audit(audit) => ask(&audit.bound().text, audit.offset()),
            Self::Recount(recount) => Ask {
                limit: 1,
                ..ask(&recount.bound().text, 0)
            },
            Self::Inquiry(inquiry) => {
                let (since, offset, pause) = inquiry.ask();
                Ask {
                    since,
                    offset,
                    limit,
                    pause,
                }
            }
        }
    }
}

impl Cursor {
    /// Takes an answer for what it was asked for.
    pub(super) fn hear<R: Rows>(&mut self, page: &R, answer: &Answer) -> Result<Step> {
        match std::mem::replace(&mut self.phase, Phase::Walk) {
            Phase::Walk => self.walk(page, answer),
            Phase::Inquiry(inquiry) => self.hear_inquiry(inquiry, page, answer),
            Phase::Recount(recount) => self.hear_recount(recount, answer),
            Phase::Probe(offset) => self.hear_probe(page, offset),
            Phase::Audit(audit) => self.hear_audit(audit, page),
        }
    }

    /// Takes note that a question was refused, or cannot be answered. Past a
    /// good page that is the end of the window, or a cap of its offsets.
    ///
    /// # Errors
    /// The error itself, where it says more than that.
    pub fn refused(&mut self, error: Error) -> Result<Step> {
        match std::mem::replace(&mut self.phase, Phase::Walk) {
            Phase::Walk if self.trust.is_ending() && self.window.is_new() => self.finish(),
            Phase::Walk => self.cut_short(error),
            Phase::Probe(_) | Phase::Audit(_) => self.finish(),
            Phase::Inquiry(_) | Phase::Recount(_) => {
                self.trust
                    .doubt("a question that would have proved it was refused");
                self.trust.inquire();
                self.trust.settle();
                Ok(Step::proof("the question was refused"))
            }
        }
    }

    /// A page past a good one is refused.
    fn cut_short(&mut self, error: Error) -> Result<Step> {
        let anchor = self.anchor();
        if self.window.pages() == 0 {
            return Err(error);
        }
        if self.helps(&anchor) {
            self.trust.cut();
            self.open(anchor)?;
            return Ok(Step::proof(
                "the page was refused, so that a new window opens",
            ));
        }
        let reached = self.window.met().reached();
        let told = self.window.total().is_some_and(|total| total > reached);
        let linked = self.set.paging == Paging::Link && error.kind() == Kind::Refused;
        let promised = told || linked;
        if promised && self.trust.walks_again() {
            // Rows may have been deleted since that was told.
            let bound = self.window.bound().clone();
            self.open(bound)?;
            return Ok(Step::proof(
                "the page was refused although the one before it promised more rows, so that they are walked again",
            ));
        }
        if !promised && (reached < self.set.limit || self.ends_by_number(&error)) {
            return self.finish();
        }
        let error = error
            .hint("more rows share one timestamp than the API lets be read by offset: a larger page can hold them (--page-size)");
        Err(self.refute(error, Doubt::Here))
    }

    /// Whether a number past the last page is refused as one that is not
    /// there, which is how some APIs say that there are no more; or the last
    /// page has no link, which is how others do.
    fn ends_by_number(&self, error: &Error) -> bool {
        match self.set.paging {
            Paging::Page => error.kind() == Kind::Refused,
            Paging::Link => true,
            Paging::Offset | Paging::Keyset => false,
        }
    }

    /// Nothing is left that could be asked.
    pub(super) fn finish(&mut self) -> Result<Step> {
        let walked = self.window.pages() > 0;
        let done = match self.repeated.take() {
            Some(walk) if walked => self.close_walk(walk)?,
            None if walked && !self.set.sorted() => self.end_unsorted()?,
            _ => self.conclude()?,
        };
        Ok(Step {
            done,
            proof: Some("the end"),
            ..Step::default()
        })
    }

    /// What the first page of a window says of its bound; a step where more
    /// has to be asked first.
    pub(super) fn judge_bound<R: Rows>(
        &mut self,
        page: &R,
        answer: &Answer,
        total: Option<u64>,
    ) -> Result<Option<Step>> {
        self.check_ahead()?;
        if answer.nothing {
            self.trust
                .doubt("the API says by its status that there is nothing new");
            return Ok(None);
        }
        if !self.set.sorted() {
            // Of rows in no order only an answer without any says something
            // before all are read.
            self.call_roll();
            let empty = positions(page) == 0 && self.trust.wants_witness();
            return Ok(empty.then(|| self.judge_witness(page, total)).flatten());
        }
        let cut = self.set.format.cut(self.window.bound().at);
        if page.count() > 0 && page.at(0) < cut {
            self.trust.leaks(cut.to_nanos() - page.at(0).to_nanos());
        }
        if self.trust.wants_witness()
            && let Some(step) = self.judge_witness(page, total)
        {
            return Ok(Some(step));
        }
        let Some(closed) = self.trust.closed().cloned() else {
            return Ok(None);
        };
        if total.is_some_and(|total| closed.lacks(total)) {
            let next = self.window.bound().clone();
            self.phase = Phase::Recount(Box::new(Recount::new(closed, next)));
            return Ok(Some(Step::proof(
                "the totals do not add up and are counted again",
            )));
        }
        self.trust.settle();
        Ok(None)
    }

    /// A mark that lies ahead of every clock was not reached by reading.
    fn check_ahead(&self) -> Result<()> {
        let bound = self.window.bound();
        let first = self.progress.requests() <= 1;
        if !first || bound.at <= self.clock.horizon() || self.seen.from(bound.at).next().is_some() {
            return Ok(());
        }
        Err(Error::local(format!(
            "the mark {:?} lies ahead of every clock, so that rows of today would be passed over",
            bound.text.as_deref().unwrap_or_default()
        ))
        .hint("start over with --full-refresh, or write the time of the last sync into the state; is this machine's clock right?"))
    }

    /// The rows that must come back at the window's bound.
    pub(super) fn known_rows(&self) -> Vec<Known> {
        let bound = self.window.bound().at;
        let known = self.seen.from(bound);
        let beyond = known.filter(|(_, at)| *at > bound || !self.set.exclusive);
        let known = |(id, at): (&str, _)| Known {
            id: id.to_owned(),
            at,
        };
        beyond.map(known).collect()
    }

    fn judge_witness<R: Rows>(&mut self, page: &R, total: Option<u64>) -> Option<Step> {
        let bound = self.window.bound().clone();
        let known = self.known_rows();
        let rows = positions(page);
        let whole = total.map_or(rows == 0, |total| rows >= total);
        match judge(page, &known, whole) {
            // What comes without a filter says nothing of the filter.
            Verdict::Confirmed if bound.text == self.trust.beginning().text => {}
            Verdict::Confirmed => self.trust.confirm(self.marks.ground()),
            Verdict::Silent if rows > 0 || !self.knows_no_row() => {}
            Verdict::Silent => return Some(self.inquire(Vec::new(), page, total)),
            Verdict::Missing(missing) => return Some(self.inquire(missing, page, total)),
        }
        None
    }

    /// Whether rows were delivered, and none of them is known: then an answer
    /// without rows has no witness.
    fn knows_no_row(&self) -> bool {
        let bound = self.window.bound();
        let resumed = self.progress.requests() <= 1 && self.marks.mark().is_some();
        resumed && self.known_rows().is_empty() && bound.text != self.trust.beginning().text
    }

    /// Looks for rows that the window's bound does not show.
    fn inquire<R: Rows>(&mut self, missing: Vec<Known>, page: &R, total: Option<u64>) -> Step {
        self.trust.inquire();
        let inquiry = Inquiry::new(
            missing,
            (page.count() > 0).then(|| page.at(0)),
            total,
            self.window.bound().clone(),
            self.trust.reached().cloned(),
            self.trust.beginning().clone(),
            Limits::of(&self.set),
        );
        let inquiry = inquiry.ripe(self.clock.ripe());
        self.phase = Phase::Inquiry(Box::new(inquiry));
        Step::proof("known rows are missing and are looked for")
    }

    fn hear_inquiry<R: Rows>(
        &mut self,
        mut inquiry: Box<Inquiry>,
        page: &R,
        answer: &Answer,
    ) -> Result<Step> {
        match inquiry.hear(page, answer.total) {
            Finding::More => self.phase = Phase::Inquiry(inquiry),
            Finding::Back => self.trust.confirm(self.marks.ground()),
            Finding::Gone(rows) => {
                self.trust.doubt("the rows that were known have changed");
                for row in rows {
                    self.seen.forget(&row.id);
                }
            }
            Finding::Refuted(error) => return Err(self.refute(error, Doubt::Confirmed)),
        }
        if !self.phase.is_proof() && !self.set.sorted() && self.window.pages() > 0 {
            return self.finish();
        }
        Ok(Step::proof("known rows are looked for"))
    }

    fn hear_recount(&mut self, mut recount: Box<Recount>, answer: &Answer) -> Result<Step> {
        match recount.count(self.believable(answer.total)) {
            Count::More => self.phase = Phase::Recount(recount),
            Count::Sound => self.trust.settle(),
            Count::Refuted(error) => {
                let error = self.refute(error, Doubt::Here);
                self.marks.return_to(recount.ground());
                return Err(error);
            }
        }
        Ok(Step::proof("the totals are counted again"))
    }

    /// Looks beyond the page that looked like the last.
    pub(super) fn probe(&mut self, sign: Sign) {
        // The first page may be as large as the API's pages are; later ones
        // are known to be smaller.
        let first = sign.largest.is_none() && sign.rows > 0 && !self.set.by_page();
        let rows = if first {
            sign.rows
        } else {
            sign.rows.max(self.set.limit)
        };
        self.phase = Phase::Probe(self.window.question().offset + rows);
    }

    fn hear_probe<R: Rows>(&mut self, page: &R, offset: u64) -> Result<Step> {
        let met = self.window.met();
        let newer = |row: usize| met.last().is_none_or(|last| page.at(row) >= last);
        let unknown = |row: &usize| newer(*row) && !met.holds(page.key(*row));
        let rows: Vec<usize> = (0..page.count()).filter(unknown).collect();
        if rows.is_empty() {
            // Rows may be taken away after paging, up to a page of them.
            let whole = self.window.question().offset + self.set.limit;
            if offset < whole && !self.set.sorted() {
                self.phase = Phase::Probe(whole);
                return Ok(Step::proof("what follows the last page is looked at"));
            }
            return self.finish();
        }
        // Rows may have come in, or the page was a smaller one: the next page
        // must bring them.
        let ripe = self.clock.ripe_at(self.clock.began());
        self.beyond = Beyond::new(page, &rows, offset, ripe);
        self.trust.probed(Probe::Rows);
        self.trust.end(false);
        self.trust.distrust_totals();
        if self.set.by_page() {
            self.number_on();
        } else if self.window.rows() == 1 {
            // The next page can overlap one row only by starting with it.
            let place = self.window.question().offset;
            self.window.turn(place, Expect::Met);
        }
        Ok(Step::proof(
            "rows follow after the page that looked like the last",
        ))
    }

    /// Rows lie beyond, and the next page does not bring them.
    pub(super) fn hidden(&mut self) -> Error {
        let error = self.beyond.refute();
        self.refute(error, Doubt::Here)
    }

    fn hear_audit<R: Rows>(&mut self, mut audit: Box<Audit>, page: &R) -> Result<Step> {
        match audit.hear(page) {
            Ok(true) => return self.finish(),
            Ok(false) if !audit.is_within(self.set.max_offset) => return self.finish(),
            Ok(false) => self.phase = Phase::Audit(audit),
            Err(error) => return Err(self.refute(error, Doubt::Start)),
        }
        Ok(Step::proof("a page that no window reached is looked at"))
    }
}
