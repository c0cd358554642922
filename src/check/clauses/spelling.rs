//! Whether the API takes timestamps as it spells them.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::is_filtered;
use crate::check::finding::Finding;
use crate::check::setting::Fix;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let all = case.all;
    let (_, probe) = all.since.as_ref()?;
    let sent = probe.asked.since.as_ref().map_or("", |mark| &mark.text);
    let Err(error) = &probe.seen else {
        let found = format!("{sent} is taken");
        return is_filtered(all).then(|| Finding::ok(Clause::Spelling, found));
    };
    let remedy = match all.spelling {
        Some(_) => "",
        None => "in which format does the API take timestamps? see since.format",
    };
    let found = format!("{sent} is not taken: {error}");
    Some(
        Finding::broken(Clause::Spelling, found)
            .fix(all.spelling.clone().map(Fix::Format))
            .remedy(remedy),
    )
}
