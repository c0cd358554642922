//! Against the example API of Fivetran's Connector SDK, whose parameters are the
//! defaults: PyPI's fivetran-api-playground, at `$PLAYGROUND` or as `playground`
//! in the path.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Scratch, all_rows, files, highwater, latest_by_id, ndjson, run};
use crate::sync;

/// The running playground and those it started; they end with it.
struct Playground(Child, u16);

impl Playground {
    fn start(flags: &[&str]) -> Self {
        let program = std::env::var("PLAYGROUND").unwrap_or("playground".to_owned());
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new(&program);
        command
            .args(["start", "--port", &port.to_string()])
            .args(flags);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("start {program}: {error}"));
        let playground = Self(child, port);
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "{program} does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        playground
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/pagination/offset", self.1)
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        // It runs the API in a process of its own, which would stay.
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-s", "KILL", "--", &format!("-{}", self.0.id())])
            .status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs Python's fivetran-api-playground"]
fn the_playground_is_synced_whole_and_then_not_at_all() {
    let playground = Playground::start(&[]);
    let dir = Scratch::new();
    let outcome = sync(dir.path(), &playground.url(), &[]).expect(0);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.receipt()["rows"], 200);
    let rows = all_rows(&dir.join("out"));
    assert_eq!(latest_by_id(&rows).len(), 200);
    let times: Vec<&str> = rows
        .iter()
        .map(|row| row["updatedAt"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted());

    let second = sync(dir.path(), &playground.url(), &[]).expect(0);
    assert_eq!(second.receipt()["file"], json!(null));
    assert_eq!(second.receipt()["rows"], 0);

    let flags = ["--full-refresh", "--format", "csv"];
    let outcome = sync(dir.path(), &playground.url(), &flags).expect(0);
    let path = dir.join(outcome.receipt()["file"].as_str().unwrap());
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let records: Vec<serde_json::Value> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let pairs = header.iter().zip(&record);
            pairs
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect()
        })
        .collect();
    assert_eq!(records, rows);
}

#[test]
#[ignore = "needs Python's fivetran-api-playground"]
fn twenty_tables_of_the_playground_are_synced_audited_and_healthy() {
    let playground = Playground::start(&[]);
    let dir = Scratch::new();
    let table = |n: u32| (format!("t{n}"), json!({"url": playground.url()}));
    let tables: serde_json::Map<String, serde_json::Value> = (1..=20).map(table).collect();
    dir.write("all.json", json!({ "tables": tables }).to_string());
    let command = |words: &[&str]| {
        let words = words.iter().chain(&["--config", "all.json"]);
        run(highwater(dir.path()).args(words)).expect(0).stdout
    };
    for rows in [200, 0] {
        let receipts = command(&["sync"]);
        assert_eq!(receipts.lines().count(), 20);
        for line in receipts.lines() {
            let receipt: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&receipt["rows"], &receipt["complete"]),
                (&json!(rows), &json!(true))
            );
        }
    }
    for n in 1..=20 {
        let rows = all_rows(&dir.join(format!("out/t{n}")));
        assert_eq!(latest_by_id(&rows).len(), 200);
    }
    assert_eq!(command(&["audit", "--json"]).lines().count(), 20);
    assert_eq!(
        command(&["status", "--max-age", "15m", "--json"])
            .lines()
            .count(),
        20
    );
}

#[test]
#[ignore = "needs Python's fivetran-api-playground"]
fn a_rate_limit_is_waited_out() {
    let playground = Playground::start(&["--rate-limit", "true", "--capacity", "3"]);
    let dir = Scratch::new();
    let outcome = sync(dir.path(), &playground.url(), &["--page-size", "20"]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 200);
    assert!(outcome.receipt()["retries"].as_u64().unwrap() > 0);
    assert!(outcome.stderr.contains("429"), "{}", outcome.stderr);
    assert_eq!(latest_by_id(&all_rows(&dir.join("out"))).len(), 200);
}

#[test]
#[ignore = "needs Python's fivetran-api-playground"]
fn a_fresh_recording_replays_to_the_same_file() {
    let playground = Playground::start(&[]);
    let dir = Scratch::new();
    let flags = ["--record", "r.jsonl", "--page-size", "30"];
    let live = sync(dir.path(), &playground.url(), &flags).expect(0);
    drop(playground);
    let words = [
        "sync",
        "--replay",
        "r.jsonl",
        "--page-size",
        "30",
        "--out",
        "again",
    ];
    let replayed = run(highwater(dir.path()).args(words)).expect(0);
    let file = |receipt: serde_json::Value| dir.join(receipt["file"].as_str().unwrap());
    assert_eq!(ndjson(file(live.receipt())).len(), 200);
    let bytes = |receipt| std::fs::read(file(receipt)).unwrap();
    assert_eq!(bytes(live.receipt()), bytes(replayed.receipt()));
    assert_eq!(files(&dir.join("again")).len(), 3);
}

#[test]
#[ignore = "needs Python's fivetran-api-playground"]
fn what_the_playground_refuses_is_exit_4_in_its_own_words() {
    let playground = Playground::start(&[]);
    let dir = Scratch::new();
    let outcome = sync(dir.path(), &playground.url(), &["--page-size", "51"]).expect(4);
    assert!(
        outcome.stderr.contains("between 1 and 50"),
        "{}",
        outcome.stderr
    );
}
