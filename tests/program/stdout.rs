//! `--out -`: rows on stdout, and a mark that moves only once they are taken.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::api::Api;
use crate::support::http::Reply;
use crate::support::table::Table;
use crate::support::{Scratch, files, highwater, latest_by_id, run};

fn to_stdout(dir: &Scratch, api: &Api) -> Command {
    let mut command = highwater(dir.path());
    command.args(["sync", "--url", &api.url(), "--out", "-"]);
    command
}

fn rows(text: &str) -> Vec<Value> {
    let parsed = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parsed).collect()
}

#[test]
fn only_rows_are_on_stdout_and_the_state_is_beside() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    let outcome = run(&mut to_stdout(&dir, &api)).expect(0);
    assert_eq!(latest_by_id(&rows(&outcome.stdout)), api.table().contents());
    assert_eq!(rows(&outcome.stdout).len(), 120);
    assert!(files(dir.path()).contains(&"state.json".to_owned()));
    let outcome = run(&mut to_stdout(&dir, &api)).expect(0);
    assert_eq!(outcome.stdout, "");
    let outcome = run(to_stdout(&dir, &api).arg("-v")).expect(0);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("\"complete\":true"));
}

#[test]
fn csv_goes_there_too_with_one_header() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    let outcome = run(to_stdout(&dir, &api).args(["--format", "csv"])).expect(0);
    let mut reader = csv::Reader::from_reader(outcome.stdout.as_bytes());
    assert_eq!(reader.headers().unwrap().get(0), Some("id"));
    assert_eq!(reader.records().map(Result::unwrap).count(), 120);
}

#[test]
fn a_reader_that_has_had_enough_is_exit_6_without_a_word_and_gets_the_rows_again() {
    // Less than a pipe holds, and more.
    for count in [60, 2000] {
        let dir = Scratch::new();
        let api = Api::start(Table::users(count, 1));
        // The first page is written by then, which is all where there are 60 rows,
        // and the sync does not end before the reader has gone, however slow this
        // machine is.
        let (gone, waited) = mpsc::channel::<()>();
        api.set_fault(move |_, nth| {
            if nth == 2 {
                let _ = waited.recv_timeout(Duration::from_secs(60));
            }
            None
        });
        let mut child = to_stdout(&dir, &api)
            .args(["--page-size", "60"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        drop(stdout);
        gone.send(()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(6), "{count}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{count}");
        assert_eq!(rows(&first)[0]["id"], "1");
        assert!(!files(dir.path()).contains(&"state.json".to_owned()));
        let outcome = run(&mut to_stdout(&dir, &api)).expect(0);
        assert_eq!(rows(&outcome.stdout).len(), count);
    }
}

#[test]
fn a_shell_pipe_that_takes_one_line_says_nothing() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(2000, 1));
    let mut shell = Command::new("sh");
    shell.current_dir(dir.path()).env_remove("RUST_LOG");
    shell.args(["-c", "\"$0\" sync --url \"$1\" --out - | head -1"]);
    shell.arg(crate::support::program()).arg(api.url());
    let outcome = run(&mut shell).expect(0);
    assert_eq!(outcome.stderr, "");
    assert_eq!(rows(&outcome.stdout).len(), 1);
}

#[test]
fn a_file_as_stdout_gets_all_rows_and_the_state_is_saved() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    let file = dir.join("rows.ndjson");
    let status = to_stdout(&dir, &api)
        .stdout(File::create(&file).unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rows(&fs::read_to_string(&file).unwrap()).len(), 120);
    assert!(files(dir.path()).contains(&"state.json".to_owned()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_as_stdout_is_exit_6_with_a_message_and_the_mark_stays() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(120, 1));
    let output = to_stdout(&dir, &api)
        .stdout(File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    assert!(stderr.contains("cannot write to stdout"), "{stderr}");
    assert!(stderr.contains("the mark was not moved"), "{stderr}");
    assert!(!files(dir.path()).contains(&"state.json".to_owned()));
}

#[test]
fn a_failure_on_the_way_leaves_the_mark_where_it_was() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(120, 1))
        .fault(|_, nth| (nth == 2).then(|| Reply::status(401)))
        .start();
    let outcome = run(&mut to_stdout(&dir, &api)).expect(4);
    assert_eq!(rows(&outcome.stdout).len(), 50);
    assert!(!files(dir.path()).contains(&"state.json".to_owned()));
    let outcome = run(&mut to_stdout(&dir, &api)).expect(0);
    assert_eq!(rows(&outcome.stdout).len(), 120);
}

#[test]
fn a_slow_reader_gets_everything() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(1000, 1));
    let mut child = to_stdout(&dir, &api)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stdout.read(&mut part).unwrap();
        if read == 0 {
            break;
        }
        all.extend_from_slice(&part[..read]);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(rows(&String::from_utf8(all).unwrap()).len(), 1000);
}
