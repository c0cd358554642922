//! From a row to a line: which member goes where, worked out once for each
//! shape, with the bytes copied as they came. It does not know files.

pub(crate) mod csv;
mod header;
mod metadata;
mod ndjson;
mod plan;
mod reject;

use std::collections::HashSet;
use std::ops::Range;

use crate::config::Connection;
use crate::error::Result;
use crate::json;
use crate::page::View;
use crate::timestamp::Format;
use crate::types::{Type, Value};
use header::Column;
use metadata::Metadata;
pub(crate) use metadata::{STAMPS, stamps};
use plan::{Misfit, Plan};

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

/// What a state keeps of how rows were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lead {
    /// The last `_seq` that was given so far.
    pub seq: u64,
    /// The header that the lines begin with, where it is not one of declared
    /// columns: a file that has another one already is not for them.
    pub header: Option<Vec<String>>,
    /// The first field that the header before it did not have.
    pub field: Option<String>,
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
    pub fn new(format: FileFormat, connection: &Connection) -> Self {
        Self {
            format,
            times: connection.since.format.clone(),
            keys: connection
                .primary_key
                .iter()
                .map(|field| field.path.clone())
                .collect(),
            columns: connection.columns.as_ref().map(|columns| {
                let typed = columns.iter();
                typed
                    .map(|(field, connection)| Column::of(field, *connection))
                    .collect()
            }),
            growing: format == FileFormat::Csv && connection.columns.is_none(),
            metadata: None,
            plans: Vec::new(),
            generation: 0,
            dropped: Vec::new(),
            spare: Vec::new(),
            header: format == FileFormat::Csv,
            lead: Lead::default(),
            set_aside: connection.reject_bad_rows,
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
}
