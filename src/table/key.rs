//! Where the fields of a primary key stand in a row: in a column, or inside of
//! one. It reads no line and no record itself.

use crate::json::{self, Fault};

/// The sequence number of a version, where rows carry one.
pub(crate) const SEQ: &str = "_seq";
/// True in a version which says that its row is deleted.
pub(crate) const DELETED: &str = "_deleted";

/// Where one of the key's fields stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the column of its name.
    Column,
    /// Where these tokens lead to: no column was declared for it.
    At(Vec<String>),
    /// In the column of its name, or where tokens lead to that give this name
    /// when they are joined by `_`: a state keeps no more than the name.
    Joined,
}

/// One of the key's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// What it is called: the column's name.
    pub(crate) name: String,
    pub(crate) place: Place,
}

impl Part {
    /// A declared column.
    pub(crate) fn column(name: &str) -> Self {
        Self::new(name, Place::Column)
    }

    /// A field without a column, where these tokens lead to.
    pub(crate) fn at(name: &str, path: &[String]) -> Self {
        Self::new(name, Place::At(path.to_vec()))
    }

    /// A field of which the name is all that is known.
    pub(crate) fn joined(name: &str) -> Self {
        Self::new(name, Place::Joined)
    }

    fn new(name: &str, place: Place) -> Self {
        let name = name.to_owned();
        Self { name, place }
    }

    /// The field's value in a row, which is valid JSON.
    pub(super) fn find<'a>(&self, row: &'a [u8]) -> Option<&'a [u8]> {
        match &self.place {
            Place::Column => None,
            Place::At(path) => json::point(row, path),
            Place::Joined => descend(row, &self.name),
        }
    }
}

/// The value that tokens lead to which, joined by `_`, give this name.
pub(super) fn descend<'a>(raw: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut found = None;
    let mut consider = |token: &str, value: &'a [u8]| {
        let Some(rest) = name.strip_prefix(token) else {
            return;
        };
        let inner = rest.strip_prefix('_');
        if rest.is_empty() {
            found = Some(value);
        } else if let (None, Some(rest)) = (found, inner) {
            found = descend(value, rest);
        }
    };
    match raw.first()? {
        b'{' => {
            _ = json::members::<Fault>(raw, 0, 0, &mut |text, key, at| {
                let end = json::value(text, at, 1)?;
                consider(&json::unescape(key.of(text)), &raw[at..end]);
                Ok(end)
            });
        }
        b'[' => {
            let mut index = 0;
            _ = json::elements::<Fault>(raw, 0, 0, &mut |text, at| {
                let end = json::value(text, at, 1)?;
                consider(&index.to_string(), &raw[at..end]);
                index += 1;
                Ok(end)
            });
        }
        _ => {}
    }
    found
}

/// A cell that holds a JSON object or list, which is how CSV has nested values.
pub(crate) fn json_cell(cell: &[u8]) -> Option<&[u8]> {
    let nested = matches!(cell.first(), Some(b'{' | b'['));
    (nested && json::value(cell, 0, 0) == Ok(cell.len())).then_some(cell)
}
