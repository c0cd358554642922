//! Inputs that nobody thought of, for every reader of what comes from outside:
//! the scanner, the page, the state, the connection file, the recording and the
//! finished files. Each is held against what must be true of any input, and not
//! only against a panic.
//!
//! `FUZZ_SECONDS` says how long each target runs, which tries 1,000 inputs without it, and
//! `SEED` where it begins. A failure prints the smallest input that was found and
//! the seed that reaches it at once.

#![allow(clippy::unwrap_used)]

mod connection;
mod engine;
mod files;
mod mutate;
mod page;
mod recording;
mod scanner;
mod state;

#[path = "../support/mod.rs"]
mod support;

/// Ends a check with a reason where something does not hold.
macro_rules! ensure {
    ($holds:expr, $($reason:tt)+) => {
        if !$holds {
            return Err(format!($($reason)+));
        }
    };
}
pub(crate) use ensure;

/// What serde_json, which is the measure of what JSON is, says of a text. None
/// where it cannot judge: a number is more than a float can hold, or values nest
/// deeper than it follows, which it does not see in what it skips.
fn is_json(text: &[u8]) -> Option<bool> {
    let Err(error) = serde_json::from_slice::<serde_json::Value>(text) else {
        return Some(true);
    };
    let text = error.to_string();
    let limits = ["number out of range", "recursion limit exceeded"];
    (!limits.iter().any(|limit| text.starts_with(limit))).then_some(false)
}

/// Whether a text is JSON where what nobody reads is only skipped: to any depth,
/// half a surrogate pair included.
fn is_skipped_as_json(text: &[u8]) -> bool {
    let skipped: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(text);
    std::str::from_utf8(text).is_ok() && skipped.is_ok()
}
