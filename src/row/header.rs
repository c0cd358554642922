//! The header of a CSV file. Where no columns are declared it grows: it has the
//! fields that were met so far, in the order in which they were met, over all
//! syncs of the table. It never drops a field and never changes their order.

use std::ops::Range;

use crate::config::Field;
use crate::error::Result;
use crate::json;
use crate::page::View;
use crate::row::metadata::{self, Metadata, STAMPS, Stamp};
use crate::row::{Encoder, FileFormat, csv};
use crate::timestamp::Instant;
use crate::types::Type;

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) field: Field,
    /// The type for which its values are checked.
    pub(super) of: Option<Type>,
    /// The column is added, and not from the row.
    pub(super) stamp: Option<Stamp>,
}

impl Column {
    /// A declared one.
    pub(super) fn of(field: &Field, of: Type) -> Self {
        Self {
            field: field.clone(),
            of: Some(of),
            stamp: None,
        }
    }

    /// A field that was met.
    fn met(name: &str) -> Self {
        Self {
            field: Field {
                name: name.to_owned(),
                path: vec![name.to_owned()],
            },
            of: None,
            stamp: None,
        }
    }

    /// One that is added.
    fn added(stamp: Stamp) -> Self {
        Self {
            stamp: Some(stamp),
            ..Self::met(stamp.name())
        }
    }
}

/// Appends the header.
pub(super) fn write<'a>(columns: impl Iterator<Item = &'a Column>, out: &mut Vec<u8>) {
    for column in columns {
        csv::field(column.field.name.as_bytes(), out);
        out.push(b',');
    }
    csv::end(out);
}

impl Encoder {
    /// Takes up a header that a state has; it counts where no columns are
    /// declared.
    #[must_use]
    pub fn with_header(mut self, names: Option<&[String]>) -> Self {
        if self.growing {
            self.columns = names.map(|names| names.iter().map(|name| Column::met(name)).collect());
        }
        self
    }

    /// Adds `_seq`, which goes on after `last`, and `_synced_at` to each row.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] where a declared column is called so.
    pub fn with_metadata(mut self, last: u64, now: Instant) -> Result<Self> {
        self.metadata = Some(Metadata::new(last, now));
        if self.growing {
            let known = self.columns.iter_mut().flatten();
            known.for_each(|column| column.stamp = Stamp::named(&column.field.name));
            return Ok(self);
        }
        if let Some(columns) = &mut self.columns {
            metadata::check(columns.iter().map(|column| &*column.field.name))?;
            if self.format == FileFormat::Csv {
                columns.extend(STAMPS.map(Column::added));
            }
        }
        Ok(self)
    }

    /// The time of the rows from here on.
    pub fn set_time(&mut self, now: Instant) {
        if let Some(metadata) = &mut self.metadata {
            metadata.set_time(now);
        }
    }

    /// The header's names.
    pub(super) fn names(&self) -> Vec<String> {
        let columns = self.columns.iter().flatten();
        columns.map(|column| column.field.name.clone()).collect()
    }

    /// Takes those fields of these rows into the header that are not in it. A
    /// header that was written already then has to be written anew.
    pub(super) fn grow(&mut self, page: &View<'_>, rows: &[Range<usize>]) {
        let columns = self.columns.get_or_insert_default();
        let before = columns.len();
        for row in rows.iter().cloned().flatten() {
            let (number, shape) = page.shape(row);
            if self.plans.get(number).is_some_and(Option::is_some) {
                continue;
            }
            for key in &shape.keys {
                let name = json::unescape(key);
                if columns.iter().all(|column| column.field.name != name) {
                    columns.push(Column::met(&name));
                }
            }
        }
        let some = rows.iter().any(|rows| !rows.is_empty());
        if self.metadata.is_some() && some && columns.iter().all(|column| column.stamp.is_none()) {
            columns.extend(STAMPS.map(Column::added));
        }
        if columns.len() == before {
            return;
        }
        self.plans.clear();
        if !self.header {
            self.header = true;
            self.lead.field = columns.get(before).map(|column| column.field.name.clone());
        }
    }
}
