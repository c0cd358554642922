//! Random histories of versions over random files and formats.

use std::collections::BTreeSet;

use crate::support::table::Random;
use crate::support::versions::{Plain, csv_rows, latest, plain};
use crate::support::{Scratch, files};
use crate::{compact, folder, print};

/// What a history may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mix {
    /// NDJSON alone, with numbers as keys beside strings.
    Ndjson,
    Csv,
    /// Both, with strings as keys.
    Both,
    /// Both, with numbers as keys.
    Numbers,
}

const STRINGS: [&str; 8] = [
    r#""1""#,
    r#""\u0031""#,
    r#""2""#,
    r#""a,b""#,
    r#""say \"hi\"""#,
    r#""two\nlines\r\n""#,
    r#""é\\""#,
    r#""1\" ,""#,
];
const NUMBERS: [&str; 4] = ["1", "2", "-3", "123456789012345678901234567890"];
const VALUES: [&str; 10] = [
    "null",
    r#""""#,
    r#""plain""#,
    r#""a \"quote\", a comma""#,
    r#""line\nbreak""#,
    r#""\u00e9\ud83d\ude00\t""#,
    "123456789012345678901234567890.10",
    "-0.50e3",
    NESTED,
    "true",
];
const NESTED: &str = r#"{"b": [1,"x, y"],"a":{}}"#;
const NAMES: [&str; 4] = ["name", "n\\u00f6te", "a,b", "big"];

/// A version: its key, as JSON, and its line.
struct Version {
    key: Vec<String>,
    line: String,
    plain: Plain,
}

fn version(random: &mut Random, mix: Mix, key: &[&str], seq: &mut u64) -> Version {
    let value = |random: &mut Random| match mix {
        Mix::Numbers => random.pick(&NUMBERS),
        Mix::Ndjson if random.below(3) == 0 => random.pick(&NUMBERS),
        _ => random.pick(&STRINGS),
    };
    let keys: Vec<&str> = key.iter().map(|_| value(random)).collect();
    let mut members: Vec<String> = key
        .iter()
        .zip(&keys)
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    for name in NAMES {
        if random.below(3) > 0 {
            members.push(format!("\"{name}\": {}", random.pick(&VALUES)));
        }
    }
    if random.below(4) > 0 {
        // Now and then a number that is older than those before it.
        *seq += 1 + random.below(2) as u64;
        let back = if random.below(5) == 0 {
            random.below(4) as u64
        } else {
            0
        };
        members.push(format!("\"_seq\":{}", seq.saturating_sub(back)));
    }
    match random.below(6) {
        0 => members.push("\"_deleted\":true".into()),
        1 => members.push("\"_deleted\":false".into()),
        _ => {}
    }
    if random.below(3) == 0 {
        members.reverse();
    }
    let blank = if random.below(4) == 0 { " " } else { "" };
    let line = format!("{{{blank}{}{blank}}}", members.join(","));
    let keys = keys
        .iter()
        .map(|value| match (mix, value.strip_prefix('"')) {
            (Mix::Ndjson, Some(_)) => format!("\"{}", text_of(value)),
            (_, Some(_)) => text_of(value),
            (_, None) => (*value).to_owned(),
        });
    Version {
        key: keys.collect(),
        plain: compacted(plain(&line)),
        line,
    }
}

fn text_of(json: &str) -> String {
    serde_json::from_str(json).unwrap()
}

/// With nested values as CSV has them.
fn compacted(mut row: Plain) -> Plain {
    for text in row.values_mut().filter(|text| *text == NESTED) {
        *text = NESTED.replacen(' ', "", 1);
    }
    row
}

fn csv_file(random: &mut Random, versions: &[Version], key: &[&str]) -> Vec<u8> {
    let mut names: Vec<String> = key.iter().map(|name| (*name).to_owned()).collect();
    let met: BTreeSet<&String> = versions
        .iter()
        .flat_map(|version| version.plain.keys())
        .collect();
    names.extend(
        met.into_iter()
            .filter(|name| !key.contains(&name.as_str()))
            .cloned(),
    );
    if random.below(2) == 0 {
        names.reverse();
    }
    let mut writer = csv::WriterBuilder::new();
    if random.below(3) == 0 {
        writer.terminator(csv::Terminator::CRLF);
    }
    let mut writer = writer.from_writer(Vec::new());
    writer.write_record(&names).unwrap();
    for version in versions {
        let cells = names
            .iter()
            .map(|name| version.plain.get(name).map_or("", String::as_str));
        writer.write_record(cells).unwrap();
    }
    let mut bytes = writer.into_inner().unwrap();
    if random.below(4) == 0 {
        bytes.splice(0..0, *b"\xEF\xBB\xBF");
    }
    bytes
}

fn ndjson_file(random: &mut Random, versions: &[Version]) -> Vec<u8> {
    let end = random.pick(&["\n", "\n", "\r\n", "\n\n"]);
    let mut text: String = versions
        .iter()
        .map(|version| version.line.clone() + end)
        .collect();
    if random.below(4) == 0 {
        text.insert(0, '\u{FEFF}');
    }
    if random.below(4) == 0 {
        text.truncate(text.trim_end().len());
    }
    text.into_bytes()
}

/// A folder with a history, and its versions.
fn history(random: &mut Random, mix: Mix, key: &[&str]) -> (Scratch, Vec<Version>) {
    let dir = folder(key);
    let (mut all, mut seq) = (Vec::new(), 0);
    for number in 0..1 + random.below(5) {
        let count = random.below(8);
        let versions: Vec<Version> = (0..count)
            .map(|_| version(random, mix, key, &mut seq))
            .collect();
        let csv = match mix {
            Mix::Ndjson => false,
            Mix::Csv => true,
            _ => random.below(2) == 0,
        };
        let stem = format!("user-20260101T{number:06}Z");
        match csv {
            true => dir.write(&format!("{stem}.csv"), csv_file(random, &versions, key)),
            false => dir.write(&format!("{stem}.ndjson"), ndjson_file(random, &versions)),
        };
        all.extend(versions);
    }
    // None of these is a finished file of the table.
    for name in [
        "user-20270101T000000Z.rejected.ndjson",
        "user-20270101T000000Z.ndjson.abandoned",
        "users-20270101T000000Z.ndjson",
    ] {
        dir.write(name, "{\"id\":\"1\"}\n");
    }
    (dir, all)
}

fn try_one(seed: u64, mix: Mix) {
    let random = &mut Random::new(seed);
    let key: &[&str] = if random.below(3) == 0 {
        &["id", "part"]
    } else {
        &["id"]
    };
    let (dir, versions) = history(random, mix, key);
    let place = format!("{mix:?}, seed {seed}, {}", dir.path().display());
    let plains: Vec<Plain> = versions
        .iter()
        .map(|version| version.plain.clone())
        .collect();
    let rows = latest(&plains, |at, _| versions[at].key.clone());
    let wanted: Vec<Plain> = rows.iter().map(|at| plains[*at].clone()).collect();

    let ndjson = print(&dir, &[]).unwrap_or_else(|error| panic!("{place}: {error}"));
    let csv = print(&dir, &["--format=csv"]).unwrap();
    assert_eq!(csv_rows(csv.as_bytes()), wanted, "{place}");
    if mix == Mix::Ndjson {
        let lines: String = rows
            .iter()
            .map(|at| versions[*at].line.clone() + "\n")
            .collect();
        assert_eq!(ndjson, lines, "{place}");
    } else {
        let lines = ndjson.lines().map(|line| compacted(plain(line)));
        assert_eq!(lines.collect::<Vec<_>>(), wanted, "{place}");
    }

    if seed.is_multiple_of(6) {
        try_compact(&dir, mix, rows.len(), &place);
    }
}

/// Compacts a history, which its prints must not show.
fn try_compact(dir: &Scratch, mix: Mix, rows: usize, place: &str) {
    let [ndjson, csv] = [&[][..], &["--format=csv"]].map(|flags| print(dir, flags).unwrap());
    let done = match compact(dir, &[]) {
        Ok(done) => done,
        Err(error) => {
            // Without a row of NDJSON it is unknown what keys are.
            assert!(mix != Mix::Ndjson && mix != Mix::Csv, "{place}: {error}");
            assert!(
                error.to_string().contains("numbers or strings"),
                "{place}: {error}"
            );
            compact(dir, &["--format=csv"]).unwrap()
        }
    };
    assert_eq!(done.rows as usize, rows, "{place}");
    let left = files(dir.path());
    let is_finished = |name: &&String| name.starts_with("user-2026");
    let left: Vec<&String> = left.iter().filter(is_finished).collect();
    let most = if done.replaced == 0 { 1 } else { rows.min(1) };
    assert!(left.len() <= most, "{place}: {left:?}");
    let same = done.replaced == 0
        || done
            .file
            .as_ref()
            .is_none_or(|name| name.ends_with(".ndjson"));
    if same {
        assert_eq!(print(dir, &[]).unwrap(), ndjson, "{place}");
    }
    assert_eq!(print(dir, &["--format=csv"]).unwrap(), csv, "{place}");
    let again = compact(dir, &[]).unwrap();
    assert_eq!((again.file, again.replaced), (None, 0), "{place}");
}

#[test]
fn the_table_is_that_of_the_model_in_ndjson() {
    (0..400).for_each(|seed| try_one(seed, Mix::Ndjson));
}

#[test]
fn the_table_is_that_of_the_model_in_csv() {
    (0..300).for_each(|seed| try_one(seed, Mix::Csv));
}

#[test]
fn the_table_is_that_of_the_model_in_both() {
    (0..300).for_each(|seed| try_one(seed, Mix::Both));
}

#[test]
fn the_table_is_that_of_the_model_in_both_with_numbers_as_keys() {
    (0..300).for_each(|seed| try_one(seed, Mix::Numbers));
}
