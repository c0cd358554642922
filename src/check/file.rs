//! The connection file that fits what was seen. What the given file says stays
//! as it is written there, with each `${NAME}`; only what was found out is put
//! in its place.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cli::Options;
use crate::config::Connection;
use crate::error::{Error, Result};

use super::evidence::{Paging, limits};
use super::render::spaced;
use super::setting::{Fix, place_value, pointer, spelled};

/// The default parameters, which hold where no file names others.
const QUERY: &str = "{\"order_by\": \"updatedAt\", \"order_type\": \"asc\", \
                     \"updated_since\": \"{since}\", \"limit\": \"{limit}\", \"offset\": \"{offset}\"}";

/// The given file's keys as they are written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Given<'a> {
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    columns: Option<&'a RawValue>,
    since: Map<String, Value>,
    #[serde(borrow)]
    on_bad_row: Option<&'a RawValue>,
    #[serde(borrow)]
    statuses: Option<&'a RawValue>,
    #[serde(borrow)]
    pace: Option<&'a RawValue>,
    ignore: Option<&'a RawValue>,
    #[serde(borrow)]
    ca_file: Option<&'a RawValue>,
    #[serde(borrow)]
    client_cert: Option<&'a RawValue>,
    #[serde(borrow)]
    client_key: Option<&'a RawValue>,
    #[serde(borrow)]
    max_body: Option<&'a RawValue>,
    #[serde(borrow)]
    timeout: Option<&'a RawValue>,
    #[serde(borrow)]
    lookback: Option<&'a RawValue>,
    #[serde(borrow)]
    max_retries: Option<&'a RawValue>,
}

/// The file's text. `of` is the connection with all `fixes` applied; `text`
/// is the given file's.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where the given file cannot be kept as it is.
pub(super) fn file(
    connection: &Connection,
    fixes: &[Fix],
    text: &str,
    options: &Options,
) -> Result<String> {
    let given: Given<'_> = serde_json::from_str(text).map_err(|error| {
        Error::usage(format!("the file cannot be kept as it is written: {error}"))
            .at("--suggest")
            .hint("put quotes around each ${NAME}")
    })?;
    let raw = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
    let shown = |value: Value| spaced(&value, true);
    let url = raw(given.url).filter(|_| options.url.is_none());
    let mut lines = vec![
        (
            "url",
            url.unwrap_or_else(|| shown(connection.url.as_str().into())),
        ),
        ("table", shown(connection.table.as_str().into())),
        (
            "primary_key",
            shown(connection.primary_key.iter().map(spelled).collect()),
        ),
        ("cursor", shown(spelled(&connection.cursor).into())),
    ];
    lines.extend(columns(connection, fixes, &given).map(|columns| ("columns", columns)));
    let usual = || given.body.is_none().then(|| QUERY.to_owned());
    let asked = [
        ("method", raw(given.method)),
        ("headers", raw(given.headers)),
        ("auth", raw(given.auth)),
        ("query", raw(given.query).or_else(usual)),
        ("body", raw(given.body)),
    ];
    let there = |(key, value): (&'static str, Option<String>)| Some((key, value?));
    lines.extend(asked.into_iter().filter_map(there));
    lines.push(("response", layout(connection)));
    lines.push(("since", since(connection, fixes, given.since)));
    lines.push(("page_size", connection.page_size.to_string()));
    lines.push(("max_offset", connection.max_offset.to_string()));
    let lookback = options
        .lookback
        .map(|time| format!("\"{}ms\"", time.as_millis()));
    lines.push((
        "lookback",
        lookback
            .or(raw(given.lookback))
            .unwrap_or_else(|| "\"60s\"".into()),
    ));
    lines.push(("sorted", connection.sorted.to_string()));
    let rest = [
        ("on_bad_row", raw(given.on_bad_row)),
        ("statuses", raw(given.statuses)),
        ("pace", raw(given.pace)),
        ("ignore", raw(given.ignore)),
        ("ca_file", raw(given.ca_file)),
        ("client_cert", raw(given.client_cert)),
        ("client_key", raw(given.client_key)),
        ("timeout", raw(given.timeout)),
        ("max_body", raw(given.max_body)),
        ("max_retries", raw(given.max_retries)),
    ];
    lines.extend(rest.into_iter().filter_map(there));
    let lines: Vec<String> = lines
        .iter()
        .map(|(key, value)| format!("  \"{key}\": {value}"))
        .collect();
    Ok(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

/// How an answer is laid out.
fn layout(connection: &Connection) -> String {
    let response = &connection.response;
    let mut layout = vec![format!(
        "\"rows\": {}",
        Value::from(pointer(&response.rows))
    )];
    if !response.row.is_empty() {
        layout.push(format!("\"row\": {}", Value::from(pointer(&response.row))));
    }
    if let Some(columns) = &response.columns {
        layout.push(format!("\"columns\": {}", Value::from(pointer(columns))));
    }
    layout.push(format!("\"offset\": {}", place_value(&response.offset)));
    layout.push(format!("\"total\": {}", place_value(&response.total)));
    if let Some(error) = &response.error {
        layout.push(format!("\"error\": {}", Value::from(pointer(error))));
    }
    for (key, place) in [("more", &response.more), ("next", &response.next)] {
        if place.is_some() {
            layout.push(format!("\"{key}\": {}", place_value(place)));
        }
    }
    format!("{{{}}}", layout.join(", "))
}

/// The columns: as they were given where they fit, otherwise as they were seen.
fn columns(connection: &Connection, fixes: &[Fix], given: &Given<'_>) -> Option<String> {
    let mended = fixes.iter().any(|fix| matches!(fix, Fix::Columns(..)));
    match given.columns {
        Some(raw) if !mended => return Some(raw.get().to_owned()),
        _ => {}
    }
    let columns = connection.columns.iter().flatten();
    let lines: Vec<String> = columns
        .map(|(field, connection)| {
            format!(
                "    {}: \"{}\"",
                Value::from(spelled(field)),
                connection.name()
            )
        })
        .collect();
    (!lines.is_empty()).then(|| format!("{{\n{}\n  }}", lines.join(",\n")))
}

fn since(connection: &Connection, fixes: &[Fix], given: Map<String, Value>) -> String {
    let format = fixes.iter().rev().find_map(|fix| match fix {
        Fix::Format(text) => Some(Value::from(text.as_str())),
        _ => None,
    });
    // Values that are read in one format and sent in another stay so, unless
    // neither fits.
    let kept = |key: &'static str| Some((key, given.get(key)?.clone()));
    let mended = format.is_some();
    let apart = ["read", "send"].map(|key| kept(key).filter(|_| !mended));
    let format = format.or_else(|| given.get("format").cloned());
    let format = format
        .or_else(|| {
            apart
                .iter()
                .any(Option::is_none)
                .then(|| "as-received".into())
        })
        .map(|format| ("format", format));
    // This is not the value from the environment, but the text that stands for
    // it.
    let first = given
        .get("first")
        .cloned()
        .filter(|_| connection.since.first.is_some());
    let bound = if connection.since.exclusive {
        "exclusive"
    } else {
        "inclusive"
    };
    let first = first.unwrap_or_else(|| connection.since.first.as_deref().into());
    let mut parts: Vec<(&str, Value)> = vec![("bound", bound.into())];
    parts.extend(format);
    parts.extend(apart.into_iter().flatten());
    parts.extend([kept("zone"), kept("fallback")].into_iter().flatten());
    parts.push(("first", first));
    let parts: Vec<String> = parts
        .iter()
        .map(|(key, value)| format!("\"{key}\": {value}"))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

/// What the table is called: the last part of the address's path that is a name
/// and does not mean rows of any kind.
pub(super) fn table(url: &str) -> Option<String> {
    const ANY: [&str; 7] = [
        "items", "rows", "records", "entries", "list", "search", "query",
    ];
    let path = url.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let (_, path) = path.split_once('/')?;
    let mut names = path.rsplit('/').filter_map(name);
    let last = names.next()?;
    let before = names.next().filter(|_| ANY.contains(&&*last));
    Some(before.unwrap_or(last))
}

/// A part of a path as a table's name, where it is one.
fn name(part: &str) -> Option<String> {
    let word = part.split('.').find(|word| !word.is_empty())?;
    let word = word.to_ascii_lowercase();
    let word = word.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    Some(word).filter(|word| word.bytes().any(|b| b.is_ascii_alphabetic()) && word.len() <= 200)
}

/// What no answer can tell, for the person who reads the file.
pub(super) fn notes(connection: &Connection, options: &Options, text: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if !text.contains("\"query\"") {
        notes.push(
            "\"query\" is the default one: no answer tells what this API calls its parameters"
                .to_owned(),
        );
    }
    if Paging::of(connection) == Paging::None {
        notes.push("no parameter holds {offset} or {page}: is this API not paged?".to_owned());
    }
    if !limits(connection) {
        notes.push("no parameter holds {limit}: page_size is what the API sends".to_owned());
    }
    if options.config.is_none() && connection.headers.is_empty() {
        notes.push(
            "no \"headers\" were given: where the API asks for a token, write it as ${NAME}"
                .to_owned(),
        );
    }
    notes.push(
        "\"columns\" are from one page: a value that comes later may not fit its type".to_owned(),
    );
    notes
}
