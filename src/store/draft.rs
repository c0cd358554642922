//! Replacing the state: a new state is written beside the old one, synced, and
//! renamed over it. Why that is safe is told in [`crate::store`].

use std::path::PathBuf;

use crate::disk::Syncing;
use crate::error::Result;
use crate::store::{Store, beside, failed};

/// A new state that is being made durable beside the old one.
pub struct Draft {
    path: PathBuf,
    text: Vec<u8>,
    syncing: Syncing,
}

impl Store {
    /// Takes a state as saved where there is none: a sync that gets nowhere
    /// leaves none behind.
    pub fn assume(&mut self, text: Vec<u8>) {
        self.saved.get_or_insert(text);
    }

    /// Replaces the state where it says something else, so that at any moment
    /// either the old or the new one is there as a whole.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn save(&mut self, text: Vec<u8>) -> Result<()> {
        let draft = self.draft(text)?;
        self.publish(draft)
    }

    /// Writes a new state beside the old one and begins to sync it; None where
    /// it says what the old one does.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn draft(&self, text: Vec<u8>) -> Result<Option<Draft>> {
        let Some(path) = self
            .state
            .as_ref()
            .filter(|_| self.saved.as_ref() != Some(&text))
        else {
            return Ok(None);
        };
        let path = beside(path, ".tmp");
        let create = self.disk.overwrite(&path);
        let mut file = create.map_err(|error| failed("cannot create", &path, &error))?;
        let written = file.write_all(&text);
        written.map_err(|error| failed("cannot write", &path, &error))?;
        let syncing = self.disk.sync_aside(file);
        Ok(Some(Draft {
            path,
            text,
            syncing,
        }))
    }

    /// Waits until a new state is durable beside the old one, so that there is
    /// nothing left to do but to rename it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn settle(&self, draft: Option<Draft>) -> Result<Option<Draft>> {
        let Some(draft) = draft else {
            return Ok(None);
        };
        let synced = (draft.syncing)();
        synced.map_err(|error| failed("cannot sync", &draft.path, &error))?;
        Ok(Some(Draft {
            syncing: Box::new(|| Ok(())),
            ..draft
        }))
    }

    /// Puts a new state in the place of the old one, once it is durable. What
    /// it vouches for must be so already.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`].
    pub fn publish(&mut self, draft: Option<Draft>) -> Result<()> {
        let (Some(draft), Some(path)) = (draft, &self.state) else {
            return Ok(());
        };
        let synced = (draft.syncing)();
        synced.map_err(|error| failed("cannot sync", &draft.path, &error))?;
        let renamed = self.disk.rename(&draft.path, path);
        renamed.map_err(|error| failed("cannot rename to", path, &error))?;
        self.saved = Some(draft.text);
        Ok(())
    }
}
