//! The finished files of a table, in their order. It knows their names, and
//! nothing of what is in them.

use std::cell::RefCell;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, Open};
use crate::error::Result;
use crate::row::FileFormat;
use crate::store::failed;

/// How many files are held open between one reading and the next; a process may
/// mostly have four times as many.
const HELD: usize = 256;

/// A finished file.
pub struct File {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub format: FileFormat,
    /// It is open, and to be held so.
    held: RefCell<Option<Box<dyn Open>>>,
    is_held: bool,
}

impl File {
    /// Opens it at its start.
    pub(super) fn open(&self, disk: &dyn Disk) -> io::Result<Box<dyn Open>> {
        match self.held.take() {
            None => disk.open(&self.path),
            Some(mut open) => open.seek(SeekFrom::Start(0)).map(|_| open),
        }
    }

    /// Takes it back for the next reading.
    pub(super) fn keep(&self, open: Box<dyn Open>) {
        if self.is_held {
            self.held.replace(Some(open));
        }
    }
}

/// Opens files, to be held open as long as they are read; as many of them as may
/// be. False where one is not there any more.
pub(super) fn hold(disk: &dyn Disk, files: &mut [File]) -> bool {
    for file in files.iter_mut().take(HELD) {
        match disk.open(&file.path) {
            Ok(open) => (file.held, file.is_held) = (RefCell::new(Some(open)), true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
            // Whatever it is, it is told where the file is read.
            Err(_) => return true,
        }
    }
    true
}

/// The finished files of a table in a folder, oldest first.
///
/// # Errors
/// [`crate::error::Kind::Local`] where the folder cannot be listed.
pub fn finished(disk: &dyn Disk, folder: &Path, table: &str) -> Result<Vec<File>> {
    let names = disk.names(folder).map_err(|error| {
        failed("cannot list", folder, &error)
            .hint("no sync has written there yet, or it is another folder: name it with --out")
    })?;
    let mut files: Vec<File> = names
        .into_iter()
        .filter_map(|name| {
            Some(File {
                format: format(&name, table)?,
                path: folder.join(&name),
                name,
                held: RefCell::default(),
                is_held: false,
            })
        })
        .collect();
    files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// What a finished file of the table holds: `TABLE-STAMP.ndjson` or `.csv`.
/// None for what is under way, was set aside, or is no file of the table.
fn format(name: &str, table: &str) -> Option<FileFormat> {
    let rest = name.strip_prefix(table)?.strip_prefix('-')?;
    let (stamp, end) = rest.split_once('.')?;
    let shaped = stamp.len() == 16
        && stamp.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    [FileFormat::Ndjson, FileFormat::Csv]
        .into_iter()
        .find(|format| shaped && end == format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_files_of_the_table_itself_are_finished() {
        for (name, found) in [
            ("user-20240115T103000Z.ndjson", Some(FileFormat::Ndjson)),
            ("user-20240115T103000Z.csv", Some(FileFormat::Csv)),
            ("user-20240115T103000Z.ndjson.part", None),
            ("user-20240115T103000Z.ndjson.compact", None),
            ("user-20240115T103000Z.rejected.ndjson", None),
            ("user-20240115T103000Z.ndjson.abandoned", None),
            ("user-x-20240115T103000Z.ndjson", None),
            ("users-20240115T103000Z.ndjson", None),
            ("user-20240115T10300éZ.ndjson", None),
            ("user-2024-01-15T1030Z.ndjson", None),
            ("user-.ndjson", None),
            ("state.json", None),
        ] {
            assert_eq!(format(name, "user"), found, "{name}");
        }
    }
}
