//! HubSpot's search: filters and sorts in the body, at most 200 a page, no more
//! than the first 10,000 results, the cursor in a nested member.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, millis, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "pat-na1-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
const MOST: usize = 10_000;

static HUBSPOT: Contract = Contract {
    name: "hubspot",
    path: "/crm/v3/objects/contacts/search",
    secret: ("HUBSPOT_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Unstable(5), contact, counted, 654_000, count),
    id: counted,
    key: "/id",
};

fn contact(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, millis(row.updated));
    format!(
        "{{\"id\":\"{id}\",\"properties\":{{\"email\":\"c{id}@example.com\",\"firstname\":\"v{version}\",\"hs_object_id\":\"{id}\",\"lastmodifieddate\":\"{updated}\"}},\"updatedAt\":\"{updated}\",\"archived\":false}}"
    )
}

fn invalid(message: &str) -> Reply {
    refuse(
        400,
        json!({"status": "error", "message": message, "category": "VALIDATION_ERROR"}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        let message = "Authentication credentials not found.";
        return refuse(
            401,
            json!({"status": "error", "message": message, "category": "INVALID_AUTHENTICATION"}),
        );
    }
    let body = request.json();
    let filter = &body["filterGroups"][0]["filters"][0];
    assert_eq!(
        (&filter["propertyName"], &filter["operator"]),
        (&json!("lastmodifieddate"), &json!("GTE"))
    );
    // As the reference has it, both are strings.
    let text = |value: &Value| value.as_str()?.parse::<i64>().ok();
    let Some(since) = text(&filter["value"]) else {
        return invalid("value is not a valid timestamp");
    };
    let limit = usize::try_from(body["limit"].as_u64().unwrap()).unwrap();
    if limit > 200 {
        return invalid("limit must be less than or equal to 200");
    }
    let after = usize::try_from(text(&body["after"]).unwrap()).unwrap();
    if after + limit > MOST {
        return invalid("There was a problem with the request: after cannot exceed 10000");
    }
    let sort = &body["sorts"][0];
    let sorted = sort["propertyName"] == "lastmodifieddate" && sort["direction"] == "ASCENDING";
    let since = Some(since * SECOND / 1000);
    let (rows, total) = match sorted {
        true => table.select(since, true, after, limit),
        false => table.select_unsorted(since, true, after, limit),
    };
    let results = list(&rows);
    let next = after + rows.len();
    let paging = match next < total {
        true => json!({"next": {"after": next.to_string()}}),
        false => json!(null),
    };
    Reply::json(format!(
        "{{\"total\":{total},\"results\":{results},\"paging\":{paging}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&HUBSPOT);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&HUBSPOT);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&HUBSPOT, "Authentication credentials not found");
    let trial = Trial::start(&HUBSPOT, 30);
    let outcome = trial.sync(&["--page-size", "500"]).expect(4);
    let said = "less than or equal to 200";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}

#[test]
fn more_rows_than_a_search_reaches_come_all_the_same() {
    let trial = Trial::start(&HUBSPOT, 0);
    for number in 0..MOST + 500 {
        let time = clock::BASE + (number / 3) as i64 * SECOND;
        trial.model.table().insert(&counted(number), time);
    }
    trial.assert_is_table(&trial.rows(&[]));
}
