//! Guessing by names and values which field is the key, which the timestamp,
//! and where the total and the offset stand. It proposes; nothing is decided
//! here.

use crate::config::{Field, Place};
use crate::exchange::Response;
use crate::json;
use crate::timestamp::{self, Format};

use super::find::{Column, DEPTH, is_scalar, members, whole};
use super::fix::field;

/// How a timestamp is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// RFC 3339, with its offset from UTC.
    Rfc,
    /// A date and clock without an offset.
    Naive,
    /// A date.
    Date,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// How a value is spelled, if it is a timestamp. Digits are one only where
/// the field's name speaks of time.
pub(super) fn stamp(raw: &[u8], name: &str) -> Option<Stamp> {
    let text = json::text(raw);
    if raw.first() == Some(&b'"') {
        if timestamp::parse(&text).is_some() {
            return Some(Stamp::Rfc);
        }
        if timestamp::naive(&text).is_some() {
            return Some(Stamp::Naive);
        }
        if timestamp::is_date(&text) {
            return Some(Stamp::Date);
        }
    }
    const WORDS: [&str; 10] = [
        "updated", "modified", "changed", "created", "time", "date", "_at", "_ts", "stamp", "epoch",
    ];
    let timely = name == "ts" || WORDS.iter().any(|word| name.contains(word));
    let digits: f64 = text.parse().ok().filter(|_| is_scalar(raw) && timely)?;
    match digits {
        // 1990 to 2100
        6.3e8..4.2e9 => Some(Stamp::Unix),
        6.3e11..4.2e12 => Some(Stamp::UnixMs),
        _ => None,
    }
}

/// Fields that could tell `rows` rows apart, the likeliest first.
pub(super) fn keys(columns: &[Column<'_>], rows: usize) -> Vec<Field> {
    let rank = |column: &Column<'_>| {
        let name = column.name();
        Some(match &*name {
            // What stays the same while `id` changes with each version.
            "documentid" => 0,
            "id" => 1,
            "_id" | "uuid" | "guid" | "sys_id" | "key" | "pk" | "@id" | "gid" => 2,
            _ if name.ends_with("id") || name.ends_with("key") => 3,
            "number" | "code" | "slug" | "email" | "href" => 4,
            _ if column.stamp().is_some() => return None,
            _ if column.values.iter().any(|value| is_fraction(value)) => return None,
            _ => 5,
        })
    };
    let unique = columns
        .iter()
        .filter(|column| column.fills(rows) && column.is_unique());
    let mut found: Vec<_> = unique
        .filter_map(|column| Some((column.path.len(), rank(column)?, field(&column.path))))
        .collect();
    found.sort_by_key(|(depth, rank, _)| (*rank, *depth));
    // A nested object's own id names something else.
    found.sort_by_key(|(depth, rank, _)| *depth > 1 && *rank > 1);
    found.into_iter().map(|(_, _, field)| field).collect()
}

fn is_fraction(raw: &[u8]) -> bool {
    raw.first() != Some(&b'"') && raw.contains(&b'.')
}

/// Fields whose values are timestamps in each of `rows` rows, those first
/// that are called as if they told of changes.
pub(super) fn cursors(columns: &[Column<'_>], rows: usize) -> Vec<(Field, Stamp)> {
    let rank = |column: &Column<'_>| {
        let name = column.name();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["updat", "modif", "chang", "edited", "mtime", "lastmod"]) {
            0
        } else if has(&[
            "creat", "insert", "publish", "birth", "expire", "due", "delet", "start", "end",
        ]) {
            2
        } else {
            1
        }
    };
    let full = columns.iter().filter(|column| column.fills(rows));
    let mut found: Vec<_> = full
        .filter_map(|column| Some((rank(column), column, column.stamp()?)))
        .collect();
    // Of two spellings of one time that in UTC is no guess.
    let local = |column: &Column<'_>| {
        let name = column.name();
        !(name.ends_with("gmt") || name.ends_with("utc"))
    };
    found.sort_by_key(|(rank, column, _)| (*rank, local(column), column.path.len()));
    found
        .into_iter()
        .map(|(_, column, stamp)| (field(&column.path), stamp))
        .collect()
}

/// A `since.format` that reads and writes all these values, which have no
/// offset from UTC.
pub(super) fn format_of(values: &[&[u8]]) -> Option<String> {
    let texts: Vec<String> = values
        .iter()
        .map(|raw| json::text(raw).into_owned())
        .collect();
    if texts.iter().all(|text| timestamp::is_date(text)) {
        return Some("date".to_owned());
    }
    let between = if texts.first()?.contains('T') {
        'T'
    } else {
        ' '
    };
    let stem = format!("[year]-[month]-[day]{between}[hour]:[minute]:[second]");
    let endings = [
        "",
        ".[subsecond digits:3]",
        ".[subsecond digits:6]",
        ".[subsecond]",
    ];
    let writes = |text: &String| {
        Format::new(text).is_ok_and(|format| {
            texts.iter().all(|text| {
                format
                    .read(text, false)
                    .is_some_and(|at| format.spell("", at) == *text)
            })
        })
    };
    let all: Vec<String> = endings
        .iter()
        .map(|ending| format!("{stem}{ending}"))
        .collect();
    let naive = texts.iter().all(|text| timestamp::naive(text).is_some());
    let fitting = all.iter().find(|text| writes(text)).cloned();
    // Fractions of any length are read anyway, and a bound may be cut.
    fitting.or_else(|| all.into_iter().next().filter(|_| naive))
}

/// Where an answer tells how many rows there are: by the usual names, and a
/// number that can be it.
pub(super) fn total(body: &[u8], response: &Response, rows: u64, limit: u64) -> Option<Place> {
    const NAMES: [&str; 14] = [
        "total",
        "totalcount",
        "totalitems",
        "totalresults",
        "totalrecords",
        "totalrows",
        "totalelements",
        "recordstotal",
        "totalsize",
        "filtercount",
        "numfound",
        "nummatched",
        "hits",
        "count",
    ];
    for name in [
        "X-Total-Count",
        "X-Total",
        "Total-Count",
        "X-WP-Total",
        "Content-Range",
    ] {
        let value = response.header(name);
        let digits = value.map(|value| value.rsplit_once('/').map_or(value, |(_, total)| total));
        let number: Option<u64> = digits.and_then(|digits| digits.trim().parse().ok());
        if number.is_some_and(|number| number >= rows) {
            return Some(Place::Header(name.to_owned()));
        }
    }
    let mut best: Option<(usize, Vec<String>)> = None;
    for (path, number) in numbers(body) {
        let Some(rank) = rank_of(&NAMES, &path) else {
            continue;
        };
        // A count of what is on this page is none of what there is.
        let counts = NAMES.get(rank) != Some(&"count") || number > rows || rows < limit;
        if number >= rows && counts && best.as_ref().is_none_or(|(known, _)| rank < *known) {
            best = Some((rank, path));
        }
    }
    best.map(|(_, path)| Place::Body(path))
}

/// Where an answer repeats the offset 0 that it was asked for.
pub(super) fn echo(body: &[u8]) -> Option<Place> {
    const NAMES: [&str; 5] = ["offset", "skip", "startat", "start", "from"];
    let mut all = numbers(body).into_iter();
    let found = all.find(|(path, number)| *number == 0 && rank_of(&NAMES, path).is_some());
    found.map(|(path, _)| Place::Body(path))
}

fn rank_of(names: &[&str], path: &[String]) -> Option<usize> {
    let name = path
        .last()?
        .to_lowercase()
        .replace(['_', '-', '@', '.'], "");
    names.iter().position(|known| *known == name)
}

/// The whole numbers that stand outside of lists.
fn numbers(body: &[u8]) -> Vec<(Vec<String>, u64)> {
    fn look(raw: &[u8], path: &[String], to: &mut Vec<(Vec<String>, u64)>) {
        for (key, value) in members(raw) {
            let path = [path, &[key]].concat();
            match json::text(value).parse() {
                Ok(number) if is_scalar(value) => to.push((path, number)),
                _ if path.len() < DEPTH => look(value, &path, to),
                _ => {}
            }
        }
    }
    let mut all = Vec::new();
    look(whole(body), &[], &mut all);
    all
}
