//! From a body's bytes to text that can be read as JSON: a byte order mark is
//! taken off, declared Latin-1 becomes UTF-8, half of a surrogate pair becomes
//! U+FFFD, and bytes that are not UTF-8 are found. It refuses other charsets.

use crate::error::{Error, Result, excerpt};
use crate::exchange::Response;

/// What windows-1252 has where Latin-1 has control characters.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Takes off a byte order mark, and decodes the charset that the answer says
/// it has. JSON is UTF-8 whatever is declared (RFC 8259), so that text which
/// is valid UTF-8 is left as it is.
///
/// # Errors
/// [`crate::error::Kind::Contract`] for a charset that is not known.
pub fn prepare(body: &mut Vec<u8>, response: &Response) -> Result<()> {
    if body.starts_with(b"\xEF\xBB\xBF") {
        body.drain(..3);
    }
    let Some(charset) = response.header("content-type").and_then(charset) else {
        return Ok(());
    };
    let windows = match &*charset.to_ascii_lowercase() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => return Ok(()),
        "iso-8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "l1" => false,
        "windows-1252" | "cp1252" => true,
        _ => {
            // Plain letters are the same in nearly all charsets. An escape or a
            // NUL is the sign of a charset in which they are not.
            if body
                .iter()
                .all(|byte| (b'\t'..=b'~').contains(byte) && *byte != 0x1B)
            {
                return Ok(());
            }
            return Err(
                Error::contract(format!("the body is declared to be in the charset {:?}", excerpt(charset)))
                    .hint("UTF-8, ISO-8859-1 and windows-1252 can be read; can a header such as \"Accept-Charset\": \"utf-8\" in \"headers\" change it?"),
            );
        }
    };
    if std::str::from_utf8(body).is_ok() {
        return Ok(());
    }
    let decoded: String = body
        .iter()
        .map(|byte| match byte {
            0x80..=0x9F if windows => WINDOWS[usize::from(byte - 0x80)],
            byte => char::from(*byte),
        })
        .collect();
    *body = decoded.into_bytes();
    Ok(())
}

/// A media type's charset.
fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// Puts U+FFFD in the place of every half of a surrogate pair, which takes the
/// same six bytes, and answers where these are.
pub fn mend(body: &mut [u8]) -> Vec<u32> {
    let unit = |body: &[u8], at: usize| {
        let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut at, mut mended) = (0, Vec::new());
    while let Some(found) = body
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\\'))
    {
        at += found;
        match unit(body, at) {
            Some(0xD800..=0xDBFF) if matches!(unit(body, at + 6), Some(0xDC00..=0xDFFF)) => {
                at += 12
            }
            Some(0xD800..=0xDFFF) => {
                body[at..at + 6].copy_from_slice(b"\\ufffd");
                mended.push(at as u32);
                at += 6;
            }
            // The character behind a backslash may be a backslash itself.
            _ => at += 2,
        }
    }
    mended
}

/// Puts a question mark in the place of every byte that is not UTF-8, and
/// answers where these are.
pub fn blank(body: &mut [u8]) -> Vec<u32> {
    let (mut from, mut found) = (0, Vec::new());
    while let Err(error) = std::str::from_utf8(&body[from..]) {
        let at = from + error.valid_up_to();
        let length = error.error_len().unwrap_or(body.len() - at);
        body[at..at + length].fill(b'?');
        found.extend((at..at + length).map(|place| place as u32));
        from = at + length;
    }
    found
}
