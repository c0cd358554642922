//! What speaks against the walk, and what is only warned of.

use super::Cursor;
use super::proof::ground::Doubt;
use crate::error::Error;

impl Cursor {
    pub(in crate::cursor) fn unstable(&self) -> Error {
        let met = self.window.met();
        if met.has_twins() {
            return Error::contract("several rows have the same primary key and timestamp").hint(
                "name all fields that tell rows apart with \"primary_key\" in the connection file",
            );
        }
        let run = met.run_rows().max(1);
        let key = if met.again() > 0 {
            "; or the primary key does not tell all rows apart (\"primary_key\")"
        } else {
            ""
        };
        Error::contract(format!(
            "at least {run} rows share one timestamp, and the API keeps no stable order among them"
        ))
        .hint(format!("have the API sort by a second key, the primary key, with a parameter in \"query\"; or let a page hold them all: --page-size {}, or more; or a filter hides rows after paging{key}", 2 * run + 2))
    }

    /// Notes that an answer spoke against the walk, and from where on.
    pub(in crate::cursor) fn refute(&mut self, error: Error, doubt: Doubt) -> Error {
        self.marks.return_to(self.trust.refute(&error, doubt));
        if doubt == Doubt::Start {
            self.seen.merge(self.trust.initial());
        }
        error
    }

    pub(in crate::cursor) fn warn(&mut self, about: &'static str, text: &str) {
        if self.warned.insert(about) {
            log::warn!("{text}");
        }
    }
}
