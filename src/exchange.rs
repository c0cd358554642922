//! One request and one response as values. Nothing here sends anything.

use std::time::Duration;

/// What changes from request to request; the address and the headers belong
/// to the connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The query's parameters in their order, not yet percent-encoded.
    pub query: Vec<(String, String)>,
}

/// An answer, but for its body, which its reader lends a buffer for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// How long before the answer was complete its request was sent.
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
