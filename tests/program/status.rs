//! `status`, after each kind of sync.

use std::fs;

use crate::support::api::{Api, Date};
use crate::support::clock::{BASE, SECOND, rfc3339};
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, files, highwater, run};
use crate::{state, sync};

#[track_caller]
fn status(dir: &Scratch, flags: &[&str]) -> Outcome {
    run(highwater(dir.path()).arg("status").args(flags))
}

#[test]
fn before_the_first_sync_it_says_that_there_is_no_state_and_makes_none() {
    let dir = Scratch::new();
    let outcome = status(&dir, &[]).expect(0);
    assert!(outcome.stdout.contains("out/state.json"));
    assert!(outcome.stdout.contains("nothing was synced yet"));
    assert_eq!(files(dir.path()), Vec::<String>::new());
}

#[test]
fn after_syncs_it_shows_the_mark_the_rows_and_every_file() {
    let dir = Scratch::new();
    let mut table = Table::users(69, 1);
    table.insert("young", BASE + 200 * SECOND);
    // Younger than a minute is only the last of them.
    let api = Api::over(table).date(Date::At(BASE + 230 * SECOND)).start();
    sync(dir.path(), &api.url(), &[]).expect(0);
    api.table().update("3", BASE + 201 * SECOND);
    sync(dir.path(), &api.url(), &["--format", "csv"]).expect(0);
    let before = files(&dir.join("out"));
    let outcome = status(&dir, &[]).expect(0);
    assert_eq!(outcome.stderr, "");
    let size = |end: &str| {
        let name = before.iter().find(|name| name.ends_with(end)).unwrap();
        let bytes = fs::metadata(dir.join("out").join(name)).unwrap().len();
        format!("{bytes} bytes  out/{name}")
    };
    for part in [
        "user",
        &api.url(),
        &rfc3339(BASE + 201 * SECOND),
        "resume_from",
        &rfc3339(BASE + 68 * SECOND),
        "rows            71 in all",
        &size(".ndjson"),
        &size(".csv"),
        " bytes in 2 files",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    assert_eq!(files(&dir.join("out")), before);
    let same = status(&dir, &["--state", "out/state.json"]).expect(0);
    assert!(same.stdout.contains(&rfc3339(BASE + 201 * SECOND)));
}

#[test]
fn a_sync_that_was_killed_shows_as_under_way_and_is_taken_up() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(200, 1));
    let stop = std::sync::mpsc::channel::<()>();
    let stopped = std::sync::Mutex::new(stop.1);
    api.set_fault(move |_, nth| {
        use crate::support::http::{Quirk, Reply};
        (nth == 3).then(|| {
            // The test kills the program meanwhile.
            let _ = stopped.lock().unwrap().recv();
            Reply::broken(Quirk::Stall)
        })
    });
    let mut child = highwater(dir.path())
        .args(["sync", "--url", &api.url()])
        .spawn()
        .unwrap();
    // Two pages are committed, the third is never answered.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let text = fs::read_to_string(dir.join("out/state.json")).unwrap_or_default();
        if text.contains("\"rows\":98") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stop.0);

    let outcome = status(&dir, &[]).expect(0);
    for part in [".ndjson.part", "98 rows committed", "0 bytes in 0 files"] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    api.set_fault(|_, _| None);
    let outcome = sync(dir.path(), &api.url(), &[]).expect(0);
    assert!(outcome.stderr.contains("the last sync did not end"));
    assert_eq!(outcome.receipt()["rows"], 102);
    assert_eq!(all_rows(&dir.join("out")).len(), 200);
    let outcome = status(&dir, &[]).expect(0);
    assert!(outcome.stdout.contains("rows            200 in all"));
}

#[test]
fn a_damaged_state_is_exit_6_for_status_and_sync_and_is_left_as_it_is() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(10, 1));
    fs::create_dir(dir.join("out")).unwrap();
    for damaged in [
        "",
        "{",
        "null",
        "{\"version\":1,\"last_updated_at\":7}",
        "{\"version\":9}",
    ] {
        let path = dir.write("out/state.json", damaged);
        for outcome in [status(&dir, &[]), sync(dir.path(), &api.url(), &[])] {
            let outcome = outcome.expect(6);
            assert!(
                outcome.stderr.contains("out/state.json"),
                "{}",
                outcome.stderr
            );
            assert!(outcome.stderr.contains("\n  try: "), "{}", outcome.stderr);
        }
        assert_eq!(fs::read_to_string(path).unwrap(), damaged);
    }
    assert_eq!(api.counts().requests, 0);
    sync(dir.path(), &api.url(), &["--full-refresh"]).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 10);
    assert_eq!(state(dir.path())["version"], 2);
}

#[test]
fn status_without_a_state_to_show_is_a_wrong_command() {
    let dir = Scratch::new();
    status(&dir, &["--state", "none"]).expect(2);
    status(&dir, &["--url", "http://127.0.0.1:1/"]).expect(2);
}
