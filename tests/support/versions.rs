//! A table out of its files by the plainest means: all versions in memory, sorted.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A row's fields as texts, without those that are null or empty, which CSV cannot
/// tell from one another.
pub type Plain = BTreeMap<String, String>;

/// The fields of a row of NDJSON as texts: numbers and nested values as they stand.
pub fn plain(line: &str) -> Plain {
    let row: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).unwrap();
    let text = |raw: &RawValue| match raw.get() {
        "null" => String::new(),
        text if text.starts_with('"') => serde_json::from_str(text).unwrap(),
        other => other.to_owned(),
    };
    let texts = row.iter().map(|(name, raw)| (name.clone(), text(raw)));
    texts.filter(|(_, text)| !text.is_empty()).collect()
}

/// The rows of an NDJSON file.
pub fn ndjson_rows(bytes: &[u8]) -> Vec<Plain> {
    std::str::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(plain)
        .collect()
}

/// The rows of a CSV file.
pub fn csv_rows(bytes: &[u8]) -> Vec<Plain> {
    let mut reader = csv::Reader::from_reader(bytes);
    let names = reader.headers().unwrap().clone();
    let named = |record: csv::StringRecord| -> Plain {
        let fields = names.iter().zip(record.iter());
        let texts = fields.map(|(name, text)| (name.to_owned(), text.to_owned()));
        texts.filter(|(_, text)| !text.is_empty()).collect()
    };
    reader
        .records()
        .map(|record| named(record.unwrap()))
        .collect()
}

/// The rows of the finished files among these, by name and content, oldest first.
pub fn versions<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<Plain> {
    let mut files: Vec<_> = files
        .filter(|(name, _)| name.starts_with("user-"))
        .collect();
    files.sort();
    let rows = files
        .into_iter()
        .map(|(name, bytes)| match name.split_once('.').unwrap().1 {
            "ndjson" => ndjson_rows(bytes),
            "csv" => csv_rows(bytes),
            _ => Vec::new(),
        });
    rows.flatten().collect()
}

/// Which of the versions are the table's rows, in their order. Of two versions of a
/// key the one with the larger `_seq` is the later; one without stands with the
/// largest that was before it, and where these are the same the last one counts.
pub fn latest<T: Eq + Ord>(versions: &[Plain], key: impl Fn(usize, &Plain) -> T) -> Vec<usize> {
    let mut largest = 0;
    let mut latest: BTreeMap<T, (u64, usize)> = BTreeMap::new();
    for (at, row) in versions.iter().enumerate() {
        let own = row.get("_seq").map(|seq| seq.parse::<u64>().unwrap());
        largest = largest.max(own.unwrap_or(0));
        let place = (own.unwrap_or(largest), at);
        let best = latest.entry(key(at, row)).or_insert(place);
        *best = place.max(*best);
    }
    let is_row = |at: &usize| {
        versions[*at]
            .get("_deleted")
            .is_none_or(|gone| gone != "true")
    };
    let mut rows: Vec<usize> = latest
        .into_values()
        .map(|(_, at)| at)
        .filter(is_row)
        .collect();
    rows.sort_unstable();
    rows
}
