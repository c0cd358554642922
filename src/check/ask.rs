//! Asking: one request at a time, with the retries of a sync, and what came
//! of it. It draws no conclusions.

use crate::answer;
use crate::clock::Clock;
use crate::config::{Connection, Place};
use crate::cursor::Mark;
use crate::error::{Error, Kind, Result};
use crate::exchange::{Request, Response};
use crate::json;
use crate::page::{Page, text};
use crate::source::retry::Retry;
use crate::source::{fault, status};
use crate::template::Values;
use crate::timestamp::{self, Instant};

use super::survey::json::whole;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// The bound, None for no filter at all.
    pub(super) since: Option<Mark>,
    /// Rows asked for.
    pub(super) limit: u64,
    /// Rows to skip.
    pub(super) offset: u64,
}

/// A page's rows, as far as a check needs them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// Each row's key.
    pub(super) ids: Vec<String>,
    /// Each row's timestamp.
    pub(super) marks: Vec<Mark>,
    /// The total that the answer told.
    pub(super) total: Option<u64>,
    /// The offset that it echoed.
    pub(super) echo: Option<u64>,
}

/// A question with what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Probe {
    /// What was asked for.
    pub(super) asked: Asked,
    /// The page, or why there is none.
    pub(super) seen: Result<Seen>,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Status and headers.
    pub(super) response: Response,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// The part that asks.
pub(super) struct Asker {
    /// Who answers, and is asked again.
    pub(super) source: Retry,
    /// What time it is.
    pub(super) clock: Box<dyn Clock>,
    /// The last answer's status.
    pub(super) status: Option<u16>,
    /// What ended the asking: nothing is sent from then on.
    pub(super) halt: Option<Error>,
}

impl Seen {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// A row's instant.
    pub(super) fn at(&self, row: usize) -> Instant {
        self.marks.get(row).map_or(Instant::MAX, |mark| mark.at)
    }

    /// The first row that is older than the one before it.
    pub(super) fn disorder(&self) -> Option<usize> {
        (1..self.len()).find(|row| self.at(row - 1) > self.at(*row))
    }

    /// The runs of equal timestamps: where each starts and ends.
    pub(super) fn runs(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for row in 0..self.len() {
            match runs.last_mut() {
                Some((_, end)) if self.at(*end - 1) == self.at(row) => *end = row + 1,
                _ => runs.push((row, row + 1)),
            }
        }
        runs
    }
}

impl Answer {
    /// The page that this connection makes of it.
    pub(super) fn page(&mut self, connection: &Connection) -> Result<Seen> {
        if status::is_empty(&self.response, &connection.statuses) {
            return Ok(Seen::default());
        }
        let mut page = Page::default();
        // It was made text when it came, so that nothing of it changes here.
        answer::decode(&mut page, &mut self.body, &self.response, connection)?;
        let view = page.view(&self.body, connection);
        let rows = 0..view.len();
        Ok(Seen {
            ids: rows.clone().map(|row| view.id(row)).collect(),
            marks: rows.map(|row| Mark::of(&view, row)).collect(),
            total: page.total,
            echo: page.offset,
        })
    }

    /// The total that it tells, whatever its rows are like.
    pub(super) fn total(&self, connection: &Connection) -> Option<u64> {
        let text = match connection.response.total.as_ref()? {
            Place::Body(path) => json::text(json::point(whole(&self.body), path)?).into_owned(),
            Place::Header(name) => self.response.header(name)?.to_owned(),
        };
        let total = text.rsplit_once('/').map_or(&*text, |(_, total)| total);
        total.trim().parse().ok()
    }
}

impl Asker {
    /// One answer with a good status, as often as it takes.
    ///
    /// # Errors
    /// Whatever a sync would end with.
    pub(super) fn fetch(&mut self, connection: &Connection, asked: &Asked) -> Result<Answer> {
        self.fetch_altered(connection, asked, &|request| request)
    }

    /// The same, with something changed in the request.
    ///
    /// # Errors
    /// Whatever a sync would end with.
    pub(super) fn fetch_altered(
        &mut self,
        connection: &Connection,
        asked: &Asked,
        alter: &dyn Fn(Request) -> Request,
    ) -> Result<Answer> {
        let mut body = Vec::new();
        let make = |token: Option<&str>| alter(connection.request(&values(asked, token)));
        let place = connection.response.error.as_ref();
        let response = self
            .source
            .fetch(&make, &mut body, &mut |response, body, now| {
                let error = status::status_error(response, body, now, &connection.statuses);
                if let Some(error) = error {
                    return Err(answer::expired(error, body, connection));
                }
                text::prepare(body, response)?;
                text::mend(body);
                let told = place.and_then(|place| fault::told(body, place, false));
                told.map_or(Ok(()), |error| {
                    Err(answer::expired(error, body, connection))
                })
            });
        self.status = self.source.status();
        Ok(Answer {
            response: response?,
            body,
        })
    }

    /// Asks for a page. None where it cannot be known: the network failed, or
    /// the recording has no answer to it.
    pub(super) fn ask(&mut self, connection: &Connection, asked: Asked) -> Option<Probe> {
        if self.halt.is_some() {
            return None;
        }
        let seen = self.fetch(connection, &asked).and_then(|mut answer| {
            if !status::is_empty(&answer.response, &connection.statuses)
                && let Some(error) = status::content_error(&answer.response, &answer.body)
            {
                return Err(error);
            }
            answer.page(connection)
        });
        match &seen {
            Err(error) if error.kind() == Kind::Usage => None,
            Err(error) if matches!(error.kind(), Kind::Temporary | Kind::Local) => {
                self.halt = Some(error.clone());
                None
            }
            _ => Some(Probe { asked, seen }),
        }
    }

    /// An answer as it came, None where there is none with a good status.
    pub(super) fn answer(&mut self, connection: &Connection, asked: &Asked) -> Option<Answer> {
        match self.halt {
            Some(_) => None,
            None => self.fetch(connection, asked).ok(),
        }
    }

    /// The same page in the reverse order, where a parameter names the order.
    pub(super) fn reversed(
        &mut self,
        connection: &Connection,
        asked: &Asked,
    ) -> Option<Result<Seen>> {
        let query = connection.request(&values(asked, None)).query;
        let at = query
            .iter()
            .position(|(_, value)| reverse(value).is_some())?;
        if self.halt.is_some() {
            return None;
        }
        let turned = |mut request: Request| {
            if let Some((_, value)) = request.query.get_mut(at)
                && let Some(other) = reverse(value)
            {
                *value = other;
            }
            request
        };
        let answer = self.fetch_altered(connection, asked, &turned);
        Some(answer.and_then(|mut answer| answer.page(connection)))
    }

    /// As [`ask`](Self::ask), for a place where an API may well stumble: that
    /// it answers 500 there says something of the place.
    pub(super) fn dare(&mut self, connection: &Connection, asked: Asked) -> Option<Probe> {
        if self.halt.is_some() {
            return None;
        }
        let probe = self.ask(connection, asked.clone());
        match self.halt.take_if(|_| self.status == Some(500)) {
            Some(error) => Some(Probe {
                asked,
                seen: Err(error),
            }),
            None => probe,
        }
    }
}

/// What fills the places of a question.
fn values<'a>(asked: &'a Asked, token: Option<&'a str>) -> Values<'a> {
    Values {
        since: asked.since.as_ref().map(|mark| &*mark.text),
        limit: asked.limit,
        offset: asked.offset,
        token,
    }
}

/// The parameters of a question.
pub(super) fn parameters(connection: &Connection, asked: &Asked) -> Vec<(String, String)> {
    connection.request(&values(asked, None)).query
}

/// A word for an order, the other way round; None of what names none.
fn reverse(value: &str) -> Option<String> {
    for (up, down) in [
        ("ascending", "descending"),
        ("asc", "desc"),
        ("ASC", "DESC"),
    ] {
        let stem = value.strip_suffix(up);
        let apart = |stem: &&str| !stem.ends_with(char::is_alphanumeric);
        if let Some(stem) = stem.filter(apart) {
            return Some(format!("{stem}{down}"));
        }
    }
    None
}

/// What a first sync asks for first.
pub(super) fn opening(connection: &Connection) -> Asked {
    let format = &connection.since.format;
    let since = connection.since.first.as_ref().map(|text| {
        let at = format.read(text, false).or_else(|| timestamp::parse(text));
        match at {
            Some(at) => Mark {
                text: format.spell(text, at),
                at,
            },
            None => Mark {
                text: text.clone(),
                at: Instant::MIN,
            },
        }
    });
    Asked {
        since,
        limit: connection.page_size,
        offset: 0,
    }
}
