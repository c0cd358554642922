//! Pages, well-formed and not.

use highwater::config::Connection;
use highwater::error::{Again, Error, Kind};
use highwater::exchange::Response;
use highwater::page::{Page, View};
use highwater::secret::Secrets;
use highwater::timestamp;

pub(crate) const SAMPLE: &str = r#"{"data": [
    {"id": "1", "name": "J\u00f6hn", "updatedAt": "2024-01-15T10:30:00Z", "tags": ["a", {"b": 1.50}]},
    {"id": "2", "name": null, "updatedAt": "2024-01-15T11:30:00.250+01:00", "tags": []}
], "offset": 4, "limit": 2, "total": 500}"#;

pub(crate) fn connection(file: &str) -> Connection {
    Connection::parse(file, &|_| None, false, &mut Secrets::default()).unwrap()
}

fn decode_with(body: &[u8], response: &Response, of: &Connection) -> Result<Page, Error> {
    let mut page = Page::default();
    page.decode(body, response, of).map(|()| page)
}

pub(crate) fn decode(body: &str, file: &str) -> Result<Page, Error> {
    decode_with(body.as_bytes(), &Response::default(), &connection(file))
}

fn error(body: &str, file: &str) -> String {
    let error = decode(body, file).expect_err(body);
    assert_eq!(error.kind(), Kind::Contract, "{error}");
    error.to_string()
}

fn ids(body: &str, file: &str) -> Vec<String> {
    let of = connection(file);
    let page = decode(body, file).unwrap();
    let view = page.view(body.as_bytes(), &of);
    (0..view.len()).map(|row| view.shown_id(row)).collect()
}

fn names(view: &View<'_>, row: usize) -> Vec<String> {
    let keys = view.members(row).iter();
    keys.map(|member| String::from_utf8_lossy(member.key.of(view.body())).into_owned())
        .collect()
}

#[test]
fn a_page_has_its_rows_where_they_stand() {
    let of = Connection::default();
    let page = decode(SAMPLE, "{}").unwrap();
    assert_eq!(
        (page.offset, page.total, page.len()),
        (Some(4), Some(500), 2)
    );
    assert!(!page.is_empty());
    let view = page.view(SAMPLE.as_bytes(), &of);
    assert_eq!((view.id(0), view.id(1)), ("1".into(), "2".into()));
    assert_eq!(view.mark(1), "2024-01-15T11:30:00.250+01:00");
    assert_eq!(
        Some(view.at(1)),
        timestamp::parse("2024-01-15T10:30:00.25Z")
    );
    assert_eq!(names(&view, 0), ["id", "name", "updatedAt", "tags"]);
    assert_eq!(view.shape(0).0, view.shape(1).0);
    assert!(view.raw(1).starts_with(b"{\"id\": \"2\"") && view.raw(1).ends_with(b"}"));
    assert_eq!(view.place(0), "row 0 (id \"1\")");
}

#[test]
fn a_page_without_rows_is_empty() {
    let page = decode(r#"{"data":[],"offset":0,"total":0}"#, "{}").unwrap();
    assert!(page.is_empty());
    assert_eq!(page.total, Some(0));
}

#[test]
fn members_that_come_and_go_make_shapes_of_their_own() {
    let row = |more: &str| format!(r#"{{"id":"1","updatedAt":"2024-01-15T10:30:00Z"{more}}}"#);
    let rows = [
        "",
        r#","a":1"#,
        r#","b":1"#,
        "",
        r#","a":2"#,
        r#","\u0061":2"#,
    ]
    .map(row);
    let body = format!("{{\"data\":[{}]}}", rows.join(","));
    let of = Connection::default();
    let page = decode(&body, "{}").unwrap();
    let view = page.view(body.as_bytes(), &of);
    let shapes: Vec<usize> = (0..view.len()).map(|row| view.shape(row).0).collect();
    assert_eq!(shapes, [0, 1, 2, 0, 1, 3]);
    assert_eq!(names(&view, 2), ["id", "updatedAt", "b"]);
}

#[test]
fn shapes_are_forgotten_when_there_are_many_and_their_number_is_bounded() {
    let of = Connection::default();
    let body = |from: usize, to: usize| {
        let row = |n: usize| format!(r#"{{"id":"1","f{n}":0,"updatedAt":"2024-01-15T10:30:00Z"}}"#);
        let rows: Vec<String> = (from..to).map(row).collect();
        format!("{{\"data\":[{}]}}", rows.join(","))
    };
    let mut page = Page::default();
    for turn in 0..30 {
        let body = body(turn * 100, turn * 100 + 100);
        page.decode(body.as_bytes(), &Response::default(), &of)
            .unwrap();
        let view = page.view(body.as_bytes(), &of);
        assert_eq!(view.generation(), turn as u64);
        assert_eq!(
            view.shape(99).1.keys[1],
            format!("f{}", turn * 100 + 99).as_bytes()
        );
    }
    let text = error(&body(0, 2000), "{}");
    assert_eq!(text, "row 1024: hardly two rows have the same fields");
}

#[test]
fn what_is_missing_null_or_there_twice_is_named() {
    let time = r#""updatedAt":"2024-01-15T10:30:00Z""#;
    for (row, text) in [
        (
            format!("{{{time}}}"),
            "row 1, field \"id\": the primary key is missing or null",
        ),
        (
            format!("{{\"id\":null,{time}}}"),
            "row 1, field \"id\": the primary key is missing or null",
        ),
        (
            format!("{{\"id\":[1],{time}}}"),
            "row 1, field \"id\": the primary key must be a string or a number: [1]",
        ),
        (
            "{\"id\":\"1\"}".into(),
            "row 1, field \"updatedAt\": the cursor is missing or null",
        ),
        (
            "{\"id\":\"1\",\"updatedAt\":null}".into(),
            "row 1, field \"updatedAt\": the cursor is missing or null",
        ),
        (
            "{\"id\":\"1\",\"updatedAt\":\"yesterday\"}".into(),
            "row 1, field \"updatedAt\": not a timestamp that can be placed in time: \"yesterday\"",
        ),
        (
            "{\"id\":\"1\",\"updatedAt\":{\"a\":1}}".into(),
            "row 1, field \"updatedAt\": not a timestamp that can be placed in time: {\"a\":1}",
        ),
        (
            format!("{{\"id\":\"1\",{time},\"i\\u0064\":\"2\"}}"),
            "row 1: the field \"id\" is there twice",
        ),
        (
            "[1,2]".into(),
            "row 1: a row must be an object, not a list: [1,2]",
        ),
        (
            "{}".into(),
            "row 1, field \"id\": the primary key is missing or null",
        ),
    ] {
        let body = format!("{{\"data\":[{{\"id\":\"0\",{time}}},{row}]}}");
        assert_eq!(error(&body, "{}"), text);
    }
}

#[test]
fn a_list_that_is_not_there_is_looked_for_in_the_answer() {
    assert_eq!(
        error("{\"error\":\"no such table\"}", "{}"),
        "no list of rows at /data in the answer: {\"error\":\"no such table\"}"
    );
    assert_eq!(
        error("{\"data\":{\"id\":1}}", "{}"),
        "/data is an object, not a list of rows: {\"id\":1}"
    );
    assert_eq!(
        error("{\"data\":[],\"data\":[]}", "{}"),
        "the answer has two fields called \"data\""
    );
    let long = format!("{{\"error\":\"{}\"}}", "é".repeat(500));
    assert!(error(&long, "{}").ends_with('…'));
}

#[test]
fn a_body_that_is_no_json_is_worth_another_try() {
    let html = decode("<html>gateway</html>", "{}").unwrap_err();
    assert_eq!(
        html.to_string(),
        "byte 0 of the body: the body is not JSON: no value starts with this: \
         \"<html>gateway</html>\""
    );
    assert_eq!(
        (html.kind(), html.again_when()),
        (Kind::Contract, Again::Later)
    );
    let of = Connection::default();
    let bytes = decode_with(b"{\"data\":\"\xFF\"}", &Response::default(), &of).unwrap_err();
    assert_eq!(bytes.to_string(), "byte 9 of the body is not UTF-8");
    assert_eq!(bytes.again_when(), Again::Later);
    let more = decode("{\"data\":[]} {}", "{}").unwrap_err();
    assert_eq!(more.kind(), Kind::Contract);
    assert!(decode("", "{}").is_err());
}

#[test]
fn every_truncation_is_temporary() {
    for end in 1..SAMPLE.len() {
        if let Some(body) = SAMPLE.get(..end) {
            let error = decode(body, "{}").unwrap_err();
            assert_eq!(error.kind(), Kind::Temporary, "{end}: {error}");
        }
    }
}

#[test]
fn pointers_find_rows_totals_and_the_row_inside_its_wrapper() {
    let row =
        |id: u32| format!(r#"{{"node":{{"id":{id},"at":{{"updated":"2024-01-15T10:30:00Z"}}}}}}"#);
    let body = format!(
        r#"[{{"result":{{"a/b":[{},{}],"n":"17"}}}},{{"skip":25}}]"#,
        row(1),
        row(2)
    );
    let file = r#"{"cursor":"/at/updated","response":{"rows":"/0/result/a~1b","row":"/node",
        "total":"/0/result/n","offset":"/1/skip"}}"#;
    let page = decode(&body, file).unwrap();
    assert_eq!(
        (page.offset, page.total, page.len()),
        (Some(25), Some(17), 2)
    );
    assert_eq!(ids(&body, file), ["1", "2"]);
    let empty = r#"{"data":[{"nodes":{}}]}"#;
    assert_eq!(
        error(empty, r#"{"response":{"row":"/node"}}"#),
        "row 0: nothing at /node"
    );
}

#[test]
fn a_body_that_is_the_list_itself_is_taken() {
    let body = r#" [{"id":1,"updatedAt":"2024-01-15T10:30:00Z"}] "#;
    let file = r#"{"response":{"rows":"","offset":null,"total":null}}"#;
    let page = decode(body, file).unwrap();
    assert_eq!((page.len(), page.offset, page.total), (1, None, None));
    assert!(error("{}", file).starts_with("the top of the body is an object"));
}

#[test]
fn counts_may_be_strings_of_digits_or_null_and_nothing_else() {
    let body = |total: &str| format!("{{\"data\":[],\"total\":{total}}}");
    assert_eq!(decode(&body("\"500\""), "{}").unwrap().total, Some(500));
    assert_eq!(decode(&body("null"), "{}").unwrap().total, None);
    assert_eq!(decode("{\"data\":[]}", "{}").unwrap().total, None);
    for bad in [
        "-1",
        "1.5",
        "\"\"",
        "\"+5\"",
        "true",
        "{}",
        "99999999999999999999999",
    ] {
        let text = error(&body(bad), "{}");
        assert!(text.starts_with("field \"total\": "), "{text}");
        assert!(text.ends_with("is no count of rows"), "{text}");
    }
}

#[test]
fn totals_may_stand_in_headers() {
    let of = connection(r#"{"response":{"rows":"","offset":null,"total":"header:content-range"}}"#);
    let total = |value: &str| {
        let response = Response {
            headers: vec![("Content-Range".into(), value.into())],
            ..Response::default()
        };
        decode_with(b"[]", &response, &of).map(|page| page.total)
    };
    assert_eq!(total("0-49/500"), Ok(Some(500)));
    assert_eq!(total(" 500 "), Ok(Some(500)));
    assert_eq!(total("items 0-49/ 500"), Ok(Some(500)));
    assert_eq!(total("0-49/*"), Ok(None));
    let bad = total("0-49/many").unwrap_err();
    assert_eq!(
        bad.to_string(),
        "header content-range: \"0-49/many\" is no number"
    );
    assert_eq!(bad.kind(), Kind::Contract);
    let page = decode_with(b"[]", &Response::default(), &of).unwrap();
    assert_eq!(page.total, None);
}

#[test]
fn keys_may_be_numbers_and_several() {
    let row = |key: &str| format!("{{{key},\"updatedAt\":\"2024-01-15T10:30:00Z\"}}");
    let body = |key: &str| format!("{{\"data\":[{}]}}", row(key));
    assert_eq!(
        ids(&body("\"id\":12345678901234567890123"), "{}"),
        ["12345678901234567890123"]
    );
    assert_eq!(ids(&body("\"id\":\"\\u00e9\""), "{}"), ["é"]);
    let two = r#"{"primary_key":["org","/user/id"]}"#;
    assert_eq!(
        ids(&body(r#""user":{"id":7},"org":"a,b""#), two),
        ["a,b, 7"]
    );
    // the same values, but not the same key
    assert_ne!(
        ids(&body(r#""user":{"id":"c"},"org":"a,b""#), two),
        ids(&body(r#""user":{"id":"b,c"},"org":"a""#), two)
    );
    assert_eq!(
        error(&body(r#""user":{},"org":"a""#), two),
        "row 0, field \"user_id\": the primary key is missing or null"
    );
}

#[test]
fn cursors_may_be_numbers() {
    let body = r#"{"data":[{"id":1,"updatedAt":1705314600},{"id":2,"updatedAt":"1705314600250"}]}"#;
    let of = Connection::default();
    let page = decode(body, "{}").unwrap();
    let view = page.view(body.as_bytes(), &of);
    assert_eq!(Some(view.at(0)), timestamp::parse("2024-01-15T10:30:00Z"));
    assert_eq!(
        Some(view.at(1)),
        timestamp::parse("2024-01-15T10:30:00.25Z")
    );
    assert_eq!(
        (view.mark(0), view.mark(1)),
        ("1705314600".into(), "1705314600250".into())
    );
}

#[test]
fn hostile_bodies_are_refused() {
    for body in [
        "[".repeat(500_000),
        "{\"data\":".repeat(100_000),
        format!("{{\"data\":{}", "[".repeat(500_000)),
        format!("{{\"data\":[{}", "{\"id\":".repeat(100_000)),
    ] {
        let text = error(&body, "{}");
        assert!(
            text.contains("values nest deeper than 127 levels"),
            "{text}"
        );
    }
    let many: Vec<String> = (0..10_001).map(|n| format!("\"f{n}\":0")).collect();
    let wide = format!("{{\"data\":[{{{}}}]}}", many.join(","));
    assert_eq!(error(&wide, "{}"), "row 0: more fields than any table has");
}
