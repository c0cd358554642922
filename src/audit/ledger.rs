//! Which rows the files have and which of them the walk has met: 24 bytes a
//! key, in pieces that never move in memory, and one byte for how the row
//! stands. Keys are told apart by 128 bits, and versions are ordered as in the
//! table.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// The number of entries in a piece.
const PIECE: usize = 1 << 14;

/// The row is in the files.
const FILED: u8 = 1;
/// The row in the files is so recent that it may not be visible everywhere.
const RECENT: u8 = 2;
/// The walk has met the row,
const MET: u8 = 4;
/// in the version of the files,
const SAME: u8 = 8;
/// or in a version that is too young to be judged.
const YOUNG: u8 = 16;
/// The repair has written that the row is deleted.
const BURIED: u8 = 32;
/// The content is that of another version, which the walk has met.
const OTHER: u8 = 64;

/// How a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The files have the version that the API has.
    Alike,
    /// The files never had it.
    New,
    /// The files have another version.
    Older,
    /// The API does not have it.
    Unmet,
    /// The row differs, and is too young to be judged.
    Young,
    /// The API does not have it, or does not show it yet.
    Recent,
    /// The files say that the row is deleted, and the walk did not meet it.
    Gone,
}

/// A version in the files.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filed {
    /// Its content, as a hash.
    pub(super) content: u64,
    /// Its number in the sequence.
    pub(super) seq: Option<u64>,
    /// Whether it says that the row is deleted.
    pub(super) deleted: bool,
}

/// Why a version was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There are too many rows.
    Full,
    /// Versions do not come in the order of their numbers, which this ledger
    /// does not keep.
    Disordered,
}

#[derive(Clone, Copy)]
struct Entry {
    key: [u64; 2],
    content: u64,
}

/// The rows.
pub(super) struct Ledger {
    hashers: [RandomState; 2],
    /// An entry's number plus one; 0 where there is no entry.
    slots: Vec<u32>,
    entries: Vec<Vec<Entry>>,
    marks: Vec<u8>,
    /// The largest sequence number so far, and the number of each row where
    /// these are kept.
    newest: u64,
    numbers: Option<Vec<u64>>,
    /// The entry that was found last.
    last: usize,
}

impl Ledger {
    /// An empty ledger. Versions that have numbers mostly come in the order of
    /// these. If they do not, a ledger with `numbered` is needed, which takes 8
    /// more bytes a key.
    pub(super) fn new(numbered: bool) -> Self {
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            slots: vec![0; 1 << 10],
            entries: Vec::new(),
            marks: Vec::new(),
            newest: 0,
            numbers: numbered.then(Vec::new),
            last: 0,
        }
    }

    /// Notes a version in the files, the latest of its row so far unless its
    /// number says otherwise.
    ///
    /// # Errors
    /// Where there are too many rows, or another ledger is needed.
    pub(super) fn file(&mut self, key: &[u8], version: Filed) -> Result<(), Refused> {
        let seq = version.seq.unwrap_or(self.newest);
        if seq < self.newest && self.numbers.is_none() {
            return Err(Refused::Disordered);
        }
        self.newest = self.newest.max(seq);
        let (number, fresh) = self.get(key, version.content).ok_or(Refused::Full)?;
        if let Some(numbers) = &mut self.numbers {
            match numbers.get_mut(number) {
                Some(known) if *known > seq => return Ok(()),
                Some(known) => *known = seq,
                None => numbers.push(seq),
            }
        }
        if !fresh {
            self.entry_mut(number).content = version.content;
        }
        self.marks[number] = if version.deleted { 0 } else { FILED };
        Ok(())
    }

    /// Forgets the order of the versions, because they come a second time.
    pub(super) fn begin_again(&mut self) {
        self.newest = 0;
    }

    /// Notes the content of a version that was filed before, where it is read
    /// anew.
    pub(super) fn file_again(&mut self, key: &[u8], version: Filed) {
        let seq = version.seq.unwrap_or(self.newest);
        self.newest = self.newest.max(seq);
        let Some(number) = self.locate(key) else {
            return;
        };
        let known = self
            .numbers
            .as_ref()
            .and_then(|numbers| numbers.get(number));
        let later = known.is_some_and(|known| *known > seq);
        if !later && self.marks[number] & OTHER == 0 {
            self.entry_mut(number).content = version.content;
        }
    }

    /// Notes that the walk has met a row where the files have it in this
    /// version; otherwise notes nothing.
    pub(super) fn meet_alike(&mut self, key: &[u8], content: u64) -> bool {
        let Some(number) = self.locate(key) else {
            return false;
        };
        let marks = self.marks[number];
        let alike = marks & (FILED | OTHER) == FILED && self.entry(number).content == content;
        if alike {
            self.marks[number] = (marks | MET | SAME) & !YOUNG;
        }
        alike
    }

    /// Whether the files have a row of this key.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let number = self.find(self.hash(key)).1;
        number.is_some_and(|number| self.marks[number] & FILED != 0)
    }

    /// Notes that the version in the files is so recent that it may not be
    /// visible everywhere.
    pub(super) fn note_recent(&mut self, key: &[u8], recent: bool) {
        if let Some(number) = self.locate(key) {
            let others = self.marks[number] & !RECENT;
            self.marks[number] = others | if recent { RECENT } else { 0 };
        }
    }

    /// The number of a key. The walk mostly comes in the order of the files.
    fn locate(&mut self, key: &[u8]) -> Option<usize> {
        let key = self.hash(key);
        let next = self.last + 1;
        let number = match next < self.marks.len() && self.entry(next).key == key {
            true => Some(next),
            false => self.find(key).1,
        };
        self.last = number.unwrap_or(self.last);
        number
    }

    /// Notes a row that the walk has met, and answers how it stands. None where
    /// there are too many rows.
    #[must_use]
    pub(super) fn meet(&mut self, key: &[u8], content: u64, young: bool) -> Option<Standing> {
        let (number, fresh) = self.get(key, content)?;
        let filed = self.marks[number] & FILED != 0;
        let other = self.marks[number] & OTHER != 0;
        let same = filed && !other && self.entry(number).content == content;
        let mut kept = self.marks[number] & (FILED | RECENT | OTHER);
        if !same && !fresh {
            kept |= OTHER;
            self.entry_mut(number).content = content;
        }
        let same = if same { SAME } else { 0 };
        self.marks[number] = kept | MET | same | if young { YOUNG } else { 0 };
        let standing = self.stands(number);
        Some(standing)
    }

    /// Notes that the API has a row that cannot be compared.
    pub(super) fn excuse(&mut self, key: &[u8]) {
        if let Some(number) = self.find(self.hash(key)).1 {
            self.marks[number] |= MET | SAME;
        }
    }

    /// Compares a version of the files again with the one that the walk met
    /// last, where they differed. The last version that is compared counts.
    pub(super) fn compare(&mut self, key: &[u8], content: u64) {
        let Some(number) = self.find(self.hash(key)).1 else {
            return;
        };
        if self.marks[number] & (OTHER | FILED | MET) == OTHER | FILED | MET {
            let same = self.entry(number).content == content;
            let others = self.marks[number] & !SAME;
            self.marks[number] = others | if same { SAME } else { 0 };
        }
    }

    /// Whether it still has to be written that a row is deleted. Answers so
    /// once.
    pub(super) fn bury(&mut self, key: &[u8]) -> bool {
        let Some(number) = self.find(self.hash(key)).1 else {
            return false;
        };
        let due = self.stands(number) == Standing::Unmet && self.marks[number] & BURIED == 0;
        self.marks[number] |= if due { BURIED } else { 0 };
        due
    }

    /// How many rows the files have.
    pub(super) fn filed(&self) -> u64 {
        self.marks
            .iter()
            .filter(|marks| **marks & FILED != 0)
            .count() as u64
    }

    /// How a row stands; None where it is not known.
    pub(super) fn standing(&self, key: &[u8]) -> Option<Standing> {
        self.find(self.hash(key))
            .1
            .map(|number| self.stands(number))
    }

    /// How many rows stand like this.
    pub(super) fn count(&self, standing: Standing) -> u64 {
        let all = 0..self.marks.len();
        all.filter(|number| self.stands(*number) == standing)
            .count() as u64
    }

    /// How many rows the walk has met.
    pub(super) fn met(&self) -> u64 {
        self.marks.iter().filter(|marks| **marks & MET != 0).count() as u64
    }

    fn stands(&self, number: usize) -> Standing {
        let marks = self.marks[number];
        let has = |mark: u8| marks & mark != 0;
        match (has(MET), has(FILED)) {
            (false, false) => Standing::Gone,
            (false, true) if has(RECENT) => Standing::Recent,
            (false, true) => Standing::Unmet,
            (true, true) if has(SAME) => Standing::Alike,
            (true, _) if has(YOUNG) => Standing::Young,
            (true, true) => Standing::Older,
            (true, false) => Standing::New,
        }
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        [self.hashers[0].hash_one(key), self.hashers[1].hash_one(key)]
    }

    fn entry(&self, number: usize) -> &Entry {
        &self.entries[number / PIECE][number % PIECE]
    }

    fn entry_mut(&mut self, number: usize) -> &mut Entry {
        &mut self.entries[number / PIECE][number % PIECE]
    }

    /// The slot of a key, and its entry's number if it has one.
    fn find(&self, key: [u64; 2]) -> (usize, Option<usize>) {
        let mask = self.slots.len() - 1;
        let mut slot = key[0] as usize & mask;
        while let Some(number) = self.slots[slot].checked_sub(1) {
            if self.entry(number as usize).key == key {
                return (slot, Some(number as usize));
            }
            slot = (slot + 1) & mask;
        }
        (slot, None)
    }

    /// The entry of a key, and whether it was added.
    fn get(&mut self, key: &[u8], content: u64) -> Option<(usize, bool)> {
        let key = self.hash(key);
        let (slot, found) = self.find(key);
        if let Some(number) = found {
            return Some((number, false));
        }
        let number = self.marks.len();
        self.slots[slot] = u32::try_from(number + 1).ok()?;
        if number.is_multiple_of(PIECE) {
            self.entries.push(Vec::with_capacity(PIECE));
        }
        if let Some(piece) = self.entries.last_mut() {
            piece.push(Entry { key, content });
        }
        self.marks.push(0);
        if self.marks.len() * 4 > self.slots.len() * 3 {
            self.grow();
        }
        Some((number, true))
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        // The old slots are dropped first: a small memory has no room for both.
        self.slots = Vec::new();
        self.slots = vec![0; mask + 1];
        for (number, entry) in (1..).zip(self.entries.iter().flatten()) {
            let mut slot = entry.key[0] as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number;
        }
    }
}

#[cfg(test)]
mod tests;
