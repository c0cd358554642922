//! The table behind an API: rows sorted by when they changed, each rendered once,
//! that can change between two pages. No HTTP in here.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::clock::{self, BASE, SECOND};

/// One row as it is now.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: Arc<str>,
    /// The how-manieth row ever inserted, from 0.
    pub serial: u64,
    /// 1, and one more with each update.
    pub version: u32,
    /// Microseconds since 1970.
    pub created: i64,
    pub updated: i64,
    pub json: Arc<str>,
}

/// The order among rows of equal timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// By when they were first inserted.
    Insertion,
    /// By id, as text.
    Id,
    /// Another one at each request, from this seed: what a database does that was
    /// asked to order by the timestamp alone.
    Unstable(u64),
}

/// Renders a row whose other fields are set; its `json` is still empty.
pub type Render = fn(&Row) -> String;

pub struct Table {
    /// Sorted by `updated`, then by the order of the ties.
    rows: Vec<Row>,
    /// Where each id is found: its `updated` and `serial`.
    index: HashMap<Arc<str>, (i64, u64)>,
    ties: Ties,
    render: Render,
    inserted: u64,
    /// How many selections there were: each shuffles the ties anew.
    selections: Cell<u64>,
}

impl Table {
    /// Empty; its rows will look like the generated users.
    pub fn new(ties: Ties) -> Self {
        Self::rendered_by(ties, user)
    }

    /// Empty, with rows of one's own look.
    pub fn rendered_by(ties: Ties, render: Render) -> Self {
        Self {
            rows: Vec::new(),
            index: HashMap::new(),
            ties,
            render,
            inserted: 0,
            selections: Cell::new(0),
        }
    }

    /// `count` users with ids from "1", `per_second` of them sharing each second
    /// from `clock::BASE` on. The same every time.
    pub fn users(count: usize, per_second: usize) -> Self {
        let mut table = Self::new(Ties::Insertion);
        table.rows.reserve(count);
        table.index.reserve(count);
        for number in 0..count {
            let second = (number / per_second.max(1)) as i64;
            table.insert(&(number + 1).to_string(), BASE + second * SECOND);
        }
        table
    }

    /// The same rows with their ties in another order.
    pub fn with_ties(mut self, ties: Ties) -> Self {
        self.ties = ties;
        self.rows.sort_by(|a, b| compare(ties, a, b));
        self
    }

    /// Adds a row; the id must be new.
    pub fn insert(&mut self, id: &str, updated: i64) {
        let mut row = self.new_row(id, updated);
        row.json = (self.render)(&row).into();
        self.place(row);
    }

    /// Adds a row with this JSON, whatever it says.
    pub fn insert_json(&mut self, id: &str, updated: i64, json: impl Into<Arc<str>>) {
        let mut row = self.new_row(id, updated);
        row.json = json.into();
        self.place(row);
    }

    /// Gives a row a new timestamp and new content; false where there is none.
    pub fn update(&mut self, id: &str, updated: i64) -> bool {
        let Some(mut row) = self.take(id) else {
            return false;
        };
        row.version += 1;
        row.updated = updated;
        row.json = (self.render)(&row).into();
        self.place(row);
        true
    }

    /// Gives a row a new timestamp and this JSON; false where there is none.
    pub fn update_json(&mut self, id: &str, updated: i64, json: impl Into<Arc<str>>) -> bool {
        let Some(mut row) = self.take(id) else {
            return false;
        };
        row.version += 1;
        row.updated = updated;
        row.json = json.into();
        self.place(row);
        true
    }

    /// Removes a row; false where there is none.
    pub fn delete(&mut self, id: &str) -> bool {
        self.take(id).is_some()
    }

    /// A page of the rows changed since then, and how many there are in all.
    pub fn select(
        &self,
        since: Option<i64>,
        inclusive: bool,
        offset: usize,
        limit: usize,
    ) -> (Vec<&Row>, usize) {
        let selection = self.selections.get();
        self.selections.set(selection + 1);
        let first = self.first(since, inclusive);
        let from = first.saturating_add(offset).min(self.rows.len());
        let to = from.saturating_add(limit).min(self.rows.len());
        let total = self.rows.len() - first;
        let Ties::Unstable(seed) = self.ties else {
            return (self.rows[from..to].iter().collect(), total);
        };
        let mut page = Vec::with_capacity(to - from);
        let mut at = from;
        while at < to {
            let time = self.rows[at].updated;
            let start = self.rows.partition_point(|row| row.updated < time);
            let end = self.rows.partition_point(|row| row.updated <= time);
            // The bound never cuts a run in two, so that all of it takes part.
            let mut run: Vec<&Row> = self.rows[start..end].iter().collect();
            let mut random = Random::new(seed ^ (time as u64) ^ (selection << 40));
            for i in (1..run.len()).rev() {
                run.swap(i, random.below(i + 1));
            }
            page.extend_from_slice(&run[at - start..end.min(to) - start]);
            at = end.min(to);
        }
        (page, total)
    }

    /// The same from an API that does not sort: in the order of insertion.
    pub fn select_unsorted(
        &self,
        since: Option<i64>,
        inclusive: bool,
        offset: usize,
        limit: usize,
    ) -> (Vec<&Row>, usize) {
        let mut rows: Vec<&Row> = self.rows[self.first(since, inclusive)..].iter().collect();
        rows.sort_by_key(|row| row.serial);
        let total = rows.len();
        let page = rows.into_iter().skip(offset).take(limit).collect();
        (page, total)
    }

    /// All rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn get(&self, id: &str) -> Option<&Row> {
        self.position(id).map(|at| &self.rows[at])
    }

    /// The latest timestamp.
    pub fn newest(&self) -> Option<i64> {
        self.rows.last().map(|row| row.updated)
    }

    /// What a perfect sync ends up with: the rows by id, parsed.
    pub fn contents(&self) -> BTreeMap<String, serde_json::Value> {
        let parsed = |row: &Row| (row.id.to_string(), serde_json::from_str(&row.json).unwrap());
        self.rows.iter().map(parsed).collect()
    }

    fn first(&self, since: Option<i64>, inclusive: bool) -> usize {
        let Some(since) = since else {
            return 0;
        };
        self.rows
            .partition_point(|row| row.updated < since || (!inclusive && row.updated == since))
    }

    fn new_row(&mut self, id: &str, updated: i64) -> Row {
        assert!(!self.index.contains_key(id), "id {id} is there already");
        let serial = self.inserted;
        self.inserted += 1;
        Row {
            id: id.into(),
            serial,
            version: 1,
            created: updated,
            updated,
            json: "".into(),
        }
    }

    fn place(&mut self, row: Row) {
        self.index
            .insert(Arc::clone(&row.id), (row.updated, row.serial));
        let ties = self.ties;
        let at = match self.rows.last() {
            Some(last) if compare(ties, last, &row) == Ordering::Greater => self
                .rows
                .partition_point(|other| compare(ties, other, &row) == Ordering::Less),
            _ => self.rows.len(),
        };
        self.rows.insert(at, row);
    }

    fn take(&mut self, id: &str) -> Option<Row> {
        let at = self.position(id)?;
        self.index.remove(id);
        Some(self.rows.remove(at))
    }

    fn position(&self, id: &str) -> Option<usize> {
        let &(updated, serial) = self.index.get(id)?;
        let found = self.rows.binary_search_by(|row| {
            row.updated
                .cmp(&updated)
                .then_with(|| break_tie(self.ties, (&row.id, row.serial), (id, serial)))
        });
        found.ok()
    }
}

fn compare(ties: Ties, a: &Row, b: &Row) -> Ordering {
    let tie = || break_tie(ties, (&a.id, a.serial), (&b.id, b.serial));
    a.updated.cmp(&b.updated).then_with(tie)
}

fn break_tie(ties: Ties, a: (&str, u64), b: (&str, u64)) -> Ordering {
    match ties {
        Ties::Id => a.0.cmp(b.0),
        Ties::Insertion | Ties::Unstable(_) => a.1.cmp(&b.1),
    }
}

/// xorshift64*: the same numbers for the same seed, on any machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Near seeds must not start alike, and zero would stay zero.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 up to but not including `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() >> 33) as usize % bound
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// A user of some 320 bytes. The name stays, the rest differs by version.
pub fn user(row: &Row) -> String {
    const FIRST: [&str; 12] = [
        "Alice", "Benjamin", "Carla", "Dmitri", "Emma", "Farid", "Grace", "Henry", "José", "Zoë",
        "Łukasz", "美咲",
    ];
    const LAST: [&str; 12] = [
        "Anderson",
        "Brown",
        "Castillo",
        "Fernandez",
        "Johnson",
        "Martinez",
        "O'Neill",
        "Robinson",
        "Thompson",
        "Müller",
        "Grünwald",
        "Nakamura",
    ];
    // Escaped for JSON already.
    const HOUSE: [&str; 8] = [
        "Apt. 4",
        "Suite 210",
        "Unit 37",
        "\\\"The Elms\\\"",
        "2nd Floor",
        "c/o Reception",
        "Box 9\\nRear Entrance",
        "Building C",
    ];
    const STREET: [&str; 6] = [
        "Washington Avenue",
        "Maple Street",
        "Christopher Columbus Drive",
        "North Ridge Road",
        "Königstraße",
        "St. Mary's Close",
    ];
    const CITY: [&str; 6] = [
        "Springfield, IL",
        "Port Elizabeth, NJ",
        "San Bernardino, CA",
        "Minneapolis, MN",
        "Fayetteville, NC",
        "East Christinaland, WY",
    ];
    const COMPANY: [&str; 6] = [
        "Smith, Jones and Partners",
        "Northwind Traders Ltd",
        "Contoso Holdings",
        "Søren & Sons",
        "Reynolds-Whitaker Group",
        "Blue \\\"Harbor\\\" Logistics",
    ];
    const JOB: [&str; 6] = [
        "Senior Database Administrator",
        "Quality Assurance Engineer",
        "Chartered Accountant",
        "Public Relations Account Executive",
        "Teacher, secondary school",
        "Research Scientist",
    ];
    let mut person = Random::new(row.serial);
    let mut life = Random::new(row.serial << 16 | u64::from(row.version));
    let id = serde_json::Value::from(&*row.id);
    let age = 1 + person.below(400 * 86_400) as i64;
    format!(
        "{{\"id\":{id},\"name\":\"{} {}\",\"email\":\"user.{}.v{}@customers.mail.example.com\",\
         \"address\":\"{} {}, {}, {} {:05}-{:04}, United States\",\"company\":\"{}\",\"job\":\"{}\",\
         \"updatedAt\":\"{}\",\"createdAt\":\"{}\"}}",
        person.pick(&FIRST),
        person.pick(&LAST),
        row.serial,
        row.version,
        1 + life.below(9999),
        life.pick(&STREET),
        life.pick(&HOUSE),
        life.pick(&CITY),
        life.below(100_000),
        life.below(10_000),
        life.pick(&COMPANY),
        life.pick(&JOB),
        clock::rfc3339(row.updated),
        clock::rfc3339(row.created - age * SECOND),
    )
}
