//! Rows with a fault: what is wrong with each, and which of them still have a
//! place in the order by their timestamp, so that they are reported once and
//! not at each page. It repairs none. Where the brackets do not match, the
//! whole answer is at fault, and not a row.

use super::walk::{self, Stop, Walk};
use super::{ODD, Page, Row};
use crate::config::Field;
use crate::error::{Again, Error, Result, excerpt};
use crate::json::{self, Span, lenient};

/// What to do about a row's fault.
const REMEDY: &str = "set such rows aside with \"on_bad_row\": \"reject\" in the connection file";

/// A row with a fault.
#[derive(Debug, Clone)]
pub struct Odd {
    /// The field that is at fault, empty where it is the row itself.
    pub field: String,
    /// What is wrong.
    pub reason: String,
    /// The row's text, which may be no JSON.
    pub span: Span,
    /// Whether the row is among those shown.
    pub shown: bool,
    /// Whether it has no usable primary key.
    pub(super) keyless: bool,
    /// The name of the field that is not there at all.
    absent: bool,
}

/// What is wrong with a row, before it is decided whether the sync ends.
#[derive(Debug)]
pub(super) struct Flaw {
    field: String,
    reason: String,
    hint: &'static str,
    absent: bool,
}

impl Flaw {
    pub(super) fn new(reason: String) -> Self {
        Self {
            field: String::new(),
            reason,
            hint: "",
            absent: false,
        }
    }

    pub(super) fn of(mut self, field: &Field) -> Self {
        self.field.clone_from(&field.name);
        self
    }

    #[cold]
    pub(super) fn missing(field: &Field, what: &str, absent: bool) -> Self {
        Self {
            hint: "name it with \"primary_key\" and \"cursor\" in the connection file",
            absent,
            ..Self::new(format!("{what} is missing or null")).of(field)
        }
    }

    /// For a key that is neither a string nor a number.
    #[cold]
    pub(super) fn no_key(field: &Field, raw: &[u8]) -> Self {
        let value = excerpt(&String::from_utf8_lossy(raw));
        let reason = format!("the primary key must be a string or a number: {value}");
        Self::new(reason).of(field)
    }

    /// For a cursor that is no instant.
    #[cold]
    pub(super) fn timeless(field: &Field, raw: &[u8]) -> Self {
        let value = excerpt(&String::from_utf8_lossy(raw));
        Self {
            hint: "a timestamp needs its offset from UTC; say how this API writes them with \"since\": {\"read\": …} or \"format\", or which \"zone\" they are in, in the connection file",
            ..Self::new(format!(
                "not a timestamp that can be placed in time: {value}"
            ))
            .of(field)
        }
    }

    pub(super) fn error(&self) -> Error {
        let hint = match self.hint {
            "" => REMEDY.to_owned(),
            hint => format!("{hint}; or {REMEDY}"),
        };
        let error = Error::contract(&self.reason).hint(hint);
        match &*self.field {
            "" => error,
            field => error.at(format_args!("field {field:?}")),
        }
    }
}

impl Walk<'_> {
    /// Notes the row at `at` as one with a fault, where the connection wants
    /// that, and answers where it ends.
    #[cold]
    pub(super) fn set_aside(
        &mut self,
        text: &[u8],
        at: usize,
        stop: Stop,
    ) -> std::result::Result<usize, Stop> {
        let row = self.page.listed;
        let located = |error: Error| Stop::from(error.at(format_args!("row {row}")));
        // The fault is the row's own only where the list goes on behind it.
        let end = lenient::skip(text, at).map(|end| (end, json::space(text, end)));
        let end = match end {
            Some((end, next)) if matches!(text.get(next), Some(b',' | b']')) => Some(end),
            // This is what is reported, and not what is wrong inside the row.
            Some((_, at)) if matches!(stop, Stop::Row(_)) => {
                let what = "neither a comma nor the array's end";
                return Err(Stop::Fault(json::Fault { at, what }));
            }
            _ => None,
        };
        let flaw = match (stop, end) {
            (Stop::Error(error), _) => return Err(located(*error)),
            (Stop::Fault(fault), None) => return Err(Stop::Fault(fault)),
            (Stop::Row(flaw), None) => return Err(located(flaw.error())),
            (Stop::Row(flaw), Some(_)) => *flaw,
            (Stop::Fault(fault), Some(_)) if !self.of.reject_bad_rows => {
                let error = Stop::Fault(fault).explain(text);
                return Err(located(error.hint(REMEDY)));
            }
            (Stop::Fault(fault), Some(_)) => Flaw::new(format!(
                "not JSON at byte {}: {}",
                fault.at - at,
                fault.what
            )),
        };
        if !self.of.reject_bad_rows {
            return Err(located(flaw.error()));
        }
        let end = end.unwrap_or(text.len());
        let mut odd = Odd {
            field: flaw.field,
            reason: flaw.reason,
            span: Span::new(at, end),
            shown: false,
            keyless: false,
            absent: flaw.absent,
        };
        self.place(text, &mut odd);
        self.page.odd.push(odd);
        Ok(end)
    }

    /// Shows a row in spite of its fault, where its cursor can be read.
    fn place(&mut self, text: &[u8], odd: &mut Odd) -> Option<()> {
        let of = self.of;
        let element = odd.span.of(text);
        let row = lenient::point(element, &of.response.row)?;
        let value = |field: &Field| {
            let raw = match row.first()? {
                b'[' => {
                    let columns = self.page.columns.iter();
                    let mut names = columns.map(|key| json::unescape(key.of(text)));
                    let index = names.position(|name| name == field.path[0])?;
                    let value = lenient::element(row, index)?.of(row);
                    lenient::point(value, &field.path[1..])?
                }
                _ => lenient::point(row, &field.path)?,
            };
            let sound = json::value(raw, 0, 0) == Ok(raw.len()) && raw != b"null";
            sound.then_some(raw)
        };
        let fallback = || of.since.fallback.as_ref().and_then(value);
        let raw = match value(&of.cursor) {
            Some(b"\"\"") | None => fallback(),
            raw => raw,
        }?;
        let at = walk::instant(raw, &of.since.format)?;
        let ids = of.primary_key.iter().map(|field| {
            let raw = value(field)?;
            let span = Span::within(text, raw);
            (walk::is_key(raw) && !self.page.holds_mended(span)).then_some(span)
        });
        let ids: Option<Vec<Span>> = ids.collect();
        odd.keyless = ids.is_none();
        odd.shown = true;
        // A row without a key is told from others by its whole text.
        let ids = ids.unwrap_or_else(|| vec![odd.span; of.primary_key.len()]);
        self.page.ids.extend(ids);
        let number = self.page.odd.len();
        self.page.rows.push(Row {
            span: odd.span,
            members: Span::new(number, number),
            shape: ODD,
            at,
            mark: Span::within(text, raw),
            position: self.page.listed as u32,
        });
        Some(())
    }
}

impl Page {
    fn holds_mended(&self, span: Span) -> bool {
        holds(&self.mended, span)
    }

    /// Refuses a row whose text was changed where that counts: in its key, or
    /// anywhere by bytes that were no UTF-8.
    #[cold]
    pub(super) fn check_text(&self, row: Span, keys: usize) -> std::result::Result<(), Flaw> {
        let ids = &self.ids[self.ids.len() - keys..];
        if ids.iter().any(|id| self.holds_mended(*id)) {
            let reason = "the primary key has half a surrogate pair";
            return Err(Flaw::new(reason.into()));
        }
        if holds(&self.blank, row) {
            let reason = "bytes that are not UTF-8, which stand here as question marks";
            return Err(Flaw::new(reason.into()));
        }
        Ok(())
    }

    /// Faults that turn out not to be a row's: bytes that are not UTF-8 outside
    /// of rows, and a field that no row has.
    pub(super) fn check_rest(&self) -> Result<()> {
        let mut spans = self.odd.iter().map(|odd| odd.span);
        let outside = |at: &&u32| !spans.any(|span| (span.start..span.end).contains(at));
        if let Some(at) = self.blank.iter().find(outside) {
            let message = format!("byte {at} of the body is not UTF-8");
            return Err(Error::contract(message).again(Again::Later));
        }
        let absent = self.odd.iter().all(|odd| odd.absent);
        if self.odd.len() == self.listed && self.listed > 2 && absent {
            let odd = &self.odd[0];
            return Err(Error::contract(format!("{}, in every row", odd.reason))
                .at(format_args!("field {:?}", odd.field))
                .hint("name it with \"primary_key\" and \"cursor\" in the connection file"));
        }
        Ok(())
    }
}

/// Whether one of these places, which are in order, is inside a span.
fn holds(places: &[u32], span: Span) -> bool {
    let first = places.partition_point(|at| *at < span.start);
    places.get(first).is_some_and(|at| *at < span.end)
}
