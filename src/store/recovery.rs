//! Taking up a sync that did not end: its files are compared with what the
//! state vouches for, cut to that, and given their final names. It does not
//! guess: a file that is not what the state says is left as it is.

use std::path::{Path, PathBuf};

use crate::checkpoint::Part;
use crate::disk::Entry;
use crate::error::{Error, Result};
use crate::stamp::stamp;
use crate::store::{PART, Store, beside, failed};

/// What is found of a file that a state names.
enum Found {
    /// It is still a `.part`, of this length.
    UnderWay(u64),
    /// It has its final name.
    Finished,
    /// It is not there, and nothing of it is committed.
    Nothing,
    /// It is not what the state says.
    Amiss(Error),
}

/// What there is where a file is not what the state says.
fn amiss(message: String, hint: &str) -> Result<Found> {
    Ok(Found::Amiss(Error::local(message).hint(hint)))
}

impl Store {
    /// Gives the files of a sync that did not end their final names, cut to
    /// what the state vouches for. True where the state named one, so that it
    /// is to be saved without it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where a file is not what the state says,
    /// or there is one that no state names; nothing was changed then.
    pub fn recover(&self, parts: &[&Part]) -> Result<bool> {
        if self.folder.is_none() {
            let Some(part) = parts.first() else {
                return Ok(false);
            };
            return Err(Error::local(format!(
                "the last sync did not end: the state still names {}{PART}",
                part.file
            ))
            .hint("run once with --out and the folder of that file, which completes it"));
        }
        for name in self.leftovers()? {
            if !parts
                .iter()
                .any(|part| name == format!("{}{PART}", part.file))
            {
                return Err(Error::local(format!("{} belongs to no known sync", self.path(&name).display()))
                    .hint("its state is gone: put that back, or move the file away, or start over with --full-refresh, which sets it aside"));
            }
        }
        let found = parts.iter().map(|part| match self.inspect(part)? {
            Found::Amiss(error) => Err(error),
            found => Ok((*part, found)),
        });
        self.complete(&found.collect::<Result<Vec<_>>>()?)?;
        Ok(!parts.is_empty())
    }

    /// As [`Store::recover`], but what is not as a state says is set aside.
    /// Answers which files are as the state says.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where the disk fails.
    pub fn start_over<'a>(&self, parts: &[&'a Part]) -> Result<Vec<&'a Part>> {
        if self.folder.is_none() {
            return Ok(Vec::new());
        }
        let mut sound = Vec::new();
        for &part in parts {
            match self.inspect(part)? {
                Found::Amiss(error) => log::warn!("{error}; starting over"),
                found => sound.push((part, found)),
            }
        }
        self.complete(&sound)?;
        self.set_aside()?;
        Ok(sound.into_iter().map(|(part, _)| part).collect())
    }

    /// The files under way in the folder, of this table.
    fn leftovers(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let mut names = self.names(folder)?;
        names.retain(|name| stamp(name, &self.table).is_some() && name.ends_with(PART));
        Ok(names)
    }

    /// Compares a file with what the state says of it.
    fn inspect(&self, part: &Part) -> Result<Found> {
        let (under_way, finished) = (self.part_path(&part.file), self.path(&part.file));
        let (path, entry, is_part) = match (self.entry(&under_way)?, self.entry(&finished)?) {
            (Some(entry), None) => (&under_way, entry, true),
            (None, Some(entry)) => (&finished, entry, false),
            (None, None) if part.bytes == 0 => return Ok(Found::Nothing),
            (None, None) => {
                let (path, bytes) = (under_way.display(), part.bytes);
                return amiss(
                    format!("{path} is gone, the state vouches for {bytes} bytes of it"),
                    "put it back, or start over with --full-refresh",
                );
            }
            (Some(_), Some(_)) => {
                let (under_way, finished) = (under_way.display(), finished.display());
                return amiss(
                    format!("both {under_way} and {finished} are there"),
                    "one of them is a copy: move it away",
                );
            }
        };
        let shown = path.display();
        let bytes = match entry {
            Entry::File(bytes) => bytes,
            Entry::Other(what) => {
                return amiss(
                    format!("{shown} is {what}, no plain file"),
                    "put the file back that the last sync wrote, or start over with --full-refresh",
                );
            }
        };
        if bytes < part.bytes {
            let vouched = part.bytes;
            return amiss(
                format!("{shown} holds {bytes} bytes, the state vouches for {vouched}"),
                "rows that were delivered are missing from it: put the file back, or start over with --full-refresh",
            );
        }
        let differs = match &part.tail {
            Some(tail) => self.tail(path, part.bytes)? != *tail,
            None => false,
        };
        if differs || (!is_part && bytes > part.bytes) {
            return amiss(
                format!("{shown} is not the file that the state vouches for"),
                "put the right one back, or start over with --full-refresh",
            );
        }
        Ok(if is_part {
            Found::UnderWay(bytes)
        } else {
            Found::Finished
        })
    }

    /// Cuts files to their committed length and gives them their final names,
    /// or removes them where nothing is committed.
    fn complete(&self, found: &[(&Part, Found)]) -> Result<()> {
        for (part, found) in found {
            let path = self.part_path(&part.file);
            if matches!(found, Found::UnderWay(bytes) if *bytes > part.bytes && part.bytes > 0) {
                let cut = self.disk.truncate(&path, part.bytes);
                cut.map_err(|error| failed("cannot truncate", &path, &error))?;
            }
        }
        let under_way = |(_, found): &&(&Part, Found)| matches!(found, Found::UnderWay(_));
        if found.iter().any(|found| under_way(&found)) {
            // No older state may come back after a file has its final name.
            self.sync_state()?;
        }
        for (part, _) in found.iter().filter(under_way) {
            let path = self.part_path(&part.file);
            if part.bytes == 0 {
                let removed = self.disk.remove(&path);
                removed.map_err(|error| failed("cannot remove", &path, &error))?;
            } else {
                self.rename(&path, &self.path(&part.file))?;
            }
        }
        match &self.folder {
            // This is done even where nothing had to be done: an earlier run
            // may have done it and been killed before this.
            Some(folder) if !found.is_empty() => self.sync_folder(folder),
            _ => Ok(()),
        }
    }

    /// Sets files under way aside that no state vouches for any more.
    fn set_aside(&self) -> Result<()> {
        let names = self.leftovers()?;
        for name in &names {
            let from = self.path(name);
            let to = self.vacant(&self.path(name.strip_suffix(PART).unwrap_or(name)))?;
            log::warn!(
                "{} belongs to no known sync, it becomes {}",
                from.display(),
                to.display()
            );
            self.rename(&from, &to)?;
        }
        match &self.folder {
            Some(folder) if !names.is_empty() => self.sync_folder(folder),
            _ => Ok(()),
        }
    }

    /// A name that nothing has yet.
    fn vacant(&self, path: &Path) -> Result<PathBuf> {
        let mut to = beside(path, ".abandoned");
        let mut number = 2;
        while self.entry(&to)?.is_some() {
            to = beside(path, &format!(".abandoned-{number}"));
            number += 1;
        }
        Ok(to)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let renamed = self.disk.rename(from, to);
        renamed.map_err(|error| failed("cannot rename to", to, &error))
    }
}
