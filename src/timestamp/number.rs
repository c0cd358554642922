//! Timestamps that are numbers of units since 1970, whatever stands around
//! them. In integers: a float has no room for this century's nanoseconds.

use crate::calendar::{Instant, NANOS};

/// `/Date(1705314600000)/`, also with an offset in minutes behind the number,
/// which says how to show the instant and not which one it is.
pub(super) fn odata(text: &str) -> Option<Instant> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let offset = inner.get(1..)?.find(['+', '-']).map(|at| at + 1);
    let (millis, offset) = inner.split_at(offset.unwrap_or(inner.len()));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let known = offset.is_empty() || (offset.len() > 1 && digits(&offset[1..]));
    let whole = digits(millis.strip_prefix('-').unwrap_or(millis));
    (known && whole).then(|| unix(millis, 6, false))?
}

/// A number of units since 1970 that are 10^`scale` nanoseconds long; where
/// `guess` is set, seconds that would lie past the year 5138 are milliseconds.
pub(super) fn unix(text: &str, scale: i64, guess: bool) -> Option<Instant> {
    let mut nanos = decimal(text, scale)?;
    if guess && nanos.unsigned_abs() >= 100_000_000_000 * NANOS.unsigned_abs() {
        nanos = decimal(text, scale - 3)?;
    }
    Instant::from_nanos(nanos)
}

/// A JSON number times 10^`scale`, rounded down. In integers, because a float
/// has no room for the nanoseconds of this century.
pub(super) fn decimal(text: &str, scale: i64) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut places = i64::try_from(whole.len()).ok()? + scale + i64::from(exponent);
    let (mut value, mut lost) = (0_i128, false);
    for digit in digits() {
        if places > 0 {
            value = value.checked_mul(10)?.checked_add(i128::from(digit & 15))?;
            places -= 1;
        } else {
            lost |= digit != b'0';
        }
    }
    // zero ends the loop at once, however large its exponent
    while places > 0 && value != 0 {
        value = value.checked_mul(10)?;
        places -= 1;
    }
    Some(if negative {
        -value - i128::from(lost)
    } else {
        value
    })
}
