//! Networks that fail, and answers that do not come from the API.

use std::time::{Duration, Instant};

use crate::broken::{says, second_page};
use crate::support::http::{Quirk, Reply, Server, refusing_addr};
use crate::support::{Scratch, files, gzip};
use crate::{page, sync};

const ONCE: &[&str] = &["--max-retries", "0"];

#[test]
fn a_refused_connection_is_exit_3_and_names_the_address() {
    let dir = Scratch::new();
    let peer = refusing_addr().to_string();
    let url = format!("http://{peer}/users");
    let outcome = sync(dir.path(), &url, &["--max-retries", "1"]).expect(3);
    says(
        &outcome,
        &[
            "connection refused",
            &peer,
            "retrying",
            "after 2 tries",
            "try:",
        ],
    );
    let receipt = outcome.receipt();
    assert_eq!(receipt["requests"], 2);
    assert_eq!(receipt["retries"], 1);
    assert_eq!(receipt["complete"], false);
    assert!(receipt["file"].is_null());
    assert_eq!(files(&dir.join("out")), [".lock"]);
}

#[test]
fn a_host_that_does_not_exist_is_exit_3_and_named() {
    let dir = Scratch::new();
    let outcome = sync(dir.path(), "http://host.invalid/", ONCE).expect(3);
    says(&outcome, &["host.invalid"]);
}

#[test]
fn a_connection_that_ends_without_an_answer_is_exit_3() {
    for quirk in [Quirk::Reset, Quirk::Hangup] {
        let outcome = second_page(3, ONCE, move |_| Reply::broken(quirk.clone()));
        says(&outcome, &["ended before an answer came"]);
    }
}

#[test]
fn a_body_that_is_cut_off_is_exit_3_and_says_where() {
    let outcome = second_page(3, ONCE, |request| {
        Reply::json(page(request)).quirk(Quirk::CutAfter(700))
    });
    says(&outcome, &["cut off at 700 of "]);
    // Without a length only the JSON shows it.
    let outcome = second_page(3, ONCE, |request| {
        let text = page(request).to_string();
        Reply::json(&text[..700]).quirk(Quirk::UntilClose)
    });
    says(&outcome, &["cut off", "700"]);
}

#[test]
fn a_status_line_that_is_none_is_exit_5() {
    let outcome = second_page(5, ONCE, |_| Reply::garbage());
    says(&outcome, &["no valid HTTP answer", "127.0.0.1:"]);
}

#[test]
fn an_answer_that_never_comes_ends_with_the_timeout() {
    let flags = ["--timeout", "700ms", "--max-retries", "1"];
    let outcome = second_page(3, &flags, |_| Reply::broken(Quirk::Stall));
    says(&outcome, &["700ms", "retrying", "--timeout"]);
    assert_eq!(outcome.receipt()["retries"], 1);
}

#[test]
fn an_answer_that_drips_ends_with_the_timeout_too() {
    let begun = Instant::now();
    let flags = ["--timeout", "700ms", "--max-retries", "0"];
    let outcome = second_page(3, &flags, |request| {
        Reply::json(page(request)).quirk(Quirk::Drip(10, Duration::from_millis(20)))
    });
    says(&outcome, &["700ms"]);
    assert!(begun.elapsed() >= Duration::from_millis(700));
}

#[test]
fn a_body_past_the_limit_is_exit_5_and_not_asked_for_again() {
    for declared in [true, false] {
        let flags = ["--max-body", "40K", "--max-retries", "3"];
        let outcome = second_page(5, &flags, move |_| {
            let body = " ".repeat(50_000);
            match declared {
                true => Reply::json(body),
                false => Reply::json(body).quirk(Quirk::Endless),
            }
        });
        says(&outcome, &["40960 bytes", "--max-body"]);
        assert_eq!(outcome.receipt()["retries"], 0);
    }
}

#[test]
fn a_body_in_gzip_is_read_and_one_that_is_damaged_is_not() {
    let dir = Scratch::new();
    let server = Server::start(|request| Reply::json(page(request)).gzip());
    sync(dir.path(), &server.url("/"), &[]).expect(0);
    let outcome = second_page(5, ONCE, |request| {
        let mut body = gzip::stored(page(request).to_string().as_bytes());
        let end = body.len() - 6;
        body[end] ^= 1;
        Reply::json(body).header("Content-Encoding", "gzip")
    });
    says(&outcome, &["damaged gzip"]);
    let outcome = second_page(5, ONCE, |request| {
        Reply::json(page(request)).header("Content-Encoding", "br")
    });
    says(&outcome, &["encoded as br"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_bomb_in_gzip_is_exit_5_and_does_not_take_the_memory() {
    use std::process::Stdio;

    let dir = Scratch::new();
    // A gigabyte of spaces in one megabyte.
    let bomb = gzip::bomb(1 << 30);
    let server =
        Server::start(move |_| Reply::json(bomb.clone()).header("Content-Encoding", "gzip"));
    let mut child = crate::support::highwater(dir.path())
        .args(["sync", "--url", &server.url("/")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("longer than 67108864 bytes"), "{stderr}");
    assert!((1024..100 * 1024).contains(&peak), "{peak} KiB");
}

#[test]
fn json_deeper_than_any_table_is_exit_5() {
    for depth in [200, 300_000] {
        let outcome = second_page(5, ONCE, move |request| {
            let nest = "[".repeat(depth) + &"]".repeat(depth);
            let text = page(request).to_string();
            Reply::json(text.replacen("{\"address\"", &format!("{{\"x\":{nest},\"address\""), 1))
        });
        says(&outcome, &["deep"]);
    }
}

#[test]
fn bytes_that_are_no_utf8_are_exit_5_and_located() {
    let outcome = second_page(5, ONCE, |request| {
        let mut body = page(request).to_string().into_bytes();
        let at = body.iter().position(|byte| *byte == b'@').unwrap();
        body[at] = 0xff;
        Reply::json(body)
    });
    says(&outcome, &["byte ", "not UTF-8"]);
}

#[test]
fn a_web_page_in_place_of_json_is_exit_5_and_quoted() {
    for kind in ["text/html; charset=utf-8", "application/json"] {
        let outcome = second_page(5, ONCE, move |_| {
            Reply::status(200)
                .header("Content-Type", kind)
                .body("<html><title>Please log in</title>")
        });
        says(&outcome, &["not JSON", "Please log in", "try:"]);
    }
}

#[test]
fn no_body_at_all_is_exit_5() {
    let outcome = second_page(5, ONCE, |_| Reply::json(""));
    says(&outcome, &["not JSON"]);
}

#[test]
fn json_with_something_behind_it_is_exit_5() {
    let outcome = second_page(5, ONCE, |request| {
        Reply::json(format!("{}{{}}", page(request)))
    });
    says(&outcome, &["not JSON", "follows"]);
}

#[test]
fn what_a_network_spoils_is_asked_for_again() {
    let dir = Scratch::new();
    let api = crate::support::api::Api::over(crate::support::table::Table::users(200, 1))
        .fault(|request, nth| match nth {
            2 => Some(Reply::json(page(request)).quirk(Quirk::CutAfter(900))),
            4 => Some(Reply::status(200).header("Content-Type", "text/html")),
            _ => None,
        })
        .start();
    let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
    assert_eq!(outcome.receipt()["retries"], 2);
    assert_eq!(outcome.receipt()["rows"], 200);
    assert_eq!(
        outcome.stderr.matches("retrying in 0.").count(),
        2,
        "{}",
        outcome.stderr
    );
}
