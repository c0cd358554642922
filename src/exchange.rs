//! One request and one response as values. Nothing here sends anything.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::nearest;

/// The part of a request that changes from one request to the next. The address
/// and the headers that stay the same belong to the connection.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The query's parameters in their order, not yet percent-encoded. A name
    /// may be there several times.
    pub query: Vec<(String, String)>,
    /// The headers that differ from request to request.
    pub headers: Vec<(String, String)>,
    /// Headers with credentials that differ from request to request. They are
    /// no part of the question, and nothing writes them down.
    pub credentials: Vec<(String, String)>,
    /// The body, which is JSON.
    pub body: Option<String>,
    /// An address that an answer gave, in place of the connection's own address
    /// and of the query. It must be of the same origin.
    pub link: Option<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("query", &self.query)
            .field("headers", &self.headers)
            .field("body", &self.body)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// The methods that ask without changing anything, as APIs use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Method {
    /// The usual method.
    #[default]
    Get,
    /// A search whose terms are in the body.
    Post,
    /// A search as well, for the few APIs that want this method.
    Put,
}

const METHODS: [(&str, Method); 3] = [
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
];

impl Method {
    /// The method's name as it is sent.
    pub fn name(self) -> &'static str {
        let found = METHODS.iter().find(|(_, method)| *method == self);
        found.map_or("GET", |(name, _)| name)
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || METHODS.iter().map(|(name, _)| *name);
        let found = METHODS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, method)| *method).ok_or_else(|| {
            let meant = match nearest(text, known()) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => "it must be \"GET\", \"POST\" or \"PUT\"".to_owned(),
            };
            format!("{text:?} is no method that asks, {meant}")
        })
    }
}

/// An answer without its body, for which the reader lends a buffer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// The time from sending the request to the end of the answer.
    pub elapsed: Duration,
}

impl Response {
    /// The first header of this name, ASCII case aside.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
