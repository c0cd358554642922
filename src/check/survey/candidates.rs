//! Guessing by names and values which field is the key, which the timestamp,
//! and where the total and the offset stand. It proposes; nothing is decided
//! here.

use crate::config::{Field, Place};
use crate::exchange::Response;
use crate::json;

use super::fields::{Column, DEPTH};
use super::json::{is_scalar, members, whole};
use super::stamp::Stamp;
use crate::check::setting::field;

/// Fields that could tell `rows` rows apart, the likeliest first.
pub(in crate::check) fn keys(columns: &[Column<'_>], rows: usize) -> Vec<Field> {
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
pub(in crate::check) fn cursors(columns: &[Column<'_>], rows: usize) -> Vec<(Field, Stamp)> {
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
    // Where one time is written in two ways, the one in UTC is no guess.
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

/// Where an answer tells how many rows there are: by the usual names, and a
/// number that can be it.
pub(in crate::check) fn total(
    body: &[u8],
    response: &Response,
    rows: u64,
    limit: u64,
) -> Option<Place> {
    // The last of these count what is on the page as often as what there is.
    const LAST: usize = 15;
    const NAMES: [&str; 17] = [
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
        "numbermatched",
        "hits",
        "matched",
        "count",
        "items",
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
        let counts = rank < LAST || number > rows || rows < limit;
        if number >= rows && counts && best.as_ref().is_none_or(|(known, _)| rank < *known) {
            best = Some((rank, path));
        }
    }
    best.map(|(_, path)| Place::Body(path))
}

/// Where an answer repeats the offset 0 that it was asked for.
pub(in crate::check) fn echo(body: &[u8]) -> Option<Place> {
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
