//! Each column type with what it takes and what it refuses.

use highwater::timestamp::Format;
use highwater::types::{Type, Value};
use proptest::prelude::*;

const TYPES: [Type; 14] = [
    Type::String,
    Type::Boolean,
    Type::Short,
    Type::Int,
    Type::Long,
    Type::Decimal,
    Type::Float,
    Type::Double,
    Type::NaiveDate,
    Type::NaiveDatetime,
    Type::UtcDatetime,
    Type::Binary,
    Type::Xml,
    Type::Json,
];

/// The value as it goes on: JSON text, or text alone in `<>`.
fn check_in(of: Type, raw: &str, key: bool, format: &str) -> Result<String, &'static str> {
    let format = Format::new(format).unwrap();
    of.check(raw.as_bytes(), key, &format)
        .map(|value| match value {
            Value::Raw(raw) => String::from_utf8(raw.to_vec()).unwrap(),
            Value::Bare(text) => text.into_owned(),
            Value::Text(text) => format!("<{text}>"),
        })
}

fn check(of: Type, raw: &str) -> Result<String, &'static str> {
    check_in(of, raw, false, "as-received")
}

fn takes(of: Type, raw: &str, spelled: &str) {
    assert_eq!(check(of, raw).as_deref(), Ok(spelled), "{of:?} {raw}");
}

fn refuses(of: Type, wanted: &str, raws: &[&str]) {
    for raw in raws {
        assert_eq!(check(of, raw), Err(wanted), "{of:?} {raw}");
    }
}

#[test]
fn names_are_read_back_and_a_wrong_one_is_told_the_nearest() {
    for of in TYPES {
        assert_eq!(of.name().parse(), Ok(of));
    }
    let error = |text: &str| text.parse::<Type>().unwrap_err();
    assert_eq!(
        error("STRNG"),
        "unknown type \"STRNG\", did you mean \"STRING\"?"
    );
    assert_eq!(
        error("long"),
        "unknown type \"long\", did you mean \"LONG\"?"
    );
    assert!(error("VARCHAR(255)").contains("the types are STRING, BOOLEAN"));
}

#[test]
fn null_is_of_every_type() {
    for of in TYPES {
        takes(of, "null", "null");
    }
}

#[test]
fn strings_stay_as_they_came_and_numbers_pass_only_for_keys() {
    takes(Type::String, "\"\\u00e9\\n\"", "\"\\u00e9\\n\"");
    refuses(Type::String, "must be a string", &["1", "true", "{}", "[]"]);
    assert_eq!(
        check_in(Type::String, "1.50", true, "as-received").unwrap(),
        "1.50"
    );
    assert!(check_in(Type::String, "true", true, "as-received").is_err());
    assert!(check_in(Type::String, "{}", true, "as-received").is_err());
}

#[test]
fn booleans_may_come_in_quotes() {
    for word in ["true", "false"] {
        takes(Type::Boolean, word, word);
        takes(Type::Boolean, &format!("\"{word}\""), word);
    }
    let bad = ["1", "\"yes\"", "\"True\"", "{}", "\"\""];
    refuses(Type::Boolean, "must be true or false", &bad);
}

#[test]
fn whole_numbers_end_at_their_bounds_and_keep_their_digits() {
    let bounds = [
        (Type::Short, i64::from(i16::MIN), i64::from(i16::MAX)),
        (Type::Int, i64::from(i32::MIN), i64::from(i32::MAX)),
        (Type::Long, i64::MIN, i64::MAX),
    ];
    for (of, min, max) in bounds {
        for number in [min, max, 0, -1] {
            takes(of, &number.to_string(), &number.to_string());
            takes(of, &format!("\"{number}\""), &number.to_string());
        }
        for number in [i128::from(min) - 1, i128::from(max) + 1] {
            assert!(check(of, &number.to_string()).is_err());
            assert!(check(of, &format!("\"{number}\"")).is_err());
        }
        for bad in [
            "1.0", "1e2", "\"\"", "\"x\"", "\"+1\"", "\"01\"", "\" 1\"", "true", "[1]",
        ] {
            assert!(check(of, bad).is_err(), "{bad}");
        }
    }
    takes(Type::Int, "-0", "-0");
    refuses(
        Type::Short,
        "must be a whole number from -32768 to 32767",
        &["32768"],
    );
}

#[test]
fn decimals_keep_every_digit() {
    let digits = "-123456789012345678901234567890.12345678901234567890e+400";
    takes(Type::Decimal, digits, digits);
    takes(Type::Decimal, &format!("\"{digits}\""), digits);
    takes(Type::Decimal, "\"1.50\"", "1.50");
    let bad = [
        "\"\"", "\"1,5\"", "\".5\"", "\"5.\"", "\"NaN\"", "\"1 \"", "\"[1]\"", "true",
    ];
    refuses(Type::Decimal, "must be a number", &bad);
}

#[test]
fn floats_are_those_that_their_type_can_hold() {
    takes(Type::Float, "3.4e38", "3.4e38");
    takes(Type::Double, "1.10", "1.10");
    takes(Type::Double, "\"1e308\"", "1e308");
    takes(Type::Double, "1e-999", "1e-999");
    let wanted = "must be a number that a FLOAT can hold";
    refuses(
        Type::Float,
        wanted,
        &["3.5e38", "\"NaN\"", "\"inf\"", "false"],
    );
    let wanted = "must be a number that a DOUBLE can hold";
    refuses(Type::Double, wanted, &["1e309", "-1e309", "\"\""]);
}

#[test]
fn dates_are_days_that_exist() {
    takes(Type::NaiveDate, "\"2024-02-29\"", "\"2024-02-29\"");
    let bad = [
        "\"2023-02-29\"",
        "\"2024-1-1\"",
        "20240101",
        "\"2024-01-01T00:00:00Z\"",
        "\"\"",
    ];
    refuses(Type::NaiveDate, "must be a date, YYYY-MM-DD", &bad);
}

#[test]
fn datetimes_without_an_offset_are_spelled_one_way() {
    let of = Type::NaiveDatetime;
    takes(
        of,
        "\"2024-01-15T10:30:00.50\"",
        "\"2024-01-15T10:30:00.50\"",
    );
    takes(of, "\"2024-01-15 10:30:00.50\"", "<2024-01-15T10:30:00.50>");
    takes(of, "\"2024-01-15T10:30\"", "<2024-01-15T10:30:00>");
    takes(of, "\"2024-01-15T10\\u003a30\"", "<2024-01-15T10:30:00>");
    let bad = [
        "\"2024-01-15T10:30:00Z\"",
        "\"2024-01-15\"",
        "1705314600",
        "{}",
    ];
    refuses(of, "must be a date and time without an offset", &bad);
}

#[test]
fn instants_are_spelled_in_utc_with_their_precision() {
    let of = Type::UtcDatetime;
    takes(of, "\"2024-01-15T10:30:00Z\"", "\"2024-01-15T10:30:00Z\"");
    takes(
        of,
        "\"2024-01-15T10:30:00.1234567890Z\"",
        "\"2024-01-15T10:30:00.1234567890Z\"",
    );
    takes(
        of,
        "\"2024-01-15T11:30:00.500+01:00\"",
        "<2024-01-15T10:30:00.500Z>",
    );
    takes(of, "\"2024-01-15 10:30:00z\"", "<2024-01-15T10:30:00Z>");
    takes(
        of,
        "\"2024-01-15T10\\u003a30:00Z\"",
        "<2024-01-15T10:30:00Z>",
    );
    let bad = [
        "\"2024-01-15T10:30:00\"",
        "\"\"",
        "\"soon\"",
        "true",
        "{}",
        "[1]",
        "\"2024-01-15\"",
    ];
    refuses(of, "must be a timestamp with its offset from UTC", &bad);
}

#[test]
fn instants_may_be_numbers_whatever_the_bounds_spelling() {
    let of = Type::UtcDatetime;
    takes(of, "1705314600", "<2024-01-15T10:30:00Z>");
    takes(of, "1705314600250", "<2024-01-15T10:30:00.25Z>");
    takes(of, "\"1705314600\"", "<2024-01-15T10:30:00Z>");
    let text = |raw, format| check_in(of, raw, false, format);
    assert_eq!(
        text("1705314600", "unix").unwrap(),
        "<2024-01-15T10:30:00Z>"
    );
    assert_eq!(
        text("1705314600250", "unix-ms").unwrap(),
        "<2024-01-15T10:30:00.25Z>"
    );
    assert_eq!(
        text("\"2024-01-15\"", "date").unwrap(),
        "<2024-01-15T00:00:00Z>"
    );
    let spaced = "[year]-[month]-[day] [hour]:[minute]:[second]";
    assert_eq!(
        text("\"2024-01-15 10:30:00\"", spaced).unwrap(),
        "<2024-01-15T10:30:00Z>"
    );
    assert!(text("1e99", "unix").is_err());
}

#[test]
fn binaries_are_base64_of_either_alphabet() {
    for good in [
        "\"\"", "\"QQ==\"", "\"QQ\"", "\"+/+/\"", "\"-_-_\"", "\"QUI=\"",
    ] {
        takes(Type::Binary, good, good);
    }
    let bad = [
        "\"Q\"", "\"QQ=\"", "\"Q===\"", "\"Q Q=\"", "\"=\"", "\"é\"", "1", "[]",
    ];
    refuses(Type::Binary, "must be base64", &bad);
}

#[test]
fn xml_starts_with_a_bracket_and_json_is_anything() {
    takes(Type::Xml, "\" <a/>\"", "\" <a/>\"");
    refuses(Type::Xml, "must be XML", &["\"a\"", "\"\"", "1"]);
    for raw in ["{\"a\": 1}", "[1]", "\"x\"", "1.50", "true"] {
        takes(Type::Json, raw, raw);
    }
}

#[test]
fn what_passes_at_a_glance_goes_as_it_came() {
    let mut passed = 0;
    for raw in [
        "\"\"",
        "\"x\"",
        "\"2024-01-15T10:30:00Z\"",
        "\"2024-01-15T10:30:00.250Z\"",
        "\"2024-01-15T10:30:00+01:00\"",
        "\"2024-01-15T10:30:00\\u005a\"",
        "7",
        "true",
        "null",
        "{\"a\":1}",
        "[]",
    ] {
        for of in TYPES {
            for spelling in ["as-received", "unix", "[day]/[month]/[year] [hour]"] {
                let format = Format::new(spelling).unwrap();
                if of.passes(raw.as_bytes(), &format) {
                    passed += 1;
                    let checked = of.check(raw.as_bytes(), false, &format);
                    assert_eq!(checked, Ok(Value::Raw(raw.as_bytes())), "{of:?} {raw}");
                }
            }
        }
    }
    // Every string is one, and two of them are timestamps.
    assert_eq!(passed, 6 * 3 + 2 * 2);
}

proptest! {
    #[test]
    fn no_value_panics_and_what_passes_as_a_number_is_one(
        inner in "[-+0-9.eEa-z:TZ /=<{\\[]{0,24}|\\PC{0,8}",
        key in any::<bool>(),
    ) {
        let quoted = serde_json::to_string(&inner).unwrap();
        let mut raws = vec![quoted];
        if serde_json::from_str::<serde_json::Value>(&inner).is_ok() {
            raws.push(inner.trim().to_owned());
        }
        for raw in raws {
            for of in TYPES {
                let checked = check_in(of, &raw, key, "as-received");
                let number = matches!(
                    of,
                    Type::Short | Type::Int | Type::Long | Type::Decimal | Type::Float | Type::Double
                );
                if let (Ok(text), true) = (checked, number && raw != "null") {
                    prop_assert!(text.parse::<f64>().is_ok(), "{:?} {}", of, text);
                }
            }
        }
    }
}
