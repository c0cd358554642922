//! The walk down an answer's body to its rows, and along them.

use super::{MAX_FIELDS, MAX_ROWS, Member, Page, Row, Wanted};
use crate::config::{Connection, Field};
use crate::error::{Again, Error, Result, excerpt};
use crate::json::{self, Fault, Span};
use crate::timestamp::{Format, Instant};

const MAX_FIELDS_PER_ROW: usize = 10_000;

/// Why the walk stops: the text is no JSON, or not the JSON that was wanted.
pub(super) enum Stop {
    Fault(Fault),
    Error(Box<Error>),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}

impl Stop {
    fn explain(self, body: &[u8]) -> Error {
        let fault = match self {
            Self::Error(error) => return *error,
            Self::Fault(fault) => fault,
        };
        let at = format!("byte {} of the body", fault.at);
        if fault.is_end() && !body.is_empty() {
            return Error::temporary("the body was cut off").at(at);
        }
        let from = fault.at.saturating_sub(20).min(body.len());
        let near = String::from_utf8_lossy(&body[from..body.len().min(from + 80)]);
        let message = format!("the body is not JSON: {}: {:?}", fault.what, excerpt(&near));
        Error::contract(message)
            .at(at)
            .again(Again::Later)
            .hint("is the URL that of the API, and not of a web page?")
    }
}

/// The walk through one body.
pub(super) struct Walk<'a> {
    page: &'a mut Page,
    of: &'a Connection,
    found: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(page: &'a mut Page, of: &'a Connection) -> Self {
        Self {
            page,
            of,
            found: false,
        }
    }

    /// Walks the whole body, which must hold a list of rows and nothing after
    /// its JSON.
    pub(super) fn whole(mut self, body: &[u8], wanted: &[(&'a [String], Wanted)]) -> Result<()> {
        let end = self
            .descend(body, json::space(body, 0), 0, wanted)
            .map_err(|stop| stop.explain(body))?;
        if json::space(body, end) != body.len() {
            let fault = Fault {
                at: end,
                what: "something follows it",
            };
            return Err(Stop::Fault(fault).explain(body));
        }
        if !self.found {
            let at = pointer(&self.of.response.rows);
            let start = excerpt(&String::from_utf8_lossy(&body[..body.len().min(200)]));
            return Err(no_rows(format!(
                "no list of rows at {at} in the answer: {start}"
            )));
        }
        Ok(())
    }

    /// Walks the value at `at`, taking what is wanted of it.
    fn descend(
        &mut self,
        text: &[u8],
        at: usize,
        depth: usize,
        wanted: &[(&'a [String], Wanted)],
    ) -> std::result::Result<usize, Stop> {
        for (path, what) in wanted {
            match what {
                _ if !path.is_empty() => {}
                Wanted::Rows => return self.rows(text, at, depth),
                Wanted::Offset | Wanted::Total | Wanted::Limit => {
                    let end = json::value(text, at, depth)?;
                    let number = whole(&text[at..end], what)?;
                    match what {
                        Wanted::Offset => self.page.offset = number,
                        Wanted::Total => self.page.total = number,
                        _ => {}
                    }
                    return Ok(end);
                }
            }
        }
        let below = |token: &str| -> Vec<(&'a [String], Wanted)> {
            let paths = wanted.iter().filter_map(|(path, what)| {
                let (head, rest) = path.split_first()?;
                (head == token).then_some((rest, *what))
            });
            paths.collect()
        };
        match text.get(at) {
            Some(b'{') if !wanted.is_empty() => {
                let mut met: Vec<String> = Vec::new();
                json::members(text, at, depth, &mut |text, key, at| {
                    let key = json::unescape(key.of(text));
                    let below = below(&key);
                    if !below.is_empty() {
                        if met.iter().any(|met| *met == key) {
                            let message = format!("the answer has two fields called {key:?}");
                            return Err(Error::contract(message).into());
                        }
                        met.push(key.into_owned());
                    }
                    self.descend(text, at, depth + 1, &below)
                })
            }
            Some(b'[') if !wanted.is_empty() => {
                let mut index = 0usize;
                json::elements(text, at, depth, &mut |text, at| {
                    let below = below(&index.to_string());
                    index += 1;
                    self.descend(text, at, depth + 1, &below)
                })
            }
            _ => Ok(json::value(text, at, depth)?),
        }
    }

    fn rows(&mut self, text: &[u8], at: usize, depth: usize) -> std::result::Result<usize, Stop> {
        self.found = true;
        let place = pointer(&self.of.response.rows);
        if text.get(at) != Some(&b'[') {
            let end = json::value(text, at, depth)?;
            let found = json::kind(&text[at..end]);
            let value = excerpt(&String::from_utf8_lossy(&text[at..end]));
            return Err(no_rows(format!("{place} is {found}, not a list of rows: {value}")).into());
        }
        json::elements(text, at, depth, &mut |text, at| {
            if self.page.rows.len() == MAX_ROWS {
                return Err(Error::contract("more than 1000000 rows on one page").into());
            }
            let row = self.page.rows.len();
            let located = |error: Error| Stop::from(error.at(format_args!("row {row}")));
            if self.of.response.row.is_empty() {
                return self.row(text, at, depth + 1).map_err(|stop| match stop {
                    Stop::Error(error) => located(*error),
                    fault => fault,
                });
            }
            let end = json::value(text, at, depth + 1)?;
            let inner = json::point(&text[at..end], &self.of.response.row);
            let Some(inner) = inner else {
                let message = format!("nothing at {}", pointer(&self.of.response.row));
                return Err(located(Error::contract(message)));
            };
            self.row(text, Span::within(text, inner).start as usize, depth + 1)
                .map_err(|stop| match stop {
                    Stop::Error(error) => located(*error),
                    fault => fault,
                })?;
            Ok(end)
        })
    }

    /// Takes the row at `at`.
    fn row(&mut self, text: &[u8], at: usize, depth: usize) -> std::result::Result<usize, Stop> {
        let page = &mut *self.page;
        if text.get(at) != Some(&b'{') {
            let end = json::value(text, at, depth)?;
            let value = excerpt(&String::from_utf8_lossy(&text[at..end]));
            let found = json::kind(&text[at..end]);
            return Err(
                Error::contract(format!("a row must be an object, not {found}: {value}")).into(),
            );
        }
        let first = page.members.len();
        let expected = page.rows.last().map_or(0, |row| row.shape as usize);
        let keys = page
            .shapes
            .get(expected)
            .map_or(&[][..], |shape| &shape.keys[..]);
        let mut same = true;
        let mut next = json::enter(text, at, depth, b'{')?;
        let mut count = 0;
        // The object's members; keys that are those of the row before are
        // only compared. `json::members` is the same walk without that.
        let end = loop {
            if count == 0 && text.get(next) == Some(&b'}') {
                break next + 1;
            }
            let key = match keys.get(count) {
                Some(key) if same && is_key(text, next, key) => {
                    next += key.len() + 2;
                    Span::new(next - 1 - key.len(), next - 1)
                }
                _ => {
                    same = false;
                    json::expect(text, next, b'"', "an object's key must be a string")?;
                    let end = json::string(text, next)?;
                    let key = Span::new(next + 1, end - 1);
                    next = end;
                    key
                }
            };
            let colon = json::space(text, next);
            next = json::expect(text, colon, b':', "no colon after the key")?;
            let start = json::space(text, next);
            // Most values are strings.
            next = match text.get(start) {
                Some(b'"') => json::string(text, start)?,
                _ => json::value(text, start, depth + 1)?,
            };
            page.members.push(Member {
                key,
                value: Span::new(start, next),
            });
            count += 1;
            next = json::space(text, next);
            if text.get(next) == Some(&b'}') {
                break next + 1;
            }
            next = json::expect(text, next, b',', "neither a comma nor the object's end")?;
            next = json::space(text, next);
        };
        if page.members.len() > MAX_FIELDS || count > MAX_FIELDS_PER_ROW {
            return Err(Error::contract("more fields than any table has")
                .hint("ask for smaller pages with --page-size")
                .into());
        }
        let shape = if same && count == keys.len() && !page.shapes.is_empty() {
            expected
        } else {
            page.shape(text, first, self.of)?
        };
        let members = &page.members[first..];
        let shape_of = &page.shapes[shape];
        for (field, index) in self.of.primary_key.iter().zip(&shape_of.id) {
            let raw = field_value(text, members, field, *index);
            let raw = raw.ok_or_else(|| missing(field, "the primary key"))?;
            if !matches!(raw.first(), Some(b'"' | b'-' | b'0'..=b'9')) {
                let value = excerpt(&String::from_utf8_lossy(raw));
                let message = format!("the primary key must be a string or a number: {value}");
                return Err(Error::contract(message)
                    .at(format_args!("field {:?}", field.name))
                    .into());
            }
            page.ids.push(Span::within(text, raw));
        }
        let cursor = &self.of.cursor;
        let raw = field_value(text, members, cursor, shape_of.cursor);
        let raw = raw.ok_or_else(|| missing(cursor, "the cursor"))?;
        let at_instant = instant(raw, &self.of.since.format).ok_or_else(|| {
            let value = excerpt(&String::from_utf8_lossy(raw));
            Error::contract(format!("not a timestamp that can be placed in time: {value}"))
                .at(format_args!("field {:?}", cursor.name))
                .hint("a timestamp needs its offset from UTC; say how this API spells them with \"since\": {\"format\": …} in the connection file")
        })?;
        let row = Row {
            span: Span::new(at, end),
            members: Span::new(first, page.members.len()),
            shape: shape as u32,
            at: at_instant,
            mark: Span::within(text, raw),
        };
        page.rows.push(row);
        Ok(end)
    }
}

/// The instant of a cursor's value.
#[inline]
fn instant(raw: &[u8], format: &Format) -> Option<Instant> {
    match raw {
        [b'"', inner @ .., b'"'] => format
            .glance(inner)
            .or_else(|| format.read(&json::unescape(inner), false)),
        [b'-' | b'0'..=b'9', ..] => format.read(&json::text(raw), true),
        _ => None,
    }
}

/// Whether the quoted `key` stands at `at`.
#[inline]
fn is_key(text: &[u8], at: usize, key: &[u8]) -> bool {
    let end = at + 1 + key.len();
    text.get(at) == Some(&b'"')
        && text.get(at + 1..end) == Some(key)
        && text.get(end) == Some(&b'"')
}

/// A field's value, null counting as missing.
fn field_value<'a>(
    text: &'a [u8],
    members: &[Member],
    field: &Field,
    index: Option<usize>,
) -> Option<&'a [u8]> {
    let raw = members.get(index?)?.value.of(text);
    let raw = if field.path.len() > 1 {
        json::point(raw, &field.path[1..])?
    } else {
        raw
    };
    (raw != b"null").then_some(raw)
}

fn no_rows(message: String) -> Error {
    Error::contract(message).hint(
        "name the place of the rows with \"response\": {\"rows\": \"/…\"} in the connection file",
    )
}

fn missing(field: &Field, what: &str) -> Error {
    Error::contract(format!("{what} is missing or null"))
        .at(format_args!("field {:?}", field.name))
        .hint("name it with \"primary_key\" and \"cursor\" in the connection file")
}

/// A whole number, or the digits of one in a string; null is none.
fn whole(raw: &[u8], what: &Wanted) -> Result<Option<u64>> {
    let name = match what {
        Wanted::Offset => "offset",
        Wanted::Limit => "limit",
        _ => "total",
    };
    let text = json::text(raw);
    if raw == b"null" {
        return Ok(None);
    }
    count(&text).map(Some).ok_or_else(|| {
        Error::contract(format!("{:?} is no count of rows", excerpt(&text)))
            .at(format_args!("field {name:?}"))
    })
}

/// Digits as a number. `parse` alone would take a plus sign too.
pub(super) fn count(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// A pointer as configurations spell it.
fn pointer(path: &[String]) -> String {
    if path.is_empty() {
        return "the top of the body".into();
    }
    path.iter()
        .map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")))
        .collect()
}
