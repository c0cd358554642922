//! Sorted rows by offset: each page overlaps the one before. It starts on the
//! row before the first row of T, so that all of T and all up to the page's
//! end are in it, whatever order the API keeps among equals; where T's run
//! begins too near the page's start for that, half the page is read again.

use super::super::phase::Phase;
use super::super::proof::audit::{Audit, Way};
use super::super::proof::end::Sign;
use super::super::proof::join::Expect;
use super::super::rows::{last_at, run_start};
use super::super::trust::Probe;
use super::super::{Cursor, Order, Paging, Rows};
use crate::error::Result;
use crate::timestamp::Instant;

/// Ends that a table without an end may have before it is left.
const ENDS: u32 = 100;

impl Cursor {
    /// Turns to the next request; true where there is none.
    pub(in crate::cursor) fn turn<R: Rows>(
        &mut self,
        page: &R,
        sign: Sign,
        inside: usize,
        stopped: bool,
    ) -> Result<bool> {
        self.expect_next(page);
        match (self.set.paging, self.set.order) {
            (Paging::Page | Paging::Link, _) => self.turn_page(page, inside, sign, stopped),
            (Paging::Keyset, _) => self.turn_key(page, sign, stopped),
            (Paging::Offset, Order::Unsorted) => self.turn_unsorted(sign),
            (Paging::Offset, Order::Sorted) => self.turn_sorted(page, sign, stopped),
        }
    }

    fn turn_sorted<R: Rows>(&mut self, page: &R, sign: Sign, stopped: bool) -> Result<bool> {
        if stopped || self.is_left_for_later() {
            return self.conclude();
        }
        let newest = self.marks.last().map(|last| last.at);
        if let Some(newest) = newest.filter(|newest| last_at(page).is_some_and(|at| at < *newest))
            && !sign.is_end()
        {
            self.window.seek_on(newest);
            return Ok(false);
        }
        self.window.found();
        let anchor = self.anchor();
        if sign.is_end() {
            return self.end(sign);
        }
        let deep = self.window.offset().saturating_add(self.set.limit) > self.set.max_offset;
        let over = self.span.is_over(self.window.pages());
        if (deep || over) && self.helps(&anchor) {
            let most = self.set.max_offset / self.set.limit.max(1);
            self.span.close(most.max(1));
            if deep {
                self.trust.cut();
            }
            self.open(anchor)?;
            return Ok(false);
        }
        if deep {
            self.warn("deep", "the offset passes --max-offset: more rows than that share one timestamp, or cannot be sorted");
        }
        if matches!(self.window.expect(), Expect::Other(_)) {
            self.warn("plain", "pages of one row cannot overlap: rows that change while they are read can be missed; use a larger page");
        }
        Ok(false)
    }

    /// Where the next page is to start, and what it must join.
    fn expect_next<R: Rows>(&mut self, page: &R) {
        if self.set.paging != Paging::Offset {
            return;
        }
        let count = page.count();
        let reached = self.window.offset() + super::super::positions(page);
        let Some(end) = count.checked_sub(1) else {
            // Nothing on the page can be overlapped.
            let plain = page.skipped() > 0;
            let expect = if plain { Expect::Other(0) } else { Expect::Met };
            self.window.turn(reached, expect);
            return;
        };
        let start = if self.set.sorted() {
            run_start(page)
        } else {
            0
        };
        if end == 0 {
            self.window.turn(reached, Expect::Other(page.key(end)));
        } else if start >= 2 {
            let place = page.position(start - 1) as u64;
            self.window
                .turn(self.window.offset() + place, Expect::Before);
        } else {
            let place = page.position(count - count / 2) as u64;
            self.window.turn(self.window.offset() + place, Expect::Met);
            self.window.end_in_run();
            // After the rows that are read again, rows of this very instant
            // may still change.
            if self.set.sorted() && page.at(end) >= self.clock.ripe() {
                self.marks.freeze();
            }
        }
    }

    /// Takes up where everything up to `last` was read: in a new window, or
    /// further back in this one where the filter cannot tell them apart.
    pub(in crate::cursor) fn take_up(&mut self, last: Option<Instant>) -> Result<()> {
        let anchor = self.anchor();
        if self.set.sorted() && self.window.is_seeking() {
            let found = last.is_some_and(|last| self.window.seek_back(last));
            if found {
                return Ok(());
            }
        }
        self.span.drift();
        let inside = self.set.paging == Paging::Offset && self.window.offset() > 0;
        if inside && !self.helps(&anchor) {
            self.stop()?;
            self.window.step_back();
            return Ok(());
        }
        self.open(anchor)
    }

    /// Whether what is left belongs to the next sync: all that there was when
    /// this one began was passed.
    pub(in crate::cursor) fn is_left_for_later(&self) -> bool {
        let began = self.clock.began();
        let last = self.marks.last().map(|last| last.at);
        self.clock.is_comparable()
            && last.is_some_and(|last| last > began)
            && self.passed.is_beyond_the_beginning()
    }

    /// The page looks like the last: whether that is proved, or else what is
    /// asked for first.
    pub(in crate::cursor) fn end(&mut self, sign: Sign) -> Result<bool> {
        let anchor = self.anchor();
        if self.progress.requests() == 1 && sign.is_plain() {
            return self.conclude();
        }
        // A table that goes on growing has no end; what comes after so many is
        // the next sync's.
        self.ends += 1;
        if self.ends > ENDS {
            return self.conclude();
        }
        // A window that was opened to prove the end, and whose first page is
        // short, shows all that there is: what comes after it in a busy table
        // is the next sync's.
        let shown = self.trust.is_ending() && self.window.pages() == 1 && sign.is_short();
        if self.helps(&anchor) && !shown {
            self.trust.end(true);
            self.open(anchor)?;
            return Ok(false);
        }
        if sign.may_count_the_page() && self.window.pages() == 1 {
            return Ok(false);
        }
        // A total that ends with a full page may be too low.
        let told = sign.total.is_some() && !sign.is_full() || sign.more == Some(false);
        let probes = match self.set.paging {
            Paging::Offset | Paging::Page => true,
            // Rows in no order are not done before their last page.
            Paging::Link => !self.set.sorted(),
            Paging::Keyset => false,
        };
        if told || !probes {
            return self.conclude();
        }
        let last = self.window.met().last();
        let young = last.is_some_and(|last| last >= self.clock.ripe());
        match self.trust.probe() {
            Probe::Open => {
                self.trust.end(true);
                self.probe(sign);
                Ok(false)
            }
            // Where rows may still come in, the next sync reads again.
            Probe::Rows if young || !self.beyond.is_old() => self.conclude(),
            Probe::Rows => Err(self.hidden()),
        }
    }

    /// The walk is over; true unless pages have to be looked at first that no
    /// window reached.
    pub(in crate::cursor) fn conclude(&mut self) -> Result<bool> {
        if self.set.sorted() && self.trust.wants_audit() {
            let way = match self.set.paging {
                Paging::Page => Some(Way::Pages),
                Paging::Offset => Some(Way::Deeper(self.set.max_offset)),
                Paging::Link | Paging::Keyset => None,
            };
            if let Some(way) = way {
                let bound = self.trust.first().clone();
                let ripe = self.clock.ripe_at(self.clock.began());
                let audit = Audit::new(bound, self.set.limit, way, ripe);
                self.phase = Phase::Audit(Box::new(audit));
                return Ok(false);
            }
        }
        if !self.set.sorted() {
            self.conclude_unsorted();
        }
        self.trust.believe();
        Ok(true)
    }
}
