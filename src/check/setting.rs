//! What can be mended in a connection file, as a value: it is written into a
//! [`Connection`] to go on with, and shown as the file would have it.

use serde_json::{Map, Value, json};

use crate::config::{Connection, Field, Place};
use crate::timestamp::Format;
use crate::types::Type;

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fix {
    /// Where the list of rows is, and where in each element the row.
    Rows(Vec<String>, Vec<String>),
    /// The fields that tell rows apart.
    Key(Vec<Field>),
    /// The timestamp.
    Cursor(Field),
    /// How timestamps are written, a `since.format`.
    Format(String),
    /// Whether rows at the bound are left out.
    Exclusive(bool),
    /// A first sync asks without the filter.
    NoFirst,
    /// Where the total is.
    Total(Option<Place>),
    /// Where the offset is echoed.
    Echo(Option<Place>),
    /// Rows to ask for at once.
    PageSize(u64),
    /// The deepest offset.
    MaxOffset(u64),
    /// Whether the API sorts.
    Sorted(bool),
    /// These columns' types; all columns where `true`.
    Columns(Vec<(Field, Type)>, bool),
}

impl Fix {
    /// Goes on as if the setting were in the file.
    pub(super) fn apply(&self, to: &mut Connection) {
        match self.clone() {
            Self::Rows(rows, row) => (to.response.rows, to.response.row) = (rows, row),
            Self::Key(key) => to.primary_key = key,
            Self::Cursor(cursor) => to.cursor = cursor,
            Self::Format(text) => {
                if let Ok(format) = Format::new(&text) {
                    to.since.format = format;
                }
            }
            Self::Exclusive(exclusive) => to.since.exclusive = exclusive,
            Self::NoFirst => to.since.first = None,
            Self::Total(place) => to.response.total = place,
            Self::Echo(place) => to.response.offset = place,
            Self::PageSize(rows) => to.page_size = rows,
            Self::MaxOffset(offset) => to.max_offset = offset,
            Self::Sorted(sorted) => to.sorted = sorted,
            Self::Columns(columns, true) => to.columns = Some(columns),
            Self::Columns(columns, false) => {
                for (field, kind) in columns {
                    let declared = to.columns.iter_mut().flatten();
                    for known in declared.filter(|known| known.0 == field) {
                        known.1 = kind;
                    }
                }
            }
        }
    }

    /// The piece of a connection file.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Rows(rows, row) if row.is_empty() => {
                json!({ "response": { "rows": pointer(rows) } })
            }
            Self::Rows(rows, row) => {
                json!({ "response": { "rows": pointer(rows), "row": pointer(row) } })
            }
            Self::Key(key) => {
                json!({ "primary_key": key.iter().map(spelled).collect::<Vec<_>>() })
            }
            Self::Cursor(cursor) => json!({ "cursor": spelled(cursor) }),
            Self::Format(text) => json!({ "since": { "format": text } }),
            Self::Exclusive(exclusive) => {
                let bound = if *exclusive { "exclusive" } else { "inclusive" };
                json!({ "since": { "bound": bound } })
            }
            Self::NoFirst => json!({ "since": { "first": null } }),
            Self::Total(place) => json!({ "response": { "total": place_value(place) } }),
            Self::Echo(place) => json!({ "response": { "offset": place_value(place) } }),
            Self::PageSize(rows) => json!({ "page_size": rows }),
            Self::MaxOffset(offset) => json!({ "max_offset": offset }),
            Self::Sorted(sorted) => json!({ "sorted": sorted }),
            Self::Columns(columns, _) => {
                let columns = columns.iter();
                let columns: Map<String, Value> = columns
                    .map(|(field, kind)| (spelled(field), kind.name().into()))
                    .collect();
                json!({ "columns": columns })
            }
        }
    }
}

/// The field at this path.
pub(super) fn field(path: &[String]) -> Field {
    Field {
        name: path.join("_"),
        path: path.to_vec(),
    }
}

/// A field as a connection file names it.
pub(super) fn spelled(field: &Field) -> String {
    match &field.path[..] {
        [name] if !name.starts_with('/') && !name.is_empty() => name.clone(),
        path => pointer(path),
    }
}

/// A JSON pointer's text.
pub(super) fn pointer(path: &[String]) -> String {
    path.iter()
        .map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// A place as a connection file writes it.
pub(super) fn place_value(place: &Option<Place>) -> Value {
    match place {
        None => Value::Null,
        Some(Place::Body(path)) => pointer(path).into(),
        Some(Place::Header(name)) => format!("header:{name}").into(),
    }
}

/// Fields by the names that a connection file gives them.
pub(super) fn names(fields: &[Field]) -> String {
    fields.iter().map(spelled).collect::<Vec<_>>().join(", ")
}

/// Candidates that a line has room for.
const NAMED: usize = 4;

/// Words that name candidates.
pub(super) fn candidates(fields: &[Field], what: &str) -> String {
    match fields {
        [] => format!("; no {what}"),
        some => format!("; {what}: {}", names(&some[..some.len().min(NAMED)])),
    }
}
