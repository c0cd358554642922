//! The finished files of a table, in their order. It looks at names alone.

use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::Result;
use crate::row::FileFormat;
use crate::store::failed;

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub format: FileFormat,
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
