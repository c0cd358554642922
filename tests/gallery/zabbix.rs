//! Zabbix's events over JSON-RPC: unix times in strings, a limit but neither an
//! offset nor a page, and every error with status 200.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, table};
use crate::support::clock::{BASE, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "0424bd59b807674191e7d77572075f33";

static ZABBIX: Contract = Contract {
    name: "zabbix-events",
    path: "/api_jsonrpc.php",
    secret: ("ZABBIX_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, event, counted, 0, count),
    id: counted,
    key: "/eventid",
};

fn event(row: &Row) -> String {
    let (id, version, clock) = (&row.id, row.version, row.updated.div_euclid(SECOND));
    format!("{{\"eventid\":\"{id}\",\"name\":\"v{version}\",\"clock\":\"{clock}\",\"ns\":\"0\"}}")
}

fn error(code: i32, message: &str, data: &str) -> Reply {
    let error = json!({"code": code, "message": message, "data": data});
    Reply::json(json!({"jsonrpc": "2.0", "error": error, "id": 1}))
}

fn answer(request: &Request, table: &Table) -> Reply {
    let body = request.json();
    assert_eq!(
        (&body["jsonrpc"], &body["method"]),
        (&json!("2.0"), &json!("event.get"))
    );
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return error(-32602, "Invalid params.", "Not authorized.");
    }
    let params = &body["params"];
    let Some(since) = params["time_from"].as_i64() else {
        let data = "Invalid parameter \"/time_from\": an integer is expected.";
        return error(-32602, "Invalid params.", data);
    };
    let limit = usize::try_from(params["limit"].as_u64().unwrap()).unwrap();
    let sorted = params["sortfield"] == json!(["clock", "eventid"]) && params["sortorder"] == "ASC";
    let (rows, _) = match sorted {
        true => table.select(Some(since * SECOND), true, 0, limit),
        false => table.select_unsorted(Some(since * SECOND), true, 0, limit),
    };
    Reply::json(format!(
        "{{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":1}}",
        list(&rows)
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&ZABBIX);
}

#[test]
fn a_refusal_says_why_though_its_status_is_200() {
    contract::tells_why_it_was_refused(&ZABBIX, "Not authorized");
}

#[test]
fn more_events_in_one_second_than_a_page_holds_are_not_passed_over() {
    let mut table = Table::rendered_by(Ties::Insertion, event);
    for number in 0..70 {
        table.insert(&counted(number), BASE + SECOND * i64::from(number >= 50));
    }
    let trial = Trial::start(&ZABBIX, 0);
    *trial.model.table() = table;
    trial.sync(&["--page-size", "20"]).expect(5);
    let receipt = trial
        .sync(&["--page-size", "60", "--full-refresh"])
        .expect(0)
        .receipt();
    assert_eq!(receipt["rows"], 70);
}
