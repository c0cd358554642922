//! What the options name: the connection, which is read from its file with the
//! flags over it, and the source that answers for it. It sends nothing.

mod shared;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{Command, Options};
use crate::clock::SystemClock;
use crate::config::auth::Auth;
use crate::config::{Connection, Tables, literal, set};
use crate::error::{Error, Result};
use crate::secret::{self, Secrets};
use crate::source::Source;
use crate::source::auth::command::Program;
use crate::source::auth::login::{Credentials, Login};
use crate::source::auth::{Giver, Tokens};
use crate::source::live::{self, Live};
use crate::source::record::Recorder;
use crate::source::replay::Replay;
use crate::source::retry::{Last, Retry};
use crate::zoneinfo;

/// The connection that the options name: the file's, with the flags over it.
/// What came from the environment is redacted from here on.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn connection(options: &Options) -> Result<(Connection, Secrets)> {
    let mut secrets = match options.one_of {
        // What is secret for one table must not show in the lines of another
        // one either.
        Some(_) => secret::shared(),
        None => Secrets::default(),
    };
    secret::install(secrets.clone());
    let mut connection = match &options.config {
        None => Connection::default(),
        Some(path) => {
            let mut text = read(path)?;
            if let Some(name) = &options.one_of {
                let place = |error: Error| error.at(path.display());
                let tables = Tables::read(&text).map_err(place)?;
                let one = tables.map(|tables| tables.of(name)).transpose();
                text = one.map_err(place)?.unwrap_or(text);
            }
            let environment = |name: &str| {
                let value = std::env::var(name).ok();
                if value.as_deref() == Some("") {
                    log::warn!("the environment variable {name} is empty");
                }
                value
            };
            // A command that asks no API needs none of its secrets.
            let offline = options.replay.is_some()
                || matches!(
                    options.command,
                    Command::Table | Command::Compact | Command::Status
                );
            let parsed = Connection::parse(&text, &environment, offline, &mut secrets);
            parsed.map_err(|error| error.at(path.display()))?
        }
    };
    connection.settle(&zoneinfo::load)?;
    set(&mut connection.url, options.url.clone());
    set(&mut connection.page_size, options.page_size);
    set(&mut connection.max_offset, options.max_offset);
    set(&mut connection.lookback, options.lookback);
    set(&mut connection.max_retries, options.max_retries);
    set(&mut connection.timeout, options.timeout);
    set(&mut connection.max_body, options.max_body);
    literal::remember(&connection, &secrets);
    connection.validate()?;
    advise(&connection);
    Ok((connection, secrets))
}

/// The connection file's text.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where it cannot be read.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("cannot read {}: {error}", path.display())).hint("see --config")
    })
}

/// Warns of settings that can hardly be meant.
fn advise(connection: &Connection) {
    let query = connection
        .url
        .split_once('?')
        .map_or("", |(_, query)| query);
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        if !name.is_empty() && connection.query.iter().any(|(sent, _)| sent == name) {
            log::warn!(
                "{name:?} is in the URL and will be sent a second time; take it out of the URL"
            );
        }
    }
}

/// The source that answers: the network or a recording.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a URL or a recording that cannot be used.
pub fn source(
    options: &Options,
    connection: &Connection,
    secrets: &Secrets,
) -> Result<Box<dyn Source>> {
    if let Some(path) = &options.replay {
        return Ok(Box::new(Replay::open(path, secrets.clone())?));
    }
    let live = Live::new(live::Settings {
        headers: connection.constant_headers(),
        ..settings(connection, &connection.url, secrets)
    })?;
    match &options.record {
        Some(path) => Ok(Box::new(Recorder::create(live, path, secrets.clone())?)),
        None => Ok(Box::new(live)),
    }
}

/// The source with retries, pace and login around it.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for a login that cannot be sent.
pub fn patient(
    source: Box<dyn Source>,
    options: &Options,
    connection: &Connection,
    secrets: &Secrets,
    retries: u32,
) -> Result<Retry> {
    let tokens = match &connection.auth {
        None => None,
        Some(_) if options.replay.is_some() => Some(Tokens::recorded()),
        Some(auth) => {
            let make = || {
                Ok(Tokens::new(
                    giver(auth, connection, secrets)?,
                    secrets.clone(),
                ))
            };
            Some(match options.one_of {
                Some(_) => shared::tokens(auth, connection, make)?,
                None => make()?,
            })
        }
    };
    let last = match options.one_of {
        Some(_) => shared::last(connection),
        None => Last::default(),
    };
    let retry = Retry::new(source, Box::new(SystemClock), retries);
    Ok(retry.tokens(tokens).pace(connection.pace, last))
}

/// The part that gives out tokens.
fn giver(auth: &Auth, connection: &Connection, secrets: &Secrets) -> Result<Box<dyn Giver>> {
    Ok(match auth {
        Auth::Command(words) => Box::new(Program::new(words.clone(), connection.timeout)),
        Auth::Client(client) => {
            let form = "application/x-www-form-urlencoded".to_owned();
            let live = Live::new(live::Settings {
                headers: vec![("Content-Type".to_owned(), form)],
                ..settings(connection, &client.token_url, secrets)
            });
            let live = live.map_err(|error| error.at("\"auth\", \"token_url\""))?;
            Box::new(Credentials::new(Box::new(live), client.clone()))
        }
        Auth::Login(login) => {
            let live = Live::new(live::Settings {
                headers: login.headers.clone(),
                ..settings(connection, &login.url, secrets)
            });
            let live = live.map_err(|error| error.at("\"auth\", \"login\""))?;
            let (method, body) = (login.method, login.body.clone());
            let token = login.token.clone();
            Box::new(Login::new(Box::new(live), method, body, token))
        }
    })
}

/// How to connect to this address.
fn settings(connection: &Connection, url: &str, secrets: &Secrets) -> live::Settings {
    live::Settings {
        url: url.to_owned(),
        secret_headers: !secrets.is_empty() || connection.auth.is_some(),
        timeout: connection.timeout,
        connect_timeout: connection.timeout.min(Duration::from_secs(10)),
        max_body: connection.max_body,
        ca_file: connection.ca_file.as_ref().map(PathBuf::from),
        client_cert: connection.client_cert.as_ref().map(PathBuf::from),
        client_key: connection.client_key.as_ref().map(PathBuf::from),
        secrets: secrets.clone(),
        ..live::Settings::default()
    }
}
