//! What fits to rows that a filter leaves out.

use super::super::super::Bound;
use crate::error::Error;
use crate::timestamp::{self, Instant};

/// A row that the filter leaves out at a bound, and what is known of others.
#[derive(Debug)]
pub(super) struct LeftOut<'a> {
    pub(super) bound: &'a Bound,
    /// The row's timestamp.
    pub(super) at: Instant,
    /// The timestamps of the rows from it on, where it was found.
    pub(super) following: &'a [Instant],
    /// The first row that the bound shows.
    pub(super) shown: Option<Instant>,
}

impl LeftOut<'_> {
    /// The error that says so, with what fits.
    pub(super) fn explain(&self) -> Error {
        let bound = self.bound.text.as_deref().unwrap_or_default();
        let error = Error::contract(format!(
            "the filter leaves out rows of its own bound: asked from {bound:?} on, the API leaves out a row of {}, which it shows when it is asked otherwise",
            timestamp::format(self.at)
        ));
        let again = "then run it again: it takes up where the bound was last right";
        if self.is_only_the_bound() {
            return error.hint(format!("if it leaves out just the rows of the bound itself, set \"since\": {{\"bound\": \"exclusive\"}} in the connection file, {again}"));
        }
        let hours = self.hours();
        error.hint(format!("the bound may be read in another zone{hours} (set \"since\": {{\"zone\": …}}), be rounded up (set a \"format\" that cuts it), filter by another field than the cursor, be exclusive, or the token's rights changed; mend it, {again}"))
    }

    /// The last row that is known to be left out.
    fn last(&self) -> Option<Instant> {
        let left_out = |at: &&Instant| self.shown.is_none_or(|shown| **at < shown);
        self.following.iter().filter(left_out).max().copied()
    }

    /// Whether it leaves out the rows at the bound, and shows the next ones.
    fn is_only_the_bound(&self) -> bool {
        let next = self.following.iter().find(|at| **at > self.at).copied();
        self.last() == Some(self.at)
            && self.at == self.bound.at
            && self.shown.is_some()
            && next.is_none_or(|next| self.shown == Some(next))
    }

    /// By how much the bound is off, as far as rows show it.
    fn hours(&self) -> String {
        let seconds = |at: Instant| (at.to_nanos() - self.bound.at.to_nanos()) / 1_000_000_000;
        let (least, most) = (self.last().map_or(0, seconds), self.shown.map(seconds));
        match most {
            Some(most) if most - least < 3600 || least >= 900 => {
                format!(", here by {}", between(least, most))
            }
            Some(most) => format!(", here by at most {}", length(most)),
            None if least >= 900 => format!(", here by more than {}", length(least)),
            None => String::new(),
        }
    }
}

/// A whole number of hours that lies between so many seconds, or both.
fn between(least: i128, most: i128) -> String {
    let hours = least / 3600 + 1;
    if hours * 3600 <= most && (hours + 1) * 3600 > most {
        return format!("{hours} hours");
    }
    format!("{} to {}", length(least), length(most))
}

fn length(seconds: i128) -> String {
    match seconds {
        ..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{:.1} hours", seconds as f64 / 3600.0),
    }
}
