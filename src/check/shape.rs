//! Judging an answer by itself: are its rows where the connection says, has
//! each a key and a timestamp, do the columns' types fit. It asks nothing.

use std::collections::HashMap;

use crate::config::{Connection, Field, Place};
use crate::error::excerpt;
use crate::json;
use crate::timestamp::Format;
use crate::types::Type;

use super::ask::Answer;
use super::find::{self, Column, shown};
use super::fix::{Fix, field, pointer, spelled};
use super::guess::{self, Stamp};
use super::report::Check;

/// Candidates that a line has room for.
const NAMED: usize = 4;

/// What the answer's body comes to, clause by clause.
pub(super) fn judge(of: &Connection, answer: &Answer) -> Vec<Check> {
    let (list, rows) = match rows(of, answer) {
        Ok(found) => found,
        Err(broken) => return vec![broken],
    };
    let columns = find::columns(&rows);
    let mut checks = vec![list];
    if !rows.is_empty() {
        checks.push(key(of, &rows, &columns));
        checks.extend(cursor(of, &rows, &columns));
        checks.push(types(of, &rows, &columns));
    }
    checks.extend(places(of, answer, rows.len() as u64));
    checks
}

/// The rows, or what is wrong with them.
fn rows<'a>(of: &Connection, answer: &'a Answer) -> Result<(Check, Vec<&'a [u8]>), Check> {
    let body = &answer.body;
    let broken = |found: String| Check::broken("rows", found);
    if !find::is_json(body) {
        let start = shown(&body[..body.len().min(200)]);
        let found = if start.is_empty() {
            "the body is empty".into()
        } else {
            format!("the body is not JSON: {start}")
        };
        return Err(broken(found).remedy("is --url that of the API, and not of a web page?"));
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
            return Err(broken(found).remedy(
                "does --url lead to a list? does the API ask for a parameter or a token?",
            ));
        };
        let named = lists
            .iter()
            .take(NAMED)
            .map(|(path, rows)| format!("{} ({} rows)", self::place(path), rows.len()));
        let found = format!(
            "{what}; lists found: {}",
            named.collect::<Vec<_>>().join(", ")
        );
        return Err(broken(found).fix(Some(Fix::Rows(path.clone(), find::wrapping(rows)))));
    }
    let wrapping = find::wrapping(&items);
    let known = |field: &Field| field.path.first() == wrapping.first();
    if of.response.row.is_empty() && !wrapping.is_empty() && !known(&of.cursor) {
        let found = format!(
            "each of the {} rows is wrapped in {}",
            items.len(),
            pointer(&wrapping)
        );
        return Err(broken(found).fix(Some(Fix::Rows(of.response.rows.clone(), wrapping))));
    }
    let inner: Vec<&[u8]> = items
        .iter()
        .filter_map(|item| json::point(item, &of.response.row))
        .filter(|raw| raw.first() == Some(&b'{'))
        .collect();
    if inner.len() < items.len() {
        let found = format!("no object at {} of each row", pointer(&of.response.row));
        return Err(broken(found).fix(Some(Fix::Rows(of.response.rows.clone(), wrapping))));
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
        .filter_map(|row| value(row, &of.cursor))
        .collect();
    if values.len() < rows.len() {
        let count = format!(
            "{} of {}",
            rows.len() - values.len(),
            counted(rows.len(), "row")
        );
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
    let sample = sample.map_or_else(String::new, |raw| shown(raw));
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

/// Whether the declared columns take what came.
fn types(of: &Connection, rows: &[&[u8]], columns: &[Column<'_>]) -> Check {
    let format = &of.since.format;
    let top = columns.iter().filter(|column| column.path.len() == 1);
    let Some(declared) = &of.columns else {
        let all = top.map(|column| {
            let field = field(&column.path);
            let key = of.primary_key.contains(&field);
            (field, column.of_type(key, format))
        });
        let all: Vec<(Field, Type)> = all.collect();
        let found = format!("{}, taken as they come", counted(all.len(), "field"));
        return Check::ok("columns", found).fix(Some(Fix::Columns(all, true)));
    };
    let mut mended = Vec::new();
    let mut first = None;
    for (field, of_type) in declared {
        let key = of.primary_key.contains(field);
        let misfit = rows.iter().enumerate().find_map(|(number, row)| {
            let raw = value(row, field)?;
            let wanted = of_type.check(raw, key, format).err()?;
            Some(format!(
                "row {number}, {}: {wanted}, not {}",
                spelled(field),
                shown(raw)
            ))
        });
        if let Some(misfit) = misfit {
            first.get_or_insert(misfit);
            let column = columns.iter().find(|column| column.path == field.path);
            let fitting = column.map_or(Type::Json, |column| column.of_type(key, format));
            mended.push((field.clone(), fitting));
        }
    }
    if let Some(misfit) = first {
        let check = if of.reject_bad_rows {
            Check::warning("columns", misfit)
        } else {
            Check::broken("columns", misfit)
        };
        return check.fix(Some(Fix::Columns(mended, false)));
    }
    let absent = declared.iter().map(|(field, _)| field);
    let absent = absent.filter(|field| {
        rows.iter()
            .all(|row| json::point(row, &field.path).is_none())
    });
    let absent: Vec<Field> = absent.cloned().collect();
    if !absent.is_empty() {
        let all = top.map(|column| (field(&column.path), column.of_type(false, format)));
        return Check::warning(
            "columns",
            format!("declared, but in no row: {}", names(&absent)),
        )
        .fix(Some(Fix::Columns(all.collect(), true)));
    }
    let extra = top.filter(|column| {
        !declared
            .iter()
            .any(|(field, _)| field.path.first() == column.path.first())
    });
    let extra: Vec<Field> = extra.map(|column| field(&column.path)).collect();
    let found = format!("the types of {} fit", counted(declared.len(), "column"));
    Check::ok(
        "columns",
        match names(&extra) {
            extra if extra.is_empty() => found,
            extra => format!("{found}; CSV leaves out {extra}"),
        },
    )
}

/// Where the total and the offset are told, where the connection errs.
fn places(of: &Connection, answer: &Answer, rows: u64) -> Vec<Check> {
    let number = |place: &Option<Place>| match place.as_ref()? {
        Place::Body(path) => {
            json::point(find::whole(&answer.body), path).map(|raw| json::text(raw).into_owned())
        }
        Place::Header(name) => answer.response.header(name).map(str::to_owned),
    };
    let digits = |text: &str| {
        text.rsplit_once('/')
            .map_or(text, |(_, after)| after)
            .trim()
            .parse::<u64>()
            .is_ok()
    };
    let mut checks = Vec::new();
    for (clause, place, echo) in [
        ("total", &of.response.total, false),
        ("echo", &of.response.offset, true),
    ] {
        let told = number(place);
        if told.as_deref().is_some_and(digits) {
            continue;
        }
        let guess = if echo {
            guess::echo(&answer.body)
        } else {
            guess::total(&answer.body, &answer.response, rows, of.page_size)
        };
        let fix = if echo {
            Fix::Echo(guess)
        } else {
            Fix::Total(guess)
        };
        let told = told.filter(|told| told != "null" && told != "*");
        checks.push(
            match (told, &fix) {
                (Some(told), _) => {
                    Check::broken(clause, format!("it is no number: {}", excerpt(&told)))
                }
                (None, Fix::Total(Some(_))) => {
                    Check::warning(clause, "none where the connection says, but one is there")
                }
                (None, Fix::Total(None)) => {
                    Check::ok(clause, "none told: a sync ends at a page with nothing new")
                }
                (None, _) => Check::ok(clause, "the offset is not told"),
            }
            .fix(Some(fix)),
        );
    }
    checks
}

/// A field's value, null counting as missing.
fn value<'a>(row: &'a [u8], field: &Field) -> Option<&'a [u8]> {
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

fn names(fields: &[Field]) -> String {
    fields.iter().map(spelled).collect::<Vec<_>>().join(", ")
}

fn candidates(fields: &[Field], what: &str) -> String {
    match fields {
        [] => format!("; no {what}"),
        some => format!("; {what}: {}", names(&some[..some.len().min(NAMED)])),
    }
}

/// A number with its noun.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
