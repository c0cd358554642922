//! A plan: how a first sync is divided into shards of nearly equal rows that
//! can run at once, and the mark from which the ordinary sync goes on. It asks
//! the API for its totals, fetches no table and writes nothing.
//!
//! # Why the shards and the sync after them bring each row once
//!
//! A shard is `--since A --until B`: what it delivers lies at or after A and
//! before B, by the rows' own instants and however the API's filter cuts. Each
//! shard begins where the one before it ends, and the ordinary sync begins
//! where the last one ends. So they are parts of one line that neither overlap
//! nor leave a gap, and nothing has to be remembered at an edge.
//!
//! The last one ends at the mark, which is older than the lookback by every
//! clock before any shard begins, so that whatever lies before it is visible to
//! the shards. A row that changes from then on gets a timestamp after the mark:
//! if its shard has read it already it comes again in its new version, else only
//! in that.
//!
//! Every edge, the mark too, is a timestamp that a row has, as the API spells it:
//! so no clock that is wrong, and no cursor that is a number of another kind, can
//! put the mark ahead of the rows. Each is asked for once as its shard will ask
//! for it, and that row has to come first: so each filter is seen to hold the
//! rows of its own bound. (An `--until` of one's own is taken as it is.)

mod search;

use std::time::Duration;

use serde::Serialize;

use crate::answer::{self, Before};
use crate::cli::Options;
use crate::clock::{Clock, SystemClock};
use crate::config::Connection;
use crate::connect;
use crate::cursor::Mark;
use crate::error::{Error, Refusal, Result, excerpt};
use crate::page::Page;
use crate::session::start::{instant, since_bound};
use crate::source::retry::Retry;
use crate::template::{Slot, Values};
use crate::timestamp::{self, Format, Instant};
use search::{Next, Point, Search, Spelling};

/// Where an edge's own row does not come first, it may have changed: so often
/// in a row it has not.
const TIMES: u32 = 3;
/// The rows' own clock may be behind by so much, see [`crate::cursor`].
const RECENT: Duration = Duration::from_secs(60);

/// A range of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Where it starts.
    pub since: String,
    /// What it ends before.
    pub until: String,
    /// Rows in it by the API's totals.
    pub rows: u64,
}

/// The shards, and where the ordinary sync goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The shards, oldest first.
    pub shards: Vec<Shard>,
    /// Where the last one ends: the `--since` of the sync that follows. None
    /// where there is no shard.
    pub mark: Option<String>,
    /// Requests sent, failures included.
    pub requests: u64,
    /// How many shards were asked for.
    #[serde(skip)]
    pub wanted: u64,
}

impl Plan {
    /// What is for stdout: a line a shard, or one line of JSON.
    pub fn show(&self, json: bool) -> String {
        if json {
            return serde_json::to_string(self).unwrap_or_default() + "\n";
        }
        let line = |shard: &Shard| {
            let (since, until) = (quoted(&shard.since), quoted(&shard.until));
            format!("--since {since} --until {until}\n")
        };
        self.shards.iter().map(line).collect()
    }

    /// What whoever reads it is to know beside.
    pub fn notes(&self) -> Vec<String> {
        let Some(mark) = &self.mark else {
            return vec![
                "there is nothing to divide: no rows, none that are some minutes old, or all of one timestamp; highwater sync fetches what there is"
                    .to_owned(),
            ];
        };
        let mut notes = Vec::new();
        let (shards, wanted) = (self.shards.len() as u64, self.wanted);
        let rows: u64 = self.shards.iter().map(|shard| shard.rows).sum();
        let largest = self.shards.iter().map(|shard| shard.rows).max();
        let largest = largest.unwrap_or_default();
        if shards < wanted || largest > rows / wanted * 3 / 2 + 2 {
            notes.push(format!(
                "rows that share one timestamp, or that the filter cannot tell apart, cannot be divided: {shards} of {wanted} shards, and the largest has {largest} of {rows} rows"
            ));
        }
        notes.push(format!(
            "once all shards are done, go on with: highwater sync --since {}",
            quoted(mark)
        ));
        notes
    }
}

/// As the shell and xargs read it as one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:+/,@%=".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}

/// Makes a plan.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where the connection cannot be divided, and
/// whatever a sync would end with.
pub fn run(options: &Options) -> Result<Plan> {
    let (of, secrets) = connect::connection(options)?;
    let since = instant(options.since.as_deref(), "--since", &of.since.format)?;
    let until = instant(options.until.as_deref(), "--until", &of.since.format)?;
    check(&of)?;
    let source = connect::source(options, &of, &secrets)?;
    let source = connect::patient(source, options, &of, &secrets, of.max_retries)?;
    let mut counter = Counter {
        of: &of,
        source,
        page: Page::default(),
        body: Vec::new(),
        now: Instant::MAX,
        least: 1,
        proved: None,
    };
    let shards = options.shards.unwrap_or(1);
    let bounds = divide(&mut counter, since, until, shards)?;
    let pairs = bounds.windows(2).map(|pair| Shard {
        since: pair[0].mark.text.clone(),
        until: pair[1].mark.text.clone(),
        rows: pair[1].before - pair[0].before,
    });
    Ok(Plan {
        shards: pairs.collect(),
        mark: bounds.last().map(|last| last.mark.text.clone()),
        requests: counter.source.requests(),
        wanted: shards,
    })
}

/// Refuses what no range can be cut out of.
fn check(of: &Connection) -> Result<()> {
    if !of.sorted {
        return Err(Error::usage(
            "the API does not sort, so that a shard would have to read the whole table",
        )
        .at("\"sorted\"")
        .hint("fetch it with one highwater sync"));
    }
    if !of.holds(Slot::Since) {
        return Err(Error::usage(
            "no parameter holds {since}, so that every shard would be all rows",
        )
        .at("\"query\"")
        .hint("name the parameter of the filter in the connection file"));
    }
    if of.response.total.is_none() {
        return Err(no_total());
    }
    Ok(())
}

/// What helps where no total does.
const BY_HAND: &str = "say where the total is: \"response\": {\"total\": …}; or write the ranges by hand, as --since 2024-01-01 --until 2024-07-01, and end the last one some minutes ago";

fn no_total() -> Error {
    Error::usage("the API tells no total, and without totals rows cannot be divided evenly")
        .hint(BY_HAND)
}

/// The edges: where the first shard begins, where each ends.
fn divide(
    counter: &mut Counter<'_>,
    since: Option<Mark>,
    until: Option<Mark>,
    shards: u64,
) -> Result<Vec<Point>> {
    let of = counter.of;
    let bound = crate::session::start(of, None, since.clone())?.bound;
    let opening = counter.count(bound.text.as_deref())?;
    let Some(first) = opening.first else {
        return Ok(Vec::new());
    };
    // The filter may be coarse, and show rows that are not wanted.
    let first = since.filter(|since| first.at < since.at).unwrap_or(first);
    let spelling = Like {
        format: &of.since.format,
        sample: &first.text,
    };
    let (end, given) = counter.end(&spelling, until)?;
    if end.at <= first.at {
        return Ok(Vec::new());
    }
    let (total, rows) = counter.between(&first, &end)?;
    let mut search = Search::new(first.clone(), end, rows, shards);
    if !given {
        let few = (rows / 1000)
            .max(of.page_size.min(rows / shards / 4))
            .max(1);
        let point = counter.settle(&mut search, Aim::End(few), total, &spelling)?;
        match point.filter(|point| point.before > 0) {
            Some(point) => search.end_at(&point, shards),
            None => return Ok(Vec::new()),
        }
    }
    let rows = search.last().before;
    let mut edges: Vec<Point> = Vec::new();
    let shards = shards.min(rows);
    for nth in 0..shards {
        // In u128: the product of two numbers of rows has no other room.
        let target = u128::from(rows) * u128::from(nth) / u128::from(shards);
        let target = u64::try_from(target).unwrap_or(rows);
        if let Some(edge) = counter.settle(&mut search, Aim::Edge(target), total, &spelling)?
            && edges.last().is_none_or(|last| last.mark.at < edge.mark.at)
        {
            edges.push(edge);
        }
    }
    if search.is_flat() {
        log::warn!(
            "the total does not fall where rows are left out: is it capped? then the first shard has more rows than are told"
        );
    }
    edges.push(search.last());
    Ok(edges)
}

/// Spells instants as a row's timestamp is spelled.
struct Like<'a> {
    format: &'a Format,
    sample: &'a str,
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
struct Count {
    /// The first row's timestamp.
    first: Option<Mark>,
    total: u64,
}

/// Whoever asks.
struct Counter<'a> {
    of: &'a Connection,
    source: Retry,
    page: Page,
    body: Vec<u8>,
    /// The earliest time that a clock showed when the first question was asked.
    now: Instant,
    /// The fewest rows that the API lets itself be asked for.
    least: u64,
    /// The mark from which rows were seen to come last.
    proved: Option<Mark>,
}

impl Counter<'_> {
    /// The first row from a bound on, and how many there are.
    fn count(&mut self, since: Option<&str>) -> Result<Count> {
        let of = self.of;
        let (page, body) = (&mut self.page, &mut self.body);
        // The first row may be one that cannot be used, or one row too few.
        for limit in [self.least, of.page_size] {
            let make = |token: Option<&str>| {
                of.request(&Values {
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
                answer::read(page, response, body, of, now, before)
            });
            let from = since.map_or_else(String::new, |since| format!(" from {}", excerpt(since)));
            if let Err(error) = &read
                && matches!(error.refusal(), Some(Refusal::Status(400 | 422)))
                && limit < of.page_size
            {
                self.least = of.page_size;
                continue;
            }
            let response = read.map_err(|error| error.at(format_args!("counting rows{from}")))?;
            if self.now == Instant::MAX {
                let date = response.header("date").and_then(timestamp::http_date);
                let date = date.map(|date| date.minus(response.elapsed));
                self.now = date.map_or(asked, |date| date.min(asked));
            }
            let view = page.view(body, of);
            if view.is_empty() && view.skipped() > 0 && limit < of.page_size {
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
    fn from(&mut self, mark: &Mark) -> Result<Count> {
        let bound = since_bound(self.of, mark);
        self.count(bound.text.as_deref())
    }

    /// The total from `first` on, and how many of these rows lie before `end`.
    fn between(&mut self, first: &Mark, end: &Mark) -> Result<(u64, u64)> {
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

    /// The instant that rows must be older than to be in a shard, so that they are
    /// all visible by now, by every clock; and whether it was given.
    fn end(&self, spelling: &dyn Spelling, until: Option<Mark>) -> Result<(Mark, bool)> {
        let lookback = self.of.lookback;
        let young = RECENT.max(lookback.saturating_mul(2));
        let ripe = self.now.minus(young).minus(lookback);
        if let Some(until) = until.filter(|until| until.at <= ripe) {
            return Ok((until, true));
        }
        let end = spelling.up_to(ripe).ok_or_else(|| {
            Error::usage("the API's timestamps are spelled in a way that cannot be imitated, so that no instant can be asked about")
                .at("\"since\"")
                .hint("say how they are spelled: \"since\": {\"format\": …}; or write the ranges by hand")
        })?;
        Ok((end, false))
    }

    /// The point that is aimed at, seen to be the first where one asks from it.
    /// None where that is the end, or no instant that can be told from another,
    /// as in the hour that clocks show twice.
    fn settle(
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
            if is_end || self.of.since.format.twice(&point.mark.text).is_some() {
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
enum Aim {
    /// The end: no more than so many rows are left after it.
    End(u64),
    /// An edge that so many rows lie before.
    Edge(u64),
}
