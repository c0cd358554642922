//! What a state says of the files that it had written: the last name, the last
//! sequence number, the CSV's header, and which files a consumer still has to
//! be handed. It looks at no folder.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Part, is_name};
use crate::stamp::stamp_of;

/// So many files that wait are remembered one by one. Those beyond are found
/// in the folder when their turn comes, so that a consumer that is broken for
/// months does not make every commit dearer.
const MOST: usize = 1000;

/// No number that was ever given comes near this one.
const LARGEST: u64 = u64::MAX >> 2;

/// The files of a state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Files {
    /// The stamp of the last name that was given. No later file has a smaller
    /// one. None in a state of version 1.
    pub last: Option<String>,
    /// Rows in finished files; None where the state is older than the count.
    pub rows: Option<u64>,
    /// The last `_seq` that was given.
    pub seq: u64,
    /// The CSV's header, where no columns are declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Files that the sync under way has begun and filled before its present
    /// one; they are finished together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Part>,
    /// How far the hand-over got; None where there never was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
}

/// How far the hand-over got.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Load {
    /// The stamp of the last file that was handed over: it, and all before it.
    pub done: Option<String>,
    /// The files that wait, oldest first.
    pub waiting: Vec<Waiting>,
}

/// A finished file that was not handed over yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Waiting {
    /// Its name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// A checksum of its last 4 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// A consumer was started for it, which may have taken it away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tried: bool,
}

impl Files {
    /// The files of a first sync.
    pub fn first() -> Self {
        Self {
            rows: Some(0),
            ..Self::default()
        }
    }

    /// Takes files of a sync that have their final names now.
    pub fn finish(&mut self, part: &Part) {
        let closed = std::mem::take(&mut self.closed);
        for part in closed.iter().chain([part]) {
            self.rows = self.rows.map(|rows| rows.saturating_add(part.rows));
            let Some(load) = self.load.as_mut().filter(|_| part.bytes > 0) else {
                continue;
            };
            // The list has the oldest files: after one that is not in it, none
            // is.
            if load.waiting.len() < MOST {
                load.waiting.push(Waiting {
                    file: part.file.clone(),
                    bytes: part.bytes,
                    rows: part.rows,
                    tail: part.tail.clone(),
                    tried: false,
                });
            }
        }
    }

    /// What is wrong with them, if something is.
    pub(super) fn fault(&self) -> Option<String> {
        if self.seq > LARGEST {
            return Some(format!("{} is no sequence number", self.seq));
        }
        let load = self.load.iter();
        let waiting = load.clone().flat_map(|load| &load.waiting);
        let names = waiting.map(|waiting| &waiting.file);
        let mut names = names.chain(self.closed.iter().map(|part| &part.file));
        if let Some(bad) = names.find(|name| !is_name(name)) {
            return Some(format!("{bad:?} is no file's name"));
        }
        let done = load.filter_map(|load| load.done.as_ref());
        let mut stamps = self.last.iter().chain(done);
        let bad = stamps.find(|stamp| stamp_of(stamp).is_none())?;
        Some(format!("{bad:?} is no file's stamp"))
    }
}
