//! Whether the rows are where the connection says.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::Hidden;
use crate::check::finding::{Finding, counted};
use crate::check::setting::{Fix, pointer};
use crate::check::survey::Misplaced;

/// Lists that a line has room for.
const NAMED: usize = 4;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let rows = match &case.survey.rows {
        Err(misplaced) => return Some(elsewhere(case, misplaced)),
        Ok(rows) => rows,
    };
    if let Some(error) = &case.all.fault {
        return Some(Finding::broken(Clause::Rows, error.to_string()).remedy(error.hint_text()));
    }
    if rows.is_empty() {
        return Some(none(case));
    }
    let found = format!(
        "{} at {}",
        counted(rows.len(), "row"),
        place(&case.connection.response.rows)
    );
    Some(Finding::ok(Clause::Rows, found))
}

/// What is wrong with where the rows are.
fn elsewhere(case: &Case<'_>, misplaced: &Misplaced) -> Finding {
    let broken = |found: String| Finding::broken(Clause::Rows, found);
    let layout = &case.connection.response;
    let place = place(&layout.rows);
    match misplaced {
        Misplaced::NoJson(start) if start.is_empty() => broken("the body is empty".to_owned())
            .remedy("is --url that of the API, and not of a web page?"),
        Misplaced::NoJson(start) => broken(format!("the body is not JSON: {start}"))
            .remedy("is --url that of the API, and not of a web page?"),
        Misplaced::Elsewhere {
            what,
            lists,
            row,
            start,
        } => {
            let what = match what.as_str() {
                "" => format!("nothing at {place}"),
                what => format!("{place} is {what}"),
            };
            let Some((path, _)) = lists.first() else {
                let found = format!("{what}, and no list of objects anywhere: {start}");
                return broken(found).remedy(
                    "does --url lead to a list? does the API ask for a parameter or a token?",
                );
            };
            let named: Vec<String> = lists
                .iter()
                .take(NAMED)
                .map(|(path, rows)| format!("{} ({})", self::place(path), counted(*rows, "row")))
                .collect();
            broken(format!("{what}; lists found: {}", named.join(", ")))
                .fix(Some(Fix::Rows(path.clone(), row.clone())))
        }
        Misplaced::Wrapped(wrapping, rows) => broken(format!(
            "each of the {rows} rows is wrapped in {}",
            pointer(wrapping)
        ))
        .fix(Some(Fix::Rows(layout.rows.clone(), wrapping.clone()))),
        Misplaced::NoObject(wrapping) => {
            broken(format!("no object at {} of each row", pointer(&layout.row)))
                .fix(Some(Fix::Rows(layout.rows.clone(), wrapping.clone())))
        }
    }
}

/// The verdict on an answer without rows.
fn none(case: &Case<'_>) -> Finding {
    match &case.all.hidden {
        Some(Hidden::ByFilter(rows)) => {
            let first = case.connection.since.first.as_deref().unwrap_or_default();
            let found = format!("none from {first} on, but {rows} without the filter");
            Finding::broken(Clause::Rows, found).fix(Some(Fix::NoFirst))
        }
        Some(Hidden::ByParameters(rows, names)) => {
            let found = format!("none, but {rows} without parameters; what leaves none: {names}");
            Finding::broken(Clause::Rows, found)
                .remedy("name the API's own parameters: \"query\" in the connection file; without it --suggest tries those of APIs that it knows")
        }
        None if let Some(total @ 1..) = case.all.page.total => {
            let found = format!("none, though the total is {total}");
            Finding::broken(Clause::Rows, found)
                .remedy("may the token see them? a total of other rows takes \"total\": null")
        }
        None => Finding::unseen(
            Clause::Rows,
            "none: of an empty table nothing more can be seen",
        )
        .remedy("check again once the table has rows"),
    }
}

fn place(path: &[String]) -> String {
    if path.is_empty() {
        "the top of the body".into()
    } else {
        pointer(path)
    }
}
