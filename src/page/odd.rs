//! Rows with a fault: what is wrong with each, and which of them still have a
//! place in the order by their timestamp, so that they are reported once and
//! not at each page. It repairs none. Where the brackets do not match, the
//! whole answer is at fault, and not a row.

use super::flaw::{Flaw, REMEDY, Stop};
use super::value::{instant, is_key};
use super::{ODD, Page, Row};
use crate::config::{Connection, Field};
use crate::error::{Again, Error, Result};
use crate::json::{self, Span, lenient};

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

impl Page {
    /// Notes the row at `at` as one with a fault, where the connection wants
    /// that, and answers where it ends.
    #[cold]
    pub(super) fn set_aside(
        &mut self,
        connection: &Connection,
        text: &[u8],
        at: usize,
        stop: Stop,
    ) -> std::result::Result<usize, Stop> {
        let row = self.listed;
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
            (Stop::Fault(fault), Some(_)) if !connection.reject_bad_rows => {
                let error = Stop::Fault(fault).explain(text);
                return Err(located(error.hint(REMEDY)));
            }
            (Stop::Fault(fault), Some(_)) => Flaw::new(format!(
                "not JSON at byte {}: {}",
                fault.at - at,
                fault.what
            )),
        };
        if !connection.reject_bad_rows {
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
        self.place(connection, text, &mut odd);
        self.odd.push(odd);
        Ok(end)
    }

    /// Shows a row in spite of its fault, where its cursor can be read.
    fn place(&mut self, connection: &Connection, text: &[u8], odd: &mut Odd) -> Option<()> {
        let element = odd.span.of(text);
        let row = lenient::point(element, &connection.response.row)?;
        let value = |field: &Field| {
            let raw = match row.first()? {
                b'[' => {
                    let columns = self.columns.iter();
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
        let fallback = || connection.since.fallback.as_ref().and_then(value);
        let raw = match value(&connection.cursor) {
            Some(b"\"\"") | None => fallback(),
            raw => raw,
        }?;
        let at = instant(raw, &connection.since.format)?;
        let ids = connection.primary_key.iter().map(|field| {
            let raw = value(field)?;
            let span = Span::within(text, raw);
            (is_key(raw) && !self.holds_mended(span)).then_some(span)
        });
        let ids: Option<Vec<Span>> = ids.collect();
        odd.keyless = ids.is_none();
        odd.shown = true;
        // A row without a key is told from others by its whole text.
        let ids = ids.unwrap_or_else(|| vec![odd.span; connection.primary_key.len()]);
        self.ids.extend(ids);
        let number = self.odd.len();
        self.rows.push(Row {
            span: odd.span,
            members: Span::new(number, number),
            shape: ODD,
            at,
            mark: Span::within(text, raw),
            position: self.listed as u32,
        });
        Some(())
    }

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
