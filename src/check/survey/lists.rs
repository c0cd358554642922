//! Rows that are lists of values, as the objects that they stand for, so that
//! they are judged as all others are. It judges nothing itself.

use crate::config::Connection;
use crate::json::{self, Span};

use super::json::{items, whole};

/// The body with its rows as objects, where the connection says that they
/// are lists; a row that does not fit the names stays as it is.
pub(in crate::check) fn as_objects(connection: &Connection, body: &[u8]) -> Option<Vec<u8>> {
    let unwrapped = connection.response.row.is_empty();
    let names = connection.response.columns.as_ref().filter(|_| unwrapped)?;
    let whole = whole(body);
    let rows = json::point(whole, &connection.response.rows)?;
    let names: Vec<String> = items(json::point(whole, names)?)
        .iter()
        .map(|name| json::point(name, &["name".to_owned()]).unwrap_or(name))
        .map(|name| serde_json::to_string(&json::text(name)).unwrap_or_default())
        .collect();
    let object = |row: &&[u8]| {
        let values = items(row);
        if row.first() != Some(&b'[') || values.len() != names.len() {
            return String::from_utf8_lossy(row).into_owned();
        }
        let members = names.iter().zip(values);
        let members: Vec<String> = members
            .map(|(name, value)| format!("{name}:{}", String::from_utf8_lossy(value)))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let objects: Vec<String> = items(rows).iter().map(object).collect();
    let span = Span::within(body, rows);
    let (start, end) = (span.start as usize, span.end as usize);
    let objects = format!("[{}]", objects.join(","));
    Some([&body[..start], objects.as_bytes(), &body[end..]].concat())
}
