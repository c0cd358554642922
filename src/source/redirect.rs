//! Whether an answer sends us elsewhere, and whether to go there. Pure. It does
//! not leave the origin for which the credentials were given.

use crate::error::{Error, Result, excerpt};
use crate::exchange::{Method, Response};
use crate::secret::redacted;
use crate::source::address::Address;

/// Where the answer sends us, if it does.
pub(crate) fn redirect(
    response: &Response,
    from: &Address,
    method: Method,
) -> Result<Option<Address>> {
    let location = match response.status {
        301 | 302 | 303 | 307 | 308 => response.header("location"),
        _ => None,
    };
    let Some(location) = location else {
        return Ok(None);
    };
    let shown = |text: &str| excerpt(&redacted(text));
    let next = join(from, location).map_err(|why| {
        Error::refused(format!("a redirect to {}: {why}", shown(location)))
            .hint("set the url to where the API lives now")
    })?;
    if !from.is_same_origin(&next) {
        return Err(Error::refused(format!(
            "the API redirects to another origin, {}, which gets no credentials of {}",
            shown(&next.url()),
            from.peer()
        ))
        .hint("set the url to that address if you trust it"));
    }
    if method != Method::Get && !matches!(response.status, 307 | 308) {
        return Err(Error::refused(format!(
            "the API redirects a {} to {}, which would go there without its body",
            method.name(),
            shown(&next.url())
        ))
        .hint("set the url to that address"));
    }
    if from.has_query() && !next.has_query() {
        return Err(Error::refused(format!(
            "the API redirects to {}, without the query",
            shown(&next.url())
        ))
        .hint("set the url to that address"));
    }
    Ok(Some(next))
}

/// Where a `Location` seen at this address points.
pub(crate) fn join(from: &Address, location: &str) -> std::result::Result<Address, String> {
    let (reference, query) = location.split_at(location.find('?').unwrap_or(location.len()));
    if reference.contains("://") {
        return Address::parse(location);
    }
    if reference.starts_with("//") {
        return Address::parse(&format!("{}:{location}", from.scheme()));
    }
    let path = match reference {
        "" => from.path().to_owned(),
        rooted if rooted.starts_with('/') => rooted.to_owned(),
        relative => {
            let folder = from
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{relative}"))
        }
    };
    Address::parse(&format!("{}{path}{query}", from.origin()))
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_location_is_resolved_as_a_browser_would() {
        let base = Address::parse("http://h:5/a/b/c?x=1").unwrap();
        for (location, expected) in [
            ("/z?y=2", "http://h:5/z?y=2"),
            ("d", "http://h:5/a/b/d"),
            ("../d?x=http://e/", "http://h:5/a/d?x=http://e/"),
            ("./", "http://h:5/a/b/"),
            ("../../../..", "http://h:5/"),
            ("?x=2", "http://h:5/a/b/c?x=2"),
            ("//e/f", "http://e/f"),
            ("https://e/f#g", "https://e/f"),
        ] {
            assert_eq!(join(&base, location).unwrap().url(), expected, "{location}");
        }
    }

    #[test]
    fn only_a_redirect_within_the_origin_that_keeps_a_query_is_followed() {
        let from = Address::parse("http://h/a?limit=1").unwrap();
        let to = |status, location: &str| {
            let response = Response {
                status,
                headers: vec![("Location".into(), location.into())],
                ..Response::default()
            };
            redirect(&response, &from, Method::Get)
        };
        assert_eq!(to(200, "/b"), Ok(None));
        assert_eq!(to(304, "/b"), Ok(None));
        assert_eq!(
            to(308, "/b?limit=1").unwrap().unwrap().url(),
            "http://h/b?limit=1"
        );
        let posted = |status| {
            let response = Response {
                status,
                headers: vec![("Location".into(), "/b?limit=1".into())],
                ..Response::default()
            };
            redirect(&response, &from, Method::Post).map_err(|error| error.kind())
        };
        assert!(posted(308).unwrap().is_some());
        assert_eq!(posted(302), Err(Kind::Refused));
        for location in [
            "https://h/a?limit=1",
            "http://e/?limit=1",
            "/login",
            "//",
            "http://h/ b",
        ] {
            assert_eq!(
                to(302, location).unwrap_err().kind(),
                Kind::Refused,
                "{location}"
            );
        }
    }
}
