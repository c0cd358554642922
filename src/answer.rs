//! What an answer means to a sync: a page of rows, a page without rows, an
//! error that passes by itself, or an error that does not. This file decides
//! nothing about the rows.

use crate::config::Connection;
use crate::error::{Error, Refusal, Result};
use crate::exchange::Response;
use crate::page::Page;
use crate::source::fault;
use crate::source::status::{self, Meaning};
use crate::template::Slot;

/// What is known before an answer is read.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// Whether the answer was asked for beyond the first row.
    pub deep: bool,
    /// Whether an earlier answer was good.
    pub good: bool,
}

/// Reads an answer into the page. `now` is in unix seconds.
///
/// # Errors
/// Whatever is wrong with it; the error says whether it is worth another try.
pub fn read(
    page: &mut Page,
    response: &Response,
    body: &mut Vec<u8>,
    connection: &Connection,
    now: i64,
    before: Before,
) -> Result<()> {
    let read = judge(page, response, body, connection, now, before);
    read.map_err(|error| expired(error, body, connection))
}

/// What is wrong with an answer; the cause may be that its token has expired.
pub(crate) fn expired(error: Error, body: &[u8], connection: &Connection) -> Error {
    if !says_expired(body, &connection.expired) {
        return error;
    }
    Error::refused(error.to_string())
        .hint("log in with other credentials: see auth in the connection file")
        .refusing(Refusal::Expired)
}

/// Whether an answer that is no page says that its token has expired.
fn says_expired(body: &[u8], expired: &[String]) -> bool {
    if expired.is_empty() {
        return false;
    }
    // Some APIs write a slash with an escape.
    let text = String::from_utf8_lossy(body).replace("\\/", "/");
    expired.iter().any(|expired| text.contains(expired))
}

fn judge(
    page: &mut Page,
    response: &Response,
    body: &mut Vec<u8>,
    connection: &Connection,
    now: i64,
    before: Before,
) -> Result<()> {
    // This is how PostgREST says that the table has shrunk below the offset.
    if response.status == 416 && before.deep {
        return page.beyond_the_end(response, connection);
    }
    if status::check(response, body, now, &connection.statuses)? == Meaning::Empty {
        return page.beyond_the_end(response, connection);
    }
    let place = connection.response.error.as_ref();
    if let Some(error) = place.and_then(|place| fault::told(body, place, before.good)) {
        return Err(error);
    }
    decode(page, body, response, connection)
        .map_err(|error| fault::suspect(error, body, &connection.response.rows, before.good))
}

/// Reads the page that is in a body.
///
/// # Errors
/// See [`Page::read`].
pub fn decode(
    page: &mut Page,
    body: &mut Vec<u8>,
    response: &Response,
    connection: &Connection,
) -> Result<()> {
    page.read(body, response, connection)?;
    if connection.holds(Slot::Offset1) {
        // The offset is echoed as it was asked for.
        page.offset = page.offset.map(|offset| offset.saturating_sub(1));
    }
    Ok(())
}
