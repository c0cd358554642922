//! Where a request goes: a URL taken apart, its query appended to.
//! Pure: nothing here connects to anything. It refuses
//! credentials in a URL, since a URL is shown and stored.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::config::literal;

/// An http or https URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    https: bool,
    /// Without the brackets of IPv6, in lower case.
    host: String,
    port: u16,
    /// `host[:port]` as it was written.
    authority: String,
    /// Begins with a slash.
    path: String,
    query: Option<String>,
}

impl Address {
    /// Takes a URL apart; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(c) = text
            .chars()
            .find(|c| !c.is_ascii() || c.is_ascii_control() || *c == ' ')
        {
            return Err(format!(
                "a URL cannot hold {c:?}; write it percent-encoded, as in %20"
            ));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("it does not begin with http:// or https://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(format!("{scheme} is neither http nor https")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '\\']).unwrap_or(rest.len()));
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (tail, None),
        };
        if !literal::users(rest).is_empty() {
            return Err("it holds credentials, which belong into a header".to_owned());
        }
        let (host, port) = split_port(authority, if https { 443 } else { 80 })?;
        Ok(Self {
            https,
            host,
            port,
            authority: authority.to_owned(),
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            query,
        })
    }

    /// The same address with these parameters after those that it has.
    pub(crate) fn with(&self, parameters: &[(String, String)]) -> Self {
        let mut query = self.query.clone().unwrap_or_default();
        for (name, value) in parameters {
            if !query.is_empty() && !query.ends_with('&') {
                query.push('&');
            }
            encode(name, &mut query);
            query.push('=');
            encode(value, &mut query);
        }
        Self {
            query: (!query.is_empty()).then_some(query),
            ..self.clone()
        }
    }

    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }

    /// Whether this machine talks to itself.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
            || self.host.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback())
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// In lower case, without the brackets of IPv6.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn has_query(&self) -> bool {
        self.query.is_some()
    }

    /// `host:port`, for people.
    pub(crate) fn peer(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The URL as it is sent.
    pub(crate) fn url(&self) -> String {
        let mut url = self.origin() + &self.path;
        if let Some(query) = &self.query {
            url.push('?');
            url.push_str(query);
        }
        url
    }

    /// The URL up to its path.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    /// The path, which begins with a slash.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

fn split_port(authority: &str, default: u16) -> Result<(String, u16), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']').ok_or("its [ has no ]")?;
            ip.parse::<Ipv6Addr>()
                .map_err(|_| format!("[{ip}] is no IPv6 address"))?;
            (ip, port.strip_prefix(':').or(port.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    if let Some(c) = host
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "-._:".contains(*c)))
    {
        return Err(format!("a host cannot hold {c:?}"));
    }
    let port = match port {
        Some("") => Some(default),
        Some(digits) => digits.parse().ok().filter(|port| *port != 0),
        None => None,
    };
    let port = port.ok_or_else(|| format!("{authority} has no valid port"))?;
    Ok((host.to_ascii_lowercase(), port))
}

/// Appends the text percent-encoded: all but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn parameters_are_encoded_and_come_after_those_of_the_url() {
        let parameters = [
            (
                "filter[date][_gte]".to_owned(),
                "2024-01-15T10:30:00+00:00".to_owned(),
            ),
            ("q".to_owned(), "a b&c=ü~".to_owned()),
        ];
        let encoded =
            "filter%5Bdate%5D%5B_gte%5D=2024-01-15T10%3A30%3A00%2B00%3A00&q=a%20b%26c%3D%C3%BC~";
        for (url, expected) in [
            ("http://h", "http://h/?"),
            ("http://h/p#top", "http://h/p?"),
            ("http://h/p?", "http://h/p?"),
            ("http://h/p?k=v%20w", "http://h/p?k=v%20w&"),
            ("http://h?k=v&", "http://h/?k=v&"),
            ("HTTPS://[::1]:8443/p", "https://[::1]:8443/p?"),
        ] {
            assert_eq!(
                address(url).with(&parameters).url(),
                format!("{expected}{encoded}")
            );
        }
        assert_eq!(address("http://h/p?").with(&[]).url(), "http://h/p");
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_refused() {
        for text in [
            "",
            "h/p",
            "ftp://h/",
            "http://",
            "http:///p",
            "http://:80/",
            "http://h:x/",
            "http://h:0/",
            "http://h:65536/",
            "http://u:p@h/",
            "http://h/a b",
            "http://h/ü",
            "http://h/\n",
            "http://[::1/",
            "http://[zz]/",
            "http://[::1]x/",
            "http://a:b:c/",
            "http://{h}/",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let base = address("http://Host/a");
        assert!(base.is_same_origin(&address("http://hOST:80/b")));
        for other in ["https://host/", "http://host:81/", "http://host.example/"] {
            assert!(!base.is_same_origin(&address(other)), "{other}");
        }
    }

    #[test]
    fn loopback_is_told_from_hosts_that_look_like_it() {
        for near in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:80",
        ] {
            assert!(address(&format!("http://{near}/")).is_loopback(), "{near}");
        }
        for far in [
            "127.0.0.1.example.com",
            "localhost.example.com",
            "10.0.0.1",
            "[::2]",
        ] {
            assert!(!address(&format!("http://{far}/")).is_loopback(), "{far}");
        }
    }
}
