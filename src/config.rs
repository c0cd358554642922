//! The connection: where the API is, how its parameters and fields are called,
//! and which table is made of them. It is read from a JSON file whose every key
//! is optional. The defaults are themselves a connection (to the example API of
//! Fivetran's Connector SDK), so that there is no second path. This file reads
//! no file and no environment itself.

mod asked;
pub mod auth;
mod file;
pub mod literal;
mod parts;
mod pointer;
mod reference;
mod since;
mod tables;
mod validate;

use std::time::Duration;

pub use asked::Paging;
use auth::Auth;
use pointer::pointer;
pub use pointer::{Field, Place};
pub use tables::Tables;

use crate::error::{Error, Result};
use crate::exchange::Method;
use crate::secret::Secrets;
use crate::template::Template;
use crate::template::body::Body;
use crate::timestamp::Format;
use crate::types::Type;
use crate::zone::Zone;

/// How an answer is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Where the list of rows is.
    pub rows: Vec<String>,
    /// Where the row is in each of the list's elements.
    pub row: Vec<String>,
    /// Where the fields' names are, if rows are lists of values.
    pub columns: Option<Vec<String>>,
    /// Where the offset is echoed, if it is.
    pub offset: Option<Place>,
    /// Where the answer tells how many rows pass the filter, if it tells.
    pub total: Option<Place>,
    /// Where an answer tells of an error although its status is 200.
    pub error: Option<Vec<String>>,
    /// Where it says whether more rows follow the page, if it does.
    pub more: Option<Place>,
    /// Where the link to the next page is, if there are links.
    pub next: Option<Place>,
}

/// Statuses that mean no error, or an error that passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statuses {
    /// These mean that there are no rows.
    pub empty: Vec<u16>,
    /// These mean "later".
    pub retry: Vec<u16>,
}

/// How the API filters by time.
#[derive(Debug, Clone, PartialEq)]
pub struct Since {
    /// Whether rows at the bound itself are left out.
    pub exclusive: bool,
    /// How the bound is written, and how the cursor's values are read.
    pub format: Format,
    /// Where a first sync starts; None leaves the filter out.
    pub first: Option<String>,
    /// A zone whose rules are not read yet, see [`Connection::settle`].
    pub zone: Option<String>,
    /// The field that stands for a cursor that is null or missing.
    pub fallback: Option<Field>,
}

/// All there is to know about one table of one API.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The address, without the parameters of `query`.
    pub url: String,
    /// The table's name, which names its files.
    pub table: String,
    /// The fields that tell rows apart.
    pub primary_key: Vec<Field>,
    /// The timestamp that grows whenever a row changes.
    pub cursor: Field,
    /// The declared columns in their order; None takes fields as they come.
    pub columns: Option<Vec<(Field, Type)>>,
    /// The requests' method.
    pub method: Method,
    /// Sent with every request.
    pub headers: Vec<(String, Template)>,
    /// The request's parameters in their order; a name may be there twice.
    pub query: Vec<(String, Template)>,
    /// The request's body.
    pub body: Option<Body>,
    /// Where `{token}` comes from.
    pub auth: Option<Auth>,
    /// Texts of an answer which mean that the token has expired, besides status
    /// 401.
    pub expired: Vec<String>,
    /// The least time from one request to the next.
    pub pace: Duration,
    /// Statuses that mean no error, besides those that never mean one.
    pub statuses: Statuses,
    /// How an answer is laid out.
    pub response: Layout,
    /// How the API filters by time.
    pub since: Since,
    /// Rows to ask for at once.
    pub page_size: u64,
    /// The offset beyond which no request goes, where that can be avoided.
    pub max_offset: u64,
    /// How long after its timestamp a row may become visible.
    pub lookback: Duration,
    /// Whether the API sorts by the cursor, ascending.
    pub sorted: bool,
    /// Whether a row with a fault is set aside rather than ending the sync.
    pub reject_bad_rows: bool,
    /// Fields that do not count as a change of their row.
    pub ignore: Vec<Field>,
    /// A PEM file of further certificate authorities, or `system` for the
    /// machine's.
    pub ca_file: Option<String>,
    /// A PEM file of the certificate that this client shows.
    pub client_cert: Option<String>,
    /// A PEM file of its private key, where that is a file of its own.
    pub client_key: Option<String>,
    /// How long one request may take.
    pub timeout: Duration,
    /// The largest body taken, in bytes after decompression.
    pub max_body: u64,
    /// How often a failed request is sent again.
    pub max_retries: u32,
}

impl Connection {
    /// Reads the rules of the zone that the connection names, if it names one.
    /// Until then its local times are read as if they were in UTC.
    ///
    /// # Errors
    /// What `load`, which is given the name, answers; and
    /// [`crate::error::Kind::Usage`] for a file that holds no zone.
    pub fn settle(&mut self, load: &dyn Fn(&str) -> Result<Vec<u8>>) -> Result<()> {
        let Some(name) = self.since.zone.take() else {
            return Ok(());
        };
        let place = |error: Error| error.at("\"zone\"");
        let file = load(&name).map_err(place)?;
        let zone = Zone::parse(&file).map_err(|what| {
            place(
                Error::usage(format!(
                    "the file of the time zone {name:?} cannot be used: {what}"
                ))
                .hint("is it damaged? a fixed offset such as -05:00 needs no file"),
            )
        })?;
        self.since.format = self.since.format.in_zone(zone);
        Ok(())
    }

    /// Reads a connection file. `environment` answers for `${NAME}`; what it
    /// answered is kept in `secrets`. With `keep_unset`, which suits a replay,
    /// a name that is not set stands for itself.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the line and the key.
    pub fn parse(
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
        keep_unset: bool,
        secrets: &mut Secrets,
    ) -> Result<Self> {
        let text = file::expand(text, environment, keep_unset, secrets)?;
        let connection = file::read(&text)?;
        connection.validate()?;
        Ok(connection)
    }
}

/// A size in bytes, with `K`, `M` or `G` for powers of 1024.
///
/// # Errors
/// Where it is no such size.
pub fn size(text: &str) -> std::result::Result<u64, String> {
    let bad = || format!("{text:?} is no size, write bytes as 1048576 or 64M");
    let upper = text.trim().to_ascii_uppercase();
    let upper = upper.strip_suffix('B').unwrap_or(&upper);
    let upper = upper.strip_suffix('I').unwrap_or(upper);
    let (digits, shift) = match upper.as_bytes().last() {
        Some(b'K') => (&upper[..upper.len() - 1], 10),
        Some(b'M') => (&upper[..upper.len() - 1], 20),
        Some(b'G') => (&upper[..upper.len() - 1], 30),
        _ => (upper, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let number: u64 = digits.parse().map_err(|_| bad())?;
    number.checked_mul(1 << shift).ok_or_else(bad)
}

/// Puts the value that was given, if there is one, in the place of a default.
pub(crate) fn set<T>(to: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *to = given;
    }
}
