//! Fields that do not count as content: signed URLs, view counters, and
//! whatever else differs in each answer although its row has not changed. What
//! is written of a row is not touched.

use crate::config::Field;
use crate::json;

/// Which members of a shape do not count as content, and which parts of them.
pub(super) fn members(names: &[String], ignore: &[Field]) -> Vec<(usize, Vec<Vec<String>>)> {
    let members = names.iter().enumerate().map(|(member, name)| {
        let fields = ignore.iter().filter(|field| field.path[0] == *name);
        (
            member,
            fields.map(|field| field.path[1..].to_vec()).collect(),
        )
    });
    members
        .filter(|(_, paths): &(usize, Vec<_>)| !paths.is_empty())
        .collect()
}

/// Appends a valid value as [`json::compact`] does, but for what these
/// pointers lead to inside it.
pub(crate) fn compact(raw: &[u8], paths: &[&[String]], out: &mut Vec<u8>) {
    let below = |token: &str| -> Vec<&[String]> {
        let paths = paths.iter().filter_map(|path| path.split_first());
        paths
            .filter(|(head, _)| *head == token)
            .map(|(_, rest)| rest)
            .collect()
    };
    let each = |text: &[u8], at: usize, end: usize, name: &str, out: &mut Vec<u8>| {
        let below = below(name);
        if below.iter().any(|path| path.is_empty()) {
            return;
        }
        match &below[..] {
            [] => json::compact(&text[at..end], out),
            below => compact(&text[at..end], below, out),
        }
        out.push(b',');
    };
    match raw.first() {
        Some(b'{') => {
            out.push(b'{');
            _ = json::members::<json::Fault>(raw, 0, 0, &mut |text, key, at| {
                let end = json::value(text, at, 1)?;
                let name = json::unescape(key.of(text));
                if !below(&name).iter().any(|path| path.is_empty()) {
                    out.extend_from_slice(key.of(text));
                    out.push(b':');
                }
                each(text, at, end, &name, out);
                Ok(end)
            });
        }
        Some(b'[') => {
            out.push(b'[');
            let mut index = 0;
            _ = json::elements::<json::Fault>(raw, 0, 0, &mut |text, at| {
                let end = json::value(text, at, 1)?;
                each(text, at, end, &usize::to_string(&index), out);
                index += 1;
                Ok(end)
            });
        }
        _ => json::compact(raw, out),
    }
}
