//! The connection: where the API is, how its parameters and fields are called,
//! and which table is made of them. It is read from a JSON file whose every key
//! is optional. The defaults are themselves a connection (to the example API of
//! Fivetran's Connector SDK), so that there is no second path. This file reads
//! no file and no environment itself.

mod asked;
pub mod auth;
mod file;
mod parts;
mod since;
mod tables;

use std::str::FromStr;
use std::time::Duration;

pub use asked::Paging;
use auth::Auth;
pub use tables::Tables;

use crate::error::{Error, Result};
use crate::exchange::Method;
use crate::secret::Secrets;
use crate::template::body::Body;
use crate::template::{Slot, Template};
use crate::timestamp::Format;
use crate::types::Type;
use crate::zone::Zone;

/// A field of a row: a name, or a JSON pointer (RFC 6901) where it starts
/// with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What the column is called: the name, or the pointer's tokens joined
    /// by `_`.
    pub name: String,
    /// The keys that lead to it from the row.
    pub path: Vec<String>,
}

/// The place in an answer where a number is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the body, at this pointer's tokens.
    Body(Vec<String>),
    /// In a header: the whole value, or what follows a slash in it.
    Header(String),
}

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
    /// A PEM file of certificate authorities, or `system` for the machine's.
    /// Fields that do not count as a change of their row.
    pub ignore: Vec<Field>,
    /// A PEM file of further certificate authorities.
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

impl Default for Connection {
    fn default() -> Self {
        let columns = |names: &[&str], of: Type| -> Vec<(Field, Type)> {
            names.iter().map(|name| (Field::named(name), of)).collect()
        };
        let query = |name: &str, value: &str| (name.to_owned(), value.parse().unwrap_or_default());
        let mut user = columns(
            &["id", "name", "email", "address", "company", "job"],
            Type::String,
        );
        user.extend(columns(&["updatedAt", "createdAt"], Type::UtcDatetime));
        let token = |name: &str| vec![name.to_owned()];
        Self {
            url: "http://127.0.0.1:5001/pagination/offset".into(),
            table: "user".into(),
            primary_key: vec![Field::named("id")],
            cursor: Field::named("updatedAt"),
            columns: Some(user),
            method: Method::Get,
            headers: Vec::new(),
            query: vec![
                query("order_by", "updatedAt"),
                query("order_type", "asc"),
                query("updated_since", "{since}"),
                query("limit", "{limit}"),
                query("offset", "{offset}"),
            ],
            body: None,
            auth: None,
            expired: Vec::new(),
            pace: Duration::ZERO,
            statuses: Statuses::default(),
            response: Layout {
                rows: token("data"),
                row: Vec::new(),
                columns: None,
                offset: Some(Place::Body(token("offset"))),
                total: Some(Place::Body(token("total"))),
                error: None,
                more: None,
                next: None,
            },
            since: Since {
                exclusive: false,
                format: Format::AsReceived,
                first: Some("0001-01-01T00:00:00Z".into()),
                zone: None,
                fallback: None,
            },
            page_size: 50,
            max_offset: 10_000,
            lookback: Duration::from_secs(60),
            sorted: true,
            reject_bad_rows: false,
            ignore: Vec::new(),
            ca_file: None,
            client_cert: None,
            client_key: None,
            timeout: Duration::from_secs(60),
            max_body: 64 << 20,
            max_retries: 5,
        }
    }
}

impl Connection {
    /// Refuses a connection that cannot work with any API.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the key.
    pub fn validate(&self) -> Result<()> {
        let bad = |key: &str, what: &str| Err(Error::usage(what).at(format_args!("{key:?}")));
        let name = &self.table;
        let sane = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(sane) {
            return bad("table", "must be a name of letters, digits, _, - and .");
        }
        if self.primary_key.is_empty() {
            return bad("primary_key", "must name at least one field");
        }
        let mut keys = self.primary_key.iter().enumerate();
        if keys.any(|(at, key)| self.primary_key[..at].contains(key)) {
            return bad("primary_key", "names a field twice");
        }
        if self.page_size == 0 || self.page_size > 1_000_000 {
            return bad("page_size", "must be from 1 to 1000000");
        }
        if self.max_offset == 0 {
            return bad("max_offset", "must be at least 1");
        }
        if self.timeout.is_zero() {
            return bad("timeout", "must be longer than nothing");
        }
        if self.max_body == 0 || self.max_body >= u64::from(u32::MAX) {
            return bad("max_body", "must be from 1 to 4294967294 bytes");
        }
        if !self.holds(Slot::Since) {
            return match self.body {
                None => bad("query", "no parameter holds {since}"),
                Some(_) => bad("body", "neither it nor a parameter holds {since}"),
            };
        }
        match (self.holds(Slot::Token), &self.auth) {
            (true, None) => return bad("auth", "is missing, and {token} is to come from it"),
            (false, Some(_)) => {
                return bad("auth", "nothing holds {token}").map_err(|error: Error| {
                    error.hint("write \"headers\": {\"Authorization\": \"Bearer {token}\"}")
                });
            }
            _ => {}
        }
        if self.client_key.is_some() && self.client_cert.is_none() {
            return bad("client_key", "needs \"client_cert\" too");
        }
        if let Some(twice) = self
            .statuses
            .empty
            .iter()
            .find(|code| self.statuses.retry.contains(code))
        {
            return bad(
                "statuses",
                &format!("{twice} is both empty and to be retried"),
            );
        }
        let named = self.primary_key.iter().chain([&self.cursor]);
        let named = named.chain(&self.since.fallback);
        for field in named {
            // A field above one of these is all of it, too.
            if self
                .ignore
                .iter()
                .any(|ignored| field.path.starts_with(&ignored.path))
            {
                return bad(
                    "ignore",
                    &format!(
                        "{:?} tells rows or their versions apart and cannot be ignored",
                        field.name
                    ),
                );
            }
        }
        if self.since.fallback.as_ref() == Some(&self.cursor) {
            return bad(
                "fallback",
                "is the cursor itself; name the field that has a time where the cursor has none",
            );
        }
        if let Some(columns) = &self.columns {
            let mut names: Vec<&str> = columns.iter().map(|(field, _)| &*field.name).collect();
            names.sort_unstable();
            if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return bad("columns", &format!("{:?} is there twice", twice[0]));
            }
        }
        Ok(())
    }

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

impl Field {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: vec![name.to_owned()],
        }
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text.starts_with('/') {
            let path = pointer(text)?;
            let name = path.join("_");
            return Ok(Self { name, path });
        }
        if text.is_empty() {
            return Err("a field's name is empty".into());
        }
        Ok(Self::named(text))
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.strip_prefix("header:") {
            Some("") => Err("\"header:\" lacks the header's name".into()),
            Some(name) => Ok(Self::Header(name.to_owned())),
            None => pointer(text).map(Self::Body),
        }
    }
}

/// The tokens of a JSON pointer, RFC 6901.
fn pointer(text: &str) -> std::result::Result<Vec<String>, String> {
    match text.strip_prefix('/') {
        _ if text.is_empty() => Ok(Vec::new()),
        Some(rest) => Ok(rest
            .split('/')
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect()),
        None => Err(format!(
            "{text:?} is no JSON pointer, did you mean {:?}?",
            format!("/{text}")
        )),
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
