//! How many rows get lost when a table changes while it is read page by page?
//!
//!     cargo build --release
//!     cargo run --release --example drift
//!
//! A server on the loopback holds a table, sorted by `updatedAt`, and updates a
//! random row after each request, which moves that row to the end. Two readers
//! sync such a table, each its own: a plain walk (`offset` += rows received, until
//! `total`), as in a loop around curl, and `highwater`. Both face the same updates
//! in the same order, though the longer reader sees more of them. Then the table
//! stands still, and each syncs once more from where it got to.
//!
//! What a reader delivered is held against the table itself, and requests are
//! counted by the server, so that neither reader is taken at its word.
//!
//! `--rows N`, `--page N` and `--updates-per-request N` change the setting. The same
//! setting gives the same numbers, on any machine. Exits with 0 where the plain walk
//! lost rows and `highwater` neither lost nor repeated one, with 1 where that is not
//! so, and with 2 where the experiment could not begin.

#[path = "../support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use support::Scratch;
use support::api::Api;
use support::clock::{self, BASE, SECOND};
use support::http::Request;
use support::table::{Random, Table};

const SEED: u64 = 1;
/// Some rows share their timestamp, as they do in real tables.
const ROWS_PER_SECOND: usize = 3;
/// Where a first sync starts.
const BEGINNING: &str = "0001-01-01T00:00:00Z";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Setting {
    rows: usize,
    page: usize,
    updates: usize,
}

/// What a reader says of one sync.
struct Sync {
    /// In the order in which it delivered them.
    rows: Vec<Value>,
    /// The newest `updatedAt` that it has read.
    mark: String,
}

/// What one sync came to, by the table and the server.
struct Figures {
    requests: u64,
    rows_sent: u64,
    delivered: u64,
    /// Rows delivered that had been delivered before with the same content.
    repeated: u64,
    /// Rows not delivered as they are now, though they are not newer than the mark:
    /// no later sync asks for them.
    lost: u64,
    /// Rows not delivered as they are now, and newer than the mark.
    left: u64,
}

/// A reader's two syncs: while rows change, and after that.
struct Report {
    first: Figures,
    second: Figures,
}

fn main() -> ExitCode {
    let fail = |code: u8, error: Box<dyn Error>| {
        eprintln!("drift: {error}");
        ExitCode::from(code)
    };
    let setting = Setting::parse(std::env::args().skip(1));
    match setting.and_then(|setting| find_program().map(|()| setting)) {
        Err(error) => fail(2, error),
        Ok(setting) => match compare(&setting) {
            Err(error) => fail(1, error),
            Ok(()) => ExitCode::SUCCESS,
        },
    }
}

impl Setting {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut setting = Self {
            rows: 10_000,
            page: 50,
            updates: 1,
        };
        while let Some(flag) = words.next() {
            let (number, least) = match &*flag {
                "--rows" => (&mut setting.rows, 1),
                "--page" => (&mut setting.page, 1),
                "--updates-per-request" => (&mut setting.updates, 0),
                _ => {
                    let known = "--rows N, --page N and --updates-per-request N";
                    return Err(format!("{flag} is none of {known}").into());
                }
            };
            let word = words.next().unwrap_or_default();
            *number = word
                .parse()
                .ok()
                .filter(|number| *number >= least)
                .ok_or_else(|| format!("{flag} takes a number from {least} on, not {word:?}"))?;
        }
        setting.check()?;
        Ok(setting)
    }

    /// Refuses a table that changes as fast as it is read: no reader that misses
    /// nothing comes to its end. At worst each page is asked for twice, and begins
    /// with a second's rows and one more that were read before.
    fn check(&self) -> Result<()> {
        let least = self.updates.saturating_mul(2);
        let least = least.saturating_add(ROWS_PER_SECOND + 2);
        if self.page < least {
            let updates = self.updates;
            return Err(format!(
                "with {updates} updates after each request, --page must be at least {least}, \
                 or rows change as fast as they are read"
            )
            .into());
        }
        Ok(())
    }

    /// Updates rows as if each were the latest thing that happened.
    fn changes(&self) -> impl FnMut(&mut Table, &Request, u64) + Send + 'static {
        let (rows, updates) = (self.rows, self.updates);
        let mut random = Random::new(SEED);
        move |table, _, _| {
            for _ in 0..updates {
                let id = (1 + random.below(rows)).to_string();
                let now = table.newest().unwrap_or(BASE) + SECOND;
                table.update(&id, now);
            }
        }
    }
}

/// Cargo builds no program for an example, so one must be there already.
fn find_program() -> Result<()> {
    let here = std::env::current_exe()?;
    let name = format!("highwater{}", std::env::consts::EXE_SUFFIX);
    let built = here.ancestors().nth(2).map(|folder| folder.join(name));
    if built.is_some_and(|path| path.is_file()) {
        return Ok(());
    }
    let release = if cfg!(debug_assertions) {
        ""
    } else {
        " --release"
    };
    Err(format!("no highwater to compare with: run `cargo build{release}` first").into())
}

fn compare(setting: &Setting) -> Result<()> {
    let mut since = BEGINNING.to_owned();
    let plain = measure(setting, |api| {
        let sync = walk_plainly(&api.url(), &since, setting.page)?;
        since.clone_from(&sync.mark);
        Ok(sync)
    })?;

    let scratch = Scratch::new();
    let mut receipts = Vec::new();
    let ours = measure(setting, |api| {
        let (sync, receipt) = run_highwater(scratch.path(), &api.url(), setting.page)?;
        receipts.push(receipt);
        Ok(sync)
    })?;

    print(setting, &plain, &ours, &receipts[0])?;
    judge(&plain, &ours)
}

/// Has a reader sync a table twice.
fn measure(setting: &Setting, mut sync: impl FnMut(&Api) -> Result<Sync>) -> Result<Report> {
    let table = Table::users(setting.rows, ROWS_PER_SECOND);
    let api = Api::over(table).after_page(setting.changes()).start();
    let mut delivered = HashSet::new();
    let first = sync(&api)?;
    let first = Figures::of(first, &api, &mut delivered)?;
    api.set_after_page(|_, _, _| {});
    let second = sync(&api)?;
    let mut second = Figures::of(second, &api, &mut delivered)?;
    second.requests -= first.requests;
    second.rows_sent -= first.rows_sent;
    Ok(Report { first, second })
}

impl Figures {
    /// Adds what was delivered to what was before. The counts are those of the API
    /// since its start.
    fn of(sync: Sync, api: &Api, delivered: &mut HashSet<Value>) -> Result<Self> {
        let counts = api.counts();
        let mut figures = Self {
            requests: counts.requests,
            rows_sent: counts.rows_sent,
            delivered: sync.rows.len() as u64,
            repeated: 0,
            lost: 0,
            left: 0,
        };
        for row in sync.rows {
            figures.repeated += u64::from(!delivered.insert(row));
        }
        let mark = clock::parse(&sync.mark).ok_or("the mark is no timestamp")?;
        for row in api.table().rows() {
            if !delivered.contains(&serde_json::from_str::<Value>(&row.json)?) {
                let counter = if row.updated <= mark {
                    &mut figures.lost
                } else {
                    &mut figures.left
                };
                *counter += 1;
            }
        }
        Ok(figures)
    }

    fn lines(&self) -> [(&'static str, u64); 6] {
        [
            ("requests", self.requests),
            ("rows sent by the API", self.rows_sent),
            ("row versions delivered", self.delivered),
            ("delivered twice", self.repeated),
            ("changed since: for the next sync", self.left),
            ("LOST", self.lost),
        ]
    }
}

/// The usual loop: one fixed `updated_since`, and the offset grows by what came.
fn walk_plainly(url: &str, since: &str, limit: usize) -> Result<Sync> {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut rows = Vec::new();
    loop {
        let mut response = agent
            .get(url)
            .query("order_by", "updatedAt")
            .query("order_type", "asc")
            .query("updated_since", since)
            .query("limit", limit.to_string())
            .query("offset", rows.len().to_string())
            .call()?;
        let mut page: Value = serde_json::from_reader(response.body_mut().as_reader())?;
        let total = page["total"].as_u64().ok_or("no total")?;
        let Value::Array(data) = page["data"].take() else {
            return Err("no data".into());
        };
        let ended = data.is_empty();
        rows.extend(data);
        if ended || rows.len() as u64 >= total {
            break;
        }
    }
    // All are spelled alike, so that they sort as text.
    let times = rows.iter().filter_map(|row| row["updatedAt"].as_str());
    let mark = times.max().unwrap_or(since).to_owned();
    Ok(Sync { rows, mark })
}

/// The program itself, with its receipt.
fn run_highwater(dir: &Path, url: &str, page: usize) -> Result<(Sync, Value)> {
    let mut command = support::highwater(dir);
    command.args(["sync", "--url", url, "--page-size", &page.to_string()]);
    let outcome = support::run(&mut command);
    if outcome.code != Some(0) {
        return Err(format!("highwater failed: {}", outcome.stderr.trim_end()).into());
    }
    let receipt = outcome.receipt();
    let file = receipt["file"].as_str();
    let rows = file.map_or_else(Vec::new, |file| support::ndjson(dir.join(file)));
    let mark = receipt["last_updated_at"].as_str();
    let mark = mark.ok_or("highwater has no mark")?.to_owned();
    Ok((Sync { rows, mark }, receipt))
}

fn print(setting: &Setting, plain: &Report, ours: &Report, receipt: &Value) -> io::Result<()> {
    let Setting {
        rows,
        page,
        updates,
    } = setting;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rows} rows, {page} a page, {updates} updated after each request\n"
    )?;
    writeln!(out, "{:<34}{:>12}{:>12}", "", "plain walk", "highwater")?;
    for (title, plain, ours) in [
        ("a sync while rows change", &plain.first, &ours.first),
        ("another, now that none does", &plain.second, &ours.second),
    ] {
        writeln!(out, "{title}")?;
        for ((label, plain), (_, ours)) in plain.lines().into_iter().zip(ours.lines()) {
            writeln!(out, "  {label:<32}{plain:>12}{ours:>12}")?;
        }
    }
    let (windows, drifts) = (&receipt["windows"], &receipt["drifts"]);
    writeln!(
        out,
        "\nhighwater saw rows move {drifts} times and read in {windows} windows."
    )
}

/// Whether it went as claimed.
fn judge(plain: &Report, ours: &Report) -> Result<()> {
    let Report { first, second } = ours;
    if first.lost + second.lost + second.left > 0 {
        return Err("highwater lost rows".into());
    }
    if first.repeated + second.repeated > 0 || second.delivered != first.left {
        return Err("highwater delivered rows twice".into());
    }
    if plain.second.lost == 0 {
        return Err("the plain walk lost nothing, so that this proves nothing".into());
    }
    Ok(())
}
