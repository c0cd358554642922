//! Whether each row has a key of its own.

use std::collections::HashMap;

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::{Finding, counted};
use crate::check::setting::{Fix, candidates, spelled};
use crate::check::survey::fields::value;
use crate::check::survey::json::{is_scalar, shown};

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let (connection, rows) = (case.connection, case.survey.rows());
    if rows.is_empty() {
        return None;
    }
    let name = connection
        .primary_key
        .iter()
        .map(spelled)
        .collect::<Vec<_>>()
        .join(" + ");
    let keys = &case.survey.keys;
    let suggestion = keys.first().map(|key| Fix::Key(vec![key.clone()]));
    let others = candidates(keys, "fields that differ in every row");
    let broken =
        |found: String| Some(Finding::broken(Clause::Key, found + &others).fix(suggestion.clone()));
    for field in &connection.primary_key {
        let lacking = |row: &&&[u8]| !value(row, field).is_some_and(is_scalar);
        let lacking = rows.iter().filter(lacking).count();
        if lacking > 0 {
            let count = format!("{lacking} of {}", counted(rows.len(), "row"));
            let what = if rows.iter().any(|row| value(row, field).is_some()) {
                format!("{} is no string or number in {count}", spelled(field))
            } else {
                format!("no field {} in {count}", spelled(field))
            };
            return broken(what);
        }
    }
    let mut met: HashMap<Vec<&[u8]>, usize> = HashMap::new();
    for (number, row) in rows.iter().enumerate() {
        let key: Vec<&[u8]> = connection
            .primary_key
            .iter()
            .filter_map(|field| value(row, field))
            .collect();
        let text = key.first().map_or_else(String::new, |raw| shown(raw));
        if let Some(before) = met.insert(key, number) {
            return broken(format!(
                "{name} is the same in rows {before} and {number}: {text}"
            ));
        }
    }
    Some(if rows.len() > 1 {
        let found = format!("{name} is in each row, and no two are the same");
        Finding::ok(Clause::Key, found)
    } else {
        let found = format!("{name} is there; a second row would show whether it tells rows apart");
        Finding::unseen(Clause::Key, found)
    })
}
