//! GitHub's issues: pages by number, no total, at most 100 a page, and a limit of
//! the rate that is told with status 403.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{Model, counted, list, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "github_pat_11ABCDEFG0abcdefghijkl";

static GITHUB: Contract = Contract {
    name: "github-issues",
    path: "/repos/owner/name/issues",
    secret: ("GITHUB_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, issue, counted, 0, count),
    id: counted,
    key: "/id",
};

fn issue(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let updated = clock::rfc3339(row.updated.div_euclid(SECOND) * SECOND);
    format!(
        "{{\"id\":{id},\"number\":{id},\"state\":\"open\",\"comments\":{version},\"updated_at\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refuse(401, json!({"message": "Bad credentials", "status": "401"}));
    }
    assert!(request.header("User-Agent").is_some());
    let since = request.param("since").and_then(clock::parse);
    let size = number(request, "per_page").unwrap_or(30).clamp(1, 100);
    let page = number(request, "page").unwrap_or(1);
    let param = |name| request.param(name);
    assert_eq!(param("state"), Some("all"));
    let sorted = param("sort") == Some("updated") && param("direction") == Some("asc");
    let offset = (page - 1) * size;
    let (rows, total) = match sorted {
        true => table.select(since, true, offset, size),
        false => table.select_unsorted(since, true, offset, size),
    };
    let reply = Reply::json(list(&rows)).header("X-RateLimit-Remaining", 4999);
    match offset + rows.len() < total {
        true => reply.header(
            "Link",
            format!("<https://x/issues?page={}>; rel=\"next\"", page + 1),
        ),
        false => reply,
    }
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&GITHUB);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&GITHUB);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&GITHUB, "Bad credentials");
}

/// The same, but that the third request is refused for its rate, until so many
/// seconds from then.
fn limited(seconds: i64) -> Trial {
    let mut trial = Trial::start(&GITHUB, 0);
    let asked = AtomicUsize::new(0);
    let rows = (GITHUB.table)(230);
    trial.model = Model::start(rows, move |request, table| {
        if asked.fetch_add(1, Ordering::SeqCst) != 2 {
            return answer(request, table);
        }
        let reset = clock::now() / SECOND + seconds;
        refuse(
            403,
            json!({"message": "API rate limit exceeded for user ID 1."}),
        )
        .header("X-RateLimit-Limit", 5000)
        .header("X-RateLimit-Remaining", 0)
        .header("X-RateLimit-Reset", reset)
    });
    trial
}

#[test]
fn a_limit_that_ends_soon_is_waited_for() {
    let trial = limited(1);
    let outcome = trial.patient("1", &["--page-size", "20"]).expect(0);
    let rows = contract::delivered(trial.scratch.path(), &outcome.receipt());
    trial.assert_is_table(&rows);
}

#[test]
fn a_limit_that_lasts_ends_with_the_time_and_what_was_read_stays() {
    let trial = limited(2400);
    let outcome = trial.patient("5", &["--page-size", "20"]).expect(3);
    for part in ["403", "rate limit exceeded", "come back after 2"] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
    let receipt = outcome.receipt();
    assert!(receipt["rows"].as_u64().unwrap() > 0, "{receipt}");
    let mut rows = contract::delivered(trial.scratch.path(), &receipt);
    rows.extend(trial.rows(&["--page-size", "20"]));
    trial.assert_is_table(&rows);
}
