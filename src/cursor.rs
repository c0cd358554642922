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
mod rows;
mod strategy;
mod tally;
#[cfg(test)]
mod testing;
mod trust;
mod window;

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

pub use api::{Answer, Ask, Counts, Order, Paging, Question, Settings, Start, Step};
use clock::Clock;
use guard::answer::{check_echo, check_empty, check_order};
use guard::progress::{Progress, TRIES};
pub use mark::{Bound, Mark};
use marks::Marks;
use phase::Phase;
use proof::end::{Beyond, Sign};
use proof::ground::Doubt;
use proof::join::{self, Miss};
pub use rows::Rows;
use rows::{last_at, positions};
use strategy::keyset::Keyset;
use strategy::numbered::Repeated;
use strategy::run::Run;
use strategy::span::Span;
use strategy::unsorted::Unsorted;
use tally::{Passed, Strikes};
use trust::{Probe, Trust};
use window::Window;

use crate::error::{Error, Result};
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

    /// A page of the walk.
    fn walk<R: Rows>(&mut self, page: &R, answer: &Answer) -> Result<Step> {
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
        let repeats = self.progress.page(rows > 0 && news == 0);
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
    fn deliver<R: Rows>(
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
        self.passed
            .page(page, deliver, (sign.rows, sign.total), began);
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
    fn forget<R: Rows>(&mut self, page: &R, rows: &[Range<usize>]) {
        for row in rows.iter().cloned().flatten() {
            self.seen.forget(&page.id(row));
        }
    }

    /// The position of the page that was asked for. A page's number says
    /// little of its rows where the API clamps the page size, so these are
    /// counted; where an empty page follows, one before it may have been short
    /// for a moment.
    fn position(&self, empty: bool) -> u64 {
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

    /// A total that is capped where offsets are says nothing, and neither does
    /// one that was below what was read.
    fn believable(&self, total: Option<u64>) -> Option<u64> {
        let Settings {
            limit, max_offset, ..
        } = self.set;
        let capped = |total: u64| total >= limit && total.abs_diff(max_offset) < limit;
        total.filter(|total| self.trust.has_totals() && (!self.set.sorted() || !capped(*total)))
    }

    fn watch<R: Rows>(&mut self, page: &R, left: Option<u64>) -> Result<()> {
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
    fn pass(&mut self, new: u64) {
        // Of the first window those count too that an earlier sync delivered.
        if self.counts.windows == 1 {
            self.passed.set(self.window.met().rows());
        } else {
            self.passed.add(new);
        }
    }

    /// How many rows at the page's start belong to this sync, or to the walk
    /// that is repeated.
    fn inside<R: Rows>(&self, page: &R, run: Option<Instant>) -> usize {
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

    /// Takes up again because rows have moved.
    fn drift(&mut self, miss: Miss) -> Result<Step> {
        self.counts.drifts += 1;
        let last = self.marks.last().map(|last| last.at);
        if miss == Miss::Disorder && self.disorders.strike(last) >= TRIES {
            let error = self.unstable();
            return Err(self.refute(error, Doubt::Here));
        }
        self.take_up(last)?;
        Ok(Step {
            drift: Some(miss.explain()),
            ..Step::default()
        })
    }

    /// Fewer rows than positions: none can have come in before a timestamp
    /// that was ripe when the window opened, so the order is not stable.
    fn check_positions(&mut self, ripe: Instant) -> Result<Option<Step>> {
        let met = self.window.met();
        let last = met.last();
        if met.unmet() == 0 || !self.set.sorted() {
            return Ok(None);
        }
        if last.is_none_or(|last| last >= ripe) {
            // It cannot be told yet: the next sync reads this again.
            if self.set.by_page() {
                self.marks.freeze();
            }
            return Ok(None);
        }
        if self.unmet.strike(last) > WALKS {
            let error = self.unstable();
            return Err(self.refute(error, Doubt::Here));
        }
        let anchor = self.anchor();
        self.open(anchor)?;
        Ok(Some(Step {
            drift: Some("a position that was passed holds a row that did not come"),
            ..Step::default()
        }))
    }

    fn unstable(&self) -> Error {
        let met = self.window.met();
        if met.has_twins() {
            return Error::contract("several rows have the same primary key and timestamp").hint(
                "name all fields that tell rows apart with \"primary_key\" in the connection file",
            );
        }
        let run = met.run_rows().max(1);
        let key = if met.again() > 0 {
            "; or the primary key does not tell all rows apart (\"primary_key\")"
        } else {
            ""
        };
        Error::contract(format!(
            "at least {run} rows share one timestamp, and the API keeps no stable order among them"
        ))
        .hint(format!("have the API sort by a second key, the primary key, with a parameter in \"query\"; or let a page hold them all: --page-size {}, or more; or a filter hides rows after paging{key}", 2 * run + 2))
    }

    /// The bound that everything not read yet is at or after.
    fn anchor(&self) -> Bound {
        self.marks.anchor(&self.set, self.window.bound())
    }

    /// Whether a window at this bound starts later than this one did, as far as
    /// the API's filter can tell them apart.
    fn helps(&self, anchor: &Bound) -> bool {
        self.trust.tells_apart(self.window.bound().at, anchor.at)
    }

    /// Closes the window and opens one at the bound.
    fn open(&mut self, bound: Bound) -> Result<()> {
        self.stop()?;
        self.counts.windows += 1;
        let ripe = self.clock.ripe_at(self.window.opened(self.clock.asked()));
        let countable = self.set.sorted() && bound.at <= ripe;
        let ground = self.marks.ground();
        self.trust.close(&self.window, &bound, countable, ground);
        self.window = Window::open(bound);
        self.repeated = None;
        Ok(())
    }

    /// Refuses to stop and start again where nothing came of it for long.
    fn stop(&mut self) -> Result<()> {
        let last = self.marks.last().map(|last| last.at);
        let stopped = self.progress.stop(last);
        stopped.map_err(|error| {
            let unstable = self.disorders.any() || self.unmet.any();
            let error = if unstable { self.unstable() } else { error };
            self.refute(error, Doubt::Here)
        })
    }

    /// Notes that an answer spoke against the walk, and from where on.
    fn refute(&mut self, error: Error, doubt: Doubt) -> Error {
        self.marks.return_to(self.trust.refute(&error, doubt));
        if doubt == Doubt::Start {
            self.seen.merge(self.trust.initial());
        }
        error
    }

    fn warn(&mut self, about: &'static str, text: &str) {
        if self.warned.insert(about) {
            log::warn!("{text}");
        }
    }
}
