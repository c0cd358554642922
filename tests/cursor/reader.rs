//! A reader of an odd API: what it keeps from sync to sync, and what came.

use std::collections::{HashMap, HashSet};

use highwater::cursor::{Answer, Bound, Cursor, Mark, Question, Start};
use highwater::error::Result;
use highwater::seen::{Seen, Version};
use highwater::timestamp::Instant;

use crate::apis::{Odd, Past, Request, Way};
use crate::model::{Row, Table};

/// What is kept from sync to sync, as the program keeps it, and what came.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) mark: Option<Mark>,
    resume: Option<String>,
    seen: Vec<Version>,
    question: Option<Question>,
    refuted: Option<String>,
    syncs: u32,
    pub(crate) rows: HashSet<(u32, u64)>,
    latest: HashMap<u32, u64>,
    /// Rows that an answer showed.
    pub(crate) shown: HashSet<(u32, u64)>,
    pub(crate) requests: u64,
    pub(crate) drifts: u64,
    past: Past,
}

impl Reader {
    fn start(&self, odd: &Odd) -> Start {
        let format = &odd.api.settings.format;
        let at = self.mark.as_ref().map_or(Instant::MIN, |mark| mark.at);
        let bound = self.resume.as_ref().map_or(Bound::NONE, |text| {
            let at = format.read(text, false).unwrap();
            let text = text.clone();
            Bound::spelled(&Mark { text, at }, format)
        });
        Start {
            mark: self.mark.clone(),
            seen: Seen::load(self.seen.iter().cloned(), at),
            question: self.question.clone(),
            refuted: self.refuted.clone(),
            beginning: Bound::NONE,
            ..Start::new(bound)
        }
    }

    fn save(&mut self, cursor: &Cursor) {
        self.mark = cursor.mark().cloned();
        self.question = cursor.question().cloned();
        self.refuted = cursor.refuted().map(str::to_owned);
        self.resume = cursor.resume().map(str::to_owned);
        self.seen = cursor.seen().iter().collect();
    }

    /// One sync; the most requests that it may take.
    pub(crate) fn sync(
        &mut self,
        odd: &Odd,
        table: &mut Table,
        most: u64,
        mut between: impl FnMut(&mut Table),
    ) -> Result<()> {
        let again = self.refuted.is_some();
        let mut cursor = Cursor::new(odd.api.settings.clone(), self.start(odd));
        let sync = self.syncs;
        self.syncs += 1;
        for nth in 0.. {
            assert!(nth < most, "more than {most} requests");
            if nth > 0 {
                between(table);
            }
            if matches!(odd.way, Way::Replica(_)) {
                self.past.keep(table);
            }
            let ask = cursor.request();
            table.clock += i64::try_from(ask.pause.as_secs()).unwrap();
            let (since, offset, limit) = (ask.since, ask.offset, ask.limit);
            let request = Request {
                since,
                offset,
                limit,
                nth,
                sync,
            };
            let (page, total) = odd.answer(table, &self.past, request);
            self.requests += 1;
            self.shown
                .extend(page.0.iter().map(|row| (row.id, row.version)));
            let (asked, latest) = odd.clocks(table);
            let answer = Answer {
                latest,
                ..Answer::new(None, total, asked)
            };
            let step = cursor.accept(&page, &answer);
            self.drifts += u64::from(step.as_ref().is_ok_and(|step| step.drift.is_some()));
            for row in step
                .iter()
                .flat_map(|step| step.deliver.iter().cloned().flatten())
            {
                let row = &page.0[row];
                let new = self.rows.insert((row.id, row.version));
                assert!(new || again, "{row:?} came twice");
                let latest = self.latest.entry(row.id).or_insert(row.version);
                *latest = row.version.max(*latest);
            }
            self.save(&cursor);
            if step?.done {
                return Ok(());
            }
        }
        unreachable!()
    }

    /// The rows that a reader of what came has wrong.
    pub(crate) fn lacks<'a>(&self, odd: &Odd, table: &'a Table) -> Vec<&'a Row> {
        let has = |row: &&Row| self.latest.get(&row.id) == Some(&row.version);
        let rows = table.rows.iter();
        rows.filter(|row| !has(row) && !odd.hides(row)).collect()
    }
}
