//! Rows that are lists of values, as the objects that they stand for, so that
//! they are judged as all others are. It judges nothing itself.

use crate::config::Connection;
use crate::json::{self, Span};

use super::ask::Answer;
use super::find;

/// The answer with its rows as objects, where the connection says that they
/// are lists; a row that does not fit the names stays as it is.
pub(super) fn as_objects(of: &Connection, answer: &Answer) -> Option<Answer> {
    let unwrapped = of.response.row.is_empty();
    let names = of.response.columns.as_ref().filter(|_| unwrapped)?;
    let whole = find::whole(&answer.body);
    let rows = json::point(whole, &of.response.rows)?;
    let names: Vec<String> = find::items(json::point(whole, names)?)
        .iter()
        .map(|name| json::point(name, &["name".to_owned()]).unwrap_or(name))
        .map(|name| serde_json::to_string(&json::text(name)).unwrap_or_default())
        .collect();
    let object = |row: &&[u8]| {
        let values = find::items(row);
        if row.first() != Some(&b'[') || values.len() != names.len() {
            return String::from_utf8_lossy(row).into_owned();
        }
        let members = names.iter().zip(values);
        let members: Vec<String> = members
            .map(|(name, value)| format!("{name}:{}", String::from_utf8_lossy(value)))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let objects: Vec<String> = find::items(rows).iter().map(object).collect();
    let span = Span::within(&answer.body, rows);
    let (start, end) = (span.start as usize, span.end as usize);
    let objects = format!("[{}]", objects.join(","));
    let body = [
        &answer.body[..start],
        objects.as_bytes(),
        &answer.body[end..],
    ]
    .concat();
    let response = answer.response.clone();
    Some(Answer { response, body })
}
