//! The words of the command line and what they do: flags, help, version.

use crate::support::api::Api;
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, files, highwater, run};
use crate::sync;

#[track_caller]
fn words(dir: &Scratch, words: &[&str]) -> Outcome {
    run(highwater(dir.path()).args(words))
}

#[test]
fn a_wrong_word_is_exit_2_and_the_nearest_right_one_is_named() {
    let dir = Scratch::new();
    for (given, meant) in [
        (&["sync", "--pagesize", "3"][..], "--page-size"),
        (&["sync", "--page_size=3"], "--page-size"),
        (&["sync", "--fullrefresh"], "--full-refresh"),
        (&["synch"], "sync"),
        (&["stats"], "status"),
        (&["sync", "page-size", "3"], "--page-size"),
        (&["status", "--page-size", "3"], "sync"),
        (&["sync", "--format", "json"], "ndjson"),
        (&["sync", "--page-size", "0"], "1 to 1000000"),
        (&["sync", "--page-size"], "--page-size N"),
        (&["sync", "--timeout", "0s"], "--timeout"),
        (&["sync", "--lookback", "soon"], "--lookback"),
        (&["sync", "--since", "yesterday"], "--since"),
        (&["sync", "--url", "nonsense"], "https://api.example.com"),
        (&["sync", "--url", "ftp://h/"], "http"),
        (&["sync", "-v", "-q"], "--quiet"),
        (&["sync", "--record", "a", "--replay", "b"], "--replay"),
        (&["sync", "--config", "missing.json"], "missing.json"),
        (&[], "highwater sync"),
    ] {
        let outcome = words(&dir, given).expect(2);
        assert!(
            outcome.stderr.contains(meant),
            "{given:?}: {}",
            outcome.stderr
        );
        assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
        // A receipt comes once the words themselves were understood.
        if !outcome.stdout.is_empty() {
            assert_eq!(outcome.receipt()["exit"], 2, "{given:?}");
            let understood = ["--since", "--url", "--config"];
            assert!(understood.contains(&given[1]), "{given:?}");
        }
    }
    assert_eq!(files(dir.path()), Vec::<String>::new());
}

#[test]
fn help_goes_to_stdout_whatever_else_is_said() {
    let dir = Scratch::new();
    for given in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["help", "sync"],
        &["sync", "--help"],
        &["sync", "--nonsense", "--help"],
        &["help", "status"],
        &["help", "check"],
    ] {
        let outcome = words(&dir, given).expect(0);
        assert!(outcome.stdout.contains("Exit codes:"), "{given:?}");
        assert_eq!(outcome.stderr, "");
    }
    let sync = words(&dir, &["help", "sync"]).stdout;
    for flag in ["--page-size N", "--lookback", "--replay", "--full-refresh"] {
        assert!(sync.contains(flag), "{flag}");
    }
    assert_eq!(words(&dir, &["sync", "-h"]).stdout, sync);
}

#[test]
fn the_version_is_that_of_the_package() {
    let dir = Scratch::new();
    let expected = concat!("highwater ", env!("CARGO_PKG_VERSION"), "\n");
    for given in ["--version", "-V"] {
        assert_eq!(words(&dir, &[given]).expect(0).stdout, expected);
    }
}

#[test]
fn a_flag_takes_its_value_as_the_next_word_or_after_an_equals_sign() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    let url = format!("--url={}", api.url());
    let given = ["sync", &url, "--page-size=7", "--out=a=b", "--format=csv"];
    words(&dir, &given).expect(0);
    let split = ["sync", "--url", &api.url(), "--page-size", "7"];
    words(&dir, &split).expect(0);
    assert_eq!(api.requests()[0].param("limit"), Some("7"));
    let csv = |name: &String| name.ends_with(".csv");
    assert!(files(&dir.join("a=b")).iter().any(csv));
}

#[test]
fn flags_win_over_the_connection_file() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    let config = dir.write(
        "c.json",
        r#"{"url": "http://127.0.0.1:1/", "page_size": 3}"#,
    );
    let config = config.to_str().unwrap();
    let outcome = sync(
        dir.path(),
        &api.url(),
        &["--config", config, "--page-size", "6"],
    );
    outcome.expect(0);
    assert_eq!(api.requests()[0].param("limit"), Some("6"));
}

#[test]
fn a_wrong_key_in_the_connection_file_is_exit_2_and_the_nearest_is_named() {
    let dir = Scratch::new();
    for (text, parts) in [
        (r#"{"page_sise": 3}"#, &["page_sise", "page_size"][..]),
        (r#"{"columns": {"id": "STRIN"}}"#, &["STRIN", "STRING"]),
        (r#"{"response": {"row_s": "/d"}}"#, &["row_s", "rows"]),
        ("{\n\"url\": }", &["line 2"]),
        ("[]", &["c.json"]),
        ("", &["c.json"]),
    ] {
        let config = dir.write("c.json", text);
        let outcome = words(&dir, &["sync", "--config", config.to_str().unwrap()]).expect(2);
        for part in parts.iter().chain(&["c.json"]) {
            assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
        }
    }
}

#[test]
fn quiet_leaves_only_errors_and_verbose_tells_of_every_page() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(120, 1))
        .fault(|_, nth| {
            use crate::support::http::Reply;
            (nth % 2 == 1).then(|| Reply::status(503).header("Retry-After", 0))
        })
        .start();
    let flags = ["--state", "none", "--max-retries", "1"];
    let with = |flag: &str| {
        let mut all = flags.to_vec();
        all.push(flag);
        sync(dir.path(), &api.url(), &all).expect(0).stderr
    };
    assert_eq!(with("-q"), "");
    let normal = sync(dir.path(), &api.url(), &flags).expect(0).stderr;
    assert_eq!(normal.lines().count(), 4, "{normal}");
    assert!(normal.contains("503") && normal.contains("retrying"));
    let verbose = with("-v");
    assert!(verbose.contains("offset 0: 50 rows"), "{verbose}");
    assert!(!verbose.contains("GET "), "{verbose}");
    let most = with("-vv");
    assert_eq!(most.matches("GET http://127.0.0.1").count(), 8, "{most}");
    let outcome = sync(
        dir.path(),
        "http://127.0.0.1:1/",
        &["-q", "--max-retries", "0"],
    )
    .expect(3);
    assert!(outcome.stderr.starts_with("error: "));
}

#[test]
fn a_receipt_that_nobody_reads_is_no_failure_and_one_that_cannot_be_written_is() {
    let api = Api::start(Table::users(10, 1));
    let dir = Scratch::new();
    let url = api.url();
    let command = |dir: &Scratch| {
        let mut command = highwater(dir.path());
        command.args(["sync", "--url", &url]);
        command
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command(&dir).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(0));
    #[cfg(target_os = "linux")]
    {
        let dir = Scratch::new();
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = command(&dir).stdout(full).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{stderr}");
        assert!(stderr.contains("stdout"), "{stderr}");
        // The rows were delivered all the same.
        assert_eq!(crate::support::all_rows(&dir.join("out")).len(), 10);
    }
}
