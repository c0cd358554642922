//! Limits of the rate: what headers say of them, how long is waited, and the
//! pace that is kept.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::clock;
use crate::support::http::Reply;
use crate::{Place, faulty, says};

/// What GitHub says.
fn limited(status: u16) -> Reply {
    Reply::json(json!({"message": "API rate limit exceeded"})).with_status(status)
}

/// A reply with the time of its reset, so many seconds from now.
fn resets(status: u16, seconds: i64) -> Reply {
    let at = clock::now() / clock::SECOND + seconds;
    limited(status)
        .header("X-RateLimit-Limit", 60)
        .header("X-RateLimit-Remaining", 0)
        .header("X-RateLimit-Reset", at)
}

#[test]
fn a_403_that_limits_the_rate_is_waited_for() {
    for header in ["retry-after", "reset"] {
        let server = faulty(120, move |_, nth| {
            (nth == 2).then(|| match header {
                "reset" => resets(403, 1),
                _ => limited(403).header("Retry-After", 1),
            })
        });
        let place = Place::new(&json!({"url": server.url("/")}));
        let begun = Instant::now();
        let outcome = place.sync(&[]).expect(0);
        says(&outcome, &["403", "rate limit exceeded", "retrying in 1."]);
        assert_eq!(outcome.receipt()["rows"], 120);
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
}

#[test]
fn a_403_without_such_a_sign_is_a_refusal() {
    for remaining in [None, Some(17)] {
        let server = faulty(120, move |_, nth| {
            let reply = limited(403).header("X-RateLimit-Reset", 4_000_000_000_u32);
            (nth == 2).then(|| match remaining {
                Some(left) => reply.header("X-RateLimit-Remaining", left),
                None => reply,
            })
        });
        let outcome = Place::new(&json!({"url": server.url("/")}))
            .sync(&[])
            .expect(4);
        says(&outcome, &["403", "credentials"]);
        assert_eq!(outcome.receipt()["retries"], 0);
    }
}

#[test]
fn a_limit_that_lasts_is_exit_3_at_once_and_names_the_time() {
    for (status, header) in [
        (403, "reset"),
        (429, "reset"),
        (403, "after"),
        (429, "RateLimit"),
    ] {
        let server = faulty(120, move |_, nth| {
            (nth == 2).then(|| match header {
                "reset" => resets(status, 1800),
                "after" => limited(status).header("Retry-After", 1800),
                name => limited(status).header(name, "\"hour\";r=0;t=1800"),
            })
        });
        let begun = Instant::now();
        let outcome = Place::new(&json!({"url": server.url("/")}))
            .sync(&[])
            .expect(3);
        assert!(begun.elapsed() < Duration::from_secs(10));
        let then = clock::rfc3339(clock::now() + 1800 * clock::SECOND);
        // To the minute, or the one before it.
        let before = clock::rfc3339(clock::now() + 1740 * clock::SECOND);
        let named = [&then[..16], &before[..16]];
        assert!(
            named.iter().any(|minute| outcome.stderr.contains(minute)),
            "{then}: {}",
            outcome.stderr
        );
        says(&outcome, &["come back after", "try: "]);
        assert_eq!(outcome.receipt()["rows"], 50);
        assert_eq!(outcome.receipt()["retries"], 0);
    }
}

#[test]
fn pauses_that_the_server_names_do_not_use_up_the_retries() {
    let server = faulty(60, |_, nth| {
        (1..=3)
            .contains(&nth)
            .then(|| limited(429).header("Retry-After", 1))
    });
    let place = Place::new(&json!({"url": server.url("/")}));
    let outcome = place.sync(&["--max-retries", "1"]).expect(0);
    let receipt = outcome.receipt();
    assert_eq!(
        (&receipt["rows"], &receipt["retries"]),
        (&json!(60), &json!(3))
    );
}

#[test]
fn requests_keep_their_pace_and_a_replay_need_not() {
    let server = faulty(120, |_, nth| {
        (nth == 2).then(|| Reply::status(503).header("Retry-After", 0))
    });
    let place = Place::new(&json!({"url": server.url("/"), "pace": "150ms"}));
    let begun = Instant::now();
    let outcome = place.sync(&["--record", "r"]).expect(0);
    let paces = u32::try_from(server.requests().len()).unwrap() - 1;
    assert!(paces >= 3);
    assert!(begun.elapsed() >= paces * Duration::from_millis(150));
    assert_eq!(outcome.receipt()["rows"], 120);
    drop(server);
    let slow = Place::new(&json!({"url": "http://127.0.0.1:1/", "pace": "1h"}));
    slow.scratch.write("r", place.read("r"));
    let outcome = slow.sync(&["--replay", "r"]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 120);
}
