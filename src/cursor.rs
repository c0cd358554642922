//! The cursor: a pure state machine that says what to ask for next and which
//! rows of an answer are new. It knows no socket, file or clock.
//!
//! ```text
//!            ┌───────────── the page is discarded: rows have moved ◀────────┐
//!            ▼                                                              │
//!   open ─▶ window: ask ─▶ page ─▶ joins? positions met? ─ yes ─▶ deliver, marks ─▶ turn
//!    ▲       │  first page                                                  │
//!    │       ├─ known rows missing ─▶ inquiry ─┐                            ├─ next page
//!    │       ├─ totals do not add up ─▶ recount ┤                           ├─ close: open at T
//!    │       ◀──────── explained ───────────────┤                           └─ the end? ─▶ window
//!    │                                          └─ refuted ─▶ exit 5           at T, probe, audit
//!    └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! # Why nothing is lost
//!
//! Assumed is that a row's timestamp only grows, that whatever changes a row
//! gives it a timestamp newer than any that was read, or at least one that is
//! younger than the lookback then, and that each answer is one consistent
//! view. Whether the API sorts, honours its bound and counts right is not
//! assumed but proved, as far as its answers can show it:
//!
//! - A *window* walks one fixed bound from offset 0. Rows are sorted, so a
//!   page is a gapless stretch of the rows at its moment. Rows leave (deleted,
//!   or updated and thereby moved to the end), which shifts later rows up; the
//!   plain walk skips as many as left. So pages overlap, and each must join
//!   what was read (`proof::join`). One that does not is a *drift*: the page
//!   is discarded, and a new window opens at T, the last timestamp, offset 0.
//!   Where the filter cannot tell that window from this one, the walk goes
//!   back inside it until a page joins.
//! - Distinct rows must be met at as many positions as were passed
//!   (`proof::positions`); known rows must come back at the bound of a window
//!   (`proof::witness`); from window to window the totals must add up
//!   (`proof::totals`); the end is proved by a window at the last timestamp
//!   (`proof::end`). Where pages cannot overlap and there are no totals, some
//!   of the pages that no window reached are looked at (`proof::audit`).
//! - The next sync opens its window at the last timestamp that was old enough
//!   for every row up to it to be visible when its page was asked for. Where
//!   an answer speaks against the walk, it begins on the last ground that is
//!   proved (`proof::ground`).
//!
//! # Why nothing comes twice
//!
//! Every row at or after the bound that the next window may ask from is in
//! [`Seen`] with its instant and content; what is older than that bound and
//! comes again (overlaps) was read, and is dropped by its timestamp alone.

mod api;
mod clock;
mod deliver;
mod guard;
mod mark;
mod marks;
mod phase;
mod proof;
mod refusal;
mod rows;
mod strategy;
mod tally;
#[cfg(test)]
mod testing;
mod trust;
mod turns;
mod walk;
mod window;

use std::collections::HashSet;

pub use api::{Answer, Ask, Counts, Order, Paging, Question, Settings, Start, Step};
use clock::Clock;
use guard::answer::{check_echo, check_order};
use guard::progress::{Progress, TRIES};
pub use mark::{Bound, Mark};
use marks::Marks;
use phase::Phase;
use proof::end::Beyond;
use proof::ground::Doubt;
pub use rows::Rows;
use rows::{last_at, positions};
use strategy::keyset::Keyset;
use strategy::numbered::Repeated;
use strategy::run::Run;
use strategy::span::Span;
use strategy::unsorted::Unsorted;
use tally::{Passed, Strikes};
use trust::Trust;
use window::Window;

use crate::error::Result;
use crate::seen::Seen;
use crate::timestamp::Instant;

/// How often a run of equal timestamps is walked again before it is refused.
const WALKS: u32 = 3;

/// The cursor of one sync.
#[derive(Debug)]
pub struct Cursor {
    set: Settings,
    phase: Phase,
    window: Window,
    marks: Marks,
    /// Everything older was delivered, or is not wanted.
    floor: Instant,
    seen: Seen,
    clock: Clock,
    trust: Trust,
    span: Span,
    progress: Progress,
    repeated: Option<Repeated>,
    keyset: Keyset,
    unsorted: Unsorted,
    counts: Counts,
    passed: Passed,
    run: Run,
    /// Pages whose rows had changed places, and pages after positions whose
    /// rows were not met.
    disorders: Strikes,
    unmet: Strikes,
    /// Pages that looked like the last.
    ends: u32,
    /// What was seen beyond the page that looked like the last.
    beyond: Beyond,
    warned: HashSet<&'static str>,
}

impl Cursor {
    /// A cursor that takes up at `start`.
    pub fn new(set: Settings, mut start: Start) -> Self {
        if !set.sorted() {
            start.seen.cover_all();
        }
        let marks = Marks::new(start.bound.noted(&set.format), start.mark);
        Self {
            phase: Phase::Walk,
            window: Window::open(start.bound.clone()),
            floor: start.bound.at,
            clock: Clock::new(set.lookback),
            trust: Trust::new(
                marks.ground(),
                start.seen.clone(),
                start.question,
                start.beginning,
                start.refuted,
            ),
            marks,
            seen: start.seen,
            set,
            span: Span::default(),
            progress: Progress::default(),
            repeated: None,
            keyset: Keyset::default(),
            unsorted: Unsorted::default(),
            counts: Counts {
                windows: 1,
                ..Counts::default()
            },
            passed: Passed::default(),
            disorders: Strikes::default(),
            unmet: Strikes::default(),
            ends: 0,
            run: Run::default(),
            beyond: Beyond::default(),
            warned: HashSet::new(),
        }
    }

    /// What to ask for.
    pub fn request(&self) -> Ask<'_> {
        self.phase.ask(&self.window, self.set.limit)
    }

    /// Whether what is asked for only proves something: a source that cannot
    /// answer it (a recording) loses no row by it.
    pub fn is_proving(&self) -> bool {
        self.phase.is_proof() || (self.trust.is_ending() && self.window.is_new())
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The high-water mark.
    pub fn mark(&self) -> Option<&Mark> {
        self.marks.mark()
    }

    /// Where the next sync is to ask from: a timestamp as the API spelled it,
    /// or where this sync started if there was none to move on to.
    pub fn resume(&self) -> Option<&str> {
        self.marks.resume_text()
    }

    /// Where the next sync is to begin, where that is the start of this one and
    /// not the instant that the bound says: rows before it are not wanted.
    pub fn start_at(&self) -> Option<Instant> {
        let (start, text) = self.marks.start_at().zip(self.resume())?;
        let format = &self.set.format;
        let said = format.read(text, false).or_else(|| format.read(text, true));
        (said.map(|said| format.cut(said)) != Some(start)).then_some(start)
    }

    /// The rows from there on that were delivered.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// How the rows at the resume bound were reached.
    pub fn question(&self) -> Option<&Question> {
        self.trust.question()
    }

    /// Why the walk is not believed, where an answer spoke against it and it
    /// was not walked on from there to its end.
    pub fn refuted(&self) -> Option<&str> {
        self.trust.refuted()
    }

    /// None where a known row confirmed the bound, or else why none did.
    pub fn unconfirmed(&self) -> Option<&'static str> {
        self.trust.unconfirmed()
    }

    /// Takes the answer to [`Cursor::request`].
    ///
    /// # Errors
    /// [`crate::error::Kind::Contract`] where the API breaks its own, or its
    /// answers speak against the walk; nothing of this page was taken then.
    /// [`crate::error::Kind::Local`] for a mark that lies ahead of every clock.
    pub fn accept<R: Rows>(&mut self, page: &R, answer: &Answer) -> Result<Step> {
        let newest = if self.set.sorted() {
            last_at(page)
        } else {
            (0..page.count()).map(|row| page.at(row)).max()
        };
        self.clock.hear(answer, newest);
        self.trust.turn_to(self.marks.ground());
        let numbered = self.set.by_page();
        let echo = check_echo(answer.echoed.filter(|_| !numbered), self.request().offset);
        echo.map_err(|error| self.refute(error, Doubt::Here))?;
        if self.set.sorted() {
            let doubt = if self.window.total().is_some() {
                Doubt::Window
            } else {
                Doubt::Start
            };
            check_order(page).map_err(|error| self.refute(error, doubt))?;
        }
        self.hear(page, answer)
    }
}
