//! How to get a token: by a command, client credentials, or a login. This is
//! only what the connection file says of it; nothing here asks for a token.

use serde::Deserialize;

use super::Place;
use super::parts::{Object, Pairs, Plain, Text};
use crate::error::{Error, Result};
use crate::exchange::Method;
use crate::template::Values;
use crate::template::body::Body;

/// Where `{token}` comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// A program and its arguments; what it prints is the token.
    Command(Vec<String>),
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Client(Client),
    /// A request whose answer holds the token.
    Login(Login),
}

/// Client credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Where tokens are given out.
    pub token_url: String,
    /// The name of the client.
    pub client_id: String,
    /// The secret that proves it.
    pub client_secret: String,
    /// What the token is to permit.
    pub scope: Option<String>,
}

/// A login.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// POST where there is a body, else GET.
    pub method: Method,
    /// Where to log in.
    pub url: String,
    /// Sent with it.
    pub headers: Vec<(String, String)>,
    /// A JSON body, where there is one.
    pub body: Option<String>,
    /// Where in the answer the token is.
    pub token: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthFile {
    command: Option<Vec<Plain>>,
    token_url: Option<Plain>,
    client_id: Option<Plain>,
    client_secret: Option<Plain>,
    scope: Option<Plain>,
    login: Option<Object<LoginFile>>,
    token: Option<Text<Place>>,
    expired: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginFile {
    method: Option<Text<Method>>,
    url: Option<Plain>,
    headers: Option<Pairs<Plain>>,
    body: Option<Body>,
}

impl AuthFile {
    /// What an answer says whose token has expired; none are said to be empty.
    pub(super) fn expired(&mut self) -> Result<Vec<String>> {
        let expired = self.expired.take().unwrap_or_default();
        match expired.iter().any(|text| text.trim().is_empty()) {
            true => Err(Error::usage("a text is empty, which is in every answer")
                .at("\"auth\", \"expired\"")
                .hint("write what an error says, as \"Session terminated\"")),
            false => Ok(expired),
        }
    }

    /// The one way to a token that the file tells.
    pub(super) fn read(self) -> Result<Auth> {
        let wrong = |what: String| Error::usage(what).at("\"auth\"");
        let client = [
            ("token_url", self.token_url),
            ("client_id", self.client_id),
            ("client_secret", self.client_secret),
        ];
        let told = client.iter().find(|(_, value)| value.is_some());
        match (self.command, told, self.login) {
            (Some(command), None, None) if self.scope.is_none() && self.token.is_none() => {
                let words: Vec<String> = command.into_iter().map(|word| word.0).collect();
                if words.first().is_none_or(String::is_empty) {
                    return Err(wrong("\"command\" names no program".into()));
                }
                Ok(Auth::Command(words))
            }
            (None, Some(_), None) if self.token.is_none() => {
                let mut values = Vec::new();
                for (name, value) in client {
                    let value = value.ok_or_else(|| wrong(format!("{name:?} is missing")));
                    values.push(value?.0);
                }
                let mut values = values.into_iter();
                let mut next = || values.next().unwrap_or_default();
                Ok(Auth::Client(Client {
                    token_url: next(),
                    client_id: next(),
                    client_secret: next(),
                    scope: self.scope.map(|scope| scope.0),
                }))
            }
            (None, None, Some(Object(login))) if self.scope.is_none() => {
                let url = login
                    .url
                    .ok_or_else(|| Error::usage("\"url\" is missing").at("\"auth\", \"login\""))?;
                let token = self.token.ok_or_else(|| {
                    wrong("\"token\" is missing".into())
                        .hint("it is where in the answer the token is, as \"/access_token\"")
                })?;
                Ok(Auth::Login(login_of(
                    login.method,
                    url,
                    login.headers,
                    login.body,
                    token,
                )))
            }
            _ => Err(
                wrong("one way to a token is needed, and one only".into()).hint(
                    "write {\"command\": [\"PROGRAM\", …]}, or {\"token_url\", \"client_id\", \
                 \"client_secret\", \"scope\"}, or {\"login\": {\"url\", …}, \"token\": \"/…\"}",
                ),
            ),
        }
    }
}

fn login_of(
    method: Option<Text<Method>>,
    url: Plain,
    headers: Option<Pairs<Plain>>,
    body: Option<Body>,
    token: Text<Place>,
) -> Login {
    let usual = match body {
        Some(_) => Method::Post,
        None => Method::Get,
    };
    let nothing = Values {
        since: None,
        limit: 0,
        offset: 0,
        token: None,
    };
    Login {
        method: method.map_or(usual, |method| method.0),
        url: url.0,
        headers: headers
            .map(|headers| headers.0.into_iter().map(|(name, value)| (name, value.0)))
            .into_iter()
            .flatten()
            .collect(),
        body: body.map(|body| body.fill(&nothing)),
        token: token.0,
    }
}
