//! What the server answers, and how it puts that on the wire, rightly or wrongly.
//! Knows nothing of requests.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::gzip;
use super::http::Stop;

/// One answer. `Reply::json(..)` and the like make it, the methods bend it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    pub delay: Duration,
    pub quirk: Quirk,
}

/// How an answer is framed or broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Quirk {
    /// Content-Length, and the connection stays open.
    #[default]
    Plain,
    /// Chunks of so many bytes.
    Chunked(usize),
    /// No length: the body ends where the connection does.
    UntilClose,
    /// Closed after so many bytes of a body that was declared longer.
    CutAfter(usize),
    /// Nothing but a reset (RST). On a kept-alive connection: it died idle, and the
    /// client learns of it only after it has sent.
    Reset,
    /// Nothing but an orderly close (FIN).
    Hangup,
    /// So many bytes of the body each time this long has passed, then spaces in
    /// the same way, until the client leaves.
    Drip(usize, Duration),
    /// The body over and over, until the client leaves.
    Endless,
    /// The body alone, as it is, in place of status line and headers; then closed.
    Raw,
    /// No answer until the client leaves.
    Stall,
    /// A plain answer that promises to keep the connection, which then closes.
    SilentClose,
}

/// Bytes made for one answer, or shared by many.
#[derive(Clone, Debug)]
pub enum Body {
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Reply {
    /// 200 with this JSON, prerendered or a value.
    pub fn json(body: impl Into<Body>) -> Self {
        Self::status(200)
            .body(body)
            .header("Content-Type", "application/json")
    }

    /// This status and an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Owned(Vec::new()),
            delay: Duration::ZERO,
            quirk: Quirk::Plain,
        }
    }

    /// These bytes where an HTTP answer should be.
    pub fn raw(bytes: impl Into<Body>) -> Self {
        Self::status(0).body(bytes).quirk(Quirk::Raw)
    }

    /// A status line that is none.
    pub fn garbage() -> Self {
        Self::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n")
    }

    /// A misbehaviour that needs no content, such as `Reset` or `Stall`.
    pub fn broken(quirk: Quirk) -> Self {
        Self::status(200).quirk(quirk)
    }

    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Answers only after this long.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirk = quirk;
        self
    }

    /// Closes after the answer and says so.
    pub fn close(self) -> Self {
        self.header("Connection", "close")
    }

    /// Encodes the body as it is by now.
    pub fn gzip(mut self) -> Self {
        self.body = gzip::stored(&self.body).into();
        self.header("Content-Encoding", "gzip")
    }

    /// Writes the answer; whether the connection may be used again.
    pub(super) fn send(&self, stream: &TcpStream, stop: &Stop) -> io::Result<bool> {
        let body = &*self.body;
        let length = |n: usize| format!("Content-Length: {n}\r\n");
        let chunked = "Transfer-Encoding: chunked\r\n";
        match self.quirk {
            Quirk::Plain => {
                write_both(stream, &self.head(&length(body.len())), body)?;
                let closes = |(name, value): &(String, String)| {
                    name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close")
                };
                return Ok(!self.headers.iter().any(closes));
            }
            Quirk::SilentClose => {
                let framing =
                    length(body.len()) + "Connection: keep-alive\r\nKeep-Alive: timeout=60\r\n";
                write_both(stream, &self.head(&framing), body)?;
            }
            Quirk::Chunked(size) => {
                write_both(stream, &self.head(chunked), b"")?;
                for part in body.chunks(size.max(1)) {
                    write_chunk(stream, part)?;
                }
                write_both(stream, b"0\r\n\r\n", b"")?;
                return Ok(true);
            }
            Quirk::UntilClose => write_both(stream, &self.head("Connection: close\r\n"), body)?,
            Quirk::CutAfter(sent) => {
                let declared = length(body.len().max(sent + 1));
                write_both(stream, &self.head(&declared), &body[..sent.min(body.len())])?;
            }
            Quirk::Drip(size, every) => {
                write_both(stream, &self.head(chunked), b"")?;
                let spaces = vec![b' '; size.max(1)];
                let mut parts = body.chunks(size.max(1));
                while !stop.wait(every) {
                    write_chunk(stream, parts.next().unwrap_or(&spaces))?;
                }
            }
            Quirk::Endless => {
                write_both(stream, &self.head(chunked), b"")?;
                let part = if body.is_empty() { b" " } else { body };
                loop {
                    write_chunk(stream, part)?;
                }
            }
            Quirk::Raw => write_both(stream, body, b"")?,
            Quirk::Stall => {
                let mut ignored = [0; 1024];
                while (&mut &*stream).read(&mut ignored)? > 0 {}
            }
            Quirk::Reset | Quirk::Hangup => {}
        }
        Ok(false)
    }

    fn head(&self, framing: &str) -> Vec<u8> {
        let mut head = Vec::with_capacity(256);
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            503 => "Service Unavailable",
            _ => "Other",
        };
        head.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", self.status).as_bytes());
        for (name, value) in &self.headers {
            for part in [name, ": ", value, "\r\n"] {
                head.extend_from_slice(part.as_bytes());
            }
        }
        head.extend_from_slice(framing.as_bytes());
        head.extend_from_slice(b"\r\n");
        head
    }
}

fn write_chunk(stream: &TcpStream, part: &[u8]) -> io::Result<()> {
    let size = format!("{:x}\r\n", part.len());
    write_all(
        stream,
        &mut [
            IoSlice::new(size.as_bytes()),
            IoSlice::new(part),
            IoSlice::new(b"\r\n"),
        ],
    )
}

fn write_both(stream: &TcpStream, head: &[u8], body: &[u8]) -> io::Result<()> {
    write_all(stream, &mut [IoSlice::new(head), IoSlice::new(body)])
}

/// One system call where the socket takes it, and no copy of the body.
fn write_all(mut stream: &TcpStream, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match stream.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut parts, n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes)
    }
}

impl From<Arc<[u8]>> for Body {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Shared(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Owned(text.into_bytes())
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::Owned(text.as_bytes().to_vec())
    }
}

impl From<serde_json::Value> for Body {
    fn from(value: serde_json::Value) -> Self {
        Self::Owned(value.to_string().into_bytes())
    }
}
