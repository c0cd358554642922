//! Reading a body: it never reads more than is allowed, never hands on one that
//! is still encoded, and says so where the body ends too early. It knows bytes,
//! and not what they mean.

use std::io::{Error as IoError, ErrorKind, Read, Result as IoResult};

use crate::error::{Again, Error, Result, excerpt};
use crate::exchange::Response;

/// Reads to the end without ever reserving more than the limit: growing by
/// doubling, as a Vec does by itself, takes up to twice that.
pub(crate) fn read(mut from: impl Read, limit: u64, body: &mut Vec<u8>) -> IoResult<()> {
    // It reads one byte more, to see that the end is there.
    let most = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX);
    loop {
        if body.len() == body.capacity() {
            let room = most.saturating_sub(body.len()).max(1);
            body.try_reserve_exact(body.len().max(64 << 10).min(room))?;
        }
        let spare = body.capacity() - body.len();
        let got = from.by_ref().take(spare as u64).read_to_end(body)?;
        if got < spare {
            return Ok(());
        }
    }
}

/// The HTTP library hands on what it cannot decode as if it were the body; what
/// it did decode no longer has the header.
pub(crate) fn refuse_encoded(response: &Response) -> Result<()> {
    let mut headers = response.headers.iter();
    let encoded = headers.find(|(name, value)| {
        name.eq_ignore_ascii_case("content-encoding")
            && !value.trim().eq_ignore_ascii_case("identity")
    });
    encoded.map_or(Ok(()), |(_, value)| Err(still_encoded(value)))
}

/// Where two encodings are in headers of their own, the library undoes one and
/// drops both headers. What is left shows only by its first bytes, with which
/// no JSON begins.
pub(crate) fn refuse_gzip(body: &[u8]) -> Result<()> {
    match body {
        [0x1f, 0x8b, ..] => Err(still_encoded("gzip, twice")),
        _ => Ok(()),
    }
}

fn still_encoded(how: &str) -> Error {
    Error::contract(format!("the body is encoded as {}", excerpt(how)))
        .hint("only gzip was offered; does a header of yours ask for something else?")
}

/// The body holds more bytes than it may.
pub(crate) fn too_long(limit: u64) -> Error {
    Error::contract(format!("the body is longer than {limit} bytes"))
        .hint("allow more (--max-body), or ask for less at a time (--page-size)")
}

/// Reading the body failed after so many bytes of those that were declared.
pub(crate) fn failed(cause: &IoError, got: usize, declared: Option<u64>) -> Error {
    let of = declared.map_or_else(String::new, |length| format!(" of {length}"));
    if is_end(cause) {
        Error::temporary(format!("the body was cut off at {got}{of} bytes"))
            .hint("is the server, or a proxy before it, being restarted?")
    } else if cause.kind() == ErrorKind::OutOfMemory {
        Error::local(format!(
            "no memory for more than {got}{of} bytes of the body"
        ))
        .hint("ask for less at a time: --page-size")
    } else {
        Error::temporary(format!("the body broke off at {got}{of} bytes: {cause}"))
    }
}

/// What was compressed cannot be restored.
pub(crate) fn damaged(cause: &IoError, got: usize) -> Error {
    if is_end(cause) {
        return failed(cause, got, None);
    }
    Error::contract(format!(
        "the body is damaged gzip after {got} bytes: {cause}"
    ))
    .again(Again::Later)
    .hint("does a proxy change what it passes on?")
}

/// Whether the other side is gone.
pub(crate) fn is_end(cause: &IoError) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_never_outgrows_the_limit_and_is_kept() {
        for (length, limit) in [
            (0, 1),
            (1, 1),
            (65_536, 65_536),
            (300_000, 300_000),
            (9, 1 << 20),
        ] {
            let mut body = Vec::new();
            for _ in 0..2 {
                body.clear();
                read(&vec![7; length][..], limit, &mut body).unwrap();
                assert_eq!(body.len(), length);
                assert!(body.capacity() as u64 <= limit + 1, "{length} {limit}");
            }
        }
        let mut body = Vec::new();
        read(&[7; 9][..], u64::MAX, &mut body).unwrap();
        assert_eq!(body.len(), 9);
    }

    #[test]
    fn only_identity_passes_for_not_encoded() {
        let answer = |value: &str| Response {
            headers: vec![("Content-Encoding".into(), value.into())],
            ..Response::default()
        };
        assert!(refuse_encoded(&Response::default()).is_ok());
        assert!(refuse_encoded(&answer("Identity")).is_ok());
        for value in ["deflate", "br", "gzip, gzip", "GZIP", "x-gzip"] {
            assert!(refuse_encoded(&answer(value)).is_err(), "{value}");
        }
    }
}
