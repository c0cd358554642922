//! What `--metadata` adds to each row: `_seq`, which grows with every row of
//! the table, and `_synced_at`. It knows no clock, and is told the time.

use crate::error::{Error, Result};
use crate::timestamp::{self, Instant};

/// What is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    Seq,
    SyncedAt,
}

/// In the order in which they are added.
pub(crate) const STAMPS: [Stamp; 2] = [Stamp::Seq, Stamp::SyncedAt];

impl Stamp {
    /// What the field is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seq => "_seq",
            Self::SyncedAt => "_synced_at",
        }
    }

    /// The field with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        STAMPS.into_iter().find(|stamp| stamp.name() == name)
    }
}

/// The values for the next row.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    /// The last number that was given.
    pub(super) seq: u64,
    synced_at: String,
}

impl Metadata {
    /// Goes on after `last`, the last number that was given, but not below the
    /// microseconds since 1970: so numbers grow also where the state was lost,
    /// or where rows went to a reader before a sync broke off that had saved
    /// none. They stay below 2^53, which is as far as a float counts, until the
    /// year 2255.
    pub(super) fn new(last: u64, now: Instant) -> Self {
        let micros = i128::from(now.secs) * 1_000_000 + i128::from(now.nanos / 1000);
        let mut metadata = Self {
            seq: last.max(u64::try_from(micros).unwrap_or(0)),
            synced_at: String::new(),
        };
        metadata.set_time(now);
        metadata
    }

    /// The time of the rows from here on.
    pub(super) fn set_time(&mut self, now: Instant) {
        let seconds = timestamp::format(Instant { nanos: 0, ..now });
        let seconds = seconds.trim_end_matches('Z');
        self.synced_at = format!("{seconds}.{:06}Z", now.nanos / 1000);
    }

    /// Appends a value. `quote` is written around what is not a number.
    pub(super) fn write(&self, stamp: Stamp, quote: &str, out: &mut Vec<u8>) {
        let text = match stamp {
            Stamp::Seq => self.seq.saturating_add(1).to_string(),
            Stamp::SyncedAt => format!("{quote}{}{quote}", self.synced_at),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// The fields that are added to the row after `last`, as they stand in NDJSON,
/// and the number that the row has.
pub(crate) fn stamps(last: u64, now: Instant) -> (u64, String) {
    let metadata = Metadata::new(last, now);
    let mut out = Vec::new();
    for stamp in STAMPS {
        out.extend_from_slice(format!(",\"{}\":", stamp.name()).as_bytes());
        metadata.write(stamp, "\"", &mut out);
    }
    (
        metadata.seq.saturating_add(1),
        String::from_utf8_lossy(&out).into_owned(),
    )
}

/// Refuses a field of the API's own that is called as one that is added.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming it.
pub(super) fn check<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<()> {
    let Some(taken) = names.find(|name| Stamp::named(name).is_some()) else {
        return Ok(());
    };
    Err(Error::usage(format!(
        "the rows have a field {taken:?} of their own, which --metadata would add"
    ))
    .hint("leave out --metadata"))
}
