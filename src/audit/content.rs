//! What a version of a row says, as one number, the same whether it stands in
//! NDJSON or in CSV, however its fields are ordered and its strings escaped.
//! It reads no file.

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::config::Connection;
use crate::json::{self, Fault, Span};
use crate::page::ignore;
use crate::table::{DELETED, SEQ, json_cell};
use crate::types::Type;

/// Reduces versions to numbers.
pub(super) struct Content {
    hasher: RandomState,
    /// Values are compared as the cells of a CSV, in which null, missing and
    /// empty are one, and so are a number and its text.
    cells: bool,
    /// Fields of which a string keeps its quotes in CSV.
    json: Vec<String>,
    /// The fields that a CSV has, where columns are declared.
    only: Option<Vec<String>>,
    /// Fields that do not count, and what of them does not.
    ignored: Vec<(String, Vec<Vec<String>>)>,
    /// The names under which the cursor and what stands in for it may be.
    times: Vec<String>,
    spare: Vec<u8>,
}

impl Content {
    /// How to compare what a connection's syncs write; `cells` where some of it
    /// is CSV.
    pub(super) fn new(of: &Connection, cells: bool) -> Self {
        let columns = of.columns.as_deref().unwrap_or_default();
        let mut ignored: Vec<(String, Vec<Vec<String>>)> = Vec::new();
        for field in &of.ignore {
            let (first, rest) = (&field.path[0], field.path[1..].to_vec());
            ignored.push((first.clone(), vec![rest]));
            for (column, _) in columns {
                if let Some(inner) = field.path.strip_prefix(&column.path[..]) {
                    ignored.push((column.name.clone(), vec![inner.to_vec()]));
                } else if column.path.starts_with(&field.path) {
                    ignored.push((column.name.clone(), vec![Vec::new()]));
                }
            }
        }
        let mut times = vec![of.cursor.name.clone()];
        times.extend(of.since.fallback.iter().map(|field| field.name.clone()));
        let declared = columns.iter();
        let json = declared.clone().filter(|(_, of)| *of == Type::Json);
        Self {
            hasher: RandomState::new(),
            cells,
            json: json.map(|(field, _)| field.name.clone()).collect(),
            only: (cells && of.columns.is_some())
                .then(|| declared.map(|(field, _)| field.name.clone()).collect()),
            ignored,
            times,
            spare: Vec::new(),
        }
    }

    /// The content of a line, and where its timestamps are.
    pub(super) fn of_line(&mut self, line: &[u8]) -> (u64, Vec<Span>) {
        let (mut sum, mut times) = (0u64, Vec::new());
        // The line was read before, so that it has no fault.
        _ = json::members::<Fault>(line, 0, 0, &mut |text, key, at| {
            let end = json::value(text, at, 1)?;
            let name = json::unescape(key.of(text));
            if self.times.iter().any(|time| *time == name) {
                times.push(Span::new(at, end));
            }
            sum = sum.wrapping_add(self.member(&name, &text[at..end]));
            Ok(end)
        });
        (sum, times)
    }

    /// The content of a record under these names.
    pub(super) fn of_record(&mut self, names: &[String], record: &csv::ByteRecord) -> u64 {
        let fields = names.iter().zip(record);
        fields.fold(0u64, |sum, (name, cell)| {
            if cell.is_empty() || self.is_left_out(name) {
                return sum;
            }
            let hash = match json_cell(cell) {
                Some(nested) => self.nested(name, nested),
                None => Some(self.hasher.hash_one((name.as_str(), 0u8, cell))),
            };
            sum.wrapping_add(hash.unwrap_or(0))
        })
    }

    fn is_left_out(&self, name: &str) -> bool {
        [SEQ, "_synced_at", DELETED].contains(&name)
            || self
                .only
                .as_ref()
                .is_some_and(|only| !only.iter().any(|one| one == name))
            || self
                .ignored
                .iter()
                .any(|(ignored, paths)| ignored == name && paths.iter().any(Vec::is_empty))
    }

    fn member(&mut self, name: &str, raw: &[u8]) -> u64 {
        if self.is_left_out(name) {
            return 0;
        }
        match raw.first() {
            Some(b'{' | b'[') => return self.nested(name, raw).unwrap_or(0),
            Some(b'n') if self.cells => return 0,
            _ => {}
        }
        let quoted = raw.first() == Some(&b'"')
            && !(self.cells && self.json.iter().any(|json| json == name));
        let text = match quoted {
            true => json::text(raw),
            false => String::from_utf8_lossy(raw),
        };
        if self.cells && text.is_empty() {
            return 0;
        }
        let kind = u8::from(quoted && !self.cells);
        // A string that holds JSON is one cell with the JSON that it holds.
        match (self.cells, json_cell(text.as_bytes())) {
            (true, Some(nested)) => self.nested(name, nested).unwrap_or(0),
            _ => self.hasher.hash_one((name, kind, text.as_bytes())),
        }
    }

    /// A value that holds others, of which some may not count.
    fn nested(&mut self, name: &str, raw: &[u8]) -> Option<u64> {
        self.spare.clear();
        let ignored = self.ignored.iter().filter(|(ignored, _)| ignored == name);
        let paths: Vec<&[String]> = ignored
            .flat_map(|(_, paths)| paths)
            .map(|path| &path[..])
            .collect();
        match paths.is_empty() {
            true => json::compact(raw, &mut self.spare),
            false => ignore::compact(raw, &paths, &mut self.spare),
        }
        Some(self.hasher.hash_one((name, 0u8, &self.spare[..])))
    }
}

/// A value's text, and whether it came as a number.
pub(super) fn plain(raw: &[u8]) -> (Cow<'_, str>, bool) {
    (json::text(raw), raw.first() != Some(&b'"'))
}
