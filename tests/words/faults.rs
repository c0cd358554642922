//! Words that are refused, and what is said about them.

use std::ffi::OsString;

use highwater::cli::Options;

use crate::{error, options, parse};

#[test]
fn without_a_command_the_usage_is_shown() {
    for line in ["", "-v", "--url x"] {
        let text = error(line);
        assert!(
            text.starts_with("no command given\n\n  highwater check --url"),
            "{text}"
        );
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
            "unknown command \"fetchall\", the commands are sync, check, status, table, compact, audit, plan, init, help",
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
        "--format is no flag of check, only of sync, table, compact and audit"
    );
    assert_eq!(
        error("sync --json"),
        "--json is no flag of sync, only of check, status, audit and plan"
    );
    assert_eq!(
        error("status --url x"),
        "--url is no flag of status, only of sync, check, audit, plan and init"
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
    let error = parse("sync --out -5").unwrap_err();
    assert_eq!(error.hint_text(), "where that is the value, write --out=-5");
    // No flag is a number, and a timestamp may be one before 1970.
    for value in ["-440", "-0.5"] {
        let line = format!("sync --since {value} --until {value}");
        assert_eq!(options(&line).since.as_deref(), Some(value));
    }
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
