//! `status`: where the mark stands and which files there are. It changes
//! nothing and asks nobody.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::Resume;
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
    if let Some(part) = &state.part {
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
        let rows = rows(&folder.join(&name))?;
        all += rows;
        let _ = writeln!(out, "{rows:>12} rows  {}", folder.join(&name).display());
    }
    let _ = writeln!(out, "{all:>12} rows in {count} files");
    Ok(out)
}

/// When the state was last written.
fn changed(path: &Path) -> Option<Instant> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    // To the second: it is for people.
    let nanos = 0;
    clock::instant(modified).map(|at| Instant { nanos, ..at })
}

/// The rows of a file: lines, or records without the header.
fn rows(path: &Path) -> Result<u64> {
    let io = |error: std::io::Error| failed("cannot read", path, &error);
    if path.extension().is_some_and(|extension| extension == "csv") {
        let reader = csv::ReaderBuilder::new().flexible(true).from_path(path);
        let mut reader = reader.map_err(|error| io(error.into()))?;
        let mut record = csv::ByteRecord::new();
        let mut rows = 0;
        while reader
            .read_byte_record(&mut record)
            .map_err(|error| io(error.into()))?
        {
            rows += 1;
        }
        return Ok(rows);
    }
    let mut file = std::fs::File::open(path).map_err(io)?;
    let mut buffer = vec![0; 1 << 16];
    let mut rows = 0;
    loop {
        let read = std::io::Read::read(&mut file, &mut buffer).map_err(io)?;
        if read == 0 {
            return Ok(rows);
        }
        rows += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}
