//! A server over a table that answers as one kind of API does, and small parts
//! that the kinds have in common.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Request, Server};
use crate::support::table::{Render, Row, Table, Ties};

/// How one kind of API answers.
pub type Answer = fn(&Request, &Table) -> Reply;

/// Called after each answer that was no error, with its number from 1.
type Hook = dyn FnMut(&mut Table, u64) + Send;

struct Shared {
    table: Mutex<Table>,
    hook: Mutex<Box<Hook>>,
    served: Mutex<u64>,
}

/// The running API.
pub struct Model {
    server: Server,
    shared: Arc<Shared>,
}

/// A page of a selection, newest first.
pub fn falling<T>((rows, total): (Vec<&Row>, T), offset: usize, limit: usize) -> (Vec<&Row>, T) {
    let page = rows.into_iter().rev().skip(offset).take(limit);
    (page.collect(), total)
}

impl Model {
    pub fn start(
        table: Table,
        answer: impl Fn(&Request, &Table) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            table: Mutex::new(table),
            hook: Mutex::new(Box::new(|_, _| {})),
            served: Mutex::new(0),
        });
        let ours = Arc::clone(&shared);
        let server = Server::start(move |request| {
            let mut table = ours.table.lock().unwrap();
            let reply = answer(request, &table);
            if reply.status < 300 {
                let mut served = ours.served.lock().unwrap();
                *served += 1;
                (ours.hook.lock().unwrap())(&mut table, *served);
            }
            reply
        });
        Self { server, shared }
    }

    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    pub fn after_page(&self, hook: impl FnMut(&mut Table, u64) + Send + 'static) {
        *self.shared.hook.lock().unwrap() = Box::new(hook);
    }
}

/// `count` rows, six to ten seconds, three of them at once, two more at once a
/// little later: `part` is that little, in microseconds.
pub fn table(
    ties: Ties,
    render: Render,
    id: fn(usize) -> String,
    part: i64,
    count: usize,
) -> Table {
    let mut table = Table::rendered_by(ties, render);
    for number in 0..count {
        let within = [0, 0, 0, part, part, 2 * part][number % 6];
        let time = BASE + (number / 6) as i64 * 10 * SECOND + within;
        table.insert(&id(number), time);
    }
    table
}

/// A time to the millisecond, as JavaScript writes a date.
pub fn millis(micros: i64) -> String {
    let head = clock::rfc3339(micros.div_euclid(SECOND) * SECOND);
    format!(
        "{}.{:03}Z",
        head.trim_end_matches('Z'),
        micros.rem_euclid(SECOND) / 1000
    )
}

/// Ids from "1" on.
pub fn counted(number: usize) -> String {
    (number + 1).to_string()
}

/// A list of rows as JSON.
pub fn list(rows: &[&Row]) -> String {
    let rows: Vec<&str> = rows.iter().map(|row| &*row.json).collect();
    format!("[{}]", rows.join(","))
}

/// A parameter that must be a number where it is there, else None.
pub fn number(request: &Request, name: &str) -> Option<usize> {
    request.param(name)?.parse().ok()
}

/// An error's answer.
pub fn refuse(status: u16, body: Value) -> Reply {
    Reply::json(body).with_status(status)
}
