//! Looking around in an answer that is not known yet: which lists it holds,
//! and which fields their rows have, of which type. It guesses no meaning.

use std::collections::{HashMap, HashSet};

use crate::error::excerpt;
use crate::json::{self, Fault};
use crate::timestamp::{self, Format};
use crate::types::Type;

use super::guess::{Stamp, stamp};

/// How deep lists and fields are looked for.
pub(super) const DEPTH: usize = 4;
/// Rows and fields that are looked at.
const ROWS: usize = 1000;
const FIELDS: usize = 500;

/// A field that rows have.
#[derive(Debug, Clone)]
pub(super) struct Column<'a> {
    /// The keys that lead to it.
    pub(super) path: Vec<String>,
    /// Its values but for null, as they came.
    pub(super) values: Vec<&'a [u8]>,
}

/// Whether all of the body is one valid JSON value.
pub(super) fn is_json(body: &[u8]) -> bool {
    let start = json::space(body, 0);
    std::str::from_utf8(body).is_ok()
        && json::value(body, start, 0).is_ok_and(|end| json::space(body, end) == body.len())
}

/// An object's members in their order; none of anything else. The value must
/// be valid.
pub(super) fn members(raw: &[u8]) -> Vec<(String, &[u8])> {
    let mut all = Vec::new();
    _ = json::members::<Fault>(raw, 0, 0, &mut |text, key, at| {
        let end = json::value(text, at, 1)?;
        all.push((json::unescape(key.of(text)).into_owned(), at..end));
        Ok(end)
    });
    all.into_iter().map(|(key, at)| (key, &raw[at])).collect()
}

/// A list's elements; none of anything else. The value must be valid.
pub(super) fn items(raw: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    _ = json::elements::<Fault>(raw, 0, 0, &mut |text, at| {
        let end = json::value(text, at, 1)?;
        all.push(at..end);
        Ok(end)
    });
    all.into_iter().map(|at| &raw[at]).collect()
}

/// The lists of objects in a valid body, the longest first.
pub(super) fn lists(body: &[u8]) -> Vec<(Vec<String>, Vec<&[u8]>)> {
    fn look<'a>(raw: &'a [u8], path: &[String], to: &mut Vec<(Vec<String>, Vec<&'a [u8]>)>) {
        if raw.first() == Some(&b'[') {
            let items = items(raw);
            if !items.is_empty() && items.iter().all(|item| item.first() == Some(&b'{')) {
                to.push((path.to_vec(), items));
            }
        } else if path.len() < DEPTH {
            for (key, value) in members(raw) {
                look(value, &[path, &[key]].concat(), to);
            }
        }
    }
    let mut all = Vec::new();
    look(whole(body), &[], &mut all);
    all.sort_by_key(|(_, items)| usize::MAX - items.len());
    all
}

/// The value that a body is.
pub(super) fn whole(body: &[u8]) -> &[u8] {
    body.get(json::space(body, 0)..).unwrap_or_default()
}

/// Where each row is inside its element: below the one member that all
/// elements have, or right there.
pub(super) fn wrapping(items: &[&[u8]]) -> Vec<String> {
    let mut wrapped: Option<String> = None;
    for item in items.iter().take(ROWS) {
        let [(key, value)] = &members(item)[..] else {
            return Vec::new();
        };
        let same = wrapped.get_or_insert_with(|| key.clone()) == key;
        if !same || value.first() != Some(&b'{') {
            return Vec::new();
        }
    }
    wrapped.into_iter().collect()
}

/// The fields of these rows, at the top and below, in the API's order.
pub(super) fn columns<'a>(rows: &[&'a [u8]]) -> Vec<Column<'a>> {
    fn look<'a>(
        raw: &'a [u8],
        path: &[String],
        known: &mut HashMap<Vec<String>, usize>,
        to: &mut Vec<Column<'a>>,
    ) {
        for (key, value) in members(raw) {
            let path = [path, &[key]].concat();
            let next = to.len();
            let at = *known.entry(path.clone()).or_insert(next);
            if at == next {
                if next == FIELDS {
                    known.remove(&path);
                    return;
                }
                to.push(Column {
                    path: path.clone(),
                    values: Vec::new(),
                });
            }
            if value != b"null" {
                to[at].values.push(value);
            }
            if path.len() < DEPTH {
                look(value, &path, known, to);
            }
        }
    }
    let (mut known, mut all) = (HashMap::new(), Vec::new());
    for row in rows.iter().take(ROWS) {
        look(row, &[], &mut known, &mut all);
    }
    all
}

impl Column<'_> {
    /// Whether it has a value in each of so many rows.
    pub(super) fn fills(&self, rows: usize) -> bool {
        self.values.len() == rows.min(ROWS)
    }

    /// Whether no value is there twice.
    pub(super) fn is_unique(&self) -> bool {
        let mut met = HashSet::new();
        self.values
            .iter()
            .all(|value| is_scalar(value) && met.insert(*value))
    }

    /// Its own name in lower case.
    pub(super) fn name(&self) -> String {
        self.path
            .last()
            .map_or_else(String::new, |name| name.to_lowercase())
    }

    /// How all its values are spelled, if they are timestamps.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let name = self.name();
        let first = stamp(self.values.first()?, &name)?;
        let same = self
            .values
            .iter()
            .all(|value| stamp(value, &name) == Some(first));
        same.then_some(first)
    }

    /// The narrowest type that takes all its values.
    pub(super) fn of_type(&self, key: bool, cursor: bool, format: &Format) -> Type {
        let order: &[Type] = match self.values.first().and_then(|value| value.first()) {
            Some(b't' | b'f') => &[Type::Boolean],
            // A page of whole numbers promises none of the others.
            Some(b'-' | b'0'..=b'9') if !key => &[Type::Decimal, Type::Double],
            Some(b'-' | b'0'..=b'9') => &[Type::Long, Type::Double, Type::Decimal],
            Some(b'"') => &[
                Type::UtcDatetime,
                Type::NaiveDatetime,
                Type::NaiveDate,
                Type::String,
            ],
            _ => &[],
        };
        let first = self.values.first().map_or("", |value| json::kind(value));
        // Digits that would pass for times of day are what they are: text.
        let digits = |value: &&[u8]| value.iter().all(|b| b.is_ascii_digit() || *b == b'"');
        // A local time is not UTC because the cursor is.
        let local = |value: &&[u8]| !cursor && timestamp::naive(&json::text(value)).is_some();
        let fits = |of: &&Type| {
            self.values.iter().all(|value| {
                json::kind(value) == first
                    && of.check(value, key, format).is_ok()
                    && !(**of == Type::UtcDatetime && (digits(value) || local(value)))
            })
        };
        order.iter().find(fits).copied().unwrap_or(Type::Json)
    }
}

/// Whether it is a string or a number.
pub(super) fn is_scalar(raw: &[u8]) -> bool {
    matches!(raw.first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// A value for a message.
pub(super) fn shown(raw: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(raw))
}
