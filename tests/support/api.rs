//! An API that speaks the default contract over a table: what `highwater` syncs
//! from without a connection file. It counts what it costs, can change its table
//! between pages, and can fail on cue.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;

use super::clock;
use super::http::{Reply, Request, Server};
use super::table::Table;

/// Called once an answer is computed, with the number of its request from 1: the
/// next one sees the table as this leaves it.
pub type AfterPage = dyn FnMut(&mut Table, &Request, u64) + Send;

/// Called before an answer is computed, likewise; what it returns is sent instead.
pub type Fault = dyn FnMut(&Request, u64) -> Option<Reply> + Send;

/// What the `Date` header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    Clock,
    /// This instant, in microseconds since 1970.
    At(i64),
    Absent,
}

/// What the API has done so far; failures count as requests only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub requests: u64,
    pub rows_sent: u64,
    /// Rows before the offset: a database reads them, only to pass them over.
    pub rows_skipped: u64,
    /// Of bodies, encoded.
    pub bytes_sent: u64,
}

/// The API's ways, to be set before it starts.
pub struct Options {
    table: Table,
    ways: Ways,
    date: Date,
    after_page: Box<AfterPage>,
    fault: Box<Fault>,
}

/// The running API.
pub struct Api {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    ways: Ways,
    table: Mutex<Table>,
    date: Mutex<Date>,
    after_page: Mutex<Box<AfterPage>>,
    fault: Mutex<Box<Fault>>,
    requests: AtomicU64,
    rows_sent: AtomicU64,
    rows_skipped: AtomicU64,
    bytes_sent: AtomicU64,
}

/// The options that never change while it runs.
struct Ways {
    max_limit: usize,
    max_offset: usize,
    total: bool,
    inclusive: bool,
    sorted: bool,
    gzip: bool,
    latency: Duration,
}

impl Options {
    /// Larger pages are cut to this, without a word.
    pub fn max_limit(mut self, rows: usize) -> Self {
        self.ways.max_limit = rows;
        self
    }

    /// Deeper offsets get 400.
    pub fn max_offset(mut self, rows: usize) -> Self {
        self.ways.max_offset = rows;
        self
    }

    /// Answers say no total.
    pub fn no_total(mut self) -> Self {
        self.ways.total = false;
        self
    }

    /// `updated_since` leaves out the rows of just that time.
    pub fn exclusive(mut self) -> Self {
        self.ways.inclusive = false;
        self
    }

    /// Rows come in the order of their insertion, whatever was asked for.
    pub fn unsorted(mut self) -> Self {
        self.ways.sorted = false;
        self
    }

    pub fn gzip(mut self) -> Self {
        self.ways.gzip = true;
        self
    }

    /// Each answer takes this long.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.ways.latency = latency;
        self
    }

    pub fn date(mut self, date: Date) -> Self {
        self.date = date;
        self
    }

    pub fn after_page(
        mut self,
        hook: impl FnMut(&mut Table, &Request, u64) + Send + 'static,
    ) -> Self {
        self.after_page = Box::new(hook);
        self
    }

    pub fn fault(
        mut self,
        hook: impl FnMut(&Request, u64) -> Option<Reply> + Send + 'static,
    ) -> Self {
        self.fault = Box::new(hook);
        self
    }

    pub fn start(self) -> Api {
        let shared = Arc::new(Shared {
            ways: self.ways,
            table: Mutex::new(self.table),
            date: Mutex::new(self.date),
            after_page: Mutex::new(self.after_page),
            fault: Mutex::new(self.fault),
            requests: AtomicU64::new(0),
            rows_sent: AtomicU64::new(0),
            rows_skipped: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
        });
        let server = {
            let shared = Arc::clone(&shared);
            Server::start(move |request| shared.answer(request))
        };
        Api { server, shared }
    }
}

impl Api {
    /// Over this table, as the contract has it.
    pub fn start(table: Table) -> Self {
        Self::over(table).start()
    }

    /// The same, with its ways still to be set; ends with `.start()`.
    pub fn over(table: Table) -> Options {
        Options {
            table,
            ways: Ways {
                max_limit: usize::MAX,
                max_offset: usize::MAX,
                total: true,
                inclusive: true,
                sorted: true,
                gzip: false,
                latency: Duration::ZERO,
            },
            date: Date::Clock,
            after_page: Box::new(|_, _, _| {}),
            fault: Box::new(|_, _| None),
        }
    }

    /// What to give to `--url`.
    pub fn url(&self) -> String {
        self.server.url("/pagination/offset")
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The table, to look at or to change. No page is served while this is held,
    /// so a hook must not call it.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap()
    }

    pub fn set_date(&self, date: Date) {
        *self.shared.date.lock().unwrap() = date;
    }

    /// Replaces the hook of that name.
    pub fn set_after_page(&self, hook: impl FnMut(&mut Table, &Request, u64) + Send + 'static) {
        *self.shared.after_page.lock().unwrap() = Box::new(hook);
    }

    /// Replaces the hook of that name.
    pub fn set_fault(&self, hook: impl FnMut(&Request, u64) -> Option<Reply> + Send + 'static) {
        *self.shared.fault.lock().unwrap() = Box::new(hook);
    }

    pub fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            requests: load(&self.shared.requests),
            rows_sent: load(&self.shared.rows_sent),
            rows_skipped: load(&self.shared.rows_skipped),
            bytes_sent: load(&self.shared.bytes_sent),
        }
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Reply {
        let nth = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = (self.fault.lock().unwrap())(request, nth);
        let mut reply = match fault {
            Some(reply) => reply,
            None => {
                let page = self.page(request, nth);
                let reply = page
                    .unwrap_or_else(|why| Reply::json(json!({ "error": why })).with_status(400));
                let reply = if self.ways.gzip { reply.gzip() } else { reply };
                count(&self.bytes_sent, reply.body.len());
                reply.after(self.ways.latency)
            }
        };
        let date = match *self.date.lock().unwrap() {
            Date::Clock => clock::now(),
            Date::At(time) => time,
            Date::Absent => return reply,
        };
        // A fault may tell a time of its own.
        if !reply
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("date"))
        {
            reply = reply.header("Date", clock::http_date(date));
        }
        reply
    }

    fn page(&self, request: &Request, nth: u64) -> Result<Reply, String> {
        let ways = &self.ways;
        if let Some(order) = request.param("order_type").filter(|&order| order != "asc") {
            return Err(format!("order_type {order} is not supported"));
        }
        let since = match request.param("updated_since") {
            None => None,
            Some(text) => {
                Some(clock::parse(text).ok_or_else(|| format!("updated_since {text} is no time"))?)
            }
        };
        let limit = number(request, "limit", 50)?;
        let offset = number(request, "offset", 0)?;
        if limit == 0 {
            return Err("limit must be at least 1".to_owned());
        }
        if offset > ways.max_offset {
            return Err(format!("offset must be at most {}", ways.max_offset));
        }
        let limit = limit.min(ways.max_limit);
        let sorted = ways.sorted && request.param("order_by") == Some("updatedAt");

        let mut table = self.table.lock().unwrap();
        let (rows, total) = if sorted {
            table.select(since, ways.inclusive, offset, limit)
        } else {
            table.select_unsorted(since, ways.inclusive, offset, limit)
        };
        count(&self.rows_sent, rows.len());
        count(&self.rows_skipped, offset.min(total));
        let size: usize = rows.iter().map(|row| row.json.len() + 1).sum();
        let mut body = Vec::with_capacity(size + 128);
        body.extend_from_slice(b"{\"data\":[");
        for (i, row) in rows.iter().enumerate() {
            if i > 0 {
                body.push(b',');
            }
            body.extend_from_slice(row.json.as_bytes());
        }
        write!(body, "],\"offset\":{offset},\"limit\":{limit}").unwrap();
        if ways.total {
            write!(body, ",\"total\":{total}").unwrap();
        }
        body.push(b'}');
        (self.after_page.lock().unwrap())(&mut table, request, nth);
        Ok(Reply::json(body))
    }
}

fn number(request: &Request, name: &str, default: usize) -> Result<usize, String> {
    let Some(text) = request.param(name) else {
        return Ok(default);
    };
    text.parse()
        .map_err(|_| format!("{name} {text} is no number"))
}

fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::SeqCst);
}
