//! The rows from a bound on that were delivered already: id and content hash.
//! It drops what comes again unchanged and lets new versions pass. It holds
//! no more than the rows from the bound on.

use std::collections::HashMap;

use crate::timestamp::Instant;

/// One delivered row.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    at: Instant,
}

/// Delivered rows by id.
#[derive(Debug, Default)]
pub struct Seen {
    entries: HashMap<String, Entry>,
    /// No entry is older; entries older than a bound need a look only where
    /// the bound has passed this.
    oldest: Option<Instant>,
    /// No entry is younger; rows beyond it need no look at all.
    newest: Option<Instant>,
}

impl Seen {
    /// The rows that a state vouches for. Their own instants are not in it;
    /// none is later than `mark`.
    pub fn load(rows: impl IntoIterator<Item = (String, u64)>, mark: Instant) -> Self {
        let mut seen = Self::default();
        for (id, hash) in rows {
            seen.insert(id, hash, mark);
        }
        seen
    }

    /// Says that rows of any instant may be among them, as where a walk over
    /// rows in no order was broken off before its mark moved.
    pub fn cover_all(&mut self) {
        if !self.entries.is_empty() {
            self.newest = Some(Instant::MAX);
        }
    }

    /// Remembers a row, its latest version only.
    pub fn insert(&mut self, id: String, hash: u64, at: Instant) {
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
        self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
        self.entries.insert(id, Entry { hash, at });
    }

    /// Whether a row of this instant can be among them at all.
    #[inline]
    pub fn covers(&self, at: Instant) -> bool {
        self.newest.is_some_and(|newest| at <= newest)
    }

    /// Whether this very version was delivered.
    pub fn holds(&self, id: &str, hash: u64) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.hash == hash)
    }

    /// How many rows of just this instant there are.
    pub fn count_at(&self, at: Instant) -> usize {
        self.entries.values().filter(|entry| entry.at == at).count()
    }

    /// Forgets the rows older than `bound`.
    pub fn forget_before(&mut self, bound: Instant) {
        if self.oldest.is_none_or(|oldest| oldest >= bound) {
            return;
        }
        self.entries.retain(|_, entry| entry.at >= bound);
        if self.entries.capacity() > 4 * self.entries.len() + 64 {
            self.entries.shrink_to_fit();
        }
        self.oldest = self.entries.values().map(|entry| entry.at).min();
        if self.entries.is_empty() {
            self.newest = None;
        }
    }

    /// The rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.entries
            .iter()
            .map(|(id, entry)| (id.as_str(), entry.hash))
    }

    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
