//! What is done once the walk has ended: rows that differ are looked at again,
//! named, and written as deleted where they are.

use super::Book;
use crate::audit::content::Side;
use crate::audit::ledger::Standing;
use crate::error::Result;
use crate::table::{Version, explain};

/// How a row that is named stands.
pub(in crate::audit) type Named<'a> = &'a mut dyn FnMut(Option<Standing>, String);

impl Book {
    /// Leaves out fields that only the files have, where rows differ, and finds
    /// the rows that are alike then. Answers which fields were left out.
    ///
    /// # Errors
    /// As [`Book::file_all`].
    pub(in crate::audit) fn compare_again(&mut self) -> Result<Vec<String>> {
        let dropped = self.content.dropped();
        let mut left = self.content.left();
        let older = self.ledger.count(Standing::Older);
        if left.is_empty() || older == 0 {
            return Ok(dropped);
        }
        self.content.leave_out(left.clone());
        self.each(&mut |book, version| {
            let content = book.read(version, Side::Files)?;
            book.ledger.compare(&book.marks.key, content);
            Ok(())
        })?;
        if self.ledger.count(Standing::Older) == older {
            // No row differs by these fields alone.
            left.clear();
        }
        left.extend(dropped);
        Ok(left)
    }

    /// Finds which of the rows that the walk did not meet are too recent to be
    /// judged.
    ///
    /// # Errors
    /// As [`Book::file_all`].
    pub(in crate::audit) fn look_at_unmet(&mut self) -> Result<()> {
        if self.ledger.count(Standing::Unmet) == 0 {
            return Ok(());
        }
        self.each(&mut |book, version| {
            let standing = book.look_up(version)?;
            if matches!(standing, Some(Standing::Unmet | Standing::Recent)) {
                book.read(version, Side::Files)?;
                let recent = book.is_young();
                book.ledger.note_recent(&book.marks.key, recent);
            }
            Ok(())
        })
    }

    /// Names rows that are not alike: first those that the walk met, then those
    /// that it did not.
    ///
    /// # Errors
    /// As [`Book::file_all`].
    pub(in crate::audit) fn name(&mut self, name: Named<'_>) -> Result<()> {
        for (key, id) in std::mem::take(&mut self.noted) {
            name(self.ledger.standing(&key), id);
        }
        let unmet = [Standing::Unmet, Standing::Recent];
        if unmet
            .iter()
            .all(|standing| self.ledger.count(*standing) == 0)
        {
            return Ok(());
        }
        self.each(&mut |book, version| {
            let standing = book.look_up(version)?;
            if standing.is_some_and(|standing| unmet.contains(&standing)) {
                name(standing, book.id());
            }
            Ok(())
        })
    }

    /// Has the repair write which rows of the files are deleted. `ways` says
    /// where the key's fields are in a row.
    ///
    /// # Errors
    /// As [`Book::file_all`], and those of the disk.
    pub(in crate::audit) fn bury(&mut self, ways: &[Vec<String>]) -> Result<()> {
        self.each(&mut |book, version| {
            book.look_up(version)?;
            if !book.ledger.bury(&book.marks.key) {
                return Ok(());
            }
            let fields = book.key_fields(ways);
            match &mut book.repair {
                Some(repair) => repair.bury(&fields),
                None => Ok(()),
            }
        })
    }

    /// The key that was read last as members of a row.
    fn key_fields(&self, ways: &[Vec<String>]) -> String {
        let numbers = match self.marks.numbers.len() == ways.len() {
            true => &self.marks.numbers,
            // CSV does not tell whether it was a number.
            false => &self.numbers,
        };
        let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let mut fields = Vec::new();
        for ((at, way), text) in ways.iter().enumerate().zip(self.key_texts()) {
            let value = match numbers.get(at) {
                Some(true) => text,
                _ => quote(&text),
            };
            let (first, below) = way
                .split_first()
                .map_or(("", &way[..]), |(first, below)| (&**first, below));
            let below = below.iter().rev();
            let value = below.fold(value, |value, name| format!("{{{}:{value}}}", quote(name)));
            fields.push(format!("{}:{value}", quote(first)));
        }
        fields.join(",")
    }

    /// Reads the key of a version of the files, and answers how its row stands.
    fn look_up(&mut self, version: Version<'_>) -> Result<Option<Standing>> {
        match version {
            Version::Line(line) => self.marks.of_line(line, &self.identity.key, self.typed),
            Version::Record(columns, record) => {
                self.marks.of_record(record, columns, &self.identity.key)
            }
        }
        .map_err(explain)?;
        Ok(self.ledger.standing(&self.marks.key))
    }

    /// The key that was read last, as people write it.
    pub(super) fn id(&self) -> String {
        self.key_texts().join(", ")
    }

    /// The texts of the key that was read last.
    fn key_texts(&self) -> Vec<String> {
        let (mut key, mut parts) = (&self.marks.key[..], Vec::new());
        while !key.is_empty() {
            let typed =
                usize::from(self.typed && self.marks.numbers.len() == self.identity.key.len());
            let Some((length, rest)) = key.get(typed..).and_then(<[u8]>::split_first_chunk::<8>)
            else {
                break;
            };
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (text, rest) = rest.split_at(length.min(rest.len()));
            parts.push(String::from_utf8_lossy(text).into_owned());
            key = rest;
        }
        parts
    }
}
