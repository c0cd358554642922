//! Where the rows of an audit's walk go: no file, but the ledger. It gets the
//! lines that a sync would have written, so that typed, renamed and rewritten
//! values are those of the files.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::content::{Content, plain};
use super::ledger::{Ledger, Standing};
use super::repair::Repair;
use super::report::NAMED;
use crate::clock;
use crate::config::Connection;
use crate::error::{Error, Result};
use crate::exchange::{Request, Response};
use crate::json;
use crate::sink::{Batch, Outcome, Sink};
use crate::source::Source;
use crate::table::{Identity, Marks, Part, Version, explain};
use crate::timestamp::{self, Format, Instant};

/// Of how many rows the ids are kept until it is known how the rows stand.
const KEPT: usize = 100 * NAMED;

/// What is known so far.
pub(super) struct Book {
    pub(super) of: Identity,
    /// The key in a row as the API sends it.
    raw: Vec<Part>,
    pub(super) content: Content,
    pub(super) ledger: Ledger,
    marks: Marks,
    /// Whether a number and its text are two keys.
    typed: bool,
    format: Format,
    lookback: Duration,
    begun: Arc<OnceLock<Instant>>,
    /// The keys of rows that differed when they were met, and their ids.
    pub(super) noted: Vec<(Vec<u8>, String)>,
    pub(super) set_aside: u64,
    /// Rows with a fault that have no key.
    pub(super) keyless: bool,
    /// Where missing rows go.
    pub(super) repair: Option<Repair>,
    /// Which fields of the key are numbers in the API's rows.
    numbers: Vec<bool>,
}

impl Book {
    pub(super) fn new(
        of: Identity,
        api: &Connection,
        cells: bool,
        begun: Arc<OnceLock<Instant>>,
    ) -> Self {
        let raw = api.primary_key.iter();
        Self {
            of,
            raw: raw.map(|key| Part::at(&key.name, &key.path)).collect(),
            content: Content::new(api, cells),
            ledger: Ledger::new(),
            marks: Marks::default(),
            typed: !cells,
            format: api.since.format.clone(),
            lookback: api.lookback,
            begun,
            noted: Vec::new(),
            set_aside: 0,
            keyless: false,
            repair: None,
            numbers: Vec::new(),
        }
    }

    /// Takes a row of the files.
    pub(super) fn file(&mut self, version: Version<'_>) -> Result<()> {
        let recent = match version {
            Version::Line(line) => {
                self.marks
                    .of_line(line, &self.of.key, self.typed)
                    .map_err(explain)?;
                let (content, times) = self.content.of_line(line);
                let at = times
                    .iter()
                    .find_map(|span| self.read(plain(span.of(line))));
                (content, at)
            }
            Version::Record(columns, record) => {
                self.marks
                    .of_record(record, columns, &self.of.key)
                    .map_err(explain)?;
                (self.content.of_record(&columns.names, record), None)
            }
        };
        let (content, at) = recent;
        let recent = at.is_some_and(|at| at >= self.young_from());
        match self.ledger.file(&self.marks.key, content, recent) {
            true => Ok(()),
            false => Err(too_many()),
        }
    }

    /// The id in a version of the files, as people know it, and how it stands.
    pub(super) fn look_up(&mut self, version: Version<'_>) -> Result<(Option<Standing>, String)> {
        match version {
            Version::Line(line) => self.marks.of_line(line, &self.of.key, self.typed),
            Version::Record(columns, record) => self.marks.of_record(record, columns, &self.of.key),
        }
        .map_err(explain)?;
        Ok((self.ledger.standing(&self.marks.key), self.id()))
    }

    /// Takes a line of the walk.
    fn meet(&mut self, line: &[u8]) -> Result<()> {
        self.marks
            .of_line(line, &self.of.key, self.typed)
            .map_err(explain)?;
        let (content, times) = self.content.of_line(line);
        let at = times
            .iter()
            .find_map(|span| self.read(plain(span.of(line))));
        let young = at.is_some_and(|at| at >= self.young_from());
        self.numbers.clone_from(&self.marks.numbers);
        let (standing, write) = self
            .ledger
            .meet(&self.marks.key, content, young)
            .ok_or_else(too_many)?;
        if standing != Standing::Alike && self.noted.len() < KEPT {
            let id = self.id();
            self.noted.push((self.marks.key.clone(), id));
        }
        match &mut self.repair {
            Some(repair) if write => repair.write(line),
            _ => Ok(()),
        }
    }

    /// Takes a row that a sync sets aside: it is there, whatever it says.
    fn excuse(&mut self, line: &[u8]) {
        self.set_aside += 1;
        let row = json::point(line, &["row".to_owned()]).unwrap_or_default();
        match self.marks.of_line(row, &self.raw, self.typed) {
            Ok(()) => self.ledger.excuse(&self.marks.key),
            Err(_) => self.keyless = true,
        }
    }

    /// Rows from here on are too young to be judged.
    fn young_from(&self) -> Instant {
        let begun = self.begun.get().copied().unwrap_or_else(clock::now);
        begun.minus(self.lookback)
    }

    fn read(&self, (text, number): (std::borrow::Cow<'_, str>, bool)) -> Option<Instant> {
        // What a declared column has rewritten in UTC.
        let utc = timestamp::parse(&text).filter(|_| !number && text.ends_with('Z'));
        utc.or_else(|| self.format.read(&text, number))
            .or_else(|| timestamp::parse(&text))
    }

    /// Says in the repair that a row of the files is gone. `ways` are where the
    /// key's fields stand in a row.
    pub(super) fn bury(&mut self, version: Version<'_>, ways: &[Vec<String>]) -> Result<()> {
        let (standing, _) = self.look_up(version)?;
        if standing != Some(Standing::Unmet) {
            return Ok(());
        }
        let Some(mut repair) = self.repair.take() else {
            return Ok(());
        };
        let numbers = match self.marks.numbers.len() == ways.len() {
            true => &self.marks.numbers,
            // CSV does not tell.
            false => &self.numbers,
        };
        let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let mut fields = Vec::new();
        for ((at, way), text) in ways.iter().enumerate().zip(self.key_texts()) {
            let value = match numbers.get(at) {
                Some(true) => text,
                _ => quote(&text),
            };
            let (first, below) = way
                .split_first()
                .map_or(("", &way[..]), |(first, below)| (&**first, below));
            let below = below.iter().rev();
            let value = below.fold(value, |value, name| format!("{{{}:{value}}}", quote(name)));
            fields.push(format!("{}:{value}", quote(first)));
        }
        let buried = repair.bury(&fields.join(","));
        self.repair = Some(repair);
        buried
    }

    /// The key that was read last, as people know it.
    fn id(&self) -> String {
        self.key_texts().join(", ")
    }

    /// The texts of the key that was read last.
    fn key_texts(&self) -> Vec<String> {
        let (mut key, mut parts) = (&self.marks.key[..], Vec::new());
        while !key.is_empty() {
            let typed = usize::from(self.typed && self.marks.numbers.len() == self.of.key.len());
            let Some((length, rest)) = key.get(typed..).and_then(<[u8]>::split_first_chunk::<8>)
            else {
                break;
            };
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (text, rest) = rest.split_at(length.min(rest.len()));
            parts.push(String::from_utf8_lossy(text).into_owned());
            key = rest;
        }
        parts
    }
}

fn too_many() -> Error {
    Error::local("these are more keys than can be counted")
        .hint("split the table into folders of fewer rows")
}

/// Gives the walk's rows to the book.
pub(super) struct Judge(pub(super) Arc<Mutex<Book>>);

impl Sink for Judge {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        let lost = |_| Error::local("the thread that compares is gone");
        let mut book = self.0.lock().map_err(lost)?;
        let lines = |text: &'_ [u8]| -> Vec<std::ops::Range<usize>> {
            let mut start = 0;
            let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            ends.map(|(end, _)| std::mem::replace(&mut start, end + 1)..end)
                .collect()
        };
        if let Some(repair) = &mut book.repair {
            repair.seq = repair.seq.max(batch.lead.seq);
        }
        for line in lines(&batch.lines) {
            book.meet(&batch.lines[line])?;
        }
        for line in lines(&batch.rejects) {
            book.excuse(&batch.rejects[line]);
        }
        Ok(())
    }

    fn finish(&mut self, _: bool) -> Result<Outcome> {
        Ok(Outcome::default())
    }

    fn committed(&self) -> Outcome {
        Outcome::default()
    }
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
