//! The walk down an answer's body to its rows, and along them.

use super::flaw::{Flaw, Stop, too_many};
use super::links;
use super::value::{field_value, instant, is_key, whole};
use super::{MAX_FIELDS, MAX_ROWS, Member, Page, Row, Wanted};
use crate::config::Connection;
use crate::error::{Error, Result, excerpt};
use crate::json::{self, Fault, Span};

const MAX_FIELDS_PER_ROW: usize = 10_000;

/// The walk through one body.
pub(super) struct Walk<'a> {
    pub(super) page: &'a mut Page,
    pub(super) connection: &'a Connection,
    found: bool,
    /// The last sound row's.
    pub(super) shape: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(page: &'a mut Page, connection: &'a Connection) -> Self {
        Self {
            page,
            connection,
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
            let at = pointer(&self.connection.response.rows);
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
        let place = pointer(&self.connection.response.rows);
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
                    self.page.set_aside(self.connection, text, at, stop)?
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
        if self.connection.response.row.is_empty() {
            return self.row(text, at, depth);
        }
        let end = json::value(text, at, depth)?;
        let inner = json::point(&text[at..end], &self.connection.response.row);
        let Some(inner) = inner else {
            let reason = format!("nothing at {}", pointer(&self.connection.response.row));
            return Err(Flaw::new(reason).into());
        };
        self.row(text, Span::within(text, inner).start as usize, depth)?;
        Ok(end)
    }

    /// Takes the row at `at`.
    fn row(&mut self, text: &[u8], at: usize, depth: usize) -> std::result::Result<usize, Stop> {
        if text.get(at) != Some(&b'{') || self.connection.response.columns.is_some() {
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
            page.shape(text, first, self.connection)?
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
        for (field, index) in self.connection.primary_key.iter().zip(&shape.id) {
            let Some(raw) = field_value(text, members, field, *index) else {
                return Err(Flaw::missing(field, "the primary key", index.is_none()).into());
            };
            if !is_key(raw) {
                return Err(Flaw::no_key(field, raw).into());
            }
            page.ids.push(Span::within(text, raw));
        }
        let cursor = &self.connection.cursor;
        let raw = field_value(text, members, cursor, shape.cursor);
        let raw = match &self.connection.since.fallback {
            Some(field) if raw.is_none_or(|raw| raw == b"\"\"") => {
                field_value(text, members, field, shape.fallback)
            }
            _ => raw,
        };
        let Some(raw) = raw else {
            return Err(Flaw::missing(cursor, "the cursor", shape.cursor.is_none()).into());
        };
        let Some(at) = instant(raw, &self.connection.since.format) else {
            return Err(Flaw::timeless(cursor, raw).into());
        };
        if page.changed {
            page.check_text(span, self.connection.primary_key.len())?;
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

/// Whether the quoted `key` is at `at`.
#[inline]
fn has_key(text: &[u8], at: usize, key: &[u8]) -> bool {
    let end = at + 1 + key.len();
    text.get(at) == Some(&b'"')
        && text.get(at + 1..end) == Some(key)
        && text.get(end) == Some(&b'"')
}

fn no_rows(message: String) -> Error {
    Error::contract(message).hint(
        "name the place of the rows with \"response\": {\"rows\": \"/…\"} in the connection file",
    )
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
