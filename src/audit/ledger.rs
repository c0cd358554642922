//! Which rows the files have and which the walk has met: 24 bytes a key, in
//! pieces that never move, and one byte of what is known of it. Keys are told
//! apart by 128 bits, and versions ordered, as in the table.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Entries lie in pieces of so many.
const PIECE: usize = 1 << 14;

/// The row is in the files.
const FILED: u8 = 1;
/// In them it is so recent that it may not be seen everywhere.
const RECENT: u8 = 2;
/// The walk has met it,
const MET: u8 = 4;
/// in the version of the files,
const SAME: u8 = 8;
/// or in one that is too young to be judged.
const YOUNG: u8 = 16;
/// The repair says that it is gone.
const BURIED: u8 = 32;
/// Its content is that of another version that the walk has met.
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
    /// It differs, and is too young to be judged.
    Young,
    /// The API does not have it, or does not show it yet.
    Recent,
    /// The files say that it is gone, and the walk did not meet it.
    Gone,
}

/// A version in the files.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filed {
    /// What it says.
    pub(super) content: u64,
    /// Its place in the sequence.
    pub(super) seq: Option<u64>,
    /// It says that the row is gone.
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
    /// One more than an entry's number; 0 where there is none.
    slots: Vec<u32>,
    entries: Vec<Vec<Entry>>,
    marks: Vec<u8>,
    /// The largest sequence number so far, and each row's where they are kept.
    newest: u64,
    numbers: Option<Vec<u64>>,
    /// The entry that was found last.
    last: usize,
}

impl Ledger {
    /// An empty one. Versions that are numbered mostly come in that order; if
    /// not, a ledger is needed that is `numbered`, 8 bytes more a key.
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

    /// Forgets the order of the versions, which come again.
    pub(super) fn begin_again(&mut self) {
        self.newest = 0;
    }

    /// Notes what a version says that was filed before, where it is read anew.
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

    /// Notes that the walk has met a row, where the files have it like this; if
    /// not, nothing.
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

    /// Notes that the files' version is so recent that it may not be seen
    /// everywhere.
    pub(super) fn note_recent(&mut self, key: &[u8], recent: bool) {
        if let Some(number) = self.locate(key) {
            let others = self.marks[number] & !RECENT;
            self.marks[number] = others | if recent { RECENT } else { 0 };
        }
    }

    /// The number of a key. The walk mostly comes in the files' order.
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

    /// Notes a row that the walk has met; how it stands. None where there are
    /// too many rows.
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

    /// Whether it is still to be written that a row is gone; once.
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
        // The old ones go first: there is no room for both in a small memory.
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn filed(content: u64) -> Filed {
        Filed {
            content,
            ..Filed::default()
        }
    }

    #[test]
    fn the_last_version_that_was_met_says_how_a_row_stands() {
        let mut ledger = Ledger::new(false);
        for key in ["same", "older", "unmet", "moved"] {
            assert_eq!(ledger.file(key.as_bytes(), filed(1)), Ok(()));
        }
        assert_eq!(ledger.file(b"recent", filed(1)), Ok(()));
        ledger.note_recent(b"recent", true);
        let mut meet =
            |key: &str, content, young| ledger.meet(key.as_bytes(), content, young).unwrap();
        assert_eq!(meet("same", 1, false), Standing::Alike);
        assert_eq!(meet("older", 2, false), Standing::Older);
        assert_eq!(meet("older", 2, false), Standing::Older);
        assert_eq!(meet("new", 1, false), Standing::New);
        assert_eq!(meet("new", 1, false), Standing::New);
        assert_eq!(meet("moved", 1, false), Standing::Alike);
        assert_eq!(meet("moved", 2, true), Standing::Young);
        assert_eq!(ledger.standing(b"unmet"), Some(Standing::Unmet));
        assert_eq!(ledger.standing(b"recent"), Some(Standing::Recent));
        assert_eq!(ledger.standing(b"nobody"), None);
        assert_eq!((ledger.met(), ledger.count(Standing::Young)), (4, 1));
        // What was met last counts, not what was filed.
        assert!(ledger.meet_alike(b"same", 1) && ledger.meet_alike(b"unmet", 1));
        assert!(!ledger.meet_alike(b"older", 1) && !ledger.meet_alike(b"moved", 1));
        assert!(!ledger.meet_alike(b"new", 1) && !ledger.meet_alike(b"nobody", 1));
    }

    #[test]
    fn the_latest_version_in_the_files_counts_and_a_number_says_which_it_is() {
        let numbered = |seq, content| Filed {
            seq: Some(seq),
            ..filed(content)
        };
        let gone = Filed {
            deleted: true,
            ..filed(0)
        };
        let mut ledger = Ledger::new(false);
        for (key, version) in [
            ("a", numbered(4, 1)),
            ("a", numbered(5, 2)),
            ("b", filed(1)),
            ("b", gone),
            ("c", gone),
            ("c", filed(3)),
        ] {
            assert_eq!(ledger.file(key.as_bytes(), version), Ok(()));
        }
        assert_eq!(ledger.file(b"a", numbered(4, 3)), Err(Refused::Disordered));
        assert_eq!(ledger.filed(), 2);
        assert_eq!(ledger.standing(b"b"), Some(Standing::Gone));
        assert_eq!(ledger.meet(b"a", 2, false).unwrap(), Standing::Alike);
        assert_eq!(ledger.meet(b"b", 1, false).unwrap(), Standing::New);
        assert_eq!(ledger.meet(b"c", 3, false).unwrap(), Standing::Alike);
        let mut ledger = Ledger::new(true);
        for (seq, content) in [(5, 1), (4, 2), (6, 3), (6, 4), (3, 5)] {
            assert_eq!(ledger.file(b"a", numbered(seq, content)), Ok(()));
        }
        // One without a number is as late as all that stands before it.
        assert_eq!(ledger.file(b"b", filed(1)), Ok(()));
        assert_eq!(ledger.file(b"b", numbered(5, 2)), Ok(()));
        assert_eq!(ledger.meet(b"a", 4, false).unwrap(), Standing::Alike);
        assert_eq!(ledger.meet(b"b", 1, false).unwrap(), Standing::Alike);
    }

    #[test]
    fn a_row_that_differed_is_compared_again_with_what_was_met_last() {
        let mut ledger = Ledger::new(false);
        for key in ["alike", "other", "unmet"] {
            assert_eq!(ledger.file(key.as_bytes(), filed(1)), Ok(()));
        }
        for key in ["alike", "other"] {
            let met = ledger.meet(key.as_bytes(), 7, false).unwrap();
            assert_eq!(met, Standing::Older);
        }
        // What the files say is read anew, but that of these is not needed more.
        ledger.begin_again();
        for key in ["alike", "other"] {
            ledger.file_again(key.as_bytes(), filed(5));
        }
        // The last version of the files counts.
        for (key, content) in [("alike", 6), ("alike", 7), ("other", 7), ("other", 6)] {
            ledger.compare(key.as_bytes(), content);
        }
        ledger.compare(b"unmet", 7);
        ledger.compare(b"nobody", 7);
        assert_eq!(ledger.standing(b"alike"), Some(Standing::Alike));
        assert_eq!(ledger.standing(b"other"), Some(Standing::Older));
        assert_eq!(ledger.standing(b"unmet"), Some(Standing::Unmet));
        assert!(ledger.bury(b"unmet"));
        assert!(!ledger.bury(b"unmet") && !ledger.bury(b"alike"));
    }

    #[test]
    fn many_rows_are_told_apart_while_the_slots_grow() {
        let mut ledger = Ledger::new(false);
        for key in 0..50_000u32 {
            let row = filed(u64::from(key));
            assert_eq!(ledger.file(&key.to_le_bytes(), row), Ok(()));
        }
        for key in (0..50_000u32).filter(|key| key % 10 > 0) {
            let content = u64::from(key) + u64::from(key % 10 == 1);
            assert!(ledger.meet(&key.to_le_bytes(), content, false).is_some());
        }
        let counts = [Standing::Alike, Standing::Older, Standing::Unmet]
            .map(|standing| ledger.count(standing));
        assert_eq!(counts, [40_000, 5_000, 5_000]);
    }
}
