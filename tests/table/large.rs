//! A million versions: what they take of time and memory. In optimised builds
//! alone, since the time of others says nothing.

#![cfg(all(target_os = "linux", not(debug_assertions)))]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::table::Random;
use crate::support::{highwater, program};
use crate::{Scratch, folder};

const VERSIONS: usize = 1_000_000;
/// In KiB, and of addresses, of which the memory in use is a part.
const MEMORY: usize = 64 << 10;

/// A million versions of so many keys in twenty files.
fn history(keys: usize) -> Scratch {
    let dir = folder(&["id"]);
    let mut random = Random::new(7);
    for file in 0..20 {
        let path = dir.join(format!("user-20260101T{file:06}Z.ndjson"));
        let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
        for row in file * VERSIONS / 20..(file + 1) * VERSIONS / 20 {
            let id = if row < keys { row } else { random.below(keys) };
            let time = format!(
                "2026-01-{:02}T{:02}:{:02}:{:02}Z",
                1 + row / 86_400,
                row / 3600 % 24,
                row / 60 % 60,
                row % 60
            );
            writeln!(out, "{{\"id\":\"{id}\",\"name\":\"John Doe {row}\",\"email\":\"john.{id}@example.com\",\"address\":\"{row} Main Street, Springfield, \\\"IL\\\"\",\"company\":\"Acme {}\",\"job\":\"Engineer\",\"updatedAt\":\"{time}\",\"createdAt\":\"2024-01-15T10:30:00Z\"}}", row % 77).unwrap();
        }
        out.flush().unwrap();
    }
    dir
}

/// Runs it within the memory, and how long that takes.
fn within(dir: &Scratch, words: &[&str]) -> Duration {
    let begun = Instant::now();
    let mut command = Command::new("sh");
    let limited = format!("ulimit -v {MEMORY} && exec \"$@\"");
    let out = std::fs::File::create(dir.join("printed")).unwrap();
    let status = command
        .args(["-c", &limited, "sh"])
        .arg(program())
        .args(words)
        .arg("--out")
        .arg(dir.path())
        .stdout(out)
        .status()
        .unwrap();
    assert!(status.success(), "{words:?}: {status}");
    begun.elapsed()
}

fn lines(path: &Path) -> usize {
    let bytes = std::fs::read(path).unwrap();
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
#[ignore = "writes 400 MB"]
fn a_million_versions_are_printed_and_compacted_within_64_mib() {
    for keys in [300_000, VERSIONS] {
        let dir = history(keys);
        for (words, more) in [(&["table"][..], 0), (&["table", "--format=csv"], 1)] {
            let time = within(&dir, words);
            println!("{keys} keys, {words:?}: {time:?}");
            assert_eq!(lines(&dir.join("printed")), keys + more);
        }
        let printed = std::fs::read(dir.join("printed")).unwrap();
        println!("{keys} keys, compact: {:?}", within(&dir, &["compact"]));
        within(&dir, &["table", "--format=csv"]);
        assert!(printed == std::fs::read(dir.join("printed")).unwrap());
    }
}

#[test]
#[ignore = "needs DUCKDB, a Python that has the package"]
fn the_table_is_there_sooner_than_by_the_query_of_duckdb() {
    let Some(python) = std::env::var_os("DUCKDB") else {
        panic!("DUCKDB names no Python with the package duckdb");
    };
    let query = "SELECT * EXCLUDE (filename) FROM read_json('user-*Z.ndjson', filename = true) \
         QUALIFY row_number() OVER (PARTITION BY id ORDER BY updatedAt DESC, filename DESC) = 1";
    let script = format!(
        "import duckdb; duckdb.sql(\"SET enable_progress_bar = false\"); duckdb.sql(\"COPY ({query}) TO 'by-duckdb' (FORMAT json)\")"
    );
    for keys in [300_000, VERSIONS] {
        let dir = history(keys);
        let timed = |command: &mut Command| {
            let begun = Instant::now();
            let status = command
                .stdin(Stdio::null())
                .current_dir(dir.path())
                .status()
                .unwrap();
            assert!(status.success(), "{status}");
            begun.elapsed()
        };
        let ours = || {
            let printed = std::fs::File::create(dir.join("printed")).unwrap();
            timed(
                highwater(dir.path())
                    .args(["table", "--out=."])
                    .stdout(printed),
            )
        };
        let theirs = || timed(Command::new(PathBuf::from(&python)).args(["-c", &script]));
        // The best of three of each, one after the other.
        let pairs: Vec<_> = (0..3).map(|_| (ours(), theirs())).collect();
        let ours = pairs.iter().map(|pair| pair.0).min().unwrap();
        let theirs = pairs.iter().map(|pair| pair.1).min().unwrap();
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("{keys} keys: {ours:?}, DuckDB {theirs:?}, {ratio:.2} of its time");
        assert_eq!(lines(&dir.join("printed")), lines(&dir.join("by-duckdb")));
        assert!(ratio < 1.0, "{keys} keys: {ratio:.2}");
    }
}
