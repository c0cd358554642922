//! An answer of a trial as a sheet of keys and timestamps, and what sheets tell
//! of the parameters in their questions. It asks nothing.

use crate::timestamp::{self, Instant};

/// What an answer's rows are, as far as a trial looks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sheet {
    /// Each row's key, as it is written.
    pub(super) ids: Vec<String>,
    /// Each row's timestamp, where it has one.
    pub(super) times: Vec<Option<Instant>>,
    /// The same timestamp as the API wrote it.
    pub(super) texts: Vec<String>,
    /// A total that the answer seems to tell.
    pub(super) total: Option<u64>,
}

impl Sheet {
    /// Whether all rows have a timestamp, the timestamps rise or stay, and
    /// they are not all the same.
    pub(super) fn rises(&self) -> bool {
        let times: Vec<Instant> = self.times.iter().flatten().copied().collect();
        times.len() == self.times.len() && times.is_sorted() && times.first() < times.last()
    }

    /// The same in the other direction.
    pub(super) fn falls(&self) -> bool {
        let times: Vec<Instant> = self.times.iter().flatten().copied().collect();
        times.len() == self.times.len()
            && times.is_sorted_by(|one, next| one >= next)
            && times.first() > times.last()
    }
}

/// A row in the middle whose timestamp is newer than the oldest, and is not
/// the newest where that can be helped.
pub(super) fn middle(all: &Sheet) -> Option<usize> {
    let oldest = all.times.iter().flatten().min()?;
    let mut newer: Vec<usize> = (0..all.times.len())
        .filter(|row| all.times[*row].as_ref().is_some_and(|time| time > oldest))
        .collect();
    newer.sort_by_key(|row| all.times[*row]);
    newer.get(newer.len() / 2).copied()
}

/// Ways to write a bound: what is sent, and the formats that say so.
pub(super) fn spellings(text: &str) -> Vec<(String, String, String)> {
    let mut all = vec![(text.to_owned(), String::new(), String::new())];
    let naive = timestamp::naive(text).is_some() && timestamp::parse(text).is_none();
    if naive && text.len() == 19 {
        let between = if text.contains('T') { 'T' } else { ' ' };
        let read = format!("[year]-[month]-[day]{between}[hour]:[minute]:[second]");
        let sent = "[year]-[month]-[day]T[hour]:[minute]:[second]Z".to_owned();
        all.push((format!("{}Z", text.replace(' ', "T")), read, sent));
    }
    all
}

/// Whether what came from a bound on is what a filter would leave of all.
pub(super) fn leaves_out(came: &Sheet, all: &Sheet, bound: usize) -> bool {
    let Some(bound) = all.times[bound] else {
        return false;
    };
    let after = |time: &Option<Instant>| time.is_some_and(|time| time >= bound);
    // The next row that is known must come, too: else the bound is another time.
    let next = all
        .times
        .iter()
        .flatten()
        .filter(|time| **time > bound)
        .min();
    let oldest = came.times.iter().flatten().min();
    let next_came = next.is_none_or(|next| oldest.is_some_and(|oldest| oldest <= next));
    came.ids != all.ids && came.times.iter().all(after) && next_came
}

/// Whether what came is what a filter would leave that reads its bound as
/// another time: not all, and nothing older than what came without it.
pub(super) fn changes(came: &Sheet, all: &Sheet) -> bool {
    let oldest = |sheet: &Sheet| sheet.times.iter().flatten().min().copied();
    !came.ids.is_empty() && oldest(came) > oldest(all) && came.ids != all.ids
}
