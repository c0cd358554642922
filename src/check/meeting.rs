//! The first meeting with an API: the connection that the options name, the
//! source that answers for it, and the first answer or why there is none.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::cli::Options;
use crate::clock::SystemClock;
use crate::config::{Connection, Tables};
use crate::connect;
use crate::error::{Error, Kind, Result};
use crate::secret::Secrets;
use crate::session::start::instant;

use super::ask::{Answer, Asker, opening};
use super::clause::Clause;
use super::contact;
use super::file;
use super::finding::Finding;
use super::parameters;

/// A first request that fails is not worth the patience of a sync, unless
/// patience is asked for: the person who checks is there and waits.
pub(super) const RETRIES: u32 = 2;

/// An API that is about to be asked.
pub(super) struct Meeting {
    /// The connection.
    pub(super) connection: Connection,
    /// The connection file's text as it was given; an empty object without one.
    pub(super) text: String,
    /// The file's own first bound, where `--since` stands for it.
    pub(super) given: Option<String>,
    /// The part that asks.
    pub(super) asker: Asker,
    secrets: Secrets,
}

/// Why there is no first answer.
pub(super) struct Refusal {
    /// The clauses that tell.
    pub(super) findings: Vec<Finding>,
    /// What ended the asking, unless a parameter is to blame, which can be
    /// mended whatever the status.
    pub(super) halt: Option<Error>,
}

impl Meeting {
    /// Reads the options.
    ///
    /// # Errors
    /// [`Kind::Usage`] for what they name.
    pub(super) fn begin(options: &Options) -> Result<Self> {
        let (mut connection, secrets) = connect::connection(options)?;
        let text = match &options.config {
            None => "{}".to_owned(),
            Some(path) => one_of(options, connect::read(path)?)?,
        };
        let given = connection.since.first.clone();
        if let Some(since) = instant(
            options.since.as_deref(),
            "--since",
            &connection.since.format,
        )? {
            connection.since.first = Some(since.text);
        }
        if options.config.is_none()
            && let Some(table) = file::table(&connection.url)
        {
            connection.table = table;
        }
        let asker = asker(options, &connection, &secrets)?;
        Ok(Self {
            connection,
            text,
            given,
            asker,
            secrets,
        })
    }

    /// Whether the parameters are the default ones, since none were given.
    pub(super) fn asks_by_default(&self) -> bool {
        !["query", "body", "method"]
            .iter()
            .any(|key| self.names(key))
    }

    /// Whether the given file names this key.
    pub(super) fn names(&self, key: &str) -> bool {
        let keys: BTreeMap<String, IgnoredAny> =
            serde_json::from_str(&self.text).unwrap_or_default();
        keys.contains_key(key)
    }

    /// Goes on with another address or other headers.
    ///
    /// # Errors
    /// [`Kind::Usage`] for headers that cannot be sent.
    pub(super) fn again(&mut self, options: &Options) -> Result<()> {
        // A recording that was begun goes on.
        if options.record.is_none() {
            self.asker = asker(options, &self.connection, &self.secrets)?;
        }
        Ok(())
    }

    /// The first answer that has a good status.
    ///
    /// # Errors
    /// What is wrong with the options or this machine; inside, why the API gave
    /// no answer.
    pub(super) fn first(&mut self) -> Result<std::result::Result<Answer, Refusal>> {
        let connection = &self.connection;
        let error = match self.asker.fetch(connection, &opening(connection)) {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) if matches!(error.kind(), Kind::Usage | Kind::Local) => return Err(error),
            Err(error) => error,
        };
        let status = self.asker.status;
        let asks = status.is_some() && !matches!(status, Some(401 | 429));
        let blamed = match asks {
            true => parameters::refused(connection, &error, &mut self.asker),
            false => None,
        };
        let findings = contact::failed(connection, &error, status, blamed);
        let named = findings
            .iter()
            .any(|finding| finding.clause == Clause::Parameters);
        Ok(Err(Refusal {
            findings,
            halt: Some(error).filter(|_| !named),
        }))
    }
}

/// The text of the file; where it has several tables, of the table that is
/// meant.
fn one_of(options: &Options, text: String) -> Result<String> {
    let Some(name) = &options.one_of else {
        return Ok(text);
    };
    let tables = Tables::read(&text)?;
    let one = tables.map(|tables| tables.of(name)).transpose()?;
    Ok(one.unwrap_or(text))
}

/// The part that asks, with the retries that a check is worth.
fn asker(options: &Options, connection: &Connection, secrets: &Secrets) -> Result<Asker> {
    let source = connect::source(options, connection, secrets)?;
    let retries = options
        .max_retries
        .unwrap_or(connection.max_retries.min(RETRIES));
    Ok(Asker {
        source: connect::patient(source, options, connection, secrets, retries)?,
        clock: Box::new(SystemClock),
        status: None,
        halt: None,
    })
}
