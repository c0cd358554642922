//! Memory of a refuted walk: the last ground that is proved, to which the
//! state returns when an answer speaks against the walk. What is after it
//! may have been skipped, so the next sync begins there; rows may come once
//! more then, and none is lost.

use super::super::{Bound, Mark};

/// How far everything is proved.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Ground {
    /// The high-water mark.
    pub(in crate::cursor) mark: Option<Mark>,
    /// Where the next sync asks from: a mark, or else where this one began.
    pub(in crate::cursor) resume: Bound,
    pub(in crate::cursor) resume_mark: Option<Mark>,
}

/// From where on a walk is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cursor) enum Doubt {
    /// From where it stands: all that was read before is proved.
    Here,
    /// From where the window before this one was opened.
    Window,
    /// From where the bound was last confirmed.
    Confirmed,
    /// From where the sync began.
    Start,
}
