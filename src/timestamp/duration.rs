//! Lengths of time as text, such as `60s`.

use std::time::Duration;

use super::number::decimal;
use crate::calendar::NANOS;

/// Reads a length of time: a number, then `ms`, `s`, `m`, `h`, `d` or nothing
/// for seconds, such as `60s`, `250ms` or `1.5h`.
///
/// # Errors
/// What the text should look like, where it is no such thing; the limit, where
/// it is longer than 365,250 days (a thousand years), so that adding one to a
/// clock cannot overflow.
pub fn duration(text: &str) -> Result<Duration, String> {
    const LIMIT: u64 = 365_250 * 86_400;
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "ms" => Some((6, 1)),
        "" | "s" => Some((9, 1)),
        "m" => Some((9, 60)),
        "h" => Some((9, 3600)),
        "d" => Some((9, 86_400)),
        _ => None,
    };
    let digits = number.starts_with(|c: char| c.is_ascii_digit())
        && !number.ends_with('.')
        && number.matches('.').count() <= 1;
    let Some((scale, factor)) = factor.filter(|_| digits) else {
        return Err(format!(
            "{text:?} is not a duration, try 250ms, 60s, 5m, 2h, 1d or a number of seconds"
        ));
    };
    decimal(number, scale)
        .and_then(|nanos| nanos.checked_mul(factor))
        .and_then(|nanos| {
            let secs = u64::try_from(nanos / NANOS).ok()?;
            Some(Duration::new(secs, u32::try_from(nanos % NANOS).ok()?))
        })
        .filter(|time| *time <= Duration::from_secs(LIMIT))
        .ok_or_else(|| format!("{text:?} is too long a duration, at most 365250d"))
}
