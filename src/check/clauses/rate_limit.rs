//! What the API says of its limits.

use crate::check::case::Case;
use crate::check::clause::Clause;
use crate::check::finding::Finding;

pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
    const NAMES: [&str; 4] = ["x-ratelimit", "x-rate-limit", "ratelimit", "retry-after"];
    let told = case.response.headers.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        NAMES.iter().any(|start| name.starts_with(start))
    });
    let told: Vec<String> = told
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let found = if told.is_empty() {
        "no header tells of one".to_owned()
    } else {
        told.join(", ")
    };
    Some(match case.scene.repeated {
        0 => Finding::ok(Clause::RateLimit, found),
        n => Finding::warning(Clause::RateLimit, format!("{found}; asked {n} times again")),
    })
}
