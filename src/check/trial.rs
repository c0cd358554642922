//! Trying parameters against an API: a question with some of them, and its
//! answer as a sheet of keys and timestamps. It judges nothing.

use crate::config::Connection;
use crate::exchange::Request;
use crate::json;
use crate::template::{Template, Values};

use super::ask::{Answer, Asker, opening};
use super::setting::spelled;
use super::sheet::Sheet;
use super::survey::candidates;
use super::survey::fields::{lists, value};
use super::survey::json::{is_json, items, whole};

/// Questions that a search may put.
const MOST: u32 = 90;

/// A parameter's name and the template of its value.
pub(super) type Pair = (String, String);

/// What fills the places of a question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fill<'a> {
    /// The bound.
    pub(super) since: Option<&'a str>,
    /// Rows to send.
    pub(super) limit: u64,
    /// Rows to skip.
    pub(super) offset: u64,
}

/// The part that tries.
pub(super) struct Trial<'a> {
    /// The connection, as far as it is known.
    pub(super) connection: Connection,
    asker: &'a mut Asker,
    patience: u32,
    left: u32,
}

impl<'a> Trial<'a> {
    /// A trial of this connection. A refusal is an answer that counts, so that
    /// only what says nothing of the parameters is asked again, so many times.
    pub(super) fn new(connection: Connection, asker: &'a mut Asker, patience: u32) -> Self {
        Self {
            connection,
            asker,
            patience,
            left: MOST,
        }
    }

    /// The answer to a question with these parameters and headers, None where
    /// it is refused, or too much was asked already.
    pub(super) fn answer(
        &mut self,
        pairs: &[Pair],
        headers: &[Pair],
        fill: Fill<'_>,
    ) -> Option<Answer> {
        self.left = self.left.checked_sub(1)?;
        let values = Values {
            since: fill.since,
            limit: fill.limit,
            offset: fill.offset,
            token: None,
        };
        let filled: Vec<Pair> = merged(pairs)
            .into_iter()
            .filter_map(|(name, value)| {
                let template: Template = value.parse().ok()?;
                Some((name, template.fill(&values)?))
            })
            .collect();
        let asked = opening(&self.connection);
        let altered = |mut request: Request| {
            request.query.clone_from(&filled);
            request.headers.extend(headers.iter().cloned());
            request
        };
        self.asker.source.set_patience(0);
        let mut answer = self.asker.fetch_altered(&self.connection, &asked, &altered);
        // A host that has never answered is for the check itself to wait for.
        let cut = self.asker.status.is_none() && self.left + 1 < MOST;
        let busy = cut || matches!(self.asker.status, Some(429 | 503));
        if answer.is_err() && busy && self.patience > 0 {
            self.asker.source.set_patience(self.patience);
            answer = self.asker.fetch_altered(&self.connection, &asked, &altered);
        }
        answer.ok().filter(|answer| is_json(&answer.body))
    }

    /// The status of the last answer.
    pub(super) fn status(&self) -> Option<u16> {
        self.asker.status
    }

    /// The same as a sheet.
    pub(super) fn sheet(&mut self, pairs: &[Pair], fill: Fill<'_>) -> Option<Sheet> {
        let answer = self.answer(pairs, &[], fill)?;
        self.read(&answer)
    }

    /// An answer as a sheet, None where it holds no list.
    pub(super) fn read(&self, answer: &Answer) -> Option<Sheet> {
        let connection = &self.connection;
        let body = whole(&answer.body);
        let place = json::point(body, &connection.response.rows);
        let rows = match place.filter(|raw| raw.first() == Some(&b'[')) {
            Some(list) => items(list),
            None => lists(body).into_iter().next()?.1,
        };
        let mut sheet = Sheet {
            total: total(connection, answer, rows.len() as u64),
            ..Sheet::default()
        };
        for row in rows {
            let row = json::point(row, &connection.response.row).unwrap_or(row);
            let keys = connection.primary_key.iter().map(|key| value(row, key));
            let keys: Vec<&[u8]> = keys.flatten().collect();
            let time = value(row, &connection.cursor);
            let text = time.map_or_else(String::new, |raw| json::text(raw).into_owned());
            let number = time.is_some_and(|raw| raw.first() != Some(&b'"'));
            sheet
                .ids
                .push(String::from_utf8_lossy(&keys.concat()).into_owned());
            sheet
                .times
                .push(connection.since.format.read(&text, number));
            sheet.texts.push(text);
        }
        Some(sheet)
    }

    /// Whether nothing more can be asked.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0 || self.asker.halt.is_some()
    }

    /// A name or a value of a family for this connection. None where it needs
    /// what there is not.
    pub(super) fn named(&self, template: &str) -> Option<String> {
        let cursor = self.connection.cursor.path.last()?;
        let key = self.connection.primary_key.first()?;
        let key = key.path.last().cloned().unwrap_or_else(|| spelled(key));
        let stem = ["_at", "_on", "_date", "At", "On", "Date"]
            .iter()
            .find_map(|end| cursor.strip_suffix(end))
            .unwrap_or(cursor);
        Some(
            template
                .replace("{cursor}", cursor)
                .replace("{stem}", stem)
                .replace("{key}", &key),
        )
    }
}

/// A total that an answer tells, at its place or where there seems to be one.
fn total(connection: &Connection, answer: &Answer, rows: u64) -> Option<u64> {
    answer.total(connection).or_else(|| {
        let mut guessed = connection.clone();
        let place = candidates::total(&answer.body, &answer.response, rows, connection.page_size);
        guessed.response.total = Some(place?);
        answer.total(&guessed)
    })
}

/// Parameters of one name are pieces of one JSON object.
pub(super) fn merged(pairs: &[Pair]) -> Vec<Pair> {
    let mut all: Vec<Pair> = Vec::new();
    for (name, value) in pairs {
        let inside = |text: &str| {
            let text = text.strip_prefix('{')?.strip_suffix('}')?;
            Some(text.to_owned())
        };
        let known = all.iter_mut().find(|(known, _)| known == name);
        match known {
            Some((_, known)) => {
                if let Some((one, next)) = inside(known).zip(inside(value)) {
                    *known = format!("{{{one},{next}}}");
                }
            }
            None => all.push((name.clone(), value.clone())),
        }
    }
    all
}
