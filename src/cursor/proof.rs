//! What overlaps alone do not show: rows that enter a run of equal timestamps
//! as others leave it, and a bound that leaves out its own rows.

use std::ops::Range;

use super::expect::Expect;
use super::pace::TRIES;
use super::{Cursor, Rows};
use crate::error::{Error, Result};
use crate::timestamp::Instant;

impl Cursor {
    /// The instant of a run longer than a page that this page is the end of,
    /// where its walk brought rows: one may have left and another entered
    /// before it meanwhile, which no overlap shows. It is walked again until
    /// nothing new comes of it. A run that is younger than the lookback is
    /// read again by the next sync.
    pub(super) fn unproved<R: Rows>(
        &self,
        page: &R,
        ending: bool,
        asked: Instant,
    ) -> Option<Instant> {
        let Expect::InOrder { at: Some(run), .. } = self.expect else {
            return None;
        };
        let count = page.count();
        let left = ending || count > 0 && page.at(count - 1) > run;
        let news = self.fresh.0 > 0 && self.fresh.1 == Some(run);
        let ripe = run < asked.minus(self.set.lookback);
        let given_up = self.proofs == (TRIES, Some(run));
        (left && news && ripe && !given_up && !self.set.by_page).then_some(run)
    }

    /// Opens a window for the proof; after some the next sync has to find what
    /// may still be missing.
    pub(super) fn walk_again(&mut self, run: Instant) -> Result<()> {
        if self.proofs.1 != Some(run) {
            self.proofs = (0, Some(run));
        }
        self.proofs.0 += 1;
        self.frozen |= self.proofs.0 == TRIES;
        self.open(self.anchor())
    }

    /// Counts the window's new rows at the last timestamp.
    pub(super) fn count_run<R: Rows>(&mut self, page: &R, deliver: &[Range<usize>]) {
        let Some(at) = page.count().checked_sub(1).map(|last| page.at(last)) else {
            return;
        };
        if self.fresh.1 != Some(at) {
            self.fresh = (0, Some(at));
        }
        // The run is the page's end: the rows before it need no look.
        let new = deliver.iter().cloned().rev().flat_map(Iterator::rev);
        self.fresh.0 += new.take_while(|row| page.at(*row) == at).count();
    }

    /// Refuses a bound that leaves out its own rows although it is said to be
    /// inclusive. Once they may all have changed meanwhile, but not for long.
    pub(super) fn check_bound<R: Rows>(&mut self, page: &R) -> Result<()> {
        let anchored = self.last.as_ref().map(|last| last.at) == Some(self.bound.at);
        if self.set.exclusive || !self.set.sorted || !anchored {
            return Ok(());
        }
        if page.at(0) <= self.bound.at {
            self.absent = (0, 0);
            return Ok(());
        }
        let (windows, rows) = &mut self.absent;
        *windows += 1;
        *rows += self.seen.count_at(self.bound.at);
        if *windows < 3 || *rows < 6 {
            return Ok(());
        }
        Err(
            Error::contract("the rows at the bound itself are left out by the API")
                .hint("set \"since\": {\"bound\": \"exclusive\"} in the connection file, then start over with --full-refresh: some of them may be missing"),
        )
    }
}
