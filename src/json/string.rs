//! JSON's strings: where they end, and the text that they stand for.

use std::borrow::Cow;

use super::{ENDED, Fault, HALF, expect};

/// The position after the string that starts at `at` with its quote.
///
/// # Errors
/// Where it is no valid string.
#[inline]
pub fn string(text: &[u8], at: usize) -> Result<usize, Fault> {
    let mut at = at + 1;
    loop {
        at = plain(text, at);
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(text, at)?,
            Some(_) => return Fault::new(at, "a control character inside a string"),
            None => return Fault::new(text.len(), ENDED),
        }
    }
}

/// A one in each byte.
const ONES: u64 = u64::MAX / 255;

/// The first byte from `at` on that ends a run of plain text in a string: a
/// quote, a backslash or a control character. Looks at eight bytes at once.
#[inline]
fn plain(text: &[u8], mut at: usize) -> usize {
    while let Some(Ok(eight)) = text.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(eight);
        // With this bit turned a quote, 0x22, stands right above the control
        // characters and the blank two above them.
        let quote = word ^ (ONES * 0x02);
        let slash = word ^ (ONES * u64::from(b'\\'));
        // A byte's top bit is set where the byte was below 0x21, or zero;
        // borrows spoil only the bytes after the first such one.
        let hits = (quote.wrapping_sub(ONES * 0x21) | slash.wrapping_sub(ONES)) & !word;
        let hits = hits & (ONES * 0x80);
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = text.get(at) {
        if *byte < 0x20 || *byte == b'"' || *byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// Whether a text holds each of these ASCII bytes. Looks at eight at once.
#[inline]
pub fn holds<const N: usize>(text: &[u8], wanted: [u8; N]) -> [bool; N] {
    let mut hits = [0; N];
    let mut look = |eight: u64| {
        for (hits, wanted) in hits.iter_mut().zip(wanted) {
            // The byte that is looked for becomes zero here, and the borrow
            // sets its top bit.
            let word = eight ^ (ONES * u64::from(wanted));
            *hits |= word.wrapping_sub(ONES) & !word;
        }
    };
    match text.last_chunk() {
        Some(last) => {
            let (words, _) = text.as_chunks();
            words
                .iter()
                .for_each(|eight| look(u64::from_le_bytes(*eight)));
            look(u64::from_le_bytes(*last));
        }
        None => look(
            text.iter()
                .fold(u64::MAX, |word, byte| word << 8 | u64::from(*byte)),
        ),
    }
    hits.map(|hits| hits & (ONES * 0x80) != 0)
}

fn escape(text: &[u8], at: usize) -> Result<usize, Fault> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let unit = hex(text, at + 2)?;
            match unit {
                0xD800..=0xDBFF => {
                    let next = expect(text, at + 6, b'\\', HALF)?;
                    let next = expect(text, next, b'u', HALF)?;
                    match hex(text, next)? {
                        0xDC00..=0xDFFF => Ok(next + 4),
                        _ => Fault::new(at, HALF),
                    }
                }
                0xDC00..=0xDFFF => Fault::new(at, HALF),
                _ => Ok(at + 6),
            }
        }
        Some(_) => Fault::new(at, "an unknown escape inside a string"),
        None => Fault::new(text.len(), ENDED),
    }
}

fn hex(text: &[u8], at: usize) -> Result<u32, Fault> {
    let mut unit = 0;
    for place in at..at + 4 {
        let Some(byte) = text.get(place) else {
            return Fault::new(text.len(), ENDED);
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Fault::new(place, "a \\u escape takes four hexadecimal digits");
        };
        unit = unit * 16 + digit;
    }
    Ok(unit)
}

/// The text of a string that the scanner has passed, given as it stands between
/// its quotes.
pub fn unescape(inner: &[u8]) -> Cow<'_, str> {
    if !inner.contains(&b'\\') {
        return String::from_utf8_lossy(inner);
    }
    let mut out = Vec::new();
    pieces(inner, |piece| out.extend_from_slice(piece));
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Gives the text of a string that the scanner has passed, piece by piece: what
/// stands there without escapes, and every escape's character by itself.
#[inline]
pub fn pieces(inner: &[u8], mut each: impl FnMut(&[u8])) {
    let mut rest = inner;
    loop {
        let (run, escape) = rest.split_at(plain(rest, 0));
        each(run);
        let [_, escape, after @ ..] = escape else {
            return each(escape);
        };
        rest = after;
        let byte = match escape {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = hex(rest, 0).unwrap_or(0xFFFD);
                rest = rest.get(4..).unwrap_or_default();
                if let 0xD800..=0xDBFF = unit {
                    let low = hex(rest, 2).unwrap_or(0xDC00);
                    rest = rest.get(6..).unwrap_or_default();
                    unit = 0x10000 + ((unit - 0xD800) << 10) + low.wrapping_sub(0xDC00);
                }
                let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                each(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => *other,
        };
        each(&[byte]);
    }
}
