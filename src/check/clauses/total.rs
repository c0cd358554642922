//! Whether the total counts the rows that pass the filter.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Evidence, Paging, is_known, seen, tells};
use crate::check::finding::{Finding, counted};
use crate::check::setting::Fix;
use crate::check::survey::{self, candidates};
use crate::config::Place;
use crate::error::excerpt;
use crate::json;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let paged = case.has_rows() && Paging::of(case.connection) != Paging::None;
    match case.all.page.total.filter(|_| paged) {
        Some(told) => Some(wrong(case.all, told).unwrap_or_else(|| right(case, told))),
        None => place(case),
    }
}

/// Where the total is told, where the connection errs.
fn place(case: &Case<'_>) -> Option<Finding> {
    let (connection, rows) = (case.connection, case.survey.rows.as_ref().ok()?.len());
    let told = match connection.response.total.as_ref() {
        None => None,
        Some(Place::Body(path)) => json::point(survey::json::whole(case.survey.body), path)
            .map(|raw| json::text(raw).into_owned()),
        Some(Place::Header(name)) => case.response.header(name).map(str::to_owned),
    };
    let digits = |text: &str| {
        let total = text.rsplit_once('/').map_or(text, |(_, after)| after);
        total.trim().parse::<u64>().is_ok()
    };
    if told.as_deref().is_some_and(digits) {
        return None;
    }
    let guess = candidates::total(
        case.survey.body,
        case.response,
        rows as u64,
        connection.page_size,
    );
    let none = guess.is_none();
    let finding = match told.filter(|told| told != "null" && told != "*") {
        Some(told) => {
            let found = format!("it is no number: {}", excerpt(&told));
            Finding::broken(Clause::Total, found)
        }
        None if none => Finding::ok(
            Clause::Total,
            "none told: a sync ends at a page with nothing new",
        ),
        None => Finding::warning(
            Clause::Total,
            "none where the connection says, but one is there",
        ),
    };
    Some(finding.fix(Some(Fix::Total(guess))))
}

/// What speaks against a total.
fn wrong(all: &Evidence, told: u64) -> Option<Finding> {
    let count = all.page.len() as u64;
    let wrong = |found: String| {
        let finding = Finding::broken(Clause::Total, found);
        Some(finding.fix(Some(Fix::Total(None))))
    };
    if told < count {
        return wrong(format!("{told}, but {count} rows came"));
    }
    if let Some(past) = seen(all.past.as_ref())
        .filter(|past| !past.is_empty() && past.total == Some(told) && !is_known(all, past))
    {
        let asked = all.past.as_ref().map_or(0, |probe| probe.asked.offset);
        return wrong(format!(
            "{told}, but offset {asked} brings {}",
            counted(past.len(), "row")
        ));
    }
    let deep = all.deep.as_ref().zip(seen(all.deep.as_ref()));
    if let Some((probe, _)) = deep.filter(|(_, deep)| deep.is_empty() && deep.total == Some(told))
        && all.half.is_none()
    {
        return wrong(format!(
            "{told}, but offset {} is empty",
            probe.asked.offset
        ));
    }
    if let Some(later) = seen(all.later.as_ref())
        && later.is_empty()
        && later.total == Some(told)
        && told > 0
    {
        return wrong(format!(
            "{told} where no row passes the filter: it does not count what passes"
        ));
    }
    match filtered(all) {
        Some((before, then)) if before > 0 && then == told => wrong(format!(
            "{told} with the filter or without: it does not count what passes"
        )),
        _ => None,
    }
}

/// How many rows of the first page precede the bound that was tried, and the
/// total that was told from there on.
fn filtered(all: &Evidence) -> Option<(u64, u64)> {
    let (pick, probe) = all.since.as_ref()?;
    let (seen, (start, end)) = (seen(Some(probe))?, pick.run?);
    let first = seen.marks.first();
    let inclusive = first.is_some_and(|mark| mark.at == pick.mark.at);
    Some((if inclusive { start } else { end } as u64, seen.total?))
}

/// What speaks for a total.
fn right(case: &Case<'_>, told: u64) -> Finding {
    let (connection, all) = (case.connection, case.all);
    let count = all.page.len() as u64;
    let deep = all.deep.as_ref().zip(seen(all.deep.as_ref()));
    let later = seen(all.later.as_ref()).and_then(|later| later.total);
    let mut with = later.map_or_else(String::new, |later| {
        format!("; {later} from two days after the newest known row on")
    });
    if let Some((before, then)) = filtered(all).filter(|_| connection.sorted) {
        let (pick, probe) = all.since.as_ref().map_or((None, None), |(pick, probe)| {
            (pick.run, probe.asked.since.as_ref())
        });
        let whole = all.grain.is_none() && all.shift.is_none();
        let sound = pick.is_some_and(|(start, end)| before == start as u64 || end < all.page.len());
        if whole && sound && then + before != told {
            let found = format!("{told}, and {then} behind the first {before}");
            let finding = Finding::warning(Clause::Total, found);
            return finding.remedy("where rows changed meanwhile, check again");
        }
        if let Some(bound) = probe {
            with = format!("; {then} from {} on", bound.text);
        }
    }
    let near = deep.is_some_and(|(probe, _)| probe.asked.offset + 1 == told);
    let end = (near || told == count) && all.past.is_some();
    let filters = all
        .since
        .as_ref()
        .is_some_and(|(_, probe)| tells(&all.page, probe));
    if end {
        let found = format!("{told}: a row before it, none behind{with}");
        return Finding::ok(Clause::Total, found);
    }
    let found = format!("{told}; its end was too deep to look at{with}");
    match filters || later.is_some() {
        true => Finding::ok(Clause::Total, found),
        false => Finding::unseen(Clause::Total, found),
    }
}
