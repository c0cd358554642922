//! The few file operations that durability is made of, as a trait: the real
//! ones are here, and tests have ones that fail or lose power. It decides
//! nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A plain file with this many bytes.
    File(u64),
    /// Anything else: a folder, a link, a device.
    Other(&'static str),
}

/// A lock on a file of its own, or who holds it.
pub enum Lock {
    /// The lock is ours until this value is dropped.
    Held(Box<dyn Send>),
    /// Another one holds it: what that holder wrote into the file.
    Busy(String),
}

/// A file that is being made durable. Call it to wait until it is.
pub type Syncing = Box<dyn FnOnce() -> io::Result<()>>;

/// A file system.
pub trait Disk: Send + Sync {
    /// Creates a folder and those above it.
    ///
    /// # Errors
    /// The operating system's, as in all of these.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// The one name of a folder, however it was written and whatever links lead
    /// to it.
    fn canonical(&self, folder: &Path) -> io::Result<PathBuf>;
    /// What is at this path; None where there is nothing. Links are not
    /// followed.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;
    /// The names in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// A whole file, None where there is none.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// A file that is read from its start. It stays whole for its reader even
    /// where it is removed.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Open>>;
    /// The bytes of a file from `start` up to `end`.
    fn read_range(&self, path: &Path, start: u64, end: u64) -> io::Result<Vec<u8>>;
    /// A new file to append to. It must not be there yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Append>>;
    /// A file to append to, emptied first if it is there.
    fn overwrite(&self, path: &Path) -> io::Result<Box<dyn Append>>;
    /// Cuts a file, and makes that durable.
    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()>;
    /// Renames a file over whatever file is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a file durable and closes it, while the caller does the same with
    /// another file: a journal takes both in one step. The file is durable once
    /// the result was waited for.
    fn sync_aside(&self, file: Box<dyn Append>) -> Syncing;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Locks a file, which is created where it is missing, and writes the name
    /// of the holder into it.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Lock>;
}

/// A file that is read.
pub trait Open: Read + Seek + Send {}

impl<T: Read + Seek + Send> Open for T {}

/// A file that is appended to.
pub trait Append: Send {
    /// Writes all of it.
    ///
    /// # Errors
    /// The operating system's; part of it may have been written then.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content durable, and its length.
    ///
    /// # Errors
    /// The operating system's. It must not be tried again: the pages that
    /// were not written may be marked clean by then.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Makes the content and everything about the file durable.
    ///
    /// # Errors
    /// As [`Append::sync_data`].
    fn sync_all(&mut self) -> io::Result<()>;
}

/// A file to sync, and the one who waits for it.
type Errand = (Box<dyn Append>, Sender<io::Result<()>>);

/// The operating system's.
#[derive(Debug, Default)]
pub struct Os {
    /// The way to the thread that syncs files aside, once there is one. None
    /// where there cannot be one.
    aside: OnceLock<Option<Sender<Errand>>>,
}

/// Starts the thread that syncs files aside. It ends with the disk.
fn start_aside() -> Option<Sender<Errand>> {
    let (errands, work) = channel::<Errand>();
    let thread = Builder::new().name("sync".into()).spawn(move || {
        for (mut file, done) in work {
            let synced = file.sync_all();
            drop(file);
            // Nobody waits any more where the caller has failed already.
            let _ = done.send(synced);
        }
    });
    thread.ok().map(|_| errands)
}

impl Append for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }
    // On macOS std asks for F_FULLFSYNC in both cases, which reaches the
    // medium.
    fn sync_data(&mut self) -> io::Result<()> {
        File::sync_data(self)
    }
    fn sync_all(&mut self) -> io::Result<()> {
        File::sync_all(self)
    }
}

fn optional<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The parent of a bare name is the empty path, which no call accepts.
fn here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

impl Disk for Os {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn canonical(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(here(folder))
    }

    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        Ok(optional(fs::symlink_metadata(path))?.map(|found| {
            if found.is_file() {
                Entry::File(found.len())
            } else if found.is_dir() {
                Entry::Other("a folder")
            } else if found.is_symlink() {
                Entry::Other("a link")
            } else {
                Entry::Other("no plain file")
            }
        }))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(folder)?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        optional(fs::read(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Open>> {
        Ok(Box::new(File::open(path)?))
    }

    fn read_range(&self, path: &Path, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(end.saturating_sub(start))
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn overwrite(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(File::create(path)?))
    }

    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_aside(&self, mut file: Box<dyn Append>) -> Syncing {
        let Some(errands) = self.aside.get_or_init(start_aside) else {
            return Box::new(move || file.sync_all());
        };
        let (done, synced) = channel();
        let gone = || io::Error::other("the thread that syncs is gone");
        let sent = errands.send((file, done));
        Box::new(move || {
            sent.map_err(|_| gone())?;
            synced.recv().map_err(|_| gone())?
        })
    }

    #[cfg(not(windows))]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(here(path))?.sync_all()
    }

    /// Windows opens no folder for this; NTFS journals names by itself.
    #[cfg(windows)]
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Lock> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                Write::write_all(&mut file, holder.as_bytes())?;
                Ok(Lock::Held(Box::new(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Windows does not let us read a file that another one has
                // locked.
                let _ = file.take(200).read_to_string(&mut text);
                Ok(Lock::Busy(text.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A file that cannot be synced, and that notes when it is closed.
    struct Broken(Arc<AtomicBool>);

    impl Append for Broken {
        fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn sync_data(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn sync_all(&mut self) -> io::Result<()> {
            Err(io::Error::other("no medium"))
        }
    }

    impl Drop for Broken {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_failed_sync_aside_is_told_to_who_waits_once_the_file_is_closed() {
        let os = Os::default();
        for _ in 0..3 {
            let closed = Arc::new(AtomicBool::new(false));
            let syncing = os.sync_aside(Box::new(Broken(Arc::clone(&closed))));
            assert_eq!(syncing().unwrap_err().to_string(), "no medium");
            assert!(closed.load(Ordering::SeqCst));
        }
    }

    #[test]
    fn without_a_thread_the_sync_is_done_by_who_waits() {
        let os = Os {
            aside: OnceLock::from(None),
        };
        let syncing = os.sync_aside(Box::new(Broken(Arc::default())));
        assert_eq!(syncing().unwrap_err().to_string(), "no medium");
    }
}
