//! Local times that the clocks of a zone show twice: which of the two instants
//! each row of a page carries.
//!
//! A text that is earlier than the one before it, in rows that are sorted, is
//! of the second hour, and so is all that follows it there. What was read as
//! such stays so on later pages. Everything else is of the first hour: rows
//! that an API sorts by their texts mix both hours in an order in which nothing
//! is out of place. It is no verdict on which hour a row was really written in,
//! which is why bounds never name that hour.

use std::collections::HashMap;

use super::Page;
use crate::config::Connection;
use crate::hash::{FNV, fnv};
use crate::json;
use crate::timestamp::Instant;

/// What is remembered, from page to page, of rows in an hour that comes twice.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// Key and text of each such row, and whether it is of the second hour.
    known: HashMap<u64, bool>,
    /// Whether the last row of the last page was.
    second: bool,
}

/// A row in such an hour.
struct Twice {
    row: usize,
    /// As it was read: the first instant.
    first: Instant,
    second: Instant,
    known: Option<bool>,
    name: u64,
}

impl Page {
    /// Gives rows of the second hour their instant.
    pub(super) fn unfold(&mut self, body: &[u8], connection: &Connection) {
        let was_second = std::mem::take(&mut self.fold.second);
        let mut run: Vec<Twice> = Vec::new();
        for row in 0..=self.rows.len() {
            let next = self
                .rows
                .get(row)
                .and_then(|_| self.twice(row, body, connection));
            let joins = |next: &Twice| {
                let last = run.last().map(|last| last.second);
                last.is_none_or(|second| next.first < second)
            };
            if let Some(next) = next.as_ref().filter(|next| !joins(next)) {
                // This is the hour of another change, right after the first
                // one.
                debug_assert!(next.row == row);
                self.settle_run(&run, was_second);
                run.clear();
            }
            match next {
                Some(next) => run.push(next),
                None => {
                    self.settle_run(&run, was_second);
                    run.clear();
                }
            }
        }
    }

    fn twice(&self, row: usize, body: &[u8], connection: &Connection) -> Option<Twice> {
        let found = &self.rows[row];
        let mark = found.mark.of(body);
        let second = connection.since.format.twice(&json::text(mark))?;
        let keys = connection.primary_key.len();
        let ids = &self.ids[row * keys..(row + 1) * keys];
        let name = ids
            .iter()
            .fold(fnv(FNV, mark), |hash, id| fnv(hash, id.of(body)));
        Some(Twice {
            row,
            first: found.at,
            second,
            known: self.fold.known.get(&name).copied(),
            name,
        })
    }

    /// Decides on rows of one such hour that follow each other.
    fn settle_run(&mut self, run: &[Twice], was_second: bool) {
        let Some(begin) = run.first() else {
            return;
        };
        let back = (1..run.len()).find(|n| run[*n].first < run[n - 1].first);
        let known = run.iter().position(|twice| twice.known == Some(true));
        let known = known.map(|second| {
            // A new row right before a row of the second hour is taken for a
            // row of the second hour, too: where that is later than the truth,
            // the check that pages join notices it.
            let mut firsts = run[..second].iter();
            firsts
                .rposition(|twice| twice.known == Some(false))
                .map_or(0, |last| last + 1)
        });
        let goes_on = begin.row == 0 && was_second;
        let goes_on = goes_on && run.iter().all(|twice| twice.known != Some(false));
        let from = match (back, known) {
            (Some(back), Some(known)) => back.min(known),
            (Some(from), None) | (None, Some(from)) => from,
            (None, None) if goes_on => 0,
            (None, None) => run.len(),
        };
        for (n, twice) in run.iter().enumerate() {
            let second = n >= from;
            if second {
                self.rows[twice.row].at = twice.second;
            }
            self.fold.known.insert(twice.name, second);
            if twice.row + 1 == self.rows.len() {
                self.fold.second = second;
            }
        }
    }
}
