//! What operators learn of syncs that run without them: receipts of syncs that
//! failed, and whether the last complete sync is too old.

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::http::Reply;
use crate::support::table::Table;
use crate::support::{Scratch, clock, highwater, run};
use crate::{state, sync};

#[test]
fn a_receipt_comes_on_every_exit_and_says_why() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(60, 1));
    let answers = [(503, 3), (404, 4), (200, 5)];
    for (status, exit) in answers {
        api.set_fault(move |_, _| Some(Reply::json("{}").with_status(status)));
        let outcome = sync(dir.path(), &api.url(), &["--max-retries", "0"]).expect(exit);
        let receipt = outcome.receipt();
        assert_eq!(receipt["exit"], exit);
        assert_eq!(receipt["complete"], false);
        let error = receipt["error"].as_str().unwrap();
        let first = outcome
            .stderr
            .lines()
            .find(|line| line.starts_with("error: "));
        assert_eq!(first, Some(&*format!("error: {error}")));
    }
    dir.write("bad.json", "{\"tabel\": 1}");
    let outcome = sync(dir.path(), &api.url(), &["--config", "bad.json"]).expect(2);
    let receipt = outcome.receipt();
    assert_eq!(
        (&receipt["exit"], &receipt["table"]),
        (&json!(2), &json!(null))
    );
    assert!(receipt["error"].as_str().unwrap().contains("tabel"));

    std::fs::create_dir_all(dir.join("out")).unwrap();
    dir.write("out/state.json", "{");
    let outcome = sync(dir.path(), &api.url(), &[]).expect(6);
    let receipt = outcome.receipt();
    assert_eq!(
        (&receipt["exit"], &receipt["table"]),
        (&json!(6), &json!("user"))
    );
    for time in ["started", "finished"] {
        assert!(clock::parse(receipt[time].as_str().unwrap()).is_some());
    }
}

#[test]
fn an_error_names_the_table_of_its_connection_file_and_the_time() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(60, 1));
    api.set_fault(|_, _| Some(Reply::json("{}").with_status(404)));
    dir.write("users.json", "{\"table\": \"members\"}");
    let outcome = sync(dir.path(), &api.url(), &["--config", "users.json"]).expect(4);
    let rest = outcome.stderr.strip_prefix("error: members at 2").unwrap();
    assert!(rest.contains("Z: page at offset 0: "), "{}", outcome.stderr);
    let error = outcome.receipt()["error"].clone();
    assert!(error.as_str().unwrap().starts_with("page at offset 0: "));
}

#[test]
fn a_quiet_sync_counts_as_alive_and_a_failed_one_does_not() {
    let dir = Scratch::new();
    let status = |flags: &[&str], exit| {
        let outcome = run(highwater(dir.path()).arg("status").args(flags)).expect(exit);
        outcome.stdout
    };
    let health = |exit| -> Value {
        let text = status(&["--json", "--max-age", "15m"], exit);
        assert_eq!(text.lines().count(), 1);
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(health(1)["checked_at"], json!(null));
    let api = Api::start(Table::users(60, 1));
    sync(dir.path(), &api.url(), &[]).expect(0);
    let old = |from: &str| {
        let path = dir.join("out/state.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace(from, "2024-05-01T00:00:00Z");
        std::fs::write(path, text).unwrap();
    };
    let first = health(0);
    assert_eq!(
        (&first["table"], &first["rows"]),
        (&json!("user"), &json!(60))
    );
    assert_eq!(
        (&first["files"], &first["refuted"]),
        (&json!(1), &json!(null))
    );
    old(first["checked_at"].as_str().unwrap());
    assert_eq!(health(1)["checked_at"], "2024-05-01T00:00:00Z");
    assert_eq!(status(&[], 0), status(&["--max-age", "100000d"], 0));

    api.set_fault(|_, _| Some(Reply::json("{}").with_status(404)));
    sync(dir.path(), &api.url(), &[]).expect(4);
    assert_eq!(health(1)["checked_at"], "2024-05-01T00:00:00Z");
    api.set_fault(|_, _| None);
    let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 0);
    assert_eq!(
        health(0)["age_seconds"].as_u64().map(|age| age < 60),
        Some(true)
    );
    assert_ne!(state(dir.path())["checked_at"], "2024-05-01T00:00:00Z");
}

#[test]
fn a_walk_that_was_not_believed_shows_in_the_status() {
    let dir = Scratch::new();
    std::fs::create_dir(dir.join("out")).unwrap();
    dir.write(
        "out/state.json",
        "{\"version\":2,\"last_updated_at\":\"2024-01-01T00:00:00Z\",\"refuted\":\"rows were missing\"}",
    );
    let text = run(highwater(dir.path()).arg("status")).expect(0).stdout;
    assert!(text.contains("refuted         rows were missing"), "{text}");
    let json = run(highwater(dir.path()).args(["status", "--json"])).expect(0);
    assert_eq!(json.receipt()["refuted"], "rows were missing");
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_a_part_and_a_state_that_the_next_sync_goes_on_from() {
    use crate::support::{all_rows, assert_no_leftovers, files, latest_by_id};
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    let dir = Scratch::new();
    let api = Api::start(Table::users(400, 1));
    for signal in ["INT", "TERM", "HUP"] {
        // It waits for its fourth answer until it is gone.
        let (arrived, seen) = mpsc::channel();
        let (gone, waited) = mpsc::channel::<()>();
        api.set_fault({
            let mut nth = 0;
            move |_, _| {
                nth += 1;
                if nth == 4 {
                    arrived.send(()).unwrap();
                    let _ = waited.recv_timeout(Duration::from_secs(60));
                }
                None
            }
        });
        let mut command = highwater(dir.path());
        command.args(["sync", "--url", &api.url()]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        seen.recv().unwrap();
        let committed = || {
            let text = std::fs::read_to_string(dir.join("out/state.json")).ok()?;
            let state: Value = serde_json::from_str(&text).ok()?;
            state["part"]["rows"].as_u64().filter(|rows| *rows > 0)
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while committed().is_none() {
            assert!(Instant::now() < deadline, "nothing is committed");
            std::thread::sleep(Duration::from_millis(5));
        }
        let kill = ["-s", signal, &child.id().to_string()];
        run(Command::new("kill").args(kill)).expect(0);
        assert_eq!(child.wait().unwrap().code(), None, "{signal}");
        gone.send(()).unwrap();
        api.set_fault(|_, _| None);
        let left = files(&dir.join("out"));
        assert!(
            left.iter().any(|name| name.ends_with(".ndjson.part")),
            "{left:?}"
        );
        assert!(committed().is_some());
    }
    sync(dir.path(), &api.url(), &[]).expect(0);
    assert_no_leftovers(&dir.join("out"));
    let rows = all_rows(&dir.join("out"));
    assert_eq!(rows.len(), 400);
    assert_eq!(latest_by_id(&rows), api.table().contents());
}
