//! Judging an answer by itself: are its rows where the connection says, has
//! each a key and a timestamp, do the columns' types fit. It asks nothing.

use std::collections::HashMap;

use crate::config::{Connection, Field};
use crate::error::excerpt;
use crate::json;
use crate::timestamp::Format;

use super::ask::Answer;
use super::columns;
use super::find::{self, Column, shown};
use super::fix::{Fix, pointer, spelled};
use super::guess::{self, Stamp};
use super::lists;
use super::report::Check;

/// Candidates that a line has room for.
const NAMED: usize = 4;

/// What the answer's body comes to, clause by clause.
pub(super) fn judge(of: &Connection, answer: &Answer) -> Vec<Check> {
    let objects = lists::as_objects(of, answer);
    let answer = objects.as_ref().unwrap_or(answer);
    let (list, rows) = match rows(of, answer) {
        Ok(found) => found,
        Err(broken) => return vec![*broken],
    };
    let fields = find::columns(&rows);
    let mut checks = vec![list];
    if !rows.is_empty() {
        checks.push(key(of, &rows, &fields));
        checks.extend(cursor(of, &rows, &fields));
        checks.push(columns::types(of, &rows, &fields));
    }
    checks.extend(columns::places(of, answer, rows.len() as u64));
    checks
}

/// The rows, or what is wrong with them.
fn rows<'a>(of: &Connection, answer: &'a Answer) -> Result<(Check, Vec<&'a [u8]>), Box<Check>> {
    let body = &answer.body;
    let broken = |found: String| Check::broken("rows", found);
    if !find::is_json(body) {
        let start = shown(&body[..body.len().min(200)]);
        let found = if start.is_empty() {
            "the body is empty".into()
        } else {
            format!("the body is not JSON: {start}")
        };
        return Err(Box::new(
            broken(found).remedy("is --url that of the API, and not of a web page?"),
        ));
    }
    let whole = find::whole(body);
    let place = place(&of.response.rows);
    let at = json::point(whole, &of.response.rows);
    let list = at.filter(|raw| raw.first() == Some(&b'['));
    let items = list.map(find::items).unwrap_or_default();
    let objects = items.iter().all(|item| item.first() == Some(&b'{'));
    if list.is_none() || !objects {
        let what = match at {
            None => format!("nothing at {place}"),
            Some(raw) if list.is_none() => format!("{place} is {}, not a list", json::kind(raw)),
            Some(_) => format!("{place} is a list of something other than objects"),
        };
        let lists = find::lists(body);
        let Some((path, rows)) = lists.first() else {
            let quote = shown(&whole[..whole.len().min(200)]);
            let found = format!("{what}, and no list of objects anywhere: {quote}");
            return Err(Box::new(broken(found).remedy(
                "does --url lead to a list? does the API ask for a parameter or a token?",
            )));
        };
        let named = lists
            .iter()
            .take(NAMED)
            .map(|(path, rows)| format!("{} ({})", self::place(path), counted(rows.len(), "row")));
        let found = format!(
            "{what}; lists found: {}",
            named.collect::<Vec<_>>().join(", ")
        );
        return Err(Box::new(
            broken(found).fix(Some(Fix::Rows(path.clone(), find::wrapping(rows)))),
        ));
    }
    let wrapping = find::wrapping(&items);
    let known = |field: &Field| field.path.first() == wrapping.first();
    if of.response.row.is_empty() && !wrapping.is_empty() && !known(&of.cursor) {
        let found = format!(
            "each of the {} rows is wrapped in {}",
            items.len(),
            pointer(&wrapping)
        );
        return Err(Box::new(
            broken(found).fix(Some(Fix::Rows(of.response.rows.clone(), wrapping))),
        ));
    }
    let inner: Vec<&[u8]> = items
        .iter()
        .filter_map(|item| json::point(item, &of.response.row))
        .filter(|raw| raw.first() == Some(&b'{'))
        .collect();
    if inner.len() < items.len() {
        let found = format!("no object at {} of each row", pointer(&of.response.row));
        return Err(Box::new(
            broken(found).fix(Some(Fix::Rows(of.response.rows.clone(), wrapping))),
        ));
    }
    let found = format!("{} at {place}", counted(inner.len(), "row"));
    Ok((Check::ok("rows", found), inner))
}

/// Whether the key is there and tells rows apart.
fn key(of: &Connection, rows: &[&[u8]], columns: &[Column<'_>]) -> Check {
    let name = of
        .primary_key
        .iter()
        .map(spelled)
        .collect::<Vec<_>>()
        .join(" + ");
    let keys = guess::keys(columns, rows.len());
    let suggestion = keys.first().map(|key| Fix::Key(vec![key.clone()]));
    let others = candidates(&keys, "fields that differ in every row");
    let broken = |found: String| Check::broken("key", found + &others).fix(suggestion.clone());
    for field in &of.primary_key {
        let lacking = |row: &&&[u8]| !value(row, field).is_some_and(find::is_scalar);
        let lacking = rows.iter().filter(lacking).count();
        if lacking > 0 {
            let count = format!("{lacking} of {}", counted(rows.len(), "row"));
            let what = if rows.iter().any(|row| value(row, field).is_some()) {
                format!("{} is no string or number in {count}", spelled(field))
            } else {
                format!("no field {} in {count}", spelled(field))
            };
            return broken(what);
        }
    }
    let mut met: HashMap<Vec<&[u8]>, usize> = HashMap::new();
    for (number, row) in rows.iter().enumerate() {
        let key: Vec<&[u8]> = of
            .primary_key
            .iter()
            .filter_map(|field| value(row, field))
            .collect();
        let text = key.first().map_or_else(String::new, |raw| shown(raw));
        if let Some(before) = met.insert(key, number) {
            return broken(format!(
                "{name} is the same in rows {before} and {number}: {text}"
            ));
        }
    }
    Check::ok(
        "key",
        format!("{name} is in each row, and no two are the same"),
    )
}

/// Whether each row has a timestamp that can be read, and how fine it is.
fn cursor(of: &Connection, rows: &[&[u8]], columns: &[Column<'_>]) -> Vec<Check> {
    let name = spelled(&of.cursor);
    let found = guess::cursors(columns, rows.len());
    let fields: Vec<Field> = found.iter().map(|(field, _)| field.clone()).collect();
    let suggestion = fields.first().map(|field| Fix::Cursor(field.clone()));
    let others = candidates(&fields, "fields that hold timestamps");
    let broken =
        |found: String| vec![Check::broken("cursor", found + &others).fix(suggestion.clone())];
    let values: Vec<&[u8]> = rows
        .iter()
        .filter_map(|row| {
            let fallback = of.since.fallback.as_ref();
            value(row, &of.cursor).or_else(|| value(row, fallback?))
        })
        .collect();
    if values.len() < rows.len() {
        let count = format!(
            "{} of {}",
            rows.len() - values.len(),
            counted(rows.len(), "row")
        );
        if of.reject_bad_rows && !values.is_empty() {
            let found = format!("no field {name} in {count}, which are set aside");
            return vec![Check::warning("cursor", found)];
        }
        return broken(format!("no field {name} in {count}"));
    }
    let lower = name.to_lowercase();
    let stamp = values.iter().find_map(|raw| guess::stamp(raw, &lower));
    if let Some(bad) = values.iter().find(|raw| !reads(raw, &of.since.format)) {
        let naive = matches!(guess::stamp(bad, &lower), Some(Stamp::Naive | Stamp::Date));
        let Some(format) = guess::format_of(&values).filter(|_| naive) else {
            return broken(format!("{name} is no timestamp: {}", shown(bad)));
        };
        let found = format!("{name} has no offset from UTC: {}", shown(bad));
        return vec![
            Check::broken("cursor", found)
                .fix(Some(Fix::Format(format)))
                .remedy("where these are times in UTC"),
        ];
    }
    let read = match stamp {
        Some(Stamp::Naive) if of.since.format.is_local() => "is read in the zone of since.zone",
        Some(Stamp::Naive) => "is read as UTC, as since.format has it",
        _ => "is a timestamp in each row",
    };
    vec![
        Check::ok("cursor", format!("{name} {read}")),
        precision(&values, stamp),
    ]
}

fn precision(values: &[&[u8]], stamp: Option<Stamp>) -> Check {
    let sample = values.iter().max_by_key(|raw| raw.len());
    let sample = sample.map_or_else(String::new, |raw| excerpt(&json::text(raw)));
    let digits = values
        .iter()
        .map(|raw| fraction(&json::text(raw)))
        .max()
        .unwrap_or(0);
    let what = match (stamp, digits) {
        (Some(Stamp::Date), _) => {
            return Check::warning(
                "precision",
                format!("days ({sample}): all rows of a day share a timestamp"),
            )
            .remedy("keep page_size above the rows of a day");
        }
        (Some(Stamp::Unix), 0) => "seconds since 1970",
        (Some(Stamp::UnixMs), 0) => "milliseconds since 1970",
        (Some(Stamp::Unix | Stamp::UnixMs), _) => "fractions of a second since 1970",
        (_, 0) => "seconds",
        (_, 1..=3) => "milliseconds",
        (_, 4..=6) => "microseconds",
        _ => "nanoseconds",
    };
    Check::ok("precision", format!("{what} ({sample})"))
}

/// How many digits follow the seconds.
fn fraction(text: &str) -> usize {
    let after = text.rsplit_once('.').map_or("", |(_, after)| after);
    after.bytes().take_while(u8::is_ascii_digit).count()
}

/// A field's value, null counting as missing.
pub(super) fn value<'a>(row: &'a [u8], field: &Field) -> Option<&'a [u8]> {
    json::point(row, &field.path).filter(|raw| *raw != b"null")
}

fn reads(raw: &[u8], format: &Format) -> bool {
    find::is_scalar(raw)
        && format
            .read(&json::text(raw), raw.first() != Some(&b'"'))
            .is_some()
}

fn place(path: &[String]) -> String {
    if path.is_empty() {
        "the top of the body".into()
    } else {
        pointer(path)
    }
}

fn candidates(fields: &[Field], what: &str) -> String {
    match fields {
        [] => format!("; no {what}"),
        some => format!(
            "; {what}: {}",
            columns::names(&some[..some.len().min(NAMED)])
        ),
    }
}

/// A number with its noun.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
