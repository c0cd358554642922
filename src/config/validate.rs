//! What a connection must not say, whatever the API.

use super::{Connection, Field};
use crate::error::{Error, Result};
use crate::template::Slot;

/// The error for a key, which says what is wrong with it.
fn wrong(key: &str, what: impl ToString) -> Error {
    Error::usage(what.to_string()).at(format_args!("{key:?}"))
}

impl Connection {
    /// Refuses a connection that cannot work with any API.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the key.
    pub fn validate(&self) -> Result<()> {
        self.check_names()?;
        self.check_limits()?;
        self.check_request()?;
        self.check_ignored()
    }

    /// The table's name, the key and the columns.
    fn check_names(&self) -> Result<()> {
        let name = &self.table;
        let sane = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(sane) {
            let what = "must be a name of letters, digits, _, - and .";
            return Err(wrong("table", what));
        }
        if self.primary_key.is_empty() {
            return Err(wrong("primary_key", "must name at least one field"));
        }
        let mut keys = self.primary_key.iter().enumerate();
        if keys.any(|(at, key)| self.primary_key[..at].contains(key)) {
            return Err(wrong("primary_key", "names a field twice"));
        }
        let columns = self.columns.iter().flatten();
        let mut names: Vec<&str> = columns.map(|(field, _)| &*field.name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(wrong("columns", format!("{:?} is there twice", twice[0]))),
            None => Ok(()),
        }
    }

    /// The numbers.
    fn check_limits(&self) -> Result<()> {
        if self.page_size == 0 || self.page_size > 1_000_000 {
            return Err(wrong("page_size", "must be from 1 to 1000000"));
        }
        if self.max_offset == 0 {
            return Err(wrong("max_offset", "must be at least 1"));
        }
        if self.timeout.is_zero() {
            return Err(wrong("timeout", "must be longer than nothing"));
        }
        if self.max_body == 0 || self.max_body >= u64::from(u32::MAX) {
            return Err(wrong("max_body", "must be from 1 to 4294967294 bytes"));
        }
        Ok(())
    }

    /// What is sent, and what is expected in return.
    fn check_request(&self) -> Result<()> {
        if !self.holds(Slot::Since) {
            return Err(match self.body {
                None => wrong("query", "no parameter holds {since}"),
                Some(_) => wrong("body", "neither it nor a parameter holds {since}"),
            });
        }
        match (self.holds(Slot::Token), &self.auth) {
            (true, None) => {
                let what = "is missing, and {token} is to come from it";
                return Err(wrong("auth", what));
            }
            (false, Some(_)) => {
                return Err(wrong("auth", "nothing holds {token}")
                    .hint("write \"headers\": {\"Authorization\": \"Bearer {token}\"}"));
            }
            _ => {}
        }
        if self.client_key.is_some() && self.client_cert.is_none() {
            return Err(wrong("client_key", "needs \"client_cert\" too"));
        }
        let mut empty = self.statuses.empty.iter();
        match empty.find(|code| self.statuses.retry.contains(code)) {
            Some(twice) => {
                let what = format!("{twice} is both empty and to be retried");
                Err(wrong("statuses", what))
            }
            None => Ok(()),
        }
    }

    /// The fields that are left out of account, and the one that stands in for
    /// the cursor.
    fn check_ignored(&self) -> Result<()> {
        let named = self.primary_key.iter().chain([&self.cursor]);
        let mut named = named.chain(&self.since.fallback);
        // A field above one of these is all of it, too.
        let ignored = |field: &&Field| {
            let mut ignore = self.ignore.iter();
            ignore.any(|ignored| field.path.starts_with(&ignored.path))
        };
        if let Some(Field { name, .. }) = named.find(ignored) {
            let what = format!("{name:?} tells rows or their versions apart and cannot be ignored");
            return Err(wrong("ignore", what));
        }
        if self.since.fallback.as_ref() == Some(&self.cursor) {
            let what =
                "is the cursor itself; name the field that has a time where the cursor has none";
            return Err(wrong("fallback", what));
        }
        Ok(())
    }
}
