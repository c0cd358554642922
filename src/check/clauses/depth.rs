//! How deep offsets are served.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Paging, seen};
use crate::check::finding::Finding;
use crate::check::setting::Fix;
use crate::error::Kind;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let all = case.all;
    let probe = all.deep.as_ref()?;
    if Paging::of(case.connection) == Paging::None {
        return None;
    }
    let asked = probe.asked.offset;
    let problem = match &probe.seen {
        Ok(deep) if !deep.is_empty() => {
            let found = format!("offset {asked} is served");
            return Some(Finding::ok(Clause::Depth, found));
        }
        Ok(_) if all.half.is_none() => return None,
        Ok(_) => format!("offset {asked} is empty"),
        Err(error) if error.kind() == Kind::Contract => {
            let found = format!("offset {asked}: {error}");
            return Some(Finding::broken(Clause::Depth, found));
        }
        Err(error) => format!("offset {asked}: {error}"),
    };
    let half = all.half.as_ref();
    let good = match half.map(|half| (half.asked.offset, seen(Some(half)))) {
        Some((offset, Some(half))) if !half.is_empty() => offset,
        _ => case.connection.page_size.saturating_mul(2),
    };
    Some(Finding::warning(Clause::Depth, problem).fix(Some(Fix::MaxOffset(good))))
}
