//! A timestamp that the API sent, and a bound to ask from.

use super::Rows;
use crate::timestamp::{Format, Instant};

/// A timestamp that the API sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// As the API spelled it.
    pub text: String,
    /// What it means.
    pub at: Instant,
}

impl Mark {
    /// A row's.
    pub fn of<R: Rows>(page: &R, row: usize) -> Self {
        Self {
            text: page.mark(row),
            at: page.at(row),
        }
    }
}

/// Where a window starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What stands for `{since}`, None for no filter at all.
    pub text: Option<String>,
    /// The instant that the text says.
    pub at: Instant,
}

impl Bound {
    /// No filter at all.
    pub const NONE: Self = Self {
        text: None,
        at: Instant::MIN,
    };

    /// The same with the text that a state keeps of it.
    pub(super) fn noted(&self, format: &Format) -> Self {
        let text = self.text.as_ref();
        Self {
            text: text.map(|text| format.noted(text, self.at)),
            at: self.at,
        }
    }

    /// The bound at a mark as this format spells it, which cuts downwards.
    pub fn spelled(mark: &Mark, format: &Format) -> Self {
        Self {
            text: Some(format.spell(&mark.text, mark.at)),
            at: format.cut(mark.at),
        }
    }
}
