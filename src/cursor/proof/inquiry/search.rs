//! The search for the place of rows in a whole table that is sorted: at
//! doubling offsets, and then between two of them.

use super::super::super::{Rows, last_at};
use super::Limits;
use crate::timestamp::Instant;

/// The place lies between two offsets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Search {
    low: u64,
    high: Option<u64>,
    offset: u64,
}

/// What a page shows of the place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Narrowed {
    /// It has to be looked for here.
    To(Search),
    /// The rows are not there.
    Nowhere,
    /// It lies beyond what can be asked for.
    TooDeep,
}

impl Search {
    /// Where to look.
    pub(super) fn offset(self) -> u64 {
        self.offset
    }

    /// Whether it has not begun.
    pub(super) fn is_start(self) -> bool {
        self.offset == 0
    }

    /// Takes the page that was asked for. `rows` are how many the table has,
    /// and how many of them lie before the bound that is in doubt.
    pub(super) fn narrow<R: Rows>(
        mut self,
        page: &R,
        target: Instant,
        rows: Option<(u64, u64)>,
        limits: Limits,
    ) -> Narrowed {
        let Limits {
            limit,
            max_offset,
            step,
            ..
        } = limits;
        let starts_after = page.count() == 0 || page.at(0) > target;
        if !starts_after && last_at(page).is_some_and(|last| last > target) {
            return Narrowed::Nowhere;
        }
        if starts_after {
            self.high = Some(self.offset);
        } else {
            self.low = self.offset;
        }
        let end = self.offset + page.count() as u64;
        if self.high.is_none() && rows.is_some_and(|(total, _)| end >= total) {
            return Narrowed::Nowhere;
        }
        let next = match (self.high, rows) {
            (None, Some((_, before))) if self.offset == 0 => {
                before.saturating_sub(limit / 2).max(limit)
            }
            (None, _) => (self.offset * 2).max(self.offset + limit),
            (Some(high), _) => self.low + (high - self.low) / 2,
        };
        let next = next - next % step;
        if next <= self.low {
            return Narrowed::Nowhere;
        }
        if next > max_offset && rows.is_none() {
            return Narrowed::TooDeep;
        }
        Narrowed::To(Self {
            offset: next,
            ..self
        })
    }
}
