//! The connection file: what it sets, and how its faults are named.

use std::time::Duration;

use highwater::config::{Connection, Field, Place, size};
use highwater::error::{Error, Kind};
use highwater::secret::Secrets;
use highwater::template::{Slot, Values};
use highwater::timestamp::Format;
use highwater::types::Type;
use proptest::prelude::*;

const FULL: &str = r#"{
  "url": "https://${HOST}/v1/users",
  "table": "users",
  "primary_key": ["org", "/user/id"],
  "cursor": "/meta/updated~1at",
  "columns": {"org": "STRING", "/user/id": "LONG", "score": "DOUBLE"},
  "headers": {"Authorization": "Bearer ${TOKEN}", "Accept": "application/json"},
  "query": {"q": "updated>={since}", "n": "{limit}", "skip": "{offset}"},
  "response": {"rows": "", "row": "/node", "offset": null, "total": "header:X-Total-Count"},
  "since": {"bound": "exclusive", "format": "unix-ms", "first": null},
  "page_size": 200, "max_offset": 5000, "lookback": "5m", "sorted": false,
  "on_bad_row": "reject", "ca_file": "/etc/ca.pem", "timeout": "10s",
  "max_body": "8M", "max_retries": 2
}"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "HOST" => Some("api.example.com".into()),
        "TOKEN" => Some("a \"quoted\" \\ secret\n".into()),
        "SIZE" => Some("25".into()),
        _ => None,
    }
}

/// The first of the headers that are the same in every request.
fn header(of: &Connection) -> String {
    of.constant_headers()[0].1.clone()
}

fn parse(text: &str) -> Result<Connection, Error> {
    Connection::parse(text, &environment, false, &mut Secrets::default())
}

fn error(text: &str) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.kind(), Kind::Usage);
    error.to_string()
}

#[test]
fn every_key_is_taken() {
    let mut secrets = Secrets::default();
    let file = Connection::parse(FULL, &environment, false, &mut secrets).unwrap();
    assert_eq!(file.url, "https://api.example.com/v1/users");
    assert_eq!(file.table, "users");
    let field = |text: &str| text.parse::<Field>().unwrap();
    assert_eq!(file.primary_key, [field("org"), field("/user/id")]);
    assert_eq!(file.primary_key[1].name, "user_id");
    assert_eq!(file.cursor.path, ["meta", "updated/at"]);
    let columns = file.columns.clone().unwrap();
    assert_eq!(columns[1], (field("/user/id"), Type::Long));
    assert_eq!(columns.len(), 3);
    assert_eq!(header(&file), "Bearer a \"quoted\" \\ secret\n");
    assert_eq!(
        file.headers[1],
        ("Accept".into(), "application/json".parse().unwrap())
    );
    let names: Vec<&str> = file.query.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["q", "n", "skip"]);
    assert!(file.query[2].1.holds(Slot::Offset));
    assert!(file.response.rows.is_empty());
    assert_eq!(file.response.row, ["node"]);
    assert_eq!(file.response.offset, None);
    assert_eq!(
        file.response.total,
        Some(Place::Header("X-Total-Count".into()))
    );
    assert!(file.since.exclusive);
    assert_eq!(
        (file.since.format, file.since.first),
        (Format::UnixMs, None)
    );
    assert_eq!((file.page_size, file.max_offset), (200, 5000));
    assert_eq!(file.lookback, Duration::from_secs(300));
    assert!(!file.sorted && file.reject_bad_rows);
    assert_eq!(file.ca_file.as_deref(), Some("/etc/ca.pem"));
    assert_eq!(
        (file.timeout, file.max_retries),
        (Duration::from_secs(10), 2)
    );
    assert_eq!(file.max_body, 8 << 20);
    let shown = secrets.redact("at api.example.com").into_owned();
    assert_eq!(shown, "at ${HOST}");
}

#[test]
fn an_empty_file_is_the_default_but_for_the_columns() {
    let default = Connection::default();
    default.validate().unwrap();
    assert!(default.columns.is_some());
    let columns = None;
    assert_eq!(parse("{}").unwrap(), Connection { columns, ..default });
}

#[test]
fn null_is_not_the_same_as_missing() {
    let first = |since: &str| {
        parse(&format!("{{\"since\":{since}}}"))
            .unwrap()
            .since
            .first
    };
    assert_eq!(first("{}").as_deref(), Some("0001-01-01T00:00:00Z"));
    assert_eq!(first("{\"first\":null}"), None);
    let total = |response: &str| {
        let file = parse(&format!("{{\"response\":{response}}}")).unwrap();
        file.response.total.is_some()
    };
    assert!(total("{}") && !total("{\"total\":null}"));
    assert_eq!(parse("{\"columns\":null}").unwrap().columns, None);
    assert_eq!(parse("{\"columns\":{}}").unwrap().columns, None);
}

#[test]
fn a_single_key_needs_no_list_and_the_default_query_sorts_by_the_cursor() {
    let of = parse("{\"primary_key\": \"key\", \"cursor\": \"changed\"}").unwrap();
    assert_eq!(of.primary_key[0].name, "key");
    assert_eq!(of.query[0].0, "order_by");
    assert_eq!(of.query[0].1, "changed".parse().unwrap());
    let own = parse(
        "{\"cursor\": \"changed\", \"query\": {\"order_by\": \"updatedAt\", \"s\": \"{since}\"}}",
    );
    assert_eq!(own.unwrap().query[0].1, "updatedAt".parse().unwrap());
}

#[test]
fn numbers_may_come_out_of_the_environment() {
    assert_eq!(parse("{\"page_size\":\"${SIZE}\"}").unwrap().page_size, 25);
    assert_eq!(parse("{\"page_size\":${SIZE}}").unwrap().page_size, 25);
    assert_eq!(
        parse("{\"lookback\":\"${SIZE}\"}").unwrap().lookback,
        Duration::from_secs(25)
    );
    assert_eq!(
        parse("{\"lookback\":90}").unwrap().lookback,
        Duration::from_secs(90)
    );
}

#[test]
fn variables_that_are_not_set_are_named_with_their_line() {
    let unset = parse("{\n\"url\":\n\"http://${HOST}/${NOPE}\"}").unwrap_err();
    assert_eq!(
        unset.to_string(),
        "line 3: the environment variable NOPE is not set"
    );
    assert!(unset.hint_text().contains("export NOPE="));
    assert_eq!(error("{\"url\":\"${HOST\"}"), "line 1: a ${ without its }");
    assert_eq!(
        error("{\"url\":\"${HO-ST}\"}"),
        "line 1: \"${HO-ST}\" is no name of a variable"
    );
    assert_eq!(
        error("{\"url\":\"${}\"}"),
        "line 1: \"${}\" is no name of a variable"
    );
}

#[test]
fn a_replay_keeps_variables_that_are_not_set() {
    let text = r#"{"query":{"key":"${NOPE}","since":"{since}"},"headers":{"A":"${NOPE}"}}"#;
    let file = Connection::parse(text, &environment, true, &mut Secrets::default()).unwrap();
    assert_eq!(header(&file), "${NOPE}");
    let values = Values {
        token: None,
        since: None,
        limit: 1,
        offset: 0,
    };
    assert_eq!(
        file.request(&values).query,
        [("key".into(), "${NOPE}".into())]
    );
    assert!(file.by_page());
}

#[test]
fn every_fault_names_its_line_and_its_key() {
    for (text, message) in [
        (
            "{\n\"urll\": 1}",
            "line 2: unknown key \"urll\", did you mean \"url\"?",
        ),
        (
            "{\"response\": {\n\"totl\": \"\"}}",
            "line 2: unknown key \"totl\", did you mean \"total\"?",
        ),
        (
            "{\"since\": {\"zzzzzzzz\": \"\"}}",
            "line 1: unknown key \"zzzzzzzz\", the keys are bound, format, read, send, zone, fallback, first",
        ),
        (
            "{\n\n\"page_size\": \"many\"}",
            "line 3, \"page_size\": \"many\" is no whole number",
        ),
        (
            "{\"page_size\": -5}",
            "line 1, \"page_size\": invalid type: integer `-5`, expected a string or a whole number",
        ),
        (
            "{\"sorted\": \"yes\"}",
            "line 1, \"sorted\": invalid type: string \"yes\", expected a boolean",
        ),
        (
            "{\"on_bad_row\": \"drop\"}",
            "line 1, \"on_bad_row\": \"drop\" must be \"fail\" or \"reject\"",
        ),
        (
            "{\"since\": {\"bound\": \"open\"}}",
            "line 1, \"bound\": \"open\" must be \"inclusive\" or \"exclusive\"",
        ),
        (
            "{\"columns\": {\"a\": \"STRNG\"}}",
            "line 1, \"a\": unknown type \"STRNG\", did you mean \"STRING\"?",
        ),
        (
            "{\"columns\": {\"a\": \"INT\",\n\"a\": \"INT\"}}",
            "line 2, \"a\": \"a\" is there twice",
        ),
        (
            "{\"columns\": {\"/a/b\": \"INT\", \"a_b\": \"INT\"}}",
            "\"columns\": \"a_b\" is there twice",
        ),
        (
            "{\"query\": {\"s\": \"{sinse}\"}}",
            "line 1, \"s\": unknown placeholder {sinse}, did you mean {since}?",
        ),
        (
            "{\"query\": {\"s\": \"x\"}}",
            "\"query\": no parameter holds {since}",
        ),
        (
            "{\"response\": {\"rows\": \"data\"}}",
            "line 1, \"rows\": \"data\" is no JSON pointer, did you mean \"/data\"?",
        ),
        (
            "{\"response\": {\"total\": \"header:\"}}",
            "line 1, \"total\": \"header:\" lacks the header's name",
        ),
        (
            "{\"cursor\": \"\"}",
            "line 1, \"cursor\": a field's name is empty",
        ),
        (
            "{\"primary_key\": []}",
            "\"primary_key\": must name at least one field",
        ),
        (
            "{\"primary_key\": 7}",
            "line 1, \"primary_key\": invalid type: integer `7`, expected a list of fields",
        ),
        (
            "{\"table\": \"a/b\"}",
            "\"table\": must be a name of letters, digits, _, - and .",
        ),
        (
            "{\"table\": \"..\"}",
            "\"table\": must be a name of letters, digits, _, - and .",
        ),
        (
            "{\"page_size\": 0}",
            "\"page_size\": must be from 1 to 1000000",
        ),
        ("{\"max_offset\": 0}", "\"max_offset\": must be at least 1"),
        (
            "{\"timeout\": 0}",
            "\"timeout\": must be longer than nothing",
        ),
        (
            "{\"max_body\": \"4G\"}",
            "\"max_body\": must be from 1 to 4294967294 bytes",
        ),
        (
            "{\"max_body\": \"x\"}",
            "line 1, \"max_body\": \"x\" is no size, write bytes as 1048576 or 64M",
        ),
        (
            "{\"lookback\": \"soon\"}",
            "line 1, \"lookback\": \"soon\" is not a duration, try 250ms, 60s, 5m, 2h, 1d or a \
             number of seconds",
        ),
        (
            "{\"url\": \"a\",\n\"url\": \"b\"}",
            "line 2, \"url\": duplicate field `url`",
        ),
        (
            "{\n\"url\": \"a\"\n\"table\": \"b\"}",
            "line 3, \"table\": expected `,` or `}`",
        ),
        ("", "line 1: EOF while parsing a value"),
        ("[]", "line 1: invalid type: sequence, expected an object"),
        (
            "{\"since\": [\"inclusive\", \"unix\", null]}",
            "line 1, \"since\": invalid type: sequence, expected an object",
        ),
        ("{} {}", "line 1: trailing characters"),
        (
            "{\"statuses\": {\"emptyy\": [404]}}",
            "line 1: unknown key \"emptyy\", did you mean \"empty\"?",
        ),
        (
            "{\"auth\": {\"comand\": [\"x\"]}}",
            "line 1: unknown key \"comand\", did you mean \"command\"?",
        ),
        (
            "{\"auth\": {\"login\": {\"bdy\": {}}}}",
            "line 1: unknown key \"bdy\", did you mean \"body\"?",
        ),
        (
            "{\"query\": {\"n\": \"{limit:number}\"}}",
            "line 1, \"n\": unknown placeholder {limit:number}, did you mean {limit:text}?",
        ),
        (
            "{\"since\": {\"format\": \"unixms\"}}",
            "line 1, \"format\": unknown format \"unixms\", did you mean \"unix-ms\"?",
        ),
        (
            "{\"primary_key\": [\"id\", \"id\"]}",
            "\"primary_key\": names a field twice",
        ),
    ] {
        assert_eq!(error(text), message, "{text}");
    }
    assert!(error("{\"since\": {\"format\": \"[yeer]\"}}").starts_with("line 1, \"format\": "));
}

#[test]
fn zones_spellings_and_what_stands_in_are_taken() {
    let file = parse(
        r#"{"since": {"read": "http-date", "send": "unix", "zone": "+01:00", "fallback": "/made/at", "first": -440},
            "ignore": ["seen", "/user/url"], "response": {"columns": "/columns"}}"#,
    )
    .unwrap();
    let instant = highwater::timestamp::parse("2024-01-15T10:30:00Z").unwrap();
    let format = &file.since.format;
    assert_eq!(
        format.read("Mon, 15 Jan 2024 10:30:00 GMT", false),
        Some(instant)
    );
    assert_eq!(format.read("2024-01-15T11:30:00", false), Some(instant));
    assert_eq!(format.spell("", instant), "1705314600");
    assert_eq!(file.since.first.as_deref(), Some("-440"));
    assert_eq!(file.since.fallback.unwrap().path, ["made", "at"]);
    assert_eq!(file.ignore[1].path, ["user", "url"]);
    assert_eq!(file.response.columns.unwrap(), ["columns"]);
    let both = parse(r#"{"since": {"format": "unix"}}"#).unwrap();
    assert_eq!(both.since.format, Format::Unix);
    let one = parse(r#"{"since": {"format": "unix", "send": "date"}}"#).unwrap();
    assert_eq!(one.since.format.read("1705314600", false), Some(instant));
    assert_eq!(one.since.format.spell("", instant), "2024-01-15");
    let none = r#"{"since": {"zone": null, "fallback": null}, "response": {"columns": null}, "ignore": []}"#;
    assert_eq!(parse(none).unwrap(), parse("{}").unwrap());
}

#[test]
fn a_named_zone_is_read_once_it_is_asked_for() {
    let mut file = parse(
        r#"{"since": {"zone": "Europe/Paris", "format": "[year]-[month]-[day] [hour]:[minute]"}}"#,
    )
    .unwrap();
    let rule = crate::zone_file::rule("CET-1CEST,M3.5.0,M10.5.0/3");
    file.settle(&|name| {
        assert_eq!(name, "Europe/Paris");
        Ok(rule.clone())
    })
    .unwrap();
    let instant = highwater::timestamp::parse("2024-07-15T10:30:00Z").unwrap();
    assert_eq!(file.since.format.spell("", instant), "2024-07-15 12:30");
    assert_eq!(
        file.since.format.read("2024-07-15 12:30", false),
        Some(instant)
    );
    // An hour that comes twice is not named.
    let twice = highwater::timestamp::parse("2024-10-27T01:10:00Z").unwrap();
    assert_eq!(file.since.format.spell("", twice), "2024-10-27 01:59");
}

#[test]
fn faults_of_zones_spellings_and_ignored_fields_are_named() {
    for (text, message) in [
        (
            r#"{"since": {"zon": "UTC"}}"#,
            "line 1: unknown key \"zon\", did you mean \"zone\"?",
        ),
        (
            r#"{"since": {"falback": "x"}}"#,
            "line 1: unknown key \"falback\", did you mean \"fallback\"?",
        ),
        (
            r#"{"ignored": []}"#,
            "line 1: unknown key \"ignored\", did you mean \"ignore\"?",
        ),
        (
            r#"{"response": {"column": "/c"}}"#,
            "line 1: unknown key \"column\", did you mean \"columns\"?",
        ),
        (
            r#"{"since": {"zone": "-5"}}"#,
            "line 1, \"zone\": \"-5\" is no time zone, write a name as \"America/New_York\" or an offset as \"-05:00\"",
        ),
        (
            r#"{"since": {"format": "date", "read": "unix", "send": "unix"}}"#,
            "\"format\": stands for \"read\" and \"send\" both, and both are given; leave one of the three out",
        ),
        (
            r#"{"since": {"fallback": "updatedAt"}}"#,
            "\"fallback\": is the cursor itself; name the field that has a time where the cursor has none",
        ),
        (
            r#"{"ignore": ["id"]}"#,
            "\"ignore\": \"id\" tells rows or their versions apart and cannot be ignored",
        ),
        (
            r#"{"cursor": "/meta/at", "ignore": "meta"}"#,
            "\"ignore\": \"meta_at\" tells rows or their versions apart and cannot be ignored",
        ),
        (
            r#"{"ignore": [""]}"#,
            "line 1, \"ignore\": a field's name is empty",
        ),
        (
            r#"{"response": {"columns": "columns"}}"#,
            "line 1, \"columns\": \"columns\" is no JSON pointer, did you mean \"/columns\"?",
        ),
        (
            r#"{"on_bad_row": "skip"}"#,
            "line 1, \"on_bad_row\": \"skip\" must be \"fail\" or \"reject\"",
        ),
    ] {
        assert_eq!(error(text), message, "{text}");
    }
    assert!(error(r#"{"since": {"send": "[yeer]"}}"#).starts_with("line 1, \"send\": "));
}

#[test]
fn control_characters_of_a_value_are_escaped_in_its_fault() {
    for text in [
        r#"{"since": {"read": "\n"}}"#,
        r#"{"since": {"format": "\u0007[hour"}}"#,
        r#"{"lookback": "\u001b[2J"}"#,
        r#"{"timeout": "99999999999999\t99h"}"#,
    ] {
        let error = error(text);
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn sizes_are_bytes_or_powers_of_1024() {
    for (text, bytes) in [
        ("0", 0),
        ("1048576", 1 << 20),
        ("64M", 64 << 20),
        ("64mb", 64 << 20),
        ("1KiB", 1 << 10),
        (" 2g ", 2 << 30),
    ] {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
    for text in [
        "",
        "M",
        "B",
        "+5",
        "-5",
        "1.5G",
        "5T",
        "é",
        "99999999999999999999",
        "99999999999G",
    ] {
        assert!(size(text).is_err(), "{text}");
    }
}

#[test]
fn no_truncation_of_a_file_is_taken_for_the_whole() {
    for end in 0..FULL.len() {
        assert!(!error(&FULL[..end]).is_empty());
    }
}

#[test]
fn no_damage_of_one_byte_panics() {
    for at in 0..FULL.len() {
        for byte in 0..128 {
            let mut bytes = FULL.as_bytes().to_vec();
            bytes[at] = byte;
            if let Err(error) = parse(&String::from_utf8(bytes).unwrap()) {
                assert_eq!(error.kind(), Kind::Usage);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_connection_or_an_error(text in any::<String>(), value in "\\PC{0,12}") {
        let quoted = serde_json::to_string(&value).unwrap();
        let keys = [
            "url", "table", "cursor", "lookback", "max_body", "on_bad_row", "page_size", "headers",
        ];
        let mut texts = vec![text.clone(), format!("{{\"response\":{{\"rows\":{quoted}}}}}")];
        texts.extend(keys.map(|key| format!("{{\"{key}\":{quoted}}}")));
        texts.push(format!("{{\"query\":{{{quoted}:{quoted}}}}}"));
        texts.push(format!("{{\"since\":{{\"format\":{quoted}}}}}"));
        for text in texts {
            if let Err(error) = parse(&text) {
                prop_assert_eq!(error.kind(), Kind::Usage);
            }
        }
        size(&text).ok();
    }

    #[test]
    fn what_the_environment_says_arrives_as_it_is(value in any::<String>()) {
        let environment = |_: &str| Some(value.clone());
        let text = "{\"headers\":{\"A\":\"<${A}>\"}}";
        let file = Connection::parse(text, &environment, false, &mut Secrets::default());
        prop_assert_eq!(header(&file.unwrap()), format!("<{value}>"));
    }
}
