//! How a value tells a time: with its offset from UTC, as local time, as a
//! date, or as a number since 1970. It guesses no meaning.

use crate::json;
use crate::timestamp::{self, Format};

use super::json::is_scalar;

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Stamp {
    /// RFC 3339, with its offset from UTC.
    Rfc,
    /// A date and clock without an offset.
    Naive,
    /// A date.
    Date,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// How a value is written, if it is a timestamp. Digits are one only where the
/// field's name speaks of time.
pub(in crate::check) fn stamp(raw: &[u8], name: &str) -> Option<Stamp> {
    let text = json::text(raw);
    if raw.first() == Some(&b'"') {
        if timestamp::parse(&text).is_some() {
            return Some(Stamp::Rfc);
        }
        if timestamp::naive(&text).is_some() {
            return Some(Stamp::Naive);
        }
        if timestamp::is_date(&text) {
            return Some(Stamp::Date);
        }
    }
    const WORDS: [&str; 10] = [
        "updated", "modified", "changed", "created", "time", "date", "_at", "_ts", "stamp", "epoch",
    ];
    let timely = name == "ts" || WORDS.iter().any(|word| name.contains(word));
    let digits: f64 = text.parse().ok().filter(|_| is_scalar(raw) && timely)?;
    match digits {
        // 1990 to 2100
        6.3e8..4.2e9 => Some(Stamp::Unix),
        6.3e11..4.2e12 => Some(Stamp::UnixMs),
        _ => None,
    }
}

/// A `since.format` that reads and writes all these values, which have no
/// offset from UTC.
pub(in crate::check) fn format_of(values: &[&[u8]]) -> Option<String> {
    let texts: Vec<String> = values
        .iter()
        .map(|raw| json::text(raw).into_owned())
        .collect();
    if texts.iter().all(|text| timestamp::is_date(text)) {
        return Some("date".to_owned());
    }
    let between = if texts.first()?.contains('T') {
        'T'
    } else {
        ' '
    };
    let stem = format!("[year]-[month]-[day]{between}[hour]:[minute]:[second]");
    let endings = [
        "",
        ".[subsecond digits:3]",
        ".[subsecond digits:6]",
        ".[subsecond]",
    ];
    let writes = |text: &String| {
        Format::new(text).is_ok_and(|format| {
            texts.iter().all(|text| {
                format
                    .read(text, false)
                    .is_some_and(|at| format.spell("", at) == *text)
            })
        })
    };
    let all: Vec<String> = endings
        .iter()
        .map(|ending| format!("{stem}{ending}"))
        .collect();
    let naive = texts.iter().all(|text| timestamp::naive(text).is_some());
    let fitting = all.iter().find(|text| writes(text)).cloned();
    // Fractions of any length are read anyway, and a bound may be cut.
    fitting.or_else(|| all.into_iter().next().filter(|_| naive))
}
