//! Where the walk takes up again: the next window, and when there may be none.

use super::guard::progress::TRIES;
use super::proof::ground::Doubt;
use super::proof::join::Miss;
use super::window::Window;
use super::{Bound, Cursor, Step, WALKS};
use crate::error::Result;
use crate::timestamp::Instant;

impl Cursor {
    /// Takes up again because rows have moved.
    pub(in crate::cursor) fn drift(&mut self, miss: Miss) -> Result<Step> {
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
    pub(in crate::cursor) fn check_positions(&mut self, ripe: Instant) -> Result<Option<Step>> {
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

    /// The bound that everything not read yet is at or after.
    pub(in crate::cursor) fn anchor(&self) -> Bound {
        self.marks.anchor(&self.set, self.window.bound())
    }

    /// Whether a window at this bound starts later than this one did, as far as
    /// the API's filter can tell them apart.
    pub(in crate::cursor) fn helps(&self, anchor: &Bound) -> bool {
        self.trust.tells_apart(self.window.bound().at, anchor.at)
    }

    /// Closes the window and opens one at the bound.
    pub(in crate::cursor) fn open(&mut self, bound: Bound) -> Result<()> {
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
    pub(in crate::cursor) fn stop(&mut self) -> Result<()> {
        let last = self.marks.last().map(|last| last.at);
        let stopped = self.progress.stop(last);
        stopped.map_err(|error| {
            let unstable = self.disorders.any() || self.unmet.any();
            let error = if unstable { self.unstable() } else { error };
            self.refute(error, Doubt::Here)
        })
    }
}
