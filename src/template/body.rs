//! A request's body as a template: JSON whose strings hold places. It is built
//! up anew as JSON each time, so that no value can break out of its string, and
//! it keeps the members' order and the numbers' digits. It refuses to be
//! anything but an object or a list.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{BRACE, Slot, Template, Values};

/// As deep as a body may be nested.
const DEPTH: usize = 60;

/// A body with its places.
#[derive(Debug, Clone, PartialEq)]
pub struct Body(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// A number, true, false or null, as it was written.
    Plain(String),
    Text(Template),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// What became of a part of the body.
enum Filled {
    Written,
    /// It needs a `since` that is not there; nothing was written.
    LeftOut,
    /// It is a condition on the `since` that is not there: it is left out of
    /// the list that it is an element of.
    Condition,
}

impl Body {
    /// Reads a body; the error says what is wrong with it.
    fn parse(raw: &RawValue) -> Result<Self, String> {
        match Node::parse(raw.get(), 0)? {
            Node::Plain(_) | Node::Text(_) => {
                Err("a body must be an object or a list, its members templates".to_owned())
            }
            node => Ok(Self(node)),
        }
    }

    /// Whether a place of this kind is anywhere in it.
    pub fn holds(&self, slot: Slot) -> bool {
        self.0.any(&mut |text| text.holds(slot))
    }

    /// The body with its places filled. A string that is one place alone
    /// becomes a number where its value is one.
    ///
    /// Where there is no `since`, what holds it is left out. That is the member
    /// of an object, and the object too where nothing else is in it. But where
    /// an element of a list holds it directly and holds no other place, that
    /// element is a condition, as in `["write_date", ">=", "{since}"]`, and it
    /// makes no sense without its value: it is left out whole.
    pub fn fill(&self, values: &Values<'_>) -> String {
        let mut out = String::new();
        match self.0.fill(values, false, &mut out) {
            Filled::Written => {}
            Filled::LeftOut | Filled::Condition => out.push_str("{}"),
        }
        out
    }

    /// Strings without a place, each with the name of its member.
    pub fn literals(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        self.0.literals(&mut found);
        found
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(from)?;
        Self::parse(&raw).map_err(D::Error::custom)
    }
}

impl Node {
    fn parse(text: &str, depth: usize) -> Result<Self, String> {
        if depth > DEPTH {
            return Err(format!("the body is nested more than {DEPTH} deep"));
        }
        let wrong = |error: serde_json::Error| {
            let text = error.to_string();
            let end = text.rfind(" at line ").unwrap_or(text.len());
            text[..end].to_owned()
        };
        match text.as_bytes().first() {
            Some(b'{') => {
                let members: Members<'_> = serde_json::from_str(text).map_err(wrong)?;
                let members = members.0.into_iter().map(|(name, value)| {
                    let node = Self::parse(value.get(), depth + 1)?;
                    Ok((name, node))
                });
                members.collect::<Result<_, String>>().map(Self::Object)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
                let elements = elements
                    .into_iter()
                    .map(|value| Self::parse(value.get(), depth + 1));
                elements.collect::<Result<_, String>>().map(Self::List)
            }
            Some(b'"') => {
                let text: String = serde_json::from_str(text).map_err(wrong)?;
                text.parse().map(Self::Text)
            }
            _ => Ok(Self::Plain(text.to_owned())),
        }
    }

    fn any(&self, wanted: &mut dyn FnMut(&Template) -> bool) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Text(text) => wanted(text),
            Self::List(nodes) => nodes.iter().any(|node| node.any(wanted)),
            Self::Object(members) => members.iter().any(|(_, node)| node.any(wanted)),
        }
    }

    fn fill(&self, values: &Values<'_>, in_list: bool, out: &mut String) -> Filled {
        let parts: Vec<(Option<&str>, &Self)> = match self {
            Self::Plain(text) => {
                out.push_str(text);
                return Filled::Written;
            }
            Self::Text(template) => return text(template, values, out),
            Self::List(nodes) => nodes.iter().map(|node| (None, node)).collect(),
            Self::Object(members) => members
                .iter()
                .map(|(name, node)| (Some(&**name), node))
                .collect(),
        };
        if values.since.is_none()
            && (in_list || matches!(self, Self::List(_)))
            && is_condition(&parts)
        {
            return Filled::Condition;
        }
        let (start, is_list) = (out.len(), matches!(self, Self::List(_)));
        out.push(if is_list { '[' } else { '{' });
        let mut written = 0;
        for (name, node) in &parts {
            let before = out.len();
            if written > 0 {
                out.push(',');
            }
            if let Some(name) = name {
                out.push_str(&quoted(name));
                out.push(':');
            }
            match node.fill(values, is_list, out) {
                Filled::Written => written += 1,
                Filled::LeftOut | Filled::Condition => out.truncate(before),
            }
        }
        out.push(if is_list { ']' } else { '}' });
        // An object that said nothing else has nothing to say; a list stands
        // for its place among others.
        if written == 0 && !parts.is_empty() && !is_list {
            out.truncate(start);
            return Filled::LeftOut;
        }
        Filled::Written
    }

    fn literals<'a>(&'a self, found: &mut Vec<(&'a str, &'a str)>) {
        match self {
            Self::Plain(_) | Self::Text(_) => {}
            Self::List(nodes) => nodes.iter().for_each(|node| node.literals(found)),
            Self::Object(members) => {
                for (name, node) in members {
                    match node {
                        Self::Text(text) if !text.is_filled() => {
                            found.extend(text.texts().map(|text| (&**name, text)));
                        }
                        node => node.literals(found),
                    }
                }
            }
        }
    }
}

/// Whether these parts say something of a `since` and of no other place.
fn is_condition(parts: &[(Option<&str>, &Node)]) -> bool {
    let mut since = false;
    for (_, node) in parts {
        match node {
            Node::Text(text) if text.holds(Slot::Since) => since = true,
            node if node.any(&mut Template::is_filled) => return false,
            _ => {}
        }
    }
    since
}

/// One string: a number where it is one place alone that holds a number.
fn text(template: &Template, values: &Values<'_>, out: &mut String) -> Filled {
    let Some(text) = template.fill(values) else {
        return Filled::LeftOut;
    };
    let number = match template.single() {
        Some(Slot::Since) => is_number(&text),
        Some(Slot::Token) | None => false,
        Some(_) => true,
    };
    out.push_str(&if number { text } else { quoted(&text) });
    Filled::Written
}

/// Whether the text is a number of JSON's.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An object's members in their order, none of them twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let (mut members, mut met) = (Vec::new(), BTreeSet::new());
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !met.insert(name.clone()) {
                        return Err(A::Error::custom(format!("{name:?} is there twice")));
                    }
                    members.push((name.replace(BRACE, "{"), value));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fill(body: &str, since: Option<&str>) -> String {
        let body: Body = serde_json::from_str(body).unwrap();
        body.fill(&Values {
            since,
            limit: 50,
            offset: 100,
            token: Some("t\"1"),
        })
    }

    #[test]
    fn a_place_alone_is_a_number_where_its_value_is_one() {
        let body = r#"{"a":"{limit}","b":["{offset}","{page}"],"c":"x{limit}","d":"{since}"}"#;
        assert_eq!(
            fill(body, Some("1700000000.5")),
            r#"{"a":50,"b":[100,3],"c":"x50","d":1700000000.5}"#
        );
        assert_eq!(
            fill(r#"["{since}"]"#, Some("2024-01-01")),
            r#"["2024-01-01"]"#
        );
        assert_eq!(fill(r#"["{since}"]"#, Some("007")), r#"["007"]"#);
        assert_eq!(fill(r#"["{token}"]"#, None), r#"["t\"1"]"#);
    }

    #[test]
    fn a_place_that_is_text_stays_a_string() {
        let body = r#"{"a":"{limit:text}","b":["{offset:text}","{page0:text}"],"c":"x{limit:text}{limit}","d":"{since:text}"}"#;
        assert_eq!(
            fill(body, Some("1700000000")),
            r#"{"a":"50","b":["100","2"],"c":"x5050","d":"1700000000"}"#
        );
        let body = r#"{"a":"{since:text}","b":"{sinc:text}","c":"{limit:5}","d":"${limit:text}"}"#;
        assert_eq!(
            fill(body, None),
            r#"{"b":"{sinc:text}","c":"{limit:5}","d":"${limit:text}"}"#
        );
        let error = serde_json::from_str::<Body>(r#"["{limit:number}"]"#)
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("did you mean {limit:text}?"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_place_stays_as_it_is_in_its_order() {
        let body = r#"{"z": 1.10, "a": {"n": null, "t": true, "e": {}, "l": []}, "q": "{ id }"}"#;
        assert_eq!(
            fill(body, None),
            r#"{"z":1.10,"a":{"n":null,"t":true,"e":{},"l":[]},"q":"{ id }"}"#
        );
    }

    #[test]
    fn no_value_breaks_out_of_its_string() {
        let body = r#"{"jql":"updated >= '{since}'"}"#;
        assert_eq!(
            fill(body, Some("\"}, {\n\\")),
            r#"{"jql":"updated >= '\"}, {\n\\'"}"#
        );
    }

    #[test]
    fn without_a_since_the_member_that_holds_it_goes_and_what_is_empty_then() {
        for (body, expected) in [
            (r#"{"since":"{since}","n":"{limit}"}"#, r#"{"n":50}"#),
            (
                r#"{"selector":{"at":{"$gte":"{since}"}},"limit":"{limit}"}"#,
                r#"{"limit":50}"#,
            ),
            (r#"{"since":"{since}"}"#, "{}"),
            (
                r#"{"params":[{"since":"{since}","limit":"{limit}"}]}"#,
                r#"{"params":[{"limit":50}]}"#,
            ),
        ] {
            assert_eq!(fill(body, None), expected);
        }
    }

    #[test]
    fn without_a_since_a_condition_in_a_list_goes_whole() {
        for (body, expected) in [
            (
                r#"{"args":["db",7,[["active","=",true],["at",">=","{since}"]],{"limit":"{limit}"}]}"#,
                r#"{"args":["db",7,[["active","=",true]],{"limit":50}]}"#,
            ),
            (r#"{"args":[[["at",">=","{since}"]]]}"#, r#"{"args":[[]]}"#),
            (
                r#"{"filters":[{"name":"at","op":"GTE","value":"{since}"}],"n":1}"#,
                r#"{"filters":[],"n":1}"#,
            ),
            (
                r#"{"filter":[{"range":{"at":{"gte":"{since}"}}}]}"#,
                r#"{"filter":[]}"#,
            ),
            (r#"{"a":["at",">=","{since}"],"n":1}"#, r#"{"n":1}"#),
        ] {
            assert_eq!(fill(body, None), expected);
        }
    }

    #[test]
    fn a_body_that_cannot_be_meant_is_refused() {
        for (body, why) in [
            ("3", "an object or a list"),
            (r#"{"a":1,"a":2}"#, "\"a\" is there twice"),
            (r#"{"a":"{ofset}"}"#, "did you mean {offset}?"),
        ] {
            let error = serde_json::from_str::<Body>(body).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let error = serde_json::from_str::<Body>(&deep).unwrap_err().to_string();
        assert!(error.contains("nested"), "{error}");
    }
}
