//! Watches that the reader gets on: that windows bring rows, and that the end
//! comes nearer. It refuses tables that outgrow the reader and APIs that send
//! the same for ever.

use crate::error::{Error, Result};
use crate::timestamp::Instant;

/// Times in a row that something may fail to get on before it is given up.
pub(super) const TRIES: u32 = 10;
/// After so many requests the reader must have come nearer to the end.
const PATIENCE: u32 = 500;

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// New rows since the last stop.
    fresh: u64,
    /// The last timestamp at the last stop.
    high: Option<Instant>,
    barren: u32,
    /// When the sync began.
    began: Option<Instant>,
    requests: u32,
    left: Option<u64>,
    lag: Option<i64>,
    /// Whether rows older than the sync came: of those there is an end.
    old: bool,
    strikes: u32,
}

impl Pace {
    /// Counts a new row.
    #[inline]
    pub(super) fn bring(&mut self) {
        self.fresh += 1;
    }

    /// Refuses to stop and start again where nothing came of it for long.
    pub(super) fn stop(&mut self, last: Option<Instant>) -> Result<()> {
        let barren = self.fresh == 0 && self.high == last;
        self.barren = if barren { self.barren + 1 } else { 0 };
        self.fresh = 0;
        self.high = last;
        if self.barren < TRIES {
            return Ok(());
        }
        Err(
            Error::contract(format!("{TRIES} windows in a row brought no new row"))
                .hint("does the API honour the filter and the offset? highwater check tells"),
        )
    }

    /// Whether this is later than when the sync began.
    pub(super) fn is_late(&self, at: Instant) -> bool {
        self.began.is_some_and(|began| at > began)
    }

    /// Takes note of a request: when it was made, the last timestamp so far,
    /// how many rows are left if the API tells, and for rows in no order the
    /// oldest of them.
    pub(super) fn check(
        &mut self,
        asked: Instant,
        last: Option<Instant>,
        left: Option<u64>,
        oldest: Option<Instant>,
    ) -> Result<()> {
        let began = *self.began.get_or_insert(asked);
        self.old |= oldest.or(last).is_none_or(|at| at <= began);
        self.requests += 1;
        if !self.requests.is_multiple_of(PATIENCE) {
            return Ok(());
        }
        let lag = last.map(|last| asked.secs.saturating_sub(last.secs));
        let nearer = match (left, self.left) {
            // Chance brings some rows more or less, reading brings many.
            (Some(now), Some(then)) if oldest.is_none() => {
                now.saturating_add(u64::from(PATIENCE / 4)) <= then
            }
            _ => self.old || lag.zip(self.lag).is_some_and(|(now, then)| now < then),
        };
        self.strikes = if nearer { 0 } else { self.strikes + 1 };
        (self.old, self.left, self.lag) = (false, left, lag);
        if self.strikes < 2 {
            return Ok(());
        }
        Err(Error::contract("the table grows as fast as it is read")
            .hint("--until an instant bounds the sync; larger pages are read faster"))
    }
}
