//! The status line, on a terminal that `script` (util-linux) provides.

#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::Duration;

use crate::support::api::Api;
use crate::support::http::Reply;
use crate::support::table::Table;
use crate::support::{Scratch, highwater, program, run};

/// What a terminal is sent, None where there is no `script` to ask.
fn on_a_terminal(dir: &Scratch, words: &str, set: Option<(&str, &str)>) -> String {
    let command = format!("{} {words}", program().display());
    shell_on_a_terminal(dir, &command, set)
}

/// The same of a shell's line.
fn shell_on_a_terminal(dir: &Scratch, command: &str, set: Option<(&str, &str)>) -> String {
    let mut script = Command::new("script");
    script.args(["-qec", command, "/dev/null"]);
    script.current_dir(dir.path()).env_remove("RUST_LOG");
    script.env_remove("COLUMNS").env("TERM", "xterm").envs(set);
    run(&mut script).expect(0).stdout
}

#[test]
#[ignore = "needs script, of util-linux"]
fn a_terminal_sees_the_rows_go_by_on_one_line_that_is_gone_at_the_end() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 1))
        .latency(Duration::from_millis(40))
        .start();
    let sync = format!("sync --url {}", api.url());
    let seen = on_a_terminal(&dir, &sync, None);
    assert!(seen.contains("50 of 300 rows"), "{seen:?}");
    let (line, receipt) = seen.rsplit_once("\r\u{1b}[K").expect("the line is erased");
    assert!(!line.contains('\n'), "{seen:?}");
    assert!(receipt.starts_with("{\"table\":\"user\""), "{seen:?}");
    for quiet in ["-q", "-v"] {
        let seen = on_a_terminal(&dir, &format!("{sync} --full-refresh {quiet}"), None);
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
#[ignore = "needs script, of util-linux"]
fn no_line_is_wider_than_the_terminal_and_a_dumb_one_sees_none() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 1))
        .latency(Duration::from_millis(40))
        .start();
    let sync = format!("sync --url {} --full-refresh", api.url());
    let seen = on_a_terminal(&dir, &sync, Some(("COLUMNS", "30")));
    let (lines, _) = seen.rsplit_once("\r\u{1b}[K").expect("the line is erased");
    let lines: Vec<&str> = lines.split("\r\u{1b}[K").collect();
    assert!(lines.iter().any(|line| line.contains(" rows")), "{seen:?}");
    assert!(lines.iter().all(|line| line.len() < 30), "{seen:?}");
    let seen = on_a_terminal(&dir, &sync, Some(("TERM", "dumb")));
    assert!(!seen.contains(" rows"), "{seen:?}");
}

/// What a terminal of so many columns shows in the end, and how many of its
/// lines were begun because one was full.
fn screen(sent: &str, columns: usize) -> (Vec<String>, usize) {
    let (mut lines, mut at, mut wrapped) = (vec![Vec::new()], 0, 0);
    let mut chars = sent.chars();
    while let Some(c) = chars.next() {
        let line = lines.last_mut().unwrap();
        match c {
            '\r' => at = 0,
            '\n' => {
                lines.push(Vec::new());
                at = 0;
            }
            '\u{1b}' => {
                let sequence: String = chars.by_ref().take(2).collect();
                assert_eq!(sequence, "[K", "{sent:?}");
                line.truncate(at);
            }
            c => {
                if at == columns {
                    lines.push(Vec::new());
                    (at, wrapped) = (0, wrapped + 1);
                }
                let line = lines.last_mut().unwrap();
                line.truncate(at);
                line.push(c);
                at += 1;
            }
        }
    }
    let text = |line: Vec<char>| line.into_iter().collect::<String>();
    (lines.into_iter().map(text).collect(), wrapped)
}

#[test]
#[ignore = "needs script, of util-linux"]
fn a_narrow_terminal_is_asked_for_its_width_and_no_line_breaks_there() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 1))
        .latency(Duration::from_millis(40))
        .start();
    let tables = ["organisation_members", "o"]
        .map(|name| format!("\"{name}\": {{\"url\": \"{}\"}}", api.url()));
    dir.write(
        "all.json",
        format!("{{\"tables\": {{{}}}}}", tables.join(",")),
    );
    let program = program();
    for columns in [40, 24] {
        let sync = format!(
            "stty cols {columns} rows 20; {} sync --config all.json --full-refresh > receipts",
            program.display()
        );
        let sent = shell_on_a_terminal(&dir, &sync, None);
        assert!(sent.contains(" of 300 rows"), "{sent:?}");
        let (lines, wrapped) = screen(&sent, columns);
        assert_eq!((lines, wrapped), (vec![String::new()], 0), "{sent:?}");
    }
    let receipts = std::fs::read_to_string(dir.join("receipts")).unwrap();
    assert_eq!(receipts.lines().count(), 2);
}

#[test]
#[ignore = "needs script, of util-linux"]
fn what_is_said_meanwhile_stands_on_lines_of_its_own_without_colours() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(300, 1))
        .latency(Duration::from_millis(40))
        .start();
    for (name, value) in [
        ("NO_COLOR", "1"),
        ("TERM", "xterm-256color"),
        ("CLICOLOR_FORCE", "1"),
    ] {
        let nth = std::sync::atomic::AtomicU32::new(0);
        api.set_fault(move |_, _| {
            let nth = nth.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            (nth == 3).then(|| Reply::status(503).header("Retry-After", 0))
        });
        let sync = format!("sync --full-refresh --url {}", api.url());
        let sent = on_a_terminal(&dir, &sync, Some((name, value)));
        let (lines, _) = screen(&sent, 1000);
        let [warning, receipt, last] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(
            warning.contains("503") && warning.contains("retrying"),
            "{lines:?}"
        );
        assert!(receipt.starts_with('{') && last.is_empty(), "{lines:?}");
    }
    for term in ["dumb", ""] {
        let sync = format!("sync --full-refresh --url {}", api.url());
        let sent = on_a_terminal(&dir, &sync, Some(("TERM", term)));
        assert!(!sent.contains('\u{1b}'), "{sent:?}");
    }
}
