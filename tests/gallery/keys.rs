//! Keys of several fields, numbers as keys, and rows that are wrapped or lie
//! deep in the answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::custom::Custom;
use crate::model::{counted, list, number, table};
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

fn select<'a>(request: &Request, table: &'a Table) -> (Vec<&'a Row>, usize) {
    let since = request.param("updated_since").and_then(clock::parse);
    let (limit, offset) = (
        number(request, "limit").unwrap(),
        number(request, "offset").unwrap(),
    );
    table.select(since, true, offset, limit)
}

fn plain(request: &Request, table: &Table) -> Reply {
    let (rows, total) = select(request, table);
    Reply::json(format!("{{\"data\":{},\"total\":{total}}}", list(&rows)))
}

/// The id is `TENANT NUMBER`.
fn tenant_row(row: &Row) -> String {
    let (tenant, number) = row.id.split_once(' ').unwrap();
    let (version, time) = (row.version, clock::rfc3339(row.updated));
    format!(
        "{{\"tenant\":\"{tenant}\",\"number\":{number},\"version\":{version},\"updatedAt\":\"{time}\"}}"
    )
}

#[test]
fn a_key_of_two_fields_tells_rows_apart_that_share_one() {
    let mut table = Table::rendered_by(Ties::Unstable(1), tenant_row);
    for number in 0..40 {
        for tenant in ["a", "b", "a,1"] {
            table.insert(&format!("{tenant} {number}"), BASE + number / 4 * SECOND);
        }
    }
    let connection = json!({"primary_key": ["tenant", "number"]});
    let custom = Custom::start(connection, table, plain);
    let keys = |rows: &[Value]| -> BTreeSet<String> {
        rows.iter()
            .map(|row| format!("{} {}", row["tenant"], row["number"]))
            .collect()
    };
    let rows = custom.rows(&["--page-size", "15"]);
    assert_eq!((rows.len(), keys(&rows).len()), (120, 120));
    let newest = custom.model.table().newest().unwrap();
    custom.model.table().update("b 39", newest);
    let rows = custom.rows(&["--page-size", "15"]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["tenant"], &rows[0]["version"]),
        (&json!("b"), &json!(2))
    );
    let seen = custom.state()["seen"].clone();
    assert!(seen.get("[\"b\",39]").is_some(), "{seen}");
}

fn numbered(row: &Row) -> String {
    let (id, version, time) = (&row.id, row.version, clock::rfc3339(row.updated));
    format!("{{\"id\":{id},\"version\":{version},\"updatedAt\":\"{time}\"}}")
}

#[test]
fn numbers_that_a_float_cannot_tell_apart_are_two_keys() {
    let mut table = Table::rendered_by(Ties::Insertion, numbered);
    for id in [
        "9007199254740992",
        "9007199254740993",
        "123456789012345678901234567890",
    ] {
        table.insert(id, BASE);
    }
    let custom = Custom::start(json!({}), table, plain);
    let receipt = custom.sync(&[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 3);
    let text =
        std::fs::read_to_string(custom.scratch.join(receipt["file"].as_str().unwrap())).unwrap();
    for id in custom.model.table().rows() {
        assert!(text.contains(&format!("\"id\":{},", id.id)), "{text}");
    }
    custom.model.table().update("9007199254740993", BASE);
    assert_eq!(custom.rows(&[]).len(), 1);
}

fn node(row: &Row) -> String {
    let (id, version, time) = (&row.id, row.version, clock::rfc3339(row.updated));
    format!(
        "{{\"cursor\":\"c{id}\",\"node\":{{\"meta\":{{\"id/raw\":{id}}},\"version\":{version},\"times\":[\"x\",\"{time}\"]}}}}"
    )
}

#[test]
fn rows_are_taken_out_of_their_wrapping() {
    let connection = json!({
        "primary_key": ["/meta/id~1raw"],
        "cursor": "/times/1",
        "response": {"rows": "/data/edges", "row": "/node", "total": "/data/totalCount"},
    });
    let table = table(Ties::Insertion, node, counted, 1, 60);
    let custom = Custom::start(connection, table, |request, table| {
        let (rows, total) = select(request, table);
        let edges = list(&rows);
        Reply::json(format!(
            "{{\"data\":{{\"totalCount\":\"{total}\",\"edges\":{edges}}}}}"
        ))
    });
    let rows = custom.rows(&["--page-size", "10"]);
    assert_eq!(rows.len(), 60);
    assert_eq!(
        rows[0],
        json!({"meta": {"id/raw": 1}, "version": 1, "times": ["x", "2024-01-15T10:30:00Z"]})
    );
    let newest = custom.model.table().newest().unwrap();
    custom.model.table().update("7", newest);
    assert_eq!(custom.rows(&[]).len(), 1);
}

#[test]
fn an_answer_may_be_a_list_of_its_head_and_its_rows() {
    let connection = json!({"response": {"rows": "/1", "total": "/0/total"}});
    let table = table(Ties::Insertion, numbered, counted, 1, 60);
    let custom = Custom::start(connection, table, |request, table| {
        let (rows, total) = select(request, table);
        Reply::json(format!(
            "[{{\"page\":1,\"total\":{total}}},{}]",
            list(&rows)
        ))
    });
    assert_eq!(custom.rows(&["--page-size", "10"]).len(), 60);
    assert_eq!(custom.rows(&[]).len(), 0);
}

#[test]
fn a_wrapping_without_a_row_is_named() {
    let connection = json!({"response": {"row": "/item"}});
    let custom = Custom::start(
        connection,
        table(Ties::Insertion, numbered, counted, 1, 3),
        plain,
    );
    let outcome = custom.sync(&[]).expect(5);
    assert!(
        outcome.stderr.contains("row 0: nothing at /item"),
        "{}",
        outcome.stderr
    );
}
