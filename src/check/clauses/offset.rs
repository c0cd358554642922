//! Whether rows are skipped as they are asked to be.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Paging, seen};
use crate::check::finding::Finding;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    if !case.has_rows() {
        return None;
    }
    Some(match Paging::of(case.connection) {
        Paging::None => unpaged(case),
        paging => paged(case, paging == Paging::Page),
    })
}

/// Where nothing asks for a further page.
fn unpaged(case: &Case<'_>) -> Finding {
    let page = &case.all.page;
    let missing = page.total.is_some_and(|total| total > page.len() as u64);
    let found = "no parameter holds {offset} or {page}: all rows must come at once";
    match missing {
        true => Finding::broken(Clause::Offset, found),
        false => Finding::warning(Clause::Offset, found),
    }
}

fn paged(case: &Case<'_>, by_page: bool) -> Finding {
    let all = case.all;
    let page = &all.page;
    let Some(probe) = &all.next else {
        return Finding::unseen(Clause::Offset, "one row is too few to see it")
            .remedy("a second row would show it");
    };
    let asked = probe.asked.offset;
    let place = if by_page {
        format!("page {}", asked / probe.asked.limit.max(1) + 1)
    } else {
        format!("offset {asked}")
    };
    let ok = |found: String| Finding::ok(Clause::Offset, found);
    let broken = |found: String| Finding::broken(Clause::Offset, found);
    let next = match &probe.seen {
        Ok(next) => next,
        Err(error) => return broken(format!("{place}: {error}")),
    };
    let Some(got) = next.ids.first() else {
        // A page of all rows has none behind it.
        return match page.ids.get(asked as usize) {
            Some(_) => broken(format!("{place} is empty")),
            None => ok(format!("nothing comes at {place}, behind all rows")),
        };
    };
    let row = usize::try_from(asked).unwrap_or(usize::MAX);
    // A page of the API's own size begins at a row of its own choice.
    let own_size = by_page && next.len() as u64 > probe.asked.limit;
    let Some(wanted) = page.ids.get(row).filter(|_| !own_size) else {
        return match page.ids.contains(got) {
            true => broken(format!(
                "{place} starts with a row of the first page, id {got}"
            )),
            false => ok(format!("{place} goes on behind the first page")),
        };
    };
    if got == wanted || (page.at(row) == next.at(0) && page.at(row) > page.at(0)) {
        return ok(match by_page {
            true => format!("{place} starts with row {row}"),
            false => format!("{place} starts with row {row}, id {got}"),
        });
    }
    let shuffled = seen(all.again.as_ref()).is_some_and(|again| again.ids != page.ids);
    if page.at(row) == next.at(0) && shuffled {
        return Finding::unseen(
            Clause::Offset,
            "rows of one timestamp change places: it cannot be told",
        );
    }
    broken(match Some(got) == page.ids.first() {
        true => format!("ignored: {place} starts with row 0 again, id {got}"),
        false => format!("{place} starts with id {got}, not with row {row}, id {wanted}"),
    })
    .remedy("is \"query\" right? where rows changed meanwhile, check again")
}
