//! Looking around in an answer that is not known yet: which lists it holds,
//! and which fields their rows have, of which type. It guesses no meaning.

use std::collections::{HashMap, HashSet};

use crate::config::Field;
use crate::json;
use crate::timestamp::{self, Format};
use crate::types::Type;

use super::json::{is_scalar, items, members, whole};
use super::stamp::{Stamp, stamp};

/// How deep lists and fields are looked for.
pub(in crate::check) const DEPTH: usize = 4;

/// Rows and fields that are looked at.
const ROWS: usize = 1000;

const FIELDS: usize = 500;

/// A field that rows have.
#[derive(Debug, Clone)]
pub(in crate::check) struct Column<'a> {
    /// The keys that lead to it.
    pub(in crate::check) path: Vec<String>,
    /// Its values but for null, as they came.
    pub(in crate::check) values: Vec<&'a [u8]>,
}

/// The lists of objects in a valid body, the longest first.
pub(in crate::check) fn lists(body: &[u8]) -> Vec<(Vec<String>, Vec<&[u8]>)> {
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

/// Where each row is inside its element: below the one member that all
/// elements have, or right there.
pub(in crate::check) fn wrapping(items: &[&[u8]]) -> Vec<String> {
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
pub(in crate::check) fn columns<'a>(rows: &[&'a [u8]]) -> Vec<Column<'a>> {
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
    pub(in crate::check) fn fills(&self, rows: usize) -> bool {
        self.values.len() == rows.min(ROWS)
    }

    /// Whether no value is there twice.
    pub(in crate::check) fn is_unique(&self) -> bool {
        let mut met = HashSet::new();
        self.values
            .iter()
            .all(|value| is_scalar(value) && met.insert(*value))
    }

    /// Its own name in lower case.
    pub(in crate::check) fn name(&self) -> String {
        self.path
            .last()
            .map_or_else(String::new, |name| name.to_lowercase())
    }

    /// How all its values are written, if they are timestamps.
    pub(in crate::check) fn stamp(&self) -> Option<Stamp> {
        let name = self.name();
        let first = stamp(self.values.first()?, &name)?;
        let same = self
            .values
            .iter()
            .all(|value| stamp(value, &name) == Some(first));
        same.then_some(first)
    }

    /// The narrowest type that takes all its values.
    pub(in crate::check) fn of_type(&self, key: bool, cursor: bool, format: &Format) -> Type {
        let order: &[Type] = match self.values.first().and_then(|value| value.first()) {
            Some(b't' | b'f') => &[Type::Boolean],
            // A page of whole numbers promises none of the others.
            Some(b'-' | b'0'..=b'9') => &[Type::Decimal, Type::Double],
            Some(b'"') => &[
                Type::UtcDatetime,
                Type::NaiveDatetime,
                Type::NaiveDate,
                Type::String,
            ],
            _ => &[],
        };
        let first = self.values.first().map_or("", |value| json::kind(value));
        // Digits that would pass for times of day are text.
        let digits = |value: &&[u8]| value.iter().all(|b| b.is_ascii_digit() || *b == b'"');
        // A time without a zone is UTC only where the field's name says so.
        let name = self.name();
        let utc = name.ends_with("gmt") || name.ends_with("utc");
        let local = |value: &&[u8]| {
            let text = json::text(value);
            !(cursor && utc)
                && timestamp::naive(&text).is_some()
                && timestamp::parse(&text).is_none()
        };
        let fits = |kind: &&Type| {
            self.values.iter().all(|value| {
                json::kind(value) == first
                    && kind.check(value, key, format).is_ok()
                    && !(**kind == Type::UtcDatetime && (digits(value) || local(value)))
            })
        };
        order.iter().find(fits).copied().unwrap_or(Type::Json)
    }
}

/// A field's value, null counting as missing.
pub(in crate::check) fn value<'a>(row: &'a [u8], field: &Field) -> Option<&'a [u8]> {
    json::point(row, &field.path).filter(|raw| *raw != b"null")
}

/// Whether a value is a timestamp in this format.
pub(in crate::check) fn reads(raw: &[u8], format: &Format) -> bool {
    is_scalar(raw)
        && format
            .read(&json::text(raw), raw.first() != Some(&b'"'))
            .is_some()
}
