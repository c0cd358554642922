//! APIs that keep their contract, and APIs that break it in one way each.

use highwater::cursor::{Order, Paging};
use highwater::timestamp::Instant;

use crate::model::{Api, Page, Row, Table, Total, instant, mix};

/// In which way an API is odd. Some of the ways are sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Way {
    /// As its contract says.
    Sound,
    /// Its filter lets through rows that are older than the bound by so much.
    Early(i64),
    /// Its filter cuts the bound down to a multiple of so many seconds.
    Coarse(i64),
    /// A replica that lags by so many seconds answers every other time.
    Replica(i64),
    /// The answers' clock is off by so much, and ours is right.
    Date(i64),
    /// Newest rows first, where no order was promised.
    NewestFirst,
    /// It sends fewer rows than it was asked for.
    Clamp(u64),
    /// Its filter leaves out rows that are younger than the bound, by so much.
    Late(i64),
    /// Its filter rounds the bound up to a multiple of so many seconds.
    RoundUp(i64),
    /// It leaves out the rows at the bound, which was not declared.
    Exclusive,
    /// From the second sync on it shows no rows at all.
    Nothing,
    /// From the second sync on its filter matches nothing.
    NothingFiltered,
    /// It sorts by id, though it should sort by time.
    ById,
    /// Rows of one instant come in an order of each page.
    TiesByPage,
    /// Rows of one instant come in an order of each request.
    TiesByRequest,
    /// It shows no more than so many rows from a bound on.
    Cap(u64),
    /// The total counts the page.
    TotalOfPage,
    /// The total counts the table, whatever the bound.
    TotalOfTable,
    /// The total is so many percent of what it should be.
    Percent(u64),
    /// The total is always this.
    Constant(u64),
    /// One row of so many is taken away after paging.
    Hidden(u32),
}

/// An API that is odd in one way.
#[derive(Debug, Clone)]
pub(crate) struct Odd {
    pub(crate) api: Api,
    pub(crate) way: Way,
}

/// The table as it was at some instants.
#[derive(Debug, Default)]
pub(crate) struct Past(Vec<(i64, Vec<Row>)>);

impl Past {
    pub(crate) fn keep(&mut self, table: &Table) {
        if self
            .0
            .last()
            .is_some_and(|(clock, _)| *clock == table.clock)
        {
            self.0.pop();
        }
        self.0.push((table.clock, table.rows.clone()));
    }

    fn rows(&self, clock: i64) -> Vec<Row> {
        let known = self.0.iter().rev().find(|(then, _)| *then <= clock);
        known
            .or(self.0.first())
            .map_or(Vec::new(), |(_, rows)| rows.clone())
    }
}

/// A request as the API sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) since: Option<&'a str>,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    /// Which request it is, and of which sync.
    pub(crate) nth: u64,
    pub(crate) sync: u32,
}

impl Odd {
    fn passes(&self, row: &Row, bound: Option<i64>, sync: u32) -> bool {
        let Some(bound) = bound else {
            return true;
        };
        match self.way {
            Way::Early(by) => row.at >= bound - by,
            Way::Late(by) => row.at >= bound + by,
            Way::Coarse(grain) => row.at >= bound.div_euclid(grain) * grain,
            Way::RoundUp(grain) => row.at >= -((-bound).div_euclid(grain) * grain),
            Way::Exclusive => row.at > bound,
            Way::NothingFiltered if sync > 0 => false,
            _ if self.api.settings.exclusive => row.at > bound,
            _ => row.at >= bound,
        }
    }

    fn sort(&self, rows: &mut [Row], request: Request<'_>) {
        let Request {
            offset, limit, nth, ..
        } = request;
        let unsorted = self.api.settings.order == Order::Unsorted;
        match self.way {
            Way::NewestFirst => rows.sort_by_key(|row| std::cmp::Reverse(*row)),
            _ if unsorted || self.way == Way::ById => rows.sort_by_key(|row| row.id),
            Way::TiesByPage => {
                rows.sort_by_key(|row| (row.at, mix(u64::from(row.id) ^ ((offset / limit) << 32))));
            }
            Way::TiesByRequest => {
                rows.sort_by_key(|row| (row.at, mix(u64::from(row.id) ^ (nth << 32))));
            }
            _ => rows.sort_unstable(),
        }
    }

    /// What it answers.
    pub(crate) fn answer(
        &self,
        table: &Table,
        past: &Past,
        request: Request<'_>,
    ) -> (Page, Option<u64>) {
        let Request {
            since,
            limit,
            nth,
            sync,
            ..
        } = request;
        let set = &self.api.settings;
        let bound = since.map(|text| set.format.read(text, false).unwrap_or(Instant::MIN).secs);
        let mut rows = match self.way {
            Way::Replica(lag) if nth % 2 == 1 => past.rows(table.clock - lag),
            Way::Nothing if sync > 0 => Vec::new(),
            _ => table.rows.clone(),
        };
        let all = rows.len() as u64;
        rows.retain(|row| row.visible <= table.clock && self.passes(row, bound, sync));
        self.sort(&mut rows, request);
        if let Way::Cap(most) = self.way {
            rows.truncate(most as usize);
        }
        let count = match self.way {
            Way::Clamp(most) => limit.min(most),
            _ => limit,
        };
        let offset = match set.paging {
            Paging::Offset => request.offset,
            Paging::Page | Paging::Link => request.offset / limit * count,
            Paging::Keyset => 0,
        };
        let total = rows.len() as u64;
        let page = rows.into_iter().skip(offset as usize).take(count as usize);
        let page: Vec<Row> = page.filter(|row| !self.hides(row)).collect();
        let total = match self.way {
            Way::TotalOfPage => page.len() as u64,
            Way::TotalOfTable => all,
            Way::Percent(share) => total * share / 100,
            Way::Constant(number) => number,
            _ => total,
        };
        (
            Page(page),
            (self.api.total == Total::Exact).then_some(total),
        )
    }

    /// Whether it never shows a row.
    pub(crate) fn hides(&self, row: &Row) -> bool {
        matches!(self.way, Way::Hidden(share) if mix(u64::from(row.id)).is_multiple_of(u64::from(share)))
    }

    /// The earliest and the latest clock.
    pub(crate) fn clocks(&self, table: &Table) -> (Instant, Instant) {
        let off = match self.way {
            Way::Date(off) => off,
            _ => 0,
        };
        let (own, date) = (table.clock, table.clock + off);
        (instant(own.min(date)), instant(own.max(date)))
    }
}
