//! What a version of a row says, as one number, the same whether it stands in
//! NDJSON or in CSV, however its fields are ordered and its strings escaped;
//! and the time that it carries. It reads no file.

use std::collections::HashMap;

use super::hash::Hasher;
use crate::config::{Connection, Field};
use crate::json;
use crate::page::ignore;
use crate::table::{DELETED, SEQ, json_cell};
use crate::timestamp::{self, Format, Instant};
use crate::types::Type;

/// How many fields are known by their names. There is a limit because rows may
/// have a field of another name for each value.
const KNOWN: usize = 4096;

/// Fields that do not come from the API.
const ADDED: [&str; 3] = [SEQ, "_synced_at", DELETED];

/// The side whose rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Files,
    Api,
}

/// What is known of a field, by its name as it is written.
struct Known {
    spelled: Vec<u8>,
    name: String,
    /// The start of the numbers of its values.
    seed: u64,
    /// Whether the field does not count at all,
    left_out: bool,
    /// or which parts of it do not count.
    ignored: Vec<Vec<String>>,
    /// Whether the field holds a time: which one, and where in the field.
    time: Option<(usize, Vec<String>)>,
    /// Whether a string in this field keeps its quotes in CSV.
    json: bool,
    /// Which sides have the field,
    sides: [bool; 2],
    /// and whether it is a column of a CSV file.
    column: bool,
}

/// Reduces versions to numbers.
pub(super) struct Content {
    hasher: Hasher,
    /// Whether values are compared as the cells of a CSV file. There null,
    /// missing and empty are the same, and so are a number and its text.
    cells: bool,
    /// The declared columns, and those of them whose strings keep their quotes
    /// in CSV.
    declared: Vec<String>,
    json: Vec<String>,
    /// Whether there are no columns but the declared ones.
    only: bool,
    /// Columns that one side does not have.
    one_sided: Vec<String>,
    /// Fields that do not count, and fields of which only parts do not count.
    ignored: Vec<(String, Vec<String>)>,
    /// Where the cursor is, followed by the field that stands in for it.
    times: Vec<Vec<String>>,
    format: Format,
    known: Vec<Known>,
    numbers: HashMap<Vec<u8>, usize>,
    /// The fields of the last version, in its order.
    shape: Vec<usize>,
    /// The version that is being read: its fields so far, its number, its
    /// times, and whether the times are cells of a CSV file.
    fields: usize,
    sum: u64,
    found: [Vec<u8>; 2],
    in_cells: bool,
    side: Side,
    spare: Vec<u8>,
}

impl Content {
    /// Whether rows whose bytes differ in the files and in the API are, with
    /// few exceptions, different rows: no part is left out, and all rows are
    /// lines of NDJSON.
    pub(super) fn is_plain(&self) -> bool {
        !self.cells && self.ignored.is_empty()
    }

    /// How to compare what a connection's syncs write; `cells` where some of it
    /// is CSV.
    pub(super) fn new(connection: &Connection, cells: bool) -> Self {
        let columns = connection.columns.as_deref().unwrap_or_default();
        let column = |field: &Field| {
            let mut declared = columns.iter().map(|(column, _)| column);
            declared.any(|column| column.path == field.path)
        };
        let times = [Some(&connection.cursor), connection.since.fallback.as_ref()];
        let times = times
            .into_iter()
            .flatten()
            .map(|field| match column(field) {
                true => vec![field.name.clone()],
                false => field.path.clone(),
            });
        let names = |wanted: &dyn Fn(Type) -> bool| -> Vec<String> {
            let columns = columns.iter().filter(|(_, connection)| wanted(*connection));
            columns.map(|(field, _)| field.name.clone()).collect()
        };
        Self {
            hasher: Hasher::new(),
            cells,
            declared: names(&|_| true),
            json: names(&|connection| connection == Type::Json),
            only: cells && connection.columns.is_some(),
            one_sided: Vec::new(),
            ignored: ignored(connection),
            times: times.collect(),
            format: connection.since.format.clone(),
            known: Vec::new(),
            numbers: HashMap::new(),
            shape: Vec::new(),
            fields: 0,
            sum: 0,
            found: [Vec::new(), Vec::new()],
            in_cells: false,
            side: Side::Files,
            spare: Vec::new(),
        }
    }

    /// Begins a version.
    pub(super) fn begin(&mut self, side: Side) {
        (self.fields, self.sum, self.side) = (0, 0, side);
        self.found.iter_mut().for_each(Vec::clear);
    }

    /// The version's number.
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    /// The time that the version carries.
    pub(super) fn at(&self) -> Option<Instant> {
        self.found.iter().find_map(|raw| match raw.first()? {
            b'"' => read(&self.format, &json::text(raw), false),
            // A cell does not tell whether its value was a number.
            _ if self.in_cells => {
                let text = String::from_utf8_lossy(raw);
                let read = |number| read(&self.format, &text, number);
                read(false).or_else(|| read(true))
            }
            _ => read(&self.format, &json::text(raw), true),
        })
    }

    /// A number of bytes as they are.
    #[inline]
    pub(super) fn of_bytes(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash(0, bytes)
    }

    /// Takes a member of a row. Its name is given as it is written.
    #[inline]
    pub(super) fn take(&mut self, spelled: &[u8], raw: &[u8]) {
        let number = self.number(spelled);
        if let Some((time, path)) = &self.known[number].time {
            let found = json::point(raw, path).unwrap_or_default();
            self.found[*time].extend_from_slice(found);
        }
        self.in_cells = false;
        if self.known[number].left_out {
            return;
        }
        let added = self.value(number, raw);
        self.sum = self.sum.wrapping_add(added);
    }

    /// Takes a cell of a record. The name of its column is given without
    /// escapes.
    pub(super) fn take_cell(&mut self, name: &str, cell: &[u8]) {
        let number = match name.contains('\\') {
            // What looks like an escape here is none.
            true => self.number(name.replace('\\', "\\\\").as_bytes()),
            false => self.number(name.as_bytes()),
        };
        self.known[number].column = true;
        if cell.is_empty() {
            return;
        }
        let nested = json_cell(cell);
        if let Some((time, path)) = &self.known[number].time {
            let inside = nested.map(|nested| json::point(nested, path));
            let found = inside.map_or(cell, Option::unwrap_or_default);
            self.found[*time].extend_from_slice(found);
        }
        self.in_cells = true;
        if !self.known[number].left_out {
            let added = match nested {
                Some(nested) => self.nested(number, nested),
                None => self.hasher.hash(self.known[number].seed, cell),
            };
            self.sum = self.sum.wrapping_add(added);
        }
    }

    /// Leaves these columns out from here on.
    pub(super) fn leave_out(&mut self, names: Vec<String>) {
        for known in &mut self.known {
            known.left_out |= names.contains(&known.name);
        }
        self.one_sided.extend(names);
    }

    /// The declared columns that no row of the files has.
    pub(super) fn added(&self) -> Vec<String> {
        let declared = self.declared.iter();
        let declared = declared.filter(|name| !self.has(name, Side::Files));
        let some = self.known.iter().any(|known| known.sides[0]);
        let declared = declared.filter(|_| some && !self.is_full());
        declared.cloned().collect()
    }

    /// The fields that only the files have.
    pub(super) fn left(&self) -> Vec<String> {
        let known = self.known.iter().filter(|known| !known.left_out);
        let names = known.map(|known| &known.name);
        let left = names.filter(|name| !self.has(name, Side::Api) && !self.is_full());
        left.cloned().collect()
    }

    /// The columns of the files that are declared no more; they do not count.
    pub(super) fn dropped(&self) -> Vec<String> {
        let columns = self.known.iter().filter(|known| self.only && known.column);
        let names = columns.map(|known| &known.name);
        let dropped = names.filter(|name| !ADDED.contains(&&***name));
        let dropped = dropped.filter(|name| !self.declared.contains(name));
        dropped.cloned().collect()
    }

    /// Whether a side has a field of this name.
    fn has(&self, name: &str, side: Side) -> bool {
        let mut known = self.known.iter();
        known.any(|known| known.name == name && known.sides[side as usize])
    }

    /// Whether there are too many fields to say which side has them.
    fn is_full(&self) -> bool {
        self.known.len() >= KNOWN
    }

    /// The number of the field whose name is written like this. Its place in
    /// the last version is only the first guess.
    #[inline]
    fn number(&mut self, spelled: &[u8]) -> usize {
        let nth = self.fields;
        self.fields += 1;
        if let Some(number) = self.shape.get(nth) {
            let known = &mut self.known[*number];
            if known.spelled == spelled {
                known.sides[self.side as usize] = true;
                return *number;
            }
        }
        let number = match self.numbers.get(spelled) {
            Some(number) => *number,
            None => self.learn(spelled),
        };
        self.known[number].sides[self.side as usize] = true;
        match self.shape.get_mut(nth) {
            Some(guess) => *guess = number,
            None if nth < KNOWN => self.shape.push(number),
            None => {}
        }
        number
    }

    #[cold]
    fn learn(&mut self, spelled: &[u8]) -> usize {
        let name = json::unescape(spelled).into_owned();
        let ignored = self.ignored.iter().filter(|(ignored, _)| *ignored == name);
        let ignored: Vec<Vec<String>> = ignored.map(|(_, path)| path.clone()).collect();
        let time = self.times.iter().enumerate().find_map(|(at, path)| {
            let (first, rest) = path.split_first()?;
            (*first == name).then(|| (at, rest.to_vec()))
        });
        let known = Known {
            spelled: spelled.to_vec(),
            seed: self.hasher.hash(0, name.as_bytes()),
            left_out: ADDED.contains(&&*name)
                || self.only && !self.declared.contains(&name)
                || self.one_sided.contains(&name)
                || ignored.iter().any(Vec::is_empty),
            ignored,
            time,
            json: self.json.contains(&name),
            sides: [false; 2],
            column: false,
            name,
        };
        if self.is_full()
            && let Some(last) = self.known.last_mut()
        {
            self.numbers.remove(&last.spelled);
            *last = known;
        } else {
            self.known.push(known);
        }
        let number = self.known.len() - 1;
        self.numbers.insert(spelled.to_vec(), number);
        number
    }

    fn value(&mut self, number: usize, raw: &[u8]) -> u64 {
        let Known { seed, json, .. } = self.known[number];
        match raw {
            [b'{' | b'[', ..] => self.nested(number, raw),
            b"null" if self.cells => 0,
            [b'"', inner @ .., b'"'] if !(self.cells && json) => {
                match json::holds(inner, [b'\\']) {
                    [true] => self.text(number, json::unescape(inner).as_bytes()),
                    [false] => self.text(number, inner),
                }
            }
            raw => self.hasher.hash(seed, raw),
        }
    }

    /// A string that is not written as JSON in CSV.
    #[inline]
    fn text(&mut self, number: usize, text: &[u8]) -> u64 {
        let seed = self.known[number].seed;
        match self.cells {
            false => self.hasher.hash(seed ^ 1, text),
            true if text.is_empty() => 0,
            // A string that holds JSON is one cell with that JSON.
            true => match json_cell(text) {
                Some(nested) => self.nested(number, nested),
                None => self.hasher.hash(seed, text),
            },
        }
    }

    /// An object or a list, of which some parts may not count.
    fn nested(&mut self, number: usize, raw: &[u8]) -> u64 {
        let mut spare = std::mem::take(&mut self.spare);
        spare.clear();
        let Known { seed, ignored, .. } = &self.known[number];
        let paths: Vec<&[String]> = ignored.iter().map(|path| &path[..]).collect();
        match paths.is_empty() {
            true => json::compact(raw, &mut spare),
            false => ignore::compact(raw, &paths, &mut spare),
        }
        let hash = self.hasher.hash(*seed, &spare);
        self.spare = spare;
        hash
    }
}

fn read(format: &Format, text: &str, number: bool) -> Option<Instant> {
    // The text of a time that a declared column has rewritten in UTC.
    let utc = timestamp::parse(text).filter(|_| !number && text.ends_with('Z'));
    utc.or_else(|| format.read(text, number))
        .or_else(|| timestamp::parse(text))
}

/// Fields that do not count, by the names of the fields and columns that
/// contain them.
fn ignored(connection: &Connection) -> Vec<(String, Vec<String>)> {
    let mut ignored = Vec::new();
    for field in &connection.ignore {
        ignored.push((field.path[0].clone(), field.path[1..].to_vec()));
        for (column, _) in connection.columns.iter().flatten() {
            if let Some(inner) = field.path.strip_prefix(&column.path[..]) {
                ignored.push((column.name.clone(), inner.to_vec()));
            } else if column.path.starts_with(&field.path) {
                ignored.push((column.name.clone(), Vec::new()));
            }
        }
    }
    ignored
}
