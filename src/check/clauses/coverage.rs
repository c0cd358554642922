//! Whether every row passes a filter that is older than all, or some are
//! hidden from every sync.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Free, seen};
use crate::check::finding::{Finding, counted};
use crate::check::setting::spelled;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    // A first bound that was chosen hides what it is to hide.
    const ANCIENT: i64 = 366 * 86_400;
    let (connection, all) = (case.connection, case.all);
    if !case.has_rows() {
        return None;
    }
    let free = all.free.as_ref()?;
    let bound = all.opening.as_ref()?.since.as_ref();
    if bound.is_some_and(|bound| bound.at.secs > ANCIENT) {
        return None;
    }
    let hint = "has each row a timestamp? a filter leaves out those without one: see \"fallback\" of \"since\", or another \"cursor\"";
    let broken = |found: String| Some(Finding::broken(Clause::Coverage, found).remedy(hint));
    let name = spelled(&connection.cursor);
    if free.lacking > 0 && !connection.reject_bad_rows {
        let rows = counted(free.rows, "row");
        let total = totals(case, free).map_or_else(String::new, |(with, without)| {
            format!("; {with} of {without} rows pass the filter")
        });
        return broken(format!(
            "without the filter {} of {rows} have no {name}{total}",
            free.lacking
        ));
    }
    match totals(case, free) {
        Some((with, without)) if without > with => broken(format!(
            "{} of {without} rows do not pass the filter",
            without - with
        )),
        Some((with, without)) if with == without => Some(Finding::ok(
            Clause::Coverage,
            format!("{without} rows, with the filter and without"),
        )),
        Some((with, without)) => Some(Finding::unseen(
            Clause::Coverage,
            format!(
                "{with} rows with the filter, {without} without: rows changed meanwhile, or the total is an estimate"
            ),
        )),
        None => Some(untold(case, free).map_or_else(
            || {
                Finding::unseen(
                    Clause::Coverage,
                    "no total tells how many rows the filter hides",
                )
                .remedy(format!(
                    "does each row have a {name}? those without one are not synced"
                ))
            },
            |found| Finding::broken(Clause::Coverage, found).remedy(hint),
        )),
    }
}

/// The totals with the filter and without.
fn totals(case: &Case<'_>, free: &Free) -> Option<(u64, u64)> {
    // A first page without the filter tells nothing of the filter.
    let with = match case.all.opening.as_ref()?.since {
        Some(_) => case.all.page.total,
        None => seen(case.all.covered.as_ref())?.total,
    };
    with.zip(free.total)
}

/// Rows that the filter hides where no total tells: of a table that is shorter
/// than a page.
fn untold(case: &Case<'_>, free: &Free) -> Option<String> {
    let page = &case.all.page;
    let complete = (page.len() as u64) < case.connection.page_size && case.all.next.is_some();
    let hidden = free.rows.saturating_sub(page.len());
    (complete && hidden > 0)
        .then(|| format!("{hidden} of {} rows do not pass the filter", free.rows))
}
