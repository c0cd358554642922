//! What the values of an answer mean: its counts, and the key and the cursor
//! of a row.

use super::{Member, Wanted};
use crate::config::Field;
use crate::error::{Error, Result, excerpt};
use crate::json;
use crate::timestamp::{Format, Instant};

/// Whether a value can be a primary key.
#[inline]
pub(super) fn is_key(raw: &[u8]) -> bool {
    matches!(raw.first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// The instant of a cursor's value.
#[inline]
pub(super) fn instant(raw: &[u8], format: &Format) -> Option<Instant> {
    match raw {
        [b'"', inner @ .., b'"'] => format
            .glance(inner)
            .or_else(|| format.read(&json::unescape(inner), false)),
        [b'-' | b'0'..=b'9', ..] => format.read(&json::text(raw), true),
        _ => None,
    }
}

/// A field's value, null counting as missing.
#[inline]
pub(super) fn field_value<'a>(
    text: &'a [u8],
    members: &[Member],
    field: &Field,
    index: Option<usize>,
) -> Option<&'a [u8]> {
    let raw = members.get(index?)?.value.of(text);
    let raw = if field.path.len() > 1 {
        json::point(raw, &field.path[1..])?
    } else {
        raw
    };
    (raw != b"null").then_some(raw)
}

/// A whole number, or the digits of one in a string; null is none.
pub(super) fn whole(raw: &[u8], what: &Wanted) -> Result<Option<u64>> {
    let name = match what {
        Wanted::Offset => "offset",
        Wanted::Limit => "limit",
        _ => "total",
    };
    let text = json::text(raw);
    if raw == b"null" {
        return Ok(None);
    }
    count(&text).map(Some).ok_or_else(|| {
        Error::contract(format!("{:?} is no count of rows", excerpt(&text)))
            .at(format_args!("field {name:?}"))
    })
}

/// Digits as a number. `parse` alone would take a plus sign too.
pub(super) fn count(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}
