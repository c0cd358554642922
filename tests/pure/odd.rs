//! Rows with faults of their own, text that is not quite JSON, rows that are
//! lists, fields that do not count, and the cursor's stand-in.

use highwater::config::Connection;
use highwater::error::Error;
use highwater::exchange::Response;
use highwater::page::Page;
use proptest::prelude::*;

use crate::page::connection;

const AT: &str = "2024-01-15T10:30:00Z";
const REJECT: &str = r#"{"on_bad_row":"reject"}"#;

/// A page of three rows, of which the second one is this.
fn among_sound(row: &str) -> String {
    let sound = |id: u8| format!(r#"{{"id":"{id}","updatedAt":"{AT}"}}"#);
    format!(r#"{{"data":[{},{row},{}],"total":3}}"#, sound(1), sound(3))
}

/// What is shown (an id and the place of each), what is wrong (whether it is
/// shown, the field and the reason of each), and how many are not shown.
type Found = (Vec<(String, usize)>, Vec<(bool, String, String)>, usize);

fn read_as(body: &[u8], kind: Option<&str>, of: &Connection) -> Result<Found, Error> {
    let (mut page, mut body) = (Page::default(), body.to_vec());
    let headers = kind.map(|kind| ("Content-Type".to_owned(), kind.to_owned()));
    let response = Response {
        headers: headers.into_iter().collect(),
        ..Response::default()
    };
    page.read(&mut body, &response, of)?;
    let view = page.view(&body, of);
    let shown = (0..view.len()).map(|row| (view.shown_id(row), view.position(row)));
    let odd = view.all_odd().iter();
    Ok((
        shown.collect(),
        odd.map(|odd| (odd.shown, odd.field.clone(), odd.reason.clone()))
            .collect(),
        view.skipped(),
    ))
}

fn read(body: &str, file: &str) -> Result<Found, Error> {
    read_as(body.as_bytes(), None, &connection(file))
}

#[test]
fn a_row_with_a_fault_is_set_aside_and_the_others_are_read() {
    let nest = "[".repeat(130) + &"]".repeat(130);
    let deep = format!(r#"{{"id":"2","updatedAt":"{AT}","x":{nest}}}"#);
    let stamped = |more: &str| format!(r#"{{"id":"2","updatedAt":"{AT}"{more}}}"#);
    for (row, shown, field, reason) in [
        (
            stamped(r#","x":NaN"#),
            true,
            "",
            "not JSON at byte 49: no value starts with this",
        ),
        (
            stamped(r#","x":-Infinity"#),
            true,
            "",
            "not JSON at byte 50: a digit is missing",
        ),
        (
            stamped(r#","x":"a	b""#),
            true,
            "",
            "a control character inside a string",
        ),
        (
            stamped(r#","x":01"#),
            true,
            "",
            "a number with a leading zero",
        ),
        (
            stamped(r#","x":undefined"#),
            true,
            "",
            "no value starts with this",
        ),
        (deep, true, "", "values nest deeper than 127 levels"),
        (
            stamped(r#","x":1,"x":2"#),
            true,
            "",
            "the field \"x\" is there twice",
        ),
        (
            stamped(r#","id":"4""#),
            true,
            "",
            "the field \"id\" is there twice",
        ),
        (
            stamped(r#","updatedAt":"x""#),
            false,
            "",
            "the field \"updatedAt\" is there twice",
        ),
        (
            format!(r#"{{"updatedAt":"{AT}"}}"#),
            true,
            "id",
            "the primary key is missing or null",
        ),
        (
            format!(r#"{{"id":null,"updatedAt":"{AT}"}}"#),
            true,
            "id",
            "missing or null",
        ),
        (
            format!(r#"{{"id":[1],"updatedAt":"{AT}"}}"#),
            true,
            "id",
            "must be a string or a number: [1]",
        ),
        (
            format!(r#"{{"id":"caf\ud83d","updatedAt":"{AT}"}}"#),
            true,
            "",
            "the primary key has half a surrogate pair",
        ),
        (
            r#"{"id":"2"}"#.into(),
            false,
            "updatedAt",
            "the cursor is missing or null",
        ),
        (
            r#"{"id":"2","updatedAt":null}"#.into(),
            false,
            "updatedAt",
            "missing or null",
        ),
        (
            r#"{"id":"2","updatedAt":""}"#.into(),
            false,
            "updatedAt",
            "not a timestamp that can be placed in time: \"\"",
        ),
        (
            r#"{"id":"2","updatedAt":NaN}"#.into(),
            false,
            "",
            "not JSON",
        ),
        (
            r#"{"id":"2","updatedAt":"yesterday"}"#.into(),
            false,
            "updatedAt",
            "\"yesterday\"",
        ),
        (
            r#"{"id":"2","updatedAt":{"a":1}}"#.into(),
            false,
            "updatedAt",
            "{\"a\":1}",
        ),
        (
            "null".into(),
            false,
            "",
            "a row must be an object, not null: null",
        ),
        ("NaN".into(), false, "", "no value starts with this"),
        (
            "[]".into(),
            false,
            "",
            "a row must be an object, not a list: []",
        ),
        (
            "{]]}".replace(']', ""),
            false,
            "id",
            "the primary key is missing or null",
        ),
    ] {
        let body = among_sound(&row);
        let (rows, odd, skipped) =
            read(&body, REJECT).unwrap_or_else(|error| panic!("{row}: {error}"));
        let ids: Vec<&str> = rows.iter().map(|(id, _)| &**id).collect();
        assert_eq!((ids[0], ids[ids.len() - 1]), ("1", "3"), "{row}");
        assert_eq!(
            (odd.len(), rows.len(), skipped),
            (1, 2 + usize::from(shown), usize::from(!shown)),
            "{row}"
        );
        assert_eq!((rows[0].1, rows[rows.len() - 1].1), (0, 2), "{row}");
        assert_eq!((odd[0].0, &*odd[0].1), (shown, field), "{row}");
        assert!(odd[0].2.contains(reason), "{row}: {}", odd[0].2);

        let error = read(&body, "{}").expect_err(&row);
        assert!(error.to_string().starts_with("row 1"), "{row}: {error}");
        assert!(
            error.hint_text().contains(r#""on_bad_row": "reject""#),
            "{row}: {}",
            error.hint_text()
        );
    }
}

#[test]
fn brackets_that_do_not_match_up_are_no_rows_fault() {
    for row in ["{]", "{\"id\":\"2", "{\"id\":[}", "{} {}", "{}}", "\"x", ""] {
        let error = read(&among_sound(row), REJECT).expect_err(row);
        assert!(
            error.hint_text().is_empty() || !error.hint_text().contains("on_bad_row"),
            "{row}: {error}"
        );
    }
}

#[test]
fn a_field_that_no_row_has_is_a_wrong_name_and_not_a_fault_of_rows() {
    let row = |id: u8| format!(r#"{{"id":{id},"updated":"{AT}"}}"#);
    let body = format!(r#"{{"data":[{},{},{}]}}"#, row(1), row(2), row(3));
    let error = read(&body, REJECT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field \"updatedAt\": the cursor is missing or null, in every row"
    );
}

#[test]
fn a_row_without_a_key_is_known_by_its_content() {
    let body = among_sound(&format!(r#"{{"updatedAt":"{AT}","x":1}}"#));
    let other = body.replace("\"x\":1", "\"x\":2");
    let id = |body: &str| read(body, REJECT).unwrap().0[1].0.clone();
    assert_eq!(id(&body), id(&body));
    assert_ne!(id(&body), id(&other));
}

#[test]
fn half_a_surrogate_pair_becomes_one_character_in_its_place() {
    let mut page = Page::default();
    let of = connection("{}");
    for (name, replaced) in [
        (r"caf\ud83d", r"caf\ufffd"),
        (r"\ud83d\ude00\udE00", r"\ud83d\ude00\ufffd"),
        (r"\ud83d\ud83d\ude00", r"\ufffd\ud83d\ude00"),
        (r"\\ud83d \ud83dx", r"\\ud83d \ufffdx"),
        (r"\ud83d\n\udc00", r"\ufffd\n\ufffd"),
    ] {
        let row = format!(r#"{{"id":"2","name":"{name}","updatedAt":"{AT}"}}"#);
        let mut body = among_sound(&row).into_bytes();
        page.read(&mut body, &Response::default(), &of).unwrap();
        let view = page.view(&body, &of);
        assert_eq!(view.len(), 3);
        let raw = String::from_utf8(view.raw(1).to_vec()).unwrap();
        assert!(raw.contains(replaced), "{raw}");
        serde_json::from_str::<serde_json::Value>(&raw).unwrap();
    }
}

#[test]
fn bytes_that_are_no_utf8_are_a_fault_of_their_row_alone() {
    let reject = connection(REJECT);
    let row = format!(r#"{{"id":"2","name":"caf@","updatedAt":"{AT}"}}"#);
    let mut body = among_sound(&row).into_bytes();
    let at = body.iter().position(|byte| *byte == b'@').unwrap();
    body[at] = 0xE9;
    let (rows, odd, _) = read_as(&body, None, &reject).unwrap();
    assert_eq!((rows.len(), odd.len()), (3, 1));
    assert!(odd[0].2.contains("not UTF-8"), "{}", odd[0].2);
    let error = read_as(&body, None, &connection("{}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("byte {at} of the body is not UTF-8")
    );
    body.truncate(body.len() - 1);
    body.extend_from_slice(b",\"note\":\"\xFF\"}");
    let at = body.len() - 3;
    let error = read_as(&body, None, &reject).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("byte {at} of the body is not UTF-8")
    );
}

#[test]
fn a_byte_order_mark_is_skipped_and_declared_latin_1_is_decoded() {
    let of = connection("{}");
    let row = |name: &[u8]| {
        let row = format!(r#"{{"id":"@","updatedAt":"{AT}"}}"#);
        let body = among_sound(&row).into_bytes();
        let at = body.iter().position(|byte| *byte == b'@').unwrap();
        [&body[..at], name, &body[at + 1..]].concat()
    };
    let id =
        |body: &[u8], kind: &str| read_as(body, Some(kind), &of).map(|found| found.0[1].0.clone());
    let json = "application/json";
    assert_eq!(
        id(&[b"\xEF\xBB\xBF", &row(b"x")[..]].concat(), json).unwrap(),
        "x"
    );
    for (charset, name, expected) in [
        ("ISO-8859-1", &b"caf\xE9\x80"[..], "caf\u{e9}\u{80}"),
        ("\"latin1\"", b"caf\xE9", "café"),
        ("windows-1252", b"\x80 caf\xE9", "€ café"),
        // Servers say so by habit, and send UTF-8.
        ("iso-8859-1", "é".as_bytes(), "é"),
        ("utf-8", "é".as_bytes(), "é"),
        ("shift_jis", b"plain", "plain"),
    ] {
        let kind = format!("{json}; charset={charset}");
        assert_eq!(id(&row(name), &kind).unwrap(), expected, "{charset}");
    }
    for charset in ["shift_jis", "utf-16"] {
        let kind = format!("{json};charset={charset}");
        let error = id(&row(b"\x83\x65"), &kind).unwrap_err();
        assert!(error.to_string().contains(charset), "{error}");
    }
}

#[test]
fn rows_that_are_lists_take_their_names_from_the_answer() {
    let file = r#"{"response":{"rows":"/rows","columns":"/columns","total":null,"offset":null},"on_bad_row":"reject"}"#;
    let names = r#"["id","na\u006de",{"name":"updatedAt","type":"time"}]"#;
    let rows = format!(r#"[[1,"a","{AT}"],[2,"b"],[3,"c","{AT}",4],{{"id":5}},[6,"{{","{AT}"]]"#);
    for body in [
        format!(r#"{{"columns":{names},"rows":{rows}}}"#),
        format!(r#"{{"rows":{rows},"columns":{names}}}"#),
    ] {
        let (rows, odd, skipped) = read(&body, file).unwrap();
        let found: Vec<(&str, usize)> = rows.iter().map(|(id, at)| (&**id, *at)).collect();
        // The third row's cursor is where it should be, whatever follows it.
        assert_eq!(found, [("1", 0), ("3", 2), ("6", 4)]);
        assert_eq!(skipped, 2);
        let reasons: Vec<&str> = odd.iter().map(|odd| &*odd.2).collect();
        assert_eq!(
            reasons,
            [
                "2 values for 3 columns",
                "4 values for 3 columns",
                "a row must be a list of values, not an object: {\"id\":5}"
            ]
        );
    }
    for (names, what) in [
        ("null", "no list of the fields' names at /columns"),
        ("[1]", "no list of the fields' names at /columns"),
        (
            r#"["id","id","updatedAt"]"#,
            "\"id\" is there twice at /columns",
        ),
    ] {
        let error = read(&format!(r#"{{"columns":{names},"rows":[]}}"#), file).unwrap_err();
        assert_eq!(error.to_string(), what);
    }
}

#[test]
fn what_is_ignored_does_not_change_the_content() {
    let hash = |row: &str, ignore: &str| {
        let of = connection(&format!(r#"{{"ignore":{ignore}}}"#));
        let body = among_sound(row).into_bytes();
        let mut page = Page::default();
        page.decode(&body, &Response::default(), &of).unwrap();
        page.view(&body, &of).hash(1)
    };
    let row = |seen: u8, url: &str, views: u8, name: &str| {
        format!(
            r#"{{"id":"2","updatedAt":"{AT}","seen":{seen}, "user":{{"url":"{url}", "name":"{name}"}},"list":[{{"n":{views}}},7]}}"#
        )
    };
    let all = r#"["seen","/user/url","/list/0/n"]"#;
    let base = hash(&row(1, "a", 1, "x"), all);
    assert_eq!(hash(&row(2, "b", 2, "x"), all), base);
    assert_ne!(hash(&row(1, "a", 1, "y"), all), base);
    assert_ne!(hash(&row(1, "a", 1, "x").replace("7]", "8]"), all), base);
    assert_ne!(
        hash(&row(1, "b", 1, "x"), r#""seen""#),
        hash(&row(1, "a", 1, "x"), r#""seen""#)
    );
    assert_eq!(
        hash(&row(1, "b", 1, "y"), r#"["/user"]"#),
        hash(&row(1, "a", 1, "x"), r#"["/user"]"#)
    );
    assert_eq!(
        hash(&row(1, "a", 1, "x"), r#"["none"]"#),
        hash(&row(1, "a", 1, "x"), "[]")
    );
}

#[test]
fn a_cursor_that_is_not_there_yet_is_stood_in_for() {
    let file = r#"{"since":{"fallback":"/made/at"}}"#;
    for cursor in ["", r#","updatedAt":null"#, r#","updatedAt":"""#] {
        let row = format!(r#"{{"id":"2"{cursor},"made":{{"at":"2024-01-15T09:00:00Z"}}}}"#);
        let body = among_sound(&row).into_bytes();
        let of = connection(file);
        let mut page = Page::default();
        page.decode(&body, &Response::default(), &of).unwrap();
        let view = page.view(&body, &of);
        assert_eq!(
            (&*view.mark(0), &*view.mark(1)),
            (AT, "2024-01-15T09:00:00Z")
        );
    }
    let error = read(&among_sound(r#"{"id":"2"}"#), file).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1, field \"updatedAt\": the cursor is missing or null"
    );
}

#[test]
fn a_cursor_may_be_a_date_object_or_odatas() {
    for (file, cursor) in [
        (
            r#"{"cursor":"/at/iso"}"#,
            r#""at":{"__type":"Date","iso":"2024-01-15T10:30:00.000Z"}"#,
        ),
        (
            r#"{"cursor":"/at/$date"}"#,
            r#""at":{"$date":1705314600000}"#,
        ),
        (r#"{"cursor":"at"}"#, r#""at":"\/Date(1705314600000)\/""#),
        (r#"{"cursor":"at"}"#, r#""at":"/Date(1705314600000+0000)/""#),
        (r#"{"cursor":"at"}"#, r#""at":"/Date(1705314600000-0300)/""#),
        (r#"{"cursor":"at"}"#, r#""at":"1705314600.000000""#),
        (
            r#"{"cursor":"at","since":{"read":"http-date"}}"#,
            r#""at":"Mon, 15 Jan 2024 10:30:00 GMT""#,
        ),
        (
            r#"{"cursor":"at","since":{"zone":"-05:00"}}"#,
            r#""at":"2024-01-15 05:30:00""#,
        ),
    ] {
        let body = format!(r#"{{"data":[{{"id":1,{cursor}}}]}}"#);
        let of = connection(file);
        let mut page = Page::default();
        page.decode(body.as_bytes(), &Response::default(), &of)
            .unwrap();
        let view = page.view(body.as_bytes(), &of);
        assert_eq!(highwater::timestamp::format(view.at(0)), AT, "{cursor}");
    }
}

proptest! {
    #[test]
    fn no_damage_to_one_row_reaches_another(at in 0_usize..60, byte in any::<u8>()) {
        let row = format!(r#"{{"id":"2","x":[{{"y":"\u00e9"}},1],"updatedAt":"{AT}"}}"#);
        let whole = among_sound(&row);
        let start = whole.find(&row).unwrap();
        let mut body = whole.into_bytes();
        body[start + at] = byte;
        if let Ok((rows, odd, skipped)) = read_as(&body, None, &connection(REJECT)) {
            // A byte that cuts the row in two makes two of it.
            prop_assert_eq!(&rows[0], &("1".to_owned(), 0));
            prop_assert_eq!(&rows[rows.len() - 1].0, "3");
            prop_assert!(odd.len() <= 2 && skipped <= 2);
        }
    }

    #[test]
    fn no_text_is_a_panic(
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\"id\":1", "\"updatedAt\":",
                "\"2024-11-03 01:30:00\"", "\"2024-11-03 01:10:00\"", "NaN", "null", "1", "\u{e9}", " ",
                "{\"id\":1,\"updatedAt\":\"2024-11-03 01:30:00\"}",
            ]),
            0..12,
        ),
        cut in any::<prop::sample::Index>(),
        list in any::<bool>(),
    ) {
        let file = if list {
            r#"{"on_bad_row":"reject","response":{"columns":"/c"},"since":{"zone":"America/New_York"}}"#
        } else {
            r#"{"on_bad_row":"reject","ignore":["/a/b"],"since":{"zone":"America/New_York","fallback":"x"}}"#
        };
        let mut of = connection(file);
        of.settle(&|_| Ok(crate::zone_file::rule(crate::zone_file::NEW_YORK))).unwrap();
        let text = parts.concat();
        let mut body = format!("{{\"c\":[\"id\",\"updatedAt\"],\"data\":[{text}],\"total\":3}}").into_bytes();
        let at = cut.index(body.len());
        body[at] ^= 0x80;
        for body in [text.into_bytes(), body] {
            if let Ok((rows, odd, skipped)) = read_as(&body, Some("application/json"), &of) {
                prop_assert!(odd.len() >= skipped);
                prop_assert!(rows.windows(2).all(|pair| pair[0].1 < pair[1].1));
            }
        }
    }
}
