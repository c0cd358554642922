//! `status`: how far the last sync got and which files there are. It changes
//! nothing, asks no API, and reads no file but the state: what it says of the
//! rows is what the state counted.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::checkpoint::{Files, Resume};
use crate::cli::{Options, Out};
use crate::clock;
use crate::disk::{Disk, Entry};
use crate::error::Result;
use crate::stamp::stamp;
use crate::store::{PART, Store, failed, parent};
use crate::timestamp::{self, Instant};

/// What is known of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Status {
    /// The table's name.
    pub table: Option<String>,
    /// The state's file.
    pub state: String,
    /// Whose rows they are.
    pub source: Option<String>,
    /// The high-water mark.
    pub last_updated_at: Option<String>,
    /// Where the next sync asks from: null is the mark.
    pub resume_from: Option<String>,
    /// When the last complete sync ended, with or without new rows.
    pub checked_at: Option<String>,
    /// How long ago that was.
    pub age_seconds: Option<u64>,
    /// When the state was last written.
    #[serde(skip)]
    pub reached: Option<String>,
    /// Why the last walk contradicted itself.
    pub refuted: Option<String>,
    /// Rows in all finished files.
    pub rows: Option<u64>,
    /// Files under way, of a sync that runs or did not end, and their rows.
    pub under_way: Vec<(String, u64)>,
    /// Files that still wait to be handed over, where they are to be.
    pub waiting: Option<u64>,
    /// Finished files in the folder: how many, and the bytes of all.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Each of them.
    #[serde(skip)]
    pub list: Vec<(u64, String)>,
    #[serde(skip)]
    synced: bool,
}

impl Status {
    /// Looks at the state and the folder.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where the state or a file cannot be read.
    pub fn look(options: &Options, disk: &Arc<dyn Disk>) -> Result<Self> {
        let path = options.state_path().unwrap_or_default();
        let folder: PathBuf = match &options.out {
            Out::Dir(folder) => folder.clone(),
            Out::Stdout => parent(&path).to_owned(),
        };
        let store = Store::new(Arc::clone(disk), Some(path.clone()), None, "");
        let mut to = Self {
            table: options.one_of.clone(),
            state: path.display().to_string(),
            ..Self::default()
        };
        let Some(state) = store.load()? else {
            return Ok(to);
        };
        to.synced = true;
        if let Some(origin) = state.origin {
            (to.table, to.source) = (Some(origin.table), Some(origin.url));
        }
        let progress = state.progress;
        to.last_updated_at = progress.last_updated_at;
        to.reached = changed(&path).map(timestamp::format);
        to.resume_from = match progress.resume {
            Resume::Mark => None,
            Resume::At(text) => Some(text),
            Resume::Beginning => Some("the beginning".to_owned()),
        };
        let checked = progress.checked_at.as_deref().and_then(timestamp::parse);
        // A clock that was set back makes nothing look older.
        to.age_seconds = checked.map(|at| (clock::now().secs - at.secs).max(0).unsigned_abs());
        to.checked_at = progress.checked_at;
        to.refuted = progress.refuted;
        to.rows = state.files.rows;
        let parts = state.files.closed.iter().chain(&state.part);
        to.under_way = parts
            .map(|part| (format!("{}{PART}", part.file), part.rows))
            .collect();
        to.list(&folder, &state.files, disk)?;
        Ok(to)
    }

    /// Lists the finished files.
    fn list(&mut self, folder: &Path, known: &Files, disk: &Arc<dyn Disk>) -> Result<()> {
        let table = self.table.clone().unwrap_or_default();
        let mut names = match disk.entry(folder) {
            Ok(Some(Entry::Other(_))) => {
                let names = disk.names(folder);
                names.map_err(|error| failed("cannot list", folder, &error))?
            }
            _ => Vec::new(),
        };
        // Neither files that are being written nor those of rejected rows
        // count.
        let is_rows = |name: &str| {
            [".ndjson", ".csv"].iter().any(|end| name.ends_with(end))
                && !name.ends_with(".rejected.ndjson")
        };
        names.retain(|name| stamp(name, &table).is_some() && is_rows(name));
        names.sort_unstable();
        self.files = names.len() as u64;
        self.waiting = known.load.as_ref().map(|_| 0);
        for name in names {
            let path = folder.join(&name);
            let found = disk.entry(&path);
            let found = found.map_err(|error| failed("cannot look at", &path, &error))?;
            let Some(Entry::File(bytes)) = found else {
                continue;
            };
            self.bytes += bytes;
            let waits = waits(known, &name, &table);
            if !waits.is_empty() {
                self.waiting = self.waiting.map(|waiting| waiting + 1);
            }
            self.list
                .push((bytes, format!("{}{waits}", path.display())));
        }
        Ok(())
    }

    /// Whether a complete sync ended no longer ago than this.
    pub fn is_fresh(&self, most: Duration) -> bool {
        self.age_seconds.is_some_and(|age| age <= most.as_secs())
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Some lines for a reader.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if !self.synced {
            let _ = writeln!(out, "no state at {}: nothing was synced yet", self.state);
            return out;
        }
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(out, "{name:<16}{value}");
        };
        let mark = self.last_updated_at.as_deref().unwrap_or("none yet");
        let checked = self.checked_at.as_deref();
        for (name, value) in [
            ("table", self.table.as_deref()),
            ("source", self.source.as_deref()),
            ("last_updated_at", Some(mark)),
            ("reached", self.reached.as_deref()),
            ("checked_at", Some(checked.unwrap_or("never complete"))),
            ("resume_from", self.resume_from.as_deref()),
            ("refuted", self.refuted.as_deref()),
        ] {
            if let Some(value) = value {
                line(name, value);
            }
        }
        if let Some(rows) = self.rows {
            let rows = format!("{rows} in all finished files, moved ones too");
            line("rows", &rows);
        }
        for (file, rows) in &self.under_way {
            line("under way", &format!("{file}, {rows} rows committed"));
        }
        let _ = writeln!(out);
        for (bytes, path) in &self.list {
            let _ = writeln!(out, "{bytes:>12} bytes  {path}");
        }
        let _ = writeln!(out, "{:>12} bytes in {} files", self.bytes, self.files);
        out
    }
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
