//! `table`: the rows of a table as they are now, out of the versions in its
//! finished files. It asks no API, changes nothing and takes no lock: a sync may
//! run meanwhile. No row is kept in memory; the files are read twice, once to
//! learn which versions are the latest and once to print those, in the order of
//! the files (three times for CSV, whose header is that of the rows printed).

mod columns;
mod encode;
mod files;
mod key;
mod latest;
mod marks;
mod read;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, Origin};
use crate::cli::{Options, Out, StateAt};
use crate::connect::connection;
use crate::disk::Disk;
use crate::error::{Error, Result, excerpt};
use crate::json::Fault;
use crate::row::FileFormat;
use crate::store::Store;
use encode::{Fields, Lines};
use latest::Latest;
use marks::Misfit;

pub(crate) use encode::{Kind, Records};
pub use files::{File, finished};
pub(crate) use key::{DELETED, Part, SEQ, json_cell};
pub(crate) use marks::Marks;
pub(crate) use read::{Version, each};

/// How much is written at once.
const CHUNK: usize = 1 << 18;

/// How often the files are listed where a compaction takes them away between
/// the listing and the opening.
const LISTINGS: usize = 5;

/// Which table it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name, which its files begin with.
    pub name: String,
    pub(crate) key: Vec<Part>,
}

/// Which versions of a table are its rows.
pub struct Survey {
    latest: Latest,
    kinds: Vec<Kind>,
}

/// Which of the latest versions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The table's rows.
    Rows,
    /// Those which say that a row is deleted.
    Gone,
}

/// Prints the table.
///
/// # Errors
/// [`crate::error::Kind::Local`] where a file cannot be read or is damaged,
/// and where nobody takes the rows.
pub fn print(options: &Options, disk: &Arc<dyn Disk>, to: &mut dyn Write) -> Result<()> {
    let folder = folder(options);
    let store = Store::new(Arc::clone(disk), options.state_path(), None, "");
    let identity = identify(options, store.load()?.as_ref())?;
    let files = held(&**disk, &folder, &identity)?;
    let survey = Survey::take(&**disk, &files, &identity, None)?;
    log::info!(
        "{} files hold {} versions of {} rows",
        files.len(),
        survey.versions(),
        survey.rows()
    );
    let format = options.format.unwrap_or_default();
    let mut write = |bytes: &[u8]| to.write_all(bytes).map_err(|error| refused(&error));
    survey.write(
        &**disk,
        &files,
        &identity,
        (format, Wanted::Rows),
        &mut write,
    )?;
    to.flush().map_err(|error| refused(&error))
}

/// The folder of the files.
pub fn folder(options: &Options) -> PathBuf {
    match &options.out {
        Out::Dir(folder) => folder.clone(),
        Out::Stdout => PathBuf::new(),
    }
}

fn refused(error: &io::Error) -> Error {
    let gone = error.kind() == io::ErrorKind::BrokenPipe;
    let error = Error::local(format!("cannot write to stdout: {error}"));
    // Who ran `| head -1` knows that already.
    if gone {
        error.quiet()
    } else {
        error.hint("what was printed is not all of the table")
    }
}

/// Which table it is: the state's, else the connection file's or the default
/// one. A connection file must be of the state's table.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a connection file that cannot be used,
/// [`crate::error::Kind::Local`] where it is of another table.
pub fn identify(options: &Options, state: Option<&Checkpoint>) -> Result<Identity> {
    let origin = state.and_then(|state| state.origin.as_ref());
    if let (Some(origin), None) = (origin, &options.config) {
        let parts = origin.primary_key.iter();
        return Ok(Identity {
            name: origin.table.clone(),
            key: parts.map(|name| Part::joined(name)).collect(),
        });
    }
    let (connection, _) = connection(options)?;
    if let (Some(state), Some(origin)) = (state, origin) {
        let keys = connection.primary_key.iter().map(|key| key.name.clone());
        state.check_origin(&Origin {
            table: connection.table.clone(),
            primary_key: keys.collect(),
            ..origin.clone()
        })?;
    }
    let columns = connection.columns.as_deref().unwrap_or_default();
    let key = connection.primary_key.iter().map(|key| {
        let declared = columns.iter().any(|(field, _)| field.path == key.path);
        match declared || key.path.len() == 1 {
            true => Part::column(&key.name),
            false => Part::at(&key.name, &key.path),
        }
    });
    let key = key.collect();
    if options.config.is_none() && options.state != StateAt::None {
        log::warn!(
            "no state says which table this is; taking {:?} with the default key",
            connection.table
        );
    }
    Ok(Identity {
        name: connection.table,
        key,
    })
}

/// Lists the files and opens them, again where one has gone meanwhile: what a
/// compaction removes it has put into another file first. Files that are open
/// stay whole whatever becomes of their names.
pub(crate) fn held(disk: &dyn Disk, folder: &Path, identity: &Identity) -> Result<Vec<File>> {
    for _ in 1..LISTINGS {
        let mut files = finished(disk, folder, &identity.name)?;
        if files::hold(disk, &mut files) {
            return Ok(files);
        }
    }
    finished(disk, folder, &identity.name)
}

impl Survey {
    /// Reads all versions, and learns which are the latest. Where they are to
    /// be kept as CSV, keys must be what CSV can tell apart.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], naming the file and the line.
    pub fn take(
        disk: &dyn Disk,
        files: &[File],
        identity: &Identity,
        keep: Option<FileFormat>,
    ) -> Result<Self> {
        let csv = FileFormat::Csv;
        let typed = keep != Some(csv) && files.iter().all(|file| file.format != csv);
        let mut latest = Latest::default();
        let mut kinds = vec![Kind::Unknown; identity.key.len()];
        let mut marks = Marks::default();
        for file in files {
            each(disk, file, &identity.key, &mut |version| {
                let placed = match version {
                    Version::Line(line) => marks.of_line(line, &identity.key, typed),
                    Version::Record(columns, record) => {
                        marks.of_record(record, columns, &identity.key)
                    }
                };
                placed.map_err(explain)?;
                if let Version::Line(_) = version {
                    learn(&mut kinds, &marks, identity, typed)?;
                }
                match latest.note(&marks.key, marks.seq, marks.deleted) {
                    true => Ok(()),
                    false => Err(Error::local("these are more keys than can be counted")
                        .hint("split the table into folders of fewer rows")),
                }
            })?;
        }
        latest.settle();
        Ok(Self { latest, kinds })
    }

    /// How many versions there are.
    pub fn versions(&self) -> u64 {
        self.latest.versions()
    }

    /// How many rows the table has.
    pub fn rows(&self) -> u64 {
        self.latest.rows()
    }

    /// How many keys end in a version which says that the row is deleted.
    pub fn gone(&self) -> u64 {
        self.latest.gone()
    }

    /// Whether the rows say which fields of the key are numbers.
    pub fn knows_kinds(&self) -> bool {
        !self.kinds.contains(&Kind::Unknown)
    }

    /// Writes the latest versions, those that are wanted, in this format.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where a file cannot be read again, and
    /// what `write` answers.
    pub fn write(
        &self,
        disk: &dyn Disk,
        files: &[File],
        identity: &Identity,
        (format, wanted): (FileFormat, Wanted),
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut fields = Fields::default();
        if format == FileFormat::Csv {
            self.walk(disk, files, identity, wanted, &mut |version| {
                fields.meet(version);
                Ok(())
            })?;
        }
        let mut lines = Lines::new(format, fields, &self.kinds);
        let mut out = Vec::with_capacity(CHUNK);
        lines.begin(&mut out);
        self.walk(disk, files, identity, wanted, &mut |version| {
            lines.push(version, &mut out);
            if out.len() < CHUNK {
                return Ok(());
            }
            let written = write(&out);
            out.clear();
            written
        })?;
        write(&out)
    }

    /// Gives the latest versions that are wanted.
    fn walk(
        &self,
        disk: &dyn Disk,
        files: &[File],
        identity: &Identity,
        wanted: Wanted,
        visit: &mut impl FnMut(Version<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut number = 0;
        for file in files {
            each(disk, file, &identity.key, &mut |version| {
                number += 1;
                let is_wanted = match wanted {
                    Wanted::Rows => self.latest.is_row(number - 1),
                    Wanted::Gone => self.latest.is_gone(number - 1),
                };
                if is_wanted { visit(version) } else { Ok(()) }
            })?;
        }
        if number == self.versions() {
            return Ok(());
        }
        Err(Error::local("the files were changed while they were read")
            .hint("finished files are never changed by a sync: see who does, then run again"))
    }
}

/// Notes what the key's fields are in a line. Beside CSV they must all be of
/// one kind.
///
/// # Errors
/// [`crate::error::Kind::Local`] where they are not.
pub(crate) fn learn(
    kinds: &mut [Kind],
    marks: &Marks,
    identity: &Identity,
    typed: bool,
) -> Result<()> {
    for (at, kind) in kinds.iter_mut().enumerate() {
        *kind = kind.and(marks.numbers.get(at) == Some(&true));
        if !typed && *kind == Kind::Both {
            let name = identity.key.get(at).map_or("", |part| &*part.name);
            return Err(Error::local(format!(
                "the key {:?} is a number in some rows and a string in others, which CSV cannot tell apart",
                excerpt(name)
            ))
            .hint("keep to ndjson; move CSV files of this table to a folder of their own"));
        }
    }
    Ok(())
}

pub(crate) fn explain(misfit: Misfit) -> Error {
    const OTHER: &str = "is this the table's key? name it in a connection file, with --config";
    match misfit {
        Misfit::Fault(fault) if fault.is_end() => {
            Error::local("the line is cut short, it ends inside its JSON")
        }
        Misfit::Fault(Fault { at, what }) => {
            Error::local(format!("no JSON object: {what}, at byte {}", at + 1))
        }
        Misfit::Missing(name) => {
            let name = excerpt(&name);
            Error::local(format!("the row has no {name:?}, of the primary key")).hint(OTHER)
        }
        Misfit::Unfit(name) => {
            let name = excerpt(&name);
            Error::local(format!("the key {name:?} is neither a string nor a number")).hint(OTHER)
        }
    }
}
