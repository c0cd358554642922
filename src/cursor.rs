//! The cursor: a pure state machine that says what to ask for next and which
//! rows of an answer are new. It knows no socket, file or clock.
//!
//! # Why nothing is lost
//!
//! Assumed is that a row's timestamp only grows, that whatever changes a row
//! gives it a timestamp newer than any that was read, or at least one that is
//! younger than the lookback then, that each answer is one consistent view,
//! and that the bound is inclusive or said not to be. Then:
//!
//! - A *window* walks one fixed bound from offset 0. Rows are sorted, so a
//!   page is a gapless stretch of the rows at its moment. Rows leave (deleted,
//!   or updated and thereby moved to the end), which shifts later rows up; the
//!   plain walk skips as many as left.
//! - Let T be the last timestamp read. All that was not read is at T or later.
//!   The next page is asked to start on the row before the first row of T: if
//!   it starts with a row older than T, all of T and all up to the page's end
//!   are in it, whatever order the API keeps among equals. If it does not,
//!   rows moved (a *drift*): the page is discarded and a new window opens
//!   at T, offset 0, which by the same assumption holds all that was not read.
//!   Where bounds are too coarse for that (a day), the walk steps back until
//!   a page starts with a row older than T again.
//! - Where T's run begins too near the page's start for that, half the page is
//!   read again and must come back in its order. Rows leave such a run, and by
//!   the assumption none enters it once it is older than the lookback, so
//!   distinct rows at distinct places are all that stay, by counting; a row
//!   that shows up again beyond the overlap is a drift. Since a row that enters
//!   as another leaves cancels out, such a run is walked again until nothing
//!   new comes of it, which finds all but what goes on entering meanwhile.
//! - The next sync opens its window at the last timestamp that was old enough
//!   for every row up to it to be visible when its page was asked for.
//!
//! # Why nothing comes twice
//!
//! Every row at or after the bound that the next window may ask from is in
//! [`Seen`] with its content; what is older than that bound and comes again
//! (overlaps) was read, and is dropped by its timestamp alone.
//!
//! # When an assumption fails
//!
//! Rows out of order, an offset that is echoed wrongly, an empty page below
//! the total it reports, windows without new rows, ties without a stable
//! order, windows that lack the rows of their own bound, a table that outgrows
//! the reader: each ends with an error after a bounded number of requests. A
//! timestamp that is set back is found by no reader that filters by it.

mod expect;
mod marks;
mod numbered;
mod pace;
mod proof;
mod value;
mod window;

use std::collections::HashSet;
use std::ops::Range;

use expect::{Expect, Miss, run_start};
use numbered::Walk;
use pace::Pace;
pub use value::{Bound, Counts, Mark, Rows, Settings, Start, Step};

use crate::error::{Error, Result};
use crate::seen::Seen;
use crate::timestamp::Instant;

/// So many short pages in a row are the end of a table without a total.
const SHORT_PAGES: u32 = 100;

/// The cursor of one sync.
#[derive(Debug)]
pub struct Cursor {
    set: Settings,
    bound: Bound,
    offset: u64,
    expect: Expect,
    /// Rows of the window that were passed, as the API counts them.
    read: u64,
    /// Rows on the window's last page, and how far it stepped back since.
    page: usize,
    back: u64,
    /// How many seconds before the bound the API's rows begin: it cuts the
    /// bound too, or does not honour it.
    leak: i64,
    /// Rows on the largest page so far, and pages in a row that were shorter.
    largest: usize,
    short: u32,
    /// Windows in a row without the rows of their own bound, and how many
    /// rows these were.
    absent: (u32, usize),
    /// Rows of T that the window has passed, where T's run spans pages.
    run: HashSet<String>,
    /// The last timestamp, T, and the one before it. Where rows are not
    /// sorted, the newest from before the window, and the newest ripe one.
    last: Option<Mark>,
    before: Option<Mark>,
    /// When the window's first page was asked for.
    opened: Option<Instant>,
    mark: Option<Mark>,
    /// Where the next sync resumes: this mark, or else where this one started.
    resume: Bound,
    resume_mark: Option<Mark>,
    /// Set once a row was read that was too young to be passed for good.
    frozen: bool,
    /// Everything older was delivered, or is not wanted.
    floor: Instant,
    seen: Seen,
    counts: Counts,
    /// New rows of the window at the last timestamp, and how often its run was
    /// walked again to prove that there are no more.
    fresh: (usize, Option<Instant>),
    proofs: (u32, Option<Instant>),
    /// Drifts in a row among equal timestamps, and at which.
    disorders: (u32, Option<Instant>),
    walk: Option<Walk>,
    pace: Pace,
    warned: HashSet<&'static str>,
}

impl Cursor {
    /// A cursor that takes up at `start`.
    pub fn new(set: Settings, mut start: Start) -> Self {
        if !set.sorted {
            start.seen.cover_all();
        }
        Self {
            offset: 0,
            expect: Expect::Start,
            read: 0,
            page: 0,
            back: 0,
            leak: 0,
            largest: 0,
            short: 0,
            absent: (0, 0),
            run: HashSet::new(),
            last: None,
            before: None,
            opened: None,
            mark: start.mark,
            resume: start.bound.noted(&set.format),
            resume_mark: None,
            frozen: false,
            floor: start.bound.at,
            bound: start.bound,
            seen: start.seen,
            counts: Counts {
                windows: 1,
                ..Counts::default()
            },
            fresh: (0, None),
            proofs: (0, None),
            disorders: (0, None),
            walk: None,
            pace: Pace::default(),
            warned: HashSet::new(),
            set,
        }
    }

    /// What to ask for: the text for `{since}` and the offset.
    pub fn request(&self) -> (Option<&str>, u64) {
        (self.bound.text.as_deref(), self.offset)
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The high-water mark.
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Where the next sync is to ask from: a timestamp as the API spelled it,
    /// or where this sync started if there was none to move on to.
    pub fn resume(&self) -> Option<&str> {
        let received = self.resume_mark.as_ref().map(|mark| &*mark.text);
        received.or(self.resume.text.as_deref())
    }

    /// The rows from there on that were delivered.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Takes the answer to [`Cursor::request`]. `echoed` and `total` are the
    /// answer's own; `asked` is when it was asked for, by the API's clock
    /// where that is known.
    ///
    /// # Errors
    /// [`crate::error::Kind::Contract`] where the API breaks its own; nothing
    /// of this page was taken then.
    pub fn accept<R: Rows>(
        &mut self,
        page: &R,
        echoed: Option<u64>,
        total: Option<u64>,
        asked: Instant,
    ) -> Result<Step> {
        let count = page.count();
        // A total that is capped where offsets are says nothing.
        let Settings {
            limit, max_offset, ..
        } = self.set;
        let capped = |total: u64| total >= limit && total.abs_diff(max_offset) < limit;
        let total = total.filter(|total| !self.set.sorted || !capped(*total));
        // A page's number says little of its rows where the API clamps the
        // page size, so these are counted.
        let numbered = self.set.by_page;
        let from = if numbered { self.read } else { self.offset };
        let listed = count + page.skipped();
        let reached = from.saturating_add(listed as u64);
        self.check_answer(page, echoed.filter(|_| !numbered), total, from)?;
        self.check_pace(
            page,
            total.map(|total| total.saturating_sub(reached)),
            asked,
        )?;
        let opened = *self.opened.get_or_insert(asked);
        let shrank = listed == 0 && total.is_some_and(|total| total < from);
        let joint = match self.expect.check(page, shrank, &self.run) {
            Ok(joint) => joint,
            Err(miss) => return self.drift(&miss),
        };
        if matches!(self.expect, Expect::Start) && self.offset == 0 && count > 0 {
            self.check_bound(page)?;
            let bound = self.set.format.cut(self.bound.at);
            let leak = bound.secs.saturating_sub(page.at(0).secs);
            self.leak = if self.set.sorted { leak.max(0) } else { 0 };
        }
        if joint.thinned && count == joint.known && total.is_none() {
            return self.drift(&Miss::moved("rows are gone, and none came after them"));
        }
        if joint.thinned {
            self.counts.drifts += 1;
            let known = joint
                .known
                .checked_sub(1)
                .map_or(0, |last| page.position(last) + 1);
            self.read = from + known as u64;
        }
        // A total below what was read counts something else.
        let total = total.filter(|total| *total >= reached);
        let checked = !matches!(self.expect, Expect::Unchecked);
        if checked && reached <= self.read && total.is_some_and(|total| total > reached) {
            let why = "the page brings nothing new, though the total promises more";
            return self.drift(&Miss::moved(why));
        }
        let end = self.walk.as_ref().map_or(Instant::MAX, Walk::end);
        let end = end.min(self.set.until.unwrap_or(Instant::MAX));
        let ending = match total {
            Some(total) => reached >= total,
            None => count <= joint.known && page.skipped() == 0,
        };
        let run = self.unproved(page, ending, asked);
        let wanted = |at: Instant| at < end && run.is_none_or(|run| at <= run);
        let inside = if self.set.sorted {
            (0..count).take_while(|row| wanted(page.at(*row))).count()
        } else {
            count
        };
        let deliver = self.select(page, inside);
        self.count_run(page, &deliver);
        if self.set.sorted {
            self.advance(page, inside, asked);
        } else {
            self.gather(page, opened);
        }
        if let Some(run) = run {
            self.walk_again(run)?;
            return Ok(Step {
                deliver,
                ..Step::default()
            });
        }
        let stopped =
            inside < count && self.set.until.is_some_and(|until| page.at(inside) >= until);
        let short = self.set.sorted && listed < self.largest && (listed as u64) < self.set.limit;
        self.short = if short { self.short + 1 } else { 0 };
        // A table that grows has no end, but short pages in a row, or one of
        // rows younger than the sync, are as near as one can come to it, and
        // ending early is no loss where the mark is all that was read.
        let late = |row| self.pace.is_late(page.at(row));
        let outgrown = self.short >= SHORT_PAGES || short && (joint.known..count).all(late);
        let ended = ending || total.is_none() && outgrown;
        self.read = reached;
        self.largest = self.largest.max(listed);
        let done = if numbered {
            self.turn_page(page, inside, ended || stopped, total)?
        } else {
            self.turn(page, ended || stopped, total, asked)?
        };
        if done && !self.set.sorted {
            self.conclude();
        }
        Ok(Step {
            deliver,
            done,
            drift: None,
        })
    }

    fn check_answer<R: Rows>(
        &self,
        page: &R,
        echoed: Option<u64>,
        total: Option<u64>,
        from: u64,
    ) -> Result<()> {
        let asked = self.offset;
        if let Some(echoed) = echoed.filter(|echoed| *echoed != asked) {
            return Err(Error::contract(format!(
                "the answer is for offset {echoed}, asked for was {asked}"
            ))
            .hint("does the API honour the offset? highwater check tells"));
        }
        if let Some(total) =
            total.filter(|total| page.count() + page.skipped() == 0 && *total > from)
        {
            return Err(Error::contract(format!("an empty page, though the total is {total}"))
                .hint("the API caps its offsets or its permissions hide rows; try --max-offset below this offset"));
        }
        let mut rows = 1..if self.set.sorted { page.count() } else { 0 };
        if let Some(row) = rows.find(|row| page.at(*row) < page.at(row - 1)) {
            let (earlier, later) = (page.mark(row - 1), page.mark(row));
            return Err(Error::contract(format!("rows are out of order: {later:?} comes after {earlier:?}"))
                .at(format_args!("row {row} (id {:?})", page.id(row)))
                .hint("have the API sort by the cursor, ascending, with a parameter in \"query\"; if it cannot, set \"sorted\": false"));
        }
        Ok(())
    }

    fn check_pace<R: Rows>(&mut self, page: &R, left: Option<u64>, asked: Instant) -> Result<()> {
        let last = self.last.as_ref().map(|last| last.at);
        let oldest = if self.set.sorted {
            None
        } else {
            (0..page.count()).map(|row| page.at(row)).min()
        };
        self.pace.check(asked, last, left, oldest)
    }

    /// The rows that are new, of the first `inside` ones.
    fn select<R: Rows>(&mut self, page: &R, inside: usize) -> Vec<Range<usize>> {
        let mut deliver: Vec<Range<usize>> = Vec::new();
        for row in 0..inside {
            let at = page.at(row);
            if self.set.until.is_some_and(|until| at >= until) {
                continue;
            }
            let twin = row > 0 && at == page.at(row - 1) && page.same_id(row - 1, row);
            if at < self.floor
                || (twin && page.hash(row - 1) == page.hash(row))
                || (self.seen.covers(at) && self.seen.holds(&page.id(row), page.hash(row)))
            {
                self.counts.duplicates += 1;
                continue;
            }
            self.pace.bring();
            if let Some(walk) = &mut self.walk {
                walk.bring(at);
            }
            match deliver.last_mut() {
                Some(range) if range.end == row => range.end = row + 1,
                _ => deliver.push(row..row + 1),
            }
        }
        deliver
    }

    /// Turns to the next request; true where there is none.
    fn turn<R: Rows>(
        &mut self,
        page: &R,
        ended: bool,
        total: Option<u64>,
        asked: Instant,
    ) -> Result<bool> {
        let count = page.count();
        let anchor = self.anchor();
        let (next, expect) = self.next(page, total);
        let deep = next.saturating_add(self.set.limit) > self.set.max_offset && self.set.overlap;
        if ended {
            return Ok(true);
        }
        if deep && self.helps(&anchor) {
            self.open(anchor)?;
            return Ok(false);
        }
        if deep {
            self.warn("deep", "the offset passes --max-offset: more rows than that share one timestamp, or cannot be sorted");
        }
        match &expect {
            Expect::Plain { .. } => self.warn("plain", "pages of one row cannot overlap: rows that change while they are read can be missed; use a larger page"),
            Expect::InOrder { at, .. } => {
                let start = at.map_or(0, |_| run_start(page));
                if start > 0 {
                    self.run.clear();
                }
                self.run.extend((start..count).map(|row| page.id(row)));
                // Behind the rows that are read again, rows of this very
                // instant may still change.
                let ripe = asked.minus(self.set.lookback);
                self.frozen |= at.is_some_and(|at| at >= ripe);
            }
            _ => self.run.clear(),
        }
        (self.offset, self.expect) = (next, expect);
        (self.page, self.back) = (count + page.skipped(), 0);
        Ok(false)
    }

    fn warn(&mut self, about: &'static str, text: &str) {
        if self.warned.insert(about) {
            log::warn!("{text}");
        }
    }
}
