//! Socrata (SODA 2.1): a bare array and no total, parameters with a dollar,
//! fields with a colon that must be selected, a filter in a query language,
//! unknown parameters refused, and datasets that are replaced whole, so that
//! every row has one and the same time.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{list, millis, number, refuse, table};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "bjp8KrRvAPtuf809u1UXnI0Z8";

static SOCRATA: Contract = Contract {
    name: "socrata",
    path: "/resource/abcd-1234.json",
    secret: ("SOCRATA_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Id, permit, id, 123_000, count),
    id,
    key: "/:id",
};

fn id(number: usize) -> String {
    format!(
        "row-{:04x}~{:04x}_{:04x}",
        number * 7919 % 65_536,
        number,
        42
    )
}

fn permit(row: &Row) -> String {
    let (id, serial, version) = (&row.id, row.serial, row.version);
    let (created, updated) = (millis(row.created), millis(row.updated));
    let floating = updated.trim_end_matches('Z');
    format!(
        "{{\":id\":\"{id}\",\":created_at\":\"{created}\",\":updated_at\":\"{updated}\",\"permit\":\"{serial}\",\"cost\":\"{version}00.00\",\"last_seen\":\"{floating}\"}}"
    )
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    refuse(
        status,
        json!({"code": code, "error": true, "message": message}),
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request
        .header("X-App-Token")
        .is_some_and(|token| token != TOKEN)
    {
        return error(403, "permission_denied", "Invalid app_token specified");
    }
    let known = ["$select", "$where", "$order", "$limit", "$offset"];
    if let Some((name, _)) = request
        .query
        .iter()
        .find(|(name, _)| !known.contains(&&**name))
    {
        return error(
            400,
            "query.compiler.malformed",
            &format!("Unrecognized arguments [{name}]"),
        );
    }
    let mut since = None;
    if let Some(filter) = request.param("$where") {
        let Some((field @ (":updated_at" | "last_seen"), text)) = filter.split_once(" >= ") else {
            return error(
                400,
                "query.soql.no-such-column",
                &format!("No such column; position: {filter}"),
            );
        };
        let text = text.trim_matches('\'');
        // A floating timestamp is one without a zone, a fixed one may have it.
        let zoned = if field == "last_seen" {
            format!("{text}Z")
        } else {
            text.to_owned()
        };
        let Some(time) = clock::parse(&zoned) else {
            return error(
                400,
                "query.soql.type-mismatch",
                "Type mismatch for op$>=, is text",
            );
        };
        since = Some(time);
    }
    let limit = number(request, "$limit").unwrap_or(1000);
    let offset = number(request, "$offset").unwrap_or(0);
    let (rows, _) = match request.param("$order") {
        Some(":updated_at,:id" | "last_seen,:id") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    let body = list(&rows);
    match request.param("$select") {
        Some(":*,*") => Reply::json(body),
        _ => Reply::json(
            body.replace("\":id\"", "\"hidden\"")
                .replace("\":updated_at\"", "\"gone\""),
        ),
    }
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&SOCRATA);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&SOCRATA);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&SOCRATA, "Invalid app_token specified");
    contract::tells_which_bound_was_refused(
        &SOCRATA,
        "\"first\": \"1970-01-01T00:00:00.000Z\"",
        "type-mismatch",
    );
}

#[test]
fn a_parameter_that_is_not_known_is_named() {
    let outcome = Trial::start(&SOCRATA, 30)
        .altered("$limit", "limit")
        .sync(&[])
        .expect(4);
    assert!(
        outcome.stderr.contains("Unrecognized arguments [limit]"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn system_fields_that_were_not_selected_are_missed_by_name() {
    let outcome = Trial::start(&SOCRATA, 30)
        .altered(":*,*", "*")
        .sync(&[])
        .expect(5);
    assert!(
        outcome.stderr.contains("field \":id\""),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_dataset_that_was_replaced_whole_is_read_by_offset_alone() {
    let trial = Trial::start(&SOCRATA, 0);
    for number in 0..500 {
        trial.model.table().insert(&id(number), BASE);
    }
    let flags = ["--page-size", "40", "--max-offset", "100"];
    trial.assert_is_table(&trial.rows(&flags));
    assert_eq!(trial.rows(&flags).len(), 0);
    // Replaced again: every row has changed.
    for number in 0..500 {
        trial.model.table().update(&id(number), BASE + 60 * SECOND);
    }
    trial.assert_is_table(&trial.rows(&flags));
}

#[test]
fn a_floating_timestamp_is_read_and_spelled_without_a_zone() {
    let trial = Trial::start(&SOCRATA, 230)
        .altered(":updated_at", "last_seen")
        .altered("\"first\": \"1970-01-01T00:00:00.000Z\"", "\"format\": \"[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]\", \"first\": \"1970-01-01T00:00:00.000\"");
    trial.assert_is_table(&trial.rows(&["--page-size", "20"]));
    let changed = contract::change(&SOCRATA, &mut trial.model.table());
    assert_eq!(trial.rows(&["--page-size", "20"]).len(), changed.len());
    let newest = millis(trial.model.table().newest().unwrap());
    trial.rows(&[]);
    let requests = trial.model.requests();
    let bound = requests.last().unwrap().param("$where").unwrap();
    assert_eq!(
        bound,
        format!("last_seen >= '{}'", newest.trim_end_matches('Z'))
    );
}
