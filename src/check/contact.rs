//! Judging why there is no first answer: the address, the credentials, or a
//! parameter; and the first thing to mend. It asks nothing.

use crate::config::Connection;
use crate::error::Error;

use super::clause::Clause;
use super::finding::Finding;

/// Where there is no first answer: why, and what to do. `status` is that of
/// the last answer, if one came.
pub(super) fn failed(
    connection: &Connection,
    error: &Error,
    status: Option<u16>,
    blamed: Option<Finding>,
) -> Vec<Finding> {
    let reachable = Finding::ok(Clause::Reachable, format!("{} answers", connection.url));
    if let Some(check) = blamed {
        return vec![reachable, check];
    }
    match status {
        Some(401 | 403 | 407) => {
            let names: Vec<&str> = connection.headers.iter().map(|(name, _)| &**name).collect();
            let remedy = if names.is_empty() {
                "write \"headers\": {\"Authorization\": \"Bearer ${API_TOKEN}\"} into the connection file, and export API_TOKEN=…".to_owned()
            } else {
                format!(
                    "sent was {}: is the token right, and not expired? is it written as the API wants it?",
                    names.join(", ")
                )
            };
            vec![
                reachable,
                Finding::broken(Clause::Credentials, error.to_string()).remedy(remedy),
            ]
        }
        Some(404 | 410) => {
            let remedy = "the host answers, but not at this path: mend --url (only the address; parameters belong into \"query\")";
            vec![
                Finding::broken(Clause::Reachable, format!("{}: {error}", connection.url))
                    .remedy(remedy),
            ]
        }
        Some(400 | 413 | 414 | 422) => {
            let check = Finding::broken(Clause::Parameters, error.to_string());
            vec![
                reachable,
                check.remedy("name the API's own parameters: \"query\" in the connection file"),
            ]
        }
        _ => vec![Finding::broken(Clause::Reachable, error.to_string()).remedy(error.hint_text())],
    }
}
