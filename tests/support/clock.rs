//! Instants as microseconds since 1970 in UTC, and their texts. Proleptic
//! Gregorian, no leap seconds, no time zones beyond a numeric offset.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// 2024-01-15T10:30:00Z, where the generated tables start.
pub const BASE: i64 = 1_705_314_600 * SECOND;

/// The wall clock.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

/// `2024-01-15T10:30:00Z`, with six digits of a fraction only where there is one.
pub fn rfc3339(micros: i64) -> String {
    let (year, month, day) = civil(micros.div_euclid(86_400 * SECOND));
    let (hour, minute, second) = of_day(micros);
    let fraction = micros.rem_euclid(SECOND);
    let stem = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction == 0 {
        stem + "Z"
    } else {
        format!("{stem}.{fraction:06}Z")
    }
}

/// `Mon, 15 Jan 2024 10:30:00 GMT`, as the `Date` header has it.
pub fn http_date(micros: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = micros.div_euclid(86_400 * SECOND);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = of_day(micros);
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads RFC 3339 with `Z` or a numeric offset; digits past the sixth of a
/// fraction are cut. None for anything else.
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0_i64, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !punctuation
        .iter()
        .all(|&(at, mark)| bytes.get(at) == Some(&mark))
    {
        return None;
    }
    let (month, day) = (number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let mut at = 19;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        let end = (at + 1..bytes.len())
            .find(|&i| !bytes[i].is_ascii_digit())
            .unwrap_or(bytes.len());
        if end == at + 1 {
            return None;
        }
        for place in 0..6 {
            let digit = if at + 1 + place < end {
                bytes[at + 1 + place] - b'0'
            } else {
                0
            };
            fraction = fraction * 10 + i64::from(digit);
        }
        at = end;
    }
    let offset = match bytes.get(at)? {
        b'Z' if bytes.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == at + 6 && bytes[at + 3] == b':' => {
            let minutes = number(at + 1..at + 3)? * 60 + number(at + 4..at + 6)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let days = days(number(0..4)?, month, day);
    let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
    Some(seconds * SECOND + fraction)
}

fn of_day(micros: i64) -> (i64, i64, i64) {
    let second = micros.div_euclid(SECOND).rem_euclid(86_400);
    (second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day counted from 1970, by eras of 400 years that
/// begin in March, so that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The other way round.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
