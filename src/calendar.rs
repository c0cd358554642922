//! Days, times of day and instants: the proleptic Gregorian calendar in
//! integers, and the digits in which it is written.
//!
//! It refuses dates and times of day that do not exist. It reads no clock and
//! no database of zones: an offset is what the text says.

use std::time::Duration;

/// Seconds in a day. An instant counts no leap seconds, as POSIX time does.
pub(crate) const DAY: i64 = 86_400;
/// Nanoseconds in a second.
pub(crate) const NANOS: i128 = 1_000_000_000;

/// The bytes of a date and a clock: `YYYY-MM-DDTHH:MM:SS`.
pub(crate) const HEAD: usize = 19;
/// A point in time: whole seconds since 1970-01-01T00:00:00Z (negative before
/// it) and the nanoseconds, below 1,000,000,000, that follow them. It orders by
/// time, which its text does not: `…00.5Z` sorts before `…00Z` as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub secs: i64,
    /// Nanoseconds after `secs`.
    pub nanos: u32,
}

impl Instant {
    /// Before everything.
    pub const MIN: Self = Self {
        secs: i64::MIN,
        nanos: 0,
    };
    /// After everything.
    pub const MAX: Self = Self {
        secs: i64::MAX,
        nanos: 999_999_999,
    };
    /// 0000-01-01T00:00:00Z, the first instant that RFC 3339 can write.
    pub(crate) const EARLIEST: Self = Self {
        secs: -62_167_219_200,
        nanos: 0,
    };
    /// 9999-12-31T23:59:59.999999999Z, the last one.
    pub(crate) const LATEST: Self = Self {
        secs: 253_402_300_799,
        nanos: 999_999_999,
    };

    /// The instant that is this much earlier; [`Instant::MIN`] where that is
    /// out of range.
    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self::from_nanos(self.to_nanos() - nanos(time)).unwrap_or(Self::MIN)
    }

    /// The instant that is this much later; [`Instant::MAX`] where that is out
    /// of range.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self::from_nanos(self.to_nanos() + nanos(time)).unwrap_or(Self::MAX)
    }

    /// Nanoseconds since 1970; 128 bits hold every instant and duration, summed.
    pub(crate) fn to_nanos(self) -> i128 {
        i128::from(self.secs) * NANOS + i128::from(self.nanos)
    }

    /// The inverse of [`Instant::to_nanos`]; `None` out of range.
    pub(crate) fn from_nanos(nanos: i128) -> Option<Self> {
        Some(Self {
            secs: i64::try_from(nanos.div_euclid(NANOS)).ok()?,
            nanos: u32::try_from(nanos.rem_euclid(NANOS)).ok()?,
        })
    }

    /// The instant itself, where a year of four digits can write it.
    pub(crate) fn spellable(self) -> Option<Self> {
        let years = Self::EARLIEST.secs..=Self::LATEST.secs;
        years.contains(&self.secs).then_some(self)
    }
}

fn nanos(time: Duration) -> i128 {
    // These are at most 2^64 seconds, far below 2^127 nanoseconds.
    i128::from(time.as_secs()) * NANOS + i128::from(time.subsec_nanos())
}

/// A date and a time of day, in no particular zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Civil {
    /// Year, month, day and hour, minute, second. `None` where there is no such
    /// date or time of day. Second 60 passes, since only an offset tells
    /// whether it exists.
    pub(crate) fn new(date: [i64; 3], clock: [i64; 3]) -> Option<Self> {
        let ([year, month, day], [hour, minute, second]) = (date, clock);
        let real = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && day >= 1
            && (day <= 28 || day <= month_length(year, month))
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        real.then_some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        })
    }

    /// What a clock in UTC shows at `secs` since 1970.
    pub(crate) fn at(secs: i64) -> Self {
        let (year, month, day) = date(secs.div_euclid(DAY));
        let clock = secs.rem_euclid(DAY);
        Self {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
        }
    }

    /// The instant at which a clock `offset` minutes ahead of UTC shows this.
    /// Second 60 is the last nanosecond before it, so that order holds, and
    /// exists only at the end of a month in UTC (RFC 3339 §5.7).
    pub(crate) fn instant(self, offset: i64, nanos: u32) -> Option<Instant> {
        let minutes = days(self.year, self.month, self.day) * 1440 + self.hour * 60 + self.minute;
        let secs = (minutes - offset) * 60 + self.second;
        if self.second < 60 {
            return Some(Instant { secs, nanos });
        }
        let month_ends = secs.rem_euclid(DAY) == 0 && date(secs.div_euclid(DAY)).2 == 1;
        month_ends.then_some(Instant {
            secs: secs - 1,
            nanos: 999_999_999,
        })
    }
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March, so that the leap day
/// is a year's last and months need no table (Howard Hinnant, `days_from_civil`).
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    // The count begins 400 years before the year 0, so that nothing is
    // negative.
    let year = year + 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
    days - 146_097 - 719_468
}

/// The inverse: the year, month and day that are `days` days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * march + 2) / 5 + 1)
}

/// The form that is by far the most common: RFC 3339 in UTC with `T` and `Z`.
/// It is read without the detours that others need, since every row has some.
/// Answers the date and the time of day, and the fraction with its point (or
/// nothing). Second 60 is left to [`split`].
#[inline]
pub(crate) fn plain(text: &[u8]) -> Option<(Civil, &[u8])> {
    const SHAPE: &[u8; HEAD] = b"0000-00-00T00:00:00";
    let (head, rest) = text.split_first_chunk::<HEAD>()?;
    let fraction = match rest {
        [b'Z'] => &[],
        [fraction @ .., b'Z'] => fraction,
        _ => return None,
    };
    let mut strange = false;
    for (byte, shape) in head.iter().zip(SHAPE) {
        let most = if *shape == b'0' { 9 } else { 0 };
        strange |= byte.wrapping_sub(*shape) > most;
    }
    if let Some((point, digits)) = fraction.split_first() {
        let digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        strange |= *point != b'.' || !digits;
    }
    if strange {
        return None;
    }
    let two = |at: usize| i64::from(head[at] & 15) * 10 + i64::from(head[at + 1] & 15);
    let civil = Civil::new(
        [two(0) * 100 + two(2), two(5), two(8)],
        [two(11), two(14), two(17)],
    )?;
    (civil.second < 60).then_some((civil, fraction))
}

/// A date and clock, the fraction with its point (or nothing), and what follows.
pub(crate) fn split(bytes: &[u8]) -> Option<(Civil, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T' | b't' | b' ',
        clock @ ..,
    ] = head
    else {
        return None;
    };
    let year = two(*y0, *y1)? * 100 + two(*y2, *y3)?;
    let date = [year, two(*m0, *m1)?, two(*d0, *d1)?];
    let civil = Civil::new(date, read_clock(clock)?)?;
    let Some((b'.', digits)) = rest.split_first() else {
        return Some((civil, &[], rest));
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (fraction, zone) = rest.split_at_checked(count + 1)?;
    Some((civil, fraction, zone))
}

pub(crate) fn read_clock(clock: &[u8; 8]) -> Option<[i64; 3]> {
    let [h0, h1, b':', m0, m1, b':', s0, s1] = *clock else {
        return None;
    };
    Some([two(h0, h1)?, two(m0, m1)?, two(s0, s1)?])
}

/// Minutes ahead of UTC.
pub(crate) fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1] => (sign, two(h0, h1)?, 0),
        [sign, h0, h1, m0, m1] | [sign, h0, h1, b':', m0, m1] => (sign, two(h0, h1)?, two(m0, m1)?),
        _ => return None,
    };
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-hours * 60 - minutes),
        _ => None,
    }
}

/// The nanoseconds of `.digits`. Digits after the ninth are less than one of
/// them.
pub(crate) fn fraction_nanos(fraction: &[u8]) -> u32 {
    let Some((_, digits)) = fraction.split_first() else {
        return 0;
    };
    let mut nanos = 0;
    for place in 0..9 {
        nanos = nanos * 10 + digits.get(place).map_or(0, |b| u32::from(b & 15));
    }
    nanos
}

pub(crate) fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// `YYYY-MM-DD` as that day's first instant in UTC.
pub(crate) fn day(text: &str) -> Option<Instant> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text.as_bytes() else {
        return None;
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    Civil::new([year, two(m0, m1)?, two(d0, d1)?], [0, 0, 0])?.instant(0, 0)
}

pub(crate) fn spell_head(at: Civil) -> String {
    let (year, month, day) = (at.year, at.month, at.day);
    let (hour, minute, second) = (at.hour, at.minute, at.second);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}
