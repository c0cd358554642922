//! What goes into a cursor and what comes out of it.

use std::ops::Range;
use std::time::Duration;

use super::{Bound, Mark};
use crate::seen::Seen;
use crate::timestamp::{Format, Instant};

/// In which order an API sends its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By the cursor, ascending.
    Sorted,
    /// In no order that is known.
    Unsorted,
}

/// How an API is asked for the page after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By the number of rows to pass over, so that pages can overlap.
    Offset,
    /// By the number of the page, so that they cannot.
    Page,
    /// By the link to it in the page before, so that they cannot either.
    Link,
    /// Not at all: the next page is asked for from the last timestamp.
    Keyset,
}

/// How to walk.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Rows to ask for at once.
    pub limit: u64,
    /// The offset to stay below by opening new windows.
    pub max_offset: u64,
    /// Whether the API leaves out rows at the bound itself.
    pub exclusive: bool,
    /// In which order the API sends its rows.
    pub order: Order,
    /// How the next page is asked for.
    pub paging: Paging,
    /// Whether the API is asked for rows from a bound on at all.
    pub filters: bool,
    /// Whether the API is told how many rows to send.
    pub limits: bool,
    /// How bounds are spelled.
    pub format: Format,
    /// How long after its timestamp a row may become visible.
    pub lookback: Duration,
    /// Rows at or after this instant are left for another sync.
    pub until: Option<Instant>,
}

impl Settings {
    pub(super) fn sorted(&self) -> bool {
        self.order == Order::Sorted
    }

    pub(super) fn by_page(&self) -> bool {
        matches!(self.paging, Paging::Page | Paging::Link)
    }
}

/// How rows were reached the last time: what was asked when they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What stood for `{since}`, None for no filter at all.
    pub since: Option<String>,
    /// The offset of the page.
    pub offset: u64,
}

/// Where a sync takes up.
#[derive(Debug)]
pub struct Start {
    /// Where the first window starts.
    pub bound: Bound,
    /// The high-water mark so far.
    pub mark: Option<Mark>,
    /// The rows from the bound on that were delivered.
    pub seen: Seen,
    /// How the rows of the bound were reached the last time.
    pub question: Option<Question>,
    /// Where a table is read from its beginning.
    pub beginning: Bound,
    /// Why the last sync was not believed, where it was not.
    pub refuted: Option<String>,
}

impl Start {
    /// The beginning of everything.
    pub fn new(bound: Bound) -> Self {
        Self {
            beginning: bound.clone(),
            bound,
            mark: None,
            seen: Seen::default(),
            question: None,
            refuted: None,
        }
    }
}

/// What to ask for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// What stands for `{since}`, None for no filter at all.
    pub since: Option<&'a str>,
    /// The offset of the page.
    pub offset: u64,
    /// How many rows to ask for.
    pub limit: u64,
    /// How long to wait before it is asked for.
    pub pause: Duration,
}

/// What an answer says besides its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The offset that it echoes.
    pub echoed: Option<u64>,
    /// How many rows pass the filter.
    pub total: Option<u64>,
    /// Whether more rows follow this page, where the API says so.
    pub more: Option<bool>,
    /// Whether it says by its status that there is nothing.
    pub nothing: bool,
    /// When it was asked for, by the earliest clock that is known.
    pub asked: Instant,
    /// The same, by the latest clock.
    pub latest: Instant,
}

impl Answer {
    /// An answer that was asked for at this instant by every clock.
    pub fn new(echoed: Option<u64>, total: Option<u64>, asked: Instant) -> Self {
        Self {
            echoed,
            total,
            more: None,
            nothing: false,
            asked,
            latest: asked,
        }
    }
}

/// What comes of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The rows to deliver, in order.
    pub deliver: Vec<Range<usize>>,
    /// Whether the sync is complete.
    pub done: bool,
    /// Why the page was discarded, where rows had moved.
    pub drift: Option<&'static str>,
    /// What the page was asked for, where it was only to prove something.
    pub proof: Option<&'static str>,
}

impl Step {
    pub(super) fn proof(what: &'static str) -> Self {
        Self {
            proof: Some(what),
            ..Self::default()
        }
    }
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Windows opened.
    pub windows: u64,
    /// Pages that showed that rows had moved.
    pub drifts: u64,
    /// Rows that came again and were dropped.
    pub duplicates: u64,
}
