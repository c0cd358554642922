//! A run of equal timestamps that is longer than a page. Overlaps do not show
//! a row that enters it as another leaves: the two cancel out. By assumption
//! none enters once the run is older than the lookback; but since that is only
//! assumed, it is walked again until nothing new comes of it, which finds all
//! but what goes on entering meanwhile.

use std::ops::Range;

use super::super::guard::progress::TRIES;
use super::super::proof::end::Sign;
use super::super::{Cursor, Rows};
use crate::error::Result;
use crate::timestamp::Instant;

/// The run that the window walks.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Run {
    /// Its timestamp, and the new rows that this walk of it brought.
    at: Option<Instant>,
    new: u64,
    /// How often it was walked again.
    walks: u32,
}

impl Run {
    /// Counts a page's new rows at its last timestamp.
    pub(in crate::cursor) fn count<R: Rows>(&mut self, page: &R, deliver: &[Range<usize>]) {
        let Some(at) = page.count().checked_sub(1).map(|last| page.at(last)) else {
            return;
        };
        if self.at != Some(at) {
            *self = Self {
                at: Some(at),
                ..Self::default()
            };
        }
        let new = deliver.iter().cloned().rev().flat_map(Iterator::rev);
        self.new += new.take_while(|row| page.at(*row) == at).count() as u64;
    }
}

impl Cursor {
    /// The instant of a run longer than a page that this page is the end of,
    /// where this walk of it brought new rows.
    pub(in crate::cursor) fn unsettled_run<R: Rows>(
        &self,
        page: &R,
        sign: Sign,
        ripe: Instant,
    ) -> Option<Instant> {
        let run = self
            .run
            .at
            .filter(|_| self.window.in_run() && !self.set.by_page())?;
        let left = sign.is_end() || page.count() > 0 && page.at(page.count() - 1) > run;
        let open = self.run.new > 0 && self.run.walks < TRIES;
        (left && open && self.set.sorted() && run < ripe).then_some(run)
    }

    /// Opens a window for it; after some the next sync has to find what may
    /// still be missing.
    pub(in crate::cursor) fn walk_run_again(&mut self, run: Instant) -> Result<()> {
        let walks = self.run.walks + 1;
        self.run = Run {
            at: Some(run),
            new: 0,
            walks,
        };
        if walks == TRIES {
            self.marks.freeze();
        }
        let anchor = self.anchor();
        self.open(anchor)
    }
}
