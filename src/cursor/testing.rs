//! Pages and instants for the unit tests of the proofs.

use super::{Bound, Rows};
use crate::error::{Error, Result};
use crate::timestamp::{self, Instant};

/// Rows as key and instant in seconds.
pub(super) struct Page(Vec<(u32, i64)>);

impl Rows for Page {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn at(&self, row: usize) -> Instant {
        instant(self.0[row].1)
    }
    fn mark(&self, row: usize) -> String {
        timestamp::format(self.at(row))
    }
    fn id(&self, row: usize) -> String {
        self.0[row].0.to_string()
    }
    fn key(&self, row: usize) -> u64 {
        u64::from(self.0[row].0)
    }
    fn hash(&self, row: usize) -> u64 {
        self.0[row].1.unsigned_abs()
    }
}

pub(super) fn page(rows: &[(u32, i64)]) -> Page {
    Page(rows.to_vec())
}

pub(super) fn instant(secs: i64) -> Instant {
    Instant { secs, nanos: 0 }
}

pub(super) fn bound(at: Instant) -> Bound {
    Bound {
        text: Some(timestamp::format(at)),
        at,
    }
}

pub(super) fn reason<T>(result: Result<T>) -> String {
    result
        .err()
        .as_ref()
        .map(Error::to_string)
        .unwrap_or_default()
}
