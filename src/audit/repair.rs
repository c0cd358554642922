//! `--repair`: what an audit found missing is written to a file of its own,
//! like that of a sync, and for each deleted row one row with its key that says
//! so. The lock is held from before the files are read. Rows are appended while
//! the walk goes on, and nothing counts before the state vouches for all of
//! them. That state is the one that a sync over the whole table would leave:
//! whatever the walk met is in the files then, so that the next sync goes on
//! from the walk's own mark.

use std::sync::Arc;

use serde::Serialize;

use crate::checkpoint::{Checkpoint, Files, Progress};
use crate::cli::Options;
use crate::clock;
use crate::config::Connection;
use crate::disk::Disk;
use crate::error::Result;
use crate::row::{FileFormat, STAMPS, stamps};
use crate::secret::Secrets;
use crate::session::{origin, take_up};
use crate::sink::file::FileSink;
use crate::sink::{Batch, Outcome, Sink};
use crate::stamp::after;
use crate::store::Store;
use crate::table::{DELETED, Records, finished, folder};
use crate::timestamp;
use crate::types::Type;

/// How many bytes are appended at once.
const CHUNK: usize = 1 << 18;

/// What a repair has written.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Repaired {
    /// The file, None where there was nothing to write.
    pub file: Option<String>,
    /// All files, where the header of a CSV file had to change on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Versions that were missing, or too young to be judged.
    pub rows: u64,
    /// Rows that say that one was deleted.
    pub deleted: u64,
    /// Whether deletions were left out because they are too many.
    pub held_back: bool,
}

/// A repair that is under way.
pub(super) struct Repair {
    sink: Box<dyn Sink>,
    /// Lines that are not appended yet.
    batch: Batch,
    /// How lines become records, where the file is CSV.
    records: Option<Records>,
    pub(super) metadata: bool,
    /// How it is written.
    pub(super) format: FileFormat,
    /// The last `_seq` that was given to a row.
    pub(super) seq: u64,
    pub(super) done: Repaired,
}

impl Repair {
    /// Locks the folder, completes a sync that did not end, and prepares the
    /// file.
    ///
    /// # Errors
    /// Those of a sync.
    pub(super) fn open(
        options: &Options,
        disk: &Arc<dyn Disk>,
        connection: &Connection,
        secrets: &Secrets,
    ) -> Result<(Option<Checkpoint>, Self)> {
        let folder = folder(options);
        // A folder that is not there is not created here, as the lock would do.
        let files = finished(&**disk, &folder, &connection.table)?;
        let newest = files.last().map(|file| file.format);
        let format = options.format.or(newest).unwrap_or_default();
        let origin = origin(connection, secrets);
        let mut store = Store::new(
            Arc::clone(disk),
            options.state_path(),
            Some(folder),
            &connection.table,
        );
        let (process, begin) = (std::process::id(), clock::time_of_day());
        store.lock(&format!("process {process}, repairing since {begin},"))?;
        let (state, known) = take_up(&mut store, &origin, options, false)?;
        store.sweep()?;
        let now = timestamp::compact(clock::now());
        let stamp = match &known.last {
            Some(last) if *last >= now => after(last)?,
            _ => now,
        };
        let progress = state.as_ref().map(|state| state.progress.clone());
        let seq = known.seq;
        let records =
            (format == FileFormat::Csv).then(|| records(connection, &known, options.metadata));
        let sink = FileSink::new(
            store,
            origin,
            progress.unwrap_or_default(),
            known,
            &stamp,
            format.extension(),
        );
        let repair = Self {
            sink: Box::new(sink),
            batch: Batch::default(),
            records,
            format,
            metadata: options.metadata,
            seq,
            done: Repaired::default(),
        };
        Ok((state, repair))
    }

    /// Appends a version that is missing.
    pub(super) fn write(&mut self, line: &[u8]) -> Result<()> {
        self.done.rows += 1;
        self.push(line)
    }

    /// Appends that a row is deleted. `key` holds the fields of its key as
    /// JSON.
    pub(super) fn bury(&mut self, key: &str) -> Result<()> {
        self.done.deleted += 1;
        let mut added = String::new();
        if self.metadata {
            (self.seq, added) = stamps(self.seq, clock::now());
        }
        self.push(format!("{{{key},\"_deleted\":true{added}}}").as_bytes())
    }

    fn push(&mut self, line: &[u8]) -> Result<()> {
        let records = self.records.as_mut();
        if records.is_some_and(|records| records.meet(line)) && self.batch.rows > 0 {
            // The lines that wait have another header.
            self.flush(None)?;
        }
        match &mut self.records {
            Some(records) => {
                if let Some(header) = records.push(line, &mut self.batch.lines) {
                    self.batch.lead.header = Some(header);
                }
            }
            None => {
                self.batch.lines.extend_from_slice(line);
                self.batch.lines.push(b'\n');
            }
        }
        self.batch.rows += 1;
        match self.batch.lines.len() < CHUNK {
            true => Ok(()),
            false => self.flush(None),
        }
    }

    fn flush(&mut self, progress: Option<Progress>) -> Result<()> {
        self.batch.progress = progress;
        self.batch.lead.seq = if self.metadata { self.seq } else { 0 };
        let appended = self.sink.append(&self.batch);
        self.batch.clear();
        appended
    }

    /// Commits all rows, with the walk's progress.
    pub(super) fn commit(&mut self, progress: Progress) -> Result<()> {
        if self.done.rows + self.done.deleted > 0 {
            self.flush(Some(progress))?;
        }
        let Outcome {
            file, mut before, ..
        } = self.sink.finish(true)?;
        if !before.is_empty() {
            before.extend(file.clone());
            self.done.files = before;
        }
        self.done.file = file;
        Ok(())
    }

    /// Leaves the folder as it was, where the walk contradicts itself.
    pub(super) fn give_up(&mut self) {
        if let Err(error) = self.sink.finish(false) {
            log::error!("{error}");
        }
    }
}

/// The columns of a CSV file: those of a sync, and one that says that a row is
/// deleted.
fn records(connection: &Connection, known: &Files, metadata: bool) -> Records {
    let added = STAMPS.map(|stamp| stamp.name().to_owned());
    match &connection.columns {
        Some(columns) => {
            let declared = columns.iter().map(|(field, _)| field.name.clone());
            let added = added.into_iter().filter(|_| metadata);
            let names = declared.chain(added).chain([DELETED.to_owned()]);
            let json = columns
                .iter()
                .filter(|(_, connection)| *connection == Type::Json);
            Records::new(names.collect(), false).quoting(json.map(|(field, _)| field.name.clone()))
        }
        None => Records::new(known.columns.clone().unwrap_or_default(), true),
    }
}
