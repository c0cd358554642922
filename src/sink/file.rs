//! Rows to a file in a folder: one a sync, under its final name only when
//! the sync has ended. The commit's order is that of [`crate::store`].

use crate::checkpoint::{Checkpoint, Origin, Part, Progress};
use crate::disk::Append;
use crate::error::Result;
use crate::sink::{Batch, Outcome, Sink};
use crate::store::{Store, Tail, failed, parent};

/// A file under way.
struct Writing {
    file: Box<dyn Append>,
    /// What of it is durable. Only this may stand in a state.
    part: Part,
    tail: Tail,
    /// Written since the last sync.
    bytes: u64,
    rows: u64,
}

/// Writes to a folder.
pub struct FileSink {
    store: Store,
    origin: Origin,
    /// The files' names: rows, rows set aside.
    names: [String; 2],
    files: [Option<Writing>; 2],
    committed: Progress,
    outcome: Outcome,
}

impl FileSink {
    /// A sink whose files are called `TABLE-STAMP.EXTENSION` and
    /// `TABLE-STAMP.rejected.ndjson`. `progress` is what the state has.
    pub fn new(
        mut store: Store,
        origin: Origin,
        progress: Progress,
        stamp: &str,
        extension: &str,
    ) -> Self {
        let stem = format!("{}-{stamp}", origin.table);
        store.assume(Checkpoint::render(&progress, None, &origin));
        Self {
            names: [
                format!("{stem}.{extension}"),
                format!("{stem}.rejected.ndjson"),
            ],
            files: [None, None],
            store,
            origin,
            outcome: Outcome {
                mark: progress.last_updated_at.clone(),
                ..Outcome::default()
            },
            committed: progress,
        }
    }

    fn part(&self) -> Option<Part> {
        let [rows, rejects] = &self.files;
        let mut part = rows.as_ref()?.part.clone();
        part.rejected = rejects.as_ref().map(|file| Box::new(file.part.clone()));
        Some(part)
    }

    /// Where a file is found in the end; None where there was nothing in it.
    fn finished(&self, part: &Part) -> Option<String> {
        let path = self.store.path(&part.file);
        (part.bytes > 0).then(|| path.display().to_string())
    }

    fn save(&mut self, part: Option<&Part>) -> Result<()> {
        let state = Checkpoint::render(&self.committed, part, &self.origin);
        self.store.save(state)
    }

    /// Creates a file, after the state that names it.
    fn create(&mut self, which: usize) -> Result<()> {
        let name = &self.names[which];
        let part = Part {
            file: name.clone(),
            ..Part::default()
        };
        let mut parts = self.part();
        match &mut parts {
            Some(rows) => rows.rejected = Some(Box::new(part.clone())),
            None => parts = Some(part.clone()),
        }
        let path = self.store.part_path(name);
        self.save(parts.as_ref())?;
        self.store.sync_state()?;
        let disk = self.store.disk();
        let file = disk.create(&path);
        let file = file.map_err(|error| failed("cannot create", &path, &error))?;
        let synced = disk.sync_folder(parent(&path));
        synced.map_err(|error| failed("cannot sync", parent(&path), &error))?;
        self.files[which] = Some(Writing {
            file,
            part,
            tail: Tail::default(),
            bytes: 0,
            rows: 0,
        });
        Ok(())
    }

    fn write(&mut self, which: usize, lines: &[u8], rows: u64) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if self.files[0].is_none() {
            self.create(0)?;
        }
        if self.files[which].is_none() {
            self.create(which)?;
        }
        let path = self.store.part_path(&self.names[which]);
        if let Some(writing) = &mut self.files[which] {
            let written = writing.file.write_all(lines);
            written.map_err(|error| failed("cannot write", &path, &error))?;
            writing.bytes += lines.len() as u64;
            writing.rows += rows;
            writing.tail.push(lines);
        }
        Ok(())
    }

    fn commit(&mut self, progress: &Progress) -> Result<()> {
        for (writing, name) in self.files.iter_mut().zip(&self.names) {
            if let Some(writing) = writing.as_mut().filter(|writing| writing.bytes > 0) {
                let synced = writing.file.sync_data();
                synced
                    .map_err(|error| failed("cannot sync", &self.store.part_path(name), &error))?;
                writing.part.bytes += std::mem::take(&mut writing.bytes);
                writing.part.rows += std::mem::take(&mut writing.rows);
                writing.part.tail = Some(writing.tail.sum());
            }
        }
        self.committed = progress.clone();
        let part = self.part();
        self.save(part.as_ref())?;
        let rows =
            |writing: &Option<Writing>| writing.as_ref().map_or(0, |writing| writing.part.rows);
        (self.outcome.rows, self.outcome.rejected) = (rows(&self.files[0]), rows(&self.files[1]));
        self.outcome.mark.clone_from(&progress.last_updated_at);
        Ok(())
    }
}

impl Sink for FileSink {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        self.write(0, &batch.lines, batch.rows)?;
        self.write(1, &batch.rejects, batch.rejected)?;
        batch
            .progress
            .as_ref()
            .map_or(Ok(()), |progress| self.commit(progress))
    }

    fn finish(&mut self, _: bool) -> Result<Outcome> {
        let part = self.part();
        // Rows may have been appended since the last commit; the state does
        // not vouch for them, and recovery cuts them off.
        for writing in &mut self.files {
            *writing = None;
        }
        if let Some(part) = part {
            self.store.recover(Some(&part))?;
            self.save(None)?;
            self.outcome.file = self.finished(&part);
            self.outcome.rejects = part.rejected.and_then(|part| self.finished(&part));
        }
        Ok(self.outcome.clone())
    }

    fn committed(&self) -> Outcome {
        self.outcome.clone()
    }
}
