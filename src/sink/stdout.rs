//! Rows to stdout, for a pipe. The state is saved once, after the last row was
//! taken, and only if the sync is complete: a reader whose pipe broke gets the
//! same rows again, and never a gap. A pipe acknowledges nothing, so it is not
//! known here what its reader does with the rows.

use std::fs::File;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use crate::checkpoint::{Checkpoint, Files, Origin, Progress, Resume};
use crate::error::{Error, Result};
use crate::sink::{Batch, Outcome, Sink};
use crate::store::Store;

/// How long a reader that has read enough may take to go away.
const GRACE: Duration = Duration::from_millis(50);

/// Writes to stdout, or to a file that stands for it.
pub struct StdoutSink {
    out: File,
    store: Store,
    origin: Origin,
    progress: Progress,
    /// The last line, which is not written before another one comes or all is
    /// done: see [`StdoutSink::settle`].
    held: Vec<u8>,
    /// What the state has.
    started: Progress,
    known: Files,
    outcome: Outcome,
}

impl StdoutSink {
    /// A sink over this process's stdout. `progress` and `known` are what the
    /// state has.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where stdout is closed.
    pub fn new(mut store: Store, origin: Origin, progress: Progress, known: Files) -> Result<Self> {
        store.assume(Checkpoint::render(&progress, &known, None, &origin));
        Ok(Self {
            out: stdout().map_err(|error| failed(&error))?,
            store,
            origin,
            outcome: Outcome {
                mark: progress.last_updated_at.clone(),
                ..Outcome::default()
            },
            started: progress.clone(),
            progress,
            held: Vec::new(),
            known,
        })
    }

    /// Writes the last line, and makes sure that the reader took what was written,
    /// as far as that can be known. What fits into a pipe is written without an
    /// error even where nobody will read it. A reader that wants all waits for the
    /// end of the file, which comes when we exit; one that had enough is gone after
    /// a moment, and then the last line cannot be written.
    fn settle(&mut self) -> io::Result<()> {
        let is_file = self.out.metadata()?.is_file();
        if !is_file {
            sleep(GRACE);
        }
        self.out.write_all(&self.held)?;
        self.held.clear();
        if is_file { self.out.sync_all() } else { Ok(()) }
    }

    /// Writes lines, but for the last one.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let whole = lines.strip_suffix(b"\n").unwrap_or(lines);
        let last = whole.iter().rposition(|byte| *byte == b'\n');
        let (before, last) = lines.split_at(last.map_or(0, |end| end + 1));
        if last.is_empty() {
            return Ok(());
        }
        self.out.write_all(&self.held)?;
        self.held.clear();
        self.out.write_all(before)?;
        self.held.extend_from_slice(last);
        Ok(())
    }
}

impl StdoutSink {
    /// Keeps a header that came too late for this run, so that the next one
    /// begins with it. The mark stays where it was.
    fn keep_header(&mut self, field: &str) -> Result<Error> {
        let nothing = self.started.last_updated_at.is_none() && self.started.seen.is_empty();
        if nothing {
            // So that the next run is still a first sync, with whatever flags.
            self.started.resume = Resume::Beginning;
        }
        let state = Checkpoint::render(&self.started, &self.known, None, &self.origin);
        self.store.save(state)?;
        self.store.sync_state()?;
        let error = Error::contract(format!(
            "the field {field:?} is not in the header that was written already"
        ));
        Ok(error.hint(if self.store.state().is_some() {
            "run again: the header will have it; or declare \"columns\", write ndjson, or write to files with --out DIR"
        } else {
            "declare \"columns\" in the connection file, write ndjson, or write to files with --out DIR"
        }))
    }
}

impl Sink for StdoutSink {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        self.known.seq = self.known.seq.max(batch.lead.seq);
        if let Some(header) = &batch.lead.header {
            self.known.columns = Some(header.clone());
            if let Some(field) = &batch.lead.field {
                return Err(self.keep_header(field)?);
            }
        }
        self.write(&batch.lines).map_err(|error| failed(&error))?;
        self.outcome.rows += batch.rows;
        self.outcome.rejected += batch.rejected;
        if let Some(progress) = &batch.progress {
            self.progress.clone_from(progress);
        }
        Ok(())
    }

    fn finish(&mut self, complete: bool) -> Result<Outcome> {
        if complete {
            if !self.held.is_empty() {
                self.settle().map_err(|error| failed(&error))?;
            }
            let state = Checkpoint::render(&self.progress, &self.known, None, &self.origin);
            self.store.save(state)?;
            self.store.sync_state()?;
            self.outcome.mark.clone_from(&self.progress.last_updated_at);
        } else {
            self.out
                .write_all(&self.held)
                .map_err(|error| failed(&error))?;
        }
        Ok(self.outcome.clone())
    }

    fn committed(&self) -> Outcome {
        self.outcome.clone()
    }
}

/// Stdout without std's buffer, whose flush would come too late to be seen.
///
/// # Errors
/// The operating system's.
#[cfg(unix)]
pub fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Stdout without std's buffer, whose flush would come too late to be seen.
///
/// # Errors
/// The operating system's.
#[cfg(windows)]
pub fn stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

fn failed(error: &io::Error) -> Error {
    let gone = error.kind() == io::ErrorKind::BrokenPipe;
    let error = Error::local(format!("cannot write to stdout: {error}"));
    // Who ran `| head -1` knows that already.
    if gone {
        error.quiet()
    } else {
        error.hint("the mark was not moved: the next run delivers the same rows")
    }
}
