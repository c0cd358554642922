//! From a row to a line: which member goes where, worked out once for each
//! shape, with the bytes copied as they came. It does not know files.

pub(crate) mod csv;
mod header;
mod metadata;
mod reject;

use std::collections::HashSet;
use std::ops::Range;

use crate::config::Connection;
use crate::error::{Result, excerpt};
use crate::json;
use crate::page::{Member, Shape, View};
use crate::sink::Lead;
use crate::timestamp::Format;
use crate::types::{Type, Value};
use header::Column;
use metadata::{Metadata, Stamp};
pub(crate) use metadata::{STAMPS, stamps};

/// The output's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileFormat {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// RFC 4180 with a header.
    Csv,
}

impl FileFormat {
    /// The files' extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Why a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Misfit {
    field: String,
    reason: String,
}

/// One step in writing a row of a known shape.
#[derive(Debug)]
struct Part {
    /// Written in front of the value: NDJSON's comma, name and colon.
    lead: Vec<u8>,
    /// Which member it is; None where the shape has no such member.
    member: Option<usize>,
    /// The way down inside the member.
    path: Vec<String>,
    check: Option<Type>,
    key: bool,
    name: String,
    /// The part is added, and not from the row.
    stamp: Option<Stamp>,
}

/// How the rows of one shape are written.
#[derive(Debug)]
struct Plan {
    parts: Vec<Part>,
    /// The parts are the members as they come, so that a row without blanks and
    /// without a value to be rewritten can be copied as a whole.
    straight: bool,
}

/// Writes rows as lines.
pub struct Encoder {
    format: FileFormat,
    times: Format,
    keys: Vec<Vec<String>>,
    columns: Option<Vec<Column>>,
    /// Whether the columns are the fields that were met so far.
    growing: bool,
    /// What is added to each row.
    metadata: Option<Metadata>,
    /// A plan for each shape, of the page's generation of shapes.
    plans: Vec<Option<Plan>>,
    generation: u64,
    /// Fields without a column, for which CSV has no place.
    dropped: Vec<String>,
    /// A nested value without its blanks.
    spare: Vec<u8>,
    /// Whether the header still has to be written.
    header: bool,
    /// What the state is to know of the lines.
    lead: Lead,
    set_aside: bool,
    /// Rows without a timestamp that were set aside: they are met again
    /// wherever pages overlap, and nothing else remembers them.
    met: HashSet<u64>,
}

impl Encoder {
    /// An encoder for a connection's columns.
    pub fn new(format: FileFormat, of: &Connection) -> Self {
        Self {
            format,
            times: of.since.format.clone(),
            keys: of
                .primary_key
                .iter()
                .map(|field| field.path.clone())
                .collect(),
            columns: of.columns.as_ref().map(|columns| {
                let typed = columns.iter();
                typed.map(|(field, of)| Column::of(field, *of)).collect()
            }),
            growing: format == FileFormat::Csv && of.columns.is_none(),
            metadata: None,
            plans: Vec::new(),
            generation: 0,
            dropped: Vec::new(),
            spare: Vec::new(),
            header: format == FileFormat::Csv,
            lead: Lead::default(),
            set_aside: of.reject_bad_rows,
            met: HashSet::new(),
        }
    }

    /// Appends the lines of these rows to `lines`, in CSV before the first
    /// one the header; rows that do not fit go to `rejects`, with the reason
    /// and the raw row, where the connection says so, and with them the rows
    /// of the page that have no timestamp. Answers how many of these rows were
    /// written, and how many rows were set aside.
    ///
    /// # Errors
    /// [`crate::error::Kind::Contract`] for the first row that does not fit,
    /// where such rows are not to be set aside.
    pub fn encode(
        &mut self,
        page: &View<'_>,
        rows: &[Range<usize>],
        lines: &mut Vec<u8>,
        rejects: &mut Vec<u8>,
    ) -> Result<(u64, u64)> {
        if self.generation != page.generation() {
            self.generation = page.generation();
            self.plans.clear();
        }
        self.lead = Lead::default();
        if self.growing {
            self.grow(page, rows);
        }
        let (start, begins) = (lines.len(), self.header);
        if begins {
            header::write(self.columns.iter().flatten(), lines);
        }
        let (mut kept, mut set_aside) = (0, 0);
        if page.skipped() > 0 {
            set_aside += self.unplaced(page, rejects);
        }
        let none_odd = page.all_odd().is_empty();
        let body = lines.len();
        for row in rows.iter().cloned().flatten() {
            if !none_odd && let Some(odd) = page.odd(row) {
                reject::append(&odd.reason, &odd.field, page.raw(row), rejects);
                set_aside += 1;
                continue;
            }
            let plan = self.plan_of(page, row)?;
            let start = lines.len();
            let written = match self.format {
                FileFormat::Ndjson => self.object(page, row, plan, lines),
                FileFormat::Csv => self.record(page, row, plan, lines),
            };
            if let Err(misfit) = written {
                lines.truncate(start);
                self.reject(page, row, &misfit, rejects)?;
                set_aside += 1;
                continue;
            }
            if let Some(metadata) = &mut self.metadata {
                metadata.seq = metadata.seq.saturating_add(1);
            }
            kept += 1;
        }
        if lines.len() == body {
            // A header alone does not make a file.
            lines.truncate(start);
        } else if begins {
            self.header = false;
            self.lead.header = self.growing.then(|| self.names());
        }
        self.lead.seq = self.metadata.as_ref().map_or(0, |metadata| metadata.seq);
        Ok((kept, set_aside))
    }

    /// What the state is to know of the lines that were encoded last.
    pub fn lead(&self) -> Lead {
        self.lead.clone()
    }

    /// The number of the plan for a row, which is that of its shape.
    #[inline]
    fn plan_of(&mut self, page: &View<'_>, row: usize) -> Result<usize> {
        let (number, shape) = page.shape(row);
        if self.plans.get(number).is_some_and(Option::is_some) {
            return Ok(number);
        }
        if self.plans.len() <= number {
            self.plans.resize_with(number + 1, || None);
        }
        self.plans[number] = Some(
            self.plan(shape)
                .map_err(|error| error.at(page.place(row)))?,
        );
        Ok(number)
    }

    fn object(
        &mut self,
        page: &View<'_>,
        row: usize,
        plan: usize,
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Misfit> {
        let Some(Some(plan)) = self.plans.get_mut(plan) else {
            return Ok(());
        };
        let members = page.members(row);
        if plan.straight && is_compact(members, page.raw(row)) {
            if plan.is_as_sent(members, page.body(), &self.times)? {
                out.extend_from_slice(page.raw(row));
                if let Some(metadata) = &self.metadata {
                    // It replaces the brace at the end.
                    out.pop();
                    for part in &plan.parts[members.len()..] {
                        out.extend_from_slice(&part.lead);
                        let stamp = part.stamp.into_iter();
                        stamp.for_each(|stamp| metadata.write(stamp, "\"", out));
                    }
                    out.push(b'}');
                }
                out.push(b'\n');
                return Ok(());
            }
            // What is rewritten in one row will be rewritten in the next.
            plan.straight = false;
        }
        let start = out.len();
        for part in &plan.parts {
            if let (Some(stamp), Some(metadata)) = (part.stamp, &self.metadata) {
                out.extend_from_slice(&part.lead);
                metadata.write(stamp, "\"", out);
                continue;
            }
            let Some(raw) = part.raw(members, page.body()) else {
                continue;
            };
            let value = part.checked(raw, &self.times)?;
            out.extend_from_slice(&part.lead);
            match value {
                Value::Raw(raw) => json::compact(raw, out),
                Value::Bare(text) => out.extend_from_slice(text.as_bytes()),
                Value::Text(text) => {
                    out.push(b'"');
                    out.extend_from_slice(text.as_bytes());
                    out.push(b'"');
                }
            }
        }
        // Every part begins with a comma; the comma of the first one becomes
        // the brace.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    fn record(
        &mut self,
        page: &View<'_>,
        row: usize,
        plan: usize,
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Misfit> {
        let Some(Some(plan)) = self.plans.get(plan) else {
            return Ok(());
        };
        let members = page.members(row);
        for part in &plan.parts {
            if let (Some(stamp), Some(metadata)) = (part.stamp, &self.metadata) {
                metadata.write(stamp, "", out);
                out.push(b',');
                continue;
            }
            match part.raw(members, page.body()) {
                None | Some(b"null") => {}
                Some(raw) => match part.checked(raw, &self.times)? {
                    Value::Raw([b'"', inner @ .., b'"']) if part.check != Some(Type::Json) => {
                        csv::string(inner, out);
                    }
                    Value::Raw(raw @ [b'{' | b'[', ..]) => {
                        self.spare.clear();
                        json::compact(raw, &mut self.spare);
                        csv::field(&self.spare, out);
                    }
                    Value::Raw(raw) => csv::field(raw, out),
                    Value::Bare(text) | Value::Text(text) => csv::field(text.as_bytes(), out),
                },
            }
            out.push(b',');
        }
        csv::end(out);
        Ok(())
    }

    /// Works out how each member of a shape is written.
    fn plan(&mut self, shape: &Shape) -> Result<Plan> {
        let names: Vec<String> = shape
            .keys
            .iter()
            .map(|key| json::unescape(key).into_owned())
            .collect();
        if self.metadata.is_some() {
            metadata::check(names.iter().map(String::as_str))?;
        }
        let mut parts = Vec::new();
        let mut taken = vec![false; names.len()];
        for Column { field, of, stamp } in self.columns.iter().flatten() {
            let member = names
                .iter()
                .position(|name| Some(name) == field.path.first());
            if let (Some(member), 1) = (member, field.path.len()) {
                taken[member] = true;
            }
            parts.push(Part {
                lead: lead(&serde_json::to_string(&field.name).unwrap_or_default()),
                member,
                path: field.path.get(1..).unwrap_or_default().to_vec(),
                check: *of,
                key: self.keys.contains(&field.path),
                name: field.name.clone(),
                stamp: *stamp,
            });
        }
        for (member, key) in shape.keys.iter().enumerate() {
            if taken[member] {
                continue;
            }
            if self.format == FileFormat::Csv {
                let whole = self
                    .columns
                    .iter()
                    .flatten()
                    .all(|column| column.field.path[0] != names[member]);
                if whole && !self.dropped.contains(&names[member]) && self.dropped.len() < 1000 {
                    log::warn!(
                        "the field {:?} has no column and is not in the CSV; declare it in \"columns\", or write ndjson",
                        excerpt(&names[member])
                    );
                    self.dropped.push(names[member].clone());
                }
                continue;
            }
            parts.push(Part {
                lead: lead(&format!("\"{}\"", String::from_utf8_lossy(key))),
                member: Some(member),
                path: Vec::new(),
                check: None,
                key: false,
                name: names[member].clone(),
                stamp: None,
            });
        }
        let own = parts.len();
        if self.metadata.is_some() && self.format == FileFormat::Ndjson {
            parts.extend(STAMPS.map(Part::added));
        }
        let whole = |(at, part): (usize, &Part)| part.member == Some(at) && part.path.is_empty();
        let straight = own == names.len() && parts[..own].iter().enumerate().all(whole);
        Ok(Plan { straight, parts })
    }
}

/// Whether a row consists of nothing but its tokens.
fn is_compact(members: &[Member], raw: &[u8]) -> bool {
    // A member's quotes, colon, and the comma or brace before it.
    let tokens = members
        .iter()
        .map(|Member { key, value }| 4 + key.len() + value.len());
    tokens.sum::<usize>() + 1 == raw.len()
}

impl Plan {
    /// Checks a row's values, none of which is nested or rewritten.
    fn is_as_sent(
        &self,
        members: &[Member],
        body: &[u8],
        times: &Format,
    ) -> std::result::Result<bool, Misfit> {
        for (part, member) in self.parts.iter().zip(members) {
            let raw = member.value.of(body);
            if matches!(raw.first(), Some(b'{' | b'['))
                || !matches!(part.checked(raw, times)?, Value::Raw(_))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn lead(name: &str) -> Vec<u8> {
    format!(",{name}:").into_bytes()
}

impl Part {
    /// One that is added.
    fn added(stamp: Stamp) -> Self {
        Self {
            lead: lead(&format!("\"{}\"", stamp.name())),
            member: None,
            path: Vec::new(),
            check: None,
            key: false,
            name: stamp.name().to_owned(),
            stamp: Some(stamp),
        }
    }

    #[inline]
    fn raw<'a>(&self, members: &[Member], body: &'a [u8]) -> Option<&'a [u8]> {
        let raw = members.get(self.member?)?.value.of(body);
        if self.path.is_empty() {
            return Some(raw);
        }
        json::point(raw, &self.path)
    }

    #[inline]
    fn checked<'a>(&self, raw: &'a [u8], times: &Format) -> std::result::Result<Value<'a>, Misfit> {
        match self.check {
            Some(check) if !check.passes(raw, times) => self.examined(check, raw, times),
            _ => Ok(Value::Raw(raw)),
        }
    }

    fn examined<'a>(
        &self,
        check: Type,
        raw: &'a [u8],
        times: &Format,
    ) -> std::result::Result<Value<'a>, Misfit> {
        check.check(raw, self.key, times).map_err(|wanted| Misfit {
            field: self.name.clone(),
            reason: format!(
                "{} {wanted}: {}",
                check.name(),
                excerpt(&String::from_utf8_lossy(raw))
            ),
        })
    }
}
