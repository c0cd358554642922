//! A connection that a test writes itself, over a table whose API filters as
//! that test wants it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::contract::delivered;
use crate::model::{Model, list, number};
use crate::support::http::{Reply, Request};
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, highwater, run};

/// The connection, its API, and where it is synced to.
pub struct Custom {
    pub model: Model,
    pub scratch: Scratch,
    config: PathBuf,
}

impl Custom {
    pub fn start(
        connection: Value,
        table: Table,
        answer: impl Fn(&Request, &Table) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scratch = Scratch::new();
        let config = scratch.write("connection.json", connection.to_string());
        Self {
            model: Model::start(table, answer),
            scratch,
            config,
        }
    }

    pub fn sync(&self, flags: &[&str]) -> Outcome {
        run(highwater(self.scratch.path())
            .args(["sync", "--max-retries", "0", "--config"])
            .arg(&self.config)
            .args(["--url", &self.model.url("/rows")])
            .args(flags))
    }

    /// The rows of a sync that must succeed.
    #[track_caller]
    pub fn rows(&self, flags: &[&str]) -> Vec<Value> {
        let receipt = self.sync(flags).expect(0).receipt();
        assert_eq!(receipt["complete"], true, "{receipt}");
        delivered(self.scratch.path(), &receipt)
    }

    /// What stood for `{since}` in each request so far.
    pub fn bounds(&self) -> Vec<Option<String>> {
        let requests = self.model.requests();
        let bound = |request: &Request| request.param("updated_since").map(str::to_owned);
        requests.iter().map(bound).collect()
    }

    pub fn state(&self) -> Value {
        let text = std::fs::read(self.scratch.join("out/state.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// A page as the default contract has it, of the rows since then.
pub fn page(request: &Request, table: &Table, since: Option<i64>, inclusive: bool) -> Reply {
    let limit = number(request, "limit").unwrap();
    let offset = number(request, "offset").unwrap();
    let (rows, total) = table.select(since, inclusive, offset, limit);
    let data = list(&rows);
    Reply::json(format!(
        "{{\"data\":{data},\"offset\":{offset},\"total\":{total}}}"
    ))
}

/// A page by a bound that `read` understands, else 400.
pub fn filtered(request: &Request, table: &Table, read: fn(&str) -> Option<i64>) -> Reply {
    match request.param("updated_since").map(read) {
        Some(None) => Reply::json(json!({"error": "no such time"})).with_status(400),
        since => page(request, table, since.flatten(), true),
    }
}
