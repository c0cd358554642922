//! Where something stands: a field in a row, and a value in an answer. Both are
//! named by a word or by a JSON pointer (RFC 6901).

use std::str::FromStr;

/// A field of a row: a name, or a JSON pointer (RFC 6901) where it starts
/// with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What the column is called: the name, or the pointer's tokens joined
    /// by `_`.
    pub name: String,
    /// The keys that lead to it from the row.
    pub path: Vec<String>,
}

/// The place in an answer where a number is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the body, at this pointer's tokens.
    Body(Vec<String>),
    /// In a header: the whole value, or what follows a slash in it.
    Header(String),
}

impl Field {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: vec![name.to_owned()],
        }
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text.starts_with('/') {
            let path = pointer(text)?;
            let name = path.join("_");
            return Ok(Self { name, path });
        }
        if text.is_empty() {
            return Err("a field's name is empty".into());
        }
        Ok(Self::named(text))
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.strip_prefix("header:") {
            Some("") => Err("\"header:\" lacks the header's name".into()),
            Some(name) => Ok(Self::Header(name.to_owned())),
            None => pointer(text).map(Self::Body),
        }
    }
}

/// The tokens of a JSON pointer, RFC 6901.
pub(super) fn pointer(text: &str) -> std::result::Result<Vec<String>, String> {
    match text.strip_prefix('/') {
        _ if text.is_empty() => Ok(Vec::new()),
        Some(rest) => Ok(rest
            .split('/')
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect()),
        None => Err(format!(
            "{text:?} is no JSON pointer, did you mean {:?}?",
            format!("/{text}")
        )),
    }
}
