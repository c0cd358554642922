//! A window: the walk from one bound, offset 0 upwards. It is replaced by the
//! next one, never reset.

use super::proof::join::Expect;
use super::proof::positions::Met;
use super::rows::positions;
use super::{Bound, Question, Rows};
use crate::timestamp::Instant;

/// A walk from one bound.
#[derive(Debug)]
pub(super) struct Window {
    bound: Bound,
    /// What to ask for next, and what has to come.
    offset: u64,
    expect: Expect,
    /// When its first page was asked for.
    opened: Option<Instant>,
    met: Met,
    /// The last page that was taken: its offset, its rows and its total.
    place: u64,
    rows: u64,
    total: Option<u64>,
    pages: u64,
    /// Whether the last page ends in a run that may span pages, and whether
    /// it goes on in one.
    long_run: bool,
    in_run: bool,
    /// How far it stepped back since the last page that joined.
    back: u64,
    seek: Option<Seek>,
}

/// A search for the last page that starts with a row older than all that is
/// new: the filter is coarse, and rows before it were read in other windows.
#[derive(Debug, Clone, Copy)]
struct Seek {
    low: u64,
    /// Rows on the page there.
    rows: u64,
    high: Option<u64>,
    step: u64,
}

impl Window {
    /// A window that starts at this bound.
    pub(super) fn open(bound: Bound) -> Self {
        Self {
            bound,
            offset: 0,
            expect: Expect::Start,
            opened: None,
            met: Met::default(),
            place: 0,
            rows: 0,
            total: None,
            pages: 0,
            long_run: false,
            in_run: false,
            back: 0,
            seek: None,
        }
    }

    pub(super) fn bound(&self) -> &Bound {
        &self.bound
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn expect(&self) -> Expect {
        self.expect
    }

    pub(super) fn met(&self) -> &Met {
        &self.met
    }

    /// What it met, for who looks at it when the window is gone.
    pub(super) fn take_met(&mut self) -> Met {
        std::mem::take(&mut self.met)
    }

    pub(super) fn pages(&self) -> u64 {
        self.pages
    }

    /// The rows of the last page that was taken.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether no page of it was taken yet.
    pub(super) fn is_new(&self) -> bool {
        self.pages == 0 && self.offset == 0
    }

    /// When its first page was asked for, which is now unless it was before.
    pub(super) fn opened(&mut self, asked: Instant) -> Instant {
        *self.opened.get_or_insert(asked)
    }

    /// How the rows of the last page were reached.
    pub(super) fn question(&self) -> Question {
        Question {
            since: self.bound.text.clone(),
            offset: self.place,
        }
    }

    /// Takes a page at the position `from`; how many of its rows were new.
    pub(super) fn take<R: Rows>(
        &mut self,
        page: &R,
        from: u64,
        known: usize,
        total: Option<u64>,
        sorted: bool,
    ) -> u64 {
        if matches!(self.expect, Expect::Older(_)) {
            // What lies before it was read in another window.
            self.met = Met::from(from);
        }
        self.place = self.offset;
        self.rows = positions(page);
        self.total = total;
        self.pages += 1;
        self.back = 0;
        self.in_run = std::mem::take(&mut self.long_run);
        self.met.take(page, from, known, sorted)
    }

    /// Whether the last page goes on in a run of equal timestamps that may
    /// span pages.
    pub(super) fn in_run(&self) -> bool {
        self.in_run
    }

    /// Turns to a page that must join.
    pub(super) fn turn(&mut self, offset: u64, expect: Expect) {
        self.offset = offset;
        self.expect = expect;
    }

    /// The page ended in a run of equal timestamps that may go on.
    pub(super) fn end_in_run(&mut self) {
        self.long_run = true;
    }

    /// The place where new rows begin was found.
    pub(super) fn found(&mut self) {
        self.seek = None;
    }

    /// Goes back in it, further each time, because a page did not join.
    pub(super) fn step_back(&mut self) {
        self.back = match self.back {
            0 => (self.rows / 2).max(1),
            back => back.saturating_mul(2),
        };
        self.offset = self.offset.saturating_sub(self.back);
        if self.offset == 0 {
            self.expect = Expect::Start;
        }
    }

    /// Whether it looks for the place where new rows begin.
    pub(super) fn is_seeking(&self) -> bool {
        self.seek.is_some()
    }

    /// Goes on from a page all of whose rows are older than `newest`, of which
    /// everything was read: to the last page that starts with an older row.
    pub(super) fn seek_on(&mut self, newest: Instant) {
        let (step, high) = self.seek.map_or((0, None), |seek| (seek.step, seek.high));
        let high = high.filter(|high| *high > self.place);
        self.seek = Some(Seek {
            low: self.place,
            rows: self.rows.max(1),
            high,
            step: (step * 2).max(self.rows),
        });
        self.sought(newest);
    }

    /// Goes back from a page that starts too late; false where there is no
    /// page in between any more.
    pub(super) fn seek_back(&mut self, newest: Instant) -> bool {
        let offset = self.offset;
        match &mut self.seek {
            Some(seek) if offset > seek.low + 1 => seek.high = Some(offset),
            _ => return false,
        }
        self.sought(newest);
        true
    }

    fn sought(&mut self, newest: Instant) {
        let Some(seek) = self.seek else {
            return;
        };
        self.expect = Expect::Older(newest);
        self.offset = match seek.high {
            None => seek.low + seek.step,
            // The last row of the page before is older, so that a page that
            // starts there joins.
            Some(high) if high - seek.low <= seek.rows => seek.low + (high - seek.low) / 2,
            Some(high) => (seek.low + (high - seek.low) / 2).max(seek.low + seek.rows - 1),
        };
        self.offset = self.offset.max(seek.low + 1);
    }
}
