//! Where there is neither a number nor an offset, each page is a window, and a
//! page from whose last timestamp the API shows nothing newer is the end. That
//! holds as long as a page can show what follows that timestamp, so a page
//! that is full of one timestamp is refused.

use super::super::proof::end::Sign;
use super::super::proof::ground::Doubt;
use super::super::{Cursor, Rows, last_at};
use crate::error::{Error, Result};
use crate::timestamp::Instant;

/// How many rows the API sends at once, where it sends fewer than it is asked
/// for: as many as two pages have after which there were more.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Keyset {
    before: Option<Before>,
    /// The rows of a page after which there were more.
    cut: Option<u64>,
    /// The rows of two such pages.
    most: Option<u64>,
}

/// The page before.
#[derive(Debug, Clone, Copy)]
struct Before {
    rows: u64,
    last: Instant,
}

impl Keyset {
    /// Takes note of a page of so many rows. Those up to `ripe` were there when
    /// the page before it was asked for.
    fn pass<R: Rows>(&mut self, page: &R, rows: u64, ripe: Instant) {
        let Some(last) = last_at(page) else {
            return;
        };
        if let Some(before) = self.before {
            let follows = |row| page.at(row) > before.last && page.at(row) < ripe;
            if (0..page.count()).any(follows) {
                let again = self.cut.replace(before.rows) == Some(before.rows);
                self.most = self.most.max(self.cut.filter(|_| again));
            }
        }
        self.before = Some(Before { rows, last });
    }
}

impl Cursor {
    /// Turns where each page is a window; true where there is none.
    pub(in crate::cursor) fn turn_key<R: Rows>(
        &mut self,
        page: &R,
        sign: Sign,
        stopped: bool,
    ) -> Result<bool> {
        let anchor = self.anchor();
        if stopped || sign.rows == 0 || sign.more == Some(false) {
            return self.conclude();
        }
        if !self.set.sorted() {
            return self.end_unsorted();
        }
        if self.is_left_for_later() {
            return self.conclude();
        }
        let ripe = self.clock.ripe_at(self.clock.began());
        self.keyset.pass(page, sign.rows, ripe);
        if self.helps(&anchor) {
            self.open(anchor)?;
            return Ok(false);
        }
        if !self.may_hide_rows(sign) {
            return self.conclude();
        }
        let error = Error::contract("one timestamp fills the page, and the API has no way to ask for what follows")
            .hint("let a page hold all rows of one timestamp: --page-size; or page by offset or number with {offset} or {page}");
        Err(self.refute(error, Doubt::Here))
    }

    /// Whether more rows may follow a page that no later bound follows. Where
    /// the API was not told how many to send, a round number is a full page.
    fn may_hide_rows(&self, sign: Sign) -> bool {
        let full = if self.set.limits {
            sign.rows >= self.set.limit
        } else {
            sign.rows.is_multiple_of(10)
        };
        let told = sign.total.is_some_and(|total| total > sign.reached);
        full || told || self.keyset.most.is_some_and(|most| sign.rows >= most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, page};
    use super::*;

    #[test]
    fn two_pages_after_which_there_were_more_rows_tell_the_size_of_pages() {
        let mut keyset = Keyset::default();
        let pages: [&[(u32, i64)]; 4] = [
            &[(1, 1), (2, 2)],
            &[(2, 2), (3, 3)],
            &[(3, 3), (4, 4)],
            &[(4, 4)],
        ];
        for (rows, most) in pages.into_iter().zip([None, None, Some(2), Some(2)]) {
            keyset.pass(&page(rows), rows.len() as u64, instant(9));
            assert_eq!(keyset.most, most);
        }
    }

    #[test]
    fn rows_that_come_in_now_and_then_tell_nothing() {
        let mut keyset = Keyset::default();
        let pages: [&[(u32, i64)]; 3] = [&[(1, 1), (2, 2)], &[(2, 2), (3, 9)], &[(3, 9), (4, 10)]];
        for rows in pages {
            keyset.pass(&page(rows), rows.len() as u64, instant(9));
            assert_eq!(keyset.most, None);
        }
    }
}
