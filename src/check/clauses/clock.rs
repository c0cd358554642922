//! Whether the API's clock and ours agree.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::Finding;
use crate::timestamp;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    if !case.scene.live {
        let found = "a recording's time has passed";
        return Some(Finding::unseen(Clause::Clock, found));
    }
    let date = case.response.header("date").and_then(timestamp::http_date);
    let Some(date) = date else {
        let found = "the API does not tell its time: ours counts";
        return Some(Finding::ok(Clause::Clock, found));
    };
    let ahead = date.secs.saturating_sub(case.scene.now);
    let apart = ahead.unsigned_abs();
    let which = if ahead > 0 { "ahead of" } else { "behind" };
    // A Date is cut to the second, and it was on its way for a while.
    Some(if apart > case.connection.lookback.as_secs().max(1) {
        let found = format!("the API's is {apart} s {which} ours, more than the lookback");
        Finding::warning(Clause::Clock, found)
            .remedy("one of the clocks is wrong; the API's Date counts in a sync")
    } else if apart > 1 {
        let found = format!("the API's is {apart} s {which} ours, less than the lookback");
        Finding::ok(Clause::Clock, found)
    } else {
        Finding::ok(Clause::Clock, "the API's is within 1 s of ours")
    })
}
