//! All clauses of the contract with what is asked of each, in one table. Each
//! is judged by the evidence alone: nothing is asked here.

mod bound;
mod clock;
mod columns;
mod coverage;
mod credentials;
mod cursor;
mod depth;
mod echo;
mod end;
mod filter;
mod key;
mod limit;
mod offset;
mod precision;
mod rate_limit;
mod reachable;
mod rows;
mod sorted;
mod spelling;
mod ties;
mod total;

use super::case::Case;
use super::clause::Clause;
use super::finding::{Finding, Verdict};

/// What a clause is judged by. None where there is nothing to say of it.
type Judge = fn(&Case<'_>) -> Option<Finding>;

/// Every clause that is judged by answers. Refused parameters and the rehearsal
/// have clauses of their own elsewhere.
const TABLE: [(Clause, Judge); 21] = [
    (Clause::Reachable, reachable::judge),
    (Clause::Credentials, credentials::judge),
    (Clause::Rows, rows::judge),
    (Clause::Key, key::judge),
    (Clause::Cursor, cursor::judge),
    (Clause::Precision, precision::judge),
    (Clause::Sorted, sorted::judge),
    (Clause::Filter, filter::judge),
    (Clause::Coverage, coverage::judge),
    (Clause::Bound, bound::judge),
    (Clause::Spelling, spelling::judge),
    (Clause::Ties, ties::judge),
    (Clause::Offset, offset::judge),
    (Clause::Echo, echo::judge),
    (Clause::Limit, limit::judge),
    (Clause::Total, total::judge),
    (Clause::Depth, depth::judge),
    (Clause::End, end::judge),
    (Clause::RateLimit, rate_limit::judge),
    (Clause::Clock, clock::judge),
    (Clause::Columns, columns::judge),
];

/// Those that the first answer alone is enough for.
const SHAPE: [Clause; 6] = [
    Clause::Rows,
    Clause::Key,
    Clause::Cursor,
    Clause::Columns,
    Clause::Total,
    Clause::Echo,
];

/// All clauses, as far as they can be seen.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (clause, judge) in TABLE {
        let finding = judge(case);
        let foreign = clause == Clause::Reachable
            && finding
                .as_ref()
                .is_some_and(|finding| finding.verdict == Verdict::Broken);
        findings.extend(finding);
        if foreign {
            break;
        }
    }
    findings
}

/// The clauses about the shape of one answer.
pub(super) fn shape(case: &Case<'_>) -> Vec<Finding> {
    let table = TABLE.iter();
    let shape = table.filter(|(clause, _)| SHAPE.contains(clause));
    shape.filter_map(|(_, judge)| judge(case)).collect()
}
