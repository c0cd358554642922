//! The real program under strace, which kills it or fails its calls. On Linux
//! only, and only where strace is.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::lock::Running;
use crate::support::api::Api;
use crate::support::clock::{BASE, SECOND};
use crate::support::table::{Random, Table};
use crate::support::{self, Outcome, Scratch, highwater, program, run};

/// The calls that change something on the disk.
const CALLS: [&str; 8] = [
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "ftruncate",
    "openat",
    "mkdir",
    "unlink",
];

/// Whose calls. Each thread counts its own, and the first to come to a number is
/// hit; so that none hides another, they are also counted by themselves.
const WHOSE: [(bool, &str); 4] = [
    (false, ""),
    (true, ""),
    (true, "out/state.json.tmp"),
    (true, "out"),
];

fn words(api: &Api, page: usize) -> [String; 4] {
    let url = format!("--url={}", api.url());
    [
        "sync".into(),
        "-q".into(),
        url,
        format!("--page-size={page}"),
    ]
}

/// With this done to its calls: of all threads or the first, of one file or all.
fn under_strace(dir: &Path, api: &Api, (all, only): (bool, &str), inject: &str) -> Outcome {
    let mut command = Command::new("strace");
    command.current_dir(dir).env_remove("RUST_LOG");
    if all {
        command.arg("-f");
    }
    if !only.is_empty() {
        // As the calls spell it, and as the descriptors have it.
        command.args(["-P", only, "-P"]).arg(dir.join(only));
    }
    command
        .args(["-qq", "-o", "/dev/null", "-e"])
        .arg(format!("inject={inject}"));
    run(command.arg(program()).args(words(api, 6)))
}

/// A folder in which a sync was killed with a page written and its state begun.
fn interrupted(api: &Api) -> Scratch {
    let scratch = Scratch::new();
    under_strace(scratch.path(), api, WHOSE[2], "fsync:signal=KILL:when=3");
    let left = support::files(&scratch.join("out"));
    for end in [".part", ".tmp"] {
        assert!(left.iter().any(|name| name.ends_with(end)), "{left:?}");
    }
    scratch
}

#[track_caller]
fn ends_well(dir: &Path, api: &Api, place: &str) {
    let outcome = run(highwater(dir).args(words(api, 6)));
    assert_eq!(outcome.code, Some(0), "{place}: {}", outcome.stderr);
    let out = dir.join("out");
    let rows = support::all_rows(&out);
    assert_eq!(rows.len(), api.table().len(), "{place}");
    assert_eq!(
        support::latest_by_id(&rows),
        api.table().contents(),
        "{place}"
    );
    support::assert_no_leftovers(&out);
    let status = run(highwater(dir).arg("status")).expect(0).stdout;
    assert!(
        status.contains(&format!("rows            {} in all", rows.len())),
        "{place}: {status}"
    );
    assert!(!status.contains("under way"), "{place}: {status}");
}

fn fresh(_: &Api) -> Scratch {
    Scratch::new()
}

/// Strikes the first call of a kind, then the second, and so on, until the
/// program gets through a few times in a row: the loader tries files that it can
/// do without. How often the program did not get through.
pub(crate) fn strike(
    call: &str,
    what: &str,
    code: Option<i32>,
    attempt: &mut dyn FnMut(&str) -> Outcome,
) -> usize {
    let (mut struck, mut misses) = (0, 0);
    for when in 1.. {
        let inject = format!("{call}:{what}:when={when}");
        let outcome = attempt(&inject);
        if outcome.code == Some(0) {
            misses += 1;
            if misses > if call == "openat" { 5 } else { 1 } {
                break;
            }
            continue;
        }
        (misses, struck) = (0, struck + 1);
        // 127 is the loader's, before there is a program.
        let known = code.is_none_or(|code| [Some(code), Some(127)].contains(&outcome.code));
        assert!(known, "{inject}: {:?} {}", outcome.code, outcome.stderr);
    }
    println!("{call}: {struck} times {what}");
    struck
}

fn every(what: &str, begin: fn(&Api) -> Scratch, code: Option<i32>) {
    let api = Api::start(Table::users(24, 2));
    for call in CALLS {
        let struck = WHOSE.into_iter().map(|whose| {
            strike(call, what, code, &mut |inject| {
                let scratch = begin(&api);
                let outcome = under_strace(scratch.path(), &api, whose, inject);
                ends_well(scratch.path(), &api, &format!("{inject} {whose:?}"));
                outcome
            })
        });
        // The one is for a first run only, the other for the run after a kill.
        assert!(
            struck.sum::<usize>() > 0 || ["mkdir", "unlink"].contains(&call),
            "{call} was never hit by {what}"
        );
    }
}

#[test]
#[ignore = "needs strace"]
fn sigkill_at_every_call_that_changes_the_disk_costs_nothing() {
    every("signal=KILL", fresh, None);
}

#[test]
#[ignore = "needs strace"]
fn sigkill_at_every_call_of_the_run_after_a_kill_costs_nothing() {
    every("signal=KILL", interrupted, None);
}

#[test]
#[ignore = "needs strace"]
fn an_error_of_every_call_that_changes_the_disk_costs_nothing() {
    every("error=EIO", fresh, Some(6));
    every("error=ENOSPC", fresh, Some(6));
}

#[test]
#[ignore = "needs strace"]
fn an_error_of_every_call_of_the_run_after_a_kill_costs_nothing() {
    every("error=EIO", interrupted, Some(6));
}

#[test]
#[ignore = "takes a while"]
fn a_hundred_kills_at_any_time_cost_nothing() {
    let scratch = Scratch::new();
    let api = Api::over(Table::users(400, 2))
        .latency(Duration::from_millis(3))
        .start();
    let mut random = Random::new(7);
    let mut newest = BASE + 1000 * SECOND;
    let mut killed = 0;
    let mut number = 400;
    while killed < 100 {
        let mut running = Running::start(highwater(scratch.path()).args(words(&api, 3)));
        std::thread::sleep(Duration::from_micros(5_000 + random.below(120_000) as u64));
        let done = running.0.try_wait().unwrap();
        running.kill();
        killed += usize::from(done.is_none());
        assert!(done.is_none_or(|status| status.success()), "{done:?}");
        for _ in 0..12 {
            number += 1;
            newest += SECOND / 2;
            api.table().insert(&number.to_string(), newest);
        }
    }
    ends_well(scratch.path(), &api, "a hundred kills");
    let parts = support::files(&scratch.join("out")).len();
    assert!(parts > 10, "only {parts} files: the kills came too early");
}

#[test]
#[ignore = "needs prlimit"]
fn a_write_that_is_cut_short_costs_nothing() {
    let api = Api::start(Table::users(24, 2));
    for size in (100..9_000).step_by(611) {
        let scratch = Scratch::new();
        let mut command = Command::new("prlimit");
        command
            .current_dir(scratch.path())
            .arg(format!("--fsize={size}"));
        // Ignored, so that the write fails instead of killing the process.
        let outcome = run(command
            .args(["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"])
            .arg(program())
            .args(words(&api, 6)));
        if outcome.code != Some(0) {
            assert_eq!(outcome.code, Some(6), "{}", outcome.stderr);
            assert!(
                outcome.stderr.contains("File too large"),
                "{}",
                outcome.stderr
            );
        }
        ends_well(scratch.path(), &api, &format!("--fsize={size}"));
    }
}
