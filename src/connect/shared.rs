//! What the tables of one connection file share: a login and its token, where
//! they log in alike, and the pace of requests, where they ask the same host.
//! It belongs to the thread that syncs them one after the other.

use std::cell::RefCell;
use std::time::Duration;

use crate::config::Connection;
use crate::config::auth::Auth;
use crate::error::Result;
use crate::source::address::Address;
use crate::source::auth::Tokens;
use crate::source::retry::Last;

/// All that a login depends on.
#[derive(PartialEq)]
struct Key {
    auth: Auth,
    timeout: Duration,
    files: [Option<String>; 3],
}

thread_local! {
    static LOGINS: RefCell<Vec<(Key, Tokens)>> = const { RefCell::new(Vec::new()) };
    static HOSTS: RefCell<Vec<(String, Last)>> = const { RefCell::new(Vec::new()) };
}

/// The tokens of all tables that log in like this, made once.
pub(super) fn tokens(
    auth: &Auth,
    connection: &Connection,
    make: impl FnOnce() -> Result<Tokens>,
) -> Result<Tokens> {
    let files = [
        &connection.ca_file,
        &connection.client_cert,
        &connection.client_key,
    ];
    let key = Key {
        auth: auth.clone(),
        timeout: connection.timeout,
        files: files.map(Clone::clone),
    };
    LOGINS.with_borrow_mut(|logins| {
        if let Some((_, tokens)) = logins.iter().find(|(known, _)| *known == key) {
            return Ok(tokens.clone());
        }
        let tokens = make()?;
        logins.push((key, tokens.clone()));
        Ok(tokens)
    })
}

/// When this host was asked last, by any of the tables.
pub(super) fn last(connection: &Connection) -> Last {
    let Ok(address) = Address::parse(&connection.url) else {
        return Last::default();
    };
    let host = address.host().to_lowercase();
    HOSTS.with_borrow_mut(|hosts| {
        if let Some((_, last)) = hosts.iter().find(|(known, _)| *known == host) {
            return last.clone();
        }
        let last = Last::default();
        hosts.push((host, last.clone()));
        last
    })
}
