//! The state file and the folder of outputs: lock, load, recover, save. It
//! does not know what a row is.
//!
//! # Why the files are always what the state says
//!
//! The state carries the committed length of the file under way, so rows and
//! mark commit as one, in one rename. The order of each batch: the rows are
//! written and synced to the `.part`; then the new state is written beside the
//! old one, synced, and renamed over it. Whenever the machine stops,
//!
//! - before the rename is durable, the old state stands: it vouches for fewer
//!   bytes than the `.part` holds, the rest is cut off at the next start, and
//!   its rows are asked for again;
//! - after it, the bytes that the state vouches for were synced before.
//!
//! The rename itself needs no sync of its own: if it is lost, so is the batch,
//! as a whole. Names do: a file whose name is lost is lost. So the folder is
//! synced after the `.part` is created, and after it is renamed to its final
//! name. Before that last rename the state's folder is synced too, so that no
//! older state, which vouches for less, can come back after the file has the
//! name under which it is never cut.
//!
//! A state that names the file comes before the file. So a `.part` that no
//! state names was not written by a sync that got its state saved here: it is
//! refused, not guessed about.
//!
//! A sync that fails leaves the page cache in an unknown condition; it is
//! never retried, the error ends the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, Part};
use crate::disk::{Disk, Entry, Lock};
use crate::error::{Error, Result, excerpt};
use crate::page::{FNV, fnv};

/// The end of the file under way.
pub const PART: &str = ".part";
/// How much of a file's end its checksum covers.
const TAIL: u64 = 4096;

/// A state file and the folder that its files are in.
pub struct Store {
    disk: Arc<dyn Disk>,
    state: Option<PathBuf>,
    folder: Option<PathBuf>,
    table: String,
    locks: Vec<Box<dyn Send>>,
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
    /// A store over a disk. Without a `state` nothing is remembered, without
    /// a `folder` no file is written.
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
    /// what the other one will be told.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], also where another one holds the lock;
    /// nothing else was touched then.
    pub fn lock(&mut self, holder: &str) -> Result<()> {
        let mut locks = Vec::new();
        if let Some(folder) = &self.folder {
            self.create_folder(folder)?;
            locks.push(folder.join(".lock"));
        }
        if let Some(state) = &self.state {
            let folder = parent(state);
            if Some(folder) != self.folder.as_deref() {
                self.create_folder(folder)?;
                locks.push(beside(state, ".lock"));
            }
        }
        for path in locks {
            let lock = self.disk.lock(&path, holder);
            match lock.map_err(|error| failed("cannot lock", &path, &error))? {
                Lock::Held(guard) => self.locks.push(guard),
                Lock::Busy(other) => {
                    let other = if other.is_empty() { "another process".into() } else { excerpt(&other) };
                    return Err(Error::local(format!("{other} holds {}", path.display()))
                        .hint("wait until it is done; the lock goes with its process"));
                }
            }
        }
        Ok(())
    }

    fn create_folder(&self, folder: &Path) -> Result<()> {
        if folder.as_os_str().is_empty() {
            return Ok(());
        }
        let found = self.disk.entry(folder).ok().flatten();
        if let Some(Entry::File(_)) = found {
            return Err(Error::local(format!("{} is a file, not a folder", folder.display()))
                .hint("choose a folder with --out"));
        }
        if found.is_some() {
            return Ok(());
        }
        let create = self.disk.create_folder(folder);
        create.map_err(|error| failed("cannot create", folder, &error))?;
        // A folder's own name is in the one above it.
        let above = self.disk.sync_folder(parent(folder));
        above.map_err(|error| failed("cannot sync", parent(folder), &error))
    }

    /// Reads the state, None where there is none yet.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where it cannot be read or understood.
    pub fn load(&self) -> Result<Option<Checkpoint>> {
        let Some(path) = &self.state else {
            return Ok(None);
        };
        let entry = self.disk.entry(path);
        match entry.map_err(|error| failed("cannot look at", path, &error))? {
            None => return Ok(None),
            Some(Entry::File(_)) => {}
            Some(Entry::Other(what)) => {
                return Err(Error::local(format!("the state {} is {what}", path.display()))
                    .hint("name a plain file with --state; a link would be replaced, not followed"));
            }
        }
        let read = self.disk.read(path);
        let Some(text) = read.map_err(|error| failed("cannot read", path, &error))? else {
            return Ok(None);
        };
        let parsed = Checkpoint::parse(&text).map_err(|error| error.at(path.display()));
        parsed.map(Some)
    }

    /// Replaces the state, so that at any moment either the old or the new
    /// one is there as a whole.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn save(&self, text: &[u8]) -> Result<()> {
        let Some(path) = &self.state else {
            return Ok(());
        };
        let new = beside(path, ".tmp");
        let create = self.disk.overwrite(&new);
        let mut file = create.map_err(|error| failed("cannot create", &new, &error))?;
        let written = file.write_all(text);
        written.map_err(|error| failed("cannot write", &new, &error))?;
        let synced = file.sync_all();
        synced.map_err(|error| failed("cannot sync", &new, &error))?;
        drop(file);
        let renamed = self.disk.rename(&new, path);
        renamed.map_err(|error| failed("cannot rename to", path, &error))
    }

    /// Makes the state's name durable.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn sync_state(&self) -> Result<()> {
        self.state.as_deref().map_or(Ok(()), |path| self.sync_folder(parent(path)))
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

    /// Gives the files of a sync that did not end their final names, cut to
    /// what the state vouches for. True where there was one, so that the
    /// state is to be saved without it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where a file is not what the state says,
    /// or there is one that no state names; nothing was changed then.
    pub fn recover(&self, part: Option<&Part>) -> Result<bool> {
        let Some(folder) = &self.folder else {
            return Ok(false);
        };
        let parts: Vec<&Part> = part.into_iter().flat_map(|part| [Some(part), part.rejected.as_deref()]).flatten().collect();
        for name in self.leftovers()? {
            if !parts.iter().any(|part| name == format!("{}{PART}", part.file)) {
                return Err(Error::local(format!("{} belongs to no known sync", folder.join(&name).display()))
                    .hint("its state is gone: put that back, or move the file away, or start over with --full-refresh, which sets it aside"));
            }
        }
        let checked = parts.iter().map(|part| Ok((*part, self.inspect(part)?)));
        for (part, under_way) in checked.collect::<Result<Vec<_>>>()? {
            if under_way {
                self.complete(part)?;
            }
        }
        Ok(!parts.is_empty())
    }

    /// The files under way in the folder, of this table.
    fn leftovers(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let names = self.disk.names(folder);
        let mut names = names.map_err(|error| failed("cannot list", folder, &error))?;
        names.retain(|name| stamp(name, &self.table).is_some() && name.ends_with(PART));
        Ok(names)
    }

    /// Compares a file with what the state says of it; true where it still
    /// has the name of one under way.
    fn inspect(&self, part: &Part) -> Result<bool> {
        let (under_way, finished) = (self.part_path(&part.file), self.path(&part.file));
        let entry = |path: &Path| {
            let found = self.disk.entry(path);
            found.map_err(|error| failed("cannot look at", path, &error))
        };
        let is_part = entry(&under_way)?;
        let found = match (is_part, entry(&finished)?) {
            (Some(found), None) | (None, Some(found)) => found,
            (None, None) if part.bytes == 0 => return Ok(false),
            (None, None) => {
                return Err(Error::local(format!("{} is gone, the state vouches for {} bytes of it", under_way.display(), part.bytes))
                    .hint("put it back, or start over with --full-refresh"));
            }
            (Some(_), Some(_)) => {
                return Err(Error::local(format!("both {} and {} are there", under_way.display(), finished.display()))
                    .hint("one of them is a copy: move it away"));
            }
        };
        let path = if is_part.is_some() { &under_way } else { &finished };
        let Entry::File(bytes) = found else {
            return Err(Error::local(format!("{} is no plain file", path.display())));
        };
        if bytes < part.bytes {
            return Err(Error::local(format!("{} holds {bytes} bytes, the state vouches for {}", path.display(), part.bytes))
                .hint("rows that were delivered are missing from it: put the file back, or start over with --full-refresh"));
        }
        let tail = self.tail(path, part.bytes)?;
        if part.tail.as_ref().is_some_and(|known| *known != tail) || (is_part.is_none() && bytes > part.bytes) {
            return Err(Error::local(format!("{} is not the file that the state vouches for", path.display()))
                .hint("put the right one back, or start over with --full-refresh"));
        }
        Ok(is_part.is_some())
    }

    /// Cuts a file to its committed length and gives it its final name, or
    /// removes it where nothing of it is committed.
    fn complete(&self, part: &Part) -> Result<()> {
        let path = self.part_path(&part.file);
        if part.bytes == 0 {
            let removed = self.disk.remove(&path);
            return removed.map_err(|error| failed("cannot remove", &path, &error));
        }
        if self.disk.entry(&path).ok().flatten() != Some(Entry::File(part.bytes)) {
            let cut = self.disk.truncate(&path, part.bytes);
            cut.map_err(|error| failed("cannot truncate", &path, &error))?;
        }
        self.publish(&part.file)
    }

    /// Renames a file under way to its final name, durably.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn publish(&self, name: &str) -> Result<()> {
        // See the head: no older state may come back after this.
        self.sync_state()?;
        let (from, to) = (self.part_path(name), self.path(name));
        let renamed = self.disk.rename(&from, &to);
        renamed.map_err(|error| failed("cannot rename to", &to, &error))?;
        self.sync_folder(parent(&to))
    }

    /// Sets files under way aside that no state vouches for any more.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn set_aside(&self) -> Result<()> {
        for name in self.leftovers()? {
            let from = self.path(&name);
            let to = self.path(&format!("{}.abandoned", name.trim_end_matches(PART)));
            log::warn!("{} belongs to no known sync, it becomes {}", from.display(), to.display());
            let renamed = self.disk.rename(&from, &to);
            renamed.map_err(|error| failed("cannot rename to", &to, &error))?;
        }
        Ok(())
    }

    /// A checksum of the last bytes of a file's first `bytes`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn tail(&self, path: &Path, bytes: u64) -> Result<String> {
        let read = self.disk.read_range(path, bytes.saturating_sub(TAIL), bytes);
        let tail = read.map_err(|error| failed("cannot read", path, &error))?;
        Ok(format!("{:016x}", fnv(FNV, &tail)))
    }

    /// The stamps of the table's files, sorted.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn stamps(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let names = self.disk.names(folder);
        let names = names.map_err(|error| failed("cannot list", folder, &error))?;
        let mut stamps: Vec<String> = names
            .iter()
            .filter_map(|name| stamp(name, &self.table))
            .map(str::to_owned)
            .collect();
        stamps.sort_unstable();
        Ok(stamps)
    }
}

/// Follows the end of a file that is appended to, for its checksum.
#[derive(Debug, Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Takes what is appended.
    pub fn push(&mut self, bytes: &[u8]) {
        let keep = TAIL as usize;
        if bytes.len() >= keep {
            self.0.clear();
        } else {
            let surplus = (self.0.len() + bytes.len()).saturating_sub(keep);
            self.0.drain(..surplus);
        }
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(keep)..]);
    }

    /// The checksum, as [`Store::tail`] computes it from the file.
    pub fn sum(&self) -> String {
        format!("{:016x}", fnv(FNV, &self.0))
    }
}

/// The stamp in the name of one of the table's files: `TABLE-STAMP.…`.
pub fn stamp<'a>(name: &'a str, table: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(table)?.strip_prefix('-')?;
    let (stamp, _) = rest.split_once('.')?;
    let shaped = stamp.len() == 16 && stamp.ends_with('Z') && stamp.as_bytes().get(8) == Some(&b'T');
    shaped.then_some(stamp)
}
