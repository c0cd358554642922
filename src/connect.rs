//! What the options name: the connection, read from its file with the flags
//! over it, and who answers for it. It sends nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Options;
use crate::config::{Connection, set};
use crate::error::{Error, Result};
use crate::secret::{self, Secrets};
use crate::source::Source;
use crate::source::live::{self, Live};
use crate::source::record::Recorder;
use crate::source::replay::Replay;
use crate::zoneinfo;

/// The connection that the options name: the file's, with the flags over it.
/// What came from the environment is redacted from here on.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn connection(options: &Options) -> Result<(Connection, Secrets)> {
    let mut secrets = Secrets::default();
    let mut of = match &options.config {
        None => Connection::default(),
        Some(path) => {
            let read = std::fs::read_to_string(path);
            let text = read.map_err(|error| {
                Error::usage(format!("cannot read {}: {error}", path.display()))
                    .hint("see --config")
            })?;
            let environment = |name: &str| {
                let value = std::env::var(name).ok();
                if value.as_deref() == Some("") {
                    log::warn!("the environment variable {name} is empty");
                }
                value
            };
            let parsed =
                Connection::parse(&text, &environment, options.replay.is_some(), &mut secrets);
            // Even the error may quote a value.
            secret::install(secrets.clone());
            parsed.map_err(|error| error.at(path.display()))?
        }
    };
    of.settle(&zoneinfo::load)?;
    set(&mut of.url, options.url.clone());
    set(&mut of.page_size, options.page_size);
    set(&mut of.max_offset, options.max_offset);
    set(&mut of.lookback, options.lookback);
    set(&mut of.max_retries, options.max_retries);
    set(&mut of.timeout, options.timeout);
    set(&mut of.max_body, options.max_body);
    of.validate()?;
    advise(&of);
    Ok((of, secrets))
}

/// Warns of what can hardly be meant.
fn advise(of: &Connection) {
    let query = of.url.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        if !name.is_empty() && of.query.iter().any(|(sent, _)| sent == name) {
            log::warn!(
                "{name:?} is in the URL and will be sent a second time; take it out of the URL"
            );
        }
    }
}

/// Who answers: the network or a recording.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a URL or a recording that cannot be used.
pub fn source(options: &Options, of: &Connection, secrets: &Secrets) -> Result<Box<dyn Source>> {
    if let Some(path) = &options.replay {
        return Ok(Box::new(Replay::open(path, secrets.clone())?));
    }
    let live = Live::new(live::Settings {
        url: of.url.clone(),
        headers: of.headers.clone(),
        secret_headers: !secrets.is_empty(),
        timeout: of.timeout,
        connect_timeout: of.timeout.min(Duration::from_secs(10)),
        max_body: of.max_body,
        ca_file: of.ca_file.as_ref().map(PathBuf::from),
        ..live::Settings::default()
    })?;
    match &options.record {
        Some(path) => Ok(Box::new(Recorder::create(live, path, secrets.clone())?)),
        None => Ok(Box::new(live)),
    }
}
