//! A survey of an answer's body, made once: where its rows are, which fields
//! they have, and which of these could be the key or the timestamp. What it
//! finds is for the clauses to judge.

pub(super) mod candidates;
pub(super) mod fields;
pub(super) mod json;
pub(super) mod lists;
pub(super) mod stamp;

use crate::config::{Connection, Field};
use crate::json as text;

use fields::Column;
use stamp::Stamp;

/// A list of objects: where it is, and how many there are.
pub(super) type List = (Vec<String>, usize);

/// What an answer's body holds.
pub(super) struct Survey<'a> {
    /// The body, as it was looked at.
    pub(super) body: &'a [u8],
    /// The rows, or why there are none.
    pub(super) rows: Result<Vec<&'a [u8]>, Misplaced>,
    /// The rows' fields.
    pub(super) columns: Vec<Column<'a>>,
    /// Fields that could be the key, the likeliest first.
    pub(super) keys: Vec<Field>,
    /// Fields that could be the timestamp, the likeliest first.
    pub(super) cursors: Vec<(Field, Stamp)>,
}

/// Why there are no rows where the connection says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Misplaced {
    /// The body is no JSON; its start.
    NoJson(String),
    /// Something else is there; the lists that are somewhere, the longest
    /// first, and where in the elements of that one the row is.
    Elsewhere {
        /// What is there.
        what: String,
        /// All lists of objects.
        lists: Vec<List>,
        /// Where the row is in each element of the first of them.
        row: Vec<String>,
        /// The body's start.
        start: String,
    },
    /// Each row is wrapped in this member.
    Wrapped(Vec<String>, usize),
    /// Not each element has an object where the connection says; where one is.
    NoObject(Vec<String>),
}

impl<'a> Survey<'a> {
    /// Looks over a body.
    pub(super) fn of(connection: &Connection, body: &'a [u8]) -> Self {
        let rows = locate(connection, body);
        let columns = rows.as_deref().map_or_else(|_| Vec::new(), fields::columns);
        let count = rows.as_ref().map_or(0, Vec::len);
        Self {
            keys: candidates::keys(&columns, count),
            cursors: candidates::cursors(&columns, count),
            body,
            rows,
            columns,
        }
    }

    /// The rows, none where they are not where the connection says.
    pub(super) fn rows(&self) -> &[&'a [u8]] {
        self.rows.as_deref().unwrap_or_default()
    }
}

/// A list without rows where rows usually are.
fn empty(whole: &[u8]) -> Vec<(Vec<String>, Vec<&[u8]>)> {
    const NAMES: [&str; 8] = [
        "data", "results", "items", "rows", "records", "value", "features", "entries",
    ];
    let is_empty = |raw: &[u8]| raw.first() == Some(&b'[') && json::items(raw).is_empty();
    if is_empty(whole) {
        return vec![(Vec::new(), Vec::new())];
    }
    let members = json::members(whole).into_iter();
    let found = members.filter(|(name, raw)| NAMES.contains(&&**name) && is_empty(raw));
    found.map(|(name, _)| (vec![name], Vec::new())).collect()
}

/// The rows where the connection says, or what is there.
fn locate<'a>(connection: &Connection, body: &'a [u8]) -> Result<Vec<&'a [u8]>, Misplaced> {
    if !json::is_json(body) {
        return Err(Misplaced::NoJson(json::shown(&body[..body.len().min(200)])));
    }
    let whole = json::whole(body);
    let found = text::point(whole, &connection.response.rows);
    let list = found.filter(|raw| raw.first() == Some(&b'['));
    let items = list.map(json::items).unwrap_or_default();
    let objects = items.iter().all(|item| item.first() == Some(&b'{'));
    if list.is_none() || !objects {
        let lists = fields::lists(body);
        let lists = match lists.is_empty() {
            true => empty(whole),
            false => lists,
        };
        let first = lists.first();
        let row = first.map_or_else(Vec::new, |(_, rows)| fields::wrapping(rows));
        return Err(Misplaced::Elsewhere {
            what: match found {
                None => String::new(),
                Some(raw) if list.is_none() => format!("{}, not a list", text::kind(raw)),
                Some(_) => "a list of something other than objects".to_owned(),
            },
            row,
            lists: lists
                .into_iter()
                .map(|(path, rows)| (path, rows.len()))
                .collect(),
            start: json::shown(&whole[..whole.len().min(200)]),
        });
    }
    let wrapping = fields::wrapping(&items);
    let known = |field: &Field| field.path.first() == wrapping.first();
    if connection.response.row.is_empty() && !wrapping.is_empty() && !known(&connection.cursor) {
        return Err(Misplaced::Wrapped(wrapping, items.len()));
    }
    let inner: Vec<&[u8]> = items
        .iter()
        .filter_map(|item| text::point(item, &connection.response.row))
        .filter(|raw| raw.first() == Some(&b'{'))
        .collect();
    if inner.len() < items.len() {
        return Err(Misplaced::NoObject(wrapping));
    }
    Ok(inner)
}
