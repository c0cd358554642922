//! How fine the timestamps are.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::Finding;
use crate::check::setting::spelled;
use crate::check::survey::fields::reads;
use crate::check::survey::stamp::{Stamp, stamp};
use crate::error::excerpt;
use crate::json;

use super::cursor;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let values = cursor::values(case);
    let readable = values
        .iter()
        .all(|raw| reads(raw, &case.connection.since.format));
    if values.is_empty() || values.len() < case.survey.rows().len() || !readable {
        return None;
    }
    let name = spelled(&case.connection.cursor).to_lowercase();
    let spelling = values.iter().find_map(|raw| stamp(raw, &name));
    let sample = values.iter().max_by_key(|raw| raw.len());
    let sample = sample.map_or_else(String::new, |raw| excerpt(&json::text(raw)));
    let digits = values
        .iter()
        .map(|raw| fraction(&json::text(raw)))
        .max()
        .unwrap_or(0);
    let what = match (spelling, digits) {
        (Some(Stamp::Date), _) => {
            let found = format!("days ({sample}): all rows of a day share a timestamp");
            let finding = Finding::warning(Clause::Precision, found);
            return Some(finding.remedy("keep page_size above the rows of a day"));
        }
        (Some(Stamp::Unix), 0) => "seconds since 1970",
        (Some(Stamp::UnixMs), 0) => "milliseconds since 1970",
        (Some(Stamp::Unix | Stamp::UnixMs), _) => "fractions of a second since 1970",
        (_, 0) => "seconds",
        (_, 1..=3) => "milliseconds",
        (_, 4..=6) => "microseconds",
        _ => "nanoseconds",
    };
    Some(Finding::ok(Clause::Precision, format!("{what} ({sample})")))
}

/// How many digits follow the seconds.
fn fraction(text: &str) -> usize {
    let after = text.rsplit_once('.').map_or("", |(_, after)| after);
    after.bytes().take_while(u8::is_ascii_digit).count()
}
