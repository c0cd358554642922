//! Looking into JSON that is not known yet: an object's members, a list's
//! items, what kind of value it is. The text must be valid, as the first of
//! these tells.

use crate::error::excerpt;
use crate::json::{self, Fault};

/// Whether all of the body is one valid JSON value.
pub(in crate::check) fn is_json(body: &[u8]) -> bool {
    let start = json::space(body, 0);
    std::str::from_utf8(body).is_ok()
        && json::value(body, start, 0).is_ok_and(|end| json::space(body, end) == body.len())
}

/// An object's members in their order; none of anything else. The value must
/// be valid.
pub(in crate::check) fn members(raw: &[u8]) -> Vec<(String, &[u8])> {
    let mut all = Vec::new();
    _ = json::members::<Fault>(raw, 0, 0, &mut |text, key, at| {
        let end = json::value(text, at, 1)?;
        all.push((json::unescape(key.of(text)).into_owned(), at..end));
        Ok(end)
    });
    all.into_iter().map(|(key, at)| (key, &raw[at])).collect()
}

/// A list's elements; none of anything else. The value must be valid.
pub(in crate::check) fn items(raw: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    _ = json::elements::<Fault>(raw, 0, 0, &mut |text, at| {
        let end = json::value(text, at, 1)?;
        all.push(at..end);
        Ok(end)
    });
    all.into_iter().map(|at| &raw[at]).collect()
}

/// The value that a body is.
pub(in crate::check) fn whole(body: &[u8]) -> &[u8] {
    body.get(json::space(body, 0)..).unwrap_or_default()
}

/// Whether it is a string or a number.
pub(in crate::check) fn is_scalar(raw: &[u8]) -> bool {
    matches!(raw.first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// A value for a message.
pub(in crate::check) fn shown(raw: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(raw))
}
