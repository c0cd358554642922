//! A token out of an answer, either from a login of the API's own or from OAuth
//! 2.0 client credentials (RFC 6749, section 4.4). It quotes no good answer,
//! since that holds the token.

use std::time::Duration;

use super::{Given, Giver};
use crate::config::Place;
use crate::config::auth::Client;
use crate::error::{Error, Kind, Result};
use crate::exchange::{Method, Request, Response};
use crate::json;
use crate::secret::basic;
use crate::source::address::encode;
use crate::source::{Source, fault, status};

/// A request that logs in.
pub struct Login {
    source: Box<dyn Source>,
    request: Request,
    token: Place,
}

impl Login {
    /// The source knows the address and the headers.
    pub fn new(
        source: Box<dyn Source>,
        method: Method,
        body: Option<String>,
        token: Place,
    ) -> Self {
        let request = Request {
            method,
            body,
            ..Request::default()
        };
        Self {
            source,
            request,
            token,
        }
    }
}

impl Giver for Login {
    fn give(&mut self) -> Result<Given> {
        let place = |error: Error| error.at("the login");
        let (response, body) = ask(&mut *self.source, &self.request).map_err(place)?;
        let found = match &self.token {
            Place::Body(path) => answer(&body, path),
            Place::Header(name) => response.header(name).map(|token| Given {
                token: token.to_owned(),
                expires_in: None,
            }),
        };
        found.ok_or_else(|| {
            place(
                missing(&body).hint("say where it is: \"token\" in \"auth\", as \"/access_token\""),
            )
        })
    }
}

/// Client credentials, in the form or in a header.
pub struct Credentials {
    source: Box<dyn Source>,
    client: Client,
    /// Whether the server wants them as basic authentication.
    basic: bool,
}

impl Credentials {
    /// The source knows the address and that a form is sent.
    pub fn new(source: Box<dyn Source>, client: Client) -> Self {
        Self {
            source,
            client,
            basic: false,
        }
    }

    fn request(&self) -> Request {
        let client = &self.client;
        let mut form = vec![("grant_type", "client_credentials")];
        if !self.basic {
            form.push(("client_id", &client.client_id));
            form.push(("client_secret", &client.client_secret));
        }
        form.extend(client.scope.as_ref().map(|scope| ("scope", &**scope)));
        let mut body = String::new();
        for (name, value) in form {
            if !body.is_empty() {
                body.push('&');
            }
            encode(name, &mut body);
            body.push('=');
            encode(value, &mut body);
        }
        let credentials = self.basic.then(|| {
            // RFC 6749, section 2.3.1, has both encoded before they are joined.
            let (mut user, mut password) = (String::new(), String::new());
            encode(&client.client_id, &mut user);
            encode(&client.client_secret, &mut password);
            ("Authorization".to_owned(), basic(&user, &password))
        });
        Request {
            method: Method::Post,
            body: Some(body),
            credentials: credentials.into_iter().collect(),
            ..Request::default()
        }
    }
}

impl Giver for Credentials {
    fn give(&mut self) -> Result<Given> {
        let place = |error: Error| error.at("\"auth\", \"token_url\"");
        let mut request = self.request();
        let mut answered = ask(&mut *self.source, &request);
        // A server may take the credentials in one of two ways only.
        if !self.basic
            && answered
                .as_ref()
                .is_err_and(|error| error.kind() == Kind::Refused)
        {
            self.basic = true;
            request = self.request();
            let again = ask(&mut *self.source, &request);
            self.basic = again.is_ok();
            // Where neither way is accepted, the first refusal says more.
            answered = again.or(answered);
        }
        let (_, body) = answered.map_err(place)?;
        answer(&body, &["access_token".to_owned()]).ok_or_else(|| {
            place(missing(&body).hint("is it the address where tokens are given out?"))
        })
    }
}

/// A good answer.
fn ask(source: &mut dyn Source, request: &Request) -> Result<(Response, Vec<u8>)> {
    let mut body = Vec::new();
    let response = source.fetch(request, &mut body)?;
    if matches!(response.status, 200..=299) {
        return Ok((response, body));
    }
    let now = crate::clock::now().secs;
    let known = crate::config::Statuses::default();
    let error = status::status_error(&response, &body, now, &known);
    Err(error
        .unwrap_or_else(|| Error::refused(format!("the answer was {}", response.status)))
        .hint("are the credentials right, and has this client the right to ask?"))
}

/// The token at this place of an answer, and how long it lasts, if that is told
/// beside it.
pub(super) fn answer(body: &[u8], path: &[String]) -> Option<Given> {
    let token = json::point(body, path).filter(|raw| raw.first() == Some(&b'"'))?;
    let token = json::text(token).into_owned();
    let mut beside = path.to_vec();
    beside.pop();
    beside.push("expires_in".to_owned());
    let life = json::point(body, &beside).and_then(|raw| {
        let seconds: f64 = json::text(raw).trim().parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    });
    (!token.is_empty()).then_some(Given {
        token,
        expires_in: life.filter(|life| !life.is_zero()),
    })
}

/// An answer without a token, described by its shape, and by what it says of an
/// error: the rest may be a token, at another place.
fn missing(body: &[u8]) -> Error {
    let kind = match body.first() {
        None => "the answer is empty",
        Some(b'{' | b'[') => "the answer holds no token there",
        Some(_) => "the answer is not JSON",
    };
    Error::refused(match fault::spoken(body) {
        Some(said) => format!("{kind}: {}", status::quote(said, status::REASON)),
        None => kind.to_owned(),
    })
}
