//! Keys that are written out where they are used (in an address, a header or a
//! body) rather than taken from the environment. They are recognised by their
//! names. Pure. It does not take an API's own words for secrets, such as the
//! name of a key to sort by.

use crate::config::Connection;
use crate::config::auth::Auth;
use crate::secret::Secrets;
use crate::template::Template;

/// Words in a name which say that its value is a secret, in lower case and
/// without punctuation.
const TELLING: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "signature",
    "authorization",
    "cookie",
    "session",
    "bearer",
    "key",
];

/// Whole names that say so, too.
const NAMES: [&str; 8] = ["auth", "pass", "pwd", "pw", "sig", "sid", "jwt", "apitoken"];

/// Ends of names whose keys and tokens everyone may see, and which an API gives
/// out to be sent back.
const PUBLIC: [&str; 24] = [
    "sortkey",
    "orderkey",
    "orderbykey",
    "primarykey",
    "foreignkey",
    "groupkey",
    "partitionkey",
    "rowkey",
    "fieldkey",
    "columnkey",
    "searchkey",
    "idempotencykey",
    "cursorkey",
    "pagetoken",
    "nexttoken",
    "cursortoken",
    "continuationtoken",
    "synctoken",
    "skiptoken",
    "tokentype",
    "keytype",
    "keyword",
    "keywords",
    "keyset",
];

/// Values that are settings of an API rather than secrets, whatever they are
/// called.
const WORDS: [&str; 22] = [
    "true",
    "false",
    "null",
    "none",
    "both",
    "default",
    "basic",
    "digest",
    "bearer",
    "oauth",
    "oauth2",
    "apikey",
    "api_key",
    "token",
    "header",
    "cookie",
    "query",
    "asc",
    "desc",
    "ascending",
    "descending",
    "required",
];

/// Remembers what is written out in this connection.
pub fn remember(connection: &Connection, secrets: &Secrets) {
    let known: Vec<&str> = std::iter::once(&connection.cursor)
        .chain(&connection.primary_key)
        .chain(connection.columns.iter().flatten().map(|(field, _)| field))
        .map(|field| &*field.name)
        .collect();
    let mut found = Vec::new();
    address(&connection.url, &mut found);
    for (name, template) in connection.query.iter().chain(&connection.headers) {
        found.extend(texts(template).map(|text| (name.clone(), text.to_owned())));
    }
    let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    if let Some(body) = &connection.body {
        found.extend(body.literals().into_iter().map(owned));
    }
    match &connection.auth {
        Some(Auth::Client(client)) => {
            address(&client.token_url, &mut found);
            found.push(("client_secret".to_owned(), client.client_secret.clone()));
        }
        Some(Auth::Login(login)) => {
            address(&login.url, &mut found);
            found.extend(login.headers.iter().cloned());
            found.extend(login.body.iter().flat_map(|body| strings(body)));
        }
        Some(Auth::Command(_)) | None => {}
    }
    for (name, value) in found {
        if tells(&name) && !known.contains(&&*value) {
            keep(&name, &value, secrets);
        }
    }
}

/// Remembers the user and the password of a proxy's address.
pub fn remember_proxy(url: &str, secrets: &Secrets) {
    let mut found = Vec::new();
    address(url, &mut found);
    for (name, value) in found.iter().filter(|(name, _)| tells(name)) {
        keep(name, value, secrets);
    }
}

/// Remembers one value, and what follows its scheme, as in `Bearer abc`.
fn keep(name: &str, value: &str, secrets: &Secrets) {
    let value = value.trim();
    let value = match value.split_once(' ') {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => rest.trim(),
        _ => value,
    };
    // A variable that a replay leaves as it is stands for a value that nobody
    // here knows.
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(value));
    if value.contains("${") || is_word {
        return;
    }
    let is_number = value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit());
    if value.chars().count() < 4 || is_number {
        return secrets.add_short(name, value);
    }
    // In `token="abc", id=7` and `session=abc; lang=en` the values are meant.
    for pair in value.split([';', ',']) {
        let part = pair.split_once('=').map_or("", |(_, part)| part);
        let part = part.trim_matches(['"', ' ', '=']);
        if part.chars().count() >= 6 {
            secrets.add(name, part);
        }
    }
    secrets.add(name, value);
}

/// Whether a name says that its value is a secret.
fn tells(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let says = TELLING.iter().any(|word| plain.contains(word));
    let public = PUBLIC.iter().any(|end| plain.ends_with(end));
    NAMES.contains(&&*plain) || (says && !public)
}

/// The texts of a template, unless it is nothing but one place.
fn texts(template: &Template) -> impl Iterator<Item = &str> {
    template.texts().map(str::trim).filter(|text| {
        // The scheme before a place, as in `Bearer {token}`.
        !(template.is_filled() && text.bytes().all(|b| b.is_ascii_alphabetic()))
    })
}

/// What an address holds: its parameters, and a user's password.
fn address(url: &str, found: &mut Vec<(String, String)>) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let query = rest[end..].split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    for pair in query.split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            let name = decoded(name);
            found.push((name.clone(), value.to_owned()));
            found.push((name, decoded(value)));
        }
    }
    for user in users(rest) {
        let secret = user.split_once(':').map_or(user, |(_, password)| password);
        for value in [secret.to_owned(), decoded(secret)] {
            found.push(("password".to_owned(), value));
        }
    }
}

/// What may be the user and the password in an address, given without its
/// scheme: what is before the host, and where a slash in a password ended the
/// authority before its time, what is before the last at sign.
pub(crate) fn users(rest: &str) -> Vec<&str> {
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, before) = (&rest[..end], rest.rsplit_once('@'));
    let own = authority.rsplit_once('@').map(|(user, _)| user);
    let port = authority.split_once(':').map_or("", |(_, port)| port);
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    let longer = before.filter(|_| own.is_some() || !is_port);
    let longer = longer.map(|(user, _)| user);
    let mut users: Vec<&str> = own.into_iter().chain(longer).collect();
    users.dedup();
    users
}

/// The strings in a login's body, each with the name before it.
fn strings(body: &str) -> Vec<(String, String)> {
    fn walk(name: &str, value: &serde_json::Value, found: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::String(text) => found.push((name.to_owned(), text.clone())),
            serde_json::Value::Array(list) => list.iter().for_each(|v| walk(name, v, found)),
            serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| walk(k, v, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str(body) {
        walk("", &value, &mut found);
    }
    found
}

/// Percent-decoded, as far as that is text.
fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                out.push(value);
                rest = &after[2..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(connection: &Connection, text: &str) -> String {
        let secrets = Secrets::default();
        remember(connection, &secrets);
        secrets.redact(text).into_owned()
    }

    fn template(text: &str) -> Template {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_key_in_an_address_is_a_secret_and_so_is_a_password() {
        let at = |url: &str, text: &str| {
            let url = url.to_owned();
            let connection = Connection {
                url,
                ..Connection::default()
            };
            shown(&connection, text)
        };
        assert_eq!(
            at("http://h/p?api_key=K7hush&n=5", "K7hush n=5"),
            "${api_key} n=5"
        );
        assert_eq!(
            at("http://h/p?access-token=a%2Fb%2Fc", "a/b/c a%2fb%2fc"),
            "${access-token} ${access-token}"
        );
        assert_eq!(at("http://me:P9hush@h/", "me P9hush"), "me ${password}");
        assert_eq!(at("http://me:P9/hu@sh@h/", "P9/hu@sh"), "${password}");
        assert_eq!(at("http://me:P9hu@sh@h/", "P9hu@sh"), "${password}");
        assert_eq!(at("http://me:P9hush@h/a@2", "P9hush"), "${password}");
        assert_eq!(at("http://P9hush@h/", "P9hush"), "${password}");
        assert_eq!(at("http://h:8080/a@b", "8080/a"), "8080/a");
        let sorted = "http://h/p?sort_key=name&order_key=updatedAt&page_token=abcdef";
        assert_eq!(at(sorted, sorted), sorted);
    }

    #[test]
    fn a_key_in_a_header_or_a_parameter_is_a_secret_without_its_scheme() {
        let pair = |name: &str, value: &str| (name.to_owned(), template(value));
        let connection = Connection {
            headers: vec![
                pair("Authorization", "Bearer abc.def"),
                pair("X-Api-Key", "k7hush"),
                pair("X-Auth", "Bearer {token}"),
                pair("Cookie", "session=c7hush; lang=en"),
                pair("Accept", "application/json"),
            ],
            query: vec![pair("apikey", "q7hush"), pair("sort", "sortable")],
            ..Connection::default()
        };
        assert_eq!(
            shown(
                &connection,
                "Bearer abc.def k7hush q7hush application/json sortable c7hush en"
            ),
            "Bearer ${Authorization} ${X-Api-Key} ${apikey} application/json sortable ${Cookie} en"
        );
    }

    #[test]
    fn a_name_says_whether_its_value_is_a_secret() {
        for name in [
            "Authorization",
            "X-TYPESENSE-API-KEY",
            "Ocp-Apim-Subscription-Key",
            "X-Search-Api-Key",
            "page_access_token",
            "apiKey",
            "key",
            "auth",
            "client_secret",
            "X-Amz-Signature",
            "pwd",
        ] {
            assert!(tells(name), "{name}");
        }
        for name in [
            "sort_key",
            "order_by_key",
            "nextPageToken",
            "$skipToken",
            "keyword",
            "token_type",
            "Accept",
            "author",
            "limit",
        ] {
            assert!(!tells(name), "{name}");
        }
    }

    #[test]
    fn what_the_rows_are_called_by_is_no_secret() {
        let connection = Connection {
            query: vec![
                ("key".to_owned(), template("updatedAt")),
                ("key".to_owned(), template("${UNSET}")),
                ("key".to_owned(), template("abc")),
                ("with_secrets".to_owned(), template("true")),
            ],
            ..Connection::default()
        };
        let text = "updatedAt ${UNSET} abc true";
        assert_eq!(shown(&connection, text), text);
    }

    #[test]
    fn what_a_login_sends_is_a_secret() {
        let login = crate::config::auth::Login {
            method: crate::exchange::Method::Post,
            url: "http://h/login?key=u7hush".to_owned(),
            headers: vec![("X-Token".to_owned(), "h7hush".to_owned())],
            body: Some(r#"{"user":"reader","password":"b7hush"}"#.to_owned()),
            token: crate::config::Place::Body(Vec::new()),
        };
        let connection = Connection {
            auth: Some(Auth::Login(login)),
            ..Connection::default()
        };
        assert_eq!(
            shown(&connection, "u7hush h7hush b7hush reader"),
            "${key} ${X-Token} ${password} reader"
        );
    }
}
