//! What the cursor needs to know of a page's rows, and no more.

use crate::page::View;
use crate::timestamp::Instant;

/// The rows of one answer that have a key and a timestamp, in their order.
pub trait Rows {
    /// How many there are.
    fn count(&self) -> usize;
    /// A row's timestamp.
    fn at(&self, row: usize) -> Instant;
    /// The timestamp as the API spelled it.
    fn mark(&self, row: usize) -> String;
    /// The primary key as text; a number and its text are two keys.
    fn id(&self, row: usize) -> String;
    /// The primary key as people know it.
    fn shown(&self, row: usize) -> String {
        self.id(row)
    }
    /// A hash of the primary key.
    fn key(&self, row: usize) -> u64;
    /// A hash of the content.
    fn hash(&self, row: usize) -> u64;
    /// How many rows of the answer are not among these, because they lack a
    /// key or a timestamp. They count where offsets are counted.
    fn skipped(&self) -> usize {
        0
    }
    /// The place of a row in the answer, those that were skipped included.
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
    fn shown(&self, row: usize) -> String {
        self.shown_id(row)
    }
    #[inline]
    fn key(&self, row: usize) -> u64 {
        View::key(self, row)
    }
    fn hash(&self, row: usize) -> u64 {
        View::hash(self, row)
    }
    fn skipped(&self) -> usize {
        View::skipped(self)
    }
    fn position(&self, row: usize) -> usize {
        View::position(self, row)
    }
}

/// The first row of the page's last timestamp.
pub(super) fn run_start<R: Rows>(page: &R) -> usize {
    let count = page.count();
    let last = |row: &usize| page.at(*row) == page.at(count - 1);
    count - (0..count).rev().take_while(last).count()
}

/// How many rows the answer holds, whether they can be used or not.
pub(super) fn positions<R: Rows>(page: &R) -> u64 {
    (page.count() + page.skipped()) as u64
}

/// The instant of the page's last row.
pub(super) fn last_at<R: Rows>(page: &R) -> Option<Instant> {
    page.count().checked_sub(1).map(|row| page.at(row))
}

/// The rows whose key another row of the same page and timestamp has, each
/// with the nearest earlier one.
pub(super) fn twins<R: Rows>(page: &R) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for row in 1..=page.count() {
        if row < page.count() && page.at(row) == page.at(start) {
            continue;
        }
        if row - start > 1 {
            let mut keys: Vec<(u64, usize)> =
                (start..row).map(|row| (page.key(row), row)).collect();
            keys.sort_unstable();
            let pairs = keys.windows(2).filter(|pair| pair[0].0 == pair[1].0);
            found.extend(pairs.map(|pair| (pair[0].1, pair[1].1)));
        }
        start = row;
    }
    found
}
