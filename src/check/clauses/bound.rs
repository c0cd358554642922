//! Whether rows at the bound pass the filter.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{is_filtered, seen};
use crate::check::finding::Finding;
use crate::check::setting::Fix;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let (connection, all) = (case.connection, case.all);
    let (pick, probe) = all.since.as_ref().filter(|_| is_filtered(all))?;
    let came = seen(Some(probe))?;
    let sent = probe.asked.since.as_ref()?;
    let at_bound = came.marks.iter().any(|mark| mark.at == pick.mark.at);
    let hidden =
        came.disorder().is_some() && came.total.is_none_or(|total| total > came.len() as u64);
    let unseen = |found: String| Some(Finding::unseen(Clause::Bound, found));
    if let Some(grain) = &all.grain {
        return unseen(format!(
            "the filter takes the whole {grain}, and so its bound"
        ));
    }
    if sent.at < pick.mark.at {
        return unseen(format!("since.format cuts it to {}", sent.text));
    }
    Some(if at_bound && connection.since.exclusive {
        Finding::warning(Clause::Bound, "inclusive: rows at it come")
            .fix(Some(Fix::Exclusive(false)))
    } else if at_bound {
        Finding::ok(Clause::Bound, "inclusive: rows at it come")
    } else if hidden {
        return unseen("rows come in no order: it cannot be told from one page".to_owned());
    } else if connection.since.exclusive {
        Finding::ok(Clause::Bound, "exclusive, as the connection says")
    } else {
        Finding::warning(Clause::Bound, "exclusive: rows at it are left out")
            .fix(Some(Fix::Exclusive(true)))
            .loses()
    })
}
