//! A strict scanner for RFC 8259 that finds values without building them: rows
//! are written from the bytes in which they came, with their digits and
//! escapes. It refuses what serde_json refuses (lone surrogates and deep
//! nesting included), but it takes numbers that no float can hold. It keeps
//! nothing between calls. The text must be valid UTF-8.

pub mod lenient;
mod string;

use std::borrow::Cow;

pub use string::{holds, pieces, string, unescape};

/// How deep values may be nested; serde_json has the same limit.
pub const MAX_DEPTH: usize = 127;

/// Where a value is in its text, in bytes; the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// A span. The body limit keeps texts far below 4 GiB.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// Where `part`, which must be a part of `text`, is in it.
    pub fn within(text: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        Self::new(start, start + part.len())
    }

    /// How many bytes it spans.
    #[inline]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it has no bytes.
    pub fn is_empty(self) -> bool {
        self.end == self.start
    }

    /// The bytes of the span; none where it does not belong to `text`.
    #[inline]
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The byte where the text stops being JSON.
    pub at: usize,
    /// What is wrong at that byte.
    pub what: &'static str,
}

impl Fault {
    fn new<T>(at: usize, what: &'static str) -> Result<T, Self> {
        Err(Self { at, what })
    }

    /// Whether the text ended too soon, as one that was cut off does.
    pub fn is_end(&self) -> bool {
        self.what == ENDED
    }
}

/// What is wrong with a string that holds half of a character.
pub const HALF: &str = "half a surrogate pair";

const ENDED: &str = "the text ends in the middle of a value";

/// The position after any whitespace.
#[inline]
pub fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The position after `byte`, which must be at `at`.
///
/// # Errors
/// Where another byte stands there, or none.
#[inline]
pub fn expect(text: &[u8], at: usize, byte: u8, what: &'static str) -> Result<usize, Fault> {
    match text.get(at) {
        Some(found) if *found == byte => Ok(at + 1),
        Some(_) => Fault::new(at, what),
        None => Fault::new(at, ENDED),
    }
}

/// The position after the value that starts at `at`, which is `depth` levels
/// deep.
///
/// # Errors
/// Where no valid value stands there.
#[inline]
pub fn value(text: &[u8], at: usize, depth: usize) -> Result<usize, Fault> {
    match text.get(at) {
        Some(b'"') => string(text, at),
        Some(b'{') => members(text, at, depth, &mut |text, _, start| {
            value(text, start, depth + 1)
        }),
        Some(b'[') => elements(text, at, depth, &mut |text, start| {
            value(text, start, depth + 1)
        }),
        Some(b'-' | b'0'..=b'9') => number(text, at),
        Some(b't') => word(text, at, b"true"),
        Some(b'f') => word(text, at, b"false"),
        Some(b'n') => word(text, at, b"null"),
        Some(_) => Fault::new(at, "no value starts with this"),
        None => Fault::new(at, ENDED),
    }
}

fn word(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    let rest = text.get(at..).unwrap_or_default();
    if rest.starts_with(word) {
        Ok(at + word.len())
    } else if word.starts_with(rest) {
        Fault::new(text.len(), ENDED)
    } else {
        Fault::new(at, "neither true, false nor null")
    }
}

/// Walks the object at `at`; `each` gets every key's span (without its
/// quotes) and the position of its value, and answers where that ends.
///
/// # Errors
/// Where it is no object, and what `each` answers.
#[inline]
pub fn members<E: From<Fault>>(
    text: &[u8],
    at: usize,
    depth: usize,
    each: &mut impl FnMut(&[u8], Span, usize) -> Result<usize, E>,
) -> Result<usize, E> {
    let mut at = enter(text, at, depth, b'{')?;
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        if text.get(at) != Some(&b'"') {
            expect(text, at, b'"', "an object's key must be a string")?;
        }
        let end = string(text, at)?;
        let key = Span::new(at + 1, end - 1);
        at = expect(text, space(text, end), b':', "no colon after the key")?;
        at = each(text, key, space(text, at))?;
        at = space(text, at);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        at = space(
            text,
            expect(text, at, b',', "neither a comma nor the object's end")?,
        );
    }
}

/// Walks the array at `at`; `each` gets the position of every element and
/// answers where it ends.
///
/// # Errors
/// Where it is no array, and what `each` answers.
pub fn elements<E: From<Fault>>(
    text: &[u8],
    at: usize,
    depth: usize,
    each: &mut impl FnMut(&[u8], usize) -> Result<usize, E>,
) -> Result<usize, E> {
    let mut at = enter(text, at, depth, b'[')?;
    if text.get(at) == Some(&b']') {
        return Ok(at + 1);
    }
    loop {
        at = space(text, each(text, at)?);
        if text.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        at = space(
            text,
            expect(text, at, b',', "neither a comma nor the array's end")?,
        );
    }
}

/// The position of the first byte of content inside the brackets that open at
/// `at`.
///
/// # Errors
/// Where `open` is not there, or is nested too deep.
pub fn enter(text: &[u8], at: usize, depth: usize, open: u8) -> Result<usize, Fault> {
    if depth >= MAX_DEPTH {
        return Fault::new(at, "values nest deeper than 127 levels");
    }
    let what = if open == b'{' {
        "not an object"
    } else {
        "not a list"
    };
    Ok(space(text, expect(text, at, open, what)?))
}

fn number(text: &[u8], at: usize) -> Result<usize, Fault> {
    let digits = |mut at: usize| -> Result<usize, Fault> {
        match text.get(at) {
            Some(b'0'..=b'9') => {}
            Some(_) => return Fault::new(at, "a digit is missing"),
            None => return Fault::new(at, ENDED),
        }
        while let Some(b'0'..=b'9') = text.get(at) {
            at += 1;
        }
        Ok(at)
    };
    let mut at = at + usize::from(text.get(at) == Some(&b'-'));
    let start = at;
    at = digits(at)?;
    if text.get(start) == Some(&b'0') && at > start + 1 {
        return Fault::new(start, "a number with a leading zero");
    }
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at = digits(at + 1 + sign)?;
    }
    Ok(at)
}

/// The text of a scalar: that of a string without its escapes, the digits of a
/// number, or a word.
pub fn text(raw: &[u8]) -> Cow<'_, str> {
    match raw {
        [b'"', inner @ .., b'"'] => unescape(inner),
        _ => String::from_utf8_lossy(raw),
    }
}

/// Appends a valid value without the whitespace between its tokens.
pub fn compact(raw: &[u8], out: &mut Vec<u8>) {
    if !matches!(raw.first(), Some(b'{' | b'[')) {
        return out.extend_from_slice(raw);
    }
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        let end = match byte {
            b'"' => string(raw, at).unwrap_or(raw.len()),
            _ => at + 1,
        };
        if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            out.extend_from_slice(&raw[at..end]);
        }
        at = end;
    }
}

/// What a JSON pointer's tokens (RFC 6901, unescaped) lead to inside the
/// valid value `raw`, itself where there are none.
pub fn point<'a>(raw: &'a [u8], tokens: &[String]) -> Option<&'a [u8]> {
    let mut raw = raw;
    for token in tokens {
        let mut found = None;
        match raw.first()? {
            b'{' => {
                _ = members::<Fault>(raw, 0, 0, &mut |text, key, at| {
                    let end = value(text, at, 1)?;
                    if unescape(key.of(text)) == token.as_str() {
                        found = Some(Span::new(at, end));
                    }
                    Ok(end)
                });
            }
            b'[' => {
                let mut left = index(token)?;
                _ = elements::<Fault>(raw, 0, 0, &mut |text, at| {
                    let end = value(text, at, 1)?;
                    if left == 0 {
                        found.get_or_insert(Span::new(at, end));
                    }
                    left = left.wrapping_sub(1);
                    Ok(end)
                });
            }
            _ => return None,
        }
        raw = found?.of(raw);
    }
    Some(raw)
}

/// An index as RFC 6901 writes it: without a sign, without a leading zero.
pub(crate) fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || token.starts_with(|c: char| matches!(c, '1'..='9'));
    plain.then(|| token.parse().ok())?
}

/// The kind of a value, for messages.
pub fn kind(raw: &[u8]) -> &'static str {
    match raw.first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}
