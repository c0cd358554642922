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
    /// Whether nothing is missing and nothing deleted.
    pub alike_all: bool,
    /// Rows that the files have.
    pub files: u64,
    /// Rows that the walk has met.
    pub api: u64,
    /// Rows that are the same in both.
    pub alike: u64,
    /// Rows that the files lack, or have in another version.
    pub missing: u64,
    /// Those of them that were never delivered.
    pub never: u64,
    /// Rows that the files have and the API does not.
    pub deleted: u64,
    /// Rows that differ and are too young to be judged.
    pub young: u64,
    /// Rows with a fault, which syncs set aside: they are not compared.
    pub set_aside: u64,
    /// Columns that are declared and in no file; they are not compared.
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
    /// What was written, where it was to be.
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
        let Self {
            table,
            files,
            api,
            seconds,
            requests,
            ..
        } = self;
        let mut out = format!(
            "{}: {files} rows in the files, {api} in the API ({requests} requests, {seconds} s)\n",
            excerpt(table)
        );
        let never = format!(
            "{} never delivered, {} in another version",
            self.never,
            self.missing - self.never
        );
        let kinds = [
            ("alike", self.alike, "", &[][..]),
            (
                "missing",
                self.missing,
                if self.missing > 0 { &*never } else { "" },
                &self.missing_ids,
            ),
            (
                "deleted",
                self.deleted,
                if self.deleted > 0 {
                    "in the files, not in the API"
                } else {
                    ""
                },
                &self.deleted_ids,
            ),
            (
                "young",
                self.young,
                if self.young > 0 {
                    "changed too recently to be judged"
                } else {
                    ""
                },
                &self.young_ids,
            ),
        ];
        for (name, count, what, ids) in kinds {
            let line = format!("  {name:<8} {count:>10}  {what}");
            out += line.trim_end();
            out.push('\n');
            if !ids.is_empty() {
                let ids: Vec<_> = ids.iter().map(|id| excerpt(id)).collect();
                let more = if count > ids.len() as u64 {
                    ", ..."
                } else {
                    ""
                };
                out += &format!("{:23}{}{more}\n", "", ids.join(", "));
            }
        }
        if self.set_aside > 0 {
            out += &format!(
                "  {:<8} {:>10}  rows with a fault, not compared\n",
                "aside", self.set_aside
            );
        }
        let names = |names: &[String]| -> String {
            let names: Vec<_> = names.iter().map(|name| excerpt(name)).collect();
            names.join(", ")
        };
        if !self.columns_added.is_empty() {
            out += &format!(
                "  declared after the files were written, not compared: {}\n",
                names(&self.columns_added)
            );
        }
        if !self.columns_left.is_empty() {
            out += &format!(
                "  in the files and in no row of the API, not compared: {}\n",
                names(&self.columns_left)
            );
        }
        if let Some(Repaired {
            file,
            files,
            rows,
            deleted,
            held_back,
        }) = &self.repaired
        {
            let file = match (&files[..], file) {
                ([], None) => "nothing to write".to_owned(),
                ([], Some(file)) => file.clone(),
                (files, _) => files.join(", "),
            };
            out += &format!("  repaired: {rows} rows and {deleted} deletions, {file}\n");
            if *held_back {
                out += "  more than half of the rows are gone: none is deleted without --yes\n";
            }
        }
        out
    }

    /// Whether the files are as the API is, or were made so.
    ///
    /// # Errors
    /// [`crate::error::Kind::Differs`], quietly, where they are not.
    pub fn verdict(&self) -> Result<()> {
        let mended = self.repaired.as_ref();
        if self.alike_all || mended.is_some_and(|repaired| !repaired.held_back) {
            Ok(())
        } else {
            Err(Error::differs())
        }
    }
}
