//! The command line, without a process: words in, options or an error out.

#![allow(clippy::unwrap_used)]

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
    assert_eq!(sync.format, FileFormat::Ndjson);
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
        format: FileFormat::Csv,
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

#[test]
fn without_a_command_the_usage_is_shown() {
    for line in ["", "-v", "--url x"] {
        let text = error(line);
        assert!(text.starts_with("no command given\n\nUsage:"), "{text}");
        assert!(text.contains("highwater sync"));
    }
}

#[test]
fn an_unknown_word_names_the_nearest_right_one() {
    for (line, text) in [
        ("synk", "unknown command \"synk\", did you mean \"sync\"?"),
        (
            "stats",
            "unknown command \"stats\", did you mean \"status\"?",
        ),
        (
            "version",
            "unknown command \"version\", did you mean --version?",
        ),
        (
            "url=x sync",
            "unknown command \"url=x\", did you mean --url?",
        ),
        (
            "fetchall",
            "unknown command \"fetchall\", the commands are sync, check, status",
        ),
        (
            "help synk",
            "unknown command \"synk\", did you mean \"sync\"?",
        ),
        ("help sync check", "unexpected word \"check\""),
        ("sync check", "unexpected word \"check\""),
        ("sync url x", "unexpected word \"url\", did you mean --url?"),
        (
            "sync --pagesize 5",
            "unknown flag \"--pagesize\", did you mean --page-size?",
        ),
        (
            "sync --Out=x",
            "unknown flag \"--Out\", did you mean --out?",
        ),
        ("sync -url x", "unknown flag \"-url\", did you mean --url?"),
        (
            "check --jsn",
            "unknown flag \"--jsn\", did you mean --json?",
        ),
        (
            "sync --formt",
            "unknown flag \"--formt\", did you mean --format?",
        ),
        ("sync --qqqqqqqqqq", "unknown flag \"--qqqqqqqqqq\""),
        ("sync ---", "unknown flag \"---\""),
        ("sync --=x", "unknown flag \"--\""),
        ("sync -", "unexpected word \"-\""),
        ("sync -- x", "\"--\" has no use here"),
    ] {
        assert_eq!(error(line), text, "{line}");
    }
}

#[test]
fn a_flag_of_another_command_says_whose_it_is() {
    assert_eq!(
        error("check --format csv"),
        "--format is no flag of check, only of sync"
    );
    assert_eq!(
        error("sync --json"),
        "--json is no flag of sync, only of check"
    );
    assert_eq!(
        error("status --url x"),
        "--url is no flag of status, only of sync and check"
    );
}

#[test]
fn a_value_that_is_missing_or_looks_like_a_flag_is_asked_for() {
    assert_eq!(error("sync --url"), "--url needs a value: --url URL");
    assert_eq!(error("sync --url="), "--url needs a value: --url URL");
    let empty = ["sync", "--out", ""].map(OsString::from);
    let empty = Options::parse(empty).unwrap_err();
    assert_eq!(empty.to_string(), "--out needs a value: --out DIR");
    assert_eq!(
        error("sync --url --out d"),
        "--url needs a value, and \"--out\" looks like a flag"
    );
    let error = parse("sync --since -5").unwrap_err();
    assert_eq!(error.remedy(), "where that is the value, write --since=-5");
}

#[test]
fn a_value_where_none_belongs_is_refused() {
    assert_eq!(error("sync --quiet=yes"), "--quiet takes no value");
    assert_eq!(
        error("sync --full-refresh="),
        "--full-refresh takes no value"
    );
}

#[test]
fn flags_that_are_repeated_or_contradict_each_other_are_refused() {
    assert_eq!(error("sync --out a --out=b"), "--out is given twice");
    assert_eq!(error("sync -q -q"), "--quiet is given twice");
    assert_eq!(
        error("sync --replay a --record b"),
        "--record and --replay do not go together"
    );
    assert_eq!(
        error("status -qv"),
        "--verbose and --quiet do not go together"
    );
    assert!(options("sync --since x --full-refresh").full_refresh);
}

#[test]
fn numbers_and_lengths_are_checked_and_named() {
    for (line, text) in [
        (
            "sync --page-size 0",
            "--page-size: \"0\" is no whole number from 1 to 1000000",
        ),
        (
            "sync --page-size 1000001",
            "--page-size: \"1000001\" is no whole number from 1 to 1000000",
        ),
        (
            "sync --page-size +5",
            "--page-size: \"+5\" is no whole number from 1 to 1000000",
        ),
        (
            "sync --max-offset 18446744073709551616",
            "--max-offset: \"18446744073709551616\" is no whole number from 1 to \
             18446744073709551615",
        ),
        (
            "sync --max-retries=-1",
            "--max-retries: \"-1\" is no whole number from 0 to 4294967295",
        ),
        (
            "sync --lookback 5x",
            "--lookback: \"5x\" is not a duration, try 250ms, 60s, 5m, 2h, 1d or a number of \
             seconds",
        ),
        ("sync --timeout 0", "--timeout: must be longer than nothing"),
        (
            "sync --max-body 4G",
            "--max-body: must be from 1 to 4294967294 bytes",
        ),
        (
            "sync --max-body big",
            "--max-body: \"big\" is no size, write bytes as 1048576 or 64M",
        ),
        (
            "sync --format xml",
            "--format: \"xml\" is neither ndjson nor csv",
        ),
    ] {
        assert_eq!(error(line), text, "{line}");
    }
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
        "unknown command \"d\u{FFFD}/f\", the commands are sync, check, status"
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
