//! Witness: rows that are known to lie at or after a bound must come back when
//! a window opens there. One that comes back as it was confirms the bound for
//! this sync. Where those next to the bound do not come back, they are asked
//! for as they were reached the last time ([`super::inquiry`]). Where rows come
//! in no order, a window shows what it lacks when all of it was read ([`Roll`]).

use std::collections::HashMap;

use super::super::Rows;
use crate::timestamp::Instant;

/// A row that was delivered: its id and its instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cursor) struct Known {
    pub(in crate::cursor) id: String,
    pub(in crate::cursor) at: Instant,
}

/// What a window's first page says of its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cursor) enum Verdict {
    /// A row next to the bound came back as it was.
    Confirmed,
    /// No row that is known can have been on the page.
    Silent,
    /// These should have been on the page and were not.
    Missing(Vec<Known>),
}

/// Looks for the known rows on a window's first page. `whole` says that it
/// holds all rows from the bound on.
pub(in crate::cursor) fn judge<R: Rows>(page: &R, known: &[Known], whole: bool) -> Verdict {
    let Some(newest) = known.iter().map(|known| known.at).max() else {
        return Verdict::Silent;
    };
    let count = page.count();
    let mut came: HashMap<String, Vec<Instant>> = HashMap::new();
    for row in (0..count).take_while(|row| whole || page.at(*row) <= newest) {
        came.entry(page.id(row)).or_default().push(page.at(row));
    }
    let end = count.checked_sub(1).map(|row| page.at(row));
    let covered = |at: &Instant| whole || end.is_some_and(|end| *at < end);
    let back = known
        .iter()
        .filter(|row| came.get(&row.id).is_some_and(|came| came.contains(&row.at)))
        .map(|row| row.at)
        .min();
    let missing: Vec<Known> = known
        .iter()
        .filter(|row| covered(&row.at) && !came.contains_key(&row.id))
        .cloned()
        .collect();
    match (back, missing.iter().map(|row| row.at).min()) {
        (Some(back), Some(gone)) if back <= gone => Verdict::Confirmed,
        (_, Some(_)) => Verdict::Missing(missing),
        (Some(_), None) => Verdict::Confirmed,
        (None, None) => Verdict::Silent,
    }
}

/// Of the known rows so many next to the bound are looked for in a window over
/// rows in no order.
const WITNESSES: usize = 16;

/// Whether a known row came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Not,
    Newer,
    Unchanged,
}

/// A row whose name is called.
#[derive(Debug)]
struct Called {
    known: Known,
    came: Came,
}

/// The known rows next to a bound, as a window over rows in no order brings
/// them one after another.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Roll {
    rows: Vec<Called>,
}

impl Roll {
    /// Those of the known rows that are next to the bound.
    pub(in crate::cursor) fn new(mut known: Vec<Known>) -> Self {
        known.sort_unstable_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        known.truncate(WITNESSES);
        let came = Came::Not;
        let called = known.into_iter().map(|known| Called { known, came });
        Self {
            rows: called.collect(),
        }
    }

    /// Looks for them on a page.
    pub(in crate::cursor) fn pass<R: Rows>(&mut self, page: &R) {
        let Some(oldest) = self.rows.first().map(|row| row.known.at) else {
            return;
        };
        for row in (0..page.count()).filter(|row| page.at(*row) >= oldest) {
            let (id, at) = (page.id(row), page.at(row));
            for called in self.rows.iter_mut().filter(|row| row.known.id == id) {
                called.came = if at == called.known.at {
                    Came::Unchanged
                } else {
                    Came::Newer
                };
            }
        }
    }

    /// What the window says of its bound, all of whose rows were read.
    pub(in crate::cursor) fn judge(&self) -> Verdict {
        let that = |came| self.rows.iter().filter(move |row| row.came == came);
        let back = that(Came::Unchanged).next().map(|row| row.known.at);
        let missing: Vec<Known> = that(Came::Not)
            .map(|row| &row.known)
            .filter(|known| back.is_none_or(|back| known.at < back))
            .cloned()
            .collect();
        match (missing.is_empty(), back) {
            (false, _) => Verdict::Missing(missing),
            (true, Some(_)) => Verdict::Confirmed,
            (true, None) => Verdict::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{instant, page};
    use super::*;

    fn known(rows: &[(u32, i64)]) -> Vec<Known> {
        let row = |(id, at): &(u32, i64)| Known {
            id: id.to_string(),
            at: instant(*at),
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn a_row_that_comes_back_as_it_was_confirms_the_bound() {
        let page = page(&[(1, 5), (2, 6)]);
        let verdict = |rows: &[(u32, i64)]| judge(&page, &known(rows), true);
        assert_eq!(verdict(&[(1, 5)]), Verdict::Confirmed);
        assert_eq!(verdict(&[(1, 5), (9, 6)]), Verdict::Confirmed);
        assert_eq!(verdict(&[]), Verdict::Silent);
    }

    #[test]
    fn one_that_comes_back_newer_explains_its_absence() {
        let rows = page(&[(1, 8), (2, 9)]);
        assert_eq!(judge(&rows, &known(&[(1, 5)]), true), Verdict::Silent);
    }

    #[test]
    fn one_that_is_nearer_to_the_bound_than_those_that_came_back_is_missing() {
        let rows = page(&[(2, 6), (3, 7)]);
        let missing = judge(&rows, &known(&[(1, 5), (2, 6)]), true);
        assert_eq!(missing, Verdict::Missing(known(&[(1, 5)])));
        // What may be on a later page is not missing.
        assert_eq!(judge(&rows, &known(&[(1, 7)]), false), Verdict::Silent);
    }

    #[test]
    fn of_rows_in_no_order_those_next_to_the_bound_must_come_on_some_page() {
        let judged = |pages: &[&[(u32, i64)]]| {
            let mut roll = Roll::new(known(&[(3, 9), (1, 5), (2, 7)]));
            for rows in pages {
                roll.pass(&page(rows));
            }
            roll.judge()
        };
        assert_eq!(judged(&[&[(3, 9)], &[(9, 2), (1, 5)]]), Verdict::Confirmed);
        assert_eq!(
            judged(&[&[(3, 9)]]),
            Verdict::Missing(known(&[(1, 5), (2, 7)]))
        );
        // One that changed says nothing.
        assert_eq!(judged(&[&[(2, 7), (1, 11)]]), Verdict::Confirmed);
        assert_eq!(judged(&[&[(1, 11), (2, 12), (3, 13)]]), Verdict::Silent);
    }
}
