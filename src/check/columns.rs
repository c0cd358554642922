//! Judging an answer's columns by their declared types, and the places where
//! it tells the total and the offset. It asks nothing.

use crate::config::{Connection, Field, Place};
use crate::error::excerpt;
use crate::json;
use crate::types::Type;

use super::ask::Answer;
use super::find::{self, Column, shown};
use super::fix::{Fix, field, spelled};
use super::guess;
use super::report::Check;
use super::shape::{counted, value};

/// Whether the declared columns take what came.
pub(super) fn types(of: &Connection, rows: &[&[u8]], columns: &[Column<'_>]) -> Check {
    let format = &of.since.format;
    let top = columns.iter().filter(|column| column.path.len() == 1);
    let Some(declared) = &of.columns else {
        let all = top.map(|column| {
            let field = field(&column.path);
            let key = of.primary_key.contains(&field);
            let cursor = of.cursor == field;
            (field, column.of_type(key, cursor, format))
        });
        let all: Vec<(Field, Type)> = all.collect();
        let found = format!("{}, taken as they come", counted(all.len(), "field"));
        return Check::ok("columns", found).fix(Some(Fix::Columns(all, true)));
    };
    let mut mended = Vec::new();
    let mut first = None;
    for (field, of_type) in declared {
        let key = of.primary_key.contains(field);
        let misfit = rows.iter().enumerate().find_map(|(number, row)| {
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
            let column = columns.iter().find(|column| column.path == field.path);
            let fitting = column.map_or(Type::Json, |column| {
                column.of_type(key, of.cursor == *field, format)
            });
            mended.push((field.clone(), fitting));
        }
    }
    if let Some(misfit) = first {
        let check = if of.reject_bad_rows {
            Check::warning("columns", misfit)
        } else {
            Check::broken("columns", misfit)
        };
        return check.fix(Some(Fix::Columns(mended, false)));
    }
    let absent = declared.iter().map(|(field, _)| field);
    let absent = absent.filter(|field| {
        rows.iter()
            .all(|row| json::point(row, &field.path).is_none())
    });
    let absent: Vec<Field> = absent.cloned().collect();
    if !absent.is_empty() {
        let all = top.map(|column| {
            let field = field(&column.path);
            let key = of.primary_key.contains(&field);
            let of_type = column.of_type(key, of.cursor == field, format);
            (field, of_type)
        });
        return Check::warning(
            "columns",
            format!("declared, but in no row: {}", names(&absent)),
        )
        .fix(Some(Fix::Columns(all.collect(), true)));
    }
    let extra = top.filter(|column| {
        !declared
            .iter()
            .any(|(field, _)| field.path.first() == column.path.first())
    });
    let extra: Vec<Field> = extra.map(|column| field(&column.path)).collect();
    let found = format!("the types of {} fit", counted(declared.len(), "column"));
    Check::ok(
        "columns",
        match names(&extra) {
            extra if extra.is_empty() => found,
            extra => format!("{found}; CSV leaves out {extra}"),
        },
    )
}

/// Where the total and the offset are told, where the connection errs.
pub(super) fn places(of: &Connection, answer: &Answer, rows: u64) -> Vec<Check> {
    let number = |place: &Option<Place>| match place.as_ref()? {
        Place::Body(path) => {
            json::point(find::whole(&answer.body), path).map(|raw| json::text(raw).into_owned())
        }
        Place::Header(name) => answer.response.header(name).map(str::to_owned),
    };
    let digits = |text: &str| {
        text.rsplit_once('/')
            .map_or(text, |(_, after)| after)
            .trim()
            .parse::<u64>()
            .is_ok()
    };
    let mut checks = Vec::new();
    for (clause, place, echo) in [
        ("total", &of.response.total, false),
        ("echo", &of.response.offset, true),
    ] {
        let told = number(place);
        if told.as_deref().is_some_and(digits) {
            continue;
        }
        let guess = if echo {
            guess::echo(&answer.body)
        } else {
            guess::total(&answer.body, &answer.response, rows, of.page_size)
        };
        let fix = if echo {
            Fix::Echo(guess)
        } else {
            Fix::Total(guess)
        };
        let told = told.filter(|told| told != "null" && told != "*");
        checks.push(
            match (told, &fix) {
                (Some(told), _) => {
                    Check::broken(clause, format!("it is no number: {}", excerpt(&told)))
                }
                (None, Fix::Total(Some(_))) => {
                    Check::warning(clause, "none where the connection says, but one is there")
                }
                (None, Fix::Total(None)) => {
                    Check::ok(clause, "none told: a sync ends at a page with nothing new")
                }
                (None, _) => Check::ok(clause, "the offset is not told"),
            }
            .fix(Some(fix)),
        );
    }
    checks
}

/// Fields by the names that a connection file gives them.
pub(super) fn names(fields: &[Field]) -> String {
    fields.iter().map(spelled).collect::<Vec<_>>().join(", ")
}
