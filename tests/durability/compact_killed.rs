//! The real program, killed or failed by strace while it compacts. On Linux only,
//! and only where strace is.

use std::path::Path;
use std::process::Command;

use crate::injected::strike;
use crate::support::{Scratch, files, highwater, program, run};

/// The calls that change something on the disk.
const CALLS: [&str; 5] = ["write", "fsync", "rename", "unlink", "openat"];

/// A folder whose rows came in several versions, one of which says that its row is
/// gone.
fn folder() -> Scratch {
    let dir = Scratch::new();
    for (day, rows) in [
        (
            1,
            "{\"id\":\"1\"}\n{\"id\":\"2\",\"n\":1}\n{\"id\":\"3\"}\n",
        ),
        (2, "{\"id\":\"2\",\"n\":2}\n"),
        (3, "{\"id\":\"3\",\"_deleted\":true}\n{\"id\":\"4\"}\n"),
    ] {
        dir.write(&format!("user-2026010{day}T000000Z.ndjson"), rows);
    }
    dir.write(
        "state.json",
        r#"{"version":1,"last_updated_at":null,"source":{"url":"u","table":"user","primary_key":["id"],"cursor":"t"}}"#,
    );
    dir
}

/// What the program prints, in no order.
fn table(dir: &Path) -> Vec<String> {
    let outcome = run(highwater(dir).args(["table", "--out=."])).expect(0);
    let mut lines: Vec<String> = outcome.stdout.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn every(what: &str, code: Option<i32>) {
    let wanted = table(folder().path());
    assert_eq!(wanted.len(), 3);
    for call in CALLS {
        let struck = strike(call, what, code, &mut |inject| {
            let dir = folder();
            let mut command = Command::new("strace");
            command
                .current_dir(dir.path())
                // The loader would look for its libraries in many places.
                .env_remove("LD_LIBRARY_PATH")
                .args(["-qq", "-o", "/dev/null", "-e", &format!("inject={inject}")])
                .arg(program())
                .args(["compact", "--out=."]);
            let outcome = run(&mut command);
            assert_eq!(table(dir.path()), wanted, "{inject}");
            run(highwater(dir.path()).args(["compact", "--out=."])).expect(0);
            assert_eq!(table(dir.path()), wanted, "{inject}");
            let left = files(dir.path());
            let left = left.iter().filter(|name| name.starts_with("user-"));
            assert_eq!(left.count(), 1, "{inject}");
            outcome
        });
        assert!(struck > 0, "{call} was never hit by {what}");
    }
}

#[test]
#[ignore = "needs strace"]
fn sigkill_at_every_call_of_a_compaction_leaves_the_table_whole() {
    every("signal=KILL", None);
}

#[test]
#[ignore = "needs strace"]
fn an_error_of_every_call_of_a_compaction_leaves_the_table_whole() {
    every("error=EIO", Some(6));
    every("error=ENOSPC", Some(6));
}
