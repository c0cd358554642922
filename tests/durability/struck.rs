//! The real program and the real consumer of its files, struck at their calls or
//! at any time. On Linux only, and only where strace is.

use std::time::Duration;

use crate::lock::Running;
use crate::support::api::Api;
use crate::support::table::{Random, Table};
use crate::support::{self, Scratch, highwater, program, run};

/// Files of syncs whose consumer failed, and rows that changed since.
fn refused(api: &Api) -> Scratch {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.join("inbox")).unwrap();
    for nth in 0..3 {
        let mut command = highwater(scratch.path());
        command.args(["sync", "-q", "--load", "false", "--url", &api.url()]);
        if nth < 2 {
            run(&mut command).expect(6);
        }
        let newest = api.table().newest().unwrap();
        let mut table = api.table();
        for row in 0..9 {
            table.insert(&format!("{nth}-{row}"), newest + 1_000_000);
        }
    }
    scratch
}

/// What a consumer does: its copy is whole only when it says so.
const COPY: &str = "cp \"$HIGHWATER_FILE\" inbox/ && echo \"$HIGHWATER_FILE\" >> order";

#[track_caller]
fn arrives(dir: &Scratch, api: &Api, place: &str) {
    let words = ["sync", "-q", "--load", COPY, "--url", &api.url()];
    let outcome = run(highwater(dir.path()).args(words));
    assert_eq!(outcome.code, Some(0), "{place}: {}", outcome.stderr);
    assert_eq!(outcome.receipt()["waiting"], 0, "{place}");
    let (out, inbox) = (dir.join("out"), dir.join("inbox"));
    let names = support::files(&inbox);
    for name in &names {
        let copies = [&out, &inbox].map(|folder| std::fs::read(folder.join(name)).unwrap());
        assert_eq!(copies[0], copies[1], "{place}: {name}");
    }
    let ends = |name: &&String| name.ends_with(".ndjson");
    let files = support::files(&out);
    let files: Vec<&String> = files.iter().filter(ends).collect();
    assert_eq!(names.iter().collect::<Vec<_>>(), files, "{place}");
    let order = std::fs::read_to_string(dir.join("order")).unwrap();
    let lines: Vec<&str> = order.lines().collect();
    assert!(lines.is_sorted(), "{place}: {order}");
    let rows = support::all_rows(&inbox);
    assert_eq!(
        support::latest_by_id(&rows),
        api.table().contents(),
        "{place}"
    );
}

#[test]
#[ignore = "needs strace"]
fn the_real_program_and_its_consumer_struck_at_every_call_miss_no_file() {
    for what in ["signal=KILL", "error=EIO", "error=ENOSPC"] {
        for call in ["write", "fsync", "fdatasync", "rename"] {
            let (mut struck, mut misses) = (0, 0);
            for when in 1.. {
                let api = Api::start(Table::users(9, 1));
                let dir = refused(&api);
                let place = format!("{call}:{what}:when={when}");
                let mut command = std::process::Command::new("strace");
                command.current_dir(dir.path()).env_remove("RUST_LOG");
                command.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
                command.arg(format!("inject={place}"));
                command.arg(program());
                command.args(["sync", "-q", "--load", COPY, "--url", &api.url()]);
                let outcome = run(&mut command);
                arrives(&dir, &api, &place);
                if outcome.code == Some(0) {
                    misses += 1;
                    if misses > 2 {
                        break;
                    }
                } else {
                    (misses, struck) = (0, struck + 1);
                }
            }
            println!("{call}: {struck} times {what}");
            assert!(struck > 0, "{call} was never hit by {what}");
        }
    }
}

#[test]
#[ignore = "takes a while"]
fn kills_at_any_time_miss_no_file() {
    let api = Api::start(Table::users(9, 1));
    let dir = refused(&api);
    let mut random = Random::new(11);
    let mut killed = 0;
    let slow = format!("sleep 0.01; {COPY}; sleep 0.01");
    while killed < 60 {
        let mut command = highwater(dir.path());
        command.args(["sync", "-q", "--load", &slow, "--url", &api.url()]);
        let mut running = Running::start(&mut command);
        std::thread::sleep(Duration::from_micros(3_000 + random.below(90_000) as u64));
        let done = running.0.try_wait().unwrap();
        running.kill();
        killed += usize::from(done.is_none());
        // What goes on by itself is to be done before the next one begins.
        std::thread::sleep(Duration::from_millis(60));
        let newest = api.table().newest().unwrap();
        let id = format!("{killed}-{newest}");
        api.table().insert(&id, newest + 1_000_000);
    }
    arrives(&dir, &api, "sixty kills");
}
