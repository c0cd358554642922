//! Zabbix's events over JSON-RPC: unix times in strings, a limit but neither an
//! offset nor a page, and every error with status 200.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{Model, counted, list, table};
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
    events(&body, table)
}

fn events(body: &Value, table: &Table) -> Reply {
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

/// Logs in, and takes each session for so many requests.
fn with_sessions(uses: usize, said: &'static str) -> Trial {
    let mut trial = Trial::start(&ZABBIX, 0);
    let state = std::sync::Mutex::new((0, 0));
    trial.model = Model::start((ZABBIX.table)(230), move |request, table| {
        let (given, left) = &mut *state.lock().unwrap();
        let body = request.json();
        if body["method"] == "user.login" {
            if body["params"] != json!({"username": "reader", "password": TOKEN}) {
                let data = "Incorrect user name or password or account is temporarily blocked.";
                return error(-32500, "Application error.", data);
            }
            (*given, *left) = (*given + 1, uses);
            return Reply::json(json!({"jsonrpc": "2.0", "result": session(*given), "id": 1}));
        }
        let wanted = format!("Bearer {}", session(*given));
        if *left == 0 || request.header("Authorization") != Some(&wanted) {
            let sent = request.header("Authorization").unwrap_or_default();
            return error(-32602, "Invalid params.", &format!("{said} ({sent})"));
        }
        *left -= 1;
        events(&body, table)
    });
    let url = trial.model.url(ZABBIX.path);
    let login = json!({
        "login": {"url": url, "body": {
            "jsonrpc": "2.0", "method": "user.login", "id": 1,
            "params": {"username": "reader", "password": "${ZABBIX_TOKEN}"},
        }},
        "token": "/result",
        "expired": ["re-login", "Not authori"],
    });
    let auth = format!("\"auth\": {login},\n  \"page_size\"");
    trial
        .altered("Bearer ${ZABBIX_TOKEN}", "Bearer {token}")
        .altered("\"page_size\"", &auth)
}

fn session(number: usize) -> String {
    format!("5e55/10n+{number:03}-secret")
}

#[test]
fn a_session_that_ends_is_begun_anew_and_the_sync_goes_on() {
    for said in [
        "Session terminated, re-login, please.",
        "Not authorised.",
        "Not authorized.",
    ] {
        let trial = with_sessions(3, said);
        let flags = ["--page-size", "20", "-vv", "--record", "tape"];
        let outcome = trial.sync(&flags).expect(0);
        let receipt = outcome.receipt();
        let rows = contract::delivered(trial.scratch.path(), &receipt);
        trial.assert_is_table(&rows);
        assert!(receipt["retries"].as_u64().unwrap() > 2, "{receipt}");
        let read = |name: &str| std::fs::read_to_string(trial.scratch.join(name)).unwrap();
        for text in [outcome.stderr, read("tape"), read("out/state.json")] {
            assert!(!text.contains("5e55") && !text.contains(TOKEN), "{text}");
        }
        // A replay has the refusals too, and needs no login.
        let flags = ["--page-size", "20", "--replay", "tape", "--out", "again"];
        let again = trial.sync(&flags).expect(0).receipt();
        assert_eq!(again["rows"], 230);
    }
}

#[test]
fn a_session_that_is_never_taken_is_exit_4_and_shows_nothing() {
    let trial = with_sessions(0, "Session terminated, re-login, please.");
    let outcome = trial.patient("5", &["-vv"]).expect(4);
    assert!(
        outcome.stderr.contains("Session terminated"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("5e55"), "{}", outcome.stderr);
    assert_eq!(trial.model.requests().len(), 4);
    let mut trial = with_sessions(9, "Not authorised.");
    trial.secret = "not-the-password".into();
    let outcome = trial.sync(&["-vv"]).expect(4);
    let said = "Incorrect user name or password";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    assert!(
        !outcome.stderr.contains(&trial.secret),
        "{}",
        outcome.stderr
    );
}
