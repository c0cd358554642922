//! How a character is written in a text that is encoded: percent signs, the
//! escapes of JSON, and either of them over again, as where an API quotes an
//! answer of another one in its own.

/// How often a text may have been encoded.
const NESTED: usize = 4;

/// The length of a byte that is percent-encoded.
pub(super) fn percent(text: &[u8], byte: u8) -> Option<usize> {
    let pairs = text.get(1..)?.chunks_exact(2);
    for (before, pair) in pairs.take(NESTED).enumerate() {
        if hex(pair) == Some(u32::from(byte)) {
            return Some(3 + 2 * before);
        }
        if pair != b"25" {
            break;
        }
    }
    None
}

/// The length of a character that is escaped as in JSON. A string in a string
/// has more backslashes before what is escaped.
pub(super) fn escaped(text: &[u8], c: char) -> Option<usize> {
    if c == '\\' {
        let plain = || text.starts_with(b"\\").then_some(1);
        let pair = text.starts_with(br"\\").then_some(2);
        return pair.or_else(|| numbered(text, 1, c)).or_else(plain);
    }
    let run = text.iter().take(1 << NESTED);
    let run = run.take_while(|byte| **byte == b'\\').count();
    match text.get(run) {
        Some(b'u') => numbered(text, run, c),
        Some(letter) if Some(*letter) == short_escape(c) => Some(run + 1),
        _ => None,
    }
}

/// The length of a character that is written by its UTF-16 numbers, each behind
/// so many backslashes.
fn numbered(text: &[u8], run: usize, c: char) -> Option<usize> {
    let (mut rest, mut units) = (text, [0; 2]);
    for unit in c.encode_utf16(&mut units) {
        let (slashes, escape) = rest.split_at_checked(run)?;
        let (digits, after) = escape.strip_prefix(b"u")?.split_at_checked(4)?;
        let all = slashes.iter().all(|byte| *byte == b'\\');
        if !all || hex(digits) != Some(u32::from(*unit)) {
            return None;
        }
        rest = after;
    }
    Some(text.len() - rest.len())
}

fn short_escape(c: char) -> Option<u8> {
    Some(match c {
        '"' | '\\' | '/' => c as u8,
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => return None,
    })
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })
}
