//! Whether the address answers as an API does.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::Finding;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    let url = &case.connection.url;
    if let Some(error) = &case.scene.foreign {
        let finding = Finding::broken(Clause::Reachable, format!("{url}: {error}"));
        return Some(finding.remedy(
            "mend --url: it is to lead to the API, not to a page for people or for logging in",
        ));
    }
    let time = case.response.elapsed.as_millis();
    let found = match case.scene.live {
        true => format!("{url} answers in {time} ms"),
        false => format!("{url} answers, out of the recording"),
    };
    Some(Finding::ok(Clause::Reachable, found))
}
