//! A source that answers from a recording, byte for byte and without any
//! network. It looks an answer up by all that was asked; where that was asked
//! several times, the answers come in their order. It does not guess at what
//! was never recorded.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Again, Error, Refusal, Result, excerpt};
use crate::exchange::{Method, Request, Response};
use crate::json;
use crate::secret::Secrets;
use crate::source::Source;

/// All that was asked, as it is redacted: parts with their names, sorted, since
/// their order means nothing.
type Key = Vec<(Part, String, String)>;

/// Which part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Link,
    Method,
    Query,
    Header,
    Body,
}

/// A recording under replay.
pub struct Replay {
    name: String,
    secrets: Secrets,
    /// Each request that was recorded, in the order of its first answer.
    keys: Vec<Key>,
    answers: HashMap<Key, Answers>,
}

#[derive(Default)]
struct Answers {
    given: usize,
    all: Vec<Answer>,
}

enum Answer {
    Response(Response, Vec<u8>),
    Failure(String, u8),
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    request: Asked<'a>,
    #[serde(borrow)]
    response: Option<Answered<'a>>,
    error: Option<String>,
    exit: Option<u8>,
}

#[derive(Deserialize)]
struct Asked<'a> {
    link: Option<String>,
    method: Option<String>,
    #[serde(borrow)]
    query: Pairs<'a>,
    #[serde(borrow, default)]
    headers: Pairs<'a>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Answered<'a> {
    status: u16,
    #[serde(borrow, default)]
    headers: Pairs<'a>,
    /// As it stands there: a parsed value would lose digits.
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// An object's members in their order, doubles included.
#[derive(Default)]
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings or lists of these")
            }

            fn visit_map<M: MapAccess<'de>>(
                self,
                mut map: M,
            ) -> std::result::Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    let wrong = || M::Error::custom(format!("{name:?} is no string"));
                    let mut values = vec![value];
                    if value.get().starts_with('[') {
                        values = serde_json::from_str(value.get()).map_err(|_| wrong())?;
                    }
                    let nested = |value: &&RawValue| value.get().starts_with(['{', '[']);
                    if values.is_empty() || values.iter().any(nested) {
                        return Err(wrong());
                    }
                    pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Pairs<'_> {
    /// As strings; a number that was written by hand stands for its digits.
    fn into_strings(self) -> Vec<(String, String)> {
        let text = |raw: &RawValue| {
            serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
        };
        self.0
            .into_iter()
            .map(|(name, raw)| (name, text(raw)))
            .collect()
    }
}

impl Replay {
    /// Reads a recording. What it was redacted by is redacted in the requests
    /// too, before they are looked up.
    pub fn open(path: &Path, secrets: Secrets) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::usage(format!("cannot read the recording: {cause}"))
                .at(&name)
                .hint("name a file that --record wrote: --replay FILE")
        })?;
        Self::from_text(&text, &name, secrets)
    }

    /// Reads a recording out of memory; its name is for errors.
    pub fn from_text(text: &str, name: &str, secrets: Secrets) -> Result<Self> {
        let mut replay = Self {
            name: name.to_owned(),
            secrets,
            keys: Vec::new(),
            answers: HashMap::new(),
        };
        for (n, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let (request, answer) = decode(line).map_err(|cause| {
                Error::usage(format!("not a recorded exchange: {cause}"))
                    .at(format_args!("{name}, line {}", n + 1))
                    .hint("a line is as --record writes it; a last line cut short can be deleted")
            })?;
            let key = replay.key(&request);
            if !replay.answers.contains_key(&key) {
                replay.keys.push(key.clone());
            }
            replay.answers.entry(key).or_default().all.push(answer);
        }
        if replay.keys.is_empty() {
            return Err(Error::usage("the recording is empty")
                .at(name)
                .hint("record a sync first: --record FILE"));
        }
        Ok(replay)
    }

    fn key(&self, request: &Request) -> Key {
        let redact = |text: &str| self.secrets.redact(text).into_owned();
        let mut key: Key = Vec::new();
        for (name, value) in &request.query {
            let value = self.secrets.redact_value(name, value).into_owned();
            key.push((Part::Query, redact(name), value));
        }
        for (name, value) in &request.headers {
            let value = self.secrets.redact_value(name, value).into_owned();
            key.push((Part::Header, name.to_ascii_lowercase(), value));
        }
        let whole = [
            (Part::Link, "link", request.link.clone()),
            (Part::Body, "body", request.body.clone()),
        ];
        for (part, name, text) in whole {
            let redact = |text: &str| self.secrets.redact_sent(text).into_owned();
            key.extend(text.map(|text| (part, name.to_owned(), redact(&text))));
        }
        if request.method != Method::Get {
            let method = request.method.name().to_owned();
            key.push((Part::Method, "method".to_owned(), method));
        }
        key.sort();
        key
    }

    fn unknown(&self, request: &Request, key: &Key) -> Error {
        let nearest = self.keys.iter().map(|known| differences(known, key));
        let nearest = nearest.min_by_key(Vec::len).unwrap_or_default();
        Error::usage(format!(
            "no answer was recorded to {}; the nearest was recorded {}",
            show(request),
            nearest.join("; ")
        ))
        .at(&self.name)
        .hint("replay with the options that it was recorded with, or record anew")
        .refusing(Refusal::Unrecorded)
    }
}

impl Source for Replay {
    fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Response> {
        body.clear();
        let key = self.key(request);
        let Some(answers) = self.answers.get_mut(&key) else {
            return Err(self.unknown(request, &key));
        };
        let Some(answer) = answers.all.get(answers.given) else {
            return Err(Error::usage(format!(
                "asked once more for {} than was recorded ({} times)",
                show(request),
                answers.all.len()
            ))
            .at(&self.name)
            .hint("replay with the options and the state that it was recorded with")
            .refusing(Refusal::Unrecorded));
        };
        answers.given += 1;
        match answer {
            Answer::Response(response, bytes) => {
                body.extend_from_slice(bytes);
                Ok(response.clone())
            }
            Answer::Failure(text, exit) => {
                let error = match exit {
                    2 => Error::usage(text),
                    4 => Error::refused(text),
                    5 => Error::contract(text),
                    6 => Error::local(text),
                    _ => Error::temporary(text),
                };
                // It was tried again then, where it was asked again.
                Err(error.again(if answers.given < answers.all.len() {
                    Again::Later
                } else {
                    Again::Never
                }))
            }
        }
    }

    fn waits(&self) -> bool {
        false
    }
}

fn decode(line: &str) -> std::result::Result<(Request, Answer), String> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|cause| cause.to_string())?;
    let answer = match (line.response, line.error) {
        (Some(answered), None) => {
            let raw = answered.body.map_or("\"\"", RawValue::get);
            // A string stands for a body that was not JSON.
            let body = match raw.starts_with('"') {
                true => serde_json::from_str(raw).map_err(|cause| format!("its body: {cause}"))?,
                false => raw.to_owned(),
            };
            let response = Response {
                status: answered.status,
                headers: answered.headers.into_strings(),
                elapsed: Duration::ZERO,
            };
            Answer::Response(response, body.into_bytes())
        }
        (None, Some(text)) => Answer::Failure(text, line.exit.unwrap_or(3)),
        _ => return Err("it needs either a response or an error".to_owned()),
    };
    let asked = line.request;
    let body = asked.body.map(|raw| match raw.get().starts_with('"') {
        // It was not JSON any more after the redaction.
        true => serde_json::from_str(raw.get()).unwrap_or_default(),
        false => {
            let mut compact = Vec::new();
            json::compact(raw.get().as_bytes(), &mut compact);
            String::from_utf8_lossy(&compact).into_owned()
        }
    });
    let request = Request {
        method: asked.method.as_deref().unwrap_or("GET").parse()?,
        query: asked.query.into_strings(),
        headers: asked.headers.into_strings(),
        body,
        link: asked.link,
        ..Request::default()
    };
    Ok((request, answer))
}

/// One text for each part in which the two differ.
fn differences(recorded: &Key, asked: &Key) -> Vec<String> {
    let value = |key: &Key, part: Part, name: &str| {
        let found = key
            .iter()
            .filter(|(at, known, _)| (*at, &**known) == (part, name));
        let values: Vec<String> = found
            .map(|(_, _, v)| format!("{name}={}", excerpt(v)))
            .collect();
        match values.is_empty() {
            true => format!("no {name}"),
            false => values.join("&"),
        }
    };
    let names = recorded.iter().chain(asked);
    let mut names: Vec<(Part, &str)> = names.map(|(part, name, _)| (*part, &**name)).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|(part, name)| (value(recorded, part, name), value(asked, part, name)))
        .filter(|(then, now)| then != now)
        .map(|(then, now)| format!("with {then}, asked with {now}"))
        .collect()
}

/// What was asked, redacted when it is told.
fn show(request: &Request) -> String {
    let pairs = request.query.iter().chain(&request.headers);
    let mut parts: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={}", excerpt(value)))
        .collect();
    for (name, text) in [("link", &request.link), ("body", &request.body)] {
        parts.extend(text.iter().map(|text| format!("{name}={}", excerpt(text))));
    }
    match parts.is_empty() {
        true => "a request without parameters".to_owned(),
        false => parts.join("&"),
    }
}
