//! The live source against what a network does.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use highwater::error::{Again, Kind};
use highwater::exchange::Request;
use highwater::source::Source;
use highwater::source::live::{Live, Settings};

use crate::server::{failure, fetch, head, live, request, say, serve, settings};

/// `{"data":[]}`, compressed.
const GZIP: [u8; 31] = *b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x49\x2c\x49\x54\xb2\x8a\x8e\xad\x05\x00\x94\x64\xb2\x5e\x0b\x00\x00\x00";

#[test]
fn an_answer_comes_with_its_headers_and_body() {
    let (url, seen) = serve(vec![|s| say(s, "200 OK\r\nX-Total-Count: 7", b"[]")]);
    let mut live = Live::new(Settings {
        headers: vec![("X-Api-Key".into(), "k".into())],
        ..settings(&format!("{url}?a=b"))
    });
    let mut body = Vec::new();
    let answer = live
        .as_mut()
        .unwrap()
        .fetch(&request(&[("since", "1 +")]), &mut body);
    assert_eq!(answer.unwrap().header("x-total-count"), Some("7"));
    assert_eq!(body, b"[]");
    let sent = seen.recv().unwrap().to_ascii_lowercase();
    assert!(
        sent.starts_with("get /rows?a=b&since=1%20%2b http/1.1\r\n"),
        "{sent}"
    );
    for header in [
        "x-api-key: k",
        "accept: application/json",
        "accept-encoding: gzip",
        "user-agent: highwater/",
    ] {
        assert!(
            sent.contains(&format!("\r\n{header}")),
            "{header} in {sent}"
        );
    }
}

#[test]
fn gzip_is_undone_and_other_encodings_are_refused() {
    let (_, body) = fetch(|s| say(s, "200 OK\r\nContent-Encoding: gzip", &GZIP)).unwrap();
    assert_eq!(body, b"{\"data\":[]}");
    for part in [
        (|s| say(s, "200 OK\r\nContent-Encoding: deflate", b"x")) as fn(&mut TcpStream),
        |s| say(s, "200 OK\r\nContent-Encoding: gzip, gzip", &GZIP),
        |s| say(s, "200 OK\r\nContent-Encoding: GZIP", &GZIP),
        |s| say(s, "200 OK", &GZIP),
    ] {
        let (kind, again, text) = failure(part);
        assert_eq!((kind, again), (Kind::Contract, Again::Never));
        assert!(text.contains("encoded as"), "{text}");
    }
}

#[test]
fn an_error_status_is_an_answer_whatever_its_body() {
    let (response, body) = fetch(|s| say(s, "429 No\r\nRetry-After: 1", b"slow down")).unwrap();
    assert_eq!((response.status, body.as_slice()), (429, &b"slow down"[..]));
    let (response, body) = fetch(|s| say(s, "503 No\r\nContent-Encoding: br", b"x")).unwrap();
    assert_eq!((response.status, body.len()), (503, 0));
    let (response, _) = fetch(|s| say(s, "500 No", &[b'x'; 200_000])).unwrap();
    assert_eq!(response.status, 500);
}

#[test]
fn a_body_over_the_limit_is_refused_and_one_at_it_is_not() {
    assert_eq!(
        fetch(|s| say(s, "200 OK", &[b' '; 1000])).unwrap().1.len(),
        1000
    );
    for part in [
        (|s| say(s, "200 OK", &[b' '; 1001])) as fn(&mut TcpStream),
        |s| {
            let _ = s.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let _ = s.write_all(&[b' '; 1001]);
        },
    ] {
        let (kind, again, text) = failure(part);
        assert_eq!((kind, again), (Kind::Contract, Again::Never));
        assert_eq!(text, "the body is longer than 1000 bytes");
    }
}

#[test]
fn a_body_that_is_cut_off_says_where() {
    let cut = |part| {
        let (kind, again, text) = failure(part);
        assert_eq!((kind, again), (Kind::Temporary, Again::Later), "{text}");
        text
    };
    let text = cut(|s| {
        let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1,");
    });
    assert_eq!(text, "the body was cut off at 3 of 9 bytes");
    let text = cut(|s| {
        let _ = s.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,");
    });
    assert_eq!(text, "the body was cut off at 3 bytes");
    let text = cut(|s| {
        let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n");
        let _ = s.write_all(b"Content-Length: 31\r\n\r\n");
        let _ = s.write_all(&GZIP[..20]);
    });
    assert!(text.starts_with("the body was cut off at"), "{text}");
}

#[test]
fn a_drip_does_not_get_past_the_timeout() {
    let (kind, again, text) = failure(|s| {
        let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
        for _ in 0..40 {
            thread::sleep(Duration::from_millis(50));
            let _ = s.write_all(b" ");
        }
    });
    assert_eq!((kind, again), (Kind::Temporary, Again::Later));
    assert!(text.ends_with("within 700ms"), "{text}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut source = live(&format!("http://127.0.0.1:{port}"));
    let error = source
        .fetch(&Request::default(), &mut Vec::new())
        .unwrap_err();
    let expected = format!("cannot connect to 127.0.0.1:{port}: connection refused");
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        (error.kind(), error.again_when()),
        (Kind::Temporary, Again::Later)
    );
}

#[test]
fn a_connection_that_ends_without_an_answer_is_worth_another() {
    let (kind, again, text) = failure(|_| {});
    assert_eq!((kind, again), (Kind::Temporary, Again::Later));
    assert!(text.contains("ended before an answer"), "{text}");
    let (kind, again, _) = failure(|s| {
        let _ = s.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n");
    });
    assert_eq!((kind, again), (Kind::Contract, Again::Later));
}

#[test]
fn a_kept_connection_that_dies_is_replaced_at_once_but_not_twice() {
    let (url, seen) = serve(vec![
        |s| {
            say(s, "200 OK", b"[]");
            // Takes the second request, too, and goes away.
            head(s);
        },
        |_| {},
        |s| say(s, "200 OK", b"[]"),
    ]);
    let mut source = live(&url);
    let mut body = Vec::new();
    assert!(source.fetch(&Request::default(), &mut body).is_ok());
    for expected in [Again::Now, Again::Later] {
        let error = source.fetch(&Request::default(), &mut body).unwrap_err();
        assert_eq!(
            (error.kind(), error.again_when()),
            (Kind::Temporary, expected),
            "{error}"
        );
    }
    assert!(source.fetch(&Request::default(), &mut body).is_ok());
    assert_eq!(seen.iter().count(), 3);
}

#[test]
fn a_redirect_is_followed_within_the_origin_only() {
    let (url, seen) = serve(vec![|s| {
        say(s, "307 There\r\nLocation: /v2?limit=1", b"moved");
        assert!(head(s).starts_with("GET /v2?limit=1 "));
        say(s, "200 OK", b"[]");
    }]);
    let mut body = Vec::new();
    assert!(
        live(&url)
            .fetch(&request(&[("limit", "1")]), &mut body)
            .is_ok()
    );
    assert_eq!((body.as_slice(), seen.iter().count()), (&b"[]"[..], 1));
    let (kind, _, text) = failure(|s| say(s, "302 x\r\nLocation: http://127.0.0.1:9/x", b""));
    assert_eq!(kind, Kind::Refused);
    assert!(
        text.contains("another origin, http://127.0.0.1:9/x"),
        "{text}"
    );
    let (kind, _, text) = failure(|s| {
        for _ in 0..6 {
            say(s, "302 x\r\nLocation: /rows", b"");
            head(s);
        }
    });
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Refused, "more than 5 redirects")
    );
}

#[test]
fn settings_that_cannot_work_are_a_usage_error() {
    let header = |name: &str, value: &str| Settings {
        headers: vec![(name.into(), value.into())],
        ..settings("http://localhost/")
    };
    let file = std::env::temp_dir().join(format!("highwater-empty-{}", std::process::id()));
    std::fs::write(&file, "no PEM").unwrap();
    for (settings, expected) in [
        (settings("localhost:5001/"), "http://"),
        (header("a b", "c"), "a b"),
        (header("X-Key", "s3cret\n"), "line break"),
        (header("Content-Length", "3"), "body"),
        (
            Settings {
                user_agent: "\n".into(),
                ..settings("http://h")
            },
            "User-Agent",
        ),
        (
            Settings {
                ca_file: Some(file.clone()),
                ..settings("https://h")
            },
            "no certificate",
        ),
        (
            Settings {
                ca_file: Some("/nowhere".into()),
                ..settings("https://h")
            },
            "/nowhere",
        ),
    ] {
        let error = Live::new(settings).err().unwrap();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("s3cret") && !error.hint_text().is_empty());
    }
    std::fs::remove_file(file).unwrap();
}
