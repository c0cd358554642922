//! Two syncs at once: the second one leaves everything alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::api::Api;
use crate::support::table::Table;
use crate::support::{self, Scratch, highwater, run};

/// A process that is killed at the latest when the test ends.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(quiet.spawn().unwrap())
    }

    pub fn kill(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn slow() -> Api {
    let table = Table::users(30, 1);
    Api::over(table).latency(Duration::from_millis(100)).start()
}

fn sync(dir: &Path, api: &Api, more: &str) -> Command {
    let mut command = highwater(dir);
    command
        .args(["sync", "--page-size=2", "--url"])
        .arg(api.url());
    command.args(more.split_whitespace());
    command
}

#[track_caller]
fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it does not come"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in support::files(dir) {
        let path = dir.join(name);
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    all
}

/// While the first one runs, the second one is refused, whatever its files
/// are called; it names the first.
fn refuses(first: &str, state: &str, seconds: &[&str]) {
    let (scratch, api) = (Scratch::new(), slow());
    let mut running = Running::start(&mut sync(scratch.path(), &api, first));
    wait_for(|| fs::read(scratch.join(state)).is_ok_and(|text| !text.is_empty()));
    for second in seconds {
        let other = Api::start(Table::users(3, 1));
        let outcome = run(&mut sync(scratch.path(), &other, second)).expect(6);
        let holder = format!("process {}, running since", running.0.id());
        assert!(
            outcome.stderr.contains(&holder),
            "{second}: {}",
            outcome.stderr
        );
        assert_eq!(other.counts().requests, 0, "{second}");
        // Only where stdout is not for rows.
        if second.contains("--out -") {
            assert_eq!(outcome.stdout, "", "{second}");
        } else {
            assert_eq!(outcome.receipt()["exit"], 6, "{second}");
        }
    }
    running.kill();
    let before = contents(scratch.path());
    for second in seconds.iter().filter(|second| second.contains("--record")) {
        let recording = second.split_whitespace().last().unwrap();
        assert!(
            !before[&scratch.join(recording)].is_empty(),
            "the recording was begun anew"
        );
    }
}

#[test]
fn a_second_sync_to_the_same_folder_or_state_is_refused() {
    refuses(
        "--out out",
        "out/state.json",
        &[
            "--out out",
            "--out ./out/",
            "--out out --state other.json",
            "--out elsewhere --state out/state.json",
            "--out - --state out/state.json",
            "--out - --state ./out/../out/state.json",
            "--out out --full-refresh",
        ],
    );
}

#[test]
fn a_second_sync_with_the_same_state_elsewhere_is_refused() {
    refuses(
        "--out out --state states/user.json --record all.jsonl",
        "states/user.json",
        &[
            "--out - --state states/user.json",
            "--out other --state states/user.json",
            "--out states --state states/user.json",
            "--out out --state none",
            "--out out --record all.jsonl",
        ],
    );
}

#[test]
fn a_second_sync_to_stdout_with_the_same_state_is_refused() {
    refuses(
        "--out - --state state.json",
        ".lock",
        &["--out - --state state.json", "--out .", "--out -"],
    );
}

#[test]
fn one_sync_does_not_lock_itself_out() {
    let scratch = Scratch::new();
    let api = Api::start(Table::users(3, 1));
    let here = scratch.path().display().to_string();
    for words in [
        "--out .",
        "--out . --state state.json",
        "--out . --state ./state.json",
        &format!("--out . --state {here}/state.json"),
        "--out a --state a/b.json",
        "--out - --state a/b.json",
    ] {
        run(&mut sync(scratch.path(), &api, words)).expect(0);
    }
}

#[test]
fn states_side_by_side_do_not_lock_each_other_out() {
    let (scratch, api) = (Scratch::new(), slow());
    let _running = Running::start(&mut sync(scratch.path(), &api, "--out - --state one.json"));
    wait_for(|| scratch.join("one.json.lock").exists());
    let other = Api::start(Table::users(3, 1));
    run(&mut sync(
        scratch.path(),
        &other,
        "--out - --state two.json",
    ))
    .expect(0);
}

#[test]
fn the_lock_goes_with_its_process() {
    let (scratch, api) = (Scratch::new(), slow());
    let mut running = Running::start(&mut sync(scratch.path(), &api, "--out out"));
    wait_for(|| {
        support::files(&scratch.join("out"))
            .iter()
            .any(|name| name.ends_with(".part"))
    });
    running.kill();
    // The same rows, sooner.
    let api = Api::start(Table::users(30, 1));
    run(&mut sync(scratch.path(), &api, "--out out")).expect(0);
    assert_eq!(
        support::latest_by_id(&support::all_rows(&scratch.join("out"))),
        api.table().contents()
    );
    assert_eq!(support::all_rows(&scratch.join("out")).len(), 30);
    support::assert_no_leftovers(&scratch.join("out"));
}
