//! Versions to lines of either format, whatever format they come in. Nothing is
//! computed: from NDJSON to NDJSON the bytes are copied, and numbers keep their
//! digits on every way. CSV does not tell numbers, text, null and empty apart:
//! a value from CSV is a string, and null where it was empty.

use std::collections::{HashMap, HashSet};

use crate::json::{self, Fault, Span};
use crate::row::{FileFormat, csv as quoting};
use crate::table::columns::{Columns, KeyColumn};
use crate::table::key::{DELETED, json_cell};
use crate::table::read::Version;

/// The fields of rows, in the order in which they are first met.
#[derive(Debug, Default)]
pub(super) struct Fields {
    names: Vec<String>,
    /// The names as they are spelled in JSON.
    spelled: HashSet<Vec<u8>>,
    /// The header that was looked at last.
    header: Vec<String>,
}

impl Fields {
    /// Takes the fields of a version.
    pub(super) fn meet(&mut self, version: Version<'_>) {
        match version {
            Version::Line(line) => {
                members(line, |key, _| {
                    if !self.spelled.contains(key) {
                        self.spelled.insert(key.to_vec());
                        self.add(&json::unescape(key));
                    }
                });
            }
            Version::Record(columns, _) if self.header != columns.names => {
                self.header.clone_from(&columns.names);
                columns.names.iter().for_each(|name| self.add(name));
            }
            Version::Record(..) => {}
        }
    }

    fn add(&mut self, name: &str) {
        if !self.names.iter().any(|other| other == name) {
            self.names.push(name.to_owned());
        }
    }
}

/// What a key's field is in the rows of NDJSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// There were none.
    #[default]
    Unknown,
    /// A number in all of them.
    Number,
    /// A string in all of them.
    Text,
    /// A number in some of them and a string in others.
    Both,
}

impl Kind {
    /// With one row more.
    #[must_use]
    pub(super) fn and(self, number: bool) -> Self {
        match (self, number) {
            (Self::Unknown | Self::Number, true) => Self::Number,
            (Self::Unknown | Self::Text, false) => Self::Text,
            _ => Self::Both,
        }
    }
}

/// Lines of NDJSON as records, under a header that grows as a sync's does.
pub(crate) struct Records {
    lines: Lines<'static>,
    grows: bool,
    /// The header is still to be written.
    due: bool,
}

impl Records {
    /// For these columns; where `grows`, and for all fields that come.
    pub(crate) fn new(names: Vec<String>, grows: bool) -> Self {
        let fields = Fields {
            names,
            ..Fields::default()
        };
        Self {
            lines: Lines::new(FileFormat::Csv, fields, &[]),
            grows,
            due: true,
        }
    }

    /// Strings of these columns keep their quotes.
    pub(crate) fn quoting(mut self, names: impl Iterator<Item = String>) -> Self {
        self.lines.quoting = names.collect();
        self
    }

    /// Whether a line needs another header than the lines before it, which is
    /// due then. The column that says that a row is gone comes with the first.
    pub(crate) fn meet(&mut self, line: &[u8]) -> bool {
        if !self.grows {
            return false;
        }
        let fields = &mut self.lines.fields;
        let before = fields.len();
        members(line, |key, _| {
            let name = json::unescape(key);
            if fields.iter().all(|known| *known != name) {
                fields.push(name.into_owned());
            }
        });
        if fields.iter().all(|known| known != DELETED) {
            fields.push(DELETED.to_owned());
        }
        let grown = fields.len() > before;
        self.due |= grown;
        grown
    }

    /// Appends a line's record, before it the header where that is due; and
    /// answers it where it grows.
    pub(crate) fn push(&mut self, line: &[u8], out: &mut Vec<u8>) -> Option<Vec<String>> {
        let due = std::mem::take(&mut self.due);
        if due {
            self.lines.begin(out);
        }
        self.lines.push(Version::Line(line), out);
        (due && self.grows).then(|| self.lines.fields.clone())
    }
}

/// How a cell becomes a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// A string, or null where it is empty.
    Text,
    /// A string.
    Key,
    /// A number, where it is one.
    Number,
    /// True or false.
    Flag,
    /// JSON that holds a part of the key.
    Nested,
}

/// Writes versions as lines of one format.
pub(super) struct Lines<'a> {
    format: FileFormat,
    kinds: &'a [Kind],
    fields: Vec<String>,
    /// Columns whose strings keep their quotes in CSV.
    quoting: Vec<String>,
    /// Where each field stands among them, by its name as JSON spells it.
    index: HashMap<Vec<u8>, usize>,
    /// The members of the last line, and where they went.
    shape: Vec<(Vec<u8>, usize)>,
    /// Where each field's value is in the line.
    values: Vec<Option<Span>>,
    /// A nested value without its blanks.
    spare: Vec<u8>,
    /// The header that the last record was under,
    header: Vec<String>,
    /// what comes before each of its cells in JSON, and what the cell is,
    leads: Vec<(Vec<u8>, Cell)>,
    /// and which of them each field is.
    map: Vec<Option<usize>>,
}

impl<'a> Lines<'a> {
    /// For these fields, which only CSV has to know. `kinds` are those of the
    /// key's fields.
    pub(super) fn new(format: FileFormat, fields: Fields, kinds: &'a [Kind]) -> Self {
        Self {
            format,
            kinds,
            fields: fields.names,
            quoting: Vec::new(),
            index: HashMap::new(),
            shape: Vec::new(),
            values: Vec::new(),
            spare: Vec::new(),
            header: Vec::new(),
            leads: Vec::new(),
            map: Vec::new(),
        }
    }

    /// Appends what stands before all rows.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        if self.format == FileFormat::Csv && !self.fields.is_empty() {
            for name in &self.fields {
                quoting::field(name.as_bytes(), out);
                out.push(b',');
            }
            quoting::end(out);
        }
    }

    /// Appends a version's line.
    pub(super) fn push(&mut self, version: Version<'_>, out: &mut Vec<u8>) {
        match (version, self.format) {
            (Version::Line(line), FileFormat::Ndjson) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            (Version::Line(line), FileFormat::Csv) => self.record_of(line, out),
            (Version::Record(columns, record), format) => {
                if self.header != columns.names {
                    self.learn(columns);
                }
                match format {
                    FileFormat::Ndjson => self.object(record, out),
                    FileFormat::Csv => {
                        for at in &self.map {
                            let cell = at.and_then(|at| record.get(at));
                            quoting::field(cell.unwrap_or_default(), out);
                            out.push(b',');
                        }
                        quoting::end(out);
                    }
                }
            }
        }
    }

    /// A line of NDJSON as a record, flattened as a sync does it.
    fn record_of(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.values.clear();
        self.values.resize(self.fields.len(), None);
        let mut nth = 0;
        members(line, |key, value| {
            let known = self.shape.get(nth).filter(|(other, _)| other == key);
            let at = match known {
                Some((_, at)) => Some(*at),
                None => self.column(key, nth),
            };
            nth += 1;
            if let Some(slot) = at.and_then(|at| self.values.get_mut(at)) {
                *slot = Some(value);
            }
        });
        for (value, name) in self.values.iter().zip(&self.fields) {
            match value.map_or(&b"null"[..], |span| span.of(line)) {
                b"null" => {}
                [b'"', inner @ .., b'"'] if !self.quoting.contains(name) => {
                    quoting::string(inner, out);
                }
                raw @ [b'{' | b'[', ..] => {
                    self.spare.clear();
                    json::compact(raw, &mut self.spare);
                    quoting::field(&self.spare, out);
                }
                raw => quoting::field(raw, out),
            }
            out.push(b',');
        }
        quoting::end(out);
    }

    /// The column of the `nth` member, which is spelled like this. What the last
    /// lines had there is only a guess.
    fn column(&mut self, key: &[u8], nth: usize) -> Option<usize> {
        let known = self.index.get(key).copied();
        let at = known.or_else(|| {
            let name = json::unescape(key);
            let at = self.fields.iter().position(|other| *other == name)?;
            self.index.insert(key.to_vec(), at);
            Some(at)
        })?;
        match self.shape.get_mut(nth) {
            Some(member) => *member = (key.to_vec(), at),
            None => self.shape.push((key.to_vec(), at)),
        }
        Some(at)
    }

    /// Works out what becomes of the cells under a header.
    fn learn(&mut self, columns: &Columns) {
        self.header.clone_from(&columns.names);
        let cell = |at: usize| {
            for (place, kind) in columns.key.iter().zip(self.kinds) {
                match place {
                    KeyColumn::Whole(key) if *key == at => {
                        let number = *kind == Kind::Number;
                        return if number { Cell::Number } else { Cell::Key };
                    }
                    KeyColumn::Inside(inside) if inside.iter().any(|(key, _)| *key == at) => {
                        return Cell::Nested;
                    }
                    _ => {}
                }
            }
            match Some(at) {
                at if at == columns.seq => Cell::Number,
                at if at == columns.deleted => Cell::Flag,
                _ => Cell::Text,
            }
        };
        let names = columns.names.iter().enumerate();
        let leads = names.map(|(at, name)| {
            let name = serde_json::to_string(name).unwrap_or_default();
            (format!(",{name}:").into_bytes(), cell(at))
        });
        self.leads = leads.collect();
        let find = |name: &String| columns.names.iter().position(|other| other == name);
        self.map = self.fields.iter().map(find).collect();
    }

    /// A record of CSV as a line of NDJSON.
    fn object(&self, record: &csv::ByteRecord, out: &mut Vec<u8>) {
        let start = out.len();
        for ((lead, of), cell) in self.leads.iter().zip(record) {
            out.extend_from_slice(lead);
            let bare = match of {
                Cell::Text | Cell::Key => false,
                Cell::Number => {
                    let number = matches!(cell.first(), Some(b'-' | b'0'..=b'9'));
                    number && json::value(cell, 0, 0) == Ok(cell.len())
                }
                Cell::Flag => matches!(cell, b"true" | b"false"),
                Cell::Nested => json_cell(cell).is_some(),
            };
            if bare {
                out.extend_from_slice(cell);
            } else if cell.is_empty() && *of != Cell::Key {
                out.extend_from_slice(b"null");
            } else {
                let text = String::from_utf8_lossy(cell);
                out.extend(serde_json::to_vec(&text).unwrap_or_default());
            }
        }
        // Every cell leads with a comma; the first one's becomes the brace.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Walks the members of a line, which is a valid object.
fn members(line: &[u8], mut each: impl FnMut(&[u8], Span)) {
    _ = json::members::<Fault>(line, 0, 0, &mut |text, key, at| {
        let end = json::value(text, at, 1)?;
        each(key.of(text), Span::new(at, end));
        Ok(end)
    });
}
