//! What time it is where the rows are stamped. Nobody tells, so what is ripe
//! is told by the earliest clock: that of the answers, ours, and, where rows
//! are recent, that of the newest row.

use std::time::Duration;

use super::Answer;
use super::marks::Ages;
use crate::timestamp::Instant;

/// Rows no older than this tell the time themselves.
const RECENT: Duration = Duration::from_secs(60);
/// A timestamp further ahead of every clock than this is a mistake, not one of
/// another zone.
const FAR: Duration = Duration::from_secs(86_400);
/// Rows further ahead than this say that the clock cannot be compared.
const SOME: Duration = Duration::from_secs(5);

/// The clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    lookback: Duration,
    began: Option<Instant>,
    asked: Instant,
    latest: Instant,
    /// How far the newest row was behind the clock, at the least.
    behind: Option<Duration>,
    /// Whether rows came that are ahead of the clock.
    ahead: bool,
}

impl Clock {
    pub(super) fn new(lookback: Duration) -> Self {
        Self {
            lookback,
            began: None,
            asked: Instant::MIN,
            latest: Instant::MIN,
            behind: None,
            ahead: false,
        }
    }

    /// Takes the time of an answer and the newest of its rows.
    pub(super) fn hear(&mut self, answer: &Answer, newest: Option<Instant>) {
        self.began.get_or_insert(answer.asked);
        self.asked = answer.asked;
        self.latest = answer.latest;
        let Some(newest) = newest.filter(|newest| *newest <= self.horizon()) else {
            return;
        };
        self.ahead |= newest > self.latest.plus(SOME);
        let nanos = self.asked.to_nanos() - newest.to_nanos();
        if let Ok(nanos) = u64::try_from(nanos) {
            let behind = Duration::from_nanos(nanos);
            self.behind = Some(self.behind.map_or(behind, |least| least.min(behind)));
        }
    }

    /// When the sync began.
    pub(super) fn began(&self) -> Instant {
        self.began.unwrap_or(self.asked)
    }

    /// When the present page was asked for.
    pub(super) fn asked(&self) -> Instant {
        self.asked
    }

    /// Whether the clock can be compared with the rows' timestamps.
    pub(super) fn is_comparable(&self) -> bool {
        !self.ahead
    }

    /// Rows beyond this are of the far future.
    pub(super) fn horizon(&self) -> Instant {
        self.latest.plus(FAR)
    }

    /// By how much the rows' own clock may be behind: where the newest row is
    /// recent, by no more than that row is.
    fn skew(&self) -> Duration {
        let recent = |behind: &Duration| *behind <= self.recent();
        self.behind.filter(recent).unwrap_or_default()
    }

    /// Rows up to this were visible when the present page was asked for.
    pub(super) fn ripe(&self) -> Instant {
        self.ripe_at(self.asked)
    }

    /// Rows up to this were visible at an earlier instant.
    pub(super) fn ripe_at(&self, asked: Instant) -> Instant {
        asked.minus(self.skew()).minus(self.lookback)
    }

    /// Rows up to this were visible at an instant, whatever the newest row.
    pub(super) fn sure_at(&self, asked: Instant) -> Instant {
        asked.minus(self.recent()).minus(self.lookback)
    }

    /// What the clocks say of the present page's rows.
    pub(super) fn ages(&self) -> Ages {
        Ages {
            old: self.asked.minus(self.lookback),
            skew: self.skew(),
            horizon: self.horizon(),
        }
    }

    fn recent(&self) -> Duration {
        RECENT.max(self.lookback.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::instant;
    use super::*;

    fn clock(lookback: u64, asked: i64, newest: i64) -> Clock {
        let mut clock = Clock::new(Duration::from_secs(lookback));
        let answer = Answer::new(None, None, instant(asked));
        clock.hear(&answer, Some(instant(newest)));
        clock
    }

    #[test]
    fn where_rows_are_recent_the_newest_tells_the_time() {
        assert_eq!(clock(4, 10_000, 9_960).ripe(), instant(9_956));
        assert_eq!(clock(4, 10_000, 9_930).ripe(), instant(9_996));
        assert_eq!(clock(4, 10_000, 10_003).ripe(), instant(9_996));
        // A walk through old rows says nothing of the clock before it is over.
        let mut walk = clock(4, 10_000, 9_960);
        assert_eq!(walk.ripe(), instant(9_956));
        walk.hear(
            &Answer::new(None, None, instant(10_001)),
            Some(instant(10_000)),
        );
        assert_eq!(walk.ripe_at(instant(10_000)), instant(9_995));
    }

    #[test]
    fn rows_ahead_of_the_clock_make_it_say_nothing() {
        assert!(clock(4, 10_000, 10_003).is_comparable());
        assert!(!clock(4, 10_000, 10_006).is_comparable());
        // One stamp of the far future is a mistake of its own.
        assert!(clock(4, 10_000, 10_000 + 90_000).is_comparable());
    }
}
