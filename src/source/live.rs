//! The live source: one request over HTTP, its answer, and what it means where
//! none came. The only file that knows the HTTP library. It refuses to try
//! again, to follow a redirect to another origin, to hand on a body that is
//! still encoded, and to hold more of a body than it was allowed.

mod resolver;

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use resolver::Remembering;
use ureq::http::{HeaderName, HeaderValue, Uri, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;

use crate::error::{Again, Error, Result, excerpt};
use crate::exchange::{Request, Response};
use crate::secret::redacted;
use crate::source::Source;
use crate::source::address::Address;
use crate::source::body::{self, is_end};
use crate::source::failure::Failure;
use crate::source::redirect::redirect;
pub use crate::source::settings::Settings;

const LONGEST: Duration = Duration::from_secs(30 * 86_400);
const MAX_REDIRECTS: usize = 5;

/// As much as is read of a body that comes with an error's status.
const ERROR_BODY: u64 = 64 << 10;

/// A connection to an API, kept open between requests.
pub struct Live {
    agent: ureq::Agent,
    address: Address,
    headers: Vec<(HeaderName, HeaderValue)>,
    proxy: Option<ureq::Proxy>,
    timeout: Duration,
    max_body: u64,
    /// Whether the last request left a connection open for the next.
    kept_open: bool,
}

impl Live {
    /// Checks the settings. Nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self> {
        let address = parse(&settings.url)?;
        // The library takes a name that no header can hold, and panics later.
        valid_header(&("User-Agent".to_owned(), settings.user_agent.clone()))?;
        let headers: Result<Vec<_>> = settings.headers.iter().map(valid_header).collect();
        if settings.secret_headers && !address.is_https() && !address.is_loopback() {
            let peer = address.peer();
            log::warn!("credentials go to {peer} unencrypted: use https if it has it");
        }
        // What listens on this machine is not reached by way of another.
        let far = !address.is_loopback();
        let proxy = far.then(ureq::Proxy::try_from_env).flatten();
        // The library adds it to the clock without a look at overflow.
        let timeout = settings.timeout.min(LONGEST);
        let connect_timeout = settings.connect_timeout.min(timeout);
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(settings.user_agent)
            .accept("application/json")
            .timeout_global(Some(timeout))
            .timeout_resolve(Some(connect_timeout))
            .timeout_connect(Some(connect_timeout))
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .proxy(proxy.clone());
        if let Some(path) = &settings.ca_file {
            let roots = RootCerts::new_with_certs(&read_certificates(path)?);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(Self {
            agent: ureq::Agent::with_parts(
                config.build(),
                DefaultConnector::default(),
                Remembering::default(),
            ),
            address,
            headers: headers?,
            proxy,
            timeout,
            max_body: settings.max_body,
            kept_open: false,
        })
    }

    fn send(
        &mut self,
        to: &Address,
        hop: usize,
        start: Instant,
        buffer: &mut Vec<u8>,
    ) -> Result<Response> {
        let url = to.url();
        let mut request = self.agent.get(&url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if hop > 0 {
            // Not on each request: it would do without the TLS session's cache.
            let left = self.timeout.saturating_sub(start.elapsed());
            request = request.config().timeout_global(Some(left)).build();
        }
        let was_open = std::mem::take(&mut self.kept_open);
        let answer = match request.call() {
            Ok(answer) => answer,
            Err(cause) => {
                // The server closed a connection that had lain idle, which says
                // nothing about the request: once, a new one is worth trying.
                let idle_death = was_open && matches!(&cause, ureq::Error::Io(e) if is_end(e));
                let error = self.explain(cause, to);
                return Err(match idle_death {
                    true => error.again(Again::Now),
                    false => error,
                });
            }
        };
        let (parts, mut source) = answer.into_parts();
        let mut response = Response {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(lossy).collect(),
            ..Response::default()
        };
        if parts.status.is_success() {
            body::refuse_encoded(&response)?;
            let (declared, limit) = (source.content_length(), self.max_body);
            if declared.is_some_and(|length| length > limit) {
                return Err(body::too_long(limit));
            }
            body::read(source.with_config().limit(limit).reader(), limit, buffer)
                .map_err(|cause| self.explain_body(cause.into(), to, buffer.len(), declared))?;
            body::refuse_gzip(buffer)?;
        } else {
            // The status says what matters: an error's body may be anything.
            let limit = ERROR_BODY.min(self.max_body);
            let _ = body::read(source.with_config().reader().take(limit), limit, buffer);
            if body::refuse_encoded(&response).is_err() {
                buffer.clear();
            }
        }
        self.kept_open = !response
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        response.elapsed = start.elapsed();
        let (status, bytes) = (response.status, buffer.len());
        let ms = response.elapsed.as_millis();
        log::debug!("GET {} -> {status}, {bytes} bytes, {ms} ms", redacted(&url));
        Ok(response)
    }

    /// Who is at the other end of the connection: a proxy, or the API itself.
    fn peer(&self, to: &Address) -> String {
        let direct =
            |proxy: &ureq::Proxy| to.url().parse().is_ok_and(|uri| proxy.is_no_proxy(&uri));
        match &self.proxy {
            Some(proxy) if !direct(proxy) => {
                format!("the proxy {}:{}", proxy.host(), proxy.port())
            }
            _ => to.peer(),
        }
    }

    fn explain(&self, cause: ureq::Error, to: &Address) -> Error {
        classify(cause, self.timeout).explain(&self.peer(to))
    }

    fn explain_body(
        &self,
        cause: ureq::Error,
        to: &Address,
        got: usize,
        declared: Option<u64>,
    ) -> Error {
        match cause {
            ureq::Error::BodyExceedsLimit(limit) => body::too_long(limit),
            ureq::Error::Decompress(_, cause) => body::damaged(&cause, got),
            ureq::Error::Io(cause) => body::failed(&cause, got, declared),
            cause => self.explain(cause, to),
        }
    }
}

impl Source for Live {
    fn fetch(&mut self, request: &Request, buffer: &mut Vec<u8>) -> Result<Response> {
        let start = Instant::now();
        let mut to = self.address.with(&request.query);
        for hop in 0..=MAX_REDIRECTS {
            buffer.clear();
            let sent = self.send(&to, hop, start, buffer);
            let response = sent.inspect_err(|_| buffer.clear())?;
            match redirect(&response, &to).inspect_err(|_| buffer.clear())? {
                Some(next) => to = next,
                None => return Ok(response),
            }
        }
        buffer.clear();
        Err(
            Error::refused(format!("more than {MAX_REDIRECTS} redirects"))
                .hint("set the url to where the API lives"),
        )
    }
}

fn parse(url: &str) -> Result<Address> {
    let wrong = |why: String| {
        Error::usage(format!("the url {}: {why}", excerpt(&redacted(url))))
            .hint("write it as https://api.example.com/v1/users")
    };
    let address = Address::parse(url).map_err(wrong)?;
    match address.url().parse::<Uri>() {
        Ok(_) => Ok(address),
        Err(cause) => Err(wrong(cause.to_string())),
    }
}

fn lossy((name, value): (&HeaderName, &HeaderValue)) -> (String, String) {
    let value = String::from_utf8_lossy(value.as_bytes());
    (name.to_string(), value.into_owned())
}

/// The header, if it can be sent. Its value is not shown: it may be a secret.
fn valid_header((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue)> {
    let wrong = |why: &str| {
        Error::usage(format!("the header {}: {why}", excerpt(name)))
            .hint("look at headers in the connection file")
    };
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("not a header's name"))?;
    if [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::EXPECT,
    ]
    .contains(&key)
    {
        return Err(wrong("it describes a request's body, and there is none"));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        wrong("its value holds a line break or another control character")
            .hint("was a line break read into the variable, along with the value?")
    })?;
    // The library reads these two as text, and says nothing before it has connected.
    if [header::AUTHORIZATION, header::HOST].contains(&key) && value.to_str().is_err() {
        return Err(wrong("its value holds a character that is not ASCII"));
    }
    // Kept out of the HTTP library's own log.
    value.set_sensitive(true);
    Ok((key, value))
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let wrong = |why: String| {
        Error::usage(why)
            .at(format_args!("ca_file {}", path.display()))
            .hint("name a file of certificates in PEM: -----BEGIN CERTIFICATE-----")
    };
    let pem = std::fs::read(path).map_err(|cause| wrong(format!("cannot read it: {cause}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|cause| wrong(cause.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(certificates)
}

fn classify(cause: ureq::Error, timeout: Duration) -> Failure {
    use ureq::{Error as E, Timeout};
    let text = match &cause {
        E::Io(cause) => cause.to_string(),
        cause => cause.to_string(),
    };
    match cause {
        // Only the text tells these from the other errors of TLS and of io.
        _ if text.contains("invalid peer certificate") => Failure::Certificate(text),
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
