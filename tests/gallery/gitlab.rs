//! GitLab's issues: pages by number, a total in a header that is left out for
//! large results, milliseconds of times that are kept to the microsecond.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, millis, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "glpat-0123456789abcdefghij";

static GITLAB: Contract = Contract {
    name: "gitlab-issues",
    path: "/api/v4/projects/42/issues",
    secret: ("GITLAB_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, issue, counted, 123_456, count),
    id: counted,
    key: "/id",
};

fn issue(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!(
        "{{\"id\":{id},\"iid\":{id},\"state\":\"opened\",\"upvotes\":{version},\"updated_at\":\"{updated}\"}}"
    )
}

fn page(request: &Request, table: &Table, counted: bool) -> Reply {
    if request.header("PRIVATE-TOKEN") != Some(TOKEN) {
        return refuse(401, json!({"message": "401 Unauthorized"}));
    }
    let since = match request.param("updated_after").map(clock::parse) {
        Some(None) => return refuse(400, json!({"error": "updated_after is invalid"})),
        since => since.flatten(),
    };
    let size = number(request, "per_page").unwrap_or(20).clamp(1, 100);
    let page = number(request, "page").unwrap_or(1);
    let param = |name| request.param(name);
    let sorted = param("order_by") == Some("updated_at") && param("sort") == Some("asc");
    let offset = (page - 1) * size;
    let (rows, total) = match sorted {
        true => table.select(since, true, offset, size),
        false => table.select_unsorted(since, true, offset, size),
    };
    let reply = Reply::json(list(&rows)).header("X-Per-Page", size);
    match counted {
        true => reply.header("X-Total", total),
        false => reply,
    }
}

fn answer(request: &Request, table: &Table) -> Reply {
    page(request, table, true)
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&GITLAB);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&GITLAB);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&GITLAB, "401 Unauthorized");
    contract::tells_which_bound_was_refused(&GITLAB, "\"first\": null", "updated_after is invalid");
}

#[test]
fn all_rows_come_also_where_they_are_not_counted() {
    let mut trial = Trial::start(&GITLAB, 0);
    trial.model = crate::model::Model::start((GITLAB.table)(230), |request, table| {
        page(request, table, false)
    });
    let outcome = trial.sync(&["--page-size", "20"]).expect(0);
    assert!(outcome.stderr.contains("no total"), "{}", outcome.stderr);
    assert_eq!(outcome.receipt()["rows"], 230);
}
