//! The end: a sync of more than one request is not over where a total, a
//! short page or an empty page says so, but when a window at the last
//! timestamp says so too. That finds capped results, totals that count the
//! page, rows that are hidden after paging, and pages that are refused.

use super::super::Rows;
use crate::error::Error;
use crate::timestamp::Instant;

/// What a page says of the end of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cursor) struct Sign {
    /// Rows on the page.
    pub(in crate::cursor) rows: u64,
    /// The position after its last row.
    pub(in crate::cursor) reached: u64,
    /// Rows that pass the filter, where the API tells and it can be so.
    pub(in crate::cursor) total: Option<u64>,
    /// Whether more follows, where the API tells.
    pub(in crate::cursor) more: Option<bool>,
    /// Rows that were asked for.
    pub(in crate::cursor) limit: u64,
    /// Rows of the largest page before it.
    pub(in crate::cursor) largest: Option<u64>,
}

impl Sign {
    /// Whether the page is as large as the API's pages are.
    pub(in crate::cursor) fn is_full(self) -> bool {
        self.rows >= self.limit || self.largest.is_some_and(|largest| self.rows >= largest)
    }

    /// Whether it looks like the end.
    pub(in crate::cursor) fn is_end(self) -> bool {
        match (self.total, self.more) {
            (Some(total), _) => self.reached >= total,
            (None, Some(more)) => !more || self.rows == 0,
            (None, None) => !self.is_full(),
        }
    }

    /// Whether a total may count the page's own rows: then it is no end, unless
    /// the answer says besides that nothing follows.
    pub(in crate::cursor) fn may_count_the_page(self) -> bool {
        self.total == Some(self.rows) && self.is_full() && self.more != Some(false)
    }

    /// Whether the page does not look like one that was cut to the API's own
    /// size, which is a round number.
    pub(in crate::cursor) fn is_short(self) -> bool {
        let round = self.rows > 0 && self.rows.is_multiple_of(10);
        !self.is_full() && !round
    }

    /// Whether one answer is enough to believe the end: its total says so, and
    /// its page is short.
    pub(in crate::cursor) fn is_plain(self) -> bool {
        self.total.is_some() && self.is_short()
    }
}

/// Rows that were seen beyond the page that looked like the last.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cursor) struct Beyond {
    offset: u64,
    old: bool,
}

impl Beyond {
    /// What the page at an offset shows: at these places rows that were not
    /// met. Those older than `ripe` were there all the time.
    pub(in crate::cursor) fn new<R: Rows>(
        page: &R,
        rows: &[usize],
        offset: u64,
        ripe: Instant,
    ) -> Self {
        let old = rows.iter().any(|row| page.at(*row) < ripe);
        Self { offset, old }
    }

    /// Whether some were there all the time. Others may have come and gone.
    pub(in crate::cursor) fn is_old(self) -> bool {
        self.old
    }

    /// The error where the next page does not bring them.
    pub(in crate::cursor) fn refute(self) -> Error {
        Error::contract(format!(
            "rows are hidden: the API shows none before offset {} and some from there on",
            self.offset
        ))
        .hint("it pages first and takes away rows afterwards (permissions, deleted rows, a filter): ask with rights to all rows, or with a page that is larger than what is hidden: --page-size")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, page};
    use super::*;

    fn sign(rows: u64, reached: u64, total: Option<u64>) -> Sign {
        Sign {
            rows,
            reached,
            total,
            more: None,
            limit: 50,
            largest: None,
        }
    }

    #[test]
    fn a_total_that_is_reached_or_a_short_page_looks_like_the_end() {
        assert!(sign(50, 150, Some(150)).is_end() && !sign(50, 150, Some(151)).is_end());
        assert!(sign(49, 99, None).is_end() && !sign(50, 100, None).is_end());
    }

    #[test]
    fn what_the_api_says_of_more_pages_goes_before_a_short_page() {
        let says = |more, rows| Sign {
            more: Some(more),
            ..sign(rows, 100, None)
        };
        assert!(says(false, 50).is_end() && !says(true, 20).is_end());
        assert!(says(true, 0).is_end());
    }

    #[test]
    fn rows_beyond_the_end_are_hidden_only_if_they_were_there_all_the_time() {
        let rows = page(&[(1, 5), (2, 9)]);
        let beyond = |places: &[usize]| Beyond::new(&rows, places, 7, instant(9));
        assert!(beyond(&[0, 1]).is_old() && !beyond(&[1]).is_old());
        assert!(
            beyond(&[0])
                .refute()
                .to_string()
                .contains("before offset 7")
        );
    }

    #[test]
    fn a_full_or_round_page_is_not_believed_by_its_total_alone() {
        assert!(sign(7, 7, Some(7)).is_plain());
        assert!(!sign(50, 50, Some(50)).is_plain() && !sign(20, 20, Some(20)).is_plain());
        assert!(sign(50, 50, Some(50)).may_count_the_page());
        assert!(!sign(7, 7, Some(7)).may_count_the_page());
    }
}
