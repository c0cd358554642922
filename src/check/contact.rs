//! Judging whether the API can be talked to at all: the address, the
//! credentials, what its headers say; and for a request that it refused, the
//! first thing to mend.

use crate::config::Connection;
use crate::error::Error;
use crate::exchange::Response;
use crate::source::status;
use crate::timestamp::{self, Instant};

use super::ask::{Answer, Asker};
use super::parameters;
use super::report::Check;

/// Where there is no first answer: why, and what to do. `status` is that of
/// the last answer, if one came.
pub(super) fn failed(
    of: &Connection,
    error: &Error,
    status: Option<u16>,
    asker: &mut Asker,
) -> Vec<Check> {
    let reachable = Check::ok("reachable", format!("{} answers", of.url));
    if status.is_some()
        && status != Some(401)
        && status != Some(429)
        && let Some(check) = parameters::refused(of, error, asker)
    {
        return vec![reachable, check];
    }
    match status {
        Some(401 | 403 | 407) => {
            let names: Vec<&str> = of.headers.iter().map(|(name, _)| &**name).collect();
            let remedy = if names.is_empty() {
                "write \"headers\": {\"Authorization\": \"Bearer ${API_TOKEN}\"} into the connection file, and export API_TOKEN=…".to_owned()
            } else {
                format!(
                    "sent was {}: is the token right, and not expired? is it spelled as the API wants it?",
                    names.join(", ")
                )
            };
            vec![
                reachable,
                Check::broken("credentials", error.to_string()).remedy(remedy),
            ]
        }
        Some(404 | 410) => {
            let remedy = "the host answers, but not at this path: mend --url (only the address; parameters belong into \"query\")";
            vec![Check::broken("reachable", format!("{}: {error}", of.url)).remedy(remedy)]
        }
        Some(400 | 413 | 414 | 422) => {
            let check = Check::broken("parameters", error.to_string());
            vec![
                reachable,
                check.remedy("name the API's own parameters: \"query\" in the connection file"),
            ]
        }
        _ => vec![Check::broken("reachable", error.to_string()).remedy(error.remedy())],
    }
}

/// Where a first answer came with a good status: address and credentials.
pub(super) fn reached(of: &Connection, answer: &Answer, live: bool) -> Vec<Check> {
    if let Some(error) = status::content_error(&answer.response, &answer.body) {
        return vec![
            Check::broken("reachable", format!("{}: {error}", of.url)).remedy(
                "mend --url: it is to lead to the API, not to a page for people or for logging in",
            ),
        ];
    }
    let time = answer.response.elapsed.as_millis();
    let how = if live {
        format!("answers in {time} ms")
    } else {
        "answers, out of the recording".to_owned()
    };
    let names: Vec<&str> = of.headers.iter().map(|(name, _)| &**name).collect();
    let taken = match &names[..] {
        [] => "none were asked for".to_owned(),
        names => format!("taken, with {}", names.join(", ")),
    };
    vec![
        Check::ok("reachable", format!("{} {how}", of.url)),
        Check::ok("credentials", taken),
    ]
}

/// What the headers say of limits, and of the time.
pub(super) fn headers(
    of: &Connection,
    response: &Response,
    now: Instant,
    live: bool,
    repeated: u64,
) -> Vec<Check> {
    let told = response.headers.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        ["x-ratelimit", "x-rate-limit", "ratelimit", "retry-after"]
            .iter()
            .any(|start| name.starts_with(start))
    });
    let told: Vec<String> = told
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let found = if told.is_empty() {
        "no header tells of one".to_owned()
    } else {
        told.join(", ")
    };
    let rate = match repeated {
        0 => Check::ok("rate limit", found),
        n => Check::warning("rate limit", format!("{found}; asked {n} times again")),
    };
    let date = response.header("date").and_then(timestamp::http_date);
    let clock = match date {
        _ if !live => Check::skipped("clock", "a recording's time has passed"),
        None => Check::ok("clock", "the API does not tell its time: ours counts"),
        Some(date) => {
            let ahead = date.secs.saturating_sub(now.secs);
            let apart = ahead.unsigned_abs();
            // A Date is cut to the second, and it was on its way for a while.
            if apart > of.lookback.as_secs().max(1) {
                let which = if ahead > 0 { "ahead of" } else { "behind" };
                Check::warning(
                    "clock",
                    format!("the API's is {apart} s {which} ours, more than the lookback"),
                )
                .remedy("one of the clocks is wrong; the API's Date counts in a sync")
            } else {
                Check::ok(
                    "clock",
                    format!("the API's is within {} s of ours", apart.max(1)),
                )
            }
        }
    };
    vec![rate, clock]
}
