//! Jira Server: the filter in a query language that reads times to the minute
//! and in the user's own time zone, fields one level down, the offset echoed,
//! pages clamped, times as `2024-01-15T10:30:00.000+0000`.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{Model, list, millis, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "MDM4NjY1NzE4OTU2OqfM";
const MAX_RESULTS: usize = 100;

static JIRA: Contract = Contract {
    name: "jira-server",
    path: "/rest/api/2/search",
    secret: ("JIRA_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Insertion, issue, id, 123_000, count),
    id,
    key: "/id",
};

fn id(number: usize) -> String {
    (10_000 + number).to_string()
}

fn time(micros: i64) -> String {
    millis(micros).replace('Z', "+0000")
}

fn issue(row: &Row) -> String {
    let (id, serial, version, updated) = (&row.id, row.serial, row.version, time(row.updated));
    format!(
        "{{\"id\":\"{id}\",\"key\":\"HW-{serial}\",\"fields\":{{\"summary\":\"version {version}, \\\"quoted\\\"\",\"status\":{{\"name\":\"Open\"}},\"updated\":\"{updated}\"}}}}"
    )
}

/// The bound of `updated >= … ORDER BY …`: a minute in UTC, or milliseconds.
fn bound(jql: &str) -> Result<(i64, bool), String> {
    let (filter, order) = jql.split_once(" ORDER BY ").unwrap_or((jql, ""));
    let value = filter.strip_prefix("updated >= ").ok_or_else(|| {
        let field = filter.split(' ').next().unwrap_or_default();
        format!("Field '{field}' does not exist or you do not have permission to view it.")
    })?;
    let sorted = order == "updated ASC, key ASC";
    if let Ok(millis) = value.parse::<i64>() {
        return Ok((millis * 1000, sorted));
    }
    let text = value.trim_matches('"');
    let since = clock::parse(&format!("{}:00Z", text.replace(' ', "T"))).ok_or_else(|| {
        format!("Date value '{text}' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")
    })?;
    Ok((since, sorted))
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        let message = "Client must be authenticated to access this resource.";
        return refuse(401, json!({"message": message, "status-code": 401}));
    }
    let (since, sorted) = match bound(request.param("jql").unwrap_or_default()) {
        Ok(bound) => bound,
        Err(message) => return refuse(400, json!({"errorMessages": [message], "errors": {}})),
    };
    let limit = number(request, "maxResults").unwrap_or(50).min(MAX_RESULTS);
    let offset = number(request, "startAt").unwrap_or(0);
    let (rows, total) = match sorted {
        true => table.select(Some(since), true, offset, limit),
        false => table.select_unsorted(Some(since), true, offset, limit),
    };
    let issues = list(&rows);
    Reply::json(format!(
        "{{\"expand\":\"names,schema\",\"startAt\":{offset},\"maxResults\":{limit},\"total\":{total},\"issues\":{issues}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&JIRA);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&JIRA);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&JIRA, "Client must be authenticated");
    contract::tells_which_bound_was_refused(
        &JIRA,
        "\"first\": \"1970-01-01 00:00\"",
        "Date value 'yesterday'",
    );
}

#[test]
fn a_field_that_is_not_known_is_named() {
    let outcome = Trial::start(&JIRA, 30)
        .altered("updated >=", "changed >=")
        .sync(&[])
        .expect(4);
    assert!(
        outcome.stderr.contains("Field 'changed' does not exist"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_bound_is_cut_to_the_minute_and_the_mark_is_not() {
    let trial = Trial::start(&JIRA, 100);
    let receipt = trial.sync(&[]).expect(0).receipt();
    let newest = trial.model.table().newest().unwrap();
    assert_eq!(receipt["last_updated_at"], time(newest));
    trial.sync(&[]).expect(0);
    let requests = trial.model.requests();
    let minute = &clock::rfc3339(newest).replace('T', " ")[..16];
    assert_eq!(
        requests.last().unwrap().param("jql").unwrap(),
        format!("updated >= \"{minute}\" ORDER BY updated ASC, key ASC")
    );
}

#[test]
fn a_minute_with_more_rows_than_a_page_and_than_the_offset_is_read_once() {
    let trial = Trial::start(&JIRA, 0);
    for number in 0..150 {
        let time = clock::BASE + number as i64 * 100_000;
        trial.model.table().insert(&id(number), time);
    }
    let rows = trial.rows(&["--page-size", "10", "--max-offset", "30"]);
    trial.assert_is_table(&rows);
    trial
        .model
        .table()
        .update(&id(3), clock::BASE + 50 * SECOND);
    assert_eq!(trial.rows(&["--page-size", "10"]).len(), 1);
}

#[test]
fn milliseconds_do_without_a_time_zone() {
    let trial = Trial::start(&JIRA, 230)
        .altered("\\\"{since}\\\"", "{since}")
        .altered("[year]-[month]-[day] [hour]:[minute]", "unix-ms")
        .altered("\"1970-01-01 00:00\"", "\"0\"");
    trial.assert_is_table(&trial.rows(&["--page-size", "20"]));
    let changed = contract::change(&JIRA, &mut trial.model.table());
    assert_eq!(trial.rows(&["--page-size", "20"]).len(), changed.len());
    let newest = trial.model.table().newest().unwrap();
    assert_eq!(trial.rows(&[]).len(), 0);
    let requests = trial.model.requests();
    let jql = requests.last().unwrap().param("jql").unwrap();
    assert!(
        jql.starts_with(&format!("updated >= {} ORDER", newest / 1000)),
        "{jql}"
    );
}

/// The index that Jira sorts by keeps whole seconds, its answers milliseconds.
fn answer_sorted_to_the_second(request: &Request, table: &Table) -> Reply {
    let (since, _) = bound(request.param("jql").unwrap()).unwrap();
    let (mut rows, total) = table.select(Some(since), true, 0, usize::MAX);
    rows.sort_by_key(|row| (row.updated / SECOND, row.serial));
    let (limit, offset) = (
        number(request, "maxResults").unwrap(),
        number(request, "startAt").unwrap(),
    );
    let page: Vec<&Row> = rows.into_iter().skip(offset).take(limit).collect();
    let issues = list(&page);
    Reply::json(format!(
        "{{\"startAt\":{offset},\"total\":{total},\"issues\":{issues}}}"
    ))
}

#[test]
fn an_order_coarser_than_the_times_is_refused_and_can_be_done_without() {
    let mut trial = Trial::start(&JIRA, 0);
    trial.model = Model::start((JIRA.table)(230), answer_sorted_to_the_second);
    let newest = trial.model.table().newest().unwrap();
    trial.model.table().update(&id(9), newest + SECOND + 5000);
    trial.model.table().update(&id(4), newest + SECOND + 9000);
    let outcome = trial.sync(&["--page-size", "20"]).expect(5);
    assert!(
        outcome.stderr.contains("out of order"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("\"sorted\": false"),
        "{}",
        outcome.stderr
    );
    let trial = trial.altered("\"page_size\"", "\"sorted\": false, \"page_size\"");
    let rest = trial.rows(&["--page-size", "20", "--full-refresh"]);
    trial.assert_is_table(&rest);
    let changed = contract::change(&JIRA, &mut trial.model.table());
    assert_eq!(trial.rows(&["--page-size", "20"]).len(), changed.len());
}

#[test]
fn fields_one_level_down_are_columns_in_both_formats() {
    let trial = Trial::start(&JIRA, 1);
    let row = &trial.rows(&[])[0];
    let names: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "fields",
            "fields_status_name",
            "fields_summary",
            "fields_updated",
            "id",
            "key"
        ]
    );
    assert_eq!(row["fields_updated"], "2024-01-15T10:30:00.000Z");
    assert_eq!(
        row["fields"]["updated"],
        Value::from("2024-01-15T10:30:00.000+0000")
    );
    let csv = trial
        .sync(&["--format", "csv", "--out", "-", "--state", "none"])
        .expect(0);
    assert_eq!(
        csv.stdout,
        "id,key,fields_summary,fields_status_name,fields_updated\n\
         10000,HW-0,\"version 1, \"\"quoted\"\"\",Open,2024-01-15T10:30:00.000Z\n"
    );
}
