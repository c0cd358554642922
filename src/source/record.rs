//! A source that writes down what another one answers, one exchange a line, so
//! that it can be replayed: all that was asked, and what came. It refuses to hold
//! credentials, the headers that are the same in each request, and cookies, and
//! redacts every value that is known as a secret.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::de::IgnoredAny;

use crate::error::{Error, Result};
use crate::exchange::{Method, Request, Response};
use crate::page::text;
use crate::secret::Secrets;
use crate::source::Source;

/// A source, and where its exchanges are written.
pub struct Recorder<S> {
    source: S,
    out: Box<dyn Write + Send>,
    name: String,
    secrets: Secrets,
}

impl<S: Source> Recorder<S> {
    /// Records into this file, in place of what it held.
    pub fn create(source: S, path: &Path, secrets: Secrets) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|cause| {
            Error::local(format!("cannot create the recording: {cause}"))
                .at(&name)
                .hint("name a file in a folder that is there and can be written to: --record FILE")
        })?;
        Ok(Self::new(source, Box::new(file), name, secrets))
    }

    /// Records into any writer; the name is for errors.
    pub fn new(source: S, out: Box<dyn Write + Send>, name: String, secrets: Secrets) -> Self {
        Self {
            source,
            out,
            name,
            secrets,
        }
    }

    fn write(&mut self, request: &Request, outcome: &Result<Response>, body: &[u8]) -> Result<()> {
        let line = encode(request, outcome.as_ref(), body, &self.secrets);
        self.out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|cause| {
                Error::local(format!("cannot write the recording: {cause}"))
                    .at(&self.name)
                    .hint("is the disk full? the sync itself does not need --record")
            })
    }
}

impl<S: Source> Source for Recorder<S> {
    fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Response> {
        let outcome = self.source.fetch(request, body);
        self.write(request, &outcome, body)?;
        outcome
    }

    fn waits(&self) -> bool {
        self.source.waits()
    }
}

fn encode(
    request: &Request,
    outcome: std::result::Result<&Response, &Error>,
    body: &[u8],
    secrets: &Secrets,
) -> String {
    let mut out = String::from("{\"request\":{");
    if let Some(link) = &request.link {
        out.push_str("\"link\":");
        string(&secrets.redact(link), &mut out);
        out.push(',');
    }
    if request.method != Method::Get {
        out.push_str(&format!("\"method\":\"{}\",", request.method.name()));
    }
    out.push_str("\"query\":");
    object(&request.query, secrets, &mut out);
    if !request.headers.is_empty() {
        out.push_str(",\"headers\":");
        object(&request.headers, secrets, &mut out);
    }
    if let Some(body) = &request.body {
        out.push_str(",\"body\":");
        push_body(body.as_bytes(), secrets, Secrets::redact_sent, &mut out);
    }
    match outcome {
        Err(error) => {
            out.push_str("},\"error\":");
            string(&secrets.redact(&error.to_string()), &mut out);
            out.push_str(&format!(",\"exit\":{}", error.exit_code()));
        }
        Ok(response) => {
            let status = response.status;
            out.push_str(&format!(
                "}},\"response\":{{\"status\":{status},\"headers\":"
            ));
            object(&kept(&response.headers), secrets, &mut out);
            out.push_str(",\"body\":");
            // A replay has only text, so declared Latin-1 is decoded here.
            let mut text = body.to_vec();
            match text::prepare(&mut text, response) {
                Ok(()) => push_body(&text, secrets, Secrets::redact, &mut out),
                Err(_) => push_body(body, secrets, Secrets::redact, &mut out),
            }
            out.push('}');
        }
    }
    out.push_str("}\n");
    out
}

/// The headers without cookies, those of one name joined as HTTP allows: a JSON
/// object holds each name once.
fn kept(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "set-cookie" | "set-cookie2") {
            continue;
        }
        match kept.iter_mut().find(|(known, _)| *known == name) {
            Some((_, joined)) => {
                joined.push_str(", ");
                joined.push_str(value);
            }
            None => kept.push((name, value.clone())),
        }
    }
    kept
}

/// JSON goes in as it came but for its line breaks, which can only stand
/// between its tokens; all else goes in as a string.
fn push_body(
    body: &[u8],
    secrets: &Secrets,
    redact: impl for<'a> Fn(&Secrets, &'a str) -> Cow<'a, str>,
    out: &mut String,
) {
    let text = String::from_utf8_lossy(body);
    let shown = redact(secrets, &text);
    // It is checked after redaction, too: a name in the place of a number is
    // not JSON.
    if std::str::from_utf8(body).is_ok() && is_json(&text) && is_json(&shown) {
        out.extend(shown.chars().filter(|c| !matches!(c, '\n' | '\r')));
    } else {
        string(&shown, out);
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// An object of strings; what has one name becomes a list.
fn object(pairs: &[(String, String)], secrets: &Secrets, out: &mut String) {
    let mut named: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in pairs {
        match named.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => named.push((name, vec![value])),
        }
    }
    out.push('{');
    for (n, (name, values)) in named.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        string(&secrets.redact(name), out);
        out.push(':');
        let mut texts = values.iter();
        if values.len() > 1 {
            out.push('[');
        }
        if let Some(text) = texts.next() {
            string(&secrets.redact_value(name, text), out);
        }
        for text in texts {
            out.push(',');
            string(&secrets.redact_value(name, text), out);
        }
        if values.len() > 1 {
            out.push(']');
        }
    }
    out.push('}');
}

fn string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn line(headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut secrets = Secrets::default();
        secrets
            .expand("${TOKEN}${N}", &|name| {
                Some(if name == "N" { "123456" } else { "s3cr\"t" }.to_owned())
            })
            .unwrap();
        let request = Request {
            query: vec![
                ("q".into(), "s3cr\"t".into()),
                ("limit".into(), "50".into()),
            ],
            ..Request::default()
        };
        let response = Response {
            status: 200,
            headers: headers
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            ..Response::default()
        };
        encode(&request, Ok(&response), body, &secrets)
    }

    #[test]
    fn an_exchange_is_one_line_without_cookies_and_secrets() {
        let headers = [
            ("Date", "x"),
            ("Set-Cookie", "id=1"),
            ("link", "a"),
            ("Link", "b"),
            ("x-echo", "s3cr\"t"),
        ];
        assert_eq!(
            line(&headers, b"{\"a\":\r\n 1.10,\n\"b\":\"s3cr\\\"t\"}"),
            concat!(
                r#"{"request":{"query":{"q":"${TOKEN}","limit":"50"}},"response":{"status":200,"#,
                r#""headers":{"date":"x","link":"a, b","x-echo":"${TOKEN}"},"#,
                r#""body":{"a": 1.10,"b":"${TOKEN}"}}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_body_that_is_no_json_becomes_a_string() {
        for (body, expected) in [
            (&b"<p>\n\"x\""[..], r#""<p>\n\"x\"""#),
            (b"", r#""""#),
            (b"{\"a\":1", r#""{\"a\":1""#),
            (b"{\"a\":\"\xff\"}", "\"{\\\"a\\\":\\\"\u{fffd}\\\"}\""),
            (b"{\"a\":\"\n\"}", r#""{\"a\":\"\n\"}""#),
            (b"{\"id\":123456}", r#""{\"id\":${N}}""#),
        ] {
            let line = line(&[], body);
            assert!(
                line.ends_with(&format!("\"body\":{expected}}}}}\n")),
                "{line}"
            );
        }
    }

    #[test]
    fn all_that_was_asked_is_recorded_but_for_credentials() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: Method::Post,
            query: vec![pair("f", "a"), pair("n", "1"), pair("f", "b")],
            headers: vec![pair("If-Modified-Since", "x")],
            credentials: vec![pair("Authorization", "Bearer t")],
            body: Some(r#"{"a":1.10}"#.to_owned()),
            link: None,
        };
        let answer = Response {
            status: 200,
            ..Response::default()
        };
        assert_eq!(
            encode(&request, Ok(&answer), b"[]", &Secrets::default()),
            concat!(
                r#"{"request":{"method":"POST","query":{"f":["a","b"],"n":"1"},"#,
                r#""headers":{"If-Modified-Since":"x"},"body":{"a":1.10}},"#,
                r#""response":{"status":200,"headers":{},"body":[]}}"#,
                "\n"
            )
        );
        let next = Request {
            link: Some("/rows?after=2".to_owned()),
            ..Request::default()
        };
        let line = encode(&next, Ok(&answer), b"[]", &Secrets::default());
        let start = r#"{"request":{"link":"/rows?after=2","query":{}},"#;
        assert!(line.starts_with(start), "{line}");
    }

    #[test]
    fn a_failure_is_recorded_with_what_it_said() {
        let error = Error::temporary("connection refused");
        assert_eq!(
            encode(&Request::default(), Err(&error), b"", &Secrets::default()),
            "{\"request\":{\"query\":{}},\"error\":\"connection refused\",\"exit\":3}\n"
        );
    }
}
