//! The rows behind the models of known APIs, and what such an API does with
//! them: filter, sort, cut out a page.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use crate::support::clock::{BASE, SECOND};
use crate::support::http::{Request, Server};
use crate::support::reply::Reply;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) updated: i64,
    pub(crate) version: u64,
}

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ask {
    /// The bound, and whether its own rows pass.
    pub(crate) since: Option<(i64, bool)>,
    /// Sorted by the timestamp, and whether that falls; by the id else.
    pub(crate) falls: Option<bool>,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// How one kind of API answers.
pub(crate) type Answer = fn(&Request, &World) -> Reply;

/// All rows.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) rows: Vec<Row>,
}

/// The rows in reach of a server.
pub(crate) struct Shared {
    pub(crate) server: Server,
    world: Arc<Mutex<World>>,
}

impl World {
    /// Rows of whom three share a timestamp, in another order than their ids.
    pub(crate) fn new(count: u64) -> Self {
        let rows = (0..count).map(|number| Row {
            id: number + 1,
            updated: BASE + (number * 37 % count / 3) as i64 * 10 * SECOND,
            version: 1,
        });
        Self {
            rows: rows.collect(),
        }
    }

    /// The page that is asked for, and how many rows pass the filter.
    pub(crate) fn page(&self, ask: Ask) -> (Vec<Row>, usize) {
        let passes = |row: &&Row| match ask.since {
            None => true,
            Some((bound, true)) => row.updated >= bound,
            Some((bound, false)) => row.updated > bound,
        };
        let mut rows: Vec<Row> = self.rows.iter().filter(passes).cloned().collect();
        rows.sort_by_key(|row| row.id);
        if ask.falls.is_some() {
            rows.sort_by_key(|row| row.updated);
        }
        if ask.falls == Some(true) {
            rows.reverse();
        }
        let total = rows.len();
        let page = rows.into_iter().skip(ask.offset).take(ask.limit);
        (page.collect(), total)
    }

    /// Some rows change, some come in.
    pub(crate) fn change(&mut self) {
        let newest = self.rows.iter().map(|row| row.updated).max();
        let newest = newest.unwrap_or(BASE);
        for (number, row) in self.rows.iter_mut().step_by(9).enumerate() {
            row.updated = newest + (1 + number as i64) * SECOND;
            row.version += 1;
        }
        let last = self.rows.len() as u64;
        for number in 1..=5 {
            self.rows.push(Row {
                id: last + number,
                updated: newest + (100 + number as i64) * SECOND,
                version: 1,
            });
        }
    }
}

impl Shared {
    pub(crate) fn start(world: World, answer: Answer) -> Self {
        let world = Arc::new(Mutex::new(world));
        let ours = Arc::clone(&world);
        let server = Server::start(move |request| answer(request, &ours.lock().unwrap()));
        Self { server, world }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

/// A whole number out of a parameter: as it is left out, or no number at all.
pub(crate) fn number(request: &Request, name: &str, usual: usize) -> Result<usize, Reply> {
    match request.param(name) {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .map_err(|_| refuse(400, serde_json::json!({"error": name}))),
    }
}

/// An error's answer.
pub(crate) fn refuse(status: u16, body: Value) -> Reply {
    Reply::json(body).with_status(status)
}

/// The answer of either way.
pub(crate) fn either(reply: Result<Reply, Reply>) -> Reply {
    reply.unwrap_or_else(|refusal| refusal)
}
