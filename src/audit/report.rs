//! What an audit found, as a table for people and as a line for machines.

use serde::Serialize;

use super::repair::Repaired;
use crate::error::{Error, Result, excerpt};

/// How many ids of each kind are named.
pub(super) const NAMED: usize = 10;

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The table's name.
    pub table: String,
    /// Whether nothing is missing, and every row of the files was met.
    pub alike_all: bool,
    /// Rows that the files have.
    pub files: u64,
    /// Rows that the walk has met.
    pub api: u64,
    /// Rows that are the same on both sides.
    pub alike: u64,
    /// Rows that the files lack, or have in another version.
    pub missing: u64,
    /// Those of them that were never delivered.
    pub never: u64,
    /// Rows that the files have and the API does not.
    pub deleted: u64,
    /// Rows that differ and are too young to be judged.
    pub young: u64,
    /// Those of them that the walk has not met, though they are not young: the
    /// table changes too often, or a row without a key may be one of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub unmet: u64,
    /// Rows with a fault, which syncs set aside. They are not compared.
    pub set_aside: u64,
    /// Columns that are declared but in no file. They are not compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns_added: Vec<String>,
    /// Fields that are in the files and in no row of the API; where rows
    /// differed by them, they are not compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns_left: Vec<String>,
    /// Up to ten ids of each kind.
    pub missing_ids: Vec<String>,
    /// See `missing_ids`.
    pub deleted_ids: Vec<String>,
    /// See `missing_ids`.
    pub young_ids: Vec<String>,
    /// What was written, where a repair was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repaired>,
    /// Requests sent, failures included.
    pub requests: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// The report as it is printed.
    pub fn show(&self, json: bool) -> String {
        if json {
            return serde_json::to_string(self).unwrap_or_default() + "\n";
        }
        let (table, files, api) = (excerpt(&self.table), self.files, self.api);
        let (requests, seconds) = (self.requests, self.seconds);
        let mut out = format!(
            "{table}: {files} rows in the files, {api} in the API ({requests} requests, {seconds} s)\n"
        );
        let older = self.missing - self.never;
        let never = format!("{} never delivered, {older} in another version", self.never);
        let unmet = format!("not to be judged, {} of them not met", self.unmet);
        let kinds = [
            ("alike", self.alike, "", &[][..]),
            ("missing", self.missing, &*never, &self.missing_ids),
            (
                "deleted",
                self.deleted,
                "in the files, not in the API",
                &self.deleted_ids,
            ),
            (
                "young",
                self.young,
                if self.unmet > 0 {
                    &*unmet
                } else {
                    "changed too recently to be judged"
                },
                &self.young_ids,
            ),
        ];
        for (name, count, what, ids) in kinds {
            let what = if count > 0 { what } else { "" };
            let line = format!("  {name:<8} {count:>10}  {what}");
            out += line.trim_end();
            out.push('\n');
            if !ids.is_empty() {
                let more = if count > ids.len() as u64 {
                    ", ..."
                } else {
                    ""
                };
                out += &format!("{:23}{}{more}\n", "", named(ids));
            }
        }
        out + &self.notes()
    }

    /// The remaining remarks.
    fn notes(&self) -> String {
        let mut out = String::new();
        if self.set_aside > 0 {
            let count = self.set_aside;
            out += &format!(
                "  {:<8} {count:>10}  rows with a fault, not compared\n",
                "aside"
            );
        }
        for (columns, what) in [
            (&self.columns_added, "declared after the files were written"),
            (&self.columns_left, "in the files and in no row of the API"),
        ] {
            if !columns.is_empty() {
                out += &format!("  {what}, not compared: {}\n", named(columns));
            }
        }
        if let Some(repaired) = &self.repaired {
            let (rows, deleted) = (repaired.rows, repaired.deleted);
            let file = match (&repaired.files[..], &repaired.file) {
                ([], None) => "nothing to write".to_owned(),
                ([], Some(file)) => file.clone(),
                (files, _) => files.join(", "),
            };
            out += &format!("  repaired: {rows} rows and {deleted} deletions, {file}\n");
            if repaired.held_back {
                out += "  more than half of the rows are gone: none is deleted without --yes\n";
            }
        }
        out
    }

    /// Whether the files are as the API is, or were made so.
    ///
    /// # Errors
    /// [`crate::error::Kind::Differs`] without a message, where they are not.
    pub fn verdict(&self) -> Result<()> {
        let mended = self.repaired.as_ref();
        let mended = mended.is_some_and(|repaired| !repaired.held_back && self.unmet == 0);
        if self.alike_all || mended {
            Ok(())
        } else {
            Err(Error::differs())
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Names, each of which may hold any character.
fn named(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| excerpt(name)).collect();
    names.join(", ")
}
