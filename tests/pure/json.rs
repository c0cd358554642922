//! The scanner against serde_json, which is the measure of what JSON is.

use highwater::json::{self, Fault};
use proptest::prelude::*;
use serde_json::Value;

/// Texts that hold something of everything.
const SAMPLES: [&str; 5] = [
    "{\"a\": [1, -2.5e+10, true, null, \"x\\n\\u00e9\\ud83d\\ude00é\"], \"\": {}}",
    "[[], {}, [{\"k\":0}] , \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", 1E-7]",
    " {\"long string before the end\":\"0123456789abcdefghijklmnopqrstuvwxyz\"}\r\n\t",
    "\"12345678\\u0041\"",
    "-0.0",
];

fn scan(text: &[u8]) -> Result<(), Fault> {
    let end = json::value(text, json::space(text, 0), 0)?;
    let at = json::space(text, end);
    let what = "something follows it";
    if at == text.len() {
        Ok(())
    } else {
        Err(Fault { at, what })
    }
}

/// Whether serde_json takes the text as a value. It cannot tell where a number
/// is more than a float can hold, which is a number nevertheless.
fn reference(text: &str) -> Option<bool> {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => Some(true),
        Err(error) if error.to_string().starts_with("number out of range") => None,
        Err(_) => Some(false),
    }
}

fn agrees(text: &str) {
    let found = scan(text.as_bytes());
    if let Some(expected) = reference(text) {
        assert_eq!(found.is_ok(), expected, "{text:?}: {found:?}");
    }
}

#[test]
fn numbers_have_as_many_digits_as_they_like() {
    for text in [
        "1e999",
        "-1e-99999999999999999999",
        "1e99999999999999999999",
    ] {
        assert_eq!(scan(text.as_bytes()), Ok(()));
    }
    assert_eq!(scan("7".repeat(100_000).as_bytes()), Ok(()));
}

#[test]
fn every_prefix_of_a_text_is_one_that_ended_too_soon() {
    for sample in SAMPLES {
        agrees(sample);
        let whole = sample.trim();
        for end in 0..whole.len() {
            let text = &whole.as_bytes()[..end];
            match scan(text) {
                // a shorter number is a number
                Ok(()) => assert_eq!(whole, "-0.0"),
                Err(fault) => assert!(fault.is_end(), "{end} of {whole}: {fault:?}"),
            }
        }
    }
}

#[test]
fn every_byte_that_is_changed_left_out_or_put_in_is_judged_as_serde_json_does() {
    for sample in SAMPLES {
        let check = |bytes: Vec<u8>| {
            if let Ok(text) = String::from_utf8(bytes) {
                agrees(&text);
            }
        };
        for at in 0..sample.len() {
            let mut shorter = sample.as_bytes().to_vec();
            shorter.remove(at);
            check(shorter);
            for byte in 0..=255 {
                let mut changed = sample.as_bytes().to_vec();
                changed[at] = byte;
                check(changed);
                let mut longer = sample.as_bytes().to_vec();
                longer.insert(at, byte);
                check(longer);
            }
        }
    }
}

#[test]
fn nesting_ends_where_serde_json_ends_it() {
    for depth in 1..140 {
        for (open, inner, close) in [("[", "", "]"), ("[", "1", "]"), ("{\"a\":", "{}", "}")] {
            let text = open.repeat(depth) + inner + &close.repeat(depth);
            agrees(&text);
        }
        let mixed = "[{\"a\":".repeat(depth) + "0" + &"}]".repeat(depth);
        agrees(&mixed);
    }
    let deep = scan("[".repeat(1_000_000).as_bytes()).unwrap_err();
    assert_eq!(deep.what, "values nest deeper than 127 levels");
}

#[test]
fn a_fault_says_where_and_what() {
    for (text, at, what) in [
        ("", 0, "the text ends in the middle of a value"),
        ("{\"a\" 1}", 5, "no colon after the key"),
        ("{\"a\":1 \"b\"}", 7, "neither a comma nor the object's end"),
        ("{a:1}", 1, "an object's key must be a string"),
        ("{\"a\":1,}", 7, "an object's key must be a string"),
        ("[1,]", 3, "no value starts with this"),
        ("[1 2]", 3, "neither a comma nor the array's end"),
        ("nul", 3, "the text ends in the middle of a value"),
        ("nuln", 0, "neither true, false nor null"),
        ("\"a\nb\"", 2, "a control character inside a string"),
        ("\"\\x\"", 1, "an unknown escape inside a string"),
        (
            "\"\\u00g0\"",
            5,
            "a \\u escape takes four hexadecimal digits",
        ),
        ("\"\\ud800\"", 7, "half a surrogate pair"),
        ("\"\\udc00\"", 1, "half a surrogate pair"),
        ("01", 0, "a number with a leading zero"),
        ("1.x", 2, "a digit is missing"),
        ("NaN", 0, "no value starts with this"),
        ("1 1", 2, "something follows it"),
    ] {
        assert_eq!(
            scan(text.as_bytes()).unwrap_err(),
            Fault { at, what },
            "{text}"
        );
    }
}

#[test]
fn a_plain_run_ends_at_each_place_of_a_word() {
    for length in 0..40 {
        for end in [
            '"', '\\', '\n', '\u{1f}', '\u{7f}', '\u{80}', 'é', ' ', '!', '#',
        ] {
            agrees(&format!("\"{}{end}n\"", "x".repeat(length)));
            agrees(&format!("\"{}{end}{end}\"", "é".repeat(length)));
        }
    }
}

#[test]
fn a_byte_is_found_at_each_place_of_a_text_and_nowhere_else() {
    use highwater::json::holds;
    for length in 0..30 {
        for filler in ["-", "\u{7f}", "[", "]", "+", "é", "\u{1}"] {
            let text = filler.repeat(length).into_bytes();
            assert_eq!(holds(&text, [b',', b'\\']), [false; 2], "{filler}");
            for place in 0..text.len() {
                for (byte, found) in [(b',', [true, false]), (b'\\', [false, true])] {
                    let mut text = text.clone();
                    text[place] = byte;
                    assert_eq!(holds(&text, [b',', b'\\']), found, "{filler} {place}");
                }
            }
        }
    }
}

#[test]
fn pointers_into_lists_take_indices_as_serde_json_does() {
    let text = "[10,[20,21],{\"0\":30}]";
    let value: Value = serde_json::from_str(text).unwrap();
    for tokens in [
        "", "/0", "/1/1", "/2/0", "/3", "/01", "/+1", "/-", "/1/", "/x", "/0/0",
    ] {
        let path: Vec<String> = tokens.split('/').skip(1).map(str::to_owned).collect();
        let found = json::point(text.as_bytes(), &path);
        let found = found.map(|raw| serde_json::from_slice::<Value>(raw).unwrap());
        assert_eq!(found.as_ref(), value.pointer(tokens), "{tokens}");
    }
}

fn blank() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

/// A string with its quotes; now and then not quite valid.
fn quoted() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => any::<char>().prop_map(|c| {
            serde_json::to_string(&c).unwrap().trim_matches('"').to_owned()
        }).prop_filter("a quote's escape was trimmed", |piece| piece != "\\"),
        4 => "\\\\[\"\\\\/bfnrt]",
        2 => "\\\\u[0-9a-cA-CE-F][0-9a-fA-F]{3}",
        2 => "\\\\u[dD][89abAB][0-9a-f]{2}\\\\u[dD][c-fC-F][0-9a-f]{2}",
        2 => "[a-z é]{8,20}",
    ];
    let odd = prop_oneof![
        60 => Just(""), 1 => Just("\\ud800"), 1 => Just("\\udfff"), 1 => Just("\\x"),
        1 => Just("\n"), 1 => Just("\\u12"), 1 => Just("\u{7f}"),
    ];
    (prop::collection::vec(piece, 0..6), odd)
        .prop_map(|(pieces, odd)| format!("\"{}{odd}\"", pieces.concat()))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?",
        1 => "[-+0-9.eE]{1,6}",
    ]
}

/// JSON, blanks and all; mostly valid.
fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        quoted(),
        number(),
        prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(str::to_owned),
    ];
    let tree = leaf.prop_recursive(5, 48, 5, |inner| {
        let element = (blank(), inner, blank())
            .prop_map(|(a, b, c)| a + &b + &c)
            .boxed();
        let list = prop::collection::vec(element.clone(), 0..5);
        let member = (blank(), quoted(), blank(), element)
            .prop_map(|(a, key, b, value)| format!("{a}{key}{b}:{value}"));
        let members = prop::collection::vec(member, 0..5);
        prop_oneof![
            list.prop_map(|list| format!("[{}]", list.join(","))),
            members.prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    (blank(), tree, blank()).prop_map(|(a, b, c)| a + &b + &c)
}

/// A value as serde_json has it, of few keys, so that pointers hit.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(token(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn token() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 14] = [
        "", "a", "b", "0", "1", "01", "+1", "-", "~", "/", "é", "\"", "\\", "\n",
    ];
    prop::sample::select(&KNOWN[..]).prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn what_is_json_is_what_serde_json_takes(text in text()) {
        agrees(&text);
    }

    #[test]
    fn any_text_is_judged_as_serde_json_does(text in any::<String>(), ascii in "[\\[\\]{}\",:0-9.eE+ a-z\\\\-]{0,12}") {
        agrees(&text);
        agrees(&ascii);
    }

    #[test]
    fn strings_are_unescaped_as_serde_json_does(text in quoted()) {
        if let Ok(expected) = serde_json::from_str::<String>(&text) {
            let inner = &text.as_bytes()[1..text.len() - 1];
            prop_assert_eq!(json::unescape(inner), expected.as_str());
            prop_assert_eq!(json::text(text.as_bytes()), expected);
        }
    }

    #[test]
    fn compact_is_what_serde_json_writes(value in value()) {
        let mut out = b"kept:".to_vec();
        json::compact(serde_json::to_string_pretty(&value).unwrap().as_bytes(), &mut out);
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!("kept:{value}"));
    }

    #[test]
    fn compact_keeps_the_value_and_its_digits(text in text()) {
        if scan(text.as_bytes()).is_ok() {
            let mut out = Vec::new();
            json::compact(text.trim().as_bytes(), &mut out);
            let mut again = Vec::new();
            json::compact(&out, &mut again);
            prop_assert_eq!(&out, &again);
            let bytes = |text: &[u8]| {
                let mut bytes = text.to_vec();
                bytes.retain(|byte| !b" \t\r\n".contains(byte));
                bytes
            };
            prop_assert_eq!(bytes(&out), bytes(text.as_bytes()));
            // equally none where a number is more than a float
            let value = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
            prop_assert_eq!(value(&out), value(text.as_bytes()));
        }
    }

    #[test]
    fn pointers_lead_where_serde_json_says(
        value in value(),
        tokens in prop::collection::vec(token(), 0..4),
    ) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let pointer: String = tokens
            .iter()
            .map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")))
            .collect();
        let found = json::point(text.as_bytes(), &tokens);
        let found = found.map(|raw| serde_json::from_slice::<Value>(raw).unwrap());
        prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
    }
}
