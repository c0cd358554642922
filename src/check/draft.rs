//! What was found out, written as a connection file: the given file's keys as
//! they are, and those that were found beside them.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::Connection;
use crate::error::Result;
use crate::secret::Secrets;

use super::families::FAMILIES;
use super::search::Found;
use super::setting::spelled;
use super::trial::{Pair, merged};

/// The given file's text with what was found in it, and another address where
/// there is one. None where the given text
/// is no JSON object as it stands.
pub(super) fn text(
    found: &Found,
    connection: &Connection,
    given: &str,
    url: Option<&str>,
) -> Option<String> {
    let mut keys: BTreeMap<String, Box<RawValue>> = serde_json::from_str(given).ok()?;
    if let Some(url) = url {
        let url = RawValue::from_string(Value::from(url).to_string()).ok()?;
        keys.insert("url".to_owned(), url);
    }
    let mut put = |key: &str, text: String| {
        let raw = RawValue::from_string(text).ok()?;
        keys.entry(key.to_owned()).or_insert(raw);
        Some(())
    };
    put("primary_key", keys_of(connection))?;
    put(
        "cursor",
        Value::from(spelled(&connection.cursor)).to_string(),
    )?;
    put("query", object(&merged(&found.query)))?;
    if !found.headers.is_empty() {
        put("headers", object(&found.headers))?;
    }
    let mut since = Vec::new();
    if let Some((read, send)) = &found.spelling {
        since.push(("read".to_owned(), Value::from(read.as_str())));
        since.push(("send".to_owned(), Value::from(send.as_str())));
    } else if let Some(format) = &found.format {
        since.push(("format".to_owned(), Value::from(format.as_str())));
    }
    since.push(("first".to_owned(), found.first.into()));
    put(
        "since",
        Value::Object(since.into_iter().collect()).to_string(),
    )?;
    serde_json::to_string(&keys).ok()
}

/// The key's fields as a list.
fn keys_of(connection: &Connection) -> String {
    let names = connection.primary_key.iter().map(spelled);
    Value::from(names.collect::<Vec<_>>()).to_string()
}

/// Takes what was found over into the connection.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where a template cannot be read.
pub(super) fn apply(text: &str, to: &mut Connection) -> Result<()> {
    // Only what was found is taken over, and that names no variable.
    let read = Connection::parse(text, &|_| None, true, &mut Secrets::default())?;
    to.query = read.query;
    to.since = read.since;
    let known: Vec<String> = to.headers.iter().map(|(name, _)| name.clone()).collect();
    let new = read.headers.into_iter();
    to.headers
        .extend(new.filter(|(name, _)| !known.contains(name)));
    Ok(())
}

/// Pairs as a JSON object, in their order.
fn object(pairs: &[Pair]) -> String {
    let pairs = pairs.iter().map(|(name, value)| {
        format!(
            "{}: {}",
            Value::from(name.as_str()),
            Value::from(value.as_str())
        )
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// An address without the parameters that ask for pages, an order or a bound,
/// which are found out anew; and what was taken out.
pub(super) fn plain(url: &str) -> (String, Vec<String>) {
    let Some((path, query)) = url.split_once('?') else {
        return (url.to_owned(), Vec::new());
    };
    let query = query.split('#').next().unwrap_or_default();
    let known = |name: &str| {
        FAMILIES.iter().any(|family| {
            let pages = family.pages.iter().copied().flatten();
            let orders = family.orders.iter().flat_map(|order| order.up);
            let mut all = pages.chain(orders).chain(family.filters);
            all.any(|(known, _)| *known == name)
        })
    };
    let decoded = |text: &str| {
        text.replace("%5B", "[")
            .replace("%5D", "]")
            .replace("%24", "$")
    };
    let (out, kept): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .partition(|pair| known(&decoded(pair.split('=').next().unwrap_or_default())));
    let url = match kept.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", kept.join("&")),
    };
    (url, out.into_iter().map(str::to_owned).collect())
}
