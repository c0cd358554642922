//! What a sync costs, against fetching the same pages and doing nothing with
//! them, and against making as many bytes durable in as many steps: rows per
//! second, ratios to curl, to ureq alone and to the disk alone, CPU, memory, syncs.
//! The pages come from a server of its own on the loopback, rendered before
//! anything is timed. Run by `cargo bench`; `cargo bench -- --quick` leaves out
//! the largest tables, and `-- --audit` measures audits alone.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use highwater::disk::{Disk, Os};
use support::Scratch;
use support::http::{Reply, Request, Server};
use support::table::Table;

/// Each is the least of so many runs: what else the machine does only adds.
const RUNS: usize = 5;
/// Kernel clock ticks a second, in /proc/PID/stat.
const TICKS: f64 = 100.0;

/// A server that renders a page once and then only sends it.
struct Pages {
    server: Server,
    sent: Arc<Mutex<HashMap<String, Arc<[u8]>>>>,
    /// How long each answer takes, in milliseconds.
    latency: Arc<AtomicU64>,
}

/// One process, measured.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu: f64,
    peak_kib: u64,
}

impl Pages {
    fn over(table: Table) -> Self {
        let sent: Arc<Mutex<HashMap<String, Arc<[u8]>>>> = Arc::default();
        let pages = Arc::clone(&sent);
        let latency = Arc::new(AtomicU64::new(0));
        let pause = Arc::clone(&latency);
        let table = Mutex::new(table);
        let server = Server::start(move |request| {
            let mut pages = pages.lock().unwrap();
            let page = pages
                .entry(request.raw_target.clone())
                .or_insert_with(|| render(&table.lock().unwrap(), request));
            let pause = Duration::from_millis(pause.load(Ordering::Relaxed));
            Reply::json(Arc::clone(page)).after(pause)
        });
        Self {
            server,
            sent,
            latency,
        }
    }

    fn targets(&self) -> Vec<String> {
        let requests = self.server.requests();
        requests
            .into_iter()
            .map(|request| request.raw_target)
            .collect()
    }

    fn bytes(&self) -> usize {
        self.sent
            .lock()
            .unwrap()
            .values()
            .map(|page| page.len())
            .sum()
    }
}

fn render(table: &Table, request: &Request) -> Arc<[u8]> {
    let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
    let (offset, limit) = (number("offset"), number("limit"));
    let since = support::clock::parse(request.param("updated_since").unwrap());
    let (rows, total) = table.select(since, true, offset, limit);
    let rows: Vec<&str> = rows.iter().map(|row| &*row.json).collect();
    let page = format!(
        "{{\"data\": [{}], \"offset\": {offset}, \"limit\": {limit}, \"total\": {total}}}",
        rows.join(", ")
    );
    page.into_bytes().into()
}

/// Runs a process to its end. Its CPU time is read while it is a zombie, its
/// peak while it lives.
fn measure(command: &mut Command) -> Cost {
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let watched = watch(&mut child);
    let seconds = begun.elapsed().as_secs_f64();
    assert!(child.wait().unwrap().success(), "{command:?} failed");
    Cost { seconds, ..watched }
}

fn watch(child: &mut Child) -> Cost {
    let path = format!("/proc/{}", child.id());
    let mut cost = Cost {
        seconds: 0.0,
        cpu: 0.0,
        peak_kib: 0,
    };
    let mut pause = Duration::from_micros(200);
    loop {
        let status = fs::read_to_string(format!("{path}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.split_whitespace().next()?.parse().ok());
        cost.peak_kib = cost.peak_kib.max(peak.unwrap_or(0));
        let stat = fs::read_to_string(format!("{path}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("Z").split(' ').collect();
        if fields[0] == "Z" || fields.len() < 13 {
            let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
            cost.cpu = (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS;
            return cost;
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}

fn least(costs: impl Iterator<Item = Cost>) -> Cost {
    costs
        .min_by(|a, b| a.seconds.total_cmp(&b.seconds))
        .unwrap()
}

/// The same pages with curl, their bodies to a file; None without a curl.
fn curl(scratch: &Scratch, pages: &Pages, targets: &[String]) -> Option<Cost> {
    let urls: String = targets
        .iter()
        .map(|target| format!("url = \"{}\"\n", pages.server.url(target)))
        .collect();
    let list = scratch.write("urls", urls);
    Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .ok()?;
    let bodies = File::create(scratch.join("bodies")).unwrap();
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--globoff", "--config"])
        .arg(list)
        .stdout(bodies);
    Some(measure(&mut command))
}

/// The same pages with the HTTP client alone, into a buffer.
fn ureq_alone(pages: &Pages, targets: &[String]) -> f64 {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut body = Vec::new();
    let begun = Instant::now();
    for target in targets {
        let mut response = agent.get(pages.server.url(target)).call().unwrap();
        body.clear();
        response
            .body_mut()
            .as_reader()
            .read_to_end(&mut body)
            .unwrap();
    }
    begun.elapsed().as_secs_f64()
}

/// What the disk alone costs: as many batches made durable, each of the same
/// size and with a state of its own, by the calls that a sync makes, with nothing
/// fetched and nothing computed.
fn disk_alone(scratch: &Scratch, batches: usize, bytes: usize) -> f64 {
    let (part, new, state) = (
        scratch.join("part"),
        scratch.join("new"),
        scratch.join("state"),
    );
    let batch = vec![b'x'; bytes / batches];
    let begun = Instant::now();
    let disk = Os::default();
    let mut file = disk.create(&part).unwrap();
    for _ in 0..batches {
        file.write_all(&batch).unwrap();
        let mut text = disk.overwrite(&new).unwrap();
        text.write_all(&[b'x'; 400]).unwrap();
        let syncing = disk.sync_aside(text);
        file.sync_data().unwrap();
        syncing().unwrap();
        disk.rename(&new, &state).unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    fs::remove_file(part).unwrap();
    seconds
}

fn sync(scratch: &Scratch, pages: &Pages, size: usize, format: &str) -> Command {
    let _ = fs::remove_dir_all(scratch.join("out"));
    let mut command = support::highwater(scratch.path());
    command.args(["sync", "--format", format, "--page-size", &size.to_string()]);
    command
        .args(["--url", &pages.server.url("/rows")])
        .stdout(Stdio::null());
    command
}

/// How many bytes the last sync wrote.
fn written(scratch: &Scratch) -> usize {
    let out = scratch.join("out");
    let files = support::files(&out).into_iter();
    files
        .map(|name| fs::metadata(out.join(name)).unwrap().len() as usize)
        .sum()
}

/// How often a sync asks the disk to make something durable, as strace counts it.
fn syncs(scratch: &Scratch, pages: &Pages, size: usize) -> Option<usize> {
    let plain = sync(scratch, pages, size, "ndjson");
    let mut command = Command::new("strace");
    let calls = scratch.join("calls");
    command
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&calls);
    command.arg(plain.get_program()).args(plain.get_args());
    command.current_dir(scratch.path()).stdout(Stdio::null());
    command
        .status()
        .ok()
        .filter(std::process::ExitStatus::success)?;
    let calls = fs::read_to_string(calls).ok()?;
    Some(calls.matches("sync(").count())
}

/// A server that takes its time, and a sync that finds nothing.
fn latency(runs: usize) {
    const PAUSE: u64 = 50;
    let (scratch, pages) = (Scratch::new(), Pages::over(Table::users(20_000, 10)));
    measure(&mut sync(&scratch, &pages, 1000, "ndjson"));
    let requests = pages.targets().len() as f64;
    pages.latency.store(PAUSE, Ordering::Relaxed);
    let slow = (0..runs).map(|_| measure(&mut sync(&scratch, &pages, 1000, "ndjson")));
    let slow = least(slow).seconds / (requests * PAUSE as f64 / 1000.0);
    println!("\nAt {PAUSE} ms a page a sync takes {slow:.3} times as long as its requests.");
    pages.latency.store(0, Ordering::Relaxed);
    let empty = (0..runs).map(|_| {
        let mut again = sync(&scratch, &pages, 1000, "ndjson");
        measure(&mut again);
        let mut command = Command::new(again.get_program());
        command.args(again.get_args()).current_dir(scratch.path());
        measure(command.stdout(Stdio::null()))
    });
    let empty = least(empty).seconds * 1000.0;
    println!("A sync that finds nothing takes {empty:.1} ms from start to exit.");
}

/// An audit of files that are alike, in turn with the full sync that wrote them.
fn audit(rows: usize, runs: usize) {
    let (scratch, pages) = (Scratch::new(), Pages::over(Table::users(rows, 10)));
    measure(&mut sync(&scratch, &pages, 1000, "ndjson"));
    for format in ["ndjson", "csv"] {
        let costs = (0..runs).map(|_| {
            let mut full = sync(&scratch, &pages, 1000, format);
            let synced = measure(&mut full);
            let mut command = Command::new(full.get_program());
            // All but the command's name and the format, which is that of the files.
            let flags = full.get_args().skip(3);
            command.arg("audit").args(flags).current_dir(scratch.path());
            (measure(command.stdout(Stdio::null())), synced)
        });
        let costs: Vec<(Cost, Cost)> = costs.collect();
        let mut ratios: Vec<f64> = costs.iter().map(|(a, b)| a.seconds / b.seconds).collect();
        ratios.sort_by(f64::total_cmp);
        let audit = least(costs.iter().map(|cost| cost.0));
        let full = least(costs.iter().map(|cost| cost.1));
        println!(
            "An audit of {rows} rows of {format} takes {:.2} times as long as a full sync ({:.2} to {:.2}; at best {:.2} to {:.2} s, of CPU {:.2} to {:.2} s) and {:.1} MiB.",
            ratios[runs / 2],
            ratios[0],
            ratios[runs - 1],
            audit.seconds,
            full.seconds,
            audit.cpu,
            full.cpu,
            costs.iter().map(|cost| cost.0.peak_kib).max().unwrap_or(0) as f64 / 1024.0,
        );
    }
}

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    // `cargo test --benches` only wants to see that it runs.
    let test = !std::env::args().any(|word| word == "--bench");
    if std::env::args().any(|word| word == "--audit") {
        return audit(1_000_000, RUNS);
    }
    let sizes: &[usize] = match (test, quick) {
        (true, _) => &[500],
        (_, true) => &[10_000, 100_000],
        _ => &[10_000, 100_000, 1_000_000],
    };
    println!(
        "| rows | page | format | rows/s | ÷ curl | ÷ ureq | ÷ disk | CPU s | CPU µs/row | peak MiB | syncs | syncs/page |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for &rows in sizes {
        for page in [50, 1000] {
            if page == 50 && rows > 100_000 {
                continue;
            }
            let scratch = Scratch::new();
            let pages = Pages::over(Table::users(rows, 10));
            measure(&mut sync(&scratch, &pages, page, "ndjson"));
            let targets = pages.targets();
            let counted = (rows <= 10_000)
                .then(|| syncs(&scratch, &pages, page))
                .flatten();
            for format in ["ndjson", "csv"] {
                let mut costs = Vec::new();
                for _ in 0..if test { 1 } else { RUNS } {
                    let curl = curl(&scratch, &pages, &targets);
                    let ours = measure(&mut sync(&scratch, &pages, page, format));
                    let disk = disk_alone(&scratch, targets.len(), written(&scratch));
                    costs.push((curl, ours, ureq_alone(&pages, &targets), disk));
                }
                let ours = least(costs.iter().map(|cost| cost.1));
                let curl = costs.iter().filter_map(|cost| cost.0);
                let curl = curl.map(|cost| cost.seconds).min_by(f64::total_cmp);
                let ureq = costs
                    .iter()
                    .map(|cost| cost.2)
                    .min_by(f64::total_cmp)
                    .unwrap();
                let disk = costs
                    .iter()
                    .map(|cost| cost.3)
                    .min_by(f64::total_cmp)
                    .unwrap();
                let or = |value: Option<String>| value.unwrap_or_else(|| "-".into());
                println!(
                    "| {rows} | {page} | {format} | {:.0} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {} | {} |",
                    rows as f64 / ours.seconds,
                    or(curl.map(|seconds| format!("{:.2}", ours.seconds / seconds))),
                    ours.seconds / ureq,
                    ours.seconds / disk,
                    ours.cpu,
                    1e6 * ours.cpu / rows as f64,
                    ours.peak_kib as f64 / 1024.0,
                    or(counted.map(|count| count.to_string())),
                    or(counted.map(|count| format!("{:.1}", count as f64 / targets.len() as f64))),
                );
            }
            if !test {
                eprintln!(
                    "({} pages, {:.0} MB)",
                    targets.len(),
                    pages.bytes() as f64 / 1e6
                );
            }
        }
    }
    let runs = if test { 1 } else { RUNS };
    latency(runs);
    audit(sizes.iter().copied().max().unwrap_or(0), runs);
}
