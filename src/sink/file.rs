//! Rows to a file in a folder: one file for each sync, which gets its final
//! name only when the sync has ended; several files where a CSV header had to
//! change. The order of a commit is that of [`crate::store`].

use crate::checkpoint::{Checkpoint, Files, Origin, Part, Progress};
use crate::disk::Append;
use crate::error::Result;
use crate::load::{HandOver, Loaded, Loader};
use crate::sink::{Batch, Outcome, Sink};
use crate::stamp::after;
use crate::store::{Store, Tail, failed, parent};

/// A file that is being written.
struct Writing {
    file: Box<dyn Append>,
    /// What is written to it.
    part: Part,
    tail: Tail,
    /// Whether all of that is durable.
    synced: bool,
}

/// Writes to a folder.
pub struct FileSink {
    store: Store,
    origin: Origin,
    stamp: String,
    extension: &'static str,
    /// The files' names: rows, rows set aside.
    names: [String; 2],
    files: [Option<Writing>; 2],
    /// Files that were filled before the present one, which has another
    /// header.
    closed: Vec<Writing>,
    /// What the state says.
    committed: Progress,
    part: Option<Part>,
    known: Files,
    outcome: Outcome,
}

impl FileSink {
    /// A sink whose files are called `TABLE-STAMP.EXTENSION` and
    /// `TABLE-STAMP.rejected.ndjson`. `progress` and `known` are what the state
    /// has.
    pub fn new(
        mut store: Store,
        origin: Origin,
        progress: Progress,
        known: Files,
        stamp: &str,
        extension: &'static str,
    ) -> Self {
        let stem = format!("{}-{stamp}", origin.table);
        store.assume(Checkpoint::render(&progress, &known, None, &origin));
        Self {
            names: [
                format!("{stem}.{extension}"),
                format!("{stem}.rejected.ndjson"),
            ],
            stamp: stamp.to_owned(),
            extension,
            files: [None, None],
            closed: Vec::new(),
            known,
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
        let [rows, rejects] = &self.files;
        Some(Part {
            rejected: rejects.as_ref().map(|rejects| Box::new(rejects.part())),
            ..rows.as_ref()?.part()
        })
    }

    /// Leaves the file under way as it is, for rows that have another header.
    /// It keeps its `.part` until the sync has ended: rows of it may still wait
    /// for a commit, which then vouches for both files at once.
    fn turn(&mut self) -> Result<()> {
        let Some(full) = self.files[0].take() else {
            return Ok(());
        };
        self.closed.push(full);
        self.stamp = after(&self.stamp)?;
        self.names[0] = format!("{}-{}.{}", self.origin.table, self.stamp, self.extension);
        // Until that commit the state vouches for as much of it as before.
        self.known.closed.extend(self.part.clone().map(|part| Part {
            rejected: None,
            ..part
        }));
        Ok(())
    }

    /// The name of a file in the end; None where there was nothing in it.
    fn finished(&self, part: &Part) -> Option<String> {
        let path = self.store.path(&part.file);
        (part.bytes > 0).then(|| path.display().to_string())
    }

    /// Saves that this much of the files is committed, with no more progress.
    fn save(&mut self, part: Option<Part>) -> Result<()> {
        let state = Checkpoint::render(&self.committed, &self.known, part.as_ref(), &self.origin);
        self.part = part;
        self.store.save(state)
    }

    /// Creates a file, after the state that names it.
    fn create(&mut self, which: usize) -> Result<()> {
        let part = Part {
            file: self.names[which].clone(),
            ..Part::default()
        };
        let mut parts = self.part.clone().unwrap_or_default();
        if which == 0 {
            let rejected = parts.rejected.take();
            parts = Part {
                rejected,
                ..part.clone()
            };
            self.known.last = Some(self.stamp.clone());
        } else {
            parts.rejected = Some(Box::new(part.clone()));
        }
        let path = self.store.part_path(&part.file);
        self.save(Some(parts))?;
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
        self.known.closed = self.closed.iter().map(Writing::part).collect();
        let state = Checkpoint::render(progress, &self.known, part.as_ref(), &self.origin);
        let draft = self.store.draft(state)?;
        let files = self.files.iter_mut().flatten();
        for writing in self.closed.iter_mut().chain(files) {
            if !writing.synced {
                let path = self.store.part_path(&writing.part.file);
                let synced = writing.file.sync_data();
                synced.map_err(|error| failed("cannot sync", &path, &error))?;
                writing.synced = true;
            }
        }
        self.store.publish(draft)?;
        let rejected = part.as_ref().and_then(|part| part.rejected.as_ref());
        let full = self.known.closed.iter().map(|part| part.rows).sum::<u64>();
        self.outcome.rows = full + part.as_ref().map_or(0, |part| part.rows);
        self.outcome.rejected = rejected.map_or(0, |part| part.rows);
        self.outcome.mark.clone_from(&progress.last_updated_at);
        (self.committed, self.part) = (progress.clone(), part);
        Ok(())
    }
}

impl Writing {
    /// What is written of it.
    fn part(&self) -> Part {
        Part {
            tail: (self.part.bytes > 0).then(|| self.tail.sum()),
            ..self.part.clone()
        }
    }
}

impl Sink for FileSink {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        if let Some(header) = &batch.lead.header {
            self.turn()?;
            self.known.columns = Some(header.clone());
        }
        self.known.seq = self.known.seq.max(batch.lead.seq);
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
        self.files = [None, None];
        self.closed.clear();
        if let Some(part) = part {
            let closed = self.known.closed.clone();
            let mut parts: Vec<&Part> = closed.iter().collect();
            parts.extend(
                [Some(&part), part.rejected.as_deref()]
                    .into_iter()
                    .flatten(),
            );
            self.store.recover(&parts)?;
            self.known.finish(&part);
            self.save(None)?;
            let rows = closed.iter().chain([&part]);
            let mut files: Vec<String> = rows.filter_map(|part| self.finished(part)).collect();
            self.outcome.file = files.pop();
            self.outcome.before = files;
            self.outcome.rejects = part.rejected.and_then(|part| self.finished(&part));
        }
        Ok(self.outcome.clone())
    }

    fn hand_over(&mut self, loader: &mut dyn Loader) -> (Loaded, Result<()>) {
        let (progress, origin) = (&self.committed, &self.origin);
        let render = |files: &Files| Checkpoint::render(progress, files, None, origin);
        HandOver {
            store: &mut self.store,
            files: &mut self.known,
            table: &origin.table,
            render: &render,
        }
        .run(loader)
    }

    fn committed(&self) -> Outcome {
        self.outcome.clone()
    }
}
