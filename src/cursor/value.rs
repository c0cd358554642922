//! What goes into a cursor and what comes out of it.

use std::ops::Range;
use std::time::Duration;

use crate::page::View;
use crate::seen::Seen;
use crate::timestamp::{Format, Instant};

/// What the cursor needs to know of a page's rows.
pub trait Rows {
    /// How many there are.
    fn count(&self) -> usize;
    /// A row's timestamp.
    fn at(&self, row: usize) -> Instant;
    /// The timestamp as the API spelled it.
    fn mark(&self, row: usize) -> String;
    /// The primary key as text.
    fn id(&self, row: usize) -> String;
    /// A hash of the content.
    fn hash(&self, row: usize) -> u64;
    /// Whether two rows have the same primary key.
    fn same_id(&self, one: usize, other: usize) -> bool {
        self.id(one) == self.id(other)
    }
    /// How many rows of the answer's list are not among these.
    fn skipped(&self) -> usize {
        0
    }
    /// Where a row is in the answer's list.
    fn position(&self, row: usize) -> usize {
        row
    }
}

impl Rows for View<'_> {
    fn count(&self) -> usize {
        self.len()
    }
    #[inline]
    fn at(&self, row: usize) -> Instant {
        View::at(self, row)
    }
    fn mark(&self, row: usize) -> String {
        View::mark(self, row)
    }
    fn id(&self, row: usize) -> String {
        View::id(self, row)
    }
    fn hash(&self, row: usize) -> u64 {
        View::hash(self, row)
    }
    fn same_id(&self, one: usize, other: usize) -> bool {
        View::same_id(self, one, other)
    }
    fn skipped(&self) -> usize {
        View::skipped(self)
    }
    fn position(&self, row: usize) -> usize {
        View::position(self, row)
    }
}

/// A timestamp that the API sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// As the API spelled it.
    pub text: String,
    /// What it means.
    pub at: Instant,
}

impl Mark {
    /// A row's.
    pub fn of<R: Rows>(page: &R, row: usize) -> Self {
        Self {
            text: page.mark(row),
            at: page.at(row),
        }
    }
}

/// Where a window starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What stands for `{since}`, None for no filter at all.
    pub text: Option<String>,
    /// The instant that the text says.
    pub at: Instant,
}

impl Bound {
    /// The bound at a mark as this format spells it, which cuts downwards.
    pub fn spelled(mark: &Mark, format: &Format) -> Self {
        Self {
            text: Some(format.spell(&mark.text, mark.at)),
            at: format.cut(mark.at),
        }
    }

    /// The same with the text that a state keeps of it.
    pub(super) fn noted(&self, format: &Format) -> Self {
        let text = self.text.as_ref();
        Self {
            text: text.map(|text| format.noted(text, self.at)),
            at: self.at,
        }
    }
}

/// How to walk.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Rows to ask for at once.
    pub limit: u64,
    /// The offset to stay below by opening new windows.
    pub max_offset: u64,
    /// Whether the API leaves out rows at the bound itself.
    pub exclusive: bool,
    /// Whether the API sorts by the cursor, ascending.
    pub sorted: bool,
    /// Whether pages are numbered, so that they cannot overlap.
    pub by_page: bool,
    /// How bounds are spelled.
    pub format: Format,
    /// How long after its timestamp a row may become visible.
    pub lookback: Duration,
    /// Rows at or after this instant are left for another sync.
    pub until: Option<Instant>,
    /// Off in tests only, to show what the plain walk loses.
    #[doc(hidden)]
    pub overlap: bool,
}

/// Where a sync takes up.
#[derive(Debug)]
pub struct Start {
    /// Where the first window starts.
    pub bound: Bound,
    /// The high-water mark so far.
    pub mark: Option<Mark>,
    /// The rows from the bound on that were delivered.
    pub seen: Seen,
}

/// What comes of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The rows to deliver, in order.
    pub deliver: Vec<Range<usize>>,
    /// Whether the sync is complete.
    pub done: bool,
    /// Why the page was discarded, where it was.
    pub drift: Option<&'static str>,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Windows opened.
    pub windows: u64,
    /// Pages that showed that rows had moved.
    pub drifts: u64,
    /// Rows that came again and were dropped.
    pub duplicates: u64,
}
