//! The newest rows of a table in no order, and where they were met.

use std::collections::BTreeMap;

use super::super::super::{Mark, Rows};
use crate::timestamp::Instant;

/// Rows by timestamp and key, each with its timestamp as the API spelled it
/// and the offset of the page that had it.
#[derive(Debug, Default)]
pub(super) struct Tail(BTreeMap<(Instant, u64), (String, u64)>);

impl Tail {
    /// Takes note of a page at this offset: of its rows that are not after
    /// `end`, as far as they are among the `most` newest.
    pub(super) fn pass<R: Rows>(&mut self, page: &R, end: Instant, offset: u64, most: usize) {
        for row in (0..page.count()).filter(|row| page.at(*row) <= end) {
            let place = (page.at(row), page.key(row));
            let full = self.0.len() >= most;
            if full && self.0.keys().next().is_some_and(|oldest| place < *oldest) {
                continue;
            }
            let entry = self.0.entry(place);
            entry.or_insert_with(|| (page.mark(row), offset));
            if self.0.len() > most {
                self.0.pop_first();
            }
        }
    }

    /// The offset of a page that has a row of this timestamp.
    pub(super) fn offset(&self, at: Instant) -> Option<u64> {
        let mut rows = self.0.range((at, 0)..=(at, u64::MAX));
        rows.next().map(|(_, (_, offset))| *offset)
    }

    /// The timestamps up to `end`, oldest first.
    pub(super) fn marks(&self, end: Instant) -> impl Iterator<Item = Mark> {
        let rows = self.0.range(..=(end, u64::MAX));
        rows.map(|((at, _), (text, _))| Mark {
            text: text.clone(),
            at: *at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::testing::{instant, page};
    use super::*;

    #[test]
    fn the_newest_timestamps_are_kept_with_the_offset_where_they_were_met_first() {
        let mut tail = Tail::default();
        tail.pass(&page(&[(1, 5), (2, 9), (3, 1)]), instant(8), 0, 2);
        tail.pass(&page(&[(4, 7), (5, 5), (6, 6)]), instant(8), 3, 2);
        let kept: Vec<_> = tail.marks(instant(8)).map(|mark| mark.at.secs).collect();
        assert_eq!(kept, [6, 7]);
        assert_eq!(tail.marks(instant(6)).count(), 1);
        assert_eq!(tail.offset(instant(7)), Some(3));
        assert_eq!(tail.offset(instant(5)), None);
    }
}
