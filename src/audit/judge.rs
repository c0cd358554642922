//! Where the rows of an audit's walk go: no file, but the book. It gets the
//! lines that a sync would have written, so that typed, renamed and rewritten
//! values are those of the files.

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
        for line in each_line(&batch.lines) {
            book.meet(line)?;
        }
        each_line(&batch.rejects).for_each(|line| book.excuse(line));
        Ok(())
    }

    fn finish(&mut self, _: bool) -> Result<Outcome> {
        Ok(Outcome::default())
    }

    fn committed(&self) -> Outcome {
        Outcome::default()
    }
}

/// The lines of a batch; JSON has no line break inside of it.
fn each_line(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::trim_ascii_end)
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
