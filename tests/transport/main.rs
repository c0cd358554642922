//! How requests are put together and sent, and what answers mean before anyone
//! looks at their rows: bodies, tokens, limits, statuses, proxies, certificates.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod certificates;
mod faults;
mod limits;
mod literals;
mod paging;
mod proxies;
mod tokens;

use serde_json::{Value, json};

use support::http::{Reply, Request, Server};
use support::table::Table;
use support::{Outcome, Scratch, clock, highwater, ndjson, run};

/// A program's directory with a connection file in it.
struct Place {
    scratch: Scratch,
}

impl Place {
    fn new(connection: &Value) -> Self {
        let scratch = Scratch::new();
        scratch.write("c.json", connection.to_string());
        Self { scratch }
    }

    /// A command over the connection.
    fn run(&self, command: &str, flags: &[&str], environment: &[(&str, &str)]) -> Outcome {
        run(highwater(self.scratch.path())
            .args([command, "--config", "c.json"])
            .args(flags)
            .envs(environment.iter().copied()))
    }

    fn sync(&self, flags: &[&str]) -> Outcome {
        self.run("sync", flags, &[])
    }

    /// The rows of a sync that must succeed.
    #[track_caller]
    fn rows(&self, flags: &[&str]) -> Vec<Value> {
        let receipt = self.sync(flags).expect(0).receipt();
        assert_eq!(receipt["complete"], true, "{receipt}");
        match receipt["file"].as_str() {
            Some(file) => ndjson(self.scratch.join(file)),
            None => Vec::new(),
        }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.scratch.join(name)).unwrap()
    }

    /// Everything that was written, but for the connection file.
    fn written(&self) -> String {
        let mut all = String::new();
        let mut folders = vec![self.scratch.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("c.json") {
                    all += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
                }
            }
        }
        all
    }
}

/// A page of so many users, a second apart.
fn page_of(count: usize, since: Option<&str>, offset: usize, limit: usize) -> Value {
    let table = Table::users(count, 1);
    let since = since.and_then(clock::parse);
    let (rows, total) = table.select(since, true, offset, limit);
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::from_str(&row.json).unwrap())
        .collect();
    json!({ "data": rows, "offset": offset, "total": total })
}

/// The page that a request's query asks for.
fn page(request: &Request, count: usize) -> Value {
    let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
    let since = request.param("updated_since");
    page_of(count, since, number("offset"), number("limit"))
}

/// The n-th request is answered by `fault`, where that answers; the rest by pages.
fn faulty(
    count: usize,
    fault: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let served = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request| {
        let nth = 1 + served.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        fault(request, nth).unwrap_or_else(|| Reply::json(page(request, count)))
    })
}

/// Fails unless what the program said holds all of this.
#[track_caller]
fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        assert!(
            outcome.stderr.contains(part),
            "{part:?} is not in: {}",
            outcome.stderr
        );
    }
}
