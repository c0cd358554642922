//! The hand-over: each finished file goes to a loader, the oldest first, and
//! the next file waits until the loader has said that it took the one before.
//! It reads no row, never touches a file's content, and does not know what the
//! loader does.
//!
//! # Why each file arrives at least once, whole and in order
//!
//! Only files that have their final name are handed over, which recovery gives
//! them after they were cut to their committed length. The same state that
//! drops a file from what is under way adds it to those that wait, so a file
//! is always one or the other. The steps of each, all durable before the next
//! one begins:
//!
//! 1. the file is there and as long as the state says, with the same end;
//! 2. the state says that a consumer was started for it;
//! 3. beside the state lies the one that counts the file, and all before it, as
//!    handed over, so that a full disk is noticed before the loader runs and
//!    not after;
//! 4. the loader runs and says that it has taken the file;
//! 5. the new state is renamed over the old one, and that name is synced.
//!
//! Whenever the machine stops before 5 is durable, the file is handed over
//! again; the next file is not begun before. So a file may come twice, one
//! after the other, and never after a later one.
//!
//! Step 2 is for consumers that move the file away. One that is gone after a
//! consumer was started for it counts as taken; one that is gone before that
//! is an error, since nobody can have its rows.
//!
//! Where there was no hand-over before, all finished files in the folder are
//! handed over; also later those that no list has room for. Their rows are
//! counted when their turn comes.

mod count;
mod shell;

use std::path::PathBuf;

use crate::checkpoint::{Files, Waiting};
use crate::disk::Entry;
use crate::error::{Error, Result};
use crate::row::FileFormat;
use crate::stamp::{format_of, stamp, stamp_of};
use crate::store::{Draft, Store};

pub use shell::Shell;

/// A file that is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished<'a> {
    /// Where it is.
    pub path: PathBuf,
    /// The table that its rows are of.
    pub table: &'a str,
    /// How they are written.
    pub format: FileFormat,
    /// How many there are.
    pub rows: u64,
}

/// Takes finished files.
pub trait Loader {
    /// Takes one, and comes back when the file is no longer needed.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where it was not taken; it comes again.
    fn load(&mut self, file: &Finished<'_>) -> Result<()>;
}

/// The result of a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Files that were handed over.
    pub files: u64,
    /// Files that still wait.
    pub waiting: u64,
}

/// A hand-over under way.
pub struct HandOver<'a> {
    /// The folder and the state.
    pub store: &'a mut Store,
    /// What the state says of the files.
    pub files: &'a mut Files,
    /// The table.
    pub table: &'a str,
    /// The state that says so.
    pub render: &'a dyn Fn(&Files) -> Vec<u8>,
}

impl HandOver<'_> {
    /// Hands over the files that were not handed over yet.
    ///
    /// # Errors
    /// The second part: the first file that was not taken ends it.
    pub fn run(&mut self, loader: &mut dyn Loader) -> (Loaded, Result<()>) {
        let mut loaded = Loaded::default();
        let queue = match queue(self.store, self.files, self.table) {
            Ok(queue) => queue,
            Err(error) => return (loaded, Err(error)),
        };
        loaded.waiting = queue.len() as u64;
        for waiting in queue {
            match self.hand_over(waiting, loader) {
                Ok(taken) => loaded.files += u64::from(taken),
                Err(error) => return (loaded, Err(error)),
            }
            loaded.waiting -= 1;
        }
        (loaded, Ok(()))
    }

    /// Hands one file over; false where it was taken away already.
    fn hand_over(&mut self, mut waiting: Waiting, loader: &mut dyn Loader) -> Result<bool> {
        let Some(stamp) = stamp(&waiting.file, self.table).filter(|at| stamp_of(at).is_some())
        else {
            return Err(unknown(&waiting.file));
        };
        let stamp = stamp.to_owned();
        let format = format_of(&waiting.file, self.table).ok_or_else(|| unknown(&waiting.file))?;
        let path = self.store.path(&waiting.file);
        match inspect(self.store, &waiting)? {
            Found::Whole => {}
            Found::Unknown(bytes) => {
                waiting.bytes = bytes;
                waiting.rows = count::rows(self.store.disk().as_ref(), &path, bytes, format)?;
            }
            Found::Gone if waiting.tried => {
                log::warn!(
                    "{} is gone; a consumer was started for it, so it counts as handed over",
                    path.display()
                );
                let (done, files) = self.draft_done(&waiting.file, stamp)?;
                self.publish(done)?;
                *self.files = files;
                return Ok(false);
            }
            Found::Gone => {
                return Err(Error::local(format!(
                    "{} is gone, and was never handed over",
                    path.display()
                ))
                .hint("put it back; or fetch its rows again, with all others, by --full-refresh"));
            }
            Found::Amiss(error) => return Err(error),
        }
        if !waiting.tried {
            waiting.tried = true;
            let load = self.files.load.get_or_insert_default();
            load.waiting.retain(|other| other.file != waiting.file);
            load.waiting.insert(0, waiting.clone());
            let draft = self.store.draft((self.render)(self.files))?;
            self.publish(draft)?;
        }
        let (done, files) = self.draft_done(&waiting.file, stamp)?;
        log::info!("handing over {}, {} rows", path.display(), waiting.rows);
        let taken = loader.load(&Finished {
            path,
            table: self.table,
            format,
            rows: waiting.rows,
        });
        if let Err(error) = taken {
            // The run ends with what the loader said, whatever this comes to.
            self.store
                .sweep()
                .unwrap_or_else(|error| log::warn!("{error}"));
            return Err(error);
        }
        self.publish(done)?;
        *self.files = files;
        Ok(true)
    }

    /// Writes beside the state the one that counts this file, and so all files
    /// before it, as handed over.
    fn draft_done(&self, file: &str, stamp: String) -> Result<(Option<Draft>, Files)> {
        let mut files = self.files.clone();
        let load = files.load.get_or_insert_default();
        load.waiting.retain(|other| other.file != file);
        // The count does not go back behind a file that was adopted.
        load.done = load.done.take().max(Some(stamp));
        let draft = self.store.draft((self.render)(&files))?;
        Ok((self.store.settle(draft)?, files))
    }

    /// Makes a state that was written beside the old one durable in its place.
    fn publish(&mut self, draft: Option<Draft>) -> Result<()> {
        self.store.publish(draft)?;
        self.store.sync_state()
    }
}

/// What is found of a file that waits.
enum Found {
    /// What the state says.
    Whole,
    /// A file of this many bytes that the state does not know.
    Unknown(u64),
    /// Nothing is there.
    Gone,
    /// Something else is there.
    Amiss(Error),
}

fn inspect(store: &Store, waiting: &Waiting) -> Result<Found> {
    let path = store.path(&waiting.file);
    let amiss = |what: String| {
        Found::Amiss(
            Error::local(format!("{} {what}, it is not handed over", path.display()))
                .hint("put back the file as it was; or fetch its rows again, with all others, by --full-refresh"),
        )
    };
    let bytes = match store.entry(&path)? {
        None => return Ok(Found::Gone),
        Some(Entry::Other(what)) => return Ok(amiss(format!("is {what}"))),
        // A finished file is never empty, so this one is not listed.
        Some(Entry::File(bytes)) if waiting.bytes == 0 => return Ok(Found::Unknown(bytes)),
        Some(Entry::File(bytes)) => bytes,
    };
    if bytes != waiting.bytes {
        let was = waiting.bytes;
        return Ok(amiss(format!(
            "holds {bytes} bytes, and {was} when it was finished"
        )));
    }
    let differs = match &waiting.tail {
        Some(tail) => store.tail(&path, bytes)? != *tail,
        None => false,
    };
    Ok(if differs {
        amiss("was changed since it was finished".into())
    } else {
        Found::Whole
    })
}

/// The files that wait, oldest first: those that the state lists, and those in
/// the folder that are later than the last one handed over.
fn queue(store: &Store, files: &Files, table: &str) -> Result<Vec<Waiting>> {
    let load = files.load.clone().unwrap_or_default();
    let mut queue = load.waiting;
    for file in store.finished()? {
        let stamp = stamp(&file, table);
        let later = load.done.is_none() || stamp > load.done.as_deref();
        if later && !queue.iter().any(|waiting| waiting.file == file) {
            queue.push(Waiting {
                file,
                ..Waiting::default()
            });
        }
    }
    queue.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(queue)
}

/// The names of the files that wait, none of which may be removed before it was
/// handed over. None where there is no hand-over.
///
/// # Errors
/// [`crate::error::Kind::Local`] where the folder cannot be listed.
pub fn waiting(store: &Store, files: &Files, table: &str) -> Result<Option<Vec<String>>> {
    if files.load.is_none() {
        return Ok(None);
    }
    let queue = queue(store, files, table)?;
    Ok(Some(
        queue.into_iter().map(|waiting| waiting.file).collect(),
    ))
}

/// Makes a name that is about to be given to a file known. The file's rows were
/// all handed over already, in the files that it replaces, so it is not handed
/// over itself, and the files that wait keep their turn. The state has to have
/// the name before the file does, or the state is taken for one that is older
/// than its files.
///
/// # Errors
/// As [`waiting`].
pub fn adopt(store: &Store, files: &mut Files, table: &str, stamp: &str) -> Result<()> {
    if files.load.is_some() {
        let waiting = queue(store, files, table)?;
        let load = files.load.get_or_insert_default();
        load.waiting = waiting;
        load.done = load.done.take().max(Some(stamp.to_owned()));
    }
    files.last = files.last.take().max(Some(stamp.to_owned()));
    Ok(())
}

/// Forgets the files that wait and are not there as they were, since all rows
/// are about to come again.
///
/// # Errors
/// [`crate::error::Kind::Local`] where the disk fails.
pub fn forget_damaged(store: &Store, files: &mut Files) -> Result<()> {
    let Some(load) = &mut files.load else {
        return Ok(());
    };
    let mut sound = Vec::new();
    for waiting in std::mem::take(&mut load.waiting) {
        match inspect(store, &waiting)? {
            Found::Gone => log::warn!(
                "{} is gone and will not be handed over; its rows come again",
                store.path(&waiting.file).display()
            ),
            Found::Amiss(error) => log::warn!("{error}; its rows come again"),
            Found::Whole | Found::Unknown(_) => sound.push(waiting),
        }
    }
    load.waiting = sound;
    Ok(())
}

fn unknown(file: &str) -> Error {
    Error::local(format!(
        "the state lists {file:?} for the hand-over, which is no file of this table"
    ))
    .hint("put back a good copy of the state, or start over with --full-refresh")
}
