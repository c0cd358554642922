//! The loop: request, response, page, rows, sink, checkpoint; and what a sync
//! shows of itself on the way. It decides nothing: the cursor does.

use std::time::Duration;

use crate::answer::{self, Before};
use crate::checkpoint::{Progress, Resume};
use crate::clock::Clock;
use crate::config::{Connection, Paging};
use crate::cursor::{Answer, Cursor, Step};
use crate::error::{Error, Kind, Refusal, Result};
use crate::exchange::{Request, Response};
use crate::page::{Page, View};
use crate::row::Encoder;
use crate::sink::behind::Behind;
use crate::source::retry::{Make, Retry};
use crate::template::Values;
use crate::timestamp::{self, Instant};

/// What is shown while a sync runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Rows delivered.
    pub rows: u64,
    /// Rows that are still to come, where the API tells.
    pub left: Option<u64>,
    /// Requests sent, failures included.
    pub requests: u64,
}

/// A sync that is under way.
pub struct Sync<'a> {
    connection: &'a Connection,
    source: &'a mut Retry,
    cursor: Cursor,
    encoder: Encoder,
    sink: &'a mut Behind,
    clock: &'a mut dyn Clock,
    /// It is told of every page.
    observer: Option<&'a mut dyn FnMut(&Tally)>,
    tally: Tally,
    /// Pages and rows since the state was saved last.
    unsaved: u64,
    /// Whether an answer was good already.
    good: bool,
    /// Requests that were answered without asking anybody.
    unasked: u64,
    /// When the last complete sync ended.
    checked_at: Option<String>,
}

impl<'a> Sync<'a> {
    /// A sync that asks this source what the cursor wants to know, and gives
    /// the rows that are new to this sink as the encoder writes them.
    pub fn new(
        connection: &'a Connection,
        source: &'a mut Retry,
        cursor: Cursor,
        encoder: Encoder,
        sink: &'a mut Behind,
        clock: &'a mut dyn Clock,
    ) -> Self {
        Self {
            connection,
            source,
            cursor,
            encoder,
            sink,
            clock,
            observer: None,
            tally: Tally::default(),
            unsaved: 0,
            good: false,
            unasked: 0,
            checked_at: None,
        }
    }

    /// With somebody who is told of every page.
    #[must_use]
    pub fn observed(mut self, observer: &'a mut dyn FnMut(&Tally)) -> Self {
        self.observer = Some(observer);
        self
    }

    /// With the instant at which the last complete sync ended.
    #[must_use]
    pub fn checked_at(mut self, checked_at: Option<String>) -> Self {
        self.checked_at = checked_at;
        self
    }

    /// What happened so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How far the walk is.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// What a state says of how far the walk is.
    pub fn progress(&self) -> Progress {
        progress(&self.cursor, self.checked_at.clone())
    }
}

/// The largest difference of two clocks that were both set.
const DAY: Duration = Duration::from_secs(86_400);

impl Sync<'_> {
    /// Runs until nothing is left to ask for.
    ///
    /// # Errors
    /// Whatever ends it sooner. What was committed stays good.
    pub fn run(&mut self) -> Result<()> {
        let (mut page, mut body) = (Page::default(), Vec::new());
        loop {
            let ask = self.cursor.request();
            let (offset, limit, pause) = (ask.offset, ask.limit, ask.pause);
            let since = ask.since.map(str::to_owned);
            let link = page.next.take().filter(|_| offset > 0);
            let make = |token: Option<&str>| Request {
                link: link.clone(),
                ..self.connection.request(&Values {
                    since: since.as_deref(),
                    limit,
                    offset,
                    token,
                })
            };
            let linked = self.connection.paging() == Paging::Link && offset > 0;
            if self.source.waits() && !pause.is_zero() {
                self.clock.sleep(pause);
            }
            let place = |error: Error| error.at(format_args!("page at offset {offset}"));
            let step = if linked && (link.is_none() || self.cursor.is_proving()) {
                // Only the page before this one has the link to it.
                self.cursor
                    .refused(Error::contract("no answer has a link to this page"))
            } else {
                self.ask(&make, &mut page, &mut body)
            };
            let step = step.map_err(place);
            let step = step.map_err(|error| self.remember(error))?;
            if let Some(why) = step.drift {
                log::info!("page at offset {offset}: {why}; read again from where all was read");
            }
            if let Some(what) = step.proof {
                log::info!("page at offset {offset}: {what}");
            }
            let view = page.view(&body, self.connection);
            self.append(&view, &step, offset).map_err(place)?;
            self.tally.left = page
                .total
                .map(|total| total.saturating_sub(offset + (view.len() + view.skipped()) as u64));
            if let Some(observer) = &mut self.observer {
                observer(&self.tally);
            }
            if step.done {
                return Ok(());
            }
        }
    }

    /// Asks for a page, and has the cursor judge the answer.
    fn ask(&mut self, make: &Make<'_>, page: &mut Page, body: &mut Vec<u8>) -> Result<Step> {
        match self.fetch(make, page, body) {
            Ok(response) => {
                self.advise(&response, page);
                let view = page.view(body, self.connection);
                self.cursor.accept(&view, &self.answer(&response, page))
            }
            Err(error) => self.refused(error),
        }
    }

    /// Writes what is new of a page, and how far the walk is with it.
    fn append(&mut self, view: &View<'_>, step: &Step, offset: u64) -> Result<()> {
        let new: u64 = step.deliver.iter().map(|rows| rows.len() as u64).sum();
        if new == 0 && !step.done && (step.drift.is_some() || step.proof.is_some()) {
            return Ok(());
        }
        let mut batch = self.sink.empty();
        self.encoder.set_time(self.clock.now());
        let encoded =
            self.encoder
                .encode(view, &step.deliver, &mut batch.lines, &mut batch.rejects);
        (batch.rows, batch.rejected) = encoded?;
        batch.lead = self.encoder.lead();
        self.unsaved += 1 + new;
        // A state that holds many rows is saved less often, so that its cost
        // stays in proportion to the rows read.
        if step.done || self.unsaved * 16 >= self.cursor.seen().len() as u64 {
            if step.done {
                let now = self.clock.now();
                self.checked_at = Some(timestamp::format(Instant { nanos: 0, ..now }));
            }
            batch.progress = Some(self.progress());
            self.unsaved = 0;
        }
        self.sink.append(batch)?;
        self.tally.rows += new;
        log::info!("page at offset {offset}: {} rows, {new} new", view.len());
        Ok(())
    }

    /// A proof that got no answer, or a page after a good one that is refused,
    /// is for the cursor to judge.
    fn refused(&mut self, error: Error) -> Result<Step> {
        let deep = self.cursor.request().offset > 0;
        let proving = self.cursor.is_proving();
        match error.refusal() {
            Some(Refusal::Unrecorded) if proving => {
                self.unasked += 1;
                self.tally.requests -= 1;
                self.cursor.refused(error)
            }
            Some(Refusal::Status(400 | 404 | 410 | 416 | 422)) if proving || deep => {
                self.cursor.refused(error)
            }
            _ => Err(error),
        }
    }

    /// Saves that an answer spoke against the walk, so that the next sync
    /// begins where everything is proved.
    fn remember(&mut self, error: Error) -> Error {
        if self.cursor.refuted().is_some() && error.kind() == Kind::Contract {
            let mut batch = self.sink.empty();
            batch.progress = Some(self.progress());
            if let Err(another) = self.sink.append(batch) {
                log::error!("{another}");
            }
        }
        error
    }

    /// What an answer says besides its rows.
    fn answer(&self, response: &Response, page: &Page) -> Answer {
        let own = self.clock.now().minus(response.elapsed);
        let date = response.header("date").and_then(timestamp::http_date);
        let date = date.map(|date| date.minus(response.elapsed));
        // A clock that is behind by more than a day was never set.
        let set = |own: &Instant| date.is_none_or(|date| own.plus(DAY) > date);
        let earliest = date.into_iter().chain(Some(own).filter(set)).min();
        Answer {
            echoed: page.offset,
            total: page.total,
            more: page.more,
            nothing: page.nothing,
            asked: earliest.unwrap_or(own),
            latest: date.map_or(own, |date| date.max(own)),
        }
    }

    /// Says once what is odd about the first answer.
    fn advise(&mut self, response: &Response, page: &Page) {
        if self.tally.requests != 1 {
            return;
        }
        let untold = page.total.is_none() && self.connection.response.total.is_some();
        if untold && !page.is_empty() {
            log::warn!(
                "the answer has no total where the connection says; the end will be told by an empty page"
            );
        }
        let Some(date) = response.header("date").and_then(timestamp::http_date) else {
            return;
        };
        let seconds = self.clock.now().secs - date.secs;
        let most = (self.connection.lookback.as_secs() / 2).max(2);
        if seconds.unsigned_abs() > most
            && !self.connection.lookback.is_zero()
            && self.source.waits()
        {
            log::warn!(
                "the API's clock and this machine's differ by {} seconds; the earlier one tells which rows are old enough to be passed",
                seconds.unsigned_abs()
            );
        }
    }

    /// Fetches one page, with as many tries as it takes.
    fn fetch(&mut self, make: &Make<'_>, page: &mut Page, body: &mut Vec<u8>) -> Result<Response> {
        let before = Before {
            deep: self.cursor.request().offset > 0,
            good: self.good,
        };
        let connection = self.connection;
        let response = self.source.fetch(make, body, &mut |response, body, now| {
            answer::read(page, response, body, connection, now, before)
        });
        self.tally.requests = self.source.requests() - self.unasked;
        self.good |= response.is_ok();
        response
    }
}

/// What the cursor's progress is in a state. `checked_at` is when the last
/// complete sync ended.
pub(crate) fn progress(cursor: &Cursor, checked_at: Option<String>) -> Progress {
    let mark = cursor.mark().map(|mark| mark.text.clone());
    let resume = match cursor.resume() {
        None => Resume::Beginning,
        Some(text) if Some(text) == mark.as_deref() => Resume::Mark,
        Some(text) => Resume::At(text.to_owned()),
    };
    let start = match &resume {
        Resume::At(_) => cursor.start_at(),
        Resume::Mark | Resume::Beginning => None,
    };
    Progress {
        start: start.map(timestamp::format),
        last_updated_at: mark,
        resume,
        seen: cursor.seen().iter().collect(),
        question: cursor.question().cloned(),
        refuted: cursor.refuted().map(str::to_owned),
        checked_at,
    }
}
