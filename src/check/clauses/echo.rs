//! Whether the answer repeats the offset that was asked for.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Paging, seen};
use crate::check::finding::Finding;
use crate::check::setting::Fix;
use crate::check::survey::{self, candidates};
use crate::config::Place;
use crate::error::excerpt;
use crate::json;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let paged = case.has_rows() && Paging::of(case.connection) != Paging::None;
    let probe = case.all.next.as_ref().filter(|_| paged);
    let told = seen(probe).and_then(|page| page.echo);
    let (Some(probe), Some(told)) = (probe, told) else {
        return place(case);
    };
    let asked = probe.asked.offset;
    Some(if told == asked {
        Finding::ok(
            Clause::Echo,
            format!("the answer repeats the offset, {told}"),
        )
    } else {
        let found = format!("asked for offset {asked}, the answer says {told}");
        Finding::broken(Clause::Echo, found).fix(Some(Fix::Echo(None)))
    })
}

/// Where the offset is told, where the connection errs.
fn place(case: &Case<'_>) -> Option<Finding> {
    case.survey.rows.as_ref().ok()?;
    let told = match case.connection.response.offset.as_ref() {
        None => None,
        Some(Place::Body(path)) => json::point(survey::json::whole(case.survey.body), path)
            .map(|raw| json::text(raw).into_owned()),
        Some(Place::Header(name)) => case.response.header(name).map(str::to_owned),
    };
    if told
        .as_deref()
        .is_some_and(|text| text.trim().parse::<u64>().is_ok())
    {
        return None;
    }
    let finding = match told.filter(|told| told != "null") {
        Some(told) => {
            let found = format!("it is no number: {}", excerpt(&told));
            Finding::broken(Clause::Echo, found)
        }
        None => Finding::ok(Clause::Echo, "the offset is not told"),
    };
    Some(finding.fix(Some(Fix::Echo(candidates::echo(case.survey.body)))))
}
