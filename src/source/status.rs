//! What an answer's status and content type mean for the caller: take it, try
//! again, come back later, or mend the request. Pure: it looks at the answer
//! and at a clock's reading that it is handed, and never at the body's meaning.

use std::time::Duration;

use crate::error::{Again, Error, Refusal, excerpt, shortened};
use crate::exchange::Response;
use crate::secret;
use crate::timestamp::{self, http_date};

/// The longest pause that a server is granted inside one run, in seconds.
const PATIENCE: u64 = 60;

/// As much as is quoted of what an API says of its refusal, in characters:
/// APIs tend to put codes and names before the reason.
const REASON: usize = 300;

/// What is wrong with an answer as a whole, if anything: its status, else its
/// content type. `now` (unix seconds) is used where it carries no `Date`.
pub fn check(response: &Response, body: &[u8], now: i64) -> Option<Error> {
    status_error(response, body, now).or_else(|| content_error(response, body))
}

/// What a status other than 200 and 206 means.
pub fn status_error(response: &Response, body: &[u8], now: i64) -> Option<Error> {
    let error = judge_status(response, body, now)?;
    Some(error.refusing(Refusal::Status(response.status)))
}

fn judge_status(response: &Response, body: &[u8], now: i64) -> Option<Error> {
    let status = response.status;
    if let 200 | 206 = status {
        return None;
    }
    let text = match quote(body, REASON) {
        text if text.is_empty() => format!("the API answered {status}"),
        text => format!("the API answered {status}: {text}"),
    };
    Some(match status {
        408 | 425 | 429 | 500 | 502..=504 | 520..=529 => postponed(text, pause(response, now), now)
            .hint(if status == 429 {
                "ask for less at a time, or less often"
            } else {
                "if this goes on, look at the API's own status"
            }),
        501 | 505..=599 => Error::temporary(text)
            .again(Again::Never)
            .hint("if this goes on, look at the API's own status"),
        300..=399 => Error::refused(text).hint("set the url to where the API lives now"),
        400 => Error::refused(text).hint(
            "a parameter may be unknown to this API, too large (--page-size, --max-offset), or \
             spelled in a way that it does not take: see query and since.format in the \
             connection file",
        ),
        401 | 403 | 407 => Error::refused(text).hint(
            "give credentials: headers in the connection file, as \
             {\"Authorization\": \"Bearer ${NAME}\"}",
        ),
        404 | 410 => Error::refused(text).hint("is the url right?"),
        405 => Error::refused(text).hint("this address does not take GET: is the url right?"),
        413 | 414 | 416 | 431 => {
            Error::refused(text).hint("ask for less at a time: see --page-size")
        }
        _ if status / 100 == 4 => {
            Error::refused(text).hint("mend the request: see the connection file")
        }
        204 => Error::contract(text).hint("an empty page is expected as 200 with no rows in it"),
        _ => Error::contract(text).hint("expected 200: is the url right?"),
    })
}

/// What a content type that cannot be JSON means. Types that servers use for
/// want of a better one are taken, and so is none at all.
pub fn content_error(response: &Response, body: &[u8]) -> Option<Error> {
    const TAKEN: [&str; 4] = [
        "text/plain",
        "application/octet-stream",
        "text/javascript",
        "application/javascript",
    ];
    let given = response.header("content-type")?;
    let kind = given.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    if kind.is_empty() || kind.contains("json") || TAKEN.contains(&kind.as_str()) {
        return None;
    }
    let quoted = quote(body, 60);
    let colon = if quoted.is_empty() { "" } else { ": " };
    Some(
        // A proxy's error page is worth another try.
        Error::contract(format!(
            "the answer is {}, not JSON{colon}{quoted}",
            excerpt(&kind)
        ))
        .again(Again::Later)
        .hint("is the url right, or does a proxy or a login page answer in the API's place?"),
    )
}

fn postponed(text: String, pause: Option<u64>, now: i64) -> Error {
    match pause {
        None => Error::temporary(text),
        Some(seconds) if seconds <= PATIENCE => {
            Error::temporary(text).again(Again::After(Duration::from_secs(seconds)))
        }
        Some(seconds) => {
            let then = timestamp::Instant {
                secs: now,
                nanos: 0,
            }
            .plus(Duration::from_secs(seconds));
            let then = timestamp::format(then);
            let text = format!("{text} (the API asks to come back after {seconds} s, at {then})");
            Error::temporary(text).again(Again::Never)
        }
    }
}

/// The seconds that `Retry-After` asks for. A date in it is held against the
/// server's own clock where that is known: ours may be off.
fn pause(response: &Response, now: i64) -> Option<u64> {
    let text = response.header("retry-after")?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // So many digits that they do not fit mean "never".
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let now = response
        .header("date")
        .and_then(http_date)
        .map_or(now, |at| at.secs);
    let seconds = http_date(text.trim())?.secs.saturating_sub(now);
    Some(u64::try_from(seconds).unwrap_or(0))
}

/// The body's beginning on one line. Redacted before it is cut, since a value
/// cut in two would not be found later.
fn quote(body: &[u8], most: usize) -> String {
    let body = &body[..body.len().min(1 << 16)];
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    shortened(&secret::redacted(&words.join(" ")), most)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const NOON: &str = "Mon, 15 Jan 2024 12:00:00 GMT";

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Response {
            status,
            headers: headers.collect(),
            ..Response::default()
        }
    }

    #[test]
    fn each_status_has_its_exit_code_and_says_whether_to_try_again() {
        for (status, expected) in [
            (100, Some((Kind::Contract, Again::Never))),
            (200, None),
            (201, Some((Kind::Contract, Again::Never))),
            (204, Some((Kind::Contract, Again::Never))),
            (206, None),
            (301, Some((Kind::Refused, Again::Never))),
            (400, Some((Kind::Refused, Again::Never))),
            (401, Some((Kind::Refused, Again::Never))),
            (404, Some((Kind::Refused, Again::Never))),
            (408, Some((Kind::Temporary, Again::Later))),
            (418, Some((Kind::Refused, Again::Never))),
            (425, Some((Kind::Temporary, Again::Later))),
            (429, Some((Kind::Temporary, Again::Later))),
            (500, Some((Kind::Temporary, Again::Later))),
            (501, Some((Kind::Temporary, Again::Never))),
            (503, Some((Kind::Temporary, Again::Later))),
            (505, Some((Kind::Temporary, Again::Never))),
            (522, Some((Kind::Temporary, Again::Later))),
            (999, Some((Kind::Contract, Again::Never))),
        ] {
            let error = status_error(&answer(status, &[]), b"", 0);
            let seen = error.as_ref().map(|e| (e.kind(), e.is_worth()));
            assert_eq!(seen, expected, "{status}");
            assert!(error.is_none_or(|e| !e.remedy().is_empty()), "{status}");
        }
    }

    #[test]
    fn the_pause_that_the_api_asks_for_is_kept_up_to_a_minute() {
        let after = |s| Again::After(Duration::from_secs(s));
        for (given, expected) in [
            ("0", after(0)),
            (" 60 ", after(60)),
            ("61", Again::Never),
            ("99999999999999999999999", Again::Never),
            ("Mon, 15 Jan 2024 12:00:30 GMT", after(30)),
            ("Mon, 15 Jan 2024 11:00:00 GMT", after(0)),
            ("Mon, 15 Jan 2024 13:00:00 GMT", Again::Never),
            ("soon", Again::Later),
            ("-1", Again::Later),
            ("1.5", Again::Later),
            ("", Again::Later),
        ] {
            let response = answer(503, &[("Retry-After", given), ("Date", NOON)]);
            let error = status_error(&response, b"", 0).unwrap();
            assert_eq!(error.is_worth(), expected, "{given}");
        }
        let error = status_error(&answer(429, &[("retry-after", "3600")]), b"", 0).unwrap();
        assert!(error.to_string().contains("come back after 3600 s"));
    }

    #[test]
    fn our_clock_stands_in_where_the_api_sends_no_date() {
        let now = http_date(NOON).unwrap().secs;
        assert_eq!(now, 1_705_320_000);
        let response = answer(503, &[("Retry-After", "Mon, 15 Jan 2024 12:00:05 GMT")]);
        let error = status_error(&response, b"", now).unwrap();
        assert_eq!(error.is_worth(), Again::After(Duration::from_secs(5)));
    }

    #[test]
    fn the_api_is_quoted_on_one_line() {
        let error = status_error(
            &answer(400, &[]),
            b"{\n  \"error\":\t\"no\xff such\"\n}\x1b",
            0,
        );
        assert_eq!(
            error.unwrap().to_string(),
            "the API answered 400: { \"error\": \"no\u{fffd} such\" }\\u{1b}"
        );
    }

    #[test]
    fn only_a_content_type_that_cannot_be_json_is_refused() {
        for kind in [
            "application/json",
            "Application/Vnd.API+JSON; charset=utf-8",
            "text/plain",
            "",
        ] {
            let response = answer(200, &[("Content-Type", kind)]);
            assert_eq!(check(&response, b"", 0), None, "{kind}");
        }
        assert_eq!(check(&answer(200, &[]), b"", 0), None);
        let error = check(&answer(200, &[("content-type", "text/html; x")]), b"<p>", 0).unwrap();
        assert_eq!(error.to_string(), "the answer is text/html, not JSON: <p>");
        assert_eq!(
            (error.kind(), error.is_worth()),
            (Kind::Contract, Again::Later)
        );
    }
}
