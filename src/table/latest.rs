//! Which version of each key is the latest, from one pass over all versions in
//! the order of their files. It holds 40 bytes a key and two bits a version,
//! and no row: a second pass over the files asks it which rows to take.
//!
//! Versions count from 0. A version has a sequence number where it carries one,
//! else the largest that was met before it; of two versions of a key the later
//! one is the one with the larger number, and of equal ones the one that comes
//! later. So the order is a total one whatever carries a number and what does
//! not, and the latest version stays the latest when it is copied to the end
//! and others go: that is what compaction stands on.
//!
//! Keys are told apart by 128 bits: two SipHashes under different random keys.
//! That any two of a million keys share them has a chance below 1 in 10^26, and
//! nobody who chooses keys can raise it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// What is known of a key.
#[derive(Clone, Copy)]
struct Entry {
    hash: [u64; 2],
    /// The number of its latest version.
    version: u64,
    /// That version's place in the sequence.
    seq: u64,
}

/// How many entries a piece has. Entries lie in pieces so that growing moves
/// none of them.
const PIECE: usize = 1 << 14;

/// A set of versions.
#[derive(Default)]
struct Versions(Vec<u64>);

impl Versions {
    fn put(&mut self, version: u64, there: bool) {
        let (word, bit) = ((version / 64) as usize, 1 << (version % 64));
        if there {
            if self.0.len() <= word {
                self.0.resize(word + 1, 0);
            }
            self.0[word] |= bit;
        } else if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    fn has(&self, version: u64) -> bool {
        let word = self.0.get((version / 64) as usize);
        word.is_some_and(|word| word & (1 << (version % 64)) != 0)
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// Follows the versions of all keys.
pub(super) struct Latest {
    hashers: [RandomState; 2],
    /// One more than an entry's number; 0 where there is none. Its length is a
    /// power of two.
    slots: Vec<u32>,
    entries: Vec<Vec<Entry>>,
    keys: usize,
    versions: u64,
    /// The largest sequence number so far.
    newest: u64,
    live: Versions,
    deleted: Versions,
}

impl Default for Latest {
    fn default() -> Self {
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            slots: vec![0; 1 << 10],
            entries: Vec::new(),
            keys: 0,
            versions: 0,
            newest: 0,
            live: Versions::default(),
            deleted: Versions::default(),
        }
    }
}

impl Latest {
    /// Takes the next version: its key's bytes, its sequence number, and
    /// whether it says that the row is gone. False where there are more keys
    /// than can be counted.
    #[must_use]
    pub(super) fn note(&mut self, key: &[u8], seq: Option<u64>, deleted: bool) -> bool {
        let version = self.versions;
        self.versions += 1;
        self.newest = self.newest.max(seq.unwrap_or(0));
        let entry = Entry {
            hash: [self.hashers[0].hash_one(key), self.hashers[1].hash_one(key)],
            version,
            seq: seq.unwrap_or(self.newest),
        };
        let slot = self.find(entry.hash);
        if let Some(number) = self.slots[slot].checked_sub(1) {
            let known = self.entry(number);
            if known.seq > entry.seq {
                return true;
            }
            let before = std::mem::replace(known, entry).version;
            self.live.put(before, false);
            self.deleted.put(before, false);
        } else if !self.add(slot, entry) {
            return false;
        }
        match deleted {
            true => self.deleted.put(version, true),
            false => self.live.put(version, true),
        }
        true
    }

    /// How many versions there were.
    pub(super) fn versions(&self) -> u64 {
        self.versions
    }

    /// How many rows the table has.
    pub(super) fn rows(&self) -> u64 {
        self.live.len()
    }

    /// How many keys end in a version which says that the row is deleted.
    pub(super) fn gone(&self) -> u64 {
        self.deleted.len()
    }

    /// Whether this version is a row of the table.
    pub(super) fn is_row(&self, version: u64) -> bool {
        self.live.has(version)
    }

    /// Whether this version is the latest of its key and says that the row is
    /// gone.
    pub(super) fn is_gone(&self, version: u64) -> bool {
        self.deleted.has(version)
    }

    /// Forgets the keys, once all versions are taken.
    pub(super) fn settle(&mut self) {
        (self.slots, self.entries) = (vec![0; 1], Vec::new());
    }

    fn entry(&mut self, number: u32) -> &mut Entry {
        let number = number as usize;
        &mut self.entries[number / PIECE][number % PIECE]
    }

    /// The slot of a key, or the empty one where it belongs.
    fn find(&self, hash: [u64; 2]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash[0] as usize & mask;
        while let Some(number) = self.slots[slot].checked_sub(1) {
            let number = number as usize;
            if self.entries[number / PIECE][number % PIECE].hash == hash {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn add(&mut self, slot: usize, entry: Entry) -> bool {
        let Ok(number) = u32::try_from(self.keys + 1) else {
            return false;
        };
        if self.keys.is_multiple_of(PIECE) {
            self.entries.push(Vec::with_capacity(PIECE));
        }
        if let Some(piece) = self.entries.last_mut() {
            piece.push(entry);
        }
        self.slots[slot] = number;
        self.keys += 1;
        // Most keys are then found at the first slot.
        if self.keys * 4 > self.slots.len() * 3 {
            self.grow();
        }
        true
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        // The old slots are dropped first: a small memory has no room for both.
        self.slots = Vec::new();
        self.slots = vec![0; mask + 1];
        for (number, entry) in (1..).zip(self.entries.iter().flatten()) {
            let mut slot = entry.hash[0] as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(versions: &[(&str, Option<u64>, bool)]) -> (Vec<u64>, Vec<u64>) {
        let mut latest = Latest::default();
        for (key, seq, deleted) in versions {
            assert!(latest.note(key.as_bytes(), *seq, *deleted));
        }
        latest.settle();
        let all = 0..latest.versions();
        let rows: Vec<u64> = all.clone().filter(|at| latest.is_row(*at)).collect();
        let gone: Vec<u64> = all.filter(|at| latest.is_gone(*at)).collect();
        assert_eq!(latest.rows(), rows.len() as u64);
        assert_eq!(latest.gone(), gone.len() as u64);
        (rows, gone)
    }

    #[test]
    fn the_last_version_is_the_latest_unless_a_sequence_says_otherwise() {
        let plain = [
            ("a", None, false),
            ("b", None, false),
            ("a", None, false),
            ("", None, false),
        ];
        assert_eq!(table(&plain).0, [1, 2, 3]);
        let numbered = [
            ("a", Some(7), false),
            ("a", Some(6), false),
            ("b", Some(8), false),
            ("b", Some(8), false),
        ];
        assert_eq!(table(&numbered).0, [0, 3]);
        // A version without a number is as late as everything before it.
        let mixed = [
            ("a", Some(5), false),
            ("a", None, false),
            ("a", Some(3), false),
            ("b", Some(9), false),
            ("a", Some(6), false),
        ];
        assert_eq!(table(&mixed[..4]).0, [1, 3]);
        assert_eq!(table(&mixed).0, [3, 4]);
    }

    #[test]
    fn a_row_that_is_gone_comes_back_with_a_later_version() {
        let gone = [
            ("a", None, false),
            ("b", None, false),
            ("a", None, true),
            ("b", None, true),
            ("b", None, false),
        ];
        assert_eq!(table(&gone), (vec![4], vec![2]));
    }

    #[test]
    fn many_keys_are_told_apart_while_the_slots_grow() {
        let mut latest = Latest::default();
        for round in 0..3 {
            for key in 0..50_000_u32 {
                assert!(latest.note(&key.to_le_bytes(), None, round == 2 && key % 10 == 0));
            }
        }
        assert_eq!((latest.rows(), latest.gone()), (45_000, 5_000));
        assert!((0..100_000).all(|version| !latest.is_row(version)));
        assert!(latest.is_gone(100_000) && latest.is_row(100_001));
    }
}
