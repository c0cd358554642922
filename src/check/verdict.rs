//! From findings to the exit code.

use crate::error::{Error, Result};

use super::clause::Clause;
use super::finding::Finding;

/// The exit code: a table has said already what there is to say, so that the
/// error is loud only where none is shown.
pub(super) fn verdict(findings: &[Finding], halt: Option<Error>, loud: bool) -> Result<()> {
    let error = halt.or_else(|| {
        let bad: Vec<&Finding> = findings.iter().filter(|finding| finding.loses).collect();
        let first = bad.first()?;
        let text = format!("{}: {}", first.clause.name(), first.found);
        let refused = bad
            .iter()
            .all(|finding| matches!(finding.clause, Clause::Spelling | Clause::Parameters));
        let error = if refused {
            Error::refused(text)
        } else {
            Error::contract(text)
        };
        Some(error.hint(&first.remedy))
    });
    let error = error.or_else(|| unproved(findings));
    match error {
        None => Ok(()),
        Some(error) if loud => Err(error),
        Some(error) => Err(error.quiet()),
    }
}

/// Nothing was refuted, but a clause on which every row depends was not seen:
/// neither exit 0, after which rows could be lost, nor a fault of the API.
fn unproved(findings: &[Finding]) -> Option<Error> {
    let mut open = findings.iter().filter(|finding| finding.is_open());
    let open = open.find(|finding| !finding.leans)?;
    let text = format!("{} is not proved: {}", open.clause.name(), open.found);
    Some(Error::unproved(text).hint("check again once the table has rows of several timestamps"))
}
