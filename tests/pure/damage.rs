//! Pages and hashes against serde_json, and against every damage of one byte.

use highwater::config::Connection;
use highwater::exchange::Response;
use highwater::page::Page;
use highwater::timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::page::{SAMPLE, connection, decode};

/// The rows' keys and cursors, and their total.
type Found = (Vec<(String, String)>, Option<u64>);

/// What serde_json finds in a body.
fn reference(body: &[u8]) -> Option<Found> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = value.get("data")?.as_array()?.iter();
    let rows = rows.map(|row| Some((text(row.get("id")?), text(row.get("updatedAt")?))));
    let total = value
        .get("total")
        .map(text)
        .and_then(|total| total.parse().ok());
    Some((rows.collect::<Option<_>>()?, total))
}

/// Whether a body is refused, or read as serde_json reads it.
fn agrees(body: &[u8], of: &Connection, page: &mut Page) {
    if page.decode(body, &Response::default(), of).is_err() {
        return;
    }
    let view = page.view(body, of);
    let rows: Vec<_> = (0..view.len())
        .map(|row| (view.shown_id(row), view.mark(row)))
        .collect();
    for row in 0..view.len() {
        view.hash(row);
        let whole: Map<String, Value> = serde_json::from_slice(view.raw(row)).unwrap();
        assert_eq!(whole.len(), view.members(row).len());
        for member in view.members(row) {
            let value: Value = serde_json::from_slice(member.value.of(body)).unwrap();
            let key = highwater::json::unescape(member.key.of(body));
            assert_eq!(whole.get(&*key), Some(&value));
        }
    }
    assert_eq!(
        Some((rows, page.total)),
        reference(body),
        "{}",
        String::from_utf8_lossy(body)
    );
}

#[test]
fn every_damage_of_one_byte_is_refused_or_read_as_serde_json_does() {
    let of = Connection::default();
    let mut page = Page::default();
    let sample = SAMPLE.replace("\n    ", "");
    for at in 0..sample.len() {
        let mut shorter = sample.as_bytes().to_vec();
        shorter.remove(at);
        agrees(&shorter, &of, &mut page);
        for byte in 0..=255 {
            let mut changed = sample.as_bytes().to_vec();
            changed[at] = byte;
            agrees(&changed, &of, &mut page);
        }
    }
}

/// One row's hash.
fn hash(row: &str) -> u64 {
    let body = format!("{{\"data\":[{row}]}}");
    let of = connection("{}");
    let page = decode(&body, "{}").expect(&body);
    page.view(body.as_bytes(), &of).hash(0)
}

#[test]
fn a_hash_tells_rows_apart_by_every_character() {
    let row =
        r#"{"id":"1","updatedAt":"2024-01-15T10:30:00Z","n":1.50,"o":{"a":[1,"x y"]},"z":null}"#;
    let same = r#" { "z" : null , "o": {"a" :[ 1,"x y" ] },"n":1.50,"updatedAt":"2024-01-15T10:30:00Z","id":"1"}"#;
    assert_eq!(hash(row), hash(same));
    let mut seen = vec![hash(row)];
    for other in [
        row.replace("1.50", "1.5"),
        row.replace("x y", "xy"),
        row.replace("x y", "x  y"),
        row.replace("\"z\":null", "\"z\":false"),
        row.replace(",\"z\":null", ""),
        row.replace("\"z\"", "\"y\""),
        row.replace("\"n\":1.50", "\"n\":\"1.50\""),
        row.replace("00Z", "01Z"),
        row.replace("[1,", "[[1],"),
        row.replace(
            "\"n\":1.50,\"o\":{\"a\":[1,\"x y\"]}",
            "\"o\":1.50,\"n\":{\"a\":[1,\"x y\"]}",
        ),
    ] {
        let hash = hash(&other);
        assert!(!seen.contains(&hash), "{other}");
        seen.push(hash);
    }
}

fn row() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::from),
    ];
    let extra = prop::collection::btree_map("[a-d\"é\\\\]{1,2}", value, 0..5);
    let id = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from)
    ];
    (extra, id, 0i64..4_000_000_000).prop_map(|(extra, id, secs)| {
        let mut row: Map<String, Value> = extra.into_iter().collect();
        let at = timestamp::format(timestamp::Instant { secs, nanos: 0 });
        row.insert("id".into(), id);
        row.insert("updatedAt".into(), at.into());
        row
    })
}

proptest! {
    #[test]
    fn pages_are_read_as_serde_json_reads_them(
        rows in prop::collection::vec(row(), 0..6),
        total in any::<Option<u64>>(),
        pretty in any::<bool>(),
    ) {
        let body = json!({"data": rows, "total": total, "more": {"data": [1]}});
        let body = if pretty {
            serde_json::to_vec_pretty(&body).unwrap()
        } else {
            serde_json::to_vec(&body).unwrap()
        };
        let of = Connection::default();
        let mut page = Page::default();
        page.decode(&body, &Response::default(), &of).unwrap();
        prop_assert_eq!(page.len(), rows.len());
        agrees(&body, &of, &mut page);
    }

    #[test]
    fn hashes_ignore_the_order_of_members_and_blanks_and_nothing_else(
        row in row(),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut members: Vec<String> = row
            .iter()
            .map(|(key, value)| {
                let value = serde_json::to_string_pretty(value).unwrap();
                format!("{} :\n{value}", Value::from(key.as_str()))
            })
            .collect();
        let count = members.len();
        members.rotate_left(turn.index(count));
        let expected = hash(&serde_json::to_string(&row).unwrap());
        prop_assert_eq!(expected, hash(&format!("{{{}}}", members.join(" ,"))));
        for (key, value) in &row {
            let mut other = row.clone();
            let value = match value {
                Value::String(text) if key == "updatedAt" => Value::from(format!("{}.5Z", text.trim_end_matches('Z'))),
                Value::String(text) => Value::from(format!("{text} ")),
                Value::Null => Value::from("null"),
                other => Value::from(other.to_string()),
            };
            other.insert(key.clone(), value);
            prop_assert_ne!(expected, hash(&serde_json::to_string(&other).unwrap()));
        }
    }
}
