//! Pages that are numbered cannot overlap. A window's first page is gapless,
//! so each next window opens at its end. Where a timestamp fills the page the
//! walk goes on by numbers, and is repeated until a walk met every row that
//! the one before it had met, and no other.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use super::super::proof::end::Sign;
use super::super::proof::ground::Doubt;
use super::super::trust::Probe;
use super::super::window::Window;
use super::super::{Cursor, Rows, TRIES, WALKS};
use crate::error::{Error, Result};
use crate::timestamp::Instant;

/// How often the pages of a busy table are walked again.
const MOST: u32 = 1;

/// A walk over several pages by number.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Repeated {
    /// The rows met, and where; rows in no order stay where they are.
    met: HashSet<(Instant, u64)>,
    /// What the walk before this one met.
    before: Option<HashSet<(Instant, u64)>>,
    /// Rows that no earlier walk had brought.
    fresh: u64,
    /// Pages that brought only what this walk had met.
    repeats: u32,
    walks: u32,
    /// Pages of the walk before it.
    pages: u64,
    /// Whether rows came that changed after the sync began.
    busy: bool,
    /// Whether a walk met a row at two places. Rows that leave are not met,
    /// and neither are those that they hide, but none is met twice.
    twice: bool,
    /// The newest row of this walk, and of the one before it.
    newest: Option<Instant>,
    earlier: Option<Instant>,
    /// What a repeated walk is to confirm is older than this.
    end: Option<Instant>,
}

impl Repeated {
    /// Where the rows end that the walk is to confirm.
    pub(in crate::cursor) fn end(&self) -> Instant {
        self.end.unwrap_or(Instant::MAX)
    }

    /// Takes a page, of which these rows are new.
    fn pass<R: Rows>(&mut self, page: &R, inside: usize, sorted: bool) {
        let known = self.met.len();
        for row in 0..inside {
            let at = if sorted { page.at(row) } else { Instant::MIN };
            self.met.insert((at, page.key(row)));
        }
        let newest = (0..inside).map(|row| page.at(row)).max();
        self.newest = self.newest.max(newest);
        self.twice |= self.met.len() - known < inside;
        self.repeats += u32::from(self.met.len() == known && inside > 0);
    }

    /// Takes note of rows that are new.
    pub(in crate::cursor) fn bring<R: Rows>(
        &mut self,
        page: &R,
        deliver: &[Range<usize>],
        began: Instant,
    ) {
        let end = self.end();
        let rows = deliver.iter().cloned().flatten();
        self.busy |= rows.clone().any(|row| self.is_later(page.at(row), began));
        self.fresh += rows.filter(|row| page.at(*row) < end).count() as u64;
    }

    /// Takes note of the newest row that is left for another sync.
    pub(in crate::cursor) fn stir(&mut self, at: Instant, began: Instant) {
        self.busy |= self.is_later(at, began);
    }

    /// Whether a row has changed meanwhile: after the sync began, by the clock
    /// or by the rows' own, as the walk before met none that is so new.
    fn is_later(&self, at: Instant, began: Instant) -> bool {
        at > began || self.earlier.is_some_and(|newest| at > newest)
    }

    /// Whether it met all that the walk before it did, and no new row: then no
    /// row left during the walk before, which hence skipped none.
    fn confirms(&self) -> bool {
        let met = |before: &HashSet<_>| before.is_subset(&self.met);
        self.fresh == 0 && self.repeats == 0 && self.before.as_ref().is_some_and(met)
    }

    /// Whether a page that looks like the last is none, since the walk before
    /// went further: rows may be taken away after paging.
    fn goes_on(&self, sign: Sign, pages: u64) -> bool {
        self.before.is_some() && sign.rows > 0 && pages < self.pages
    }

    /// The walk that repeats it up to `end`, over so many pages.
    fn again(mut self, end: Instant, pages: u64) -> Self {
        self.met.retain(|(at, _)| *at < end);
        Self {
            before: Some(self.met),
            pages,
            walks: self.walks + 1,
            busy: self.busy,
            twice: self.twice,
            earlier: self.newest,
            end: Some(end),
            ..Self::default()
        }
    }
}

impl Cursor {
    /// Turns to the next numbered page; true where there is none.
    pub(in crate::cursor) fn turn_page<R: Rows>(
        &mut self,
        page: &R,
        inside: usize,
        sign: Sign,
        stopped: bool,
    ) -> Result<bool> {
        self.warn("page", "an API paged by numbers cannot overlap pages: every page is read as a window of its own");
        if !self.set.sorted() {
            return self.turn_page_unsorted(page, sign);
        }
        let anchor = self.anchor();
        let advances = self.helps(&anchor);
        // A total that may count the page is no end where the page is full of
        // one timestamp.
        let doubtful = sign.may_count_the_page() && self.window.pages() == 1 && !advances;
        let ended = stopped || (sign.is_end() && !doubtful);
        if self.repeated.is_none() && (ended || advances) {
            return self.turn_window(sign, stopped);
        }
        let walk = self.pass_page(page, inside)?;
        let confirming = walk.before.is_some();
        let ended = ended && !walk.goes_on(sign, self.window.pages());
        let over = ended || inside < page.count() || (advances && !confirming);
        if !over {
            self.repeated = Some(walk);
            self.number_on();
            return Ok(false);
        }
        // A total that ends with a full page may be too low.
        let told = sign.total.is_some() && !sign.is_full() || sign.more == Some(false);
        if ended && !stopped && !told && !confirming && self.trust.probe() == Probe::Open {
            self.repeated = Some(walk);
            self.trust.end(true);
            self.probe(sign);
            return Ok(false);
        }
        self.close_walk(walk)
    }

    /// Takes a page into the walk over several.
    fn pass_page<R: Rows>(&mut self, page: &R, inside: usize) -> Result<Repeated> {
        let mut walk = self.repeated.take().unwrap_or_default();
        walk.pass(page, inside, self.set.sorted());
        if walk.repeats < TRIES {
            return Ok(walk);
        }
        let error = Error::contract("pages repeat")
            .hint("does the API honour the page's number? highwater check tells");
        Err(self.refute(error, Doubt::Here))
    }

    /// Turns to the next numbered page of rows in no order.
    fn turn_page_unsorted<R: Rows>(&mut self, page: &R, sign: Sign) -> Result<bool> {
        let walk = self.pass_page(page, page.count())?;
        let first = walk.before.is_none();
        let doubtful = sign.may_count_the_page() && self.window.pages() == 1;
        if !sign.is_end() || doubtful || walk.goes_on(sign, self.window.pages()) {
            self.repeated = Some(walk);
            self.number_on();
            return Ok(false);
        }
        if !first || self.unsorted.is_checking() || self.is_told_the_end(sign) {
            return self.close_walk(walk);
        }
        self.repeated = Some(walk);
        if self.trust.probe() == Probe::Rows && sign.total.is_none() {
            return self.end_hidden();
        }
        self.trust.end(true);
        self.probe(sign);
        Ok(false)
    }

    /// A walk over several pages is over; it is repeated unless it confirms
    /// what the one before it met.
    pub(in crate::cursor) fn close_walk(&mut self, walk: Repeated) -> Result<bool> {
        let sorted = self.set.sorted();
        let anchor = self.anchor();
        let advances = self.helps(&anchor);
        let single = walk.before.is_none() && self.window.pages() <= 1;
        let enough = !sorted && (single || self.unsorted.is_checking());
        if !enough && !walk.confirms() {
            return self.repeat(walk, advances);
        }
        if !sorted {
            return self.end_unsorted();
        }
        if advances {
            self.open(anchor)?;
            return Ok(false);
        }
        self.conclude()
    }

    /// A window of one page is over.
    fn turn_window(&mut self, sign: Sign, stopped: bool) -> Result<bool> {
        if stopped || self.is_left_for_later() {
            return self.conclude();
        }
        if !sign.is_end() {
            self.trust.cut();
            let anchor = self.anchor();
            self.open(anchor)?;
            return Ok(false);
        }
        self.end(sign)
    }

    /// Goes on with the next page of the window.
    pub(in crate::cursor) fn number_on(&mut self) {
        self.repeated.get_or_insert_default();
        let offset = self.window.pages() * self.set.limit;
        self.window
            .turn(offset, super::super::proof::join::Expect::Start);
    }

    /// Walks the same pages once more.
    fn repeat(&mut self, walk: Repeated, advances: bool) -> Result<bool> {
        // Where rows are sorted, positions that were passed show an order that
        // is not stable; rows that move are just a busy table's, and so are
        // rows that leave.
        let moves = self.set.sorted() || !walk.twice;
        if walk.walks >= MOST && walk.busy || walk.walks >= WALKS && moves {
            return self.leave_unproved(advances);
        }
        if walk.walks + 1 >= TRIES {
            let pages = self.window.pages();
            let error = Error::contract("rows move from page to page while they are read")
                .at(format_args!("{pages} pages at one bound"))
                .hint("a larger page can hold them: --page-size");
            return Err(self.refute(error, Doubt::Here));
        }
        let end = walk.end.unwrap_or_else(|| self.walk_end(advances));
        let pages = self.window.pages().max(walk.pages);
        self.counts.windows += 1;
        self.window = Window::open(self.window.bound().clone());
        self.repeated = Some(walk.again(end, pages));
        Ok(false)
    }

    /// Goes on though rows keep moving, as they do in a busy table: the next
    /// sync reads again from where this one began.
    fn leave_unproved(&mut self, advances: bool) -> Result<bool> {
        self.warn("moving", "rows move from page to page while they are read: the next sync reads them again; a larger page holds more of them (--page-size)");
        self.trust.leave();
        if !self.set.sorted() {
            return Ok(true);
        }
        self.marks.freeze();
        if advances {
            let anchor = self.anchor();
            self.open(anchor)?;
            return Ok(false);
        }
        self.conclude()
    }

    /// The rows before this are to be confirmed: the next window reads T again
    /// if it opens there.
    fn walk_end(&self, advances: bool) -> Instant {
        let last = if self.set.sorted() {
            self.marks.last().map(|last| last.at)
        } else {
            Some(self.clock.began())
        };
        let last = last.unwrap_or(Instant::MIN);
        if advances {
            last
        } else {
            last.plus(Duration::from_nanos(1))
        }
    }
}
