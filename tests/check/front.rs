//! Servers that stand in front of the API and change what it is told or says.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::api::Api;
use crate::support::http::{Request, Server};
use crate::support::reply::Reply;

/// The API's answer as a value; for servers that stand in front of it.
pub(crate) fn ask(api: &Api, request: &Request) -> Value {
    forward(api, &request.query)
}

fn forward(api: &Api, query: &[(String, String)]) -> Value {
    let plain = |text: &str| text.replace('+', "%2B").replace(' ', "%20");
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect();
    let mut stream = TcpStream::connect(api.server().addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    write!(
        stream,
        "GET /x?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        query.join("&")
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// A server in front of the API that hides a parameter from it.
pub(crate) fn hiding(api: Api, hidden: &'static str) -> Server {
    Server::start(move |request| {
        let mut query = request.query.clone();
        query.retain(|(name, _)| name != hidden);
        Reply::json(forward(&api, &query))
    })
}
