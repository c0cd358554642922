//! Pages that are numbered cannot overlap. A window's first page is gapless,
//! so each next window opens at its end. Where a timestamp fills the page the
//! walk goes on by numbers, and is repeated until a walk met every row that
//! the one before it had met, and no other.

use std::collections::HashSet;
use std::time::Duration;

use super::pace::TRIES;
use super::{Cursor, Rows};
use crate::error::{Error, Result};
use crate::timestamp::Instant;

/// A walk over several pages by number.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The rows met, and where; rows in no order stay where they are.
    met: HashSet<(Instant, String)>,
    /// What the walk before this one met.
    before: Option<HashSet<(Instant, String)>>,
    /// Rows that no earlier walk had brought.
    fresh: u64,
    /// Pages that brought only what this walk had met.
    repeats: u32,
    walks: u32,
    /// What a repeated walk is to confirm is older than this.
    end: Option<Instant>,
}

impl Walk {
    /// Where the rows end that the walk is to confirm.
    pub(super) fn end(&self) -> Instant {
        self.end.unwrap_or(Instant::MAX)
    }

    pub(super) fn bring(&mut self, at: Instant) {
        self.fresh += u64::from(at < self.end());
    }

    fn pass<R: Rows>(&mut self, page: &R, inside: usize, sorted: bool) -> Result<()> {
        let mut fresh = false;
        for row in 0..inside {
            let at = if sorted { page.at(row) } else { Instant::MIN };
            fresh |= self.met.insert((at, page.id(row)));
        }
        self.repeats += u32::from(!fresh && inside > 0);
        if self.repeats < TRIES {
            return Ok(());
        }
        Err(Error::contract("pages repeat")
            .hint("does the API honour the page's number? highwater check tells"))
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
            end: Some(end),
            ..Self::default()
        }
    }
}

impl Cursor {
    /// Turns to the next numbered page; true where there is none.
    pub(super) fn turn_page<R: Rows>(
        &mut self,
        page: &R,
        inside: usize,
        ended: bool,
        total: Option<u64>,
    ) -> Result<bool> {
        self.warn("page", "an API paged by numbers cannot overlap pages: every page is read as a window of its own");
        let anchor = self.anchor();
        let advances = anchor.at > self.bound.at;
        let second = self.offset == self.set.limit;
        if self.walk.is_none() && (ended || advances) {
            if !ended {
                self.open(anchor)?;
            }
            return Ok(ended);
        }
        let mut walk = self.walk.take().unwrap_or_default();
        let confirming = walk.before.is_some();
        let empty = page.count() + page.skipped() == 0;
        if second && empty && !confirming && total.is_none() {
            return Ok(true);
        }
        walk.pass(page, inside, self.set.sorted)?;
        let over = ended || inside < page.count() || (advances && !confirming);
        if !over {
            self.offset += self.set.limit;
            self.walk = Some(walk);
            return Ok(false);
        }
        if walk.confirms() {
            if advances {
                self.open(anchor)?;
            }
            return Ok(!advances);
        }
        if walk.walks + 1 >= TRIES {
            return Err(
                Error::contract("rows move from page to page while they are read")
                    .at(format_args!(
                        "{} pages at one bound",
                        self.offset / self.set.limit + 1
                    ))
                    .hint("a larger page can hold them: --page-size"),
            );
        }
        let end = walk.end.unwrap_or_else(|| self.walk_end(advances));
        let opened = self.opened;
        self.counts.windows += 1;
        self.restart(self.bound.clone());
        // Rows in no order are known up to when the first walk began.
        self.opened = opened;
        self.walk = Some(walk.again(end));
        Ok(false)
    }

    /// The rows before this are to be confirmed: the next window reads T again
    /// if it opens there.
    fn walk_end(&self, advances: bool) -> Instant {
        let last = if self.set.sorted {
            self.last.as_ref().map(|last| last.at)
        } else {
            self.opened
        };
        let last = last.unwrap_or(Instant::MIN);
        if advances {
            last
        } else {
            last.plus(Duration::from_nanos(1))
        }
    }
}
