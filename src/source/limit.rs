//! When a server says to come back, in whichever of its headers it says so.
//! Pure: it looks at headers and at the time that it is given.

use crate::exchange::Response;
use crate::timestamp::{self, http_date};

/// How long until a window of requests opens again, in seconds.
const RESETS: [&str; 8] = [
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-requests-reset",
    "x-rate-limit-reset-time",
    "x-ratelimit-retry-after",
    "x-retry-after",
];

/// How many requests are left in the window.
const REMAINING: [&str; 4] = [
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
    "x-ratelimit-requests-remaining",
];

/// The seconds to wait, where the headers tell. `now` (unix seconds) stands in
/// where the answer carries no `Date`.
pub(crate) fn pause(response: &Response, now: i64) -> Option<u64> {
    let now = response
        .header("date")
        .and_then(http_date)
        .map_or(now, |at| at.secs);
    let asked = response.header("retry-after");
    if let Some(seconds) = asked.and_then(|text| retry_after(text.trim(), now)) {
        return Some(seconds);
    }
    // Where requests are left, something else was limited.
    if remaining(response).is_some_and(|left| left > 0) {
        return None;
    }
    let reset = RESETS
        .iter()
        .find_map(|name| until(response.header(name)?.trim(), now));
    // A reset is told in whole seconds, and may be wrong by one second.
    reset
        .or_else(|| structured(response.header("ratelimit")?, &["t", "reset"]))
        .map(|seconds| seconds.max(1))
}

/// Whether the headers say that the rate of requests is why this was refused,
/// whatever the status.
pub(crate) fn is_limit(response: &Response) -> bool {
    response.header("retry-after").is_some() || remaining(response) == Some(0)
}

fn remaining(response: &Response) -> Option<u64> {
    let plain = REMAINING.iter().find_map(|name| {
        let value = response.header(name)?;
        // Where there are several windows, it is enough that one of them is
        // used up.
        value
            .split(',')
            .filter_map(|part| part.split(';').next()?.trim().parse().ok())
            .min()
    });
    plain.or_else(|| structured(response.header("ratelimit")?, &["r", "remaining"]))
}

/// `Retry-After`: seconds, or a date.
fn retry_after(text: &str, now: i64) -> Option<u64> {
    if let Some(at) = http_date(text) {
        return Some(from(now, at.secs));
    }
    // Shopify sends a fraction.
    seconds(text).map(|(seconds, more)| seconds.saturating_add(more))
}

/// The seconds until a reset that is told as seconds from now, as a unix time in
/// seconds or milliseconds, or as a date.
fn until(text: &str, now: i64) -> Option<u64> {
    if let Some(at) = http_date(text).or_else(|| timestamp::parse(text)) {
        return Some(from(now, at.secs));
    }
    let (number, more) = seconds(text)?;
    let at = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    Some(match number {
        0..1_000_000_000 => number + more,
        1_000_000_000..100_000_000_000 => from(now, at(number + more)),
        _ => from(now, at(number.div_ceil(1000))),
    })
}

/// Whole seconds, and one more where there is a fraction.
fn seconds(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // A number with so many digits that it does not fit means "never".
    let whole = whole.parse().unwrap_or(u64::MAX);
    Some((whole, u64::from(fraction.bytes().any(|byte| byte != b'0'))))
}

fn from(now: i64, then: i64) -> u64 {
    u64::try_from(then.saturating_sub(now)).unwrap_or(0)
}

/// A parameter of the structured `RateLimit` field: `"default";r=0;t=30`, and as
/// it was drafted before, `limit=100, remaining=0, reset=30`. Of several
/// policies the first that is used up counts.
fn structured(text: &str, names: &[&str]) -> Option<u64> {
    let value = |part: &str, names: &[&str]| {
        let mut pairs = part.split(';').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(name, _)| names.contains(&name.trim()));
        found.and_then(|(_, value)| value.trim().parse::<u64>().ok())
    };
    let parts: Vec<&str> = text.split(',').collect();
    let spent = parts.iter().find(|part| value(part, &["r"]) == Some(0));
    spent
        .and_then(|part| value(part, names))
        .or_else(|| parts.iter().find_map(|part| value(part, names)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOON: i64 = 1_705_320_000;

    fn told(headers: &[(&str, &str)]) -> (Option<u64>, bool) {
        let headers = headers.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        let response = Response {
            status: 403,
            headers: headers.collect(),
            ..Response::default()
        };
        (pause(&response, NOON), is_limit(&response))
    }

    #[test]
    fn a_reset_is_read_however_it_is_told() {
        for (name, value, expected) in [
            ("RateLimit-Reset", "30", 30),
            ("X-RateLimit-Reset", "1705320030", 30),
            ("X-RateLimit-Reset", "1705320030000", 30),
            ("X-RateLimit-Reset", "1705320029.2", 30),
            ("X-Rate-Limit-Reset", "2024-01-15T12:00:30Z", 30),
            ("X-RateLimit-Reset", "Mon, 15 Jan 2024 12:00:30 GMT", 30),
            ("X-RateLimit-Reset-After", "1.337", 2),
            ("X-RateLimit-Reset", "1705319000", 1),
            ("RateLimit", "\"burst\";r=5;t=9, \"day\";r=0;t=30", 30),
            ("RateLimit", "limit=100, remaining=0, reset=30", 30),
        ] {
            assert_eq!(told(&[(name, value)]).0, Some(expected), "{name}: {value}");
        }
        assert_eq!(told(&[("X-RateLimit-Reset", "soon")]).0, None);
    }

    #[test]
    fn retry_after_goes_before_a_reset() {
        let both = [("X-RateLimit-Reset", "1705323600"), ("Retry-After", "5")];
        assert_eq!(told(&both).0, Some(5));
    }

    #[test]
    fn a_reset_says_nothing_where_requests_are_left() {
        let left = |n| [("X-RateLimit-Remaining", n), ("X-RateLimit-Reset", "9")];
        assert_eq!(told(&left("7")), (None, false));
        assert_eq!(told(&left("0")), (Some(9), true));
        assert_eq!(told(&[("X-RateLimit-Reset", "9")]), (Some(9), false));
    }

    #[test]
    fn our_clock_stands_in_where_the_server_tells_no_time() {
        let at = ("X-RateLimit-Reset", "1705320040");
        let date = ("Date", "Mon, 15 Jan 2024 12:00:30 GMT");
        assert_eq!(told(&[at, date]).0, Some(10));
        assert_eq!(told(&[at]).0, Some(40));
    }
}
