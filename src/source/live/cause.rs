//! What the HTTP library's errors mean. They are recognised by their kind and,
//! where that is not enough, by their text. Pure.

use std::io::ErrorKind;
use std::time::Duration;

use crate::source::body::is_end;
use crate::source::failure::Failure;

/// What a server says of a certificate that it does not take.
const CLIENT_ALERTS: [&str; 7] = [
    "alert: BadCertificate",
    "alert: UnsupportedCertificate",
    "alert: CertificateRevoked",
    "alert: CertificateExpired",
    "alert: CertificateUnknown",
    "alert: UnknownCA",
    "alert: AccessDenied",
];

/// Why no answer came. `certified` is whether a certificate of ours was shown.
pub(super) fn classify(cause: ureq::Error, timeout: Duration, certified: bool) -> Failure {
    use ureq::{Error as E, Timeout};
    let text = match &cause {
        E::Io(cause) => cause.to_string(),
        cause => cause.to_string(),
    };
    match cause {
        // Only the text tells these from the other errors of TLS and of io.
        _ if text.contains("invalid peer certificate") => Failure::Certificate(text),
        _ if text.contains("alert: CertificateRequired") => Failure::Client(text, certified),
        _ if certified && CLIENT_ALERTS.iter().any(|alert| text.ends_with(alert)) => {
            Failure::Client(text, certified)
        }
        E::Io(_) if text.contains("failed to lookup address") => Failure::Name(text),
        E::HostNotFound => Failure::Name(text),
        E::Timeout(Timeout::Resolve | Timeout::Connect) => {
            Failure::Connect("no answer in time".to_owned())
        }
        E::Timeout(_) => Failure::Timeout(timeout),
        E::ConnectionFailed => Failure::Connect(text),
        E::ConnectProxyFailed(_) | E::InvalidProxyUrl => Failure::Proxy(text),
        E::Io(cause) => match cause.kind() {
            ErrorKind::ConnectionRefused => Failure::Connect("connection refused".to_owned()),
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied => Failure::Connect(text),
            ErrorKind::InvalidData => Failure::Tls(text),
            _ if is_end(&cause) => Failure::Ended(text),
            _ => Failure::Other(text),
        },
        E::Rustls(_) | E::Tls(_) | E::TlsRequired => Failure::Tls(text),
        E::Protocol(_) | E::LargeResponseHeader(..) => Failure::Http(text),
        E::Http(_) | E::BadUri(_) => Failure::Request(text),
        _ => Failure::Other(text),
    }
}
