//! What every answer is held against, whatever it was asked for.

pub(super) mod answer;
pub(super) mod progress;
