//! Where the rows go. A sink takes batches in order and makes each durable
//! before it says so; it does not know what a row is.

pub mod behind;
pub mod file;
pub mod stdout;

use crate::checkpoint::Progress;
use crate::error::Result;
use crate::load::{Loaded, Loader};
use crate::row::Lead;

/// The rows of a page, encoded, and the progress that they commit.
#[derive(Debug, Default)]
pub struct Batch {
    /// The rows' lines.
    pub lines: Vec<u8>,
    /// How many rows these are.
    pub rows: u64,
    /// The lines of the rows that were set aside.
    pub rejects: Vec<u8>,
    /// How many rows these lines are.
    pub rejected: u64,
    /// What the state is to know of the lines.
    pub lead: Lead,
    /// What is committed with the rows; without it they wait for the next
    /// batch that has it.
    pub progress: Option<Progress>,
}

impl Batch {
    /// Empties it and keeps its buffers.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.rejects.clear();
        (self.rows, self.rejected, self.progress) = (0, 0, None);
        self.lead = Lead::default();
    }
}

/// What a sink reports about a sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The file, None where there was nothing to write.
    pub file: Option<String>,
    /// The files that were filled before it, since its header had to change.
    pub before: Vec<String>,
    /// The file of the rows that were set aside.
    pub rejects: Option<String>,
    /// Rows that are committed.
    pub rows: u64,
    /// Rows set aside that are committed.
    pub rejected: u64,
    /// The high-water mark that is committed.
    pub mark: Option<String>,
}

/// Takes batches in order.
pub trait Sink: Send {
    /// Appends a batch and commits it together with its progress.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`]. What was committed before stays good,
    /// and nothing may be appended after it.
    fn append(&mut self, batch: &Batch) -> Result<()>;

    /// Ends the sync, after its last batch or after a failure of the source.
    /// `complete` says which.
    ///
    /// # Errors
    /// As [`Sink::append`].
    fn finish(&mut self, complete: bool) -> Result<Outcome>;

    /// Hands finished files to a loader, after [`Sink::finish`].
    ///
    /// # Errors
    /// The second part: [`crate::error::Kind::Local`], the loader's or the
    /// disk's. The files that it does not count are handed over again.
    fn hand_over(&mut self, _: &mut dyn Loader) -> (Loaded, Result<()>) {
        (Loaded::default(), Ok(()))
    }

    /// What is committed so far, under whatever name.
    fn committed(&self) -> Outcome;
}
