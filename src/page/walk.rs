//! The walk down an answer's body to its rows, and along them.

use super::links;
use super::odd::Flaw;
use super::{MAX_FIELDS, MAX_ROWS, Member, Page, Row, Wanted};
use crate::config::{Connection, Field};
use crate::error::{Again, Error, Result, excerpt};
use crate::json::{self, Fault, Span};
use crate::timestamp::{Format, Instant};

const MAX_FIELDS_PER_ROW: usize = 10_000;

/// Why the walk stops: the text is not JSON, or not the JSON that was wanted.
pub(super) enum Stop {
    Fault(Fault),
    Error(Box<Error>),
    /// Only this row is not as it should be.
    Row(Box<Flaw>),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Row(Box::new(flaw))
    }
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
    pub(super) fn explain(self, body: &[u8]) -> Error {
        let fault = match self {
            Self::Error(error) => return *error,
            Self::Row(flaw) => return flaw.error(),
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
    pub(super) page: &'a mut Page,
    pub(super) of: &'a Connection,
    found: bool,
    /// The last sound row's.
    pub(super) shape: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(page: &'a mut Page, of: &'a Connection) -> Self {
        Self {
            page,
            of,
            found: false,
            shape: 0,
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
        self.page.check_rest()
    }

    /// Walks the value at `at`, and takes what is wanted of it.
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
                Wanted::More | Wanted::Next => {
                    let end = json::value(text, at, depth)?;
                    let value = &text[at..end];
                    if matches!(what, Wanted::More) {
                        self.page.more = Some(links::says_more(&json::text(value)));
                    } else if value.first() == Some(&b'"') {
                        let link = json::text(value).into_owned();
                        self.page.next = Some(link).filter(|link| !link.is_empty());
                    }
                    return Ok(end);
                }
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
            if self.page.listed == MAX_ROWS {
                return Err(Error::contract("more than 1000000 rows on one page").into());
            }
            let before = (self.page.members.len(), self.page.ids.len());
            let end = match self.element(text, at, depth + 1) {
                Ok(end) => end,
                Err(stop) => {
                    self.page.members.truncate(before.0);
                    self.page.ids.truncate(before.1);
                    self.set_aside(text, at, stop)?
                }
            };
            self.page.listed += 1;
            Ok(end)
        })
    }

    /// Takes the list's element at `at`, which holds a row.
    #[inline]
    fn element(
        &mut self,
        text: &[u8],
        at: usize,
        depth: usize,
    ) -> std::result::Result<usize, Stop> {
        if self.of.response.row.is_empty() {
            return self.row(text, at, depth);
        }
        let end = json::value(text, at, depth)?;
        let inner = json::point(&text[at..end], &self.of.response.row);
        let Some(inner) = inner else {
            let reason = format!("nothing at {}", pointer(&self.of.response.row));
            return Err(Flaw::new(reason).into());
        };
        self.row(text, Span::within(text, inner).start as usize, depth)?;
        Ok(end)
    }

    /// Takes the row at `at`.
    fn row(&mut self, text: &[u8], at: usize, depth: usize) -> std::result::Result<usize, Stop> {
        if text.get(at) != Some(&b'{') || self.of.response.columns.is_some() {
            return self.no_object(text, at, depth);
        }
        let page = &mut *self.page;
        let first = page.members.len();
        let expected = self.shape;
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
                Some(key) if same && has_key(text, next, key) => {
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
            return Err(too_many());
        }
        self.shape = if same && count == keys.len() && !page.shapes.is_empty() {
            expected
        } else {
            page.shape(text, first, self.of)?
        };
        self.take(text, Span::new(at, end), first)?;
        Ok(end)
    }

    /// Takes the row of the members from `first` on.
    #[inline(always)]
    pub(super) fn take(
        &mut self,
        text: &[u8],
        span: Span,
        first: usize,
    ) -> std::result::Result<(), Stop> {
        let page = &mut *self.page;
        let members = &page.members[first..];
        let shape = &page.shapes[self.shape];
        for (field, index) in self.of.primary_key.iter().zip(&shape.id) {
            let Some(raw) = field_value(text, members, field, *index) else {
                return Err(Flaw::missing(field, "the primary key", index.is_none()).into());
            };
            if !is_key(raw) {
                return Err(Flaw::no_key(field, raw).into());
            }
            page.ids.push(Span::within(text, raw));
        }
        let cursor = &self.of.cursor;
        let raw = field_value(text, members, cursor, shape.cursor);
        let raw = match &self.of.since.fallback {
            Some(field) if raw.is_none_or(|raw| raw == b"\"\"") => {
                field_value(text, members, field, shape.fallback)
            }
            _ => raw,
        };
        let Some(raw) = raw else {
            return Err(Flaw::missing(cursor, "the cursor", shape.cursor.is_none()).into());
        };
        let Some(at) = instant(raw, &self.of.since.format) else {
            return Err(Flaw::timeless(cursor, raw).into());
        };
        if page.changed {
            page.check_text(span, self.of.primary_key.len())?;
        }
        page.rows.push(Row {
            span,
            members: Span::new(first, page.members.len()),
            shape: self.shape as u32,
            at,
            mark: Span::within(text, raw),
            position: page.listed as u32,
        });
        Ok(())
    }
}

pub(super) fn too_many() -> Stop {
    Error::contract("more fields than any table has")
        .hint("ask for smaller pages with --page-size")
        .into()
}

/// Whether a value can be a primary key.
#[inline]
pub(super) fn is_key(raw: &[u8]) -> bool {
    matches!(raw.first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// The instant of a cursor's value.
#[inline]
pub(super) fn instant(raw: &[u8], format: &Format) -> Option<Instant> {
    match raw {
        [b'"', inner @ .., b'"'] => format
            .glance(inner)
            .or_else(|| format.read(&json::unescape(inner), false)),
        [b'-' | b'0'..=b'9', ..] => format.read(&json::text(raw), true),
        _ => None,
    }
}

/// Whether the quoted `key` is at `at`.
#[inline]
fn has_key(text: &[u8], at: usize, key: &[u8]) -> bool {
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

/// A pointer as connection files write it.
fn pointer(path: &[String]) -> String {
    if path.is_empty() {
        return "the top of the body".into();
    }
    path.iter()
        .map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")))
        .collect()
}
