//! Trying again: how often, and after what pause. It refuses to judge an error
//! (the error says whether it is worth another try) and to sleep by itself.

use std::time::Duration;

use crate::error::{Again, Result};
use crate::secret;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How often to try again, and how often that was needed so far.
#[derive(Debug, Clone)]
pub struct Retry {
    max: u32,
    count: u64,
    random: u64,
}

impl Retry {
    /// At most `max` retries of one request. The seed spreads the pauses, so
    /// that clients that failed together do not come back together.
    pub fn new(max: u32, seed: u64) -> Self {
        Self {
            max,
            count: 0,
            random: seed,
        }
    }

    /// All retries so far, of all requests.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Makes attempts until one succeeds, one fails in a way that another try
    /// cannot change, or the retries are used up. Where `waits` is false there
    /// are no pauses.
    pub fn run<T>(
        &mut self,
        waits: bool,
        sleep: &mut dyn FnMut(Duration),
        attempt: &mut dyn FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut tries = 0;
        let mut backoffs = 0;
        let mut hurried = false;
        loop {
            tries += 1;
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if error.is_worth() == Again::Never || tries > self.max {
                return Err(match tries {
                    1 => error,
                    _ => error.at(format_args!("after {tries} tries")),
                });
            }
            let pause = match error.is_worth() {
                Again::Now if !hurried => Duration::ZERO,
                Again::After(pause) => pause.saturating_add(pause.mul_f64(0.1 * self.fraction())),
                _ => {
                    backoffs += 1;
                    self.backoff(backoffs - 1)
                }
            };
            hurried = error.is_worth() == Again::Now && !hurried;
            self.count += 1;
            let when = if waits && !pause.is_zero() {
                format!("in {:.1} s", pause.as_secs_f64())
            } else {
                "at once".to_owned()
            };
            let reason = error.to_string();
            let reason = secret::redacted(&reason);
            log::warn!("{reason}; retrying {when} ({tries} of {})", self.max);
            if waits && !pause.is_zero() {
                sleep(pause);
            }
        }
    }

    /// Half a second, doubled each time up to half a minute; of that a random
    /// half to whole.
    fn backoff(&mut self, n: u32) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(n)).min(LONGEST);
        whole.mul_f64(0.5 + 0.5 * self.fraction())
    }

    /// The next number from 0 to 1, by splitmix64.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((z >> 32) as u32) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};

    /// Fails as told, then succeeds; the tries made, the pauses, the outcome.
    fn run(max: u32, waits: bool, failures: &[Again]) -> (usize, Vec<f64>, Result<()>) {
        let mut tries = 0;
        let mut pauses = Vec::new();
        let mut retry = Retry::new(max, 7);
        let outcome = retry.run(waits, &mut |d| pauses.push(d.as_secs_f64()), &mut || {
            tries += 1;
            match failures.get(tries - 1) {
                Some(again) => Err(Error::temporary("down").again(*again)),
                None => Ok(()),
            }
        });
        assert_eq!(retry.count(), tries as u64 - 1);
        (tries, pauses, outcome)
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let (tries, pauses, outcome) = run(9, true, &[Again::Later; 9]);
        assert!(outcome.is_ok());
        assert_eq!(tries, 10);
        for (pause, whole) in pauses
            .iter()
            .zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0])
        {
            assert!((whole / 2.0..=whole).contains(pause), "{pause} of {whole}");
        }
        assert_eq!(pauses.len(), 9);
    }

    #[test]
    fn the_last_error_says_how_often_it_was_tried() {
        let (tries, _, outcome) = run(2, true, &[Again::Later; 9]);
        assert_eq!(tries, 3);
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "after 3 tries: down");
        assert_eq!(error.kind(), Kind::Temporary);
        let (tries, _, outcome) = run(0, true, &[Again::Now]);
        assert_eq!(
            (tries, outcome.unwrap_err().to_string()),
            (1, "down".to_owned())
        );
    }

    #[test]
    fn what_cannot_change_is_not_tried_again() {
        assert_eq!(run(5, true, &[Again::Never]).0, 1);
        assert_eq!(run(5, true, &[Again::Later, Again::Never]).0, 2);
    }

    #[test]
    fn the_pause_that_was_asked_for_is_kept() {
        let (_, pauses, _) = run(5, true, &[Again::After(Duration::from_secs(20))]);
        assert!((20.0..=22.0).contains(&pauses[0]), "{pauses:?}");
    }

    #[test]
    fn a_dead_connection_is_replaced_at_once_but_not_twice_in_a_row() {
        assert_eq!(run(5, true, &[Again::Now]).1, Vec::<f64>::new());
        assert_eq!(run(5, true, &[Again::Now; 2]).1.len(), 1);
        assert_eq!(
            run(5, true, &[Again::Now, Again::Later, Again::Now])
                .1
                .len(),
            1
        );
    }

    #[test]
    fn a_replay_is_never_waited_for() {
        let (tries, pauses, outcome) = run(5, false, &[Again::Later; 5]);
        assert!(outcome.is_ok());
        assert_eq!((tries, pauses.len()), (6, 0));
    }

    #[test]
    fn seeds_spread_the_pauses() {
        let first = |seed| Retry::new(1, seed).backoff(0);
        assert_ne!(first(1), first(2));
        assert!(Retry::new(1, 1).backoff(u32::MAX) <= LONGEST);
    }
}
