//! Pages that are numbered cannot overlap. A window's first page is gapless,
//! so each next window opens at its end. Where a timestamp fills the page the
//! walk goes on by numbers, and is repeated until a walk met every row that
//! the one before it had met, and no other.
//!
//! Where there is neither a number nor an offset (keyset), each page is a
//! window, and a page that brings nothing new is the end.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use super::super::proof::end::Sign;
use super::super::proof::ground::Doubt;
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
    /// Whether rows came that changed after the sync began.
    busy: bool,
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
        self.busy |= rows.clone().any(|row| page.at(row) > began);
        self.fresh += rows.filter(|row| page.at(*row) < end).count() as u64;
    }

    /// Whether it met all that the walk before it did, and no new row: then no
    /// row left during the walk before, which hence skipped none.
    fn confirms(&self) -> bool {
        let met = |before: &HashSet<_>| before.is_subset(&self.met);
        self.fresh == 0 && self.repeats == 0 && self.before.as_ref().is_some_and(met)
    }

    /// The walk that repeats it up to `end`.
    fn again(mut self, end: Instant) -> Self {
        self.met.retain(|(at, _)| *at < end);
        Self {
            before: Some(self.met),
            walks: self.walks + 1,
            busy: self.busy,
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
        let anchor = self.anchor();
        let advances = self.helps(&anchor);
        // A total that may count the page is no end where the page is full of
        // one timestamp.
        let doubtful = sign.may_count_the_page() && self.window.pages() == 1 && !advances;
        let ended = stopped || (sign.is_end() && !doubtful);
        if self.repeated.is_none() && (ended || advances) {
            return self.turn_window(sign, stopped);
        }
        let mut walk = self.repeated.take().unwrap_or_default();
        let confirming = walk.before.is_some();
        walk.pass(page, inside, self.set.sorted());
        if walk.repeats >= TRIES {
            let error = Error::contract("pages repeat")
                .hint("does the API honour the page's number? highwater check tells");
            return Err(self.refute(error, Doubt::Here));
        }
        let over = ended || inside < page.count() || (advances && !confirming);
        if !over {
            self.repeated = Some(walk);
            self.number_on();
            return Ok(false);
        }
        if walk.confirms() {
            if advances {
                self.open(anchor)?;
                return Ok(false);
            }
            return self.conclude();
        }
        self.repeat(walk, advances)
    }

    /// A window of one page is over.
    fn turn_window(&mut self, sign: Sign, stopped: bool) -> Result<bool> {
        if stopped {
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
        // is not stable; rows that move are just a busy table's.
        if walk.walks >= MOST && walk.busy || walk.walks >= WALKS && self.set.sorted() {
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
        self.counts.windows += 1;
        self.window = Window::open(self.window.bound().clone());
        self.repeated = Some(walk.again(end));
        Ok(false)
    }

    /// Goes on though rows keep moving, as they do in a busy table: the next
    /// sync reads again from where this one began.
    fn leave_unproved(&mut self, advances: bool) -> Result<bool> {
        self.warn("moving", "rows move from page to page while they are read: the next sync reads them again; a larger page holds more of them (--page-size)");
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

    /// Turns where each page is a window; true where there is none.
    pub(in crate::cursor) fn turn_key(&mut self, sign: Sign, stopped: bool) -> Result<bool> {
        let anchor = self.anchor();
        if stopped || sign.rows == 0 || sign.more == Some(false) {
            return self.conclude();
        }
        if self.set.sorted() && self.helps(&anchor) {
            self.open(anchor)?;
            return Ok(false);
        }
        // A page that is full of one timestamp may hide what follows it. Where
        // the API was not told how many to send, a round number is a full page.
        let full = if self.set.limits {
            sign.rows == self.set.limit
        } else {
            sign.rows.is_multiple_of(10)
        };
        if !self.set.sorted() || !full {
            return self.conclude();
        }
        let error = Error::contract("one timestamp fills the page, and the API has no way to ask for what follows")
            .hint("let a page hold all rows of one timestamp: --page-size; or page by offset or number with {offset} or {page}");
        Err(self.refute(error, Doubt::Here))
    }
}
