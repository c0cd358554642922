//! The stamp in the name of a file of the table, `TABLE-STAMP.FORMAT`: when it
//! was made, and which one comes next. Pure: it looks at no folder.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::row::FileFormat;
use crate::timestamp::{self, Instant};

/// The stamp in the name of one of the table's files: `TABLE-STAMP.…`.
pub fn stamp<'a>(name: &'a str, table: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(table)?.strip_prefix('-')?;
    let (stamp, _) = rest.split_once('.')?;
    let shaped =
        stamp.len() == 16 && stamp.ends_with('Z') && stamp.as_bytes().get(8) == Some(&b'T');
    shaped.then_some(stamp)
}

/// The time that a stamp says; None where the text is no stamp.
pub fn stamp_of(stamp: &str) -> Option<Instant> {
    if stamp.len() != 16 || !stamp.is_ascii() {
        return None;
    }
    let part = |range: std::ops::Range<usize>| stamp.get(range);
    let (date, time) = (
        part(0..4).zip(part(4..6)).zip(part(6..8))?,
        part(9..11).zip(part(11..13)).zip(part(13..15))?,
    );
    let (((year, month), day), ((hour, minute), second)) = (date, time);
    timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// The first stamp that is later than this one.
///
/// # Errors
/// [`crate::error::Kind::Local`] at the end of the year 9999.
pub fn after(last: &str) -> Result<String> {
    let next = stamp_of(last).map(|last| timestamp::compact(last.plus(Duration::from_secs(1))));
    next.filter(|next| next.as_str() > last).ok_or_else(|| {
        Error::local(format!("there is no name for a file after {last}"))
            .hint("a file of the year 9999 is in the folder or was: start with a new folder")
    })
}

/// The format of a finished file, None where the name is not that of one.
pub fn format_of(name: &str, table: &str) -> Option<FileFormat> {
    let formats = [FileFormat::Ndjson, FileFormat::Csv];
    let stamp = stamp(name, table)?;
    formats
        .into_iter()
        .find(|format| name == format!("{table}-{stamp}.{}", format.extension()))
}
