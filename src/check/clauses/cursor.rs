//! Whether each row has a timestamp that can be read.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::{Finding, counted};
use crate::check::setting::{Fix, candidates, spelled};
use crate::check::survey::fields::{reads, value};
use crate::check::survey::json::shown;
use crate::check::survey::stamp::{Stamp, format_of, stamp};
use crate::config::Field;

/// The timestamps that rows have.
pub(super) fn values<'a>(case: &'a Case<'_>) -> Vec<&'a [u8]> {
    let connection = case.connection;
    let rows = case.survey.rows().iter();
    rows.filter_map(|row| {
        let fallback = connection.since.fallback.as_ref();
        value(row, &connection.cursor).or_else(|| value(row, fallback?))
    })
    .collect()
}

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let (connection, rows) = (case.connection, case.survey.rows());
    if rows.is_empty() {
        return None;
    }
    let name = spelled(&connection.cursor);
    let found = case.survey.cursors.iter();
    let fields: Vec<Field> = found.map(|(field, _)| field.clone()).collect();
    let suggestion = fields.first().map(|field| Fix::Cursor(field.clone()));
    let others = candidates(&fields, "fields that hold timestamps");
    let broken = |found: String| {
        Some(Finding::broken(Clause::Cursor, found + &others).fix(suggestion.clone()))
    };
    let values = values(case);
    if values.len() < rows.len() {
        let count = format!(
            "{} of {}",
            rows.len() - values.len(),
            counted(rows.len(), "row")
        );
        if connection.reject_bad_rows && !values.is_empty() {
            let found = format!("no field {name} in {count}, which are set aside");
            return Some(Finding::warning(Clause::Cursor, found));
        }
        return broken(format!("no field {name} in {count}"));
    }
    let lower = name.to_lowercase();
    if let Some(bad) = values
        .iter()
        .find(|raw| !reads(raw, &connection.since.format))
    {
        let naive = matches!(stamp(bad, &lower), Some(Stamp::Naive | Stamp::Date));
        let Some(format) = format_of(&values).filter(|_| naive) else {
            return broken(format!("{name} is no timestamp: {}", shown(bad)));
        };
        let found = format!("{name} has no offset from UTC: {}", shown(bad));
        return Some(
            Finding::broken(Clause::Cursor, found)
                .fix(Some(Fix::Format(format)))
                .remedy("where these are times in UTC"),
        );
    }
    let spelling = values.iter().find_map(|raw| stamp(raw, &lower));
    let read = match spelling {
        Some(Stamp::Naive) if connection.since.format.is_local() => {
            "is read in the zone of since.zone"
        }
        Some(Stamp::Naive) => "is read as UTC, as since.format has it",
        _ => "is a timestamp in each row",
    };
    Some(Finding::ok(Clause::Cursor, format!("{name} {read}")))
}
