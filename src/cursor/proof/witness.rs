//! Witness: rows that are known to lie at or after a bound must come back when
//! a window opens there. One that comes back as it was confirms the bound for
//! this sync. Where those next to the bound do not come back, they are asked
//! for as they were reached the last time ([`Inquiry`]): if they are there,
//! unchanged, and still not at the bound, the filter leaves out rows of its
//! own bound. If they are not there, they were changed or deleted, which is
//! no proof of anything, so that a busy table is never accused. Where nothing
//! at all is there any more, rights, the filter or the table are gone.

use std::collections::HashMap;
use std::time::Duration;

use super::super::rows::last_at;
use super::super::{Bound, Question, Rows};
use crate::error::Error;
use crate::timestamp::{self, Instant};

/// A row that was delivered: its id and its instant.
pub(in crate::cursor) type Known = (String, Instant);

/// What a window's first page says of its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cursor) enum Verdict {
    /// A row next to the bound came back as it was.
    Confirmed,
    /// No row that is known can have been on the page.
    Silent,
    /// These should have been on the page and were not.
    Missing(Vec<Known>),
}

/// Looks for the known rows on a window's first page. `whole` says that it
/// holds all rows from the bound on.
pub(in crate::cursor) fn judge<R: Rows>(page: &R, known: &[Known], whole: bool) -> Verdict {
    let Some(newest) = known.iter().map(|(_, at)| *at).max() else {
        return Verdict::Silent;
    };
    let count = page.count();
    let mut came: HashMap<String, Vec<Instant>> = HashMap::new();
    for row in (0..count).take_while(|row| whole || page.at(*row) <= newest) {
        came.entry(page.id(row)).or_default().push(page.at(row));
    }
    let end = count.checked_sub(1).map(|row| page.at(row));
    let covered = |at: &Instant| whole || end.is_some_and(|end| *at < end);
    let back = known
        .iter()
        .filter(|(id, at)| came.get(id).is_some_and(|came| came.contains(at)))
        .map(|(_, at)| *at)
        .min();
    let missing: Vec<Known> = known
        .iter()
        .filter(|(id, at)| covered(at) && !came.contains_key(id))
        .cloned()
        .collect();
    match (back, missing.iter().map(|(_, at)| *at).min()) {
        (Some(back), Some(gone)) if back <= gone => Verdict::Confirmed,
        (_, Some(_)) => Verdict::Missing(missing),
        (Some(_), None) => Verdict::Confirmed,
        (None, None) => Verdict::Silent,
    }
}

/// How long to wait before a bound is asked for once more.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is.
const AGAIN: u32 = 2;
/// Requests that looking for a row may take.
const MOST: u32 = 40;

/// Looks for rows that did not come back.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Inquiry {
    bound: Bound,
    missing: Vec<Known>,
    /// The first row that the bound showed.
    shown: Option<Instant>,
    /// How many rows the bound showed, where the API told.
    total: Option<u64>,
    beginning: Bound,
    /// Rows a page, and the offset that none is asked beyond.
    limit: u64,
    max_offset: u64,
    /// Offsets are multiples of this.
    step: u64,
    /// Rows up to here are visible to whoever asks.
    ripe: Instant,
    stage: Stage,
    requests: u32,
}

/// How an inquiry may ask.
#[derive(Debug, Clone, Copy)]
pub(in crate::cursor) struct Limits {
    /// Rows a page.
    pub(in crate::cursor) limit: u64,
    /// The offset that none is asked beyond.
    pub(in crate::cursor) max_offset: u64,
    /// Offsets are multiples of this.
    pub(in crate::cursor) step: u64,
}

#[derive(Debug, Clone)]
enum Stage {
    /// As they were reached the last time, or further back from there.
    Reached { question: Question, back: u64 },
    /// Between two offsets of the whole table.
    Table {
        low: u64,
        high: Option<u64>,
        offset: u64,
    },
    /// At the bound, once more.
    Again { found: Found, tries: u32 },
}

/// Where a row that did not come back was found.
#[derive(Debug, Clone)]
struct Found {
    at: Instant,
    /// The timestamps from it on, there.
    after: Vec<Instant>,
    /// Whether it is none of those, but one that an empty answer left out.
    other: bool,
}

/// What an answer to an inquiry shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cursor) enum Finding {
    /// More must be asked.
    More,
    /// The rows were changed or deleted; these are not there at all.
    Gone(Vec<Known>),
    /// The rows are back at the bound.
    Back,
    /// The bound cannot be believed.
    Refuted(Error),
}

impl Inquiry {
    /// Starts to look for these rows, which `page` lacks.
    pub(in crate::cursor) fn new<R: Rows>(
        missing: Vec<Known>,
        page: &R,
        total: Option<u64>,
        bound: Bound,
        question: Option<Question>,
        beginning: Bound,
        Limits {
            limit,
            max_offset,
            step,
        }: Limits,
    ) -> Self {
        let older = question.filter(|question| question.since != bound.text);
        let stage = match older {
            Some(question) => Stage::Reached {
                question,
                back: limit,
            },
            None => Stage::Table {
                low: 0,
                high: None,
                offset: 0,
            },
        };
        Self {
            shown: (page.count() > 0).then(|| page.at(0)),
            bound,
            missing,
            total,
            beginning,
            limit,
            max_offset,
            step: step.max(1),
            ripe: Instant::MIN,
            stage,
            requests: 0,
        }
    }

    /// The same where rows up to `ripe` are visible to whoever asks: one of
    /// those after a bound that shows none is left out.
    pub(in crate::cursor) fn ripe(self, ripe: Instant) -> Self {
        Self { ripe, ..self }
    }

    /// What to ask for: `{since}`, the offset, and how long to wait before.
    pub(in crate::cursor) fn ask(&self) -> (Option<&str>, u64, Duration) {
        match &self.stage {
            Stage::Reached { question, .. } => {
                (question.since.as_deref(), question.offset, Duration::ZERO)
            }
            Stage::Table { offset, .. } => {
                (self.beginning.text.as_deref(), *offset, Duration::ZERO)
            }
            Stage::Again { .. } => (self.bound.text.as_deref(), 0, PAUSE),
        }
    }

    /// Takes an answer.
    pub(in crate::cursor) fn hear<R: Rows>(&mut self, page: &R, total: Option<u64>) -> Finding {
        self.requests += 1;
        if let Stage::Again { found, tries } = &self.stage {
            let (found, tries) = (found.clone(), *tries);
            return self.hear_again(page, found, tries);
        }
        if let Some(found) = self.find(page) {
            self.stage = Stage::Again { found, tries: 1 };
            return Finding::More;
        }
        if self.requests > MOST {
            return self.gone(page);
        }
        match self.stage.clone() {
            Stage::Reached { question, back } => self.go_back(page, question, back),
            Stage::Table { low, high, offset } => self.search(page, total, (low, high), offset),
            Stage::Again { .. } => Finding::More,
        }
    }

    /// A missing row on this page, as it was.
    fn find<R: Rows>(&self, page: &R) -> Option<Found> {
        let missing = |row: &usize| {
            let (id, at) = (page.id(*row), page.at(*row));
            self.missing
                .iter()
                .any(|known| known.0 == id && known.1 == at)
        };
        let rows = 0..page.count();
        let near = |row: &usize| self.missing.iter().any(|(_, at)| *at == page.at(*row));
        let known = rows.clone().filter(near).find(missing);
        let left_out = |row: &usize| {
            let at = page.at(*row);
            self.shown.is_none() && at > self.bound.at && at <= self.ripe
        };
        let row = known.or_else(|| rows.clone().find(left_out))?;
        let after = (row..page.count()).map(|row| page.at(row)).collect();
        let at = page.at(row);
        Some(Found {
            at,
            after,
            other: known.is_none(),
        })
    }

    /// The rows are not where they were. Those whose place the page shows are
    /// not there at all.
    fn gone<R: Rows>(&self, page: &R) -> Finding {
        let count = page.count();
        let shows = |at: Instant| count > 0 && page.at(0) <= at && at < page.at(count - 1);
        let missing = self.missing.iter();
        Finding::Gone(missing.filter(|(_, at)| shows(*at)).cloned().collect())
    }

    fn target(&self) -> Instant {
        let newest = self.missing.iter().map(|(_, at)| *at).max();
        newest.unwrap_or(Instant::MIN)
    }

    /// Rows that left before them have moved them up.
    fn go_back<R: Rows>(&mut self, page: &R, mut question: Question, back: u64) -> Finding {
        let starts_after = page.count() == 0 || page.at(0) > self.target();
        if starts_after && question.offset > 0 {
            question.offset = question.offset.saturating_sub(back);
            question.offset -= question.offset % self.step;
            let back = back.saturating_mul(2);
            self.stage = Stage::Reached { question, back };
            return Finding::More;
        }
        let full = page.count() as u64 >= self.limit;
        let ends_before = last_at(page).is_some_and(|at| at < self.target());
        if ends_before && full && back == self.limit {
            // Rows that came in before them have moved them down.
            question.offset += page.count() as u64;
            self.stage = Stage::Reached { question, back };
            return Finding::More;
        }
        if starts_after {
            // None of the rows that were there then is there now.
            self.stage = Stage::Table {
                low: 0,
                high: None,
                offset: 0,
            };
            return Finding::More;
        }
        self.gone(page)
    }

    /// Looks for the place of the rows in the whole table.
    fn search<R: Rows>(
        &mut self,
        page: &R,
        total: Option<u64>,
        (mut low, mut high): (u64, Option<u64>),
        offset: u64,
    ) -> Finding {
        let target = self.target();
        let count = page.count();
        if count == 0 && offset == 0 {
            return Finding::Refuted(
                Error::contract("the API shows no row any more, not even from the beginning on, though rows of it were delivered")
                    .hint("has the token lost its rights, or does the filter match nothing? If the table was emptied, start over with --full-refresh"),
            );
        }
        if count > 0 && page.at(0) <= target && page.at(count - 1) > target {
            return self.gone(page);
        }
        if count == 0 || page.at(0) > target {
            high = Some(offset);
        } else {
            low = offset;
        }
        let last = total.is_some_and(|total| offset + count as u64 >= total);
        if high.is_none() && last && count > 0 {
            return self.gone(page);
        }
        let end = total.map(|total| total.saturating_sub(self.total.unwrap_or(0)));
        let next = match (high, end) {
            (None, Some(end)) if offset == 0 => end.saturating_sub(self.limit / 2).max(self.limit),
            (None, _) => (offset * 2).max(offset + self.limit),
            (Some(high), _) => low + (high - low) / 2,
        };
        let next = next - next % self.step;
        if next <= low {
            return self.gone(page);
        }
        if next > self.max_offset && total.is_none() {
            return self.unreachable(page);
        }
        self.stage = Stage::Table {
            low,
            high,
            offset: next,
        };
        Finding::More
    }

    /// The whole table has rows, but these are too deep in it to be looked
    /// for. Where the bound shows others, they were most likely changed.
    fn unreachable<R: Rows>(&self, page: &R) -> Finding {
        if self.shown.is_some() {
            return self.gone(page);
        }
        Finding::Refuted(
            Error::contract(format!(
                "the API shows no row from {:?} on, though rows of it were delivered",
                self.bound.text.as_deref().unwrap_or_default()
            ))
            .hint("has the token lost its rights, or does the filter match nothing? If these rows were deleted, start over with --full-refresh"),
        )
    }

    fn hear_again<R: Rows>(&mut self, page: &R, found: Found, tries: u32) -> Finding {
        let came = |row: usize| self.missing.iter().any(|(id, _)| *id == page.id(row));
        if (0..page.count()).any(came) {
            return Finding::Back;
        }
        if page.count() > 0 && found.other {
            return self.gone(page);
        }
        if page.count() > 0 {
            self.shown = Some(page.at(0));
        }
        if tries < AGAIN {
            let tries = tries + 1;
            self.stage = Stage::Again { found, tries };
            return Finding::More;
        }
        Finding::Refuted(self.explain(&found))
    }

    /// What fits to what is left out.
    fn explain(&self, found: &Found) -> Error {
        let bound = self.bound.text.as_deref().unwrap_or_default();
        let error = Error::contract(format!(
            "the filter leaves out rows of its own bound: asked from {bound:?} on, the API leaves out a row of {}, which it shows when it is asked otherwise",
            timestamp::format(found.at)
        ));
        let left_out = |at: &&Instant| self.shown.is_none_or(|shown| **at < shown);
        let last = found.after.iter().filter(left_out).max().copied();
        let after =
            |at: Option<Instant>| Some((at?.to_nanos() - self.bound.at.to_nanos()) / 1_000_000_000);
        let (least, most) = (after(last).unwrap_or(0), after(self.shown));
        let next = found.after.iter().find(|at| **at > found.at).copied();
        let full_refresh = "then run it again: it takes up where the bound was last right";
        let only_the_bound = last == Some(found.at) && found.at == self.bound.at;
        if only_the_bound
            && self.shown.is_some()
            && next.is_none_or(|next| self.shown == Some(next))
        {
            return error.hint(format!("if it leaves out just the rows of the bound itself, set \"since\": {{\"bound\": \"exclusive\"}} in the connection file, {full_refresh}"));
        }
        let hours = match most {
            Some(most) if most - least < 3600 || least >= 900 => {
                format!(", here by {}", between(least, most))
            }
            Some(most) => format!(", here by at most {}", length(most)),
            None if least >= 900 => format!(", here by more than {}", length(least)),
            None => String::new(),
        };
        error.hint(format!("the bound may be read in another zone{hours} (set \"since\": {{\"zone\": …}}), be rounded up (set a \"format\" that cuts it), filter by another field than the cursor, be exclusive, or the token's rights changed; mend it, {full_refresh}"))
    }
}

/// A whole number of hours that lies between so many seconds, or both.
fn between(least: i128, most: i128) -> String {
    let hours = least / 3600 + 1;
    if hours * 3600 <= most && (hours + 1) * 3600 > most {
        return format!("{hours} hours");
    }
    format!("{} to {}", length(least), length(most))
}

fn length(seconds: i128) -> String {
    match seconds {
        ..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{:.1} hours", seconds as f64 / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{bound, instant, page};
    use super::*;

    fn known(rows: &[(u32, i64)]) -> Vec<Known> {
        let row = |(id, at): &(u32, i64)| (id.to_string(), instant(*at));
        rows.iter().map(row).collect()
    }

    #[test]
    fn a_row_that_comes_back_as_it_was_confirms_the_bound() {
        let page = page(&[(1, 5), (2, 6)]);
        let verdict = |rows: &[(u32, i64)]| judge(&page, &known(rows), true);
        assert_eq!(verdict(&[(1, 5)]), Verdict::Confirmed);
        assert_eq!(verdict(&[(1, 5), (9, 6)]), Verdict::Confirmed);
        assert_eq!(verdict(&[]), Verdict::Silent);
    }

    #[test]
    fn one_that_comes_back_newer_explains_its_absence() {
        let rows = page(&[(1, 8), (2, 9)]);
        assert_eq!(judge(&rows, &known(&[(1, 5)]), true), Verdict::Silent);
    }

    #[test]
    fn one_that_is_nearer_to_the_bound_than_those_that_came_back_is_missing() {
        let rows = page(&[(2, 6), (3, 7)]);
        let missing = judge(&rows, &known(&[(1, 5), (2, 6)]), true);
        assert_eq!(missing, Verdict::Missing(known(&[(1, 5)])));
        // What may be on a later page is not missing.
        assert_eq!(judge(&rows, &known(&[(1, 7)]), false), Verdict::Silent);
    }

    /// Asks a table of rows that is filtered by `filter`.
    fn inquire(
        rows: &[(u32, i64)],
        missing: &[(u32, i64)],
        question: Option<(i64, u64)>,
        filter: impl Fn(i64) -> i64,
        total: bool,
    ) -> Finding {
        let from = |since: Option<&str>| {
            let since = since
                .and_then(timestamp::parse)
                .map_or(i64::MIN, |at| filter(at.secs));
            rows.iter()
                .filter(|row| row.1 >= since)
                .copied()
                .collect::<Vec<_>>()
        };
        let at = missing.iter().map(|row| row.1).min().unwrap_or(0);
        let start = bound(instant(at));
        let first = from(start.text.as_deref());
        let question = question.map(|(since, offset)| Question {
            since: bound(instant(since)).text,
            offset,
        });
        let told = total.then_some(first.len() as u64);
        let limits = Limits {
            limit: 10,
            max_offset: 1000,
            step: 1,
        };
        let mut inquiry = Inquiry::new(
            known(missing),
            &page(&first),
            told,
            start,
            question,
            Bound::NONE,
            limits,
        );
        for _ in 0..60 {
            let (since, offset, _) = inquiry.ask();
            let found = from(since);
            let rows: Vec<_> = found
                .iter()
                .skip(offset as usize)
                .take(10)
                .copied()
                .collect();
            let told = total.then_some(found.len() as u64);
            match inquiry.hear(&page(&rows), told) {
                Finding::More => {}
                finding => return finding,
            }
        }
        panic!("endless");
    }

    const HOUR: i64 = 3600;

    fn hourly() -> Vec<(u32, i64)> {
        (0..300).map(|n| (n, i64::from(n) * HOUR)).collect()
    }

    #[test]
    fn a_filter_in_another_zone_is_refuted_by_hours() {
        let rows = hourly();
        for total in [true, false] {
            for question in [None, Some((0, 280)), Some((200 * HOUR, 0))] {
                let missing = [(290, 290 * HOUR)];
                let shift = |at| if at == 0 { 0 } else { at + 4 * HOUR };
                let Finding::Refuted(error) = inquire(&rows, &missing, question, shift, total)
                else {
                    panic!("not refuted: {question:?} {total}");
                };
                assert!(
                    error
                        .to_string()
                        .contains("leaves out rows of its own bound")
                );
                assert!(error.remedy().contains("by 4 hours"), "{}", error.remedy());
            }
        }
    }

    #[test]
    fn an_exclusive_bound_is_told_from_another_zone() {
        let finding = inquire(
            &hourly(),
            &[(290, 290 * HOUR)],
            Some((0, 280)),
            |at| at + 1,
            true,
        );
        let Finding::Refuted(error) = finding else {
            panic!("not refuted");
        };
        assert!(
            error.remedy().contains("exclusive\"}"),
            "{}",
            error.remedy()
        );
    }

    #[test]
    fn rows_that_were_changed_or_deleted_accuse_nobody() {
        let mut rows = hourly();
        rows.retain(|row| row.0 != 290);
        for total in [true, false] {
            for question in [
                None,
                Some((0, 280)),
                Some((200 * HOUR, 0)),
                Some((290 * HOUR, 0)),
            ] {
                let missing = [(290, 290 * HOUR)];
                let finding = inquire(&rows, &missing, question, |at| at, total);
                assert!(
                    matches!(finding, Finding::Gone(_)),
                    "{finding:?} {question:?} {total}"
                );
            }
        }
    }

    #[test]
    fn an_api_that_shows_nothing_any_more_is_refuted() {
        let finding = inquire(&[], &[(290, 290 * HOUR)], Some((0, 280)), |at| at, true);
        let Finding::Refuted(error) = finding else {
            panic!("not refuted");
        };
        assert!(error.to_string().contains("shows no row any more"));
    }

    #[test]
    fn rows_that_are_back_after_a_pause_are_believed() {
        let missing = known(&[(7, 7)]);
        let mut inquiry = Inquiry::new(
            missing,
            &page(&[]),
            None,
            bound(instant(7)),
            None,
            Bound::NONE,
            Limits {
                limit: 10,
                max_offset: 100,
                step: 1,
            },
        );
        assert_eq!(inquiry.hear(&page(&[(6, 6), (7, 7)]), None), Finding::More);
        assert_eq!(inquiry.ask().2, PAUSE);
        assert_eq!(inquiry.hear(&page(&[(7, 7)]), None), Finding::Back);
    }
}
