//! Where the system keeps its time zones: finds a zone's file by name, in
//! `$TZDIR` or where systems have it. A name never leads out of that folder.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, nearest};

const FOLDERS: [&str; 3] = [
    "/usr/share/zoneinfo",
    "/usr/lib/zoneinfo",
    "/usr/share/lib/zoneinfo",
];
/// The largest file of the tz database has some 4 KiB.
const LARGEST: u64 = 1 << 20;

/// The bytes of the file of a zone such as `America/New_York`.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where there is none, naming the nearest.
pub fn load(name: &str) -> Result<Vec<u8>> {
    let folders = match std::env::var_os("TZDIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => vec![PathBuf::from(folder)],
        None => FOLDERS.iter().map(PathBuf::from).collect(),
    };
    let sane = |part: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+');
        !part.is_empty() && part.chars().all(letter)
    };
    if name.len() > 100 || !name.split('/').all(sane) {
        return Err(Error::usage(format!("{name:?} is no name of a time zone"))
            .hint("write a name as America/New_York, or a fixed offset as -05:00"));
    }
    for folder in &folders {
        let path = folder.join(name);
        let Ok(about) = std::fs::metadata(&path) else {
            continue;
        };
        if about.is_file() && about.len() <= LARGEST {
            let read = std::fs::read(&path);
            return read.map_err(|error| {
                Error::usage(format!("cannot read {}: {error}", path.display()))
                    .hint("a fixed offset such as -05:00 needs no file")
            });
        }
    }
    let mut known = Vec::new();
    for folder in &folders {
        names(folder, "", &mut known);
    }
    let missing = format!("no time zone {name:?} on this system");
    if known.is_empty() {
        return Err(Error::usage(missing).hint(
            "install tzdata, or name its folder with TZDIR, or give a fixed offset such as -05:00",
        ));
    }
    Err(match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => Error::usage(format!("{missing}, did you mean {meant:?}?")),
        None => Error::usage(missing),
    }
    .hint("write a name as America/New_York, or a fixed offset as -05:00"))
}

/// The zones' names below a folder, in order.
fn names(folder: &Path, above: &str, found: &mut Vec<String>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect();
    entries.sort();
    for (name, path) in entries {
        let full = format!("{above}{name}");
        // Names have three parts at most; posix/ and right/ repeat them all.
        if path.is_dir() && above.matches('/').count() < 2 && name != "posix" && name != "right" {
            names(&path, &format!("{full}/"), found);
        } else if name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('.') {
            found.push(full);
        }
    }
}
