//! Whether the credentials are taken.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::Finding;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let names: Vec<&str> = case
        .connection
        .headers
        .iter()
        .map(|(name, _)| &**name)
        .collect();
    let found = match &names[..] {
        [] => "none were asked for".to_owned(),
        names => format!("taken, with {}", names.join(", ")),
    };
    Some(Finding::ok(Clause::Credentials, found))
}
