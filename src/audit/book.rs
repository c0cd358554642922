//! What is known of the rows while the files and then the API are read. Lines
//! are compared byte by byte until one differs. Then the files are read again,
//! by the values of their fields, and so is every line from there on.

mod after;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::content::{Content, Side};
use super::glance;
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

/// The number of rows whose ids are kept until it is known whether they are
/// alike.
const KEPT: usize = 100 * NAMED;

/// What is known so far.
pub(super) struct Book {
    disk: Arc<dyn Disk>,
    files: Vec<File>,
    identity: Identity,
    /// The text before the key in a line, where the key is one field and comes
    /// first.
    lead: Vec<u8>,
    /// Whether rows are compared by the values of their fields.
    exact: bool,
    /// Where the key is in a row as the API sends it.
    raw: Vec<Part>,
    content: Content,
    pub(super) ledger: Ledger,
    marks: Marks,
    /// Whether a number and its text are two different keys.
    typed: bool,
    /// Which fields of the key are numbers in the rows of the files.
    kinds: Vec<Kind>,
    lookback: Duration,
    begun: Arc<OnceLock<Instant>>,
    /// The keys of rows that differed when they were met, and their ids.
    noted: Vec<(Vec<u8>, String)>,
    pub(super) set_aside: u64,
    /// The declared columns that no file has.
    pub(super) added: Vec<String>,
    /// Rows with a fault that have no key.
    pub(super) keyless: bool,
    /// Where missing rows are written to.
    pub(super) repair: Option<Repair>,
    /// Which fields of the key are numbers in the API's rows.
    numbers: Vec<bool>,
}

impl Book {
    /// An empty book. `cells` says that some of the files are CSV.
    pub(super) fn new(
        (disk, files): (Arc<dyn Disk>, Vec<File>),
        identity: Identity,
        api: &Connection,
        cells: bool,
        begun: Arc<OnceLock<Instant>>,
    ) -> Self {
        let raw = api.primary_key.iter();
        let content = Content::new(api, cells);
        let lead = match &identity.key[..] {
            [only] => format!("{{{}:", serde_json::Value::from(&*only.name)),
            // No line begins like this text.
            _ => String::from("-"),
        };
        Self {
            disk,
            files,
            lead: lead.into_bytes(),
            exact: !content.is_plain(),
            added: Vec::new(),
            kinds: vec![Kind::Unknown; identity.key.len()],
            identity,
            raw: raw.map(|key| Part::at(&key.name, &key.path)).collect(),
            content,
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
    pub(super) fn file_all(&mut self) -> Result<()> {
        for numbered in [false, true] {
            self.ledger = Ledger::new(numbered);
            let mut disordered = false;
            let all = self.each(&mut |book, version| {
                let filed = book.file(version)?;
                disordered = filed == Err(Refused::Disordered);
                filed.map_err(|_| too_many())
            });
            if !disordered {
                all?;
                break;
            }
        }
        if self.exact {
            self.settle_columns();
        }
        Ok(())
    }

    /// Gives all versions of the files.
    fn each(&mut self, visit: &mut impl FnMut(&mut Self, Version<'_>) -> Result<()>) -> Result<()> {
        let (files, key) = (std::mem::take(&mut self.files), self.identity.key.clone());
        let disk = Arc::clone(&self.disk);
        let result = files
            .iter()
            .try_for_each(|file| each(&*disk, file, &key, &mut |version| visit(self, version)));
        self.files = files;
        result
    }

    /// Takes a version of the files.
    fn file(&mut self, version: Version<'_>) -> Result<std::result::Result<(), Refused>> {
        let content = match version {
            Version::Line(line) if !self.exact => self.glance(line)?,
            version => self.read(version, Side::Files)?,
        };
        if let Version::Line(_) = version {
            learn(&mut self.kinds, &self.marks, &self.identity, self.typed)?;
        }
        let version = self.filed(content);
        Ok(self.ledger.file(&self.marks.key, version))
    }

    /// Notes the version that was read last in the ledger.
    fn filed(&self, content: u64) -> Filed {
        Filed {
            content,
            seq: self.marks.seq,
            deleted: self.marks.deleted,
        }
    }

    /// Reads from a line what tells whether it is the same as another line.
    #[inline]
    fn glance(&mut self, line: &[u8]) -> Result<u64> {
        let (body, seq) = glance::body(line);
        match glance::key(body, &self.lead) {
            Some(key) => self.marks.of_value(key, seq, self.typed),
            None => {
                let marks = &mut self.marks;
                let read = marks.of_line(line, &self.identity.key, self.typed);
                read.map_err(explain)?;
            }
        }
        Ok(self.content.of_bytes(body))
    }

    /// Compares rows by the values of their fields from here on. The rows of
    /// the files are read again for that.
    fn be_exact(&mut self) -> Result<()> {
        self.exact = true;
        self.ledger.begin_again();
        self.each(&mut |book, version| {
            let content = book.read(version, Side::Files)?;
            let version = book.filed(content);
            book.ledger.file_again(&book.marks.key, version);
            Ok(())
        })?;
        self.settle_columns();
        Ok(())
    }

    /// Leaves out the declared columns that no file has.
    fn settle_columns(&mut self) {
        self.added = self.content.added();
        self.content.leave_out(self.added.clone());
    }

    /// Takes a line of the walk.
    pub(super) fn meet(&mut self, line: &[u8]) -> Result<()> {
        if !self.exact {
            let content = self.glance(line)?;
            if self.ledger.meet_alike(&self.marks.key, content) {
                return Ok(());
            }
        }
        let mut content = self.read(Version::Line(line), Side::Api)?;
        if self.exact && self.ledger.meet_alike(&self.marks.key, content) {
            return Ok(());
        }
        let young = self.is_young();
        if !self.exact && !young && self.ledger.has(&self.marks.key) {
            self.be_exact()?;
            content = self.read(Version::Line(line), Side::Api)?;
        }
        self.numbers.clone_from(&self.marks.numbers);
        let met = self.ledger.meet(&self.marks.key, content, young);
        let standing = met.ok_or_else(too_many)?;
        if standing != Standing::Alike && self.noted.len() < KEPT {
            let id = self.id();
            self.noted.push((self.marks.key.clone(), id));
        }
        match &mut self.repair {
            Some(repair) if standing != Standing::Alike => repair.write(line),
            _ => Ok(()),
        }
    }

    /// Whether the version that was read last is too young to be judged.
    fn is_young(&self) -> bool {
        let at = self.content.at();
        at.is_some_and(|at| at >= self.young_from())
    }

    /// The content of a version as one number. Its key is in the marks
    /// afterwards.
    fn read(&mut self, version: Version<'_>, side: Side) -> Result<u64> {
        let Self {
            marks,
            content,
            identity,
            ..
        } = self;
        content.begin(side);
        let mut take = |name: &[u8], raw: &[u8]| content.take(name, raw);
        match version {
            Version::Line(line) => marks.of_members(line, &identity.key, self.typed, &mut take),
            Version::Record(columns, record) => {
                let cells = columns.names.iter().zip(record);
                cells.for_each(|(name, cell)| content.take_cell(name, cell));
                marks.of_record(record, columns, &identity.key)
            }
        }
        .map_err(explain)?;
        Ok(content.sum())
    }

    /// Takes a row that a sync sets aside: the row is there, whatever it holds.
    pub(super) fn excuse(&mut self, line: &[u8]) {
        self.set_aside += 1;
        let row = json::point(line, &["row".to_owned()]).unwrap_or_default();
        match self.marks.of_line(row, &self.raw, self.typed) {
            Ok(()) => self.ledger.excuse(&self.marks.key),
            Err(_) => self.keyless = true,
        }
    }

    /// Rows from here on are too young to be judged.
    fn young_from(&self) -> Instant {
        let begun = self.begun.get().copied().unwrap_or_else(clock::now);
        begun.minus(self.lookback)
    }
}

fn too_many() -> Error {
    Error::local("these are more keys than can be counted")
        .hint("split the table into folders of fewer rows")
}
