//! Request Tracker's REST 2: pages by number, times in UTC in its answers, and
//! TicketSQL that reads times in the zone of the user who asks.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{falling, list, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "1-14-f00dfeedf00dfeedf00dfeedf00dfeed";
const MAX_PER_PAGE: usize = 100;
/// New York in January, where the table's rows are.
const AHEAD: i64 = -5 * 3600 * SECOND;

static RT: Contract = Contract {
    name: "request-tracker",
    path: "/REST/2.0/tickets",
    secret: ("RT_TOKEN", TOKEN),
    answer,
    table: |count| {
        table(
            Ties::Insertion,
            ticket,
            crate::model::counted,
            1_000_000,
            count,
        )
    },
    id: crate::model::counted,
    key: "/id",
};

fn ticket(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, clock::rfc3339(row.updated));
    format!(
        "{{\"id\":\"{id}\",\"type\":\"ticket\",\"_url\":\"https://rt.example.com/REST/2.0/ticket/{id}\",\"Subject\":\"version {version}\",\"Status\":\"open\",\"LastUpdated\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("token {TOKEN}")) {
        return refuse(401, json!({"message": "Unauthorized"}));
    }
    let query = request.param("query").unwrap_or_default();
    let bound = query
        .strip_prefix("LastUpdated >= '")
        .and_then(|rest| rest.strip_suffix('\''))
        .and_then(|text| clock::parse(&format!("{}Z", text.replace(' ', "T"))));
    let Some(since) = bound.map(|wall| wall - AHEAD) else {
        return refuse(
            400,
            json!({"message": format!("Unknown field or date in {query}")}),
        );
    };
    let limit = number(request, "per_page").unwrap_or(20).min(MAX_PER_PAGE);
    let page = number(request, "page").unwrap_or(1);
    let (rows, total) = match (request.param("orderby"), request.param("order")) {
        (Some("LastUpdated"), Some("ASC")) => {
            table.select(Some(since), true, (page - 1) * limit, limit)
        }
        (_, Some("DESC")) => falling(
            table.select(Some(since), true, 0, usize::MAX),
            (page - 1) * limit,
            limit,
        ),
        _ => table.select_unsorted(Some(since), true, (page - 1) * limit, limit),
    };
    let (items, count, pages) = (list(&rows), rows.len(), total.div_ceil(limit));
    Reply::json(format!(
        "{{\"count\":{count},\"page\":{page},\"pages\":{pages},\"per_page\":{limit},\"total\":{total},\"items\":{items}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&RT);
    contract::brings_all_rows_and_then_the_changes(&RT);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&RT);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&RT, "Unauthorized");
}

#[test]
fn the_bound_is_a_time_on_the_users_wall() {
    let trial = Trial::start(&RT, 60);
    trial.rows(&[]);
    trial.rows(&[]);
    let requests = trial.model.requests();
    let query = requests.last().unwrap().param("query").unwrap().to_owned();
    // The last of the rows is of 10:31:32 in UTC.
    assert_eq!(query, "LastUpdated >= '2024-01-15 05:31:32'");
}
