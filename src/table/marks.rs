//! The primary key of a version, out of a line of NDJSON or a record of CSV,
//! and with it the two fields that say how a version stands to others. It
//! builds no values: a key is the bytes that tell it from other keys.

use crate::json::{self, Fault, Span};
use crate::table::columns::{Columns, KeyColumn};
use crate::table::key::{DELETED, Part, Place, SEQ, descend, json_cell};

/// What is known of a version besides its fields.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Where each field of the key is, in the line.
    found: Vec<Option<Span>>,
    /// The key: what tells it from others.
    pub(crate) key: Vec<u8>,
    /// Whether each field of the key is a number, not a string; CSV does not
    /// tell.
    pub(crate) numbers: Vec<bool>,
    /// Its sequence number.
    pub(crate) seq: Option<u64>,
    /// Whether it says that the row is deleted.
    pub(crate) deleted: bool,
}

/// Why a version cannot be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is no JSON object.
    Fault(Fault),
    /// It lacks this field of the key.
    Missing(String),
    /// This field of the key is neither a string nor a number.
    Unfit(String),
}

impl From<Fault> for Misfit {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Marks {
    /// Takes them from a line of NDJSON. `typed` tells the number 1 from the
    /// string `"1"`.
    ///
    /// # Errors
    /// Where it is no JSON object, or has no such key.
    #[inline]
    pub(crate) fn of_line(&mut self, line: &[u8], key: &[Part], typed: bool) -> Result<(), Misfit> {
        self.of_members(line, key, typed, &mut |_, _| {})
    }

    /// The same, and gives each member's name, as it is spelled, and its value.
    ///
    /// # Errors
    /// As [`Marks::of_line`].
    #[inline]
    pub(crate) fn of_members(
        &mut self,
        line: &[u8],
        key: &[Part],
        typed: bool,
        each: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Misfit> {
        self.reset();
        self.found.clear();
        self.found.resize(key.len(), None);
        let end = json::members::<Fault>(line, 0, 0, &mut |text, name, at| {
            let end = json::value(text, at, 1)?;
            self.meet(key, name.of(text), Span::new(at, end), text);
            each(name.of(text), &text[at..end]);
            Ok(end)
        })?;
        if end != line.len() {
            let what = "something follows the object";
            return Err(Fault { at: end, what }.into());
        }
        for (at, part) in key.iter().enumerate() {
            let found = self.found[at].map(|span| span.of(line));
            let raw = found.or_else(|| part.find(line));
            let raw = raw.ok_or_else(|| Misfit::Missing(part.name.clone()))?;
            let number = match raw.first() {
                Some(b'"') => false,
                Some(b'-' | b'0'..=b'9') => true,
                _ => return Err(Misfit::Unfit(part.name.clone())),
            };
            self.take(json::text(raw).as_bytes(), number, typed);
        }
        Ok(())
    }

    /// Takes them from a line of which no more is known than the only field of
    /// its key: a number, or a string without an escape.
    #[inline]
    pub(crate) fn of_value(&mut self, raw: &[u8], seq: Option<u64>, typed: bool) {
        self.reset();
        self.seq = seq;
        match raw {
            [b'"', text @ .., b'"'] => self.take(text, false, typed),
            number => self.take(number, true, typed),
        }
    }

    /// Appends a field of the key of a line.
    #[inline]
    fn take(&mut self, text: &[u8], number: bool, typed: bool) {
        if typed {
            self.key.push(u8::from(number));
        }
        self.push(text);
        self.numbers.push(number);
    }

    /// Takes them from a record of CSV.
    ///
    /// # Errors
    /// Where it has no such key.
    pub(crate) fn of_record(
        &mut self,
        record: &csv::ByteRecord,
        columns: &Columns,
        key: &[Part],
    ) -> Result<(), Misfit> {
        self.reset();
        let cell = |at: Option<usize>| record.get(at?);
        self.seq = cell(columns.seq).and_then(number);
        self.deleted = cell(columns.deleted) == Some(b"true");
        for (part, place) in key.iter().zip(&columns.key) {
            match place {
                KeyColumn::Whole(at) => self.push(record.get(*at).unwrap_or_default()),
                KeyColumn::Inside(inside) => {
                    let mut raws = inside.iter().filter_map(|(at, place)| {
                        let cell = json_cell(record.get(*at)?)?;
                        match place {
                            Place::At(path) => json::point(cell, path),
                            _ => descend(cell, &part.name[columns.names[*at].len() + 1..]),
                        }
                    });
                    let raw = raws.next();
                    let raw = raw.ok_or_else(|| Misfit::Missing(part.name.clone()))?;
                    if !matches!(raw.first(), Some(b'"' | b'-' | b'0'..=b'9')) {
                        return Err(Misfit::Unfit(part.name.clone()));
                    }
                    self.push(json::text(raw).as_bytes());
                }
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.key.clear();
        self.numbers.clear();
        (self.seq, self.deleted) = (None, false);
    }

    /// Takes a member of a row, if it is one that counts.
    #[inline]
    fn meet(&mut self, key: &[Part], name: &[u8], value: Span, text: &[u8]) {
        // Almost no name has an escape.
        if name.contains(&b'\\') {
            let plain = json::unescape(name);
            return self.meet_plain(key, plain.as_bytes(), value, text);
        }
        self.meet_plain(key, name, value, text);
    }

    #[inline]
    fn meet_plain(&mut self, key: &[Part], name: &[u8], value: Span, text: &[u8]) {
        for (part, found) in key.iter().zip(&mut self.found) {
            if part.name.as_bytes() == name && !matches!(part.place, Place::At(_)) {
                *found = Some(value);
            }
        }
        if name.first() == Some(&b'_') {
            if name == SEQ.as_bytes() {
                self.seq = number(value.of(text));
            } else if name == DELETED.as_bytes() {
                self.deleted = value.of(text) == b"true";
            }
        }
    }

    /// Appends a field of the key, so that no two keys are the same bytes.
    fn push(&mut self, text: &[u8]) {
        self.key
            .extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.key.extend_from_slice(text);
    }
}

/// A whole number of up to 64 bits.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.first()?.is_ascii_digit();
    let text = std::str::from_utf8(text).ok().filter(|_| digits)?;
    text.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key_of(line: &str, parts: &[Part]) -> Result<Vec<u8>, Misfit> {
        let mut marks = Marks::default();
        marks.of_line(line.as_bytes(), parts, true)?;
        Ok(marks.key)
    }

    #[test]
    fn numbers_and_strings_are_different_keys_however_they_are_spelled() {
        let id = [Part::joined("id")];
        let key = |line: &str| key_of(line, &id).unwrap();
        assert_eq!(
            key(r#"{"id":"1"}"#),
            key(r#"{"a":[{"id":2}],"\u0069d": "\u0031" }"#)
        );
        assert_ne!(key(r#"{"id":"1"}"#), key(r#"{"id":1}"#));
        assert_ne!(key(r#"{"id":1}"#), key(r#"{"id":1.0}"#));
        let two = [Part::joined("a"), Part::joined("b")];
        let pair = |line: &str| key_of(line, &two).unwrap();
        assert_ne!(pair(r#"{"a":"x","b":"yz"}"#), pair(r#"{"a":"xy","b":"z"}"#));
        assert_eq!(
            pair(r#"{"a":"x","b":"y"}"#),
            pair(r#"{"b":"y","c":1,"a":"x"}"#)
        );
    }

    #[test]
    fn a_nested_key_is_found_by_its_tokens_or_by_the_name_they_give() {
        let tokens = ["fields".to_owned(), "id".to_owned()];
        let nested = r#"{"n":1,"fields":{"id":"7"}}"#;
        let flat = r#"{"fields_id":"7","fields":{"id":"8"}}"#;
        let key = |part: Part, line: &str| key_of(line, &[part]);
        let seven = key(Part::column("id"), r#"{"id":"7"}"#);
        assert_eq!(key(Part::at("fields_id", &tokens), nested), seven);
        assert_eq!(key(Part::joined("fields_id"), nested), seven);
        assert_eq!(key(Part::joined("fields_id"), flat), seven);
        assert_eq!(
            key(Part::joined("a_1_b_c"), r#"{"a":[0,{"b_c":"7"}]}"#),
            seven
        );
        let none = Err(Misfit::Missing("fields_id".into()));
        assert_eq!(key(Part::column("fields_id"), nested), none);
        assert_eq!(
            key(Part::joined("fields_id"), r#"{"fields":{"idx":1}}"#),
            none
        );
    }

    #[test]
    fn a_record_has_its_key_in_a_column_or_inside_of_one() {
        let marks_of = |part: Part, names: &[&str], cells: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let parts = [part];
            let columns = Columns::new(names, &parts).map_err(Misfit::Missing)?;
            let mut marks = Marks::default();
            marks.of_record(&csv::ByteRecord::from(cells.to_vec()), &columns, &parts)?;
            Ok((marks.key, marks.seq, marks.deleted))
        };
        let plain = marks_of(Part::joined("id"), &["a", "id"], &["x", "7"]);
        let tokens = ["f".to_owned(), "id".to_owned()];
        for part in [Part::joined("f_id"), Part::at("f_id", &tokens)] {
            let cells = ["{\"id\":7}", "true", "12"];
            let (key, seq, deleted) = marks_of(part, &["f", DELETED, SEQ], &cells).unwrap();
            assert_eq!((seq, deleted), (Some(12), true));
            assert_eq!(plain, Ok((key, None, false)));
        }
        for cell in ["{\"id\":7", "", "7"] {
            let found = marks_of(Part::joined("f_id"), &["f"], &[cell]);
            assert_eq!(found, Err(Misfit::Missing("f_id".into())));
        }
        let found = marks_of(Part::joined("id"), &["ident"], &["7"]);
        assert_eq!(found, Err(Misfit::Missing("id".into())));
    }
}
