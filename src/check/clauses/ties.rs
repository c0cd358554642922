//! Whether rows of one timestamp keep their order.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{failed, seen};
use crate::check::finding::Finding;
use crate::check::setting::names;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    if !case.has_rows() {
        return None;
    }
    let all = case.all;
    let page = &all.page;
    let runs = page.runs();
    let longest = runs.iter().map(|(start, end)| end - start).max();
    let longest = longest.unwrap_or(0);
    let unseen = |found: String| Some(Finding::unseen(Clause::Ties, found));
    if longest < 2 {
        return unseen("no two rows of the first page share a timestamp".to_owned());
    }
    let Some(again) = seen(all.again.as_ref()) else {
        return unseen(failed(all.again.as_ref()).unwrap_or_else(|| "not asked".into()));
    };
    let both = page.len().min(again.len());
    let moved = (0..both).find(|row| page.ids[*row] != again.ids[*row]);
    let second = format!(
        "let the API sort by a second key, {}, after the timestamp",
        names(&case.connection.primary_key)
    );
    // A run that fills the page is walked by offset, on the strength of its order.
    let full = longest == page.len() && page.total.is_none_or(|total| total > page.len() as u64);
    Some(match moved {
        None if full => {
            let found = format!(
                "the same order twice, but all {longest} rows of the first page share a timestamp"
            );
            Finding::ok(Clause::Ties, found).remedy(format!("{second}; or a page_size beyond them"))
        }
        None => Finding::ok(
            Clause::Ties,
            format!("the same order twice; up to {longest} rows share a timestamp"),
        ),
        Some(row) if page.at(row) == again.at(row) => {
            let found = format!(
                "rows of {} change places from request to request",
                page.marks[row].text
            );
            Finding::warning(Clause::Ties, found).remedy(format!(
                "{second}; or keep page_size above the rows of one timestamp, here {longest}"
            ))
        }
        Some(_) => return unseen("rows changed between two requests".to_owned()),
    })
}
