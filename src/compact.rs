//! `compact`: puts one file in the place of a table's finished files, which
//! holds the rows that `table` prints. It asks no API; the state only learns of
//! the new file's name.
//!
//! # Why every reader has a whole table at every moment
//!
//! The new file holds the latest version of each key, under a name that sorts
//! after all others. A reader that finds it beside any of the old ones finds
//! those versions last, so that in whatever order the old ones go, and
//! whichever of their removals a power cut undoes, the table is the same.
//!
//! 1. The rows are written under a name that no reader and no sync takes for a
//!    file of rows (`.compact` at its end), and synced.
//! 2. The state is told of the name, so that it is not taken for one that is
//!    older than its files. Files that wait to be handed over are left out.
//! 3. It is renamed to its final name, and the folder synced. Until that is
//!    durable nothing is removed.
//! 4. The old files are removed, and the folder synced.
//!
//! A version that says that its row is gone is no row of the table. But as long
//! as an old file with the row is there, it has to be there too. So these
//! versions go into a file of their own, which gets its name before the old
//! files go and is removed when they are gone for good. Where old files had to
//! stay, it stays with them.
//!
//! Whatever is left when the machine stops is a folder like any other, and
//! compacting it again ends the same. Only files with `.compact` at their end
//! are left over; the next compaction removes them.
//!
//! A reader that has listed the folder and opens a file later may find it
//! removed: it lists again, and finds the new one.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::checkpoint::Checkpoint;
use crate::cli::{Options, StateAt};
use crate::clock;
use crate::disk::{Append, Disk};
use crate::error::{Error, Result};
use crate::load;
use crate::row::FileFormat;
use crate::secret;
use crate::stamp::{after, stamp};
use crate::store::{PART, Store, failed};
use crate::table::{File, Identity, Survey, Wanted, finished, folder, identify};
use crate::timestamp;

/// The end of the name of a file that is being written.
const UNFINISHED: &str = ".compact";

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Receipt {
    /// The table's name.
    pub table: String,
    /// The new file, None where there was nothing to do, or no row is left.
    pub file: Option<String>,
    /// The rows of the table.
    pub rows: u64,
    /// The versions of rows that there were.
    pub versions: u64,
    /// The files that are gone.
    pub replaced: usize,
    /// The files that had to stay.
    pub kept: usize,
    /// How long it took.
    pub seconds: f64,
}

/// Compacts a table. `keep` says of a file that it may not go yet.
///
/// # Errors
/// [`crate::error::Kind::Local`] where a file is damaged, a sync is running or
/// did not end, or the disk fails; every row is in the folder all the same.
pub fn run(
    options: &Options,
    disk: &Arc<dyn Disk>,
    keep: &dyn Fn(&str) -> bool,
) -> Result<Receipt> {
    let begun = std::time::Instant::now();
    let folder = folder(options);
    // A folder that is not there is not created here, as the lock would do.
    finished(&**disk, &folder, "")?;
    let peek = Store::new(Arc::clone(disk), options.state_path(), None, "").load()?;
    let name = identify(options, peek.as_ref())?.name;
    let mut store = Store::new(
        Arc::clone(disk),
        options.state_path(),
        Some(folder.clone()),
        &name,
    );
    let (process, begin) = (std::process::id(), clock::time_of_day());
    store.lock(&format!("process {process}, compacting since {begin},"))?;
    let (identity, state) = settled(options, &mut store, &folder, &name)?;
    let waiting = match &state {
        Some(state) => load::waiting(&store, &state.files, &name)?,
        None => None,
    };
    let waiting = waiting.unwrap_or_default();
    let keep = |name: &str| keep(name) || waiting.iter().any(|file| file == name);
    sweep(&**disk, &folder, &name)?;
    let files = finished(&**disk, &folder, &name)?;
    let (kept, old): (Vec<&File>, Vec<&File>) = files.iter().partition(|file| keep(&file.name));
    let newest = files.last().map(|file| file.format);
    let format = options.format.or(newest).unwrap_or_default();
    let survey = Survey::take(&**disk, &files, &identity, Some(format))?;
    refuse_guesses(&survey, &files, format)?;
    let done = match &files[..] {
        [only] if only.format == format => survey.rows() == survey.versions(),
        _ => false,
    };
    let done = done || old.is_empty();
    let mut file = None;
    if !done {
        if files.iter().any(|file| file.format != format) {
            log::warn!("{}", lost(format));
        }
        let mut work = Work {
            store: &mut store,
            state,
            folder: &folder,
            files: &files,
            identity: &identity,
            survey: &survey,
            format,
        };
        file = work.replace(&old, !kept.is_empty())?;
    }
    Ok(Receipt {
        table: secret::redacted(&identity.name).into_owned(),
        file,
        rows: survey.rows(),
        versions: survey.versions(),
        replaced: if done { 0 } else { old.len() },
        kept: kept.len(),
        seconds: (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

/// Which table it is, now that nobody else writes. Refuses to go on where a
/// sync did not end: the state may vouch for a file that has no final name yet.
fn settled(
    options: &Options,
    store: &mut Store,
    folder: &Path,
    name: &str,
) -> Result<(Identity, Option<Checkpoint>)> {
    let state = store.read()?.map(|text| store.parse(&text)).transpose()?;
    if state.is_none() && options.state != StateAt::None {
        return Err(Error::local("no state says whether a sync is under way")
            .at(store.state().unwrap_or(folder).display())
            .hint("name it with --state; where none was kept, --state none"));
    }
    let identity = identify(options, state.as_ref())?;
    if identity.name != name {
        return Err(Error::local("the state has become another table's").hint("run again"));
    }
    let names = store.disk().names(folder);
    let names = names.map_err(|error| failed("cannot list", folder, &error))?;
    let under_way = |name: &&String| stamp(name, &identity.name).is_some() && name.ends_with(PART);
    let part = state.as_ref().and_then(|state| state.part.as_ref());
    let part = part.map(|part| &part.file);
    match part.or_else(|| names.iter().find(under_way)) {
        None => Ok((identity, state)),
        Some(name) => Err(Error::local("a sync did not end")
            .at(folder.join(name).display())
            .hint("run highwater sync once, which completes it")),
    }
}

/// Removes what is left of a compaction that did not end.
fn sweep(disk: &dyn Disk, folder: &Path, table: &str) -> Result<()> {
    let names = disk.names(folder);
    let names = names.map_err(|error| failed("cannot list", folder, &error))?;
    for name in names {
        if stamp(&name, table).is_some() && name.ends_with(UNFINISHED) {
            let path = folder.join(name);
            let removed = disk.remove(&path);
            removed.map_err(|error| failed("cannot remove", &path, &error))?;
        }
    }
    Ok(())
}

/// Keys that come from CSV are numbers or strings in NDJSON, and the next sync
/// must find them again as what they are.
fn refuse_guesses(survey: &Survey, files: &[File], format: FileFormat) -> Result<()> {
    let csv = files.iter().any(|file| file.format == FileFormat::Csv);
    let known = survey.versions() == 0 || survey.knows_kinds();
    if format == FileFormat::Csv || !csv || known {
        return Ok(());
    }
    Err(
        Error::local("CSV does not say whether the keys are numbers or strings")
            .at("--format ndjson")
            .hint("compact to csv, or after a sync that has written rows as ndjson"),
    )
}

/// What one format does not keep of the other one.
fn lost(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Csv => {
            "rows go from ndjson to csv, where null, missing and empty are the same; --format ndjson keeps them apart"
        }
        FileFormat::Ndjson => {
            "rows go from csv to ndjson, where their fields are strings, or null where they are empty; --format csv keeps them as they are"
        }
    }
}

/// A compaction that holds the lock.
struct Work<'a> {
    store: &'a mut Store,
    state: Option<Checkpoint>,
    folder: &'a Path,
    files: &'a [File],
    identity: &'a Identity,
    survey: &'a Survey,
    format: FileFormat,
}

impl Work<'_> {
    /// Puts new files in the place of the old ones, and answers where the rows
    /// are; None where there are none. `stays` says whether other files stay.
    fn replace(&mut self, old: &[&File], stays: bool) -> Result<Option<String>> {
        // These two are the only new names, and they are later than all that
        // there are.
        let known = self
            .state
            .as_ref()
            .and_then(|state| state.files.last.clone());
        let now = timestamp::compact(clock::now());
        let first = match self.store.last_stamp(known.as_deref())? {
            Some(last) if last >= now => after(&last)?,
            _ => now,
        };
        let second = after(&first)?;
        let name =
            |stamp: &str| format!("{}-{stamp}.{}", self.identity.name, self.format.extension());
        let (gone, rows) = (name(&first), name(&second));
        let gone = (self.survey.gone() > 0).then_some(gone);
        let rows = (self.survey.rows() > 0).then_some(rows);
        let parts = [(&gone, Wanted::Gone), (&rows, Wanted::Rows)];
        for (name, wanted) in parts {
            if let Some(name) = name {
                self.write(name, wanted)?;
            }
        }
        self.tell(&second)?;
        for name in [&gone, &rows].into_iter().flatten() {
            self.name(name)?;
        }
        self.sync()?;
        for file in old {
            self.remove(&file.path)?;
        }
        self.sync()?;
        if let (Some(gone), false) = (&gone, stays) {
            self.remove(&self.folder.join(gone))?;
            self.sync()?;
        }
        Ok(rows.map(|name| self.folder.join(name).display().to_string()))
    }

    /// Has the state note the names up to this one.
    fn tell(&mut self, stamp: &str) -> Result<()> {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        let Some(origin) = &state.origin else {
            return Ok(());
        };
        load::adopt(self.store, &mut state.files, &self.identity.name, stamp)?;
        let text = Checkpoint::render(&state.progress, &state.files, None, origin);
        self.store.save(text)?;
        self.store.sync_state()
    }

    /// Writes the versions that are wanted to a file beside their final name,
    /// and makes them durable.
    fn write(&self, name: &str, wanted: Wanted) -> Result<()> {
        let path = self.folder.join(format!("{name}{UNFINISHED}"));
        let disk = &**self.store.disk();
        let created = disk.create(&path);
        let mut file = created.map_err(|error| failed("cannot create", &path, &error))?;
        let written = self.fill(&mut *file, &path, wanted);
        drop(file);
        if written.is_err() {
            // The file is of no use, and the disk may be full because of it.
            let _ = disk.remove(&path);
        }
        written
    }

    fn fill(&self, file: &mut dyn Append, path: &Path, wanted: Wanted) -> Result<()> {
        let disk = &**self.store.disk();
        let mut write = |bytes: &[u8]| {
            let written = file.write_all(bytes);
            written.map_err(|error| failed("cannot write", path, &error))
        };
        let identity = (self.format, wanted);
        self.survey
            .write(disk, self.files, self.identity, identity, &mut write)?;
        let synced = file.sync_all();
        synced.map_err(|error| failed("cannot sync", path, &error))
    }

    /// Gives a file its final name.
    fn name(&self, name: &str) -> Result<()> {
        let (from, to) = (
            self.folder.join(format!("{name}{UNFINISHED}")),
            self.folder.join(name),
        );
        let disk = self.store.disk();
        let there = disk.entry(&to);
        if there
            .map_err(|error| failed("cannot look at", &to, &error))?
            .is_some()
        {
            return Err(
                Error::local(format!("{} is there already", to.display())).hint(
                    "no later name is left: a file is named by a time that is far ahead, rename it",
                ),
            );
        }
        let renamed = disk.rename(&from, &to);
        renamed.map_err(|error| failed("cannot rename to", &to, &error))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let removed = self.store.disk().remove(path);
        removed.map_err(|error| failed("cannot remove", path, &error))
    }

    fn sync(&self) -> Result<()> {
        let synced = self.store.disk().sync_folder(self.folder);
        synced.map_err(|error| failed("cannot sync", self.folder, &error))
    }
}
