//! The scanner of JSON against serde_json.

use highwater::json::{self, Fault, lenient};
use serde_json::Value;

use crate::engine::fuzz;
use crate::{ensure, is_json};

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

fn samples() -> Vec<Vec<u8>> {
    let samples = [
        "{\"a\": [1, -2.5e+10, true, null, \"x\\n\\u00e9\\ud83d\\ude00é\"], \"\": {}}",
        "[[], {}, [{\"k\":0}] , \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", 1E-7, [\"a/b\", {\"~\": [0, 1]}]]",
        " {\"long string before the end\":\"0123456789abcdefghijklmnopqrstuvwxyz\"}\r\n\t",
        "\"12345678\\u0041\"",
        "-0.0",
        include_str!("../../testdata/playground/second.jsonl"),
    ];
    samples.map(Vec::from).to_vec()
}

/// Follows every pointer into a value, and whether the scanner finds the same.
fn points(
    text: &[u8],
    whole: &Value,
    path: &mut Vec<String>,
    left: &mut usize,
) -> Result<(), String> {
    if *left == 0 {
        return Ok(());
    }
    *left -= 1;
    let found = json::point(text, path).map(serde_json::from_slice::<Value>);
    let same = matches!(&found, Some(Ok(found)) if found == whole);
    ensure!(same, "{path:?} leads to {found:?}, and in truth to {whole}");
    let below: Vec<(String, &Value)> = match whole {
        Value::Array(all) => (0..).map(|at: usize| at.to_string()).zip(all).collect(),
        Value::Object(all) => all
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (token, value) in below {
        path.push(token);
        points(text, value, path, left)?;
        path.pop();
    }
    Ok(())
}

fn check(input: &[u8]) -> Result<(), String> {
    for start in [0, input.len() / 2] {
        _ = lenient::skip(input, start);
    }
    for byte in [b'"', b'\\', b'\n', 0] {
        let found = json::holds(input, [byte]);
        ensure!(
            found == [input.contains(&byte)],
            "{byte} is taken for {found:?}"
        );
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let scanned = scan(input);
    if let Err(fault) = scanned {
        ensure!(fault.at <= input.len(), "{fault:?} is beyond the end");
    }
    let Some(expected) = is_json(input) else {
        // Both follow values equally deep.
        let deep = |error: serde_json::Error| error.to_string().starts_with("recursion");
        let deep = serde_json::from_slice::<Value>(input).is_err_and(deep);
        ensure!(!deep || scanned.is_err(), "it nests too deep, and is taken");
        return Ok(());
    };
    ensure!(
        scanned.is_ok() == expected,
        "{scanned:?}, and serde_json: {expected}"
    );
    if !expected {
        return Ok(());
    }
    let start = json::space(input, 0);
    let end = input.trim_ascii_end().len();
    let value = &input[start..end];
    if let [b'"' | b'{' | b'[', ..] = value {
        let skipped = lenient::skip(input, start);
        ensure!(skipped == Some(end), "{skipped:?} is taken for its end");
    }
    let whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Value::String(text) = &whole {
        let found = json::text(value);
        ensure!(found == **text, "{found:?} is taken for its text");
    }
    let mut compact = Vec::new();
    json::compact(value, &mut compact);
    let same: Result<Value, _> = serde_json::from_slice(&compact);
    ensure!(
        same.is_ok_and(|same| same == whole),
        "it is another value once it is compact"
    );
    let mut again = Vec::new();
    json::compact(&compact, &mut again);
    ensure!(again == compact, "it can be made compact twice");
    points(value, &whole, &mut Vec::new(), &mut 60)
}

#[test]
fn scanner() {
    fuzz("scanner", &samples(), check);
}
