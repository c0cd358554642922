//! What clauses are judged by: the connection, the first answer with what was
//! surveyed in it, and the answers to all other questions. It judges nothing.

use crate::config::Connection;
use crate::error::Error;
use crate::exchange::Response;

use super::evidence::Evidence;
use super::survey::Survey;

/// All that is known of an API.
pub(super) struct Case<'a> {
    /// The connection that is checked.
    pub(super) connection: &'a Connection,
    /// The first answer's status and headers.
    pub(super) response: &'a Response,
    /// What its body holds.
    pub(super) survey: &'a Survey<'a>,
    /// What came of all other questions.
    pub(super) all: &'a Evidence,
    /// The circumstances in which the API was asked.
    pub(super) scene: &'a Scene,
}

/// The circumstances in which the API was asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Scene {
    /// Why the first answer is no answer of an API, if it is none.
    pub(super) foreign: Option<Error>,
    /// Our time when the first answer was judged, in unix seconds.
    pub(super) now: i64,
    /// Whether the network answered, and not a recording.
    pub(super) live: bool,
    /// How many requests were sent again.
    pub(super) repeated: u64,
}

impl Case<'_> {
    /// Whether the first answer holds rows that can be read.
    pub(super) fn has_rows(&self) -> bool {
        !self.all.page.is_empty()
    }
}
