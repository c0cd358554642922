//! Whether the filter leaves out what is older than its bound, and nothing
//! else.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Shift, honours, tells};
use crate::check::finding::Finding;
use crate::check::setting::Fix;
use crate::config::Connection;
use crate::template::Slot;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let all = case.all;
    if !case.has_rows() {
        let broken = case.survey.rows.is_err() || all.fault.is_some();
        let found = "paging and filter are asked for once the rows can be read";
        return broken.then(|| Finding::unseen(Clause::Filter, found));
    }
    let Some((pick, probe)) = &all.since else {
        return Some(Finding::unseen(Clause::Filter, "not asked"));
    };
    let sent = probe.asked.since.as_ref().map_or("", |mark| &mark.text);
    let Ok(seen) = &probe.seen else {
        let found = "the bound was not taken";
        return Some(Finding::unseen(Clause::Filter, found));
    };
    if let Some(shift) = &all.shift {
        return Some(elsewhere(shift));
    }
    if let Some(grain) = &all.grain {
        let found = format!("by the whole {grain}: no row of an earlier {grain} than {sent} came");
        return Some(Finding::ok(Clause::Filter, found));
    }
    let later = all.later.as_ref().and_then(|probe| {
        let bound = probe.asked.since.as_ref()?;
        Some((bound, probe.seen.as_ref().ok()?))
    });
    if let Some((bound, seen)) = later
        && let Some(early) = seen.marks.iter().find(|mark| mark.at < bound.at)
    {
        let found = format!("ignored: asked from {} on, {} came", bound.text, early.text);
        return Some(Finding::broken(Clause::Filter, found).remedy(bound_of(case.connection)));
    }
    if !honours(probe, pick, &all.page) {
        let early = seen.marks.iter().find(|mark| mark.at < pick.mark.at);
        let found = match (early, later) {
            (Some(mark), Some((bound, _))) => format!(
                "coarse: asked from {sent} on, {} came, and none from {} on",
                mark.text, bound.text
            ),
            (Some(mark), None) => format!("ignored: asked from {sent} on, {} came", mark.text),
            (None, _) => format!("no rows from {sent} on, though some are known"),
        };
        let format = all.spelling.clone().map(Fix::Format);
        let remedy = match format {
            Some(_) => String::new(),
            None => bound_of(case.connection),
        };
        // A filter that lets too much through loses nothing.
        let coarse = early.is_some() && later.is_some() && format.is_none();
        return Some(match coarse {
            true => Finding::warning(Clause::Filter, found),
            false => Finding::broken(Clause::Filter, found)
                .fix(format)
                .remedy(remedy),
        });
    }
    Some(if tells(&all.page, probe) {
        Finding::ok(Clause::Filter, format!("no row before {sent} came"))
    } else if let Some((bound, seen)) = later {
        let found = format!("{} rows came from {} on", seen.len(), bound.text);
        Finding::ok(Clause::Filter, found)
    } else {
        let found = "no row is known to be older than another";
        Finding::unseen(Clause::Filter, found).remedy("rows of two timestamps would show it")
    })
}

/// The parameter that holds the bound.
fn bound_of(connection: &Connection) -> String {
    let named = connection
        .query
        .iter()
        .find(|(_, value)| value.holds(Slot::Since));
    named.map_or_else(
        || "does a parameter in \"query\" hold {since}, by the API's name?".to_owned(),
        |(name, _)| {
            format!("\"query\": does the API know {name}, or call its filter something else?")
        },
    )
}

/// A bound that is read in another zone.
fn elsewhere(shift: &Shift) -> Finding {
    let hours = |seconds: i64| {
        let text = format!("{:.2}", seconds.abs() as f64 / 3600.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        format!("{text} hour{}", if text == "1" { "" } else { "s" })
    };
    let way = |seconds: i64| if seconds > 0 { "later" } else { "earlier" };
    let (from, to) = (shift.least, shift.most);
    if from != to && from.abs().max(to.abs()) < 900 {
        let found = format!(
            "begins up to {} s {} than it is asked to: asked from {} on, {}",
            from.abs().max(to.abs()),
            way(from + to),
            shift.asked,
            shift.came
        );
        return Finding::broken(Clause::Filter, found)
            .remedy("does the filter go by the cursor, or by another field?");
    }
    let how = if from == to {
        format!("{} {}", hours(to), way(to))
    } else if from < 0 && to > 0 {
        format!("by {} at the most", hours(to.max(-from)))
    } else {
        let (near, far) = (from.abs().min(to.abs()), from.abs().max(to.abs()));
        format!("{} to {} {}", hours(near), hours(far), way(from + to))
    };
    let found = format!(
        "reads the bound in another zone, {how}: asked from {} on, {}",
        shift.asked, shift.came
    );
    Finding::broken(Clause::Filter, found).remedy(
        "\"since\": {\"zone\": …} or a \"format\" that says the API's zone; else its answers and its filter disagree",
    )
}
