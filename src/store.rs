//! The state file and the folder of outputs: lock, load and save. How a sync
//! that did not end is taken up is in `recovery`. It does not know what a row
//! is.
//!
//! # Why the files are always what the state says
//!
//! The state carries the committed length of the file under way, so rows and
//! mark commit as one, in one rename. The order of each batch: the rows are
//! written to the `.part` and the new state beside the old one; both are
//! synced, at once, since a journal then takes both in one step; when both are
//! durable, the new state is renamed over the old one. Whenever the machine
//! stops,
//!
//! - before the rename is durable, the old state stands: it vouches for fewer
//!   bytes than the `.part` holds, the rest is cut off at the next start, and
//!   its rows are asked for again;
//! - after it, the bytes that the state vouches for were synced before.
//!
//! The rename itself needs no sync of its own: if it is lost, so is the batch,
//! as a whole. Names do: a file whose name is lost is lost. So the folder is
//! synced after the `.part` is created, and after it is renamed to its final
//! name or removed, before a state without it. Before that last rename the
//! state's folder is synced too, so that no older state, which vouches for
//! less, can come back after the file has the name under which it is never
//! cut. The folders' own names are synced before there is a first state.
//!
//! A state that names the file comes before the file. So a `.part` that no
//! state names was not written by a sync that got its state saved here: it is
//! refused, not guessed about. For the same reason a finished file that is later
//! than the last name in the state shows that the state is an older one.
//!
//! A sync whose CSV got another header writes several files. Those that are full
//! keep their `.part` and their place in the state until the sync has ended, so
//! that rows which still waited for a commit are committed with the next file's.
//!
//! A sync that fails leaves the page cache in an unknown condition; it is
//! never retried, the error ends the run.

mod draft;
mod names;
mod recovery;
mod tail;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, Entry, Lock};
use crate::error::{Error, Result, excerpt};
use crate::stamp::stamp;

pub use draft::Draft;
pub use tail::Tail;

/// The end of the name of a file that is being written.
pub const PART: &str = ".part";
/// The name of the state file, where no other one is given.
const STATE: &str = "state.json";
/// What is locked in a folder.
const LOCK: &str = ".lock";

/// A state file and the folder that its files are in.
pub struct Store {
    disk: Arc<dyn Disk>,
    state: Option<PathBuf>,
    folder: Option<PathBuf>,
    table: String,
    locks: Vec<Box<dyn Send>>,
    /// What the state on the disk says.
    saved: Option<Vec<u8>>,
}

/// An operating system's error with its place and what to look at.
pub fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
    let hint = match error.kind() {
        StorageFull => "make room on the disk, then run again: it goes on where it stopped",
        PermissionDenied | ReadOnlyFilesystem => "is the folder writable for this user?",
        _ => "look at the disk (dmesg, df), then run again: it goes on where it stopped",
    };
    Error::local(format!("{doing} {}: {error}", path.display())).hint(hint)
}

/// The folder that a path is in.
pub fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// A path with something appended to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Store {
    /// A store on a disk. Without a `state` nothing is remembered; without a
    /// `folder` no file is written.
    pub fn new(
        disk: Arc<dyn Disk>,
        state: Option<PathBuf>,
        folder: Option<PathBuf>,
        table: &str,
    ) -> Self {
        Self {
            disk,
            state,
            folder,
            table: table.to_owned(),
            locks: Vec::new(),
            saved: None,
        }
    }

    /// The disk.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The folder of outputs.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The state file.
    pub fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Creates the folders and locks them against another sync. `holder` is
    /// what the other one will be told. A new state that was not renamed in
    /// time goes.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], also where another one holds the lock;
    /// nothing else was touched then.
    pub fn lock(&mut self, holder: &str) -> Result<()> {
        let mut places = Vec::new();
        if let Some(folder) = &self.folder {
            places.push((folder.clone(), LOCK.to_owned()));
        }
        if let Some(state) = &self.state {
            let name = state.file_name().unwrap_or_default().to_string_lossy();
            // A folder's own state goes with the folder's lock, whichever of
            // the two a sync names. Another state has a lock to itself.
            let lock = if name == STATE {
                LOCK.to_owned()
            } else {
                format!("{name}{LOCK}")
            };
            places.push((parent(state).to_owned(), lock));
        }
        let mut folders: Vec<_> = places.iter().map(|(folder, _)| folder).collect();
        folders.dedup();
        let mut old = Vec::new();
        for folder in folders {
            if !self.create_folder(folder)? {
                old.push(folder);
            }
        }
        let state = self.state.as_deref().map(|path| self.entry(path));
        if state.transpose()?.flatten().is_none() {
            // Whoever created them may have been killed before their names
            // were durable; from the first state on they must be.
            for folder in old {
                self.sync_name(folder)?;
            }
        }
        let mut taken = Vec::new();
        for (folder, lock) in places {
            let one = self.disk.canonical(&folder);
            let one = one
                .map_err(|error| failed("cannot look at", &folder, &error))?
                .join(&lock);
            if !taken.contains(&one) {
                taken.push(one);
                let guard = self.lock_file(&folder.join(lock), holder)?;
                self.locks.push(guard);
            }
        }
        self.stale().map(|_| ())
    }

    fn lock_file(&self, path: &Path, holder: &str) -> Result<Box<dyn Send>> {
        if let Some(Entry::Other(what)) = self.entry(path)? {
            return Err(
                Error::local(format!("the lock {} is {what}", path.display()))
                    .hint("it would be written to: move it away"),
            );
        }
        let lock = self.disk.lock(path, holder);
        match lock.map_err(|error| failed("cannot lock", path, &error))? {
            Lock::Held(guard) => Ok(guard),
            Lock::Busy(other) => {
                let other = if other.is_empty() {
                    "another process".into()
                } else {
                    excerpt(&other)
                };
                Err(Error::local(format!("{other} holds {}", path.display()))
                    .hint("wait until it is done; the lock goes with its process"))
            }
        }
    }

    /// Creates a folder and those above it where they are missing, and makes
    /// their names durable; whether this one was.
    fn create_folder(&self, folder: &Path) -> Result<bool> {
        match self.entry(folder)? {
            None if folder.as_os_str().is_empty() => return Ok(false),
            None => {}
            Some(Entry::File(_)) => {
                return Err(
                    Error::local(format!("{} is a file, not a folder", folder.display()))
                        .hint("choose a folder with --out"),
                );
            }
            Some(Entry::Other(_)) => return Ok(false),
        }
        let above = parent(folder);
        if !self.create_folder(above)? {
            self.sync_name(above)?;
        }
        let create = self.disk.create_folder(folder);
        create.map_err(|error| failed("cannot create", folder, &error))?;
        self.sync_folder(above)?;
        Ok(true)
    }

    /// Makes the name of a folder that was there before durable.
    fn sync_name(&self, folder: &Path) -> Result<()> {
        let Some(above) = folder.file_name().map(|_| parent(folder)) else {
            return Ok(());
        };
        match self.disk.sync_folder(above) {
            // A folder may be ours and the one above it not ours to read; who
            // made it there has to answer for its name.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced.map_err(|error| failed("cannot sync", above, &error)),
        }
    }

    /// Removes a new state that was not renamed in time.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn sweep(&self) -> Result<()> {
        self.stale()?.map_or(Ok(()), |new| {
            let removed = self.disk.remove(&new);
            removed.map_err(|error| failed("cannot remove", &new, &error))
        })
    }

    /// A new state that was not renamed in time. Anything else in its place
    /// is refused: it would be written to.
    fn stale(&self) -> Result<Option<PathBuf>> {
        let Some(new) = self.state.as_ref().map(|path| beside(path, ".tmp")) else {
            return Ok(None);
        };
        match self.entry(&new)? {
            Some(Entry::Other(what)) => Err(Error::local(format!("{} is {what}", new.display()))
                .hint("the new state is written there: move it away")),
            found => Ok(found.map(|_| new)),
        }
    }

    pub(crate) fn entry(&self, path: &Path) -> Result<Option<Entry>> {
        let found = self.disk.entry(path);
        found.map_err(|error| failed("cannot look at", path, &error))
    }

    /// Reads the state, None where there is none yet.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where it cannot be read or understood.
    pub fn load(&self) -> Result<Option<Checkpoint>> {
        self.text()?.map(|text| self.parse(&text)).transpose()
    }

    /// Reads the state's text, None where there is none yet, and remembers
    /// that this is what the disk has.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where it cannot be read.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>> {
        self.saved = self.text()?;
        Ok(self.saved.clone())
    }

    /// A text that was read, understood.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], naming the state.
    pub fn parse(&self, text: &[u8]) -> Result<Checkpoint> {
        Checkpoint::parse(text).map_err(|error| self.in_state(error))
    }

    /// An error in what the state says, with its place.
    pub fn in_state(&self, error: Error) -> Error {
        match &self.state {
            Some(path) => error.at(path.display()),
            None => error,
        }
    }

    fn text(&self) -> Result<Option<Vec<u8>>> {
        let Some(path) = &self.state else {
            return Ok(None);
        };
        if let Some(Entry::Other(what)) = self.entry(path)? {
            return Err(
                Error::local(format!("the state {} is {what}", path.display()))
                    .hint("name a plain file with --state; a link would be replaced, not followed"),
            );
        }
        let read = self.disk.read(path);
        read.map_err(|error| failed("cannot read", path, &error))
    }

    /// Makes the state's name durable.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn sync_state(&self) -> Result<()> {
        self.state
            .as_deref()
            .map_or(Ok(()), |path| self.sync_folder(parent(path)))
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        let synced = self.disk.sync_folder(folder);
        synced.map_err(|error| failed("cannot sync", folder, &error))
    }

    /// The path of a file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(name)
    }

    /// The path of a file while it is under way.
    pub fn part_path(&self, name: &str) -> PathBuf {
        beside(&self.path(name), PART)
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>> {
        let names = self.disk.names(folder);
        names.map_err(|error| failed("cannot list", folder, &error))
    }

    /// The stamps of the table's files, sorted.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn stamps(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let names = self.names(folder)?;
        let mut stamps: Vec<String> = names
            .iter()
            .filter_map(|name| stamp(name, &self.table))
            .map(str::to_owned)
            .collect();
        stamps.sort_unstable();
        Ok(stamps)
    }
}
