//! The sink of an audit's walk: rows go to the book, and not to a file. The
//! book gets the lines that a sync would have written, so that typed, renamed
//! and rewritten values are those of the files.

use std::io::BufRead;
use std::sync::{Arc, Mutex, OnceLock};

use super::book::Book;
use crate::clock;
use crate::error::{Error, Result};
use crate::exchange::{Request, Response};
use crate::sink::{Batch, Outcome, Sink};
use crate::source::Source;
use crate::timestamp::{self, Instant};

/// Gives the walk's rows to the book.
pub(super) struct Judge(pub(super) Arc<Mutex<Book>>);

impl Sink for Judge {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        let lost = |_| Error::local("the thread that compares is gone");
        let mut book = self.0.lock().map_err(lost)?;
        if let Some(repair) = &mut book.repair {
            repair.seq = repair.seq.max(batch.lead.seq);
        }
        each_line(&batch.lines, |line| book.meet(line))?;
        each_line(&batch.rejects, |line| {
            book.excuse(line);
            Ok(())
        })
    }

    fn finish(&mut self, _: bool) -> Result<Outcome> {
        Ok(Outcome::default())
    }

    fn committed(&self) -> Outcome {
        Outcome::default()
    }
}

/// Gives the lines of a batch; JSON has no line break inside of it.
fn each_line(text: &[u8], mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let from = rest;
        // For a text in memory this cannot fail.
        let length = rest.skip_until(b'\n').unwrap_or(from.len());
        visit(from[..length].trim_ascii_end())?;
    }
    Ok(())
}

/// Notes when the first request was sent, by the earlier of the API's clock
/// and this machine's.
pub(super) struct Dated {
    pub(super) source: Box<dyn Source>,
    pub(super) begun: Arc<OnceLock<Instant>>,
}

impl Source for Dated {
    fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Response> {
        let now = clock::now();
        let response = self.source.fetch(request, body)?;
        let date = response.header("date").and_then(timestamp::http_date);
        let date = date.map_or(now, |date| date.minus(response.elapsed));
        self.begun.get_or_init(|| now.min(date));
        Ok(response)
    }

    fn waits(&self) -> bool {
        self.source.waits()
    }
}
