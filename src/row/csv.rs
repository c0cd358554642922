//! CSV's quoting, RFC 4180. Rows are written without building records first.
//! Most strings need no second look: a string without an escape in JSON holds
//! neither a quote nor a line break.

use crate::json;

/// Appends a field.
pub(crate) fn field(text: &[u8], out: &mut Vec<u8>) {
    if !text
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for piece in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(piece);
        if piece.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Appends a JSON string's text, given as it is between its quotes.
#[inline]
pub(crate) fn string(inner: &[u8], out: &mut Vec<u8>) {
    let [escapes, quoted] = json::holds(inner, [b'\\', b',']);
    if escapes {
        return escaped(inner, out);
    }
    if quoted {
        out.push(b'"');
    }
    out.extend_from_slice(inner);
    if quoted {
        out.push(b'"');
    }
}

/// The same for one with escapes, most of which need quotes here too.
fn escaped(inner: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.push(b'"');
    let mut quoted = false;
    json::pieces(inner, |piece| {
        out.extend_from_slice(piece);
        match piece {
            [b'"'] => {
                quoted = true;
                out.push(b'"');
            }
            [b'\n' | b'\r'] => quoted = true,
            _ => quoted |= piece.contains(&b','),
        }
    });
    if quoted {
        out.push(b'"');
    } else {
        out.remove(start);
    }
}

/// Ends a record, whose every field was followed by a comma. A single empty
/// field is quoted: an empty line would be no record.
pub(crate) fn end(out: &mut Vec<u8>) {
    if let [.., b'\n', b','] | [b','] = out[..] {
        out.splice(out.len() - 1.., *b"\"\",");
    }
    match out.last_mut() {
        Some(comma) if *comma == b',' => *comma = b'\n',
        _ => out.extend_from_slice(b"\n"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What the csv crate makes of the same fields.
    fn by_the_library(fields: &[&str]) -> Vec<u8> {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(fields).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn every_short_record_is_what_the_csv_crate_writes() {
        let words = [
            "", "a", ",", "\"", "\n", "\r", "a,b", "a\"b", "\\", "é\r\n", " x ", "\u{1}", ",\\",
            "a,\t", "\t,", "\u{1},b",
        ];
        for first in words {
            for second in words {
                for fields in [&[first][..], &[first, second]] {
                    let (mut plain, mut from_json, mut from_escapes) = (vec![], vec![], vec![]);
                    for text in fields {
                        field(text.as_bytes(), &mut plain);
                        plain.push(b',');
                        let quoted = serde_json::to_string(text).unwrap();
                        let inner = &quoted.as_bytes()[1..quoted.len() - 1];
                        string(inner, &mut from_json);
                        let spelled: String = text
                            .encode_utf16()
                            .map(|unit| format!("\\u{unit:04x}"))
                            .collect();
                        string(spelled.as_bytes(), &mut from_escapes);
                        from_escapes.push(b',');
                        from_json.push(b',');
                    }
                    end(&mut plain);
                    end(&mut from_json);
                    end(&mut from_escapes);
                    assert_eq!(plain, by_the_library(fields), "{fields:?}");
                    assert_eq!(from_json, plain, "{fields:?}");
                    assert_eq!(from_escapes, plain, "{fields:?}");
                }
            }
        }
    }
}
