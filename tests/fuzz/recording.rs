//! The recording: it answers what was recorded, or is refused by its line.

use highwater::error::Kind;
use highwater::exchange::{Method, Request};
use highwater::secret::Secrets;
use highwater::source::Source;
use highwater::source::replay::Replay;
use serde_json::Value;

use crate::engine::fuzz;
use crate::{ensure, is_skipped_as_json};

const SAMPLES: [&str; 3] = [
    "{\"request\":{\"query\":{\"a\":\"1\"}},\"response\":{\"status\":200,\"headers\":{\"x\":\"y\"},\"body\":{\"data\":[{\"n\":1.50}]}}}\n{\"request\":{\"query\":{\"a\":\"1\"}},\"error\":\"connection refused\",\"exit\":3}\n",
    "{\"request\":{\"method\":\"POST\",\"query\":{\"a\":[\"1\",\"2\"]},\"headers\":{\"X-A\":\"b\"},\"body\":{\"q\": [1, \"x y\"]}},\"response\":{\"status\":429,\"headers\":{\"retry-after\":\"0\",\"set-cookie\":[\"a\",\"b\"]},\"body\":\"slow \\u0064own\"}}\n\n{\"request\":{\"link\":\"https://h/x?p=2\",\"query\":{}},\"response\":{\"status\":204}}\n",
    include_str!("../../testdata/playground/second.jsonl"),
];

/// What a replay is asked for and what it answers, as serde_json reads a line.
/// None for members that are there twice, which a map does not keep, and for a
/// body whose members a map would bring into another order.
fn reference(text: &str) -> Option<(Request, Option<(u16, Value)>)> {
    let line: Value = serde_json::from_str(text).ok()?;
    let pairs = |of: &Value| -> Vec<(String, String)> {
        let members = of.as_object().into_iter().flatten();
        let texts = members.flat_map(|(name, value)| {
            let values = value.as_array().cloned().unwrap_or(vec![value.clone()]);
            let text = |value: Value| match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            values
                .into_iter()
                .map(move |value| (name.clone(), text(value)))
        });
        texts.collect()
    };
    let request = &line["request"];
    let body = match &request["body"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let blanks = |text: &str| text.replace(' ', "");
    if body
        .as_deref()
        .is_some_and(|body| !blanks(text).contains(&blanks(body)))
        && !line["request"]["body"].is_string()
    {
        return None;
    }
    let asked = Request {
        method: request["method"]
            .as_str()
            .map_or(Some(Method::Get), |name| name.parse().ok())?,
        query: pairs(&request["query"]),
        headers: pairs(&request["headers"]),
        body,
        link: request["link"].as_str().map(str::to_owned),
        ..Request::default()
    };
    let answer = line["response"].as_object().map(|response| {
        let status = response["status"].as_u64().unwrap_or_default() as u16;
        (status, response.get("body").cloned().unwrap_or(Value::Null))
    });
    Some((asked, answer))
}

/// Whether a line says everything once and in the usual spelling, so that it is
/// what serde_json makes of it, sorted members aside.
fn is_plain(line: &str) -> bool {
    let letters = |text: &str| {
        let mut bytes: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
        bytes.sort_unstable();
        bytes
    };
    let value: Option<Value> = serde_json::from_str(line).ok();
    value.is_some_and(|value| letters(&value.to_string()) == letters(line.trim()))
}

/// Asks for what one line recorded.
fn replayed(line: &str, replay: &mut Replay) -> Result<(), String> {
    let Some((request, expected)) = reference(line) else {
        return Ok(());
    };
    let mut body = Vec::new();
    let fetched = replay.fetch(&request, &mut body);
    match (fetched, expected) {
        (Ok(response), Some((status, whole))) => {
            ensure!(
                response.status == status,
                "it answers {}, not {status}",
                response.status
            );
            let same = match whole {
                Value::String(text) => text.as_bytes() == body,
                Value::Null => body.is_empty() || body == b"null",
                other => serde_json::from_slice::<Value>(&body).is_ok_and(|body| body == other),
            };
            ensure!(same, "it answers {}", String::from_utf8_lossy(&body));
        }
        (Err(error), None) => {
            ensure!(
                error.refusal().is_none(),
                "what was recorded is not found: {error}"
            );
        }
        (fetched, expected) => return Err(format!("{fetched:?}, recorded was {expected:?}")),
    }
    Ok(())
}

fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let open = |text: &str| Replay::from_text(text, "NAME", Secrets::default());
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    match open(text) {
        Ok(mut replay) => {
            for line in &lines {
                // A body is kept as it came, half a surrogate pair included.
                ensure!(
                    is_skipped_as_json(line.as_bytes()),
                    "serde_json refuses {line}"
                );
                ensure!(open(line).is_ok(), "a line is refused alone: {line}");
            }
            if lines.iter().all(|line| is_plain(line)) {
                for line in &lines {
                    replayed(line, &mut replay)?;
                }
            }
        }
        Err(error) => {
            let what = error.to_string();
            ensure!(
                error.kind() == Kind::Usage && !error.hint_text().is_empty(),
                "{what}"
            );
            ensure!(
                !what.contains(char::is_control),
                "a control character in {what:?}"
            );
            let bad = text
                .lines()
                .position(|line| !line.trim().is_empty() && open(line).is_err());
            let place = match bad {
                Some(bad) => format!("NAME, line {}: ", bad + 1),
                None => "NAME: the recording is empty".to_owned(),
            };
            ensure!(what.starts_with(&place), "{what}, and in truth {place}");
        }
    }
    Ok(())
}

#[test]
fn recording() {
    fuzz("recording", &SAMPLES.map(Vec::from), check);
}
