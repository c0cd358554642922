//! A checksum of the end of a file, so that another file of the same length is
//! told apart. It does not cover the whole: that would have to be read again
//! at every start.

use std::path::Path;

use crate::error::Result;
use crate::hash::{FNV, fnv};
use crate::store::{Store, failed};

/// How much of a file's end it covers.
const TAIL: u64 = 4096;

/// Follows the end of a file that is appended to.
#[derive(Debug, Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Takes what is appended.
    pub fn push(&mut self, bytes: &[u8]) {
        let keep = TAIL as usize;
        if bytes.len() >= keep {
            self.0.clear();
        } else {
            let surplus = (self.0.len() + bytes.len()).saturating_sub(keep);
            self.0.drain(..surplus);
        }
        self.0
            .extend_from_slice(&bytes[bytes.len().saturating_sub(keep)..]);
    }

    /// The checksum, as it is computed from the file.
    pub fn sum(&self) -> String {
        sum(&self.0)
    }
}

impl Store {
    /// A checksum of the last of a file's first `bytes`.
    pub(crate) fn tail(&self, path: &Path, bytes: u64) -> Result<String> {
        let read = self
            .disk
            .read_range(path, bytes.saturating_sub(TAIL), bytes);
        let tail = read.map_err(|error| failed("cannot read", path, &error))?;
        Ok(sum(&tail))
    }
}

fn sum(tail: &[u8]) -> String {
    format!("{:016x}", fnv(FNV, tail))
}
