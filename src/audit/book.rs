//! What is known of the rows, while the files and then the API are read.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::content::{Content, Side};
use super::ledger::{Filed, Ledger, Refused, Standing};
use super::repair::Repair;
use super::report::NAMED;
use crate::clock;
use crate::config::Connection;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::json;
use crate::table::{File, Identity, Kind, Marks, Part, Version, each, explain, learn};
use crate::timestamp::Instant;

/// Of how many rows the ids are kept until it is known how the rows stand.
const KEPT: usize = 100 * NAMED;

/// What is known so far.
pub(super) struct Book {
    of: Identity,
    /// The key in a row as the API sends it.
    raw: Vec<Part>,
    pub(super) content: Content,
    pub(super) ledger: Ledger,
    marks: Marks,
    /// Whether a number and its text are two keys.
    typed: bool,
    /// Which fields of the key are numbers in the rows of the files.
    kinds: Vec<Kind>,
    lookback: Duration,
    begun: Arc<OnceLock<Instant>>,
    /// The keys of rows that differed when they were met, and their ids.
    noted: Vec<(Vec<u8>, String)>,
    pub(super) set_aside: u64,
    /// Rows with a fault that have no key.
    pub(super) keyless: bool,
    /// Where missing rows go.
    pub(super) repair: Option<Repair>,
    /// Which fields of the key are numbers in the API's rows.
    numbers: Vec<bool>,
}

/// How a row stands that is named.
pub(super) type Named<'a> = &'a mut dyn FnMut(Option<Standing>, String);

impl Book {
    /// An empty one; `cells` where some of the files are CSV.
    pub(super) fn new(
        of: Identity,
        api: &Connection,
        cells: bool,
        begun: Arc<OnceLock<Instant>>,
    ) -> Self {
        let raw = api.primary_key.iter();
        Self {
            kinds: vec![Kind::Unknown; of.key.len()],
            of,
            raw: raw.map(|key| Part::at(&key.name, &key.path)).collect(),
            content: Content::new(api, cells),
            ledger: Ledger::new(false),
            marks: Marks::default(),
            typed: !cells,
            lookback: api.lookback,
            begun,
            noted: Vec::new(),
            set_aside: 0,
            keyless: false,
            repair: None,
            numbers: Vec::new(),
        }
    }

    /// Takes all versions of the files.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], naming the file and the line.
    pub(super) fn file_all(&mut self, disk: &dyn Disk, files: &[File]) -> Result<()> {
        let key = self.of.key.clone();
        for numbered in [false, true] {
            self.ledger = Ledger::new(numbered);
            let mut disordered = false;
            let all = files.iter().try_for_each(|file| {
                each(disk, file, &key, &mut |version| {
                    let filed = self.file(version)?;
                    disordered = filed == Err(Refused::Disordered);
                    filed.map_err(|_| too_many())
                })
            });
            if !disordered {
                return all;
            }
        }
        Ok(())
    }

    /// Takes a version of the files.
    fn file(&mut self, version: Version<'_>) -> Result<std::result::Result<(), Refused>> {
        let (content, at) = self.read(version, Side::Files)?;
        if let Version::Line(_) = version {
            learn(&mut self.kinds, &self.marks, &self.of, self.typed)?;
        }
        let version = Filed {
            content,
            recent: at.is_some_and(|at| at >= self.young_from()),
            seq: self.marks.seq,
            deleted: self.marks.deleted,
        };
        Ok(self.ledger.file(&self.marks.key, version))
    }

    /// Takes a line of the walk.
    pub(super) fn meet(&mut self, line: &[u8]) -> Result<()> {
        let (content, at) = self.read(Version::Line(line), Side::Api)?;
        let young = at.is_some_and(|at| at >= self.young_from());
        self.numbers.clone_from(&self.marks.numbers);
        let met = self.ledger.meet(&self.marks.key, content, young);
        let (standing, write) = met.ok_or_else(too_many)?;
        if standing != Standing::Alike && self.noted.len() < KEPT {
            let id = self.id();
            self.noted.push((self.marks.key.clone(), id));
        }
        match &mut self.repair {
            Some(repair) if write => repair.write(line),
            _ => Ok(()),
        }
    }

    /// What a version says, as one number, and the time that it carries; its key
    /// is in the marks then.
    fn read(&mut self, version: Version<'_>, side: Side) -> Result<(u64, Option<Instant>)> {
        let Self {
            marks, content, of, ..
        } = self;
        content.begin(side);
        let mut take = |name: &[u8], raw: &[u8]| content.take(name, raw);
        match version {
            Version::Line(line) => marks.of_members(line, &of.key, self.typed, &mut take),
            Version::Record(columns, record) => {
                let cells = columns.names.iter().zip(record);
                cells.for_each(|(name, cell)| content.take_cell(name, cell));
                marks.of_record(record, columns, &of.key)
            }
        }
        .map_err(explain)?;
        Ok(content.end())
    }

    /// Takes a row that a sync sets aside: it is there, whatever it says.
    pub(super) fn excuse(&mut self, line: &[u8]) {
        self.set_aside += 1;
        let row = json::point(line, &["row".to_owned()]).unwrap_or_default();
        match self.marks.of_line(row, &self.raw, self.typed) {
            Ok(()) => self.ledger.excuse(&self.marks.key),
            Err(_) => self.keyless = true,
        }
    }

    /// Leaves fields out that only the files have, where rows differ, and looks
    /// which of them are alike then.
    ///
    /// # Errors
    /// As [`Book::file_all`].
    pub(super) fn compare_again(&mut self, disk: &dyn Disk, files: &[File]) -> Result<Vec<String>> {
        let left = self.content.left();
        if left.is_empty() || self.ledger.count(Standing::Older) == 0 {
            return Ok(Vec::new());
        }
        self.content.leave_out(left.clone());
        let key = self.of.key.clone();
        for file in files {
            each(disk, file, &key, &mut |version| {
                let (content, _) = self.read(version, Side::Files)?;
                self.ledger.compare(&self.marks.key, content);
                Ok(())
            })?;
        }
        Ok(left)
    }

    /// Names rows that are not alike: first those that the walk met, then, where
    /// `unmet`, those that it did not.
    ///
    /// # Errors
    /// As [`Book::file_all`].
    pub(super) fn name(
        &mut self,
        disk: &dyn Disk,
        files: &[File],
        unmet: bool,
        name: Named<'_>,
    ) -> Result<()> {
        for (key, id) in std::mem::take(&mut self.noted) {
            name(self.ledger.standing(&key), id);
        }
        let key = self.of.key.clone();
        for file in files.iter().filter(|_| unmet) {
            each(disk, file, &key, &mut |version| {
                let standing = self.look_up(version)?;
                if matches!(standing, Some(Standing::Unmet | Standing::Young)) {
                    name(standing, self.id());
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Says in the repair which rows of the files are gone. `ways` are where the
    /// key's fields stand in a row.
    ///
    /// # Errors
    /// As [`Book::file_all`], and those of the disk.
    pub(super) fn bury(
        &mut self,
        disk: &dyn Disk,
        files: &[File],
        ways: &[Vec<String>],
    ) -> Result<()> {
        let key = self.of.key.clone();
        for file in files {
            each(disk, file, &key, &mut |version| {
                self.look_up(version)?;
                if !self.ledger.bury(&self.marks.key) {
                    return Ok(());
                }
                let fields = self.key_fields(ways);
                match &mut self.repair {
                    Some(repair) => repair.bury(&fields),
                    None => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    /// The key that was read last as members of a row.
    fn key_fields(&self, ways: &[Vec<String>]) -> String {
        let numbers = match self.marks.numbers.len() == ways.len() {
            true => &self.marks.numbers,
            // CSV does not tell.
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

    /// Reads the key of a version of the files; how its row stands.
    fn look_up(&mut self, version: Version<'_>) -> Result<Option<Standing>> {
        match version {
            Version::Line(line) => self.marks.of_line(line, &self.of.key, self.typed),
            Version::Record(columns, record) => self.marks.of_record(record, columns, &self.of.key),
        }
        .map_err(explain)?;
        Ok(self.ledger.standing(&self.marks.key))
    }

    /// Rows from here on are too young to be judged.
    fn young_from(&self) -> Instant {
        let begun = self.begun.get().copied().unwrap_or_else(clock::now);
        begun.minus(self.lookback)
    }

    /// The key that was read last, as people know it.
    fn id(&self) -> String {
        self.key_texts().join(", ")
    }

    /// The texts of the key that was read last.
    fn key_texts(&self) -> Vec<String> {
        let (mut key, mut parts) = (&self.marks.key[..], Vec::new());
        while !key.is_empty() {
            let typed = usize::from(self.typed && self.marks.numbers.len() == self.of.key.len());
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

fn too_many() -> Error {
    Error::local("these are more keys than can be counted")
        .hint("split the table into folders of fewer rows")
}
