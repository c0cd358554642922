//! What is recorded, and what is replayed from it.

use highwater::error::{Again, Error, Kind};
use highwater::exchange::{Method, Request, Response};
use highwater::secret::Secrets;
use highwater::source::Source;
use highwater::source::record::Recorder;
use highwater::source::replay::Replay;

use crate::secret::secrets;
use crate::server::request;

/// Answers what it is told to, in order.
struct Script(Vec<Result<(u16, &'static [u8]), Error>>);

impl Source for Script {
    fn fetch(&mut self, _: &Request, body: &mut Vec<u8>) -> Result<Response, Error> {
        body.clear();
        let (status, bytes) = self.0.remove(0)?;
        body.extend_from_slice(bytes);
        Ok(Response {
            status,
            headers: vec![("a".into(), "b".into())],
            ..Response::default()
        })
    }
}

#[test]
fn what_is_recorded_is_replayed_byte_for_byte() {
    let file = std::env::temp_dir().join(format!("highwater-record-{}", std::process::id()));
    let body = b"{\"n\": 1.10, \"big\":123456789012345678901234567890, \"s\":\"\\u00e9\"}";
    let script = Script(vec![
        Err(Error::temporary("connection refused")),
        Ok((503, b"<p>\n")),
        Ok((200, body)),
        Err(Error::refused("no")),
    ]);
    let secrets = secrets(&[("KEY", "s3cret value")]);
    let asked = request(&[("key", "s3cret value"), ("limit", "50")]);
    let other = request(&[("limit", "9")]);
    let mut buffer = Vec::new();
    let mut recorder = Recorder::create(Box::new(script), &file, secrets.clone()).unwrap();
    for _ in 0..3 {
        let _ = recorder.fetch(&asked, &mut buffer);
    }
    assert!(recorder.fetch(&other, &mut buffer).is_err());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("s3cret"), "{text}");

    let mut replay = Replay::open(&file, secrets).unwrap();
    assert!(!replay.waits());
    let asked = request(&[("limit", "50"), ("key", "s3cret value")]);
    let error = replay.fetch(&asked, &mut buffer).unwrap_err();
    assert_eq!(
        (error.kind(), error.again_when()),
        (Kind::Temporary, Again::Later)
    );
    assert_eq!(replay.fetch(&asked, &mut buffer).unwrap().status, 503);
    assert_eq!(buffer, b"<p>\n");
    let response = replay.fetch(&asked, &mut buffer).unwrap();
    assert_eq!((response.status, response.header("A")), (200, Some("b")));
    assert_eq!(buffer, body);
    let error = replay.fetch(&asked, &mut buffer).unwrap_err();
    assert!(
        error.to_string().contains("than was recorded (3 times)"),
        "{error}"
    );
    let error = replay.fetch(&other, &mut buffer).unwrap_err();
    assert_eq!(
        (error.kind(), error.again_when()),
        (Kind::Refused, Again::Never)
    );
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_request_that_was_not_recorded_is_held_against_the_nearest() {
    let text = concat!(
        "{\"request\":{\"query\":{\"limit\":\"50\",\"offset\":0}},\"response\":{\"status\":200}}\r\n",
        "\n",
        "{\"request\":{\"query\":{\"page\":\"1\"}},\"error\":\"x\"}\n"
    );
    let mut replay = Replay::from_text(text, "r.jsonl", Secrets::default()).unwrap();
    let mut body = Vec::new();
    let error = replay
        .fetch(&request(&[("offset", "0"), ("limit", "10")]), &mut body)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "r.jsonl: no answer was recorded to offset=0&limit=10; \
         the nearest was recorded with limit=50, asked with limit=10"
    );
    assert_eq!(error.kind(), Kind::Usage);
    assert!(
        replay
            .fetch(&request(&[("limit", "50"), ("offset", "0")]), &mut body)
            .is_ok()
    );
}

#[test]
fn a_recording_that_cannot_be_read_says_which_line() {
    let good = "{\"request\":{\"query\":{}},\"error\":\"x\"}\n";
    for bad in [
        "{",
        "[]",
        "{\"request\":{\"query\":{}}}",
        "{\"request\":{\"query\":{\"a\":[]}},\"error\":\"x\"}",
        "{\"request\":{\"query\":{}},\"response\":{\"status\":-1}}",
    ] {
        let error = Replay::from_text(&format!("{good}{bad}"), "r", Secrets::default())
            .err()
            .unwrap();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().starts_with("r, line 2: "), "{error}");
    }
    assert!(Replay::from_text("\n", "r", Secrets::default()).is_err());
}

#[test]
fn all_that_was_asked_tells_one_request_from_another() {
    let text = concat!(
        "{\"request\":{\"method\":\"POST\",\"query\":{\"f\":[\"b\",\"a\"]},\"body\":{\"n\": 1}},\"response\":{\"status\":201}}\n",
        "{\"request\":{\"method\":\"POST\",\"query\":{\"f\":[\"a\",\"b\"]},\"body\":{\"n\":2}},\"response\":{\"status\":202}}\n",
        "{\"request\":{\"query\":{},\"headers\":{\"If-Modified-Since\":\"x\"}},\"response\":{\"status\":203}}\n",
        "{\"request\":{\"link\":\"/next\",\"query\":{}},\"response\":{\"status\":204}}\n"
    );
    let mut replay = Replay::from_text(text, "r.jsonl", Secrets::default()).unwrap();
    let mut status = |request: &Request| replay.fetch(request, &mut Vec::new());
    let posted = |body: &str| Request {
        method: Method::Post,
        body: Some(body.to_owned()),
        ..request(&[("f", "a"), ("f", "b")])
    };
    assert_eq!(status(&posted("{\"n\":2}")).unwrap().status, 202);
    assert_eq!(status(&posted("{\"n\":1}")).unwrap().status, 201);
    let since = |value: &str| Request {
        headers: vec![("if-modified-since".into(), value.into())],
        credentials: vec![("Authorization".into(), "whatever".into())],
        ..Request::default()
    };
    assert_eq!(status(&since("x")).unwrap().status, 203);
    let next = Request {
        link: Some("/next".into()),
        ..Request::default()
    };
    assert_eq!(status(&next).unwrap().status, 204);
    let error = status(&posted("{\"n\":3}")).unwrap_err().to_string();
    assert!(error.contains("asked with body={\"n\":3}"), "{error}");
    let error = status(&since("y")).unwrap_err().to_string();
    assert!(
        error.contains("with if-modified-since=x, asked with if-modified-since=y"),
        "{error}"
    );
}
