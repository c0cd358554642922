//! Counting: the first row from a bound on and how many rows there are, asked
//! with the retries and the login of a sync. The search says what is asked for.

use std::time::Duration;

use super::search::{Next, Point, Search, Spelling};
use crate::answer::{self, Before};
use crate::clock::{Clock, SystemClock};
use crate::config::Connection;
use crate::cursor::Mark;
use crate::error::{Error, Refusal, Result, excerpt};
use crate::page::Page;
use crate::session::start::since_bound;
use crate::source::retry::Retry;
use crate::template::Values;
use crate::timestamp::{self, Format, Instant};

/// Where an edge's own row does not come first, the row may have changed. After
/// so many times in a row that is not the reason any more.
const TIMES: u32 = 3;
/// The clock that stamps the rows may be behind by this much, see
/// [`crate::cursor`].
const RECENT: Duration = Duration::from_secs(60);

/// The advice where no total is told.
const BY_HAND: &str = "say where the total is: \"response\": {\"total\": …}; or write the ranges by hand, as --since 2024-01-01 --until 2024-07-01, and end the last one some minutes ago";

pub(super) fn no_total() -> Error {
    Error::usage("the API tells no total, and without totals rows cannot be divided evenly")
        .hint(BY_HAND)
}

/// Writes instants as a row's timestamp is written.
pub(super) struct Like<'a> {
    pub(super) format: &'a Format,
    pub(super) sample: &'a str,
}

impl Spelling for Like<'_> {
    fn up_to(&self, at: Instant) -> Option<Mark> {
        let (text, at) = self.format.like(self.sample, at)?;
        Some(Mark { text, at })
    }

    fn after(&self, at: Instant) -> Option<Mark> {
        let (text, at) = self.format.next_like(self.sample, at)?;
        Some(Mark { text, at })
    }
}

/// What an answer tells.
pub(super) struct Count {
    /// The first row's timestamp.
    pub(super) first: Option<Mark>,
    /// How many rows there are.
    pub(super) total: u64,
}

/// The part that asks.
pub(super) struct Counter<'a> {
    pub(super) connection: &'a Connection,
    pub(super) source: Retry,
    page: Page,
    body: Vec<u8>,
    /// The earliest time that a clock showed when the first question was asked.
    now: Instant,
    /// The fewest rows that the API lets itself be asked for.
    least: u64,
    /// The mark from which rows were seen to come last.
    proved: Option<Mark>,
}

impl<'a> Counter<'a> {
    /// At first nothing was asked yet.
    pub(super) fn new(connection: &'a Connection, source: Retry) -> Self {
        Self {
            connection,
            source,
            page: Page::default(),
            body: Vec::new(),
            now: Instant::MAX,
            least: 1,
            proved: None,
        }
    }

    /// The first row from a bound on, and how many there are.
    pub(super) fn count(&mut self, since: Option<&str>) -> Result<Count> {
        let connection = self.connection;
        let (page, body) = (&mut self.page, &mut self.body);
        // The first row may be one that cannot be used, or one row too few.
        for limit in [self.least, connection.page_size] {
            let make = |token: Option<&str>| {
                connection.request(&Values {
                    since,
                    limit,
                    offset: 0,
                    token,
                })
            };
            let before = Before {
                deep: false,
                good: self.now < Instant::MAX,
            };
            let asked = SystemClock.now();
            let read = self.source.fetch(&make, body, &mut |response, body, now| {
                answer::read(page, response, body, connection, now, before)
            });
            let from = since.map_or_else(String::new, |since| format!(" from {}", excerpt(since)));
            if let Err(error) = &read
                && matches!(error.refusal(), Some(Refusal::Status(400 | 422)))
                && limit < connection.page_size
            {
                self.least = connection.page_size;
                continue;
            }
            let response = read.map_err(|error| error.at(format_args!("counting rows{from}")))?;
            if self.now == Instant::MAX {
                let date = response.header("date").and_then(timestamp::http_date);
                let date = date.map(|date| date.minus(response.elapsed));
                self.now = date.map_or(asked, |date| date.min(asked));
            }
            let view = page.view(body, connection);
            if view.is_empty() && view.skipped() > 0 && limit < connection.page_size {
                continue;
            }
            let first = (!view.is_empty()).then(|| Mark::of(&view, 0));
            let none = view.is_empty() && view.skipped() == 0;
            let total = page.total.or(none.then_some(0)).ok_or_else(no_total)?;
            return Ok(Count { first, total });
        }
        Err(Error::contract(
            "no row of the page has a timestamp that can be used",
        ))
    }

    /// The same from a mark on, as a shard asks for it.
    pub(super) fn from(&mut self, mark: &Mark) -> Result<Count> {
        let bound = since_bound(self.connection, mark);
        self.count(bound.text.as_deref())
    }

    /// The total from `first` on, and how many of these rows lie before `end`.
    pub(super) fn between(&mut self, first: &Mark, end: &Mark) -> Result<(u64, u64)> {
        // Rows may come in between two counts.
        for _ in 0..TIMES {
            let (all, rest) = (self.from(first)?.total, self.from(end)?.total);
            if all > rest {
                return Ok((all, all - rest));
            }
        }
        Err(Error::usage(
            "the total is the same from wherever one asks, so that it does not count the rows that pass the filter",
        )
        .at("\"response\", \"total\"")
        .hint(BY_HAND))
    }

    /// The instant before which rows have to lie to be in a shard, so that they
    /// are all visible by now, by every clock. The second part says whether it
    /// was given by the user.
    pub(super) fn end(&self, spelling: &dyn Spelling, until: Option<Mark>) -> Result<(Mark, bool)> {
        let lookback = self.connection.lookback;
        let young = RECENT.max(lookback.saturating_mul(2));
        let ripe = self.now.minus(young).minus(lookback);
        if let Some(until) = until.filter(|until| until.at <= ripe) {
            return Ok((until, true));
        }
        let end = spelling.up_to(ripe).ok_or_else(|| {
            Error::usage("the API's timestamps are written in a form that cannot be imitated, so that no instant can be asked about")
                .at("\"since\"")
                .hint("say in which form they are written: \"since\": {\"format\": …}; or write the ranges by hand")
        })?;
        Ok((end, false))
    }

    /// The point that is aimed at, seen to be the first where one asks from it.
    /// None where that is the end, or no instant that can be told from another,
    /// as in the hour that clocks show twice.
    pub(super) fn settle(
        &mut self,
        search: &mut Search,
        aim: Aim,
        total: u64,
        spelling: &dyn Spelling,
    ) -> Result<Option<Point>> {
        let mut missing = String::new();
        for _ in 0..TIMES {
            search.begin();
            let point = loop {
                let next = match aim {
                    Aim::Edge(target) => search.next(target, spelling),
                    Aim::End(left) => search.last_row(left, spelling),
                };
                match next {
                    Next::Edge(point) => break point,
                    Next::Ask(mark) => {
                        let found = self.from(&mark)?;
                        let before = total.saturating_sub(found.total);
                        search.take(mark.at, found.first, before);
                    }
                }
            };
            let is_end = point.mark == search.last().mark;
            if is_end
                || self
                    .connection
                    .since
                    .format
                    .twice(&point.mark.text)
                    .is_some()
            {
                return Ok(None);
            }
            if self.proved.as_ref() == Some(&point.mark) {
                return Ok(Some(point));
            }
            let found = self.from(&point.mark)?;
            match found.first {
                Some(first) if first.at <= point.mark.at => {
                    self.proved = Some(point.mark.clone());
                    return Ok(Some(point));
                }
                first => {
                    let before = total.saturating_sub(found.total);
                    search.take(point.mark.at, first, before);
                    search.forget(&point.mark);
                    missing = point.mark.text;
                }
            }
        }
        Err(Error::contract(format!(
            "the filter leaves out rows of its own bound: none at {} comes where it is asked from there",
            excerpt(&missing)
        ))
        .hint("highwater check tells whether the bound is exclusive, or in another time zone"))
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) enum Aim {
    /// The end: no more than so many rows are left after it.
    End(u64),
    /// An edge that so many rows lie before.
    Edge(u64),
}
