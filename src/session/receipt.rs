//! What a sync has to show for itself. It decides nothing.

use serde::Serialize;

use crate::cli::Options;
use crate::clock::time_of_day;
use crate::cursor::Cursor;
use crate::error::Error;
use crate::load::Loaded;
use crate::sink::Outcome;
use crate::sync::Tally;

/// What a sync did, for whoever started it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Receipt {
    /// The table's name, None where the connection could not be read.
    pub table: Option<String>,
    /// The file, None where nothing changed.
    pub file: Option<String>,
    /// All files, where the header of a CSV file had to change on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Rows delivered and committed.
    pub rows: u64,
    /// Requests sent, failures included.
    pub requests: u64,
    /// Windows walked.
    pub windows: u64,
    /// Pages that showed that rows had moved.
    pub drifts: u64,
    /// Rows that came again and were dropped.
    pub duplicates: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Rows set aside.
    pub rejected: u64,
    /// The high-water mark.
    pub last_updated_at: Option<String>,
    /// Whether all that the API reported was delivered, and none of its
    /// answers spoke against it.
    pub complete: bool,
    /// True where a row that was known confirmed the API's bound, or why none
    /// did.
    pub confirmed: Confirmed,
    /// Files that were handed over, where `--load` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded: Option<u64>,
    /// Files that still wait to be handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// When it began: RFC 3339 in UTC.
    pub started: String,
    /// When it ended.
    pub finished: String,
    /// The exit code that it comes to.
    pub exit: u8,
    /// What ended it before its time, None where nothing did.
    pub error: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Receipt {
    /// The receipt of a sync that could not begin.
    pub fn failed(options: &Options, error: &Error) -> Self {
        Self {
            table: options.table.clone(),
            exit: error.exit_code(),
            error: Some(error.to_string()),
            finished: time_of_day(),
            ..Self::new(options)
        }
    }

    /// The receipt of a sync that asked for nothing yet.
    pub(super) fn new(options: &Options) -> Self {
        let loads = options.load.as_ref().map(|_| 0);
        Self {
            table: options.one_of.clone(),
            file: None,
            files: Vec::new(),
            rows: 0,
            requests: 0,
            windows: 0,
            drifts: 0,
            duplicates: 0,
            retries: 0,
            rejected: 0,
            last_updated_at: None,
            complete: false,
            confirmed: Confirmed::No("the sync ended before it asked"),
            loaded: loads,
            waiting: None,
            started: time_of_day(),
            finished: String::new(),
            exit: 0,
            error: None,
            seconds: 0.0,
        }
    }

    /// Takes what the walk came to.
    pub(super) fn walked(&mut self, tally: Tally, cursor: &Cursor) {
        let counts = cursor.counts();
        self.requests = tally.requests;
        self.windows = counts.windows;
        self.drifts = counts.drifts;
        self.duplicates = counts.duplicates;
        let why = cursor.unconfirmed();
        self.confirmed = why.map_or(Confirmed::Yes(true), Confirmed::No);
    }

    /// Takes what was written.
    pub(super) fn closed(&mut self, closed: Closed) {
        let Closed { done, loaded, .. } = closed;
        self.files = match (&done.before[..], &done.file) {
            ([], _) => Vec::new(),
            (before, last) => [before, last.as_slice()].concat(),
        };
        self.file = done.file;
        self.rows = done.rows;
        self.rejected = done.rejected;
        self.last_updated_at = done.mark;
        self.complete = closed.complete;
        self.loaded = loaded.map(|loaded| loaded.files);
        self.waiting = loaded.map(|loaded| loaded.waiting);
    }
}

/// What was found about the bound: true, or why nothing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Confirmed {
    /// A row that was known came back at the bound.
    Yes(bool),
    /// No such row came back, for this reason.
    No(&'static str),
}

/// What a sync wrote, once all is closed.
pub(super) struct Closed {
    pub(super) done: Outcome,
    /// Whether all that the API reported was delivered.
    pub(super) complete: bool,
    /// What was handed over, where that was wanted.
    pub(super) loaded: Option<Loaded>,
}
