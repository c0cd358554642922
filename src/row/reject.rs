//! Rows that are set aside: one line of JSON each, with the reason. It does not
//! decide which rows, and it writes no row twice that nothing else remembers.

use super::Encoder;
use super::plan::Misfit;
use crate::error::{Error, Result};
use crate::hash::{FNV, fnv};
use crate::json;
use crate::page::View;

impl Encoder {
    /// Sets the rows aside that have no timestamp, each once a sync.
    #[cold]
    pub(super) fn unplaced(&mut self, page: &View<'_>, rejects: &mut Vec<u8>) -> u64 {
        let mut count = 0;
        for odd in page.all_odd().iter().filter(|odd| !odd.shown) {
            let raw = odd.span.of(page.body());
            if self.met.insert(fnv(FNV, raw)) {
                append(&odd.reason, &odd.field, raw, rejects);
                count += 1;
            }
        }
        count
    }

    pub(super) fn reject(
        &self,
        page: &View<'_>,
        row: usize,
        misfit: &Misfit,
        rejects: &mut Vec<u8>,
    ) -> Result<()> {
        let Misfit { field, reason } = misfit;
        if !self.set_aside {
            return Err(Error::contract(reason)
                .at(format_args!("{}, field {field:?}", page.place(row)))
                .hint("declare the column's type as the API sends it, or set such rows aside with \"on_bad_row\": \"reject\" in the connection file"));
        }
        append(reason, field, page.raw(row), rejects);
        Ok(())
    }
}

/// Appends a line to the rejects. A row that is not JSON is written as text.
pub(super) fn append(reason: &str, field: &str, raw: &[u8], rejects: &mut Vec<u8>) {
    let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let (reason, field) = (quote(reason), quote(field));
    rejects
        .extend_from_slice(format!("{{\"reason\":{reason},\"field\":{field},\"row\":").as_bytes());
    if json::value(raw, 0, 1) == Ok(raw.len()) {
        json::compact(raw, rejects);
    } else {
        rejects.extend_from_slice(quote(&String::from_utf8_lossy(raw)).as_bytes());
    }
    rejects.extend_from_slice(b"}\n");
}
