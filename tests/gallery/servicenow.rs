//! ServiceNow's Table API: filter and order in one encoded query whose invalid
//! parts are ignored, the total in a header, times without a zone that are in
//! UTC, every value a string, and rows that access rules take out of a page
//! after it was counted.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

/// `integration:secret` in base64.
const BASIC: &str = "aW50ZWdyYXRpb246c2VjcmV0";

static SERVICENOW: Contract = Contract {
    name: "servicenow",
    path: "/api/now/table/incident",
    secret: ("SERVICENOW_BASIC", BASIC),
    answer,
    table: |count| table(Ties::Id, incident, sys_id, clock::SECOND, count),
    id: sys_id,
    key: "/sys_id",
};

fn sys_id(number: usize) -> String {
    format!("{:032x}", number as u128 * 0x0123_4567_89ab_cdef_0011)
}

/// `2024-01-15 10:30:00`
fn time(micros: i64) -> String {
    clock::rfc3339(micros).replace('T', " ").replace('Z', "")
}

fn incident(row: &Row) -> String {
    let (id, serial, version, updated) = (&row.id, row.serial, row.version, time(row.updated));
    format!(
        "{{\"sys_id\":\"{id}\",\"number\":\"INC{serial:07}\",\"sys_mod_count\":\"{version}\",\"active\":\"true\",\"sys_updated_on\":\"{updated}\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    answer_hiding(request, table, &|_| false)
}

fn answer_hiding(request: &Request, table: &Table, hidden: &dyn Fn(&Row) -> bool) -> Reply {
    if request.header("Authorization") != Some(&format!("Basic {BASIC}")) {
        let error = json!({"message": "User Not Authenticated", "detail": "Required to provide Auth information"});
        return refuse(401, json!({"error": error, "status": "failure"}));
    }
    if request.path != "/api/now/table/incident" {
        let error = json!({"message": "Invalid table nope", "detail": null});
        return refuse(400, json!({"error": error, "status": "failure"}));
    }
    let (mut since, mut sorted) = (None, false);
    for part in request
        .param("sysparm_query")
        .unwrap_or_default()
        .split('^')
    {
        // What is not understood is left out of the query.
        if let Some(text) = part.strip_prefix("sys_updated_on>=") {
            since = clock::parse(&format!("{}Z", text.replace(' ', "T")));
        }
        sorted |= part == "ORDERBYsys_updated_on";
    }
    let limit = number(request, "sysparm_limit").unwrap_or(10_000);
    let offset = number(request, "sysparm_offset").unwrap_or(0);
    let (rows, total) = match sorted {
        true => table.select(since, true, offset, limit),
        false => table.select_unsorted(since, true, offset, limit),
    };
    let rows: Vec<&str> = rows
        .into_iter()
        .filter(|row| !hidden(row))
        .map(|row| &*row.json)
        .collect();
    Reply::json(format!("{{\"result\":[{}]}}", rows.join(","))).header("X-Total-Count", total)
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&SERVICENOW);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&SERVICENOW);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&SERVICENOW, "User Not Authenticated");
}

#[test]
fn filter_and_order_are_one_parameter() {
    let trial = Trial::start(&SERVICENOW, 30);
    trial.rows(&[]);
    trial.rows(&[]);
    let requests = trial.model.requests();
    let query = |at: usize| requests[at].param("sysparm_query").unwrap().to_owned();
    let order = "^ORDERBYsys_updated_on^ORDERBYsys_id";
    assert_eq!(
        query(0),
        format!("sys_updated_on>=1970-01-01 00:00:00{order}")
    );
    let newest = time(trial.model.table().newest().unwrap());
    assert_eq!(
        query(requests.len() - 1),
        format!("sys_updated_on>={newest}{order}")
    );
}

#[test]
fn a_field_that_is_ignored_brings_no_row_twice() {
    let trial = Trial::start(&SERVICENOW, 80).altered("sys_updated_on>=", "updated>=");
    trial.assert_is_table(&trial.rows(&[]));
    let changed = contract::change(&SERVICENOW, &mut trial.model.table());
    assert_eq!(trial.rows(&[]).len(), changed.len());
}

/// Access rules hide some rows after the page was cut and counted, the newest
/// among them.
fn with_hidden_rows() -> Trial {
    let mut trial = Trial::start(&SERVICENOW, 0);
    trial.model = crate::model::Model::start((SERVICENOW.table)(230), |request, table| {
        answer_hiding(request, table, &|row| row.serial % 7 == 229 % 7)
    });
    trial
}

#[test]
fn hidden_rows_are_not_taken_for_a_complete_sync() {
    let trial = with_hidden_rows();
    let outcome = trial.sync(&["--page-size", "20"]).expect(5);
    assert_eq!(outcome.receipt()["complete"], false);
    assert_eq!(outcome.receipt()["rows"], 230 - 33);
}

#[test]
fn without_the_total_single_hidden_rows_do_no_harm() {
    let trial = with_hidden_rows().altered("\"header:X-Total-Count\"", "null");
    let rows = trial.rows(&["--page-size", "20"]);
    assert_eq!(rows.len(), 230 - 33);
    assert_eq!(trial.rows(&["--page-size", "20"]).len(), 0);
}
