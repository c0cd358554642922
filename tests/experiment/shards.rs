//! How much sooner is a first sync done that runs in shards?
//!
//!     cargo build --release
//!     cargo run --release --example shards
//!
//! A server on the loopback holds 1,000,000 rows and takes 50 ms for each answer.
//! One `highwater sync` fetches them; then `highwater plan` divides them into 8
//! shards, which run at once, each a `highwater sync` of its own, and the ordinary
//! sync goes on from there. The time of the shards is that of the plan and of the
//! last of them to end. Ids are counted in what was written, and requests by the
//! server.
//!
//! `--rows N`, `--page N`, `--shards N` and `--latency MS` change the setting. Exits
//! with 1 where a row is missing or is there twice once all are done, or where 8 shards take a sixth of one sync's time or more.

#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use support::clock::{self, BASE, SECOND};
use support::http::{Reply, Request, Server};
use support::{Scratch, highwater};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Clone, Copy)]
struct Setting {
    rows: usize,
    page: usize,
    shards: usize,
    latency: Duration,
}

fn main() -> ExitCode {
    match setting().and_then(compare) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn setting() -> Result<Setting> {
    let mut set = Setting {
        rows: 1_000_000,
        page: 500,
        shards: 8,
        latency: Duration::from_millis(50),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number: usize = words.next().ok_or("a flag needs a number")?.parse()?;
        match &*word {
            "--rows" => set.rows = number,
            "--page" => set.page = number.max(1),
            "--shards" => set.shards = number.max(1),
            "--latency" => set.latency = Duration::from_millis(number as u64),
            _ => return Err(format!("unknown flag {word}").into()),
        }
    }
    Ok(set)
}

/// When a row changed: three of them in each second.
fn time(row: usize) -> String {
    clock::rfc3339(BASE + (row / 3) as i64 * SECOND)
}

/// A page of rows, made as it is asked for.
fn answer(set: Setting, request: &Request) -> Reply {
    let number = |name| request.param(name).and_then(|text| text.parse().ok());
    let (offset, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(1));
    let since = request.param("updated_since").and_then(clock::parse);
    let seconds = since.map_or(0, |at| (at - BASE + SECOND - 1).max(0) / SECOND);
    let first = (seconds as usize * 3).min(set.rows);
    let last = (first + offset + limit).min(set.rows);
    let mut body = String::with_capacity(limit * 96);
    body.push_str("{\"data\":[");
    for row in first + offset..last {
        let comma = if row > first + offset { "," } else { "" };
        let _ = write!(
            body,
            "{comma}{{\"id\":\"{row}\",\"name\":\"name {row}\",\"updatedAt\":\"{}\"}}",
            time(row)
        );
    }
    let total = set.rows - first;
    let _ = write!(
        body,
        "],\"offset\":{offset},\"limit\":{limit},\"total\":{total}}}"
    );
    Reply::json(body).after(set.latency)
}

/// How often each row is in these files: whether it is once.
fn each_once(files: &[PathBuf], rows: usize) -> Result<bool> {
    let mut counts = vec![0_u8; rows];
    for file in files {
        for line in fs::read_to_string(file)?.lines() {
            let id = line
                .strip_prefix("{\"id\":\"")
                .and_then(|rest| rest.split('"').next());
            let id: usize = id.ok_or("a line without an id")?.parse()?;
            counts[id] = counts[id].saturating_add(1);
        }
    }
    Ok(counts.iter().all(|count| *count == 1))
}

/// The finished files of a folder.
fn finished(folder: &Path) -> Vec<PathBuf> {
    let names = support::files(folder).into_iter();
    names
        .filter(|name| name.ends_with(".ndjson"))
        .map(|name| folder.join(name))
        .collect()
}

fn command(dir: &Path, url: &str, set: Setting, words: &[&str]) -> Command {
    let mut command = highwater(dir);
    command
        .args(words)
        .args(["--url", url, "--page-size", &set.page.to_string()]);
    command.stderr(Stdio::inherit());
    command
}

fn compare(set: Setting) -> Result<bool> {
    let server = Server::start(move |request| answer(set, request));
    let url = server.url("/rows");
    let dir = Scratch::new();
    let asked = || server.requests().len();

    let begun = Instant::now();
    let words = ["sync", "--out", "one", "-q"];
    let output = command(dir.path(), &url, set, &words).output()?;
    if !output.status.success() {
        return Err("one sync failed".into());
    }
    let (one, one_requests) = (begun.elapsed(), asked());
    let one_whole = each_once(&finished(&dir.join("one")), set.rows)?;

    let begun = Instant::now();
    let count = set.shards.to_string();
    let output = command(dir.path(), &url, set, &["plan", "--shards", &count, "-q"]).output()?;
    let plan = String::from_utf8(output.stdout)?;
    let planned = (begun.elapsed(), asked() - one_requests);
    fs::create_dir(dir.join("out"))?;
    let mut running = Vec::new();
    for (nth, line) in plan.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let file = dir.join(format!("out/user-00010101T0000{nth:02}Z.ndjson"));
        let mut shard = command(
            dir.path(),
            &url,
            set,
            &["sync", "--state", "none", "--out", "-"],
        );
        shard.args(words).stdout(File::create(&file)?);
        running.push(shard.spawn()?);
    }
    for mut shard in running {
        if !shard.wait()?.success() {
            return Err("a shard failed".into());
        }
    }
    let many = begun.elapsed();
    let many_requests = asked() - one_requests - planned.1;
    let mark = plan.lines().last().and_then(|line| line.rsplit(' ').next());
    let mark = mark.ok_or("an empty plan")?;
    let words = ["sync", "--since", mark, "-q"];
    let output = command(dir.path(), &url, set, &words).output()?;
    if !output.status.success() {
        return Err("the sync after the shards failed".into());
    }
    let whole = each_once(&finished(&dir.join("out")), set.rows)?;
    let receipt: serde_json::Value = serde_json::from_slice(&output.stdout)?;

    let ratio = one.as_secs_f64() / many.as_secs_f64();
    println!(
        "{} rows, {} a page, {} ms an answer\n\n  one sync      {:7.1} s  {one_requests:6} requests\n  the plan      {:7.1} s  {:6} requests\n  {} shards      {:7.1} s  {many_requests:6} requests, the plan's time included\n\n  {ratio:.2} times as fast",
        set.rows,
        set.page,
        set.latency.as_millis(),
        one.as_secs_f64(),
        planned.0.as_secs_f64(),
        planned.1,
        plan.lines().count(),
        many.as_secs_f64(),
    );
    println!(
        "  the sync that follows brings the last {} rows",
        receipt["rows"]
    );
    println!("  each row once: {whole}, by one sync: {one_whole}");
    Ok(whole && one_whole && (set.shards < 8 || ratio > 6.0))
}
