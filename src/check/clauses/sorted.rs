//! Whether rows come in the order of their timestamps.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Evidence, rises, seen};
use crate::check::finding::Finding;
use crate::check::setting::Fix;
use crate::error::Kind;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    if !case.has_rows() {
        return None;
    }
    let (connection, all) = (case.connection, case.all);
    let found = match disorder(all) {
        Some(found) => found,
        None if is_flat(all) => {
            let found = "all rows that were seen share one timestamp";
            return Some(Finding::unseen(Clause::Sorted, found));
        }
        None if connection.sorted => return Some(lucky(all)),
        None => {
            let found = "rows came sorted, which the connection does not count on";
            return Some(Finding::ok(Clause::Sorted, found));
        }
    };
    if !connection.sorted {
        let found = format!("{found}; the connection expects that");
        return Some(Finding::ok(Clause::Sorted, found));
    }
    let finding = Finding::broken(Clause::Sorted, found).fix(Some(Fix::Sorted(false)));
    Some(finding.remedy("better: ask for ascending order, see \"query\""))
}

/// Whether all rows that are known have one timestamp.
fn is_flat(all: &Evidence) -> bool {
    let pages = [Some(&all.page), seen(all.deep.as_ref())];
    let mut marks = pages.into_iter().flatten().flat_map(|page| &page.marks);
    marks.all(|mark| mark.at == all.page.at(0))
}

/// Rows that are not in their order, in words.
fn disorder(all: &Evidence) -> Option<String> {
    let page = &all.page;
    let since = all.since.as_ref().map(|(_, probe)| probe);
    let pages = [
        Some(page),
        seen(since),
        seen(all.next.as_ref()),
        seen(all.deep.as_ref()),
    ];
    let mut pages = pages.into_iter().flatten();
    if let Some((page, row)) = pages.find_map(|page| Some((page, page.disorder()?))) {
        let falls = (1..page.len()).all(|row| page.at(row - 1) >= page.at(row));
        let how = if falls {
            "descending"
        } else {
            "not by the cursor"
        };
        let (late, early) = (&page.marks[row].text, &page.marks[row - 1].text);
        return Some(format!("{how}: {late} follows {early}"));
    }
    // The deep page must not be older than the first one.
    let last = page.marks.last();
    let later = seen(all.deep.as_ref()).and_then(|deep| deep.marks.first());
    let (later, last) = later.zip(last).filter(|(later, last)| later.at < last.at)?;
    Some(format!(
        "not throughout: {} comes behind {}",
        later.text, last.text
    ))
}

/// Rows that are sorted: by the cursor, or by keys that happen to rise with it?
fn lucky(all: &Evidence) -> Finding {
    if let Some(Ok(reverse)) = &all.reverse
        && reverse.ids == all.page.ids
        && all.page.len() > 1
    {
        return Finding::broken(
            Clause::Sorted,
            "the order's parameter has no effect: the reverse order brings the same rows, and their keys rise too",
        )
        .remedy("does a parameter in \"query\" name the order, by the API's name?");
    }
    let told = match &all.reverse {
        Some(Ok(_)) => true,
        Some(Err(error)) => error.kind() == Kind::Refused,
        None => false,
    };
    if !told && rises(&all.page) {
        return Finding::unseen(Clause::Sorted, "rows came sorted, but their keys rise too")
            .remedy("a page with a row that was changed later would show by which")
            .leans();
    }
    Finding::ok(Clause::Sorted, "ascending by the cursor")
}
