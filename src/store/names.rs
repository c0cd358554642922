//! The names of the table's files, `TABLE-STAMP.FORMAT`: which there are, and
//! the next one. A name is never given twice, whatever becomes of the file and
//! of the clock: each stamp is later than the last one that the state knows and
//! than every one in the folder.

use crate::error::{Error, Result};
use crate::stamp::{format_of, stamp, stamp_of};
use crate::store::Store;

impl Store {
    /// The last stamp that is known: the state's, or that of a file in the
    /// folder.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn last_stamp(&self, last: Option<&str>) -> Result<Option<String>> {
        let mut stamps = self.stamps()?;
        stamps.retain(|stamp| stamp_of(stamp).is_some());
        stamps.extend(last.map(str::to_owned));
        Ok(stamps.into_iter().max())
    }

    /// Refuses a state that knows of fewer names than the folder has: it is
    /// older than the files, and would fetch their rows again. A sync names
    /// its file in the state before it creates it, so no crash leads to this.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn check_age(&self, last: Option<&str>) -> Result<()> {
        let (Some(last), Some(newest)) = (last, self.last_stamp(None)?) else {
            return Ok(());
        };
        if newest.as_str() <= last {
            return Ok(());
        }
        let mut names = match self.folder() {
            Some(folder) => self.names(folder)?,
            None => Vec::new(),
        };
        names.retain(|name| stamp(name, &self.table) == Some(&newest));
        let name = names.first().map(String::as_str).unwrap_or_default();
        Err(Error::local(format!(
            "the state is older than the files: it knows of none after {last}, but {} is there",
            self.path(name).display()
        ))
        .hint("put the newer state back; or where another sync wrote that file (--state), give each a folder of its own; or start over with --full-refresh, which keeps the files"))
    }

    /// The finished files in the folder, oldest first.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn finished(&self) -> Result<Vec<String>> {
        let mut names = match self.folder() {
            Some(folder) => self.names(folder)?,
            None => Vec::new(),
        };
        names.retain(|name| {
            let stamp = stamp(name, &self.table).and_then(stamp_of);
            stamp.is_some() && format_of(name, &self.table).is_some()
        });
        names.sort_unstable();
        Ok(names)
    }
}
