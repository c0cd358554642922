//! What an answer says of the page after it: whether there is one, and where it
//! is.

/// Whether a value says that more rows follow: `true`, a number but 0, or a
/// text such as the next page's token.
pub(super) fn says_more(value: &str) -> bool {
    !matches!(value.trim(), "" | "null" | "false" | "0" | "{}" | "[]")
}

/// The link to the next page in a `Link` header (RFC 8288): the target whose
/// `rel` is `next`. A header that is a link and no list of them is that link.
pub(super) fn next(header: &str) -> Option<String> {
    let plain = header.trim();
    if plain.contains(['/', '?']) && !plain.contains(['<', ' ']) {
        return Some(plain.to_owned());
    }
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, params) = after.split_once('>')?;
        let end = params.find(", <").or_else(|| params.find(",<"));
        let (params, tail) = params.split_at(end.unwrap_or(params.len()));
        let is_next = params.split(';').any(|param| {
            let (name, value) = param.split_once('=').unwrap_or_default();
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = tail;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_the_next_page_is_found_among_others() {
        let header = "<https://a.test/?p=1>; rel=\"prev\", <https://a.test/?p=3,4>; title=x; rel=\"last next\"";
        assert_eq!(next(header).as_deref(), Some("https://a.test/?p=3,4"));
        assert_eq!(next("<https://a.test/?p=1>; rel=prev"), None);
        assert_eq!(next("nothing"), None);
        assert_eq!(next(" ").or(next("")), None);
        let link = "https://a.test/records?_limit=2&_token=eyJ0=";
        assert_eq!(next(link).as_deref(), Some(link));
    }

    #[test]
    fn a_flag_or_a_token_says_that_more_follows() {
        assert!(says_more("true") && says_more("1") && says_more("abc"));
        for none in ["false", "null", "", "0"] {
            assert!(!says_more(none));
        }
    }
}
