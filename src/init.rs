//! The first connection file: what `check --suggest` prints, written to a file
//! that is named by its table. A file that is there is not touched unless that
//! is asked for, and no file is ever left half written.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::check;
use crate::cli::{Command, Options};
use crate::error::{Error, Result};

/// The part of a suggestion that names its table.
#[derive(Deserialize)]
struct Suggested {
    table: Option<String>,
}

/// Asks the API and writes the file. Answers what is for stdout, and how it
/// came out. A suggestion that leaves something open is written too, and the
/// output says so.
pub fn run(options: &Options) -> (String, Result<()>) {
    let asked = Options {
        command: Command::Check,
        suggest: true,
        json: false,
        ..options.clone()
    };
    let (text, result) = check::run(&asked);
    if text.is_empty() {
        return (String::new(), result);
    }
    match write(&text, options.overwrite) {
        Ok(path) => (told(&path, result.is_ok()), result),
        Err(error) => (String::new(), Err(error)),
    }
}

/// Writes the file, and answers where it is.
fn write(text: &str, overwrite: bool) -> Result<PathBuf> {
    let suggested: Option<Suggested> = serde_json::from_str(text).ok();
    let table = suggested.and_then(|suggested| suggested.table);
    let sane = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let table = table.filter(|name| name.len() < 200 && name.chars().all(sane));
    let table = table.filter(|name| !name.is_empty() && !name.starts_with('.'));
    let name = table.unwrap_or_else(|| "connection".to_owned());
    let path = PathBuf::from(format!("{name}.json"));
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(taken(&path));
    }
    // It is written beside its place first, so that a full disk leaves what is
    // there.
    let draft = PathBuf::from(format!(".{name}.json.{}", std::process::id()));
    let written = fill(&draft, text).and_then(|()| {
        if overwrite {
            fs::rename(&draft, &path)
        } else {
            // Unlike a rename, a link does not replace a file.
            fs::hard_link(&draft, &path).or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Err(error),
                _ if path.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
                // Some file systems have no links.
                _ => fs::rename(&draft, &path),
            })
        }
    });
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(&path)),
        Err(error) => {
            let what = format!("cannot write {}: {error}", path.display());
            Err(Error::local(what).hint("highwater check --suggest prints it instead"))
        }
    }
}

fn fill(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn taken(path: &Path) -> Error {
    Error::usage(format!("{} is there already", path.display()))
        .at("init")
        .hint("--overwrite replaces it; highwater check --suggest prints what would be written")
}

fn told(path: &Path, sound: bool) -> String {
    let path = path.display();
    let next = if sound {
        format!("highwater sync --config {path}")
    } else {
        format!("highwater check --config {path}, once what is told below is mended there")
    };
    format!("wrote {path}\nnext: {next}\n")
}
