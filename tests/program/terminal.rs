//! The status line, on a terminal that `script` (util-linux) provides.

#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::Duration;

use crate::support::api::Api;
use crate::support::table::Table;
use crate::support::{Scratch, highwater, program, run};

/// What a terminal is sent, None where there is no `script` to ask.
fn on_a_terminal(dir: &Scratch, words: &str, set: Option<(&str, &str)>) -> Option<String> {
    let version = Command::new("script").arg("--version").output().ok()?;
    if !version.status.success() {
        return None;
    }
    let command = format!("{} {words}", program().display());
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]);
    script.current_dir(dir.path()).env_remove("RUST_LOG");
    script.env_remove("COLUMNS").env("TERM", "xterm").envs(set);
    Some(run(&mut script).expect(0).stdout)
}

#[test]
fn a_terminal_sees_the_rows_go_by_on_one_line_that_is_gone_at_the_end() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 1))
        .latency(Duration::from_millis(40))
        .start();
    let sync = format!("sync --url {}", api.url());
    let Some(seen) = on_a_terminal(&dir, &sync, None) else {
        return;
    };
    assert!(seen.contains("50 of 300 rows"), "{seen:?}");
    let (line, receipt) = seen.rsplit_once("\r\u{1b}[K").expect("the line is erased");
    assert!(!line.contains('\n'), "{seen:?}");
    assert!(receipt.starts_with("{\"table\":\"user\""), "{seen:?}");
    for quiet in ["-q", "-v"] {
        let seen = on_a_terminal(&dir, &format!("{sync} --full-refresh {quiet}"), None).unwrap();
        assert!(!seen.contains("\u{1b}[K"), "{seen:?}");
    }
}

#[test]
fn a_file_or_a_pipe_sees_no_status_line() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 1));
    let outcome = run(highwater(dir.path()).args(["sync", "--url", &api.url()])).expect(0);
    assert_eq!(outcome.stderr, "");
    assert!(!outcome.stdout.contains('\u{1b}'));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_a_dumb_one_sees_none() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 1))
        .latency(Duration::from_millis(40))
        .start();
    let sync = format!("sync --url {} --full-refresh", api.url());
    let Some(seen) = on_a_terminal(&dir, &sync, Some(("COLUMNS", "30"))) else {
        return;
    };
    let (lines, _) = seen.rsplit_once("\r\u{1b}[K").expect("the line is erased");
    let lines: Vec<&str> = lines.split("\r\u{1b}[K").collect();
    assert!(lines.iter().any(|line| line.contains(" rows")), "{seen:?}");
    assert!(lines.iter().all(|line| line.len() < 30), "{seen:?}");
    let seen = on_a_terminal(&dir, &sync, Some(("TERM", "dumb"))).unwrap();
    assert!(!seen.contains(" rows"), "{seen:?}");
}
