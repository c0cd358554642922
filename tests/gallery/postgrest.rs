//! PostgREST: a bare array, the total in `Content-Range` if it was asked for,
//! 206 for a part, 416 beyond the end, every unknown parameter a filter on a
//! column, times with `+00:00` and as many digits as they need.

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const KEY: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl";
const MAX_ROWS: usize = 100;

static POSTGREST: Contract = Contract {
    name: "postgrest",
    path: "/rest/v1/orders",
    secret: ("POSTGREST_KEY", KEY),
    answer,
    table: |count| table(Ties::Insertion, order, counted, 120_450, count),
    id: counted,
    key: "/id",
};

/// As PostgreSQL writes a `timestamptz` into JSON.
fn time(micros: i64) -> String {
    let text = clock::rfc3339(micros);
    let text = text.trim_end_matches('Z');
    match text.contains('.') {
        true => format!("{}+00:00", text.trim_end_matches('0')),
        false => format!("{text}+00:00"),
    }
}

fn order(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    format!(
        "{{\"id\":{id},\"amount\":{version}234567890123456789.10,\"paid\":true,\"note\":null,\"updated_at\":\"{}\"}}",
        time(row.updated)
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("apikey") != Some(KEY) {
        return refuse(
            401,
            json!({"message": "No API key found in request", "hint": "No `apikey` request header or url param was found."}),
        );
    }
    let mut since = None;
    for (name, value) in &request.query {
        match (&**name, value.strip_prefix("gte.")) {
            ("order" | "limit" | "offset", _) => {}
            ("updated_at", Some(text)) => match clock::parse(text) {
                Some(time) => since = Some(time),
                None => {
                    let message = format!(
                        "invalid input syntax for type timestamp with time zone: \"{text}\""
                    );
                    return refuse(
                        400,
                        json!({"code": "22007", "details": null, "hint": null, "message": message}),
                    );
                }
            },
            ("updated_at", None) => {
                let details = "unexpected \"2\" expecting \"not\" or operator (eq, gt, ...)";
                return refuse(
                    400,
                    json!({"code": "PGRST100", "details": details, "hint": null, "message": "\"failed to parse filter\""}),
                );
            }
            _ => {
                let message = format!("column orders.{name} does not exist");
                return refuse(
                    400,
                    json!({"code": "42703", "details": null, "hint": null, "message": message}),
                );
            }
        }
    }
    let limit = number(request, "limit").unwrap_or(MAX_ROWS).min(MAX_ROWS);
    let offset = number(request, "offset").unwrap_or(0);
    let (rows, total) = match request.param("order") {
        Some("updated_at.asc,id.asc") => table.select(since, true, offset, limit),
        _ => table.select_unsorted(since, true, offset, limit),
    };
    let counted = request.header("Prefer") == Some("count=exact");
    if counted && offset > total {
        let details =
            format!("An offset of {offset} was requested, but there are only {total} rows.");
        let body = json!({"code": "PGRST103", "details": details, "hint": null, "message": "Requested range not satisfiable"});
        return refuse(416, body).header("Content-Range", format!("*/{total}"));
    }
    let range = match rows.len() {
        0 => "*".to_owned(),
        count => format!("{offset}-{}", offset + count - 1),
    };
    let total_text = if counted {
        total.to_string()
    } else {
        "*".into()
    };
    Reply::json(list(&rows))
        .with_status(if counted && rows.len() < total {
            206
        } else {
            200
        })
        .header("Content-Range", format!("{range}/{total_text}"))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&POSTGREST);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&POSTGREST);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&POSTGREST, "No API key found");
    contract::tells_which_bound_was_refused(&POSTGREST, "\"first\": null", "invalid input syntax");
}

#[test]
fn a_plus_in_a_bound_is_sent_as_a_plus() {
    let trial = Trial::start(&POSTGREST, 30);
    trial.rows(&[]);
    trial.rows(&[]);
    let requests = trial.model.requests();
    assert_eq!(requests[0].param("updated_at"), None);
    let bound = time(trial.model.table().newest().unwrap());
    let last = requests.last().unwrap();
    assert_eq!(last.param("updated_at").unwrap(), format!("gte.{bound}"));
    assert!(
        last.raw_target.contains("%2B00%3A00"),
        "{}",
        last.raw_target
    );
}

#[test]
fn a_count_that_was_not_asked_for_is_done_without() {
    let trial = Trial::start(&POSTGREST, 230).altered(", \"Prefer\": \"count=exact\"", "");
    trial.assert_is_table(&trial.rows(&["--page-size", "20"]));
    let changed = contract::change(&POSTGREST, &mut trial.model.table());
    assert_eq!(trial.rows(&[]).len(), changed.len());
}

#[test]
fn an_unknown_column_is_named() {
    let trial = Trial::start(&POSTGREST, 30).altered("\"limit\":", "\"size\":");
    let outcome = trial.sync(&[]).expect(4);
    assert!(
        outcome.stderr.contains("column orders.size does not exist"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_table_that_shrinks_below_the_offset_costs_no_row() {
    let trial = Trial::start(&POSTGREST, 230);
    trial.model.after_page(|table, page| {
        if page == 5 {
            for number in 0..200 {
                table.delete(&counted(number));
            }
        }
    });
    let outcome = trial.sync(&["--page-size", "20"]);
    // 416 may end the sync: what it read is kept, and the next one goes on.
    assert!(matches!(outcome.code, Some(0 | 4)), "{outcome:?}");
    trial.sync(&["--page-size", "20"]).expect(0);
    let rows = crate::support::all_rows(&trial.scratch.join("out"));
    for id in trial.model.table().contents().keys() {
        assert_eq!(
            rows.iter().filter(|row| trial.key(row) == *id).count(),
            1,
            "{id}"
        );
    }
}

#[test]
fn digits_survive_in_csv() {
    let trial = Trial::start(&POSTGREST, 3);
    let receipt = trial.sync(&["--format", "csv"]).expect(0).receipt();
    let text =
        std::fs::read_to_string(trial.scratch.join(receipt["file"].as_str().unwrap())).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "id,amount,paid,note,updated_at",
            "1,1234567890123456789.10,true,,2024-01-15T10:30:00Z"
        ]
    );
    assert_eq!(lines.len(), 4);
}
