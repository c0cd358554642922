//! Inquiry: known rows that did not come back at a bound are asked for as they
//! were reached the last time. If they are there, unchanged, and still not at
//! the bound, the filter leaves out rows of its own bound. If they are not
//! there, they were changed or deleted, which is no proof of anything, so that
//! a busy table is never accused. Where nothing at all is there any more,
//! rights, the filter or the table are gone.

mod explain;
mod search;

use std::time::Duration;

use super::super::rows::last_at;
use super::super::{Bound, Paging, Question, Rows, Settings};
use super::witness::Known;
use crate::error::Error;
use crate::timestamp::Instant;
use explain::LeftOut;
use search::{Narrowed, Search};

/// How long to wait before a bound is asked for once more.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is.
const AGAIN: u32 = 2;
/// Requests that looking for a row may take.
const MOST: u32 = 40;

/// Looks for rows that did not come back.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Inquiry {
    bound: Bound,
    missing: Vec<Known>,
    /// The first row that the bound showed.
    shown: Option<Instant>,
    /// How many rows the bound showed, where the API told.
    total: Option<u64>,
    beginning: Bound,
    limits: Limits,
    /// Rows up to here are visible to whoever asks.
    ripe: Instant,
    stage: Stage,
    /// Whether rows are in no order.
    near: bool,
    requests: u32,
}

/// How an inquiry may ask.
#[derive(Debug, Clone, Copy)]
pub(in crate::cursor) struct Limits {
    /// Rows a page.
    pub(in crate::cursor) limit: u64,
    /// The offset that none is asked beyond.
    pub(in crate::cursor) max_offset: u64,
    /// Offsets are multiples of this, which is not 0.
    pub(in crate::cursor) step: u64,
    /// Whether pages can be asked for by offset or number at all.
    pub(in crate::cursor) by_offset: bool,
}

impl Limits {
    /// Those of the settings.
    pub(in crate::cursor) fn of(set: &Settings) -> Self {
        Self {
            limit: set.limit,
            max_offset: set.max_offset,
            step: if set.by_page() { set.limit.max(1) } else { 1 },
            by_offset: set.paging != Paging::Keyset,
        }
    }
}

#[derive(Debug, Clone)]
enum Stage {
    /// As they were reached the last time, or further back from there.
    Reached { question: Question, back: u64 },
    /// In the whole table.
    Table(Search),
    /// From a timestamp on after which the table has rows.
    Filter { since: String, tries: u32 },
    /// Where rows are in no order, at this page and those next to it.
    Near { question: Question, nth: usize },
    /// At the bound, once more.
    Again { found: Found, tries: u32 },
}

/// Where a row that did not come back was found.
#[derive(Debug, Clone)]
struct Found {
    at: Instant,
    /// The timestamps from it on, there.
    after: Vec<Instant>,
    /// Whether it is none of those, but one that an empty answer left out.
    other: bool,
}

/// What an answer to an inquiry shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cursor) enum Finding {
    /// More must be asked.
    More,
    /// The rows were changed or deleted; these are not there at all.
    Gone(Vec<Known>),
    /// The rows are back at the bound.
    Back,
    /// The bound cannot be believed.
    Refuted(Error),
}

impl Inquiry {
    /// Starts to look for these rows, which a window at this bound lacks; the
    /// first row that it showed is `shown`.
    pub(in crate::cursor) fn new(
        missing: Vec<Known>,
        shown: Option<Instant>,
        total: Option<u64>,
        bound: Bound,
        question: Option<Question>,
        beginning: Bound,
        limits: Limits,
    ) -> Self {
        let older = question.filter(|question| question.since != bound.text);
        let stage = match older {
            Some(question) => Stage::Reached {
                question,
                back: limits.limit,
            },
            None => Stage::Table(Search::default()),
        };
        Self {
            shown,
            bound,
            missing,
            total,
            beginning,
            limits,
            ripe: Instant::MIN,
            stage,
            near: false,
            requests: 0,
        }
    }

    /// The same where rows up to `ripe` are visible to whoever asks: one of
    /// those after a bound that shows none is left out.
    pub(in crate::cursor) fn ripe(self, ripe: Instant) -> Self {
        Self { ripe, ..self }
    }

    /// The same where rows are in no order: a row that is not near the place
    /// where it was met is not looked for any further.
    pub(in crate::cursor) fn unordered(mut self) -> Self {
        self.near = true;
        if let Stage::Reached { question, .. } = self.stage {
            self.stage = Stage::Near { question, nth: 0 };
        }
        self
    }

    /// What to ask for: `{since}`, the offset, and how long to wait before.
    pub(in crate::cursor) fn ask(&self) -> (Option<&str>, u64, Duration) {
        match &self.stage {
            Stage::Reached { question, .. } => {
                (question.since.as_deref(), question.offset, Duration::ZERO)
            }
            Stage::Near { question, nth } => {
                let offset = self.near(question.offset, *nth).unwrap_or_default();
                (question.since.as_deref(), offset, Duration::ZERO)
            }
            Stage::Table(search) => (
                self.beginning.text.as_deref(),
                search.offset(),
                Duration::ZERO,
            ),
            Stage::Filter { since, .. } => (Some(since), 0, PAUSE),
            Stage::Again { .. } => (self.bound.text.as_deref(), 0, PAUSE),
        }
    }

    /// Takes an answer.
    pub(in crate::cursor) fn hear<R: Rows>(&mut self, page: &R, total: Option<u64>) -> Finding {
        self.requests += 1;
        if let Stage::Again { found, tries } = &self.stage {
            let (found, tries) = (found.clone(), *tries);
            return self.hear_again(page, found, tries);
        }
        if let Some(found) = self.find(page) {
            self.stage = Stage::Again { found, tries: 1 };
            return Finding::More;
        }
        if self.requests > MOST {
            return self.gone(page);
        }
        match self.stage.clone() {
            Stage::Reached { question, back } => self.go_back(page, question, back),
            Stage::Table(search) => self.search(page, total, search),
            Stage::Filter { since, tries } => self.hear_filter(page, since, tries),
            Stage::Near { question, nth } => {
                let nth = nth + 1;
                if self.near(question.offset, nth).is_none() {
                    return Finding::Gone(Vec::new());
                }
                self.stage = Stage::Near { question, nth };
                Finding::More
            }
            Stage::Again { .. } => Finding::More,
        }
    }

    /// The offsets that are looked at where rows are in no order: that of the
    /// page where a row was met, those before it, to which it moves up where
    /// others leave, and the one after it.
    fn near(&self, offset: u64, nth: usize) -> Option<u64> {
        let back = |pages: u64| offset.checked_sub(pages * self.limits.limit);
        let half = offset.checked_sub(self.limits.limit / 2);
        let offsets = [
            Some(offset),
            half,
            back(1),
            back(2),
            Some(offset + self.limits.limit),
        ];
        let mut offsets = offsets.into_iter().flatten();
        offsets
            .nth(nth)
            .map(|offset| offset - offset % self.limits.step)
    }

    /// A missing row on this page, as it was.
    fn find<R: Rows>(&self, page: &R) -> Option<Found> {
        let missing = |row: &usize| {
            let (id, at) = (page.id(*row), page.at(*row));
            self.missing
                .iter()
                .any(|known| known.id == id && known.at == at)
        };
        let rows = 0..page.count();
        let near = |row: &usize| self.missing.iter().any(|known| known.at == page.at(*row));
        let known = rows.clone().filter(near).find(missing);
        let left_out = |row: &usize| {
            let at = page.at(*row);
            self.shown.is_none() && at > self.bound.at && at <= self.ripe
        };
        let row = known.or_else(|| rows.clone().find(left_out))?;
        let after = (row..page.count()).map(|row| page.at(row)).collect();
        let at = page.at(row);
        Some(Found {
            at,
            after,
            other: known.is_none(),
        })
    }

    /// The rows are not where they were. Those whose place the page shows are
    /// not there at all.
    fn gone<R: Rows>(&self, page: &R) -> Finding {
        let count = page.count();
        let shows = |at: Instant| count > 0 && page.at(0) <= at && at < page.at(count - 1);
        let missing = self.missing.iter();
        Finding::Gone(missing.filter(|row| shows(row.at)).cloned().collect())
    }

    fn target(&self) -> Instant {
        let newest = self.missing.iter().map(|row| row.at).max();
        newest.unwrap_or(self.bound.at)
    }

    /// Rows that left before them have moved them up.
    fn go_back<R: Rows>(&mut self, page: &R, mut question: Question, back: u64) -> Finding {
        let starts_after = page.count() == 0 || page.at(0) > self.target();
        if starts_after && question.offset > 0 {
            question.offset = question.offset.saturating_sub(back);
            question.offset -= question.offset % self.limits.step;
            let back = back.saturating_mul(2);
            self.stage = Stage::Reached { question, back };
            return Finding::More;
        }
        let full = page.count() as u64 >= self.limits.limit;
        let ends_before = last_at(page).is_some_and(|at| at < self.target());
        if ends_before && full && back == self.limits.limit {
            // Rows that came in before them have moved them down.
            question.offset += page.count() as u64;
            self.stage = Stage::Reached { question, back };
            return Finding::More;
        }
        if starts_after {
            // None of the rows that were there then is there now.
            self.stage = Stage::Table(Search::default());
            return Finding::More;
        }
        self.gone(page)
    }

    /// Looks for the place of the rows in the whole table.
    fn search<R: Rows>(&mut self, page: &R, total: Option<u64>, search: Search) -> Finding {
        if page.count() == 0 && search.is_start() {
            return Finding::Refuted(
                Error::contract("the API shows no row any more, not even from the beginning on, though rows of it were delivered")
                    .hint("has the token lost its rights, or does the filter match nothing? If the table was emptied, start over with --full-refresh"),
            );
        }
        if !self.limits.by_offset {
            return self.try_filter(page);
        }
        let rows = total.map(|total| (total, total.saturating_sub(self.total.unwrap_or(0))));
        match search.narrow(page, self.target(), rows, self.limits) {
            Narrowed::To(search) => {
                self.stage = Stage::Table(search);
                Finding::More
            }
            Narrowed::Nowhere => self.gone(page),
            Narrowed::TooDeep => self.unreachable(page),
        }
    }

    /// Without offsets a table cannot be searched, but whether the filter
    /// shows anything at all can be tried where its rows are known.
    fn try_filter<R: Rows>(&mut self, page: &R) -> Finding {
        let newer = last_at(page).is_some_and(|last| page.count() > 0 && last > page.at(0));
        if self.shown.is_some() || !newer {
            return self.gone(page);
        }
        self.stage = Stage::Filter {
            since: page.mark(0),
            tries: 1,
        };
        Finding::More
    }

    fn hear_filter<R: Rows>(&mut self, page: &R, since: String, tries: u32) -> Finding {
        if page.count() > 0 {
            return self.gone(page);
        }
        if tries < AGAIN {
            let tries = tries + 1;
            self.stage = Stage::Filter { since, tries };
            return Finding::More;
        }
        Finding::Refuted(
            Error::contract(format!("the filter matches nothing: the API shows no row from {since:?} on, and without the filter it shows newer ones"))
                .hint("is the bound sent as the API reads it (\"since\": {\"format\": …}), and does the filter name the cursor's field? highwater check tells"),
        )
    }

    /// The whole table has rows, but these are too deep in it to be looked
    /// for. Where the bound shows others, they were most likely changed.
    fn unreachable<R: Rows>(&self, page: &R) -> Finding {
        if self.shown.is_some() {
            return self.gone(page);
        }
        Finding::Refuted(
            Error::contract(format!(
                "the API shows no row from {:?} on, though rows of it were delivered",
                self.bound.text.as_deref().unwrap_or_default()
            ))
            .hint("has the token lost its rights, or does the filter match nothing? If these rows were deleted, start over with --full-refresh"),
        )
    }

    fn hear_again<R: Rows>(&mut self, page: &R, found: Found, tries: u32) -> Finding {
        let came = |row: usize| self.missing.iter().any(|known| known.id == page.id(row));
        if (0..page.count()).any(came) {
            return Finding::Back;
        }
        if page.count() > 0 && found.other {
            return self.gone(page);
        }
        if self.near && page.count() as u64 >= self.limits.limit {
            // It may be on a later page.
            return Finding::Gone(Vec::new());
        }
        if page.count() > 0 {
            self.shown = Some(page.at(0));
        }
        if tries < AGAIN {
            let tries = tries + 1;
            self.stage = Stage::Again { found, tries };
            return Finding::More;
        }
        let left_out = LeftOut {
            bound: &self.bound,
            at: found.at,
            following: &found.after,
            shown: self.shown,
        };
        Finding::Refuted(left_out.explain())
    }
}

#[cfg(test)]
mod tests;
