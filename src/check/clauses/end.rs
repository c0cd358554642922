//! What comes behind the last row.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::evidence::{Paging, is_known, is_refused};
use crate::check::finding::Finding;
use crate::error::Kind;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let all = case.all;
    let probe = all.past.as_ref()?;
    if Paging::of(case.connection) == Paging::None {
        return None;
    }
    let asked = probe.asked.offset;
    let told = all.page.total.is_some();
    let error = match &probe.seen {
        Ok(past) if past.is_empty() => {
            let found = format!("offset {asked} brings an empty page");
            return Some(Finding::ok(Clause::End, found));
        }
        Ok(past) if told && is_known(all, past) => {
            let found =
                format!("offset {asked} brings the last rows again: the total tells the end");
            return Some(Finding::ok(Clause::End, found));
        }
        // No more than that the table is longer, or the total wrong.
        Ok(_) => return None,
        Err(error) => error,
    };
    let found = format!("offset {asked}: {error}");
    Some(if error.kind() == Kind::Refused && told {
        Finding::warning(Clause::End, found)
            .remedy("a sync that meets it, since rows went away, must be run again")
    } else if is_refused(probe) {
        Finding::broken(Clause::End, found)
            .remedy("a sync cannot tell the end: is there a total in the answer?")
    } else {
        Finding::broken(Clause::End, found)
    })
}
