//! Watches that the reader gets on: that windows bring rows, and that the end
//! comes nearer. It refuses tables that outgrow the reader and APIs that send
//! the same for ever.

use crate::error::{Error, Result};
use crate::timestamp::Instant;

/// Times in a row that something may fail to get on before it is given up.
pub(in crate::cursor) const TRIES: u32 = 10;
/// After so many requests the reader must have come nearer to the end.
const PATIENCE: u32 = 500;
/// By so much of the way: a thousandth of the time, or so many rows.
const SHARE: i128 = 1000;
const ROWS: u64 = PATIENCE as u64 / 4;

/// How the reading gets on.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Progress {
    /// New rows since the last stop.
    fresh: u64,
    /// The last timestamp at the last stop.
    high: Option<Instant>,
    barren: u32,
    /// Pages in a row that brought only what their window had met.
    idle: u32,
    requests: u32,
    left: Option<u64>,
    lag: Option<i128>,
    /// Whether rows older than the sync came: of those there is an end.
    old: bool,
    strikes: u32,
}

impl Progress {
    /// Counts new rows.
    #[inline]
    pub(in crate::cursor) fn bring(&mut self, rows: u64) {
        self.fresh += rows;
    }

    /// Requests whose answers were looked at.
    pub(in crate::cursor) fn requests(&self) -> u32 {
        self.requests
    }

    /// Refuses to stop and start again where nothing came of it for long.
    pub(in crate::cursor) fn stop(&mut self, last: Option<Instant>) -> Result<()> {
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

    /// Refuses pages that bring only what was met, for long. Some are read
    /// again where rows move: in no order as many as hold all that was met,
    /// which are `met`, since rows that come in before it move it down.
    pub(in crate::cursor) fn page(&mut self, idle: bool, met: u64) -> Result<()> {
        self.idle = if idle { self.idle + 1 } else { 0 };
        if u64::from(self.idle) < met.saturating_add(u64::from(2 * TRIES)) {
            return Ok(());
        }
        Err(Error::contract("pages repeat")
            .hint("does the API honour the offset or the page's number? highwater check tells"))
    }

    /// Takes note of a request: when the sync began and when this was asked,
    /// the last timestamp so far, how many rows are left if the API tells,
    /// and for rows in no order the oldest of them.
    pub(in crate::cursor) fn check(
        &mut self,
        began: Instant,
        asked: Instant,
        last: Option<Instant>,
        left: Option<u64>,
        oldest: Option<Instant>,
    ) -> Result<()> {
        self.old |= oldest.or(last).is_none_or(|at| at <= began);
        self.requests += 1;
        if !self.requests.is_multiple_of(PATIENCE) {
            return Ok(());
        }
        let lag = last.map(|last| asked.to_nanos() - last.to_nanos());
        let sorted = oldest.is_none();
        let fewer = left
            .zip(self.left)
            .is_some_and(|(now, then)| now.saturating_add(ROWS) <= then);
        let later = lag
            .zip(self.lag)
            .is_some_and(|(now, then)| now < then && (then - now) * SHARE >= then.abs());
        // Without a total old rows are progress: of those there is an end.
        let nearer = match left.zip(self.left) {
            Some(_) if sorted => fewer || later,
            _ => self.old || later,
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

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, reason};
    use super::*;

    #[test]
    fn ten_stops_without_a_new_row_or_timestamp_are_enough() {
        let mut progress = Progress::default();
        progress.bring(1);
        for _ in 0..TRIES {
            assert!(progress.stop(Some(instant(5))).is_ok());
        }
        assert!(reason(progress.stop(Some(instant(5)))).contains("no new row"));
    }

    #[test]
    fn a_later_timestamp_or_fewer_rows_left_is_progress() {
        let run = |last: fn(i64) -> i64, left: fn(i64) -> u64| {
            let mut progress = Progress::default();
            (0..4000).try_for_each(|n| {
                let (asked, last) = (instant(1_000_000 + n), Some(instant(last(n))));
                progress.check(instant(1_000_000), asked, last, Some(left(n)), None)
            })
        };
        assert!(run(|n| n * 200, |_| 1000).is_ok());
        assert!(run(|_| 5, |n| 9_000 - n as u64).is_ok());
        assert!(reason(run(|n| n, |n| 1000 + n as u64)).contains("grows as fast"));
    }
}
