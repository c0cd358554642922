//! Dates as HTTP's headers spell them (RFC 9110, section 5.6.7).

use crate::calendar::{Civil, DAY, Instant, read_clock, two};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Reads an HTTP-date (RFC 9110 §5.6.7) in any of its three forms: IMF-fixdate,
/// RFC 850 and asctime. There is no clock here, so RFC 850's years of two
/// digits are 1970 to 2069. The weekday has to be a weekday, but not the right
/// one. `None` for all else.
#[must_use]
pub fn http_date(text: &str) -> Option<Instant> {
    let mut words = text.split_ascii_whitespace();
    let six: [&str; 6] = std::array::from_fn(|_| words.next().unwrap_or_default());
    if words.next().is_some() {
        return None;
    }
    let (named, year, month, day, clock) = match six {
        [weekday, day, month, year, clock, "GMT"] if day.len() == 2 => (
            short_weekday(weekday.strip_suffix(',')?),
            year,
            month,
            day,
            clock,
        ),
        [weekday, date, clock, "GMT", "", ""] => {
            let (day, rest) = date.split_once('-').filter(|(day, _)| day.len() == 2)?;
            let (month, year) = rest.split_once('-').filter(|(_, year)| year.len() == 2)?;
            let named = WEEKDAYS.contains(&weekday.strip_suffix(',')?);
            (named, year, month, day, clock)
        }
        [weekday, month, day, clock, year, ""] => (short_weekday(weekday), year, month, day, clock),
        _ => return None,
    };
    let year = match (year.len(), digits(year.as_bytes())?) {
        (2, year @ 70..) => 1900 + year,
        (2, year) => 2000 + year,
        (4, year) => year,
        _ => return None,
    };
    let month = MONTHS.iter().zip(1..).find(|(name, _)| **name == month)?.1;
    let day = digits(day.as_bytes()).filter(|_| day.len() <= 2)?;
    let clock = read_clock(clock.as_bytes().try_into().ok()?)?;
    named
        .then(|| Civil::new([year, month, day], clock))??
        .instant(0, 0)
}

/// An instant as IMF-fixdate, cut to the second.
pub(crate) fn spell_http_date(at: Instant) -> String {
    let civil = Civil::at(at.secs);
    // 1970-01-01 was a Thursday, and weeks begin here with Monday.
    let weekday = (at.secs.div_euclid(DAY) + 3).rem_euclid(7);
    let name = WEEKDAYS.get(weekday as usize).map_or("", |name| &name[..3]);
    let month = MONTHS[(civil.month - 1) as usize];
    let (year, day) = (civil.year, civil.day);
    let (hour, minute, second) = (civil.hour, civil.minute, civil.second);
    format!("{name}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// One to four digits.
fn digits(text: &[u8]) -> Option<i64> {
    match *text {
        [a] => two(b'0', a),
        [a, b] => two(a, b),
        [a, b, c, d] => Some(two(a, b)? * 100 + two(c, d)?),
        _ => None,
    }
}

fn short_weekday(name: &str) -> bool {
    name.len() == 3 && WEEKDAYS.iter().any(|day| day.starts_with(name))
}
