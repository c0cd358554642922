//! A search for parameters, one question at a time: pages, the order, the
//! filter, a total, the page size. A parameter without an effect is ignored by
//! the API, and does not count as found.

use std::collections::HashSet;

use crate::config::{Connection, Field, Place};
use crate::json;
use crate::timestamp::Format;

use super::ask::Answer;
use super::examine::fit;
use super::families::{self, Family};
use super::setting::Fix;
use super::sheet::{Sheet, changes, leaves_out, middle, spellings};
use super::survey::candidates;
use super::survey::fields::columns;
use super::survey::json::{items, whole};
use super::survey::stamp::Stamp;
use super::trial::{Fill, Pair, Trial, merged};

/// How many fields are tried as the timestamp.
const CURSORS: usize = 3;

/// How many rows the pages have by which orders and filters are recognised.
const SOME: u64 = 40;

/// Page sizes that are tried where a family's own is refused.
const SIZES: [u64; 4] = [100, 50, 20, 10];

/// The result of a search.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// The parameters and their templates.
    pub(super) query: Vec<Pair>,
    /// Headers that are sent for their effect.
    pub(super) headers: Vec<Pair>,
    /// The bound of a first sync, where the filter cannot be left out of it.
    pub(super) first: Option<&'static str>,
    /// How a bound is written, where it is not as the API writes timestamps:
    /// the format that is read, and the format that is sent.
    pub(super) spelling: Option<(String, String)>,
    /// A `since.format` that reads the timestamps, where they have no offset.
    pub(super) format: Option<String>,
    /// Rows to ask for.
    pub(super) size: u64,
    /// Whether an order by the timestamp was found.
    pub(super) sorted: bool,
    /// Whether the filter is no more than a guess.
    pub(super) guessed: bool,
    /// What could not be found out, in words.
    pub(super) unknown: Vec<String>,
}

/// A search for parameters.
pub(super) struct Search<'a> {
    /// The part that tries.
    pub(super) trial: Trial<'a>,
    /// The families, the likeliest first.
    families: Vec<&'static Family>,
    /// What was found so far.
    pub(super) found: Found,
    tried: HashSet<String>,
    /// Whether a parameter says how many rows to send.
    limits: bool,
    /// How many rows the pages have by which orders and filters are recognised.
    some: u64,
}

/// What fills a question's places.
pub(super) fn fill(since: Option<&str>, limit: u64, offset: u64) -> Fill<'_> {
    Fill {
        since,
        limit,
        offset,
    }
}

impl<'a> Search<'a> {
    /// A search that has found nothing yet. Pages hold this many rows, and
    /// timestamps are read in this format, where they need one.
    pub(super) fn new(
        trial: Trial<'a>,
        families: Vec<&'static Family>,
        size: u64,
        format: Option<String>,
    ) -> Self {
        Self {
            trial,
            families,
            found: Found {
                format,
                size,
                sorted: true,
                ..Found::default()
            },
            tried: HashSet::new(),
            limits: false,
            some: SOME,
        }
    }

    /// The family's parameters under this connection's names, unless they were
    /// tried already.
    fn fresh(&mut self, pairs: &[families::Pair]) -> Option<Vec<Pair>> {
        let pairs = self.named(pairs)?;
        self.tried.insert(format!("{pairs:?}")).then_some(pairs)
    }

    fn named(&self, pairs: &[families::Pair]) -> Option<Vec<Pair>> {
        let named = pairs.iter().map(|(name, value)| {
            let (name, value) = (self.trial.named(name)?, self.trial.named(value)?);
            Some((name, value))
        });
        named.collect()
    }

    /// A family that was recognised goes before the others.
    fn prefer(&mut self, family: &'static Family) {
        self.families
            .sort_by_key(|other| !std::ptr::eq(*other, family));
    }

    /// Finds how many rows to send, and which.
    pub(super) fn pages(&mut self, bare: &Sheet) {
        for family in self.families.clone() {
            for pairs in family.pages {
                let Some(pairs) = self.fresh(pairs) else {
                    continue;
                };
                if let Some(pairs) = self.paged(&pairs, bare) {
                    self.limits = pairs.iter().any(|(_, value)| value.contains("{limit}"));
                    self.found.query.extend(pairs);
                    // An API never refuses as many rows as it sends by itself.
                    let query = self.found.query.clone();
                    if self.trial.sheet(&query, fill(None, SOME, 0)).is_none() {
                        self.some = SOME.min(bare.ids.len() as u64);
                    }
                    return self.prefer(family);
                }
            }
        }
        self.found.unknown.push(
            "how to ask for a further page: no parameter that was tried had an effect, among them limit and offset, per_page and page"
                .to_owned(),
        );
    }

    /// Those of these parameters that are seen to work: as many rows come as
    /// are asked for, and they begin where they should.
    fn paged(&mut self, pairs: &[Pair], bare: &Sheet) -> Option<Vec<Pair>> {
        let step = if bare.ids.len() > 3 { 2 } else { 1 };
        let first = self.trial.answer(pairs, &[], fill(None, step, 0))?;
        let start = self.trial.read(&first)?;
        let own = bare.ids.len() as u64;
        let limits = pairs.iter().any(|(_, value)| value.contains("{limit}"));
        let limited = limits && start.ids.len() as u64 == step;
        if limited {
            // The answer may have another layout where it is paged.
            let next = self.trial.sheet(pairs, fill(None, step, step))?;
            let wanted = bare.ids.get(step as usize)?;
            let good = next.ids.first() == Some(wanted) && start.ids.first() == bare.ids.first();
            if !good {
                return None;
            }
            _ = fit(&mut self.trial.connection, &first);
            return Some(pairs.to_vec());
        }
        // These are pages of the API's own size.
        let position = |(_, value): &&Pair| value.contains("{offset") || value.contains("{page");
        let position: Vec<Pair> = pairs.iter().filter(position).cloned().collect();
        let next = self.trial.sheet(&position, fill(None, own, own))?;
        let new = next.ids.iter().all(|id| !bare.ids.contains(id));
        (new && !next.ids.is_empty() && start.ids == bare.ids).then_some(position)
    }

    /// The order and the filter, by the likeliest of the timestamps that the
    /// API takes in both.
    pub(super) fn cursor(&mut self, bare: &Answer, format: &Format) {
        let mut fields = vec![self.trial.connection.cursor.clone()];
        for (field, _) in timestamps(&self.trial, bare) {
            if fields.len() < CURSORS && !fields.contains(&field) {
                fields.push(field);
            }
        }
        let kept = (self.trial.connection.clone(), self.found.format.clone());
        let mut first = None;
        for (number, field) in fields.into_iter().enumerate() {
            if number > 0 {
                self.trial.connection = Connection {
                    cursor: field,
                    ..kept.0.clone()
                };
                self.trial.connection.since.format = format.clone();
                self.found.format = format_of(&fit(&mut self.trial.connection, bare));
            }
            let order = self.order();
            let sorted = order.clone().unwrap_or_default();
            if let Some(filter) = self.filter(&sorted) {
                if order.is_none() {
                    self.unsorted();
                }
                self.found.query.splice(0..0, sorted);
                self.found.query.insert(0, filter);
                return;
            }
            first.get_or_insert(order);
        }
        (self.trial.connection, self.found.format) = kept;
        self.unfiltered(first.flatten());
    }

    /// Goes on without a filter, where the API ignores the default one.
    fn unfiltered(&mut self, order: Option<Vec<Pair>>) {
        self.found.guessed = true;
        self.found.unknown.push(
            "the filter: no parameter that was tried leaves out rows before a time, among them updated_since, since, updated_after and filter[…]"
                .to_owned(),
        );
        if order.is_none() {
            self.unsorted();
        }
        self.found.query.splice(0..0, order.unwrap_or_default());
        let filter = ("updated_since".to_owned(), "{since}".to_owned());
        let asked = [&self.found.query[..], std::slice::from_ref(&filter)].concat();
        let bound = "2000-01-01T00:00:00Z";
        let came = self.trial.sheet(&asked, fill(Some(bound), self.some, 0));
        if came.is_some_and(|came| !came.ids.is_empty()) {
            let note =
                "\"query\": updated_since stands for the filter until the API's own is known";
            self.found.unknown.push(note.to_owned());
            self.found.query.insert(0, filter);
        }
    }

    /// Notes that no order was found.
    fn unsorted(&mut self) {
        self.found.sorted = false;
        self.found.unknown.push(
            "how to sort by the timestamp: no parameter that was tried had an effect, among them sort, order_by and ordering; \"sorted\": false walks all that passes the filter"
                .to_owned(),
        );
    }

    /// The parameters that sort by the timestamp.
    fn order(&mut self) -> Option<Vec<Pair>> {
        for family in self.families.clone() {
            for order in family.orders {
                let Some(up) = self.fresh(order.up) else {
                    continue;
                };
                let down = self.named(order.down)?;
                let with = |more: &[Pair]| [&self.found.query[..], more].concat();
                let (down, both) = (with(&down), with(&up));
                let falls = self.trial.sheet(&down, fill(None, self.some, 0));
                // Where only the other direction is refused, the API reads the
                // parameter.
                if falls.is_some_and(|sheet| !sheet.falls()) || self.trial.is_spent() {
                    continue;
                }
                let rises = self.trial.sheet(&both, fill(None, self.some, 0));
                if rises.is_some_and(|sheet| sheet.rises()) {
                    self.prefer(family);
                    return Some(up);
                }
            }
        }
        None
    }

    /// The parameter that leaves out what is older than a bound.
    fn filter(&mut self, order: &[Pair]) -> Option<Pair> {
        let base = [&self.found.query[..], order].concat();
        let all = self.trial.sheet(&base, fill(None, self.some, 0))?;
        let bound = middle(&all)?;
        let mut second = None;
        let spellings = spellings(&all.texts[bound]);
        for (number, (spelled, read, sent)) in spellings.into_iter().enumerate() {
            for family in self.families.clone() {
                for pair in family.filters {
                    let pairs = self.named(std::slice::from_ref(pair))?;
                    if !self.tried.insert(format!("{number} {pairs:?}")) || self.trial.is_spent() {
                        continue;
                    }
                    let asked = [&pairs[..], &base].concat();
                    let came = self.trial.sheet(&asked, fill(Some(&spelled), self.some, 0));
                    let exact = came
                        .as_ref()
                        .is_some_and(|came| leaves_out(came, &all, bound));
                    if !exact && came.is_some_and(|came| changes(&came, &all)) {
                        second.get_or_insert((family, pairs.clone()));
                    }
                    if !exact {
                        continue;
                    }
                    self.prefer(family);
                    self.found.first = family.first;
                    self.found.size = self.size(family);
                    if number > 0 {
                        self.found.spelling = Some((read, sent));
                    }
                    return pairs.into_iter().next();
                }
            }
        }
        let (family, pairs) = second?;
        self.prefer(family);
        self.found.first = family.first;
        self.found.size = self.size(family);
        pairs.into_iter().next()
    }

    /// How many rows to ask for: of pages of the API's own size as many.
    fn size(&self, family: &Family) -> u64 {
        match self.limits {
            true => family.size,
            false => self.found.size,
        }
    }

    /// What asks for a total, where none is told already.
    pub(super) fn totals(&mut self) {
        let query = self.found.query.clone();
        let ask = fill(None, 2, 0);
        let Some(plain) = self.trial.answer(&query, &[], ask) else {
            return;
        };
        _ = fit(&mut self.trial.connection, &plain);
        let told = |trial: &Trial<'_>, answer: &Answer| -> Option<Place> {
            let rows = trial.read(answer)?.ids.len() as u64;
            candidates::total(&answer.body, &answer.response, rows, 2)
        };
        if told(&self.trial, &plain).is_some() {
            return;
        }
        for family in self.families.clone() {
            for (name, value) in family.totals {
                let pair = (name.to_string(), value.to_string());
                let asked = [&query[..], std::slice::from_ref(&pair)].concat();
                let answer = self.trial.answer(&asked, &[], ask);
                if answer.is_some_and(|answer| told(&self.trial, &answer).is_some()) {
                    self.found.query.push(pair);
                    return;
                }
            }
            for (name, value) in family.headers {
                let pair = (name.to_string(), value.to_string());
                let answer = self.trial.answer(&query, std::slice::from_ref(&pair), ask);
                if answer.is_some_and(|answer| told(&self.trial, &answer).is_some()) {
                    self.found.headers.push(pair);
                    return;
                }
            }
        }
        self.found.unknown.push(
            "a total: none is told, so that a sync ends at a page with nothing new".to_owned(),
        );
    }

    /// The largest page size that is taken.
    pub(super) fn sizes(&mut self) {
        let query = merged(&self.found.query);
        if !self.limits {
            return;
        }
        let own = self.found.size;
        let sizes = SIZES.iter().filter(|size| **size < own);
        let sizes: Vec<u64> = [own].into_iter().chain(sizes.copied()).collect();
        for size in sizes {
            if self.trial.sheet(&query, fill(None, size, 0)).is_some() {
                self.found.size = size;
                return;
            }
        }
    }
}

/// The fields of a first answer that could be the timestamp.
fn timestamps(trial: &Trial<'_>, bare: &Answer) -> Vec<(Field, Stamp)> {
    let list = json::point(whole(&bare.body), &trial.connection.response.rows);
    let rows = list.map(items).unwrap_or_default();
    let rows: Vec<&[u8]> = rows
        .iter()
        .filter_map(|row| json::point(row, &trial.connection.response.row))
        .collect();
    candidates::cursors(&columns(&rows), rows.len())
}

/// The format that is called for.
pub(super) fn format_of(fixes: &[Fix]) -> Option<String> {
    fixes.iter().rev().find_map(|fix| match fix {
        Fix::Format(text) => Some(text.clone()),
        _ => None,
    })
}
