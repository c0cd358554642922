//! An error that comes with status 200: at a place that the connection names,
//! or in an object that tells of an error and is in the place of the rows.
//! Pure.

use crate::error::{Again, Error};
use crate::json;
use crate::source::status;

/// What an object calls an error where it has one.
const NAMES: [&str; 12] = [
    "error",
    "errors",
    "Error",
    "fault",
    "exception",
    "error_code",
    "errorCode",
    "errcode",
    "error_message",
    "errorMessage",
    "error_description",
    "errorMessages",
];

/// The error at the place that the connection names, if there is one. Where
/// pages before it were good it is taken for one that passes.
pub(crate) fn told(body: &[u8], place: &[String], good: bool) -> Option<Error> {
    let found = json::point(body, place).filter(|value| says_something(value))?;
    let text = format!(
        "the API answered 200 with an error: {}",
        status::quote(found, status::REASON)
    );
    Some(if good {
        Error::temporary(text).hint("if this goes on, look at the API's own status")
    } else {
        Error::refused(text).hint("mend the request: see the connection file")
    })
}

/// The same error, but worth another try where the answer that it is about is an
/// object that has nothing in the rows' place, after answers that were good:
/// whatever such an object says, it is no page.
pub(crate) fn suspect(error: Error, body: &[u8], rows: &[String], good: bool) -> Error {
    let is_object = body.get(json::space(body, 0)) == Some(&b'{');
    // Where the body itself is to be the list, an object is none.
    let found = !rows.is_empty() && json::point(body, rows).is_some_and(is_there);
    if !good || error.again_when() != Again::Never || !is_object || found {
        return error;
    }
    error
        .again(Again::Later)
        .hint("if this goes on, look at the API's own status")
}

/// Whether a value is there that is not null.
fn is_there(value: &[u8]) -> bool {
    value != b"null"
}

/// What an object has to say of an error, by what it calls it.
pub(crate) fn spoken(body: &[u8]) -> Option<&[u8]> {
    NAMES.iter().find_map(|name| {
        let place = [(*name).to_owned()];
        json::point(body, &place).filter(|value| says_something(value))
    })
}

/// Whether a value says more than that there is no error.
fn says_something(value: &[u8]) -> bool {
    let mut compact = Vec::new();
    json::compact(value, &mut compact);
    !matches!(
        &compact[..],
        b"" | b"null" | b"false" | b"0" | b"\"\"" | b"{}" | b"[]"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn at(body: &str, good: bool) -> Option<(Kind, Again, String)> {
        let error = told(body.as_bytes(), &["error".to_owned()], good)?;
        Some((error.kind(), error.again_when(), error.to_string()))
    }

    #[test]
    fn an_error_is_refused_at_first_and_later_tried_again() {
        let body = r#"{"result": [], "error": {"code": -32602, "message": "Invalid params."}}"#;
        let (kind, again, text) = at(body, false).unwrap();
        assert_eq!((kind, again), (Kind::Refused, Again::Never));
        assert!(text.contains("Invalid params."), "{text}");
        let (kind, again, _) = at(body, true).unwrap();
        assert_eq!((kind, again), (Kind::Temporary, Again::Later));
    }

    #[test]
    fn a_place_that_says_nothing_is_no_error() {
        for value in ["null", "false", "0", "\"\"", "{ }", "[ ]"] {
            assert_eq!(at(&format!("{{\"error\": {value}}}"), false), None);
        }
        assert_eq!(at("{\"data\": []}", false), None);
        assert_eq!(at("[]", false), None);
    }

    #[test]
    fn an_object_without_rows_is_suspect_after_good_pages() {
        let judge = |body: &str, good| {
            let rows = ["items".to_owned()];
            let error = Error::contract("no list of rows");
            suspect(error, body.as_bytes(), &rows, good).again_when()
        };
        for body in [
            r#"{"error": {"code": "RATE_LIMITED"}}"#,
            r#" {"success": false, "message": "slow down"}"#,
            r#"{"status": "error", "items": null}"#,
        ] {
            assert_eq!(judge(body, true), Again::Later, "{body}");
            assert_eq!(judge(body, false), Again::Never, "{body}");
        }
        for body in [
            r#"{"error": "x", "items": [1]}"#,
            r#"{"items": {}}"#,
            "[1]",
            "\"x\"",
        ] {
            assert_eq!(judge(body, true), Again::Never, "{body}");
        }
    }
}
