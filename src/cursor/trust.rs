//! What the walk has proved so far: which bound was confirmed, how rows were
//! reached, what the last window left, how fine the filter is, and to which
//! ground the state returns where an answer speaks against the walk.

use super::proof::ground::{Doubt, Ground};
use super::proof::totals::Closed;
use super::window::Window;
use super::{Bound, Question};
use crate::error::Error;
use crate::seen::Seen;
use crate::timestamp::Instant;

/// Inquiries that one sync may make; more would make a busy table slow.
const INQUIRIES: u32 = 3;
/// Walks that one sync may begin again because a page was refused.
const REFUSALS: u32 = 3;
/// How fine filters are, in nanoseconds: to the millisecond, the second, the
/// minute, the hour, the day.
const GRAINS: [i128; 5] = [
    1_000_000,
    1_000_000_000,
    60_000_000_000,
    3_600_000_000_000,
    86_400_000_000_000,
];

/// What looking beyond a window's last page showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// Nobody looked.
    Open,
    /// Rows that were not met.
    Rows,
}

#[derive(Debug)]
pub(super) struct Trust {
    /// How the rows at the resume bound were reached, for the next sync.
    question: Option<Question>,
    /// How the rows at this window's bound were reached.
    reached: Option<Question>,
    /// Where the whole table begins, and where this sync did.
    beginning: Bound,
    confirmed: bool,
    inquiries: u32,
    refusals: u32,
    unconfirmed: &'static str,
    /// Whether pages were left though rows moved from one to another.
    moving: bool,
    closed: Option<Closed>,
    /// The filter's grain in nanoseconds, 1 where none was seen; None where
    /// the filter is not honoured at all.
    grain: Option<i128>,
    /// The end was seen; and looked for beyond the last page.
    ending: bool,
    probe: Probe,
    totals: bool,
    audited: bool,
    /// Whether windows were closed before their end.
    cut: bool,
    /// Whether a window told a total.
    told: bool,
    start: Ground,
    page: Ground,
    window: Ground,
    at_confirmed: Ground,
    initial: Seen,
    first: Bound,
    refuted: Option<String>,
}

impl Trust {
    pub(super) fn new(
        ground: Ground,
        initial: Seen,
        question: Option<Question>,
        beginning: Bound,
        refuted: Option<String>,
    ) -> Self {
        Self {
            reached: question.clone(),
            question,
            beginning,
            confirmed: false,
            inquiries: 0,
            refusals: 0,
            unconfirmed: "no window was opened at a row that was known",
            moving: false,
            closed: None,
            grain: Some(1),
            ending: false,
            probe: Probe::Open,
            totals: true,
            audited: false,
            cut: false,
            told: false,
            first: ground.resume.clone(),
            page: ground.clone(),
            window: ground.clone(),
            at_confirmed: ground.clone(),
            start: ground,
            initial,
            refuted,
        }
    }

    pub(super) fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// How the rows at this window's bound were reached.
    pub(super) fn reached(&self) -> Option<&Question> {
        self.reached.as_ref()
    }

    pub(super) fn beginning(&self) -> &Bound {
        &self.beginning
    }

    /// The bound of the sync's first window.
    pub(super) fn first(&self) -> &Bound {
        &self.first
    }

    pub(super) fn initial(&self) -> &Seen {
        &self.initial
    }

    pub(super) fn refuted(&self) -> Option<&str> {
        self.refuted.as_deref()
    }

    /// Forgets why the walk was not believed: it was walked to its end.
    pub(super) fn believe(&mut self) {
        self.refuted = None;
    }

    /// None where a known row confirmed the bound, or else why none did.
    pub(super) fn unconfirmed(&self) -> Option<&'static str> {
        if self.moving {
            return Some(
                "rows moved from page to page while they were read; the next sync reads these pages again",
            );
        }
        (!self.confirmed).then_some(self.unconfirmed)
    }

    /// A known row came back at the bound, so that all up to it is proved.
    pub(super) fn confirm(&mut self, ground: Ground) {
        self.confirmed = true;
        self.at_confirmed = ground;
    }

    /// Notes that pages were left though rows moved from one to another.
    pub(super) fn leave(&mut self) {
        self.moving = true;
    }

    /// Notes why no row could confirm the bound.
    pub(super) fn doubt(&mut self, why: &'static str) {
        self.unconfirmed = why;
    }

    /// Whether the known rows still have to come back.
    pub(super) fn wants_witness(&self) -> bool {
        !self.confirmed && self.inquiries < INQUIRIES
    }

    /// Counts an inquiry.
    pub(super) fn inquire(&mut self) {
        self.inquiries += 1;
    }

    /// Counts a page that was refused although more rows were promised;
    /// whether the walk may begin again.
    pub(super) fn walks_again(&mut self) -> bool {
        self.refusals += 1;
        self.refusals <= REFUSALS
    }

    /// Notes how the rows at the resume bound were reached.
    pub(super) fn reach(&mut self, question: Option<Question>) {
        if question.is_some() {
            self.question = question;
        }
    }

    /// A window is closed, and one opens at `next`. `countable` says that no
    /// row can come in before that.
    pub(super) fn close(&mut self, window: &Window, next: &Bound, countable: bool, ground: Ground) {
        self.reached = Some(window.question());
        self.told |= window.total().is_some();
        self.closed = window.total().filter(|_| countable).map(|total| Closed {
            bound: window.bound().clone(),
            total,
            behind: window.met().behind(next.at),
            ground: self.window.clone(),
        });
        self.window = ground;
        self.probe = Probe::Open;
    }

    /// A window is closed though more rows follow.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// The window that was closed last, if its totals have to be compared.
    pub(super) fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    pub(super) fn settle(&mut self) {
        self.closed = None;
    }

    /// The filter let through rows that are so much older than its bound.
    pub(super) fn leaks(&mut self, nanos: i128) {
        let grain = GRAINS.iter().copied().find(|grain| nanos <= *grain);
        self.grain = self.grain.zip(grain).map(|(one, other)| one.max(other));
    }

    /// Whether the filter can tell a bound from a later one.
    pub(super) fn tells_apart(&self, bound: Instant, later: Instant) -> bool {
        self.grain.is_some_and(|grain| {
            let floor = |at: Instant| at.to_nanos().div_euclid(grain);
            later > bound && floor(later) > floor(bound)
        })
    }

    /// Whether the end was seen, so that what follows only proves it.
    pub(super) fn is_ending(&self) -> bool {
        self.ending
    }

    pub(super) fn end(&mut self, seen: bool) {
        self.ending = seen;
    }

    /// What looking beyond the window's last page showed.
    pub(super) fn probe(&self) -> Probe {
        self.probe
    }

    pub(super) fn probed(&mut self, probe: Probe) {
        self.probe = probe;
    }

    /// A total was below what was read: it counts something else.
    pub(super) fn distrust_totals(&mut self) {
        self.totals = false;
        self.closed = None;
    }

    pub(super) fn has_totals(&self) -> bool {
        self.totals
    }

    /// Whether pages have to be looked at that no window reached.
    pub(super) fn wants_audit(&mut self) -> bool {
        self.cut && !self.told && !std::mem::replace(&mut self.audited, true)
    }

    /// A page is looked at; all that was read before it is proved up to here.
    pub(super) fn turn_to(&mut self, ground: Ground) {
        self.page = ground;
    }

    /// Notes that an answer spoke against the walk; the ground to return to.
    pub(super) fn refute(&mut self, error: &Error, doubt: Doubt) -> &Ground {
        self.refuted = Some(error.to_string());
        match doubt {
            Doubt::Here => &self.page,
            Doubt::Window => &self.window,
            Doubt::Confirmed => &self.at_confirmed,
            Doubt::Start => &self.start,
        }
    }
}
