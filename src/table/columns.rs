//! The header of a CSV file: which of its columns hold the primary key, and the
//! two that say how a version relates to others.

use crate::table::key::{DELETED, Part, Place, SEQ};

/// Where one of the key's fields stands in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyColumn {
    /// It is this column.
    Whole(usize),
    /// It is inside one of these columns, which hold JSON.
    Inside(Vec<(usize, Place)>),
}

/// A CSV file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    /// The columns' names.
    pub(crate) names: Vec<String>,
    /// Where the key's fields are.
    pub(crate) key: Vec<KeyColumn>,
    /// The sequence number's column.
    pub(crate) seq: Option<usize>,
    /// The column which says that a row is deleted.
    pub(crate) deleted: Option<usize>,
}

impl Columns {
    /// Finds the key among a header's names.
    ///
    /// # Errors
    /// The field of the key that is in no column.
    pub(crate) fn new(names: Vec<String>, key: &[Part]) -> Result<Self, String> {
        let find = |name: &str| names.iter().position(|other| other == name);
        let place = |part: &Part| {
            if let (Some(at), Place::Column | Place::Joined) = (find(&part.name), &part.place) {
                return Ok(KeyColumn::Whole(at));
            }
            let inside: Vec<_> = match &part.place {
                Place::Column => Vec::new(),
                Place::At(path) => match path.split_first() {
                    Some((first, [])) => return find(first).map(KeyColumn::Whole).ok_or(()),
                    Some((first, rest)) => {
                        let at = find(first).into_iter();
                        at.map(|at| (at, Place::At(rest.to_vec()))).collect()
                    }
                    None => Vec::new(),
                },
                Place::Joined => (0..names.len())
                    .filter(|at| {
                        let rest = part.name.strip_prefix(&names[*at]);
                        rest.is_some_and(|rest| rest.starts_with('_'))
                    })
                    .map(|at| (at, Place::Joined))
                    .collect(),
            };
            match inside.is_empty() {
                true => Err(()),
                false => Ok(KeyColumn::Inside(inside)),
            }
        };
        let places = key
            .iter()
            .map(|part| place(part).map_err(|()| part.name.clone()));
        Ok(Self {
            key: places.collect::<Result<_, _>>()?,
            seq: find(SEQ),
            deleted: find(DELETED),
            names,
        })
    }
}
