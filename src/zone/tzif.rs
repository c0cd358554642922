//! The tz database's compiled files, RFC 9636: versions 1 to 4, of which only
//! the larger data block of the later ones is used. It refuses files that are
//! damaged, and those whose clocks count leap seconds (`right/…`).

use super::posix::Footer;
use super::{FURTHEST, Rules, Shift};

const HEADER: usize = 44;

/// A data block's counts, in the header's order.
struct Counts {
    isut: usize,
    isstd: usize,
    leap: usize,
    time: usize,
    kind: usize,
    chars: usize,
}

pub(super) fn parse(file: &[u8]) -> Result<Rules, String> {
    let (version, counts) = header(file)?;
    if version == 0 {
        return rules(&file[HEADER..], &counts, 4).map(|(rules, _)| rules);
    }
    let second = file.get(HEADER + length(&counts, 4)..).ok_or(SHORT)?;
    let (_, counts) = header(second)?;
    let (mut rules, rest) = rules(&second[HEADER..], &counts, 8)?;
    let rest = rest.strip_prefix(b"\n").ok_or(SHORT)?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(SHORT)?;
    let text = &rest[..end];
    let text = std::str::from_utf8(text).map_err(|_| "its rule is no text")?;
    if !text.is_empty() {
        let footer = Footer::parse(text);
        rules.footer = Some(footer.ok_or_else(|| format!("its rule {text:?} cannot be read"))?);
    }
    Ok(rules)
}

const SHORT: &str = "it is cut short";

fn header(file: &[u8]) -> Result<(u8, Counts), String> {
    let header = file.get(..HEADER).ok_or(SHORT)?;
    if !header.starts_with(b"TZif") {
        return Err("it is not of the tz database".into());
    }
    let count = |n: usize| number(&header[20 + 4 * n..24 + 4 * n]) as u32 as usize;
    let counts = Counts {
        isut: count(0),
        isstd: count(1),
        leap: count(2),
        time: count(3),
        kind: count(4),
        chars: count(5),
    };
    if [counts.time, counts.kind, counts.chars, counts.leap]
        .iter()
        .any(|count| *count > 1 << 20)
    {
        return Err(SHORT.into());
    }
    Ok((header[4], counts))
}

fn length(counts: &Counts, size: usize) -> usize {
    counts.time * (size + 1)
        + counts.kind * 6
        + counts.chars
        + counts.leap * (size + 4)
        + counts.isstd
        + counts.isut
}

/// Big-endian, with its sign.
fn number(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| *byte > 127);
    let start = if negative { -1 } else { 0 };
    bytes
        .iter()
        .fold(start, |number, byte| number << 8 | i64::from(*byte))
}

/// The rules of a data block, and what follows it.
fn rules<'a>(block: &'a [u8], counts: &Counts, size: usize) -> Result<(Rules, &'a [u8]), String> {
    let (block, rest) = block.split_at_checked(length(counts, size)).ok_or(SHORT)?;
    if counts.leap > 0 {
        return Err("it counts leap seconds, which no API does".into());
    }
    let (times, block) = block.split_at(counts.time * size);
    let (kinds, block) = block.split_at(counts.time);
    let offsets: Vec<i64> = block[..counts.kind * 6]
        .chunks_exact(6)
        .map(|kind| number(&kind[..4]))
        .collect();
    if offsets.iter().any(|offset| offset.abs() > FURTHEST) {
        return Err("its offsets are out of range".into());
    }
    let first = *offsets.first().ok_or("it holds no time type")?;
    let (mut before, mut shifts) = (first, Vec::<Shift>::new());
    for (time, kind) in times.chunks_exact(size).zip(kinds) {
        let at = number(time);
        let after = *offsets.get(usize::from(*kind)).ok_or(SHORT)?;
        if shifts.last().is_some_and(|last| last.at >= at) {
            return Err("its shifts are out of order".into());
        }
        // Also where only the name changes: the last one says where the
        // footer's rule begins.
        shifts.push(Shift { at, before, after });
        before = after;
    }
    let footer = None;
    Ok((
        Rules {
            first,
            shifts,
            footer,
        },
        rest,
    ))
}
