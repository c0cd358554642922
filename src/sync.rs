//! The loop: request, response, page, rows, sink, checkpoint; and around it
//! what a sync has to show for itself. It decides nothing: the cursor does.

use crate::answer::{self, Before};
use crate::checkpoint::{Progress, Resume};
use crate::clock::Clock;
use crate::config::Connection;
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::exchange::Response;
use crate::page::Page;
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

/// A sync under way.
pub struct Sync<'a> {
    /// What is asked.
    pub of: &'a Connection,
    /// Who answers, and is asked again.
    pub source: &'a mut Retry,
    /// What to ask for next.
    pub cursor: &'a mut Cursor,
    /// How rows are written.
    pub encoder: &'a mut Encoder,
    /// Where they go.
    pub sink: &'a mut Behind,
    /// What time it is.
    pub clock: &'a mut dyn Clock,
    /// Told of every page.
    pub observer: &'a mut dyn FnMut(&Tally),
    /// What happened so far.
    pub tally: Tally,
    /// Whether an answer was good already.
    pub good: bool,
}

impl Sync<'_> {
    /// Runs until nothing is left to ask for.
    ///
    /// # Errors
    /// Whatever ends it sooner. What was committed stays good.
    pub fn run(&mut self) -> Result<()> {
        let (mut page, mut body) = (Page::default(), Vec::new());
        let mut unsaved = 0;
        loop {
            let (since, offset) = self.cursor.request();
            let since = since.map(str::to_owned);
            let make = |token: Option<&str>| {
                self.of.request(&Values {
                    since: since.as_deref(),
                    limit: self.of.page_size,
                    offset,
                    token,
                })
            };
            let place = |error: Error| error.at(format_args!("page at offset {offset}"));
            let response = self.fetch(&make, &mut page, &mut body).map_err(place)?;
            let untold = page.total.is_none() && self.of.response.total.is_some();
            if self.tally.requests == 1 && untold && !page.is_empty() {
                log::warn!(
                    "the answer has no total where the connection says; the end will be told by an empty page"
                );
            }
            let view = page.view(&body, self.of);
            let asked = asked_at(&response, self.clock.now());
            let step = self.cursor.accept(&view, page.offset, page.total, asked);
            let step = step.map_err(place)?;
            if let Some(why) = step.drift {
                log::info!(
                    "page at offset {offset}: rows have moved ({why}), read again from the last timestamp"
                );
                continue;
            }
            let mut batch = self.sink.empty();
            let rejected =
                self.encoder
                    .encode(&view, &step.deliver, &mut batch.lines, &mut batch.rejects);
            batch.rejected = rejected.map_err(place)?;
            let new: u64 = step.deliver.iter().map(|rows| rows.len() as u64).sum();
            batch.rows = new - batch.rejected;
            unsaved += 1 + new;
            // A state that holds many rows is saved less often, so that its
            // cost stays in proportion to the rows read.
            if step.done || unsaved * 16 >= self.cursor.seen().len() as u64 {
                batch.progress = Some(progress(self.cursor));
                unsaved = 0;
            }
            self.sink.append(batch)?;
            self.tally.rows += new;
            self.tally.left = page
                .total
                .map(|total| total.saturating_sub(offset + view.len() as u64));
            log::info!("page at offset {offset}: {} rows, {new} new", view.len());
            (self.observer)(&self.tally);
            if step.done {
                return Ok(());
            }
        }
    }

    /// One page, as often as it takes.
    fn fetch(&mut self, make: &Make<'_>, page: &mut Page, body: &mut Vec<u8>) -> Result<Response> {
        let before = Before {
            deep: self.cursor.request().1 > 0,
            good: self.good,
        };
        let of = self.of;
        let response = self.source.fetch(make, body, &mut |response, body, now| {
            answer::read(page, response, body, of, now, before)
        });
        self.tally.requests = self.source.requests();
        self.good |= response.is_ok();
        response
    }
}

/// When the answer was asked for: by the API's clock where it sends one, since
/// the rows' timestamps are that clock's.
pub fn asked_at(response: &Response, now: Instant) -> Instant {
    let date = response.header("date").and_then(timestamp::http_date);
    date.unwrap_or(now).minus(response.elapsed)
}

/// What the cursor's progress is in a state.
pub fn progress(cursor: &Cursor) -> Progress {
    let mark = cursor.mark().map(|mark| mark.text.clone());
    let resume = match cursor.resume() {
        None => Resume::Beginning,
        Some(text) if Some(text) == mark.as_deref() => Resume::Mark,
        Some(text) => Resume::At(text.to_owned()),
    };
    let seen = cursor.seen().iter();
    Progress {
        last_updated_at: mark,
        resume,
        seen: seen.map(|(id, hash)| (id.to_owned(), hash)).collect(),
    }
}
