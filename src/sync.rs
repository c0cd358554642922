//! The loop: request, response, page, rows, sink, checkpoint; and around it
//! what a sync has to show for itself. It decides nothing: the cursor does.

use crate::checkpoint::{Progress, Resume};
use crate::clock::Clock;
use crate::config::Connection;
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::exchange::{Request, Response};
use crate::page::Page;
use crate::row::Encoder;
use crate::sink::behind::Behind;
use crate::source::retry::Retry;
use crate::source::{Source, status};
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
    /// Who answers.
    pub source: &'a mut dyn Source,
    /// How often to try again.
    pub retry: &'a mut Retry,
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
            let request = Request {
                query: self.of.parameters(&Values {
                    since,
                    limit: self.of.page_size,
                    offset,
                }),
            };
            let place = |error: Error| error.at(format_args!("page at offset {offset}"));
            let response = self.fetch(&request, &mut page, &mut body).map_err(place)?;
            if self.tally.requests == 1 && page.total.is_none() && self.of.response.total.is_some()
            {
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
            let encoded =
                self.encoder
                    .encode(&view, &step.deliver, &mut batch.lines, &mut batch.rejects);
            (batch.rows, batch.rejected) = encoded.map_err(place)?;
            let new: u64 = step.deliver.iter().map(|rows| rows.len() as u64).sum();
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
                .map(|total| total.saturating_sub(offset + (view.len() + view.skipped()) as u64));
            log::info!("page at offset {offset}: {} rows, {new} new", view.len());
            (self.observer)(&self.tally);
            if step.done {
                return Ok(());
            }
        }
    }

    /// One page, as often as it takes.
    fn fetch(
        &mut self,
        request: &Request,
        page: &mut Page,
        body: &mut Vec<u8>,
    ) -> Result<Response> {
        let waits = self.source.waits();
        let now = self.clock.now().secs;
        let deep = self.cursor.request().1 > 0;
        self.retry
            .run(waits, &mut |time| self.clock.sleep(time), &mut || {
                self.tally.requests += 1;
                let response = self.source.fetch(request, body)?;
                // PostgREST's way to say that the table has shrunk below it.
                if response.status == 416 && deep {
                    return page.beyond_the_end(&response, self.of).map(|()| response);
                }
                match status::check(&response, body, now) {
                    Some(error) => Err(error),
                    None => page.read(body, &response, self.of).map(|()| response),
                }
            })
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
