//! The time, as the world and this machine tell it. All other parts are told
//! what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::timestamp::{self, Instant};

/// A clock.
pub trait Clock {
    /// Now.
    fn now(&self) -> Instant;
    /// Waits.
    fn sleep(&mut self, time: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

/// Now, by the machine's clock, in UTC to the second, for people.
pub fn time_of_day() -> String {
    timestamp::format(Instant { nanos: 0, ..now() })
}

/// Now, by the machine's clock.
pub fn now() -> Instant {
    let zero = Instant { secs: 0, nanos: 0 };
    instant(SystemTime::now()).unwrap_or(zero)
}

/// A time of the machine as an instant; None before 1970.
pub fn instant(time: SystemTime) -> Option<Instant> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(Instant { secs: 0, nanos: 0 }.plus(since))
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        now()
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}
