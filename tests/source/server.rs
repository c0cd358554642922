//! A server for one test, which plays a part for each connection, and a client
//! for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use highwater::error::{Again, Error, Kind};
use highwater::exchange::{Request, Response};
use highwater::source::Source;
use highwater::source::live::{Live, Settings};

/// Plays one part for each connection, in order; hands out what it was sent.
pub(crate) fn serve(parts: Vec<fn(&mut TcpStream)>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/rows", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    thread::spawn(move || {
        for part in parts {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = sender.send(head(&mut stream));
            part(&mut stream);
        }
    });
    (url, seen)
}

pub(crate) fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn say(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        url: url.to_owned(),
        timeout: Duration::from_millis(700),
        max_body: 1000,
        ..Settings::default()
    }
}

pub(crate) fn live(url: &str) -> Live {
    Live::new(settings(url)).unwrap()
}

pub(crate) fn request(query: &[(&str, &str)]) -> Request {
    let query = query.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    Request {
        query: query.collect(),
        ..Request::default()
    }
}

/// One fetch from a server that plays this part.
pub(crate) fn fetch(part: fn(&mut TcpStream)) -> Result<(Response, Vec<u8>), Error> {
    let (url, _seen) = serve(vec![part]);
    let mut body = b"left over".to_vec();
    let answer = live(&url).fetch(&Request::default(), &mut body);
    assert!(answer.is_ok() || body.is_empty());
    answer.map(|response| (response, body))
}

pub(crate) fn failure(part: fn(&mut TcpStream)) -> (Kind, Again, String) {
    let error = fetch(part).unwrap_err();
    assert!(!error.hint_text().is_empty(), "{error} has no remedy");
    (error.kind(), error.again_when(), error.to_string())
}
