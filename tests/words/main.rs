//! The command line, without a process: words in, options or an error out.
//! Beside it, what the layout of the code promises.

#![allow(clippy::unwrap_used)]

mod faults;
mod layout;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use highwater::cli::{Command, FileFormat, Options, Out, StateAt, Topic, help};
use highwater::error::{Error, Kind};

fn parse(line: &str) -> Result<Options, Error> {
    Options::parse(line.split_whitespace().map(OsString::from))
}

fn options(line: &str) -> Options {
    parse(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn error(line: &str) -> String {
    let error = parse(line).expect_err(line);
    assert_eq!(error.kind(), Kind::Usage, "{line}");
    error.to_string()
}

#[test]
fn a_bare_command_has_the_defaults() {
    let sync = options("sync");
    assert_eq!(sync.command, Command::Sync);
    assert_eq!(sync.out, Out::Dir("out".into()));
    assert_eq!(sync.format, None);
    assert_eq!(sync.state, StateAt::Default);
    assert_eq!((&sync.url, sync.page_size, sync.verbose), (&None, None, 0));
    assert_eq!(options("check").command, Command::Check);
    assert_eq!(options("status").command, Command::Status);
}

#[test]
fn every_flag_is_taken() {
    let all = options(
        "sync --url http://h/p --out d --format csv --page-size 100 --state s.json \
         --since 2024-01-01T00:00:00Z --until 2025-01-01T00:00:00Z --full-refresh \
         --config c.json --record r --max-offset 500 --lookback 5m --max-retries 0 \
         --timeout 250ms --max-body 2M --verbose",
    );
    let expected = Options {
        url: Some("http://h/p".into()),
        out: Out::Dir("d".into()),
        format: Some(FileFormat::Csv),
        page_size: Some(100),
        state: StateAt::File("s.json".into()),
        since: Some("2024-01-01T00:00:00Z".into()),
        until: Some("2025-01-01T00:00:00Z".into()),
        full_refresh: true,
        config: Some("c.json".into()),
        record: Some("r".into()),
        max_offset: Some(500),
        lookback: Some(Duration::from_secs(300)),
        max_retries: Some(0),
        timeout: Some(Duration::from_millis(250)),
        max_body: Some(2 << 20),
        verbose: 1,
        ..options("sync")
    };
    assert_eq!(all, expected);
    assert_eq!(options("sync --replay r").replay, Some("r".into()));
    let check = options("check --json --suggest -q");
    assert!(check.json && check.suggest && check.quiet);
}

#[test]
fn a_value_may_follow_an_equals_sign() {
    assert_eq!(options("sync --page-size=7"), options("sync --page-size 7"));
    assert_eq!(options("sync --url=a=b").url.unwrap(), "a=b");
    assert_eq!(options("sync --since=-5").since.unwrap(), "-5");
}

#[test]
fn flags_may_stand_before_the_command() {
    assert_eq!(options("-v --out d sync"), options("sync --out d -v"));
}

#[test]
fn verbose_counts_however_it_is_written() {
    for line in ["sync -vv", "sync -v -v", "sync -v --verbose", "-v sync -v"] {
        assert_eq!(options(line).verbose, 2, "{line}");
    }
    let many = format!("sync -{}", "v".repeat(1000));
    assert_eq!(options(&many).verbose, u8::MAX);
}

#[test]
fn a_dash_is_the_standard_output_and_only_for_out() {
    assert_eq!(options("sync --out -").out, Out::Stdout);
    assert_eq!(options("sync --out=-").out, Out::Stdout);
    assert_eq!(
        error("sync --config -"),
        "--config: takes a file, and \"-\" is none; one of that name is ./-"
    );
}

#[test]
fn the_state_is_next_to_the_rows_unless_told_otherwise() {
    let path = |line: &str| options(line).state_path();
    assert_eq!(path("sync"), Some("out/state.json".into()));
    assert_eq!(path("status --out d"), Some("d/state.json".into()));
    assert_eq!(path("sync --out -"), Some("./state.json".into()));
    assert_eq!(path("sync --out d --state s"), Some("s".into()));
    assert_eq!(path("sync --state none"), None);
    assert_eq!(path("sync --state ./none"), Some("./none".into()));
    assert_eq!(
        error("status --state none"),
        "status has no state to show with --state none"
    );
}

#[test]
fn help_and_version_are_found_wherever_they_stand() {
    let asked = |line: &str| options(line).command;
    assert_eq!(asked("--help"), Command::Help(Topic::General));
    assert_eq!(asked("-h"), Command::Help(Topic::General));
    assert_eq!(asked("help"), Command::Help(Topic::General));
    assert_eq!(asked("help help"), Command::Help(Topic::General));
    assert_eq!(asked("help sync"), Command::Help(Topic::Sync));
    assert_eq!(asked("sync --bogus -h"), Command::Help(Topic::Sync));
    assert_eq!(asked("--url x check --help"), Command::Help(Topic::Check));
    assert_eq!(asked("status -vh"), Command::Help(Topic::Status));
    assert_eq!(asked("-vh"), Command::Help(Topic::General));
    assert_eq!(asked("--version"), Command::Version);
    assert_eq!(asked("-V"), Command::Version);
    assert_eq!(asked("sync -V"), Command::Version);
}

#[cfg(unix)]
#[test]
fn paths_keep_bytes_that_are_not_unicode_and_other_words_refuse_them() {
    use std::os::unix::ffi::OsStringExt;
    let odd = || OsString::from_vec(b"d\xFF/f".to_vec());
    let joined = |flag: &str| {
        let mut word = OsString::from(flag);
        word.push(odd());
        word
    };
    for words in [
        vec!["sync".into(), "--out".into(), odd()],
        vec!["sync".into(), joined("--out=")],
    ] {
        let options = Options::parse(words).unwrap();
        assert_eq!(options.out, Out::Dir(PathBuf::from(odd())));
    }
    let text = |words: Vec<OsString>| Options::parse(words).unwrap_err().to_string();
    assert_eq!(
        text(vec!["sync".into(), joined("--url=")]),
        "--url: \"d\u{FFFD}/f\" is not Unicode"
    );
    assert_eq!(
        text(vec![odd()]),
        "unknown command \"d\u{FFFD}/f\", the commands are sync, check, status, table, compact, audit, plan, init, help"
    );
    assert!(text(vec![joined("--")]).starts_with("unknown flag"));
}

#[test]
fn the_help_of_a_command_has_its_flags_and_not_those_of_others() {
    assert!(help(Topic::Sync).contains("--full-refresh"));
    assert!(help(Topic::Check).contains("--suggest"));
    assert!(!help(Topic::Status).contains("--url"));
    assert!(help(Topic::General).contains("highwater sync"));
}

/// Every sequence of up to three words, and of four that begin with `sync`.
#[test]
fn no_sequence_of_words_panics() {
    let mut words: Vec<OsString> = [
        "",
        "-",
        "--",
        "---",
        "=",
        "--=",
        "sync",
        "check",
        "status",
        "help",
        "synk",
        "--url",
        "--url=",
        "--url=x",
        "--out",
        "--out=-",
        "--page-size",
        "--page-size=1",
        "--lookback",
        "--max-body",
        "--format",
        "--state",
        "none",
        "--record=r",
        "--replay=r",
        "--quiet",
        "--quiet=",
        "-q",
        "-v",
        "-vv",
        "-vq",
        "-é",
        "--é",
        "é",
        "-h",
        "--help",
        "-V",
        "--version",
        "--since",
        "--full-refresh",
        "0",
        "99999999999999999999",
        "1h",
        "csv",
        "--bogus",
        "\u{0}",
        "-v=",
        "--json",
    ]
    .iter()
    .map(OsString::from)
    .collect();
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        for bytes in [
            &b"\xFF"[..],
            b"-\xFF",
            b"--\xFF",
            b"--out=\xFF",
            b"--url=\xFF",
        ] {
            words.push(OsString::from_vec(bytes.to_vec()));
        }
    }
    let check = |line: &[&OsString]| {
        let line = || line.iter().map(|word| (*word).clone());
        match Options::parse(line()) {
            Ok(options) => drop(options.state_path()),
            Err(error) => {
                assert_eq!(error.exit_code(), 2);
                assert!(!error.to_string().is_empty());
            }
        }
    };
    let sync = OsString::from("sync");
    check(&[]);
    for a in &words {
        check(&[a]);
        for b in &words {
            check(&[a, b]);
            for c in &words {
                check(&[a, b, c]);
                check(&[&sync, a, b, c]);
            }
        }
    }
}
