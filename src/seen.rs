//! The versions of rows that were delivered, each with its instant, from a
//! bound on. It drops a version that comes again unchanged, and versions older
//! than one that was delivered (from a replica that lags behind), and lets new
//! ones pass. Versions are forgotten by their own instants, so that there are
//! never more of them than rows from the bound on, however often the table is
//! synced.

use std::collections::HashMap;

use crate::timestamp::Instant;

/// The newest version of a row: its instant, and the hashes of what came with
/// it. Almost always that is one.
#[derive(Debug, Clone)]
struct Entry {
    at: Instant,
    /// Whether the instant is the row's own, and not only one that is not
    /// earlier, as in a state of version 1.
    dated: bool,
    hash: u64,
    more: Vec<u64>,
}

impl Entry {
    fn has(&self, hash: u64) -> bool {
        self.hash == hash || self.more.contains(&hash)
    }
}

/// A row's newest version as a state keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The primary key as text.
    pub id: String,
    /// The row's instant, None where a state of version 1 did not say.
    pub at: Option<Instant>,
    /// Hashes of the contents that came with this instant.
    pub hashes: Vec<u64>,
}

/// How a version of a row relates to what was delivered of that row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was not delivered, and nothing newer was.
    New,
    /// It was delivered.
    Delivered,
    /// A newer version of the row was delivered, and this is its instant.
    Older(Instant),
}

/// Delivered rows by id.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    entries: HashMap<String, Entry>,
    /// No entry is older; entries older than a bound need a look only where
    /// the bound has passed this.
    oldest: Option<Instant>,
    /// No entry is younger; rows beyond it need no look at all.
    newest: Option<Instant>,
    /// Whether ids are of version 1, where a number and its text were one.
    untyped: bool,
}

impl Seen {
    /// The rows that a state vouches for. Where their own instants are not
    /// in it, none is later than `mark`.
    pub fn load(versions: impl IntoIterator<Item = Version>, mark: Instant) -> Self {
        let mut seen = Self::default();
        for version in versions {
            seen.untyped |= version.at.is_none();
            let at = version.at.unwrap_or(mark);
            let dated = version.at.is_some();
            seen.widen(at);
            let mut hashes = version.hashes.into_iter();
            if let Some(hash) = hashes.next() {
                let more = hashes.collect();
                let entry = Entry {
                    at,
                    dated,
                    hash,
                    more,
                };
                seen.entries.insert(version.id, entry);
            }
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

    fn widen(&mut self, at: Instant) {
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
        self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
    }

    /// Remembers a version that was delivered.
    pub fn insert(&mut self, id: String, hash: u64, at: Instant) {
        self.widen(at);
        let fresh = Entry {
            at,
            dated: true,
            hash,
            more: Vec::new(),
        };
        let entry = self.entries.entry(id).or_insert_with(|| fresh.clone());
        if !entry.dated || entry.at != at {
            *entry = fresh;
        } else if !entry.has(hash) {
            entry.more.push(hash);
        }
    }

    /// Whether a row of this instant can be among them at all.
    #[inline]
    pub fn covers(&self, at: Instant) -> bool {
        self.newest.is_some_and(|newest| at <= newest)
    }

    /// How a version stands to what was delivered.
    pub fn judge(&self, id: &str, hash: u64, at: Instant) -> Standing {
        match self.get(id) {
            Some(entry) if entry.has(hash) && (!entry.dated || at == entry.at) => {
                Standing::Delivered
            }
            Some(entry) if entry.dated && at < entry.at => Standing::Older(entry.at),
            _ => Standing::New,
        }
    }

    fn get(&self, id: &str) -> Option<&Entry> {
        let plain = || self.entries.get(id.strip_prefix(NUMBER)?);
        let found = self.entries.get(id);
        found.or_else(|| self.untyped.then(plain)?)
    }

    /// The rows whose own instants are known and not before this one.
    pub fn from(&self, bound: Instant) -> impl Iterator<Item = (&str, Instant)> {
        let entries = self.entries.iter();
        entries
            .filter(move |(_, entry)| entry.dated && entry.at >= bound)
            .map(|(id, entry)| (id.as_str(), entry.at))
    }

    /// Forgets a row, as where it was deleted.
    pub fn forget(&mut self, id: &str) {
        self.entries.remove(id);
    }

    /// Forgets the versions older than `bound`.
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

    /// Adds what `other` knows and this does not.
    pub fn merge(&mut self, other: &Self) {
        for (id, entry) in &other.entries {
            if !self.entries.contains_key(id) {
                self.widen(entry.at);
                self.entries.insert(id.clone(), entry.clone());
            }
        }
        self.untyped |= other.untyped;
    }

    /// The versions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Version> {
        self.entries.iter().map(|(id, entry)| {
            let mut hashes = vec![entry.hash];
            hashes.extend(&entry.more);
            Version {
                id: id.clone(),
                at: entry.dated.then_some(entry.at),
                hashes,
            }
        })
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

/// What an id begins with where the primary key is a number; a text that
/// begins so gets one more.
pub const NUMBER: char = '#';

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Instant {
        Instant { secs, nanos: 0 }
    }

    #[test]
    fn a_version_is_new_once_and_older_than_a_newer_one() {
        let mut seen = Seen::default();
        seen.insert("a".into(), 1, at(5));
        assert_eq!(seen.judge("a", 1, at(5)), Standing::Delivered);
        assert_eq!(seen.judge("a", 2, at(5)), Standing::New);
        assert_eq!(seen.judge("a", 1, at(6)), Standing::New);
        assert_eq!(seen.judge("a", 9, at(4)), Standing::Older(at(5)));
        seen.insert("a".into(), 2, at(5));
        for hash in [1, 2] {
            assert_eq!(seen.judge("a", hash, at(5)), Standing::Delivered);
        }
    }

    #[test]
    fn what_a_state_of_version_1_vouches_for_is_known_by_its_hash_alone() {
        let version = |id: &str| Version {
            id: id.into(),
            at: None,
            hashes: vec![7],
        };
        let seen = Seen::load([version("1")], at(9));
        for id in ["1", "#1"] {
            assert_eq!(seen.judge(id, 7, at(3)), Standing::Delivered);
            assert_eq!(seen.judge(id, 8, at(3)), Standing::New);
        }
        assert_eq!(seen.from(Instant::MIN).count(), 0);
    }

    #[test]
    fn versions_are_forgotten_by_their_own_instants() {
        let mut seen = Seen::default();
        for n in 0..10 {
            seen.insert(n.to_string(), 1, at(n));
        }
        seen.forget_before(at(8));
        assert_eq!(seen.len(), 2);
        assert_eq!(seen.from(at(9)).collect::<Vec<_>>(), [("9", at(9))]);
    }
}
