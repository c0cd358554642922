//! Where values end that are not valid JSON, so that a row with a fault is set
//! aside as a whole and the rows after it are read. It goes only by quotes and
//! brackets, to any depth, and refuses texts in which these do not match.

use super::{Span, expect, index, space, unescape};

/// The end of whatever stands at `at`: a string, something in brackets, or a
/// word up to what ends one. `None` where the text ends before it does.
#[must_use]
pub fn skip(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string(text, at),
        b'{' | b'[' => brackets(text, at),
        b',' | b']' | b'}' | b':' => None,
        _ => {
            let ends =
                |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
            Some(at + text[at..].iter().position(ends)?)
        }
    }
}

fn string(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn brackets(text: &[u8], mut at: usize) -> Option<usize> {
    let mut open = Vec::new();
    loop {
        match text.get(at)? {
            b'"' => {
                at = string(text, at)?;
                continue;
            }
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            byte @ (b'}' | b']') => {
                if open.pop() != Some(*byte) {
                    return None;
                }
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// What a JSON pointer's tokens lead to inside `raw`, as
/// [`point`](super::point) does it, but whatever else stands there. `None`
/// also where a key on the way is there twice.
#[must_use]
pub fn point<'a>(raw: &'a [u8], tokens: &[String]) -> Option<&'a [u8]> {
    let mut raw = raw;
    for token in tokens {
        let found = match raw.first()? {
            b'{' => member(raw, token),
            b'[' => element(raw, index(token)?),
            _ => None,
        };
        raw = found?.of(raw);
    }
    Some(raw)
}

/// The value of an object's only member of this name.
fn member(raw: &[u8], name: &str) -> Option<Span> {
    let (mut at, mut found) = (space(raw, 1), None);
    while raw.get(at) == Some(&b'"') {
        let end = string(raw, at)?;
        let key = unescape(raw.get(at + 1..end - 1)?);
        let start = space(raw, expect(raw, space(raw, end), b':', "").ok()?);
        let end = skip(raw, start)?;
        if key == name && found.replace(Span::new(start, end)).is_some() {
            return None;
        }
        at = after_comma(raw, end)?;
    }
    (raw.get(at) == Some(&b'}')).then_some(found)?
}

/// A list's element.
#[must_use]
pub fn element(raw: &[u8], index: usize) -> Option<Span> {
    let mut at = space(raw, 1);
    for _ in 0..index {
        at = after_comma(raw, skip(raw, at)?)?;
    }
    Some(Span::new(at, skip(raw, at)?))
}

/// The next thing after a value: what follows its comma, or the bracket that
/// follows it.
fn after_comma(raw: &[u8], at: usize) -> Option<usize> {
    let at = space(raw, at);
    match raw.get(at)? {
        b',' => Some(space(raw, at + 1)),
        b'}' | b']' => Some(at),
        _ => None,
    }
}
