//! The live source: one request over HTTP, its answer, and the reason where
//! none came. Only this file, with its folder, knows the HTTP library. It does
//! not try again, does not follow a redirect to another origin, does not hand
//! on a body that is still encoded, and does not hold more of a body than is
//! allowed.

mod cause;
mod certificates;
mod forward;
mod last_words;
mod resolver;

use std::io::Read;
use std::time::{Duration, Instant};

use cause::classify;
use forward::Forward;
use last_words::LastWords;
use resolver::Remembering;
use ureq::http::{self, HeaderName, HeaderValue, Uri, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, RustlsConnector, SocksConnector, TcpConnector,
};

use crate::config::literal;
use crate::error::{Again, Error, Result, excerpt};
use crate::exchange::{Method, Request, Response};
use crate::secret::{basic, redacted};
use crate::source::Source;
use crate::source::address::Address;
use crate::source::body::{self, is_end};
use crate::source::failure::Failure;
use crate::source::proxy;
use crate::source::redirect::{self, redirect};
pub use crate::source::settings::Settings;

const LONGEST: Duration = Duration::from_secs(30 * 86_400);
const MAX_REDIRECTS: usize = 5;

/// How much is read of a body that comes with an error's status.
const ERROR_BODY: u64 = 64 << 10;

/// A connection to an API, kept open between requests.
pub struct Live {
    agent: ureq::Agent,
    address: Address,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The proxy that is between, for people.
    proxy: Option<String>,
    /// Whether this client shows a certificate.
    certified: bool,
    timeout: Duration,
    max_body: u64,
    /// Whether the last request left a connection open for the next.
    kept_open: bool,
}

impl Live {
    /// Checks the settings. Nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self> {
        let address = parse(&settings.url)?;
        // The library accepts a name that no header can hold, and panics later.
        valid_header(&("User-Agent".to_owned(), settings.user_agent.clone()))?;
        let headers: Result<Vec<_>> = settings.headers.iter().map(valid_header).collect();
        if settings.secret_headers && !address.is_https() && !address.is_loopback() {
            let peer = address.peer();
            log::warn!("credentials go to {peer} unencrypted: use https if it has it");
        }
        let proxy = proxy_of(&address, &settings)?;
        // The library adds the timeout to the clock without a check for overflow.
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
            .max_idle_connections_per_host(1);
        let mut tls = TlsConfig::builder();
        if let Some(path) = &settings.ca_file {
            tls = tls.root_certs(certificates::roots(path)?);
        }
        if let Some(path) = &settings.client_cert {
            let key = settings.client_key.as_deref();
            tls = tls.client_cert(Some(certificates::client(path, key)?));
        }
        config = config.tls_config(tls.build());
        let peer = proxy
            .as_ref()
            .map(|p| format!("the proxy {}:{}", p.host(), p.port()));
        let agent = match proxy {
            Some(proxy) if !address.is_https() && proxy.protocol() == ureq::ProxyProtocol::Http => {
                let resolver = Remembering::instead(proxy.uri().clone());
                let forward = Forward {
                    origin: address.origin(),
                    authorization: authorization(&proxy),
                };
                let connector = ().chain(TcpConnector::default()).chain(forward);
                ureq::Agent::with_parts(config.proxy(None).build(), connector, resolver)
            }
            proxy => {
                let connector =
                    ().chain(SocksConnector::default())
                        .chain(ConnectProxyConnector::default())
                        .chain(TcpConnector::default())
                        .chain(LastWords)
                        .chain(RustlsConnector::default());
                ureq::Agent::with_parts(
                    config.proxy(proxy).build(),
                    connector,
                    Remembering::default(),
                )
            }
        };
        Ok(Self {
            agent,
            address,
            headers: headers?,
            proxy: peer,
            certified: settings.client_cert.is_some(),
            timeout,
            max_body: settings.max_body,
            kept_open: false,
        })
    }

    fn send(
        &mut self,
        asked: &Request,
        to: &Address,
        left: Option<Duration>,
        buffer: &mut Vec<u8>,
    ) -> Result<Response> {
        let start = Instant::now();
        let url = to.url();
        let was_open = std::mem::take(&mut self.kept_open);
        let answer = match self.call(asked, &url, left)? {
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
        let method = asked.method.name();
        log::debug!(
            "{method} {} -> {status}, {bytes} bytes, {ms} ms",
            redacted(&url)
        );
        Ok(response)
    }

    /// Puts one request together and sends it.
    fn call(
        &self,
        asked: &Request,
        url: &str,
        left: Option<Duration>,
    ) -> Result<std::result::Result<http::Response<ureq::Body>, ureq::Error>> {
        let mut request = http::Request::builder()
            .method(asked.method.name())
            .uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for pair in asked.headers.iter().chain(&asked.credentials) {
            let (name, value) = valid_header(pair)?;
            request = request.header(name, value);
        }
        let typed = request
            .headers_ref()
            .is_some_and(|headers| headers.contains_key(header::CONTENT_TYPE));
        if asked.body.is_some() && !typed {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let wrong = |cause: http::Error| {
            let cause = cause.to_string();
            Failure::Request(cause).explain(url)
        };
        // The time left is not set on each request: one that has settings of its
        // own does without the TLS session's cache.
        Ok(match (&asked.body, asked.method) {
            (None, Method::Get) => {
                let request = request.body(()).map_err(wrong)?;
                match left {
                    None => self.agent.run(request),
                    Some(left) => {
                        let limited = self.agent.configure_request(request);
                        self.agent.run(limited.timeout_global(Some(left)).build())
                    }
                }
            }
            (body, _) => {
                let body = body.as_deref().unwrap_or_default().as_bytes();
                let request = request.body(body).map_err(wrong)?;
                match left {
                    None => self.agent.run(request),
                    Some(left) => {
                        let limited = self.agent.configure_request(request);
                        self.agent.run(limited.timeout_global(Some(left)).build())
                    }
                }
            }
        })
    }

    /// Where a request goes.
    fn target(&self, request: &Request) -> Result<Address> {
        let Some(link) = &request.link else {
            return Ok(self.address.with(&request.query));
        };
        let shown = |text: &str| excerpt(&redacted(text));
        let wrong = |why: String| {
            Error::contract(format!("a link to {}: {why}", shown(link)))
                .hint("see next in the connection file")
        };
        let to = redirect::join(&self.address, link).map_err(wrong)?;
        if !self.address.is_same_origin(&to) {
            return Err(wrong(format!(
                "it leads to another origin, which gets no credentials of {}",
                self.address.peer()
            )));
        }
        Ok(to)
    }

    /// Who is at the other end of the connection: a proxy, or the API itself.
    fn peer(&self, to: &Address) -> String {
        self.proxy.clone().unwrap_or_else(|| to.peer())
    }

    fn explain(&self, cause: ureq::Error, to: &Address) -> Error {
        classify(cause, self.timeout, self.certified).explain(&self.peer(to))
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
        buffer.clear();
        let mut to = self.target(request)?;
        for hop in 0..=MAX_REDIRECTS {
            buffer.clear();
            let left = (hop > 0).then(|| self.timeout.saturating_sub(start.elapsed()));
            let sent = self.send(request, &to, left, buffer);
            let mut response = sent.inspect_err(|_| buffer.clear())?;
            match redirect(&response, &to, request.method).inspect_err(|_| buffer.clear())? {
                Some(next) => to = next,
                None => {
                    response.elapsed = start.elapsed();
                    return Ok(response);
                }
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
    // The library reads these two as text, and says nothing about faults before
    // it has connected.
    if [header::AUTHORIZATION, header::HOST].contains(&key) && value.to_str().is_err() {
        return Err(wrong("its value holds a character that is not ASCII"));
    }
    // This keeps the value out of the HTTP library's own log.
    value.set_sensitive(true);
    Ok((key, value))
}

/// The proxy for this address, if the environment names one.
fn proxy_of(address: &Address, settings: &Settings) -> Result<Option<ureq::Proxy>> {
    let environment = |name: &str| std::env::var(name).ok();
    let Some((name, url)) = proxy::choose(address, &environment) else {
        return Ok(None);
    };
    literal::remember_proxy(&url, &settings.secrets);
    let proxy = ureq::Proxy::new(&url).map_err(|_| {
        Error::usage(format!(
            "{} is no address of a proxy",
            excerpt(&redacted(&url))
        ))
        .at(name)
        .hint("write it as http://proxy.example.com:3128, with USER:PASSWORD@ if it wants them")
    })?;
    Ok(Some(proxy))
}

/// The header line that a proxy wants of each request.
fn authorization(proxy: &ureq::Proxy) -> String {
    let Some(user) = proxy.username() else {
        return String::new();
    };
    let value = basic(user, proxy.password().unwrap_or_default());
    format!("Proxy-Authorization: {value}\r\n")
}
