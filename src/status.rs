//! `status`: where the mark stands and which files there are. It changes
//! nothing, asks nobody, and reads no file but the state: what it says of the
//! rows is what the state counted.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{Files, Resume};
use crate::cli::{Options, Out};
use crate::clock;
use crate::disk::{Disk, Entry};
use crate::error::Result;
use crate::store::{PART, Store, failed, parent, stamp};
use crate::timestamp::{self, Instant};

/// The report, some lines for a reader.
///
/// # Errors
/// [`crate::error::Kind::Local`] where the state or a file cannot be read.
pub fn report(options: &Options, disk: &Arc<dyn Disk>) -> Result<String> {
    let path = options.state_path().unwrap_or_default();
    let folder: PathBuf = match &options.out {
        Out::Dir(folder) => folder.clone(),
        Out::Stdout => parent(&path).to_owned(),
    };
    let store = Store::new(Arc::clone(disk), Some(path.clone()), None, "");
    let mut out = String::new();
    let Some(state) = store.load()? else {
        let _ = writeln!(
            out,
            "no state at {}: nothing was synced yet",
            path.display()
        );
        return Ok(out);
    };
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<16}{value}");
    };
    let table = state
        .origin
        .as_ref()
        .map_or("", |origin| &origin.table)
        .to_owned();
    if let Some(origin) = &state.origin {
        line("table", &origin.table);
        line("source", &origin.url);
    }
    let progress = &state.progress;
    line(
        "last_updated_at",
        progress.last_updated_at.as_deref().unwrap_or("none yet"),
    );
    if let Some(at) = changed(&path) {
        line("reached", &timestamp::format(at));
    }
    match &progress.resume {
        Resume::Mark => {}
        Resume::At(text) => line("resume_from", text),
        Resume::Beginning => line("resume_from", "the beginning"),
    }
    if let Some(rows) = state.files.rows {
        line(
            "rows",
            &format!("{rows} in all finished files, moved ones too"),
        );
    }
    for part in state.files.closed.iter().chain(&state.part) {
        let rows = format!("{}{PART}, {} rows committed", part.file, part.rows);
        line("under way", &rows);
    }
    let _ = writeln!(out);
    let mut names = match disk.entry(&folder) {
        Ok(Some(Entry::Other(_))) => {
            let names = disk.names(&folder);
            names.map_err(|error| failed("cannot list", &folder, &error))?
        }
        _ => Vec::new(),
    };
    // Neither what is under way nor what was set aside.
    let is_rows = |name: &str| {
        [".ndjson", ".csv"].iter().any(|end| name.ends_with(end))
            && !name.ends_with(".rejected.ndjson")
    };
    names.retain(|name| stamp(name, &table).is_some() && is_rows(name));
    names.sort_unstable();
    let (mut all, count) = (0, names.len());
    for name in names {
        let path = folder.join(&name);
        let found = disk.entry(&path);
        let found = found.map_err(|error| failed("cannot look at", &path, &error))?;
        let Some(Entry::File(bytes)) = found else {
            continue;
        };
        all += bytes;
        let waits = waits(&state.files, &name, &table);
        let _ = writeln!(out, "{bytes:>12} bytes  {}{waits}", path.display());
    }
    let _ = writeln!(out, "{all:>12} bytes in {count} files");
    Ok(out)
}

/// When the state was last written.
fn changed(path: &Path) -> Option<Instant> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    // To the second: it is for people.
    let nanos = 0;
    clock::instant(modified).map(|at| Instant { nanos, ..at })
}

/// Whether a file still waits to be handed over.
fn waits(files: &Files, name: &str, table: &str) -> &'static str {
    let Some(load) = &files.load else {
        return "";
    };
    if load.done.is_none() || stamp(name, table) > load.done.as_deref() {
        "  (not handed over yet)"
    } else {
        ""
    }
}
