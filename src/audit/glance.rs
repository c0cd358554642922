//! The shortest part of a line that tells whether two lines are the same: the
//! key, the number in the sequence, and the rest without what `--metadata`
//! adds. Most lines of the files are the very bytes that the walk brings, and
//! need no closer reading.

/// What `--metadata` adds begins with this text,
const SEQ: &[u8] = b",\"_seq\":";
/// goes on with this text,
const SYNCED_AT: &[u8] = b",\"_synced_at\":\"";
/// and has at most this length.
const TAIL: usize = 80;

/// A line without its last brace and what was added to the row; and the number
/// that was added.
pub(super) fn body(line: &[u8]) -> (&[u8], Option<u64>) {
    let from = line.len().saturating_sub(TAIL);
    let tail = line[from..].windows(SEQ.len());
    let added = tail.rev().position(|window| window == SEQ);
    let whole = line.strip_suffix(b"}").unwrap_or(line);
    let Some(added) = added else {
        return (whole, None);
    };
    let (body, tail) = line.split_at(line.len() - SEQ.len() - added);
    let tail = &tail[SEQ.len()..];
    let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = tail.split_at(digits);
    let seq = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    let time = rest
        .strip_prefix(SYNCED_AT)
        .and_then(|rest| rest.strip_suffix(b"\"}"));
    let plain = time.is_some_and(|time| !time.iter().any(|byte| matches!(byte, b'"' | b'\\')));
    match seq {
        Some(seq) if plain => (body, Some(seq)),
        _ => (whole, None),
    }
}

/// A key of one field that comes first in a line and is written without an
/// escape. None where the line has to be read as JSON, which includes lines in
/// which a field may say that the row is deleted.
pub(super) fn key<'a>(body: &'a [u8], lead: &[u8]) -> Option<&'a [u8]> {
    let rest = body.strip_prefix(lead)?;
    let end = match rest.first()? {
        b'"' => {
            2 + rest[1..]
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\'))?
        }
        b'-' | b'0'..=b'9' => rest
            .iter()
            .position(|byte| *byte == b',')
            .unwrap_or(rest.len()),
        _ => return None,
    };
    let (raw, rest) = rest.split_at_checked(end)?;
    let is_whole = raw.last() != Some(&b'\\') && matches!(rest.first(), None | Some(b','));
    (is_whole && !is_odd(body)).then_some(raw)
}

/// Whether a string begins with `_`, or with an escape that may mean `_`. It
/// looks at eight bytes at once, and may report one that is not there.
fn is_odd(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let is = |word: u64, byte: u8| {
        // The byte that is looked for becomes zero here, and the borrow sets
        // its top bit.
        let word = word ^ (ONES * u64::from(byte));
        word.wrapping_sub(ONES) & !word & (ONES * 0x80)
    };
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let (mut carry, mut found) = (0, 0);
    for word in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(*word);
        let quotes = is(word, b'"');
        found |= (quotes << 8 | carry) & (is(word, b'_') | is(word, b'\\'));
        carry = quotes >> 56;
    }
    found != 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_metadata_adds_is_told_from_fields_that_are_the_rows() {
        let full = br#"{"id":1,"a":"x","_seq":12,"_synced_at":"2024-01-15T10:30:00.000000Z"}"#;
        assert_eq!(body(full), (&br#"{"id":1,"a":"x""#[..], Some(12)));
        for line in [
            &br#"{"id":1}"#[..],
            br#"{"id":1,"_seq":"12","_synced_at":"t"}"#,
            br#"{"id":1,"_seq":12}"#,
            br#"{"id":1,"_seq":12,"_synced_at":"t","b":"c"}"#,
            br#"{"id":1,"a":",\"_seq\":12,\"_synced_at\":\"t"}"#,
            br#"{"id":1,"_seq":99999999999999999999,"_synced_at":"t"}"#,
            b"{}",
        ] {
            assert_eq!(body(line), (&line[..line.len() - 1], None));
        }
    }

    #[test]
    fn a_key_is_seen_where_it_stands_first_and_nothing_is_odd() {
        let lead = br#"{"id":"#;
        for (line, found) in [
            (r#"{"id":"7","a":1"#, Some(r#""7""#)),
            (r#"{"id":-7.5,"a":1"#, Some("-7.5")),
            (r#"{"id":7"#, Some("7")),
            (r#"{"id":"7""#, Some(r#""7""#)),
            (r#"{"id":"a_b","snake_case":"x_y"#, Some(r#""a_b""#)),
            (r#"{"id":"\u0037","a":1"#, None),
            (r#"{"id":"7\"","a":1"#, None),
            (r#"{"id":null,"a":1"#, None),
            (r#"{"id":{"b":1},"a":1"#, None),
            (r#"{"a":1,"id":7"#, None),
            (r#"{"id":7,"_deleted":true"#, None),
            (r#"{"id":7,"\u005fdeleted":true"#, None),
            (r#"{"id":7,"a":"_""#, None),
            (r#"{"id":"7"x"#, None),
            (r#"{"id":"7"#, None),
            (r#"{"id":"#, None),
        ] {
            let key = key(line.as_bytes(), lead);
            assert_eq!(key, found.map(str::as_bytes), "{line}");
        }
        // Wherever it is, also across words.
        for before in 0..40 {
            let text = format!("{}{}", "x".repeat(before), "\"_deleted\":true");
            assert!(is_odd(text.as_bytes()));
            assert!(is_odd(&text.as_bytes()[..before + 2]));
            assert!(!is_odd(&text.as_bytes()[..before + 1]));
            assert!(!is_odd(text.replace("\"_", "\"").as_bytes()));
        }
    }
}
