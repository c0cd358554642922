//! What an answer's status and content type mean for the caller: take it, try
//! again, come back later, or mend the request. Pure: it looks at the answer
//! and at the time that it is given, and never at the meaning of the body.

use std::time::Duration;

use crate::config::Statuses;
use crate::error::{Again, Error, Refusal, Result, excerpt, shortened};
use crate::exchange::Response;
use crate::secret;
use crate::source::limit;
use crate::timestamp;

/// The longest pause that is granted to a server inside one run, in seconds.
const PATIENCE: u64 = 60;

/// As much as is quoted of what an API says of its refusal, in characters:
/// APIs tend to put codes and names before the reason.
pub(crate) const REASON: usize = 300;

/// What an answer that is no error holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Rows, in its body.
    Rows,
    /// None, and its body is not to be read.
    Empty,
}

/// What an answer as a whole means: its status, else its content type. `now`
/// (unix seconds) is used where it carries no `Date`.
///
/// # Errors
/// Where it is no answer to what was asked.
pub fn check(response: &Response, body: &[u8], now: i64, known: &Statuses) -> Result<Meaning> {
    if let Some(error) = status_error(response, body, now, known) {
        return Err(error);
    }
    if is_empty(response, known) {
        return Ok(Meaning::Empty);
    }
    content_error(response, body).map_or(Ok(Meaning::Rows), Err)
}

/// Whether the status says that there are no rows: no content, nothing new
/// since the time asked for, or one that the connection names.
pub fn is_empty(response: &Response, known: &Statuses) -> bool {
    matches!(response.status, 204 | 304) || known.empty.contains(&response.status)
}

/// The meaning of a status that speaks neither of rows nor of their absence.
pub fn status_error(response: &Response, body: &[u8], now: i64, known: &Statuses) -> Option<Error> {
    let error = judge_status(response, body, now, known)?;
    Some(error.refusing(Refusal::Status(response.status)))
}

fn judge_status(response: &Response, body: &[u8], now: i64, known: &Statuses) -> Option<Error> {
    let status = response.status;
    if is_empty(response, known) || matches!(status, 200 | 206) {
        return None;
    }
    let text = match quote(body, REASON) {
        text if text.is_empty() => format!("the API answered {status}"),
        text => format!("the API answered {status}: {text}"),
    };
    let later = |text| postponed(text, limit::pause(response, now), now);
    if known.retry.contains(&status) {
        return Some(later(text).hint("if this goes on, look at the API's own status"));
    }
    Some(match status {
        202 => later(text).hint("the API was still preparing its answer: run again later"),
        403 if limit::is_limit(response) => {
            later(text).hint("ask for less at a time, or less often: see pace")
        }
        408 | 425 | 429 | 500 | 502..=504 | 520..=529 => later(text).hint(if status == 429 {
            "ask for less at a time, or less often: see pace"
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
        407 => Error::refused(text)
            .hint("give the proxy's credentials: HTTP_PROXY=http://USER:PASSWORD@HOST:PORT"),
        401 | 403 => Error::refused(text).hint(
            "give credentials: headers in the connection file, as \
             {\"Authorization\": \"Bearer ${NAME}\"}",
        ),
        404 | 410 => Error::refused(text).hint(
            "is the url right? where this means that there are no rows, say so: statuses.empty",
        ),
        405 => Error::refused(text).hint(
            "this address does not take GET, or what method says in its place: is the url right?",
        ),
        413 | 414 | 416 | 431 => {
            Error::refused(text).hint("ask for less at a time: see --page-size")
        }
        _ if status / 100 == 4 => {
            Error::refused(text).hint("mend the request: see the connection file")
        }
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

/// The body's beginning on one line. Redacted before it is cut, since a value
/// cut in two would not be found later.
pub(crate) fn quote(body: &[u8], most: usize) -> String {
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
    use crate::timestamp::http_date;

    const NOON: &str = "Mon, 15 Jan 2024 12:00:00 GMT";

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Response {
            status,
            headers: headers.collect(),
            ..Response::default()
        }
    }

    fn error_of(response: &Response, body: &[u8], now: i64) -> Option<Error> {
        status_error(response, body, now, &Statuses::default())
    }

    fn plain(response: &Response, body: &[u8]) -> Result<Meaning> {
        check(response, body, 0, &Statuses::default())
    }

    #[test]
    fn a_connection_says_what_else_means_no_rows_or_later() {
        let known = Statuses {
            empty: vec![404],
            retry: vec![403],
        };
        let meaning = |status, headers: &[(&str, &str)]| {
            check(&answer(status, headers), b"<p>", 0, &known)
                .map_err(|e| (e.kind(), e.again_when()))
        };
        let html = ("Content-Type", "text/html");
        assert_eq!(meaning(404, &[html]), Ok(Meaning::Empty));
        assert_eq!(meaning(204, &[html]), Ok(Meaning::Empty));
        assert_eq!(meaning(403, &[]), Err((Kind::Temporary, Again::Later)));
        assert_eq!(meaning(410, &[]), Err((Kind::Refused, Again::Never)));
    }

    #[test]
    fn a_403_is_a_limit_only_where_its_headers_say_so() {
        let meaning = |headers: &[(&str, &str)]| {
            error_of(&answer(403, headers), b"", 0).map(|e| (e.kind(), e.again_when()))
        };
        let after = |s| Some((Kind::Temporary, Again::After(Duration::from_secs(s))));
        assert_eq!(meaning(&[("Retry-After", "2")]), after(2));
        let spent = ("X-RateLimit-Remaining", "0");
        assert_eq!(meaning(&[spent, ("X-RateLimit-Reset", "9")]), after(9));
        assert_eq!(meaning(&[spent]), Some((Kind::Temporary, Again::Later)));
        let left = [("X-RateLimit-Remaining", "41"), ("X-RateLimit-Reset", "9")];
        for headers in [&left[..], &[]] {
            assert_eq!(meaning(headers), Some((Kind::Refused, Again::Never)));
        }
    }

    #[test]
    fn each_status_has_its_exit_code_and_says_whether_to_try_again() {
        for (status, expected) in [
            (100, Some((Kind::Contract, Again::Never))),
            (200, None),
            (201, Some((Kind::Contract, Again::Never))),
            (202, Some((Kind::Temporary, Again::Later))),
            (204, None),
            (206, None),
            (301, Some((Kind::Refused, Again::Never))),
            (304, None),
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
            let error = error_of(&answer(status, &[]), b"", 0);
            let seen = error.as_ref().map(|e| (e.kind(), e.again_when()));
            assert_eq!(seen, expected, "{status}");
            assert!(error.is_none_or(|e| !e.hint_text().is_empty()), "{status}");
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
            ("1.5", after(2)),
            ("2.0", after(2)),
            ("1.", after(1)),
            (".5", Again::Later),
            ("1.5.5", Again::Later),
            ("", Again::Later),
        ] {
            let response = answer(503, &[("Retry-After", given), ("Date", NOON)]);
            let error = error_of(&response, b"", 0).unwrap();
            assert_eq!(error.again_when(), expected, "{given}");
        }
        let error = error_of(&answer(429, &[("retry-after", "3600")]), b"", 0).unwrap();
        assert!(error.to_string().contains("come back after 3600 s"));
    }

    #[test]
    fn our_clock_stands_in_where_the_api_sends_no_date() {
        let now = http_date(NOON).unwrap().secs;
        assert_eq!(now, 1_705_320_000);
        let response = answer(503, &[("Retry-After", "Mon, 15 Jan 2024 12:00:05 GMT")]);
        let error = error_of(&response, b"", now).unwrap();
        assert_eq!(error.again_when(), Again::After(Duration::from_secs(5)));
    }

    #[test]
    fn the_api_is_quoted_on_one_line() {
        let error = error_of(
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
            assert_eq!(plain(&response, b""), Ok(Meaning::Rows), "{kind}");
        }
        assert_eq!(plain(&answer(200, &[]), b""), Ok(Meaning::Rows));
        let page = answer(200, &[("content-type", "text/html; x")]);
        let error = plain(&page, b"<p>").unwrap_err();
        assert_eq!(error.to_string(), "the answer is text/html, not JSON: <p>");
        assert_eq!(
            (error.kind(), error.again_when()),
            (Kind::Contract, Again::Later)
        );
    }
}
