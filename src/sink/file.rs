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
    /// What is written of it.
    part: Part,
    tail: Tail,
    /// All of that is durable.
    synced: bool,
}

/// Writes to a folder.
pub struct FileSink {
    store: Store,
    origin: Origin,
    /// The files' names: rows, rows set aside.
    names: [String; 2],
    files: [Option<Writing>; 2],
    /// What the state says.
    committed: Progress,
    part: Option<Part>,
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
            part: None,
        }
    }

    /// What is written.
    fn written(&self) -> Option<Part> {
        let part = |writing: &Writing| Part {
            tail: (writing.part.bytes > 0).then(|| writing.tail.sum()),
            ..writing.part.clone()
        };
        let [rows, rejects] = &self.files;
        Some(Part {
            rejected: rejects.as_ref().map(|rejects| Box::new(part(rejects))),
            ..part(rows.as_ref()?)
        })
    }

    /// Where a file is found in the end; None where there was nothing in it.
    fn finished(&self, part: &Part) -> Option<String> {
        let path = self.store.path(&part.file);
        (part.bytes > 0).then(|| path.display().to_string())
    }

    /// Saves that this much of the files is committed, with no more progress.
    fn save(&mut self, part: Option<Part>) -> Result<()> {
        let state = Checkpoint::render(&self.committed, part.as_ref(), &self.origin);
        self.part = part;
        self.store.save(state)
    }

    /// Creates a file, after the state that names it.
    fn create(&mut self, which: usize) -> Result<()> {
        let part = Part {
            file: self.names[which].clone(),
            ..Part::default()
        };
        let mut parts = self.part.clone();
        match &mut parts {
            Some(rows) => rows.rejected = Some(Box::new(part.clone())),
            None => parts = Some(part.clone()),
        }
        let path = self.store.part_path(&part.file);
        self.save(parts)?;
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
            synced: true,
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
            writing.part.bytes += lines.len() as u64;
            writing.part.rows += rows;
            writing.tail.push(lines);
            writing.synced = false;
        }
        Ok(())
    }

    fn commit(&mut self, progress: &Progress) -> Result<()> {
        let part = self.written();
        let state = Checkpoint::render(progress, part.as_ref(), &self.origin);
        let draft = self.store.draft(state)?;
        for (writing, name) in self.files.iter_mut().zip(&self.names) {
            if let Some(writing) = writing.as_mut().filter(|writing| !writing.synced) {
                let synced = writing.file.sync_data();
                synced
                    .map_err(|error| failed("cannot sync", &self.store.part_path(name), &error))?;
                writing.synced = true;
            }
        }
        self.store.publish(draft)?;
        let rejected = part.as_ref().and_then(|part| part.rejected.as_ref());
        self.outcome.rows = part.as_ref().map_or(0, |part| part.rows);
        self.outcome.rejected = rejected.map_or(0, |part| part.rows);
        self.outcome.mark.clone_from(&progress.last_updated_at);
        (self.committed, self.part) = (progress.clone(), part);
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
        let part = self.part.take();
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
