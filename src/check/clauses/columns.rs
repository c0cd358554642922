//! Whether the declared columns take what came.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::{Finding, counted};
use crate::check::setting::{Fix, field, names, spelled};
use crate::check::survey::fields::{Column, value};
use crate::check::survey::json::shown;
use crate::config::{Connection, Field};
use crate::json;
use crate::types::Type;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let (connection, columns) = (case.connection, &case.survey.columns);
    if case.survey.rows().is_empty() {
        return None;
    }
    let top = columns.iter().filter(|column| column.path.len() == 1);
    let Some(declared) = &connection.columns else {
        let all = typed(connection, columns);
        let found = format!("{}, taken as they come", counted(all.len(), "field"));
        return Some(Finding::ok(Clause::Columns, found).fix(Some(Fix::Columns(all, true))));
    };
    if let Some(misfit) = misfit(case, declared) {
        return Some(misfit);
    }
    let absent = declared.iter().map(|(field, _)| field);
    let absent = absent.filter(|field| {
        let mut rows = case.survey.rows().iter();
        rows.all(|row| json::point(row, &field.path).is_none())
    });
    let absent: Vec<Field> = absent.cloned().collect();
    if !absent.is_empty() {
        let found = format!("declared, but in no row: {}", names(&absent));
        let fix = Fix::Columns(typed(connection, columns), true);
        return Some(Finding::warning(Clause::Columns, found).fix(Some(fix)));
    }
    let extra = top.filter(|column| {
        !declared
            .iter()
            .any(|(field, _)| field.path.first() == column.path.first())
    });
    let extra: Vec<Field> = extra.map(|column| field(&column.path)).collect();
    let found = format!("the types of {} fit", counted(declared.len(), "column"));
    Some(Finding::ok(
        Clause::Columns,
        match names(&extra) {
            extra if extra.is_empty() => found,
            extra => format!("{found}; CSV leaves out {extra}"),
        },
    ))
}

/// Each field at the top of a row with the type that fits it.
fn typed(connection: &Connection, columns: &[Column<'_>]) -> Vec<(Field, Type)> {
    let top = columns.iter().filter(|column| column.path.len() == 1);
    top.map(|column| {
        let field = field(&column.path);
        let key = connection.primary_key.contains(&field);
        let of_type = column.of_type(key, connection.cursor == field, &connection.since.format);
        (field, of_type)
    })
    .collect()
}

/// The first value that is not of its column's type, with the types that fit.
fn misfit(case: &Case<'_>, declared: &[(Field, Type)]) -> Option<Finding> {
    let (connection, format) = (case.connection, &case.connection.since.format);
    let (mut mended, mut first) = (Vec::new(), None);
    for (field, of_type) in declared {
        let key = connection.primary_key.contains(field);
        let misfit = case
            .survey
            .rows()
            .iter()
            .enumerate()
            .find_map(|(number, row)| {
                let raw = value(row, field)?;
                let wanted = of_type.check(raw, key, format).err()?;
                Some(format!(
                    "row {number}, {}: {wanted}, not {}",
                    spelled(field),
                    shown(raw)
                ))
            });
        if let Some(misfit) = misfit {
            first.get_or_insert(misfit);
            let mut columns = case.survey.columns.iter();
            let column = columns.find(|column| column.path == field.path);
            let fitting = column.map_or(Type::Json, |column| {
                column.of_type(key, connection.cursor == *field, format)
            });
            mended.push((field.clone(), fitting));
        }
    }
    let misfit = first?;
    let finding = if connection.reject_bad_rows {
        Finding::warning(Clause::Columns, misfit)
    } else {
        Finding::broken(Clause::Columns, misfit)
    };
    Some(finding.fix(Some(Fix::Columns(mended, false))))
}
