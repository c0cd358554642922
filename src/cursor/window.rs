//! Where reading takes up again: in a new window, or further back in this one.

use super::expect::{Expect, Miss};
use super::pace::TRIES;
use super::{Bound, Cursor, Step};
use crate::error::{Error, Result};
use crate::timestamp::Instant;

impl Cursor {
    /// Takes up again because rows have moved.
    pub(super) fn drift(&mut self, miss: &Miss) -> Result<Step> {
        self.counts.drifts += 1;
        let last = self.last.as_ref().map(|last| last.at);
        if miss.disorder {
            let (count, at) = self.disorders;
            self.disorders = (if at == last { count + 1 } else { 1 }, last);
            if self.disorders.0 >= TRIES {
                let run = self.run.len();
                return Err(Error::contract(format!("at least {run} rows share one timestamp, and the API keeps no stable order among them"))
                    .hint(format!("a page larger than the run can hold it: --page-size {}, or more", 2 * run.max(1) + 2)));
            }
        }
        let anchor = self.anchor();
        let inside = self.set.sorted && !self.set.by_page && self.offset > 0;
        let older = |last: &Instant| *last > self.bound.at || self.leak > 0;
        match last.filter(|last| inside && !self.helps(&anchor) && older(last)) {
            Some(last) => self.step_back(last)?,
            None => self.open(anchor)?,
        }
        Ok(Step {
            drift: Some(miss.why),
            ..Step::default()
        })
    }

    /// Whether a window at this bound starts later than this one did, as far as
    /// the API honours it.
    pub(super) fn helps(&self, anchor: &Bound) -> bool {
        let ahead = anchor.at.secs.saturating_sub(self.bound.at.secs);
        anchor.at > self.bound.at && ahead >= self.leak
    }

    /// Takes up inside the window, at a row older than T.
    fn step_back(&mut self, last: Instant) -> Result<()> {
        self.back = match self.back {
            0 => {
                self.pace.stop(Some(last))?;
                (self.page as u64 / 2).max(1)
            }
            back => back.saturating_mul(2),
        };
        self.offset = self.offset.saturating_sub(self.back);
        self.read = self.offset;
        self.run.clear();
        self.expect = if self.offset == 0 {
            Expect::Start
        } else {
            Expect::Older {
                at: last,
                ids: Vec::new(),
            }
        };
        Ok(())
    }

    /// Opens a window at the bound.
    pub(super) fn open(&mut self, bound: Bound) -> Result<()> {
        self.pace.stop(self.last.as_ref().map(|last| last.at))?;
        self.counts.windows += 1;
        self.restart(bound);
        Ok(())
    }

    pub(super) fn restart(&mut self, bound: Bound) {
        self.bound = bound;
        self.offset = 0;
        self.read = 0;
        self.page = 0;
        self.back = 0;
        self.leak = 0;
        self.fresh = (0, None);
        self.opened = None;
        self.walk = None;
        self.run.clear();
        self.expect = Expect::Start;
    }
}
