//! The cursor: a pure state machine that says what to ask for next and which
//! rows of an answer are new. It knows no socket, file or clock.
//!
//! # Why nothing is lost
//!
//! Assumed is that a row's timestamp only grows, that whatever changes a row
//! gives it a timestamp at least as new as any that could be read before
//! (late ones within the lookback), that each answer is one consistent view,
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
//! - Where T's run begins too near the page's start for that, half the page is
//!   read again and must come back in its order. Distinct rows at distinct
//!   places are all rows of the run, by counting; a row that shows up again
//!   beyond the overlap is a drift.
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
//! order, a table that outgrows the reader: each ends with an error after a
//! bounded number of requests. A timestamp that is set back is found by no
//! reader that filters by it.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::page::View;
use crate::seen::Seen;
use crate::timestamp::{Format, Instant};

/// Windows in a row that may bring nothing before the sync is given up.
const BARREN_WINDOWS: u32 = 10;
/// After so many requests the reader must have come nearer to the end.
const PATIENCE: u32 = 500;

/// What the cursor needs to know of a page's rows.
pub trait Rows {
    /// How many there are.
    fn count(&self) -> usize;
    /// A row's timestamp.
    fn at(&self, row: usize) -> Instant;
    /// The timestamp as the API spelled it.
    fn mark(&self, row: usize) -> String;
    /// The primary key as text.
    fn id(&self, row: usize) -> String;
    /// A hash of the content.
    fn hash(&self, row: usize) -> u64;
}

impl Rows for View<'_> {
    fn count(&self) -> usize {
        self.len()
    }
    #[inline]
    fn at(&self, row: usize) -> Instant {
        View::at(self, row)
    }
    fn mark(&self, row: usize) -> String {
        View::mark(self, row)
    }
    fn id(&self, row: usize) -> String {
        View::id(self, row)
    }
    fn hash(&self, row: usize) -> u64 {
        View::hash(self, row)
    }
}

/// A timestamp that the API sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// As the API spelled it.
    pub text: String,
    /// What it means.
    pub at: Instant,
}

/// Where a window starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What stands for `{since}`, None for no filter at all.
    pub text: Option<String>,
    /// The instant that the text says.
    pub at: Instant,
}

/// How to walk.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Rows to ask for at once.
    pub limit: u64,
    /// The offset to stay below by opening new windows.
    pub max_offset: u64,
    /// Whether the API leaves out rows at the bound itself.
    pub exclusive: bool,
    /// Whether the API sorts by the cursor, ascending.
    pub sorted: bool,
    /// Whether pages are numbered, so that they cannot overlap.
    pub by_page: bool,
    /// How bounds are spelled.
    pub format: Format,
    /// How long after its timestamp a row may become visible.
    pub lookback: Duration,
    /// Rows at or after this instant are left for another sync.
    pub until: Option<Instant>,
    /// Off in tests only, to show what the plain walk loses.
    #[doc(hidden)]
    pub overlap: bool,
}

/// Where a sync takes up.
#[derive(Debug)]
pub struct Start {
    /// Where the first window starts.
    pub bound: Bound,
    /// The high-water mark so far.
    pub mark: Option<Mark>,
    /// The rows from the bound on that were delivered.
    pub seen: Seen,
}

/// How the next page must begin.
#[derive(Debug)]
enum Expect {
    /// Anything: it is a window's first.
    Start,
    /// With one row older than T, then T's rows, these among them.
    Older { at: Instant, ids: Vec<String> },
    /// With these rows, in this order.
    InOrder { ids: Vec<String> },
    /// With no row that was last: nothing can be overlapped.
    Plain { last: String },
}

/// What comes of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The rows to deliver, in order.
    pub deliver: Vec<Range<usize>>,
    /// Whether the sync is complete.
    pub done: bool,
    /// Why the page was discarded, where it was.
    pub drift: Option<&'static str>,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Windows opened.
    pub windows: u64,
    /// Pages that showed that rows had moved.
    pub drifts: u64,
    /// Rows that came again and were dropped.
    pub duplicates: u64,
}

/// The cursor of one sync.
#[derive(Debug)]
pub struct Cursor {
    set: Settings,
    bound: Bound,
    offset: u64,
    expect: Expect,
    /// Rows of the window that were passed, as the API counts them.
    read: u64,
    /// New rows of the window.
    fresh: u64,
    /// Rows of T that the window has passed, where T's run spans pages.
    run: HashSet<String>,
    /// The last timestamp, T, and the one before it.
    last: Option<Mark>,
    before: Option<Mark>,
    /// When the window's first page was asked for.
    opened: Option<Instant>,
    mark: Option<Mark>,
    resume: Bound,
    /// The timestamp that the next sync resumes at, as the API spelled it.
    resume_mark: Option<Mark>,
    /// Set once a row was read that was too young to be passed for good.
    frozen: bool,
    /// Everything older was delivered, or is not wanted.
    floor: Instant,
    seen: Seen,
    counts: Counts,
    barren: u32,
    disorders: u32,
    walk_high: Instant,
    pace: Pace,
    warned: HashSet<&'static str>,
}

/// Watches that the reader comes nearer to the end.
#[derive(Debug, Default)]
struct Pace {
    requests: u32,
    distance: Option<i128>,
    strikes: u32,
}

impl Cursor {
    /// A cursor that takes up at `start`.
    pub fn new(set: Settings, start: Start) -> Self {
        Self {
            set,
            offset: 0,
            expect: Expect::Start,
            read: 0,
            fresh: 0,
            run: HashSet::new(),
            last: None,
            before: None,
            opened: None,
            mark: start.mark,
            resume: start.bound.clone(),
            resume_mark: None,
            frozen: false,
            floor: start.bound.at,
            bound: start.bound,
            seen: start.seen,
            counts: Counts {
                windows: 1,
                ..Counts::default()
            },
            barren: 0,
            disorders: 0,
            walk_high: Instant::MAX,
            pace: Pace::default(),
            warned: HashSet::new(),
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
        let opened = *self.opened.get_or_insert(asked);
        if let Some(echoed) = echoed
            && echoed != self.offset
            && !self.set.by_page
        {
            let asked = self.offset;
            return Err(Error::contract(format!(
                "the answer is for offset {echoed}, asked for was {asked}"
            )));
        }
        self.check_order(page)?;
        let count = page.count();
        // A page's number says little of its rows where the API clamps the
        // page size, so these are counted.
        let from = if self.set.by_page {
            self.read
        } else {
            self.offset
        };
        let reached = from.saturating_add(count as u64);
        if count == 0 && total.is_some_and(|total| total > self.offset) {
            let total = total.unwrap_or_default();
            return Err(
                Error::contract(format!("an empty page, though the total is {total}"))
                    .hint("the API caps its offsets or its permissions hide rows; try --max-offset below this offset"),
            );
        }
        self.check_pace(total.map(|total| total.saturating_sub(reached)), asked)?;
        let overlap = match self.overlap(page, total) {
            Ok(overlap) => overlap,
            Err(why) => return self.drift(why),
        };
        // A total below what was read counts something else.
        let total = total.filter(|total| *total >= reached);
        let more = total.is_some_and(|total| total > reached);
        if self.set.overlap && !self.set.by_page && more && reached <= self.read {
            return self.drift("the page brings nothing new, though the total promises more");
        }
        let inside = match self.set.until {
            Some(until) if self.set.sorted => {
                (0..count).take_while(|row| page.at(*row) < until).count()
            }
            _ => count,
        };
        let deliver = self.select(page, inside);
        self.advance(page, inside, if self.set.sorted { asked } else { opened });
        let ended = inside < count
            || match total {
                Some(total) => reached >= total,
                None => count <= overlap,
            };
        self.read = reached;
        let done = self.turn(page, ended, total)?;
        Ok(Step {
            deliver,
            done,
            drift: None,
        })
    }

    fn check_order<R: Rows>(&self, page: &R) -> Result<()> {
        if !self.set.sorted {
            return Ok(());
        }
        for row in 1..page.count() {
            if page.at(row) < page.at(row - 1) {
                let (earlier, later) = (page.mark(row - 1), page.mark(row));
                return Err(Error::contract(format!("rows are out of order: {later:?} comes after {earlier:?}"))
                    .at(format_args!("row {row} (id {:?})", page.id(row)))
                    .hint("have the API sort by the cursor, ascending, with a parameter in \"query\"; if it cannot, set \"sorted\": false"));
            }
        }
        Ok(())
    }

    /// How many rows at the page's start were read before, or why the page
    /// shows that rows have moved.
    fn overlap<R: Rows>(
        &mut self,
        page: &R,
        total: Option<u64>,
    ) -> std::result::Result<usize, &'static str> {
        let count = page.count();
        match &self.expect {
            Expect::Start => Ok(0),
            Expect::Plain { .. } if count == 0 => match total {
                Some(total) if total < self.offset => Err("the table shrank"),
                _ => Ok(0),
            },
            Expect::Plain { last } if self.set.overlap && page.id(0) == *last => {
                Err("the last row came again")
            }
            Expect::Plain { .. } => Ok(0),
            _ if count == 0 => Err("the table shrank"),
            Expect::Older { at, ids } => {
                if page.at(0) >= *at {
                    return Err("the page starts too late");
                }
                if count < 2 || page.at(1) != *at {
                    return Err("the page does not go on where the last one ended");
                }
                let run = (1..count).take_while(|row| page.at(*row) == *at);
                let found: HashSet<String> = run.map(|row| page.id(row)).collect();
                if ids.iter().all(|id| found.contains(id)) {
                    Ok(1 + ids.len())
                } else {
                    Err("a row of the last timestamp is gone")
                }
            }
            Expect::InOrder { ids } => {
                let (kept, exact) = in_order(page, ids);
                // Rows leave a long run all the time; those that stay, in
                // their order, still join this page to the last.
                if !exact && (ids.len() < 8 || kept < ids.len() / 2) {
                    self.disorders += 1;
                    return Err("rows with equal timestamps did not come back in their order");
                }
                if (kept..count)
                    .any(|row| self.same_run(page, row) && self.run.contains(&page.id(row)))
                {
                    self.disorders += 1;
                    return Err("a row came again among equal timestamps");
                }
                if !exact {
                    self.counts.drifts += 1;
                    self.read = self.offset + kept as u64;
                }
                Ok(kept)
            }
        }
    }

    /// Whether the row belongs to the run that spans pages.
    fn same_run<R: Rows>(&self, page: &R, row: usize) -> bool {
        !self.set.sorted
            || self
                .last
                .as_ref()
                .is_some_and(|last| last.at == page.at(row))
    }

    /// Closes the window because rows have moved.
    fn drift(&mut self, why: &'static str) -> Result<Step> {
        self.counts.drifts += 1;
        if self.disorders >= BARREN_WINDOWS {
            let run = self.run.len();
            return Err(Error::contract(format!(
                "at least {run} rows share one timestamp, and the API keeps no stable order among them"
            ))
            .hint(format!("a page larger than the run can hold it: --page-size {}, or more", 2 * run.max(1) + 2)));
        }
        self.open(self.anchor())?;
        Ok(Step {
            drift: Some(why),
            ..Step::default()
        })
    }

    /// Opens a window at the bound.
    fn open(&mut self, bound: Bound) -> Result<()> {
        self.barren = if self.fresh == 0 { self.barren + 1 } else { 0 };
        if self.barren >= BARREN_WINDOWS {
            return Err(Error::contract(format!(
                "{BARREN_WINDOWS} windows in a row brought no new row"
            ))
            .hint("does the API honour the filter and the offset? highwater check tells"));
        }
        if bound.at > self.bound.at {
            self.disorders = 0;
        }
        self.counts.windows += 1;
        self.restart(bound);
        Ok(())
    }

    fn restart(&mut self, bound: Bound) {
        self.bound = bound;
        self.offset = 0;
        self.read = 0;
        self.fresh = 0;
        self.opened = None;
        self.run.clear();
        self.expect = Expect::Start;
    }

    /// The bound that everything not read yet is at or after.
    fn anchor(&self) -> Bound {
        let last = if self.set.exclusive {
            &self.before
        } else {
            &self.last
        };
        match last {
            Some(mark) if self.set.sorted => self.bound_at(mark).max(&self.bound),
            _ => self.bound.clone(),
        }
    }

    fn bound_at(&self, mark: &Mark) -> Bound {
        Bound {
            text: Some(self.set.format.spell(&mark.text, mark.at)),
            at: self.set.format.cut(mark.at),
        }
    }

    /// The rows that are new, of the first `inside` ones.
    fn select<R: Rows>(&mut self, page: &R, inside: usize) -> Vec<Range<usize>> {
        let mut deliver: Vec<Range<usize>> = Vec::new();
        for row in 0..inside {
            let at = page.at(row);
            if at < self.floor || self.set.until.is_some_and(|until| at >= until) {
                self.counts.duplicates += u64::from(at < self.floor);
                continue;
            }
            if self.seen.covers(at) && self.seen.holds(&page.id(row), page.hash(row)) {
                self.counts.duplicates += 1;
                continue;
            }
            if at <= self.walk_high {
                self.fresh += 1;
            }
            match deliver.last_mut() {
                Some(range) if range.end == row => range.end = row + 1,
                _ => deliver.push(row..row + 1),
            }
        }
        deliver
    }

    /// Moves T, the mark and the resume bound up to the page's rows, and
    /// `seen` with them.
    fn advance<R: Rows>(&mut self, page: &R, inside: usize, asked: Instant) {
        let ripe = asked.minus(self.set.lookback);
        if !self.set.sorted {
            for row in 0..inside {
                let at = page.at(row);
                if self.last.as_ref().is_none_or(|last| last.at < at) && at <= asked {
                    self.last = Some(mark_of(page, row));
                }
                if self.before.as_ref().is_none_or(|before| before.at < at) && at <= ripe {
                    self.before = Some(mark_of(page, row));
                }
                self.seen.insert(page.id(row), page.hash(row), at);
            }
            return;
        }
        let Some(end) = inside.checked_sub(1) else {
            return;
        };
        let ripe_rows = (0..inside).rev().find(|row| page.at(*row) <= ripe);
        if let Some(row) = ripe_rows.filter(|_| !self.frozen) {
            let mark = if self.set.exclusive {
                self.previous(page, row)
            } else {
                Some(mark_of(page, row))
            };
            if let Some(mark) = mark
                && self.set.format.cut(mark.at) >= self.resume.at
            {
                self.resume = self.bound_at(&mark);
                self.resume_mark = Some(mark);
            }
        }
        self.frozen |= ripe_rows != Some(end);
        let newest = mark_of(page, end);
        if self.last.as_ref().is_none_or(|last| last.at < newest.at) {
            self.before = self.previous(page, end);
            if self.mark.as_ref().is_none_or(|mark| mark.at <= newest.at) {
                self.mark = Some(newest.clone());
            }
            self.last = Some(newest);
        }
        self.floor = self.floor.max(self.anchor().at.min(self.resume.at));
        self.seen.forget_before(self.floor);
        for row in (0..inside)
            .rev()
            .take_while(|row| page.at(*row) >= self.floor)
        {
            self.seen.insert(page.id(row), page.hash(row), page.at(row));
        }
    }

    /// The last timestamp before a row's, as far as it was read.
    fn previous<R: Rows>(&self, page: &R, row: usize) -> Option<Mark> {
        let at = page.at(row);
        if let Some(older) = (0..row).rev().find(|older| page.at(*older) < at) {
            return Some(mark_of(page, older));
        }
        match &self.last {
            Some(last) if last.at < at => Some(last.clone()),
            _ => self.before.clone(),
        }
    }

    /// Turns to the next request; true where there is none.
    fn turn<R: Rows>(&mut self, page: &R, ended: bool, total: Option<u64>) -> Result<bool> {
        let count = page.count();
        let anchor = self.anchor();
        let advances = anchor.at > self.bound.at;
        if self.set.by_page {
            return self.turn_page(ended, total, count, anchor);
        }
        let start = self.run_start(page);
        let (next, expect) =
            if !self.set.overlap || (count == 1 && (self.set.limit == 1 || total.is_some())) {
                let last = if count == 0 {
                    String::new()
                } else {
                    page.id(count - 1)
                };
                (self.read, Expect::Plain { last })
            } else if start >= 2 && self.set.sorted {
                let ids = (start..count).map(|row| page.id(row)).collect();
                let at = page.at(start);
                (self.offset + start as u64 - 1, Expect::Older { at, ids })
            } else {
                let half = (count / 2).max(1);
                let ids = (count.saturating_sub(half)..count)
                    .map(|row| page.id(row))
                    .collect();
                (self.read - half.min(count) as u64, Expect::InOrder { ids })
            };
        let deep = next.saturating_add(self.set.limit) > self.set.max_offset && self.set.overlap;
        if ended {
            // A total that is capped where offsets are would end it too soon.
            let capped =
                deep && advances && count as u64 >= self.set.limit && self.set.until.is_none();
            if capped {
                self.open(anchor)?;
            } else if !self.set.sorted {
                self.mark = self.last.clone().or(self.mark.take());
                if let Some(ripe) = &self.before {
                    self.resume_mark = Some(ripe.clone());
                    self.resume = self.bound_at(ripe);
                    self.seen.forget_before(self.resume.at);
                }
            }
            return Ok(!capped);
        }
        if deep && advances {
            self.open(anchor)?;
            return Ok(false);
        }
        if deep {
            self.warn("deep", "the offset passes --max-offset: more rows than that share one timestamp, or cannot be sorted");
        }
        if let Expect::Plain { .. } = expect {
            self.warn("plain", "pages of one row cannot overlap: rows that change while they are read can be missed; use a larger page");
        }
        if let Expect::InOrder { .. } = expect {
            if start > 0 && self.set.sorted {
                self.run.clear();
            }
            let from = if self.set.sorted { start } else { 0 };
            self.run.extend((from..count).map(|row| page.id(row)));
        } else {
            self.run.clear();
        }
        (self.offset, self.expect) = (next, expect);
        Ok(false)
    }

    /// Pages that are numbered cannot overlap: the first page of a window is
    /// gapless, so each next window opens at its end. Where a timestamp fills
    /// the page the walk goes on by numbers, and is repeated until it brings
    /// nothing that it had passed.
    fn turn_page(
        &mut self,
        ended: bool,
        total: Option<u64>,
        count: usize,
        anchor: Bound,
    ) -> Result<bool> {
        self.warn("page", "an API paged by numbers cannot overlap pages: every page is read as a window of its own");
        let first = self.offset == 0;
        let advances = anchor.at > self.bound.at && self.set.sorted;
        let ended = if total.is_some() { ended } else { count == 0 };
        if first && (ended || advances) {
            if !ended {
                self.open(anchor)?;
            }
            return Ok(ended);
        }
        if !(ended || advances) {
            self.offset += self.set.limit;
            self.expect = Expect::Plain {
                last: String::new(),
            };
            return Ok(false);
        }
        if self.fresh > 0 {
            self.walk_high = self.last.as_ref().map_or(Instant::MAX, |last| last.at);
            self.disorders += 1;
            if self.disorders >= BARREN_WINDOWS {
                return Err(
                    Error::contract("rows with equal timestamps move from page to page")
                        .hint("a larger page can hold them: --page-size"),
                );
            }
            let bound = self.bound.clone();
            self.counts.windows += 1;
            self.restart(bound);
            return Ok(false);
        }
        self.walk_high = Instant::MAX;
        if !ended {
            self.fresh = 1;
            self.open(anchor)?;
        }
        Ok(ended)
    }

    /// The first row of the page's last timestamp.
    fn run_start<R: Rows>(&self, page: &R) -> usize {
        let count = page.count();
        let Some(last) = count.checked_sub(1) else {
            return 0;
        };
        let run = (0..count)
            .rev()
            .take_while(|row| page.at(*row) == page.at(last));
        count - run.count()
    }

    fn warn(&mut self, about: &'static str, text: &str) {
        if self.warned.insert(about) {
            log::warn!("{text}");
        }
    }

    /// Refuses a table that grows as fast as it is read: after some hundreds
    /// of requests the end must be nearer, twice in a row.
    fn check_pace(&mut self, left: Option<u64>, asked: Instant) -> Result<()> {
        let pace = &mut self.pace;
        pace.requests += 1;
        if pace.requests % PATIENCE != 0 {
            return Ok(());
        }
        let lag = |mark: &Mark| i128::from(asked.secs) - i128::from(mark.at.secs);
        let distance = left.map(i128::from).or(self.last.as_ref().map(lag));
        let nearer = match (pace.distance, distance) {
            (Some(before), Some(now)) => now < before,
            _ => true,
        };
        pace.strikes = if nearer { 0 } else { pace.strikes + 1 };
        pace.distance = distance;
        if pace.strikes < 2 {
            return Ok(());
        }
        Err(Error::contract("the table grows as fast as it is read")
            .hint("--until an instant bounds the sync; larger pages are read faster"))
    }
}

impl Bound {
    fn max(self, other: &Self) -> Self {
        if other.at > self.at {
            other.clone()
        } else {
            self
        }
    }
}

fn mark_of<R: Rows>(page: &R, row: usize) -> Mark {
    Mark {
        text: page.mark(row),
        at: page.at(row),
    }
}

/// How many rows at the page's start are of `ids` and in their order, and
/// whether these are all of them.
fn in_order<R: Rows>(page: &R, ids: &[String]) -> (usize, bool) {
    let (mut kept, mut next) = (0, 0);
    while kept < page.count() {
        let id = page.id(kept);
        let Some(found) = ids[next..].iter().position(|known| *known == id) else {
            break;
        };
        next += found + 1;
        kept += 1;
    }
    (kept, kept == ids.len())
}
