//! Why no answer came, in words that help. Pure: it is told what failed and
//! with whom, and says whether the caller can mend it.

use std::time::Duration;

use crate::error::{Again, Error};
use crate::secret::redacted;

/// Where a proxy is named.
const VARIABLES: &str = "look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY";

/// What kept an answer from coming, with the words of the part that noticed it.
pub(crate) enum Failure {
    /// The host's name is not known.
    Name(String),
    /// No connection.
    Connect(String),
    /// The proxy would not connect us.
    Proxy(String),
    /// The connection ended while an answer was waited for.
    Ended(String),
    /// The time for the whole request was up.
    Timeout(Duration),
    /// The server's certificate is not trusted.
    Certificate(String),
    /// The server demands a certificate from us, or does not accept the one
    /// that was shown.
    Client(String, bool),
    /// No agreement on TLS.
    Tls(String),
    /// What came is not HTTP.
    Http(String),
    /// What was to be sent is not HTTP.
    Request(String),
    /// Anything else.
    Other(String),
}

impl Failure {
    /// The error to report about `peer`.
    pub(crate) fn explain(self, peer: &str) -> Error {
        let shown = |text: &str| redacted(text).into_owned();
        let by_way = |hint| match peer.starts_with("the proxy ") {
            true => VARIABLES,
            false => hint,
        };
        match self {
            Self::Name(text) => Error::temporary(format!(
                "cannot find the host of {peer}: {}",
                shown(text.trim_start_matches("failed to lookup address information: "))
            ))
            .hint(by_way(
                "is --url right? does this machine reach its name server?",
            )),
            Self::Connect(text) => {
                Error::temporary(format!("cannot connect to {peer}: {}", shown(&text)))
                    .hint(by_way("is the server running? is --url right?"))
            }
            Self::Proxy(text) => {
                Error::temporary(format!("cannot connect by way of {peer}: {}", shown(&text)))
                    .hint(VARIABLES)
            }
            Self::Ended(text) => Error::temporary(format!(
                "the connection to {peer} ended before an answer came: {}",
                shown(&text)
            ))
            .hint("is the server overloaded, or does it speak https, or something else?"),
            Self::Timeout(after) => {
                Error::temporary(format!("no complete answer from {peer} within {after:?}"))
                    .hint("give it longer (--timeout), or ask for less at a time (--page-size)")
            }
            Self::Certificate(_) | Self::Client(..) | Self::Tls(_) => self.explain_tls(peer),
            Self::Http(text) => Error::contract(format!(
                "{peer} sent no valid HTTP answer: {}",
                shown(&text)
            ))
            .again(Again::Later)
            .hint("is --url right? a server that speaks only https answers so to http"),
            Self::Request(text) => {
                Error::usage(format!("this request cannot be sent: {}", shown(&text)))
                    .hint("look at --url, and at headers and query in the connection file")
            }
            Self::Other(text) => {
                Error::temporary(format!("cannot talk to {peer}: {}", shown(&text)))
                    .hint("is --url right?")
            }
        }
    }

    /// The error for a peer with which TLS did not come about.
    fn explain_tls(self, peer: &str) -> Error {
        let shown = |text: &str| redacted(text).into_owned();
        match self {
            Self::Certificate(text) => {
                Error::refused(format!("cannot trust {peer}: {}", shown(&text))).hint(
                    "is --url right? the certificate of an authority of your own goes into \
                     ca_file; one that has expired is for the server's owner to renew",
                )
            }
            Self::Client(text, false) => Error::refused(format!(
                "{peer} demands a client certificate: {}",
                shown(&text)
            ))
            .hint(
                "name the files (PEM) in the connection file: \"client_cert\" and \"client_key\"",
            ),
            Self::Client(text, true) => Error::refused(format!(
                "{peer} does not take the client certificate: {}",
                shown(&text)
            ))
            .hint("has it expired? is it of an authority that this server trusts? see client_cert"),
            // A server says no more than this where it lacks a certificate, and
            // before TLS 1.3 it has no other word for it.
            Self::Tls(text) if text.contains("alert: HandshakeFailure") => {
                Error::refused(format!("{peer} does not agree on TLS: {}", shown(&text))).hint(
                    "does it demand a client certificate? name the files (PEM) in the connection \
                 file: \"client_cert\" and \"client_key\"",
                )
            }
            Self::Tls(text) => {
                Error::temporary(format!("no TLS connection to {peer}: {}", shown(&text)))
                    .hint("does it speak https? is --url right?")
            }
            other => other.explain(peer),
        }
    }
}
