//! A table that is sorted by timestamp and then by a tie key, an API that pages
//! it, a reader that syncs from it, and a ledger of what was delivered.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use highwater::cursor::{
    Answer, Bound, Counts, Cursor, Mark, Order, Paging, Question, Rows, Settings, Start,
};
use highwater::error::{Error, Result};
use highwater::seen::{Seen, Version};
use highwater::timestamp::{self, Format, Instant};

/// More requests than any of these tables can need.
const ENDLESS: u64 = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) tie: u32,
    pub(crate) id: u32,
    pub(crate) version: u64,
    /// The clock from which on it can be read.
    pub(crate) visible: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) clock: i64,
    versions: u64,
}

impl Table {
    /// A row for each timestamp; the clock stands at the newest.
    pub(crate) fn of(stamps: impl IntoIterator<Item = i64>) -> Self {
        let mut table = Self::default();
        for at in stamps {
            table.clock = at;
            let id = u32::try_from(table.rows.len()).unwrap();
            table.put(id, 2 * id + 10, at, i64::MIN);
        }
        table
    }

    fn put(&mut self, id: u32, tie: u32, at: i64, visible: i64) {
        self.versions += 1;
        let version = self.versions;
        let row = Row {
            at,
            tie,
            id,
            version,
            visible,
        };
        let place = self.rows.partition_point(|other| *other < row);
        self.rows.insert(place, row);
    }

    fn place(&self, id: u32) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }

    pub(crate) fn delete(&mut self, id: u32) {
        if let Some(place) = self.place(id) {
            self.rows.remove(place);
        }
    }

    /// Changes a row, which gives it the present instant.
    pub(crate) fn update(&mut self, id: u32) {
        if let Some(place) = self.place(id) {
            self.update_at(place);
        }
    }

    pub(crate) fn update_at(&mut self, place: usize) {
        let row = self.rows.remove(place);
        self.put(row.id, row.tie, self.clock.max(row.at), i64::MIN);
    }

    /// A new row; it sorts before or after the others of its instant.
    pub(crate) fn insert(&mut self, first: bool) {
        let id = u32::try_from(self.versions).unwrap() + 1_000_000;
        let tie = if first { 0 } else { id };
        self.put(id, tie, self.clock, i64::MIN);
    }

    /// A new row that carries an instant `before` the present and becomes
    /// visible `after` it.
    pub(crate) fn insert_late(&mut self, before: i64, after: i64) {
        let id = u32::try_from(self.versions).unwrap() + 1_000_000;
        self.put(id, id % 7, self.clock - before, self.clock + after);
    }
}

/// What the API says of how many rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Total {
    Exact,
    Absent,
    Capped(u64),
}

#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) settings: Settings,
    pub(crate) total: Total,
    /// The most rows it sends, request by request, round and round.
    pub(crate) clamp: Vec<u64>,
    /// Whether rows of one instant come in another order each time.
    pub(crate) unstable: bool,
}

impl Api {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            settings: Settings {
                limit,
                max_offset: u64::MAX,
                exclusive: false,
                order: Order::Sorted,
                paging: Paging::Offset,
                filters: true,
                limits: true,
                format: Format::AsReceived,
                lookback: Duration::ZERO,
                until: None,
            },
            total: Total::Exact,
            clamp: vec![u64::MAX],
            unstable: false,
        }
    }

    pub(crate) fn answer(
        &self,
        table: &Table,
        since: Option<&str>,
        offset: u64,
        limit: u64,
        nth: u64,
    ) -> (Page, Option<u64>) {
        let set = &self.settings;
        let bound = since.map_or(Instant::MIN, |text| set.format.read(text, false).unwrap());
        let passes = |row: &Row| {
            row.visible <= table.clock
                && (instant(row.at) > bound || (instant(row.at) == bound && !set.exclusive))
        };
        let count = limit.min(self.clamp[nth as usize % self.clamp.len()]);
        let offset = if set.paging == Paging::Page {
            offset / limit * count
        } else {
            offset
        };
        let hidden = table.rows.iter().any(|row| row.visible > table.clock);
        let (rows, total) = if set.order == Order::Sorted && !hidden && !self.unstable {
            let first = table.rows.partition_point(|row| !passes(row));
            let from = first.saturating_add(offset as usize).min(table.rows.len());
            let to = from.saturating_add(count as usize).min(table.rows.len());
            (table.rows[from..to].to_vec(), table.rows.len() - first)
        } else {
            let mut rows: Vec<Row> = table.rows.iter().copied().filter(passes).collect();
            if set.order == Order::Unsorted {
                rows.sort_by_key(|row| row.id);
            } else if self.unstable {
                rows.sort_by_key(|row| (row.at, mix(u64::from(row.id) ^ (nth << 32))));
            }
            let total = rows.len();
            let page = rows.into_iter().skip(offset as usize).take(count as usize);
            (page.collect(), total)
        };
        let total = match self.total {
            Total::Exact => Some(total as u64),
            Total::Capped(cap) => Some(cap.min(total as u64)),
            Total::Absent => None,
        };
        (Page(rows), total)
    }
}

#[derive(Debug)]
pub(crate) struct Page(pub(crate) Vec<Row>);

impl Rows for Page {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn at(&self, row: usize) -> Instant {
        instant(self.0[row].at)
    }
    fn mark(&self, row: usize) -> String {
        timestamp::format(instant(self.0[row].at))
    }
    fn id(&self, row: usize) -> String {
        self.0[row].id.to_string()
    }
    fn key(&self, row: usize) -> u64 {
        mix(u64::from(self.0[row].id))
    }
    fn hash(&self, row: usize) -> u64 {
        mix(self.0[row].version)
    }
}

/// What syncs delivered, and where the last one stopped.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rows: HashSet<(u32, u64)>,
    order: Vec<(u32, u64)>,
    pub(crate) latest: HashMap<u32, u64>,
    resume: Option<String>,
    mark: Option<Mark>,
    seen: Vec<Version>,
    question: Option<Question>,
    refuted: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) requests: u64,
    pub(crate) offsets: u64,
    pub(crate) reread: u64,
    /// The most rows that had to be remembered.
    pub(crate) held: usize,
    /// Whether the last sync said that it left pages whose rows moved.
    moving: bool,
}

impl Ledger {
    /// Where a sync takes up after the last one, as it is stored and loaded.
    fn start(&self, format: &Format) -> Start {
        let mark = self.mark.clone();
        let at = mark.as_ref().map_or(Instant::MIN, |mark| mark.at);
        let bound = match &self.resume {
            Some(text) => {
                let at = format.read(text, false).unwrap();
                Bound::spelled(
                    &Mark {
                        text: text.clone(),
                        at,
                    },
                    format,
                )
            }
            None => Bound {
                text: None,
                at: Instant::MIN,
            },
        };
        Start {
            mark,
            seen: Seen::load(self.seen.iter().cloned(), at),
            question: self.question.clone(),
            refuted: self.refuted.clone(),
            beginning: Bound::NONE,
            ..Start::new(bound)
        }
    }

    fn save(&mut self, cursor: &Cursor, format: &Format) {
        let before = self.mark.as_ref().map(|mark| mark.at);
        self.mark = cursor.mark().cloned();
        self.question = cursor.question().cloned();
        self.refuted = cursor.refuted().map(str::to_owned);
        let refuted = self.refuted.is_some();
        assert!(
            refuted || before <= self.mark.as_ref().map(|mark| mark.at),
            "the mark went back"
        );
        let asks = |text: &Option<String>| Some(format.cut(format.read(text.as_deref()?, false)?));
        let before = asks(&self.resume);
        self.resume = cursor.resume().map(str::to_owned);
        assert!(
            refuted || before <= asks(&self.resume),
            "the resume bound went back"
        );
        self.seen.clear();
        self.seen.extend(cursor.seen().iter());
        self.held = self.held.max(self.seen.len());
    }

    pub(crate) fn mark(&self) -> Instant {
        self.mark.as_ref().map_or(Instant::MIN, |mark| mark.at)
    }

    pub(crate) fn resume(&self) -> Option<&str> {
        self.resume.as_deref()
    }

    /// The rows of the table that a reader of these would have wrong.
    pub(crate) fn lacks<'a>(&self, table: &'a Table) -> Vec<&'a Row> {
        let has = |row: &&Row| self.latest.get(&row.id) == Some(&row.version);
        table.rows.iter().filter(|row| !has(row)).collect()
    }

    /// One sync. `between` changes the table before each request but the
    /// first; true where the process is to die there and start again.
    pub(crate) fn sync(
        &mut self,
        api: &Api,
        table: &mut Table,
        mut between: impl FnMut(&mut Table, u64) -> bool,
    ) -> Result<()> {
        // Where the last walk was not believed, rows may come once more.
        let again = self.refuted.is_some();
        let mut cursor = Cursor::new(api.settings.clone(), self.start(&api.settings.format));
        for nth in 0.. {
            if nth > 0 && between(table, nth) {
                cursor = Cursor::new(api.settings.clone(), self.start(&api.settings.format));
            }
            assert!(nth < ENDLESS, "endless");
            let ask = cursor.request();
            self.offsets += ask.offset;
            let (page, total) = api.answer(table, ask.since, ask.offset, ask.limit, nth);
            self.requests += 1;
            let echoed = (api.settings.paging == Paging::Offset).then_some(ask.offset);
            let answer = Answer::new(echoed, total, instant(table.clock));
            let step = match cursor.accept(&page, &answer) {
                Ok(step) => step,
                Err(error) => {
                    self.save(&cursor, &api.settings.format);
                    return Err(error);
                }
            };
            let mut delivered = 0;
            for row in step.deliver.iter().cloned().flatten() {
                let Row { id, version, .. } = page.0[row];
                let new = self.rows.insert((id, version));
                assert!(new || again, "{:?} came twice", page.0[row]);
                self.order.push((id, version));
                self.latest.insert(id, version);
                delivered += 1;
            }
            self.reread += page.0.len() as u64 - delivered;
            self.save(&cursor, &api.settings.format);
            self.counts = cursor.counts();
            if step.done {
                let why = cursor.unconfirmed().unwrap_or_default();
                self.moving = why.contains("rows moved from page to page");
                return Ok(());
            }
        }
        unreachable!()
    }

    /// What holds after each sync that ended well: whatever is up to the mark
    /// was delivered, but for what became visible late.
    pub(crate) fn check(&self, api: &Api, table: &Table) {
        let lookback = api.settings.lookback;
        for row in self.lacks(table) {
            let settled = self.resume.as_deref().and_then(timestamp::parse);
            // Without a total the end is known by a page that is empty; rows
            // that moved up before it are found by the next sync, at the mark.
            let passed = match api.total {
                Total::Absent | Total::Capped(_) => instant(row.at) < self.mark(),
                Total::Exact => instant(row.at) <= self.mark(),
            };
            let passed = passed && lookback.is_zero() && !self.moving;
            assert!(
                !passed && settled.is_none_or(|at| instant(row.at) >= at),
                "{row:?} is lost, mark {:?}, resume {:?}",
                self.mark,
                self.resume
            );
        }
        if let Some(until) = api.settings.until {
            assert!(self.mark() < until, "the mark passed the end");
        }
    }

    /// Two more syncs with nothing changing complete the table; one more
    /// brings nothing.
    pub(crate) fn complete(&mut self, api: &Api, table: &mut Table) -> Result<()> {
        let mut api = api.clone();
        api.settings.until = None;
        for _ in 0..2 {
            table.clock += 1 + i64::try_from(api.settings.lookback.as_secs()).unwrap();
            self.sync(&api, table, |_, _| false)?;
        }
        let lost = self.lacks(table);
        assert!(
            lost.is_empty(),
            "lost {lost:?}, resumed at {:?}",
            self.resume
        );
        let before = self.rows.len();
        self.sync(&api, table, |_, _| false)?;
        assert_eq!(before, self.rows.len(), "a quiet sync brought rows");
        Ok(())
    }
}

pub(crate) fn instant(secs: i64) -> Instant {
    Instant { secs, nanos: 0 }
}

/// Scatters a number (the finalizer of SplitMix64).
pub(crate) fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Numbers that look random and are the same each time.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(1);
        (mix(self.0) % end.max(1) as u64) as usize
    }
}

pub(crate) fn reason(result: Result<()>) -> String {
    result
        .err()
        .as_ref()
        .map(Error::to_string)
        .unwrap_or_default()
}

/// A cursor at the beginning of everything.
pub(crate) fn cursor(api: &Api) -> Cursor {
    Cursor::new(api.settings.clone(), Start::new(Bound::NONE))
}
