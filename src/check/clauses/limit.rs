//! Whether as many rows come as are asked for.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Paging, limits, seen};
use crate::check::finding::{Finding, counted};
use crate::check::setting::Fix;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let (connection, all) = (case.connection, case.all);
    if !case.has_rows() || Paging::of(connection) == Paging::None {
        return None;
    }
    let (count, size) = (all.page.len() as u64, connection.page_size);
    if !limits(connection) {
        let found = format!("not sent; a page is {}", counted(all.page.len(), "row"));
        return Some(Finding::ok(Clause::Limit, found));
    }
    let other = |how: &str, asked: u64, got: u64| {
        let asked = counted(asked as usize, "row");
        Finding::warning(
            Clause::Limit,
            format!("{how}: asked for {asked}, got {got}"),
        )
    };
    let farther = [&all.past, &all.deep].map(|probe| seen(probe.as_ref()));
    let past = farther.iter().flatten().any(|page| !page.is_empty());
    let more =
        all.page.total.is_some_and(|total| total > count) || (all.page.total.is_none() && past);
    if count != size && (more || count > size) {
        let how = if count > size {
            "not honoured"
        } else {
            "clamped"
        };
        return Some(other(how, size, count).fix(Some(Fix::PageSize(count))));
    }
    let next = all.next.as_ref();
    let short = next.and_then(|probe| Some((probe.asked.limit, seen(Some(probe))?.len() as u64)));
    Some(match short {
        Some((asked, got)) if got > asked => {
            let fix = Some(Fix::PageSize(count)).filter(|_| count != size);
            other("not honoured", asked, got).fix(fix)
        }
        Some((asked, _)) if count == size => Finding::ok(
            Clause::Limit,
            format!("{size} rows, and {asked}, as asked for"),
        ),
        Some((asked, got)) if got == asked => {
            let all = counted(count as usize, "row");
            let found = format!("all {all} fit on one page of {size}; {asked} came as asked for");
            Finding::ok(Clause::Limit, found)
        }
        _ if count == size => Finding::ok(Clause::Limit, format!("{size}, as asked for")),
        _ => {
            let all = counted(count as usize, "row");
            let found = format!("all {all} fit on one page of {size}");
            Finding::unseen(Clause::Limit, found).remedy("more rows would show it")
        }
    })
}
