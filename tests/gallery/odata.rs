//! SAP's CAP framework: OData 4 as it speaks it itself, with ISO times and an
//! `@odata.count`, and OData 2 as its adapter does, with `/Date(…)/`, a
//! `datetimeoffset` literal in the filter, and everything below `d`.

use serde_json::json;

use crate::contract::{self, Contract};
use crate::model::{counted, list, millis, number, refuse, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.cap.c2ln";
const MAX_TOP: usize = 1000;

static V4: Contract = Contract {
    name: "sap-cap-odata-v4",
    path: "/odata/v4/catalog/Books",
    secret: ("CAP_TOKEN", TOKEN),
    answer: v4,
    table: |count| table(Ties::Id, book_v4, counted, 123_000, count),
    id: counted,
    key: "/ID",
};

static V2: Contract = Contract {
    name: "sap-cap-odata-v2",
    path: "/odata/v2/catalog/Books",
    secret: ("CAP_TOKEN", TOKEN),
    answer: v2,
    table: |count| table(Ties::Id, book_v2, counted, 123_000, count),
    id: counted,
    key: "/ID",
};

fn book_v4(row: &Row) -> String {
    let (id, version, modified) = (&row.id, row.version, millis(row.updated));
    format!("{{\"ID\":\"{id}\",\"modifiedAt\":\"{modified}\",\"stock\":{version}}}")
}

fn book_v2(row: &Row) -> String {
    let (id, version, modified) = (&row.id, row.version, row.updated.div_euclid(1000));
    format!(
        "{{\"__metadata\":{{\"uri\":\"Books('{id}')\",\"type\":\"CatalogService.Books\"}},\"ID\":\"{id}\",\"modifiedAt\":\"/Date({modified}+0000)/\",\"stock\":{version}}}"
    )
}

/// The page's rows, their number, and where the page begins; or a refusal.
fn select<'a>(
    request: &Request,
    table: &'a Table,
    literal: fn(&str) -> Option<i64>,
) -> Result<(Vec<&'a Row>, usize), Reply> {
    let error = |status: u16, message: &str| {
        let error = json!({"code": status.to_string(), "message": message});
        refuse(status, json!({"error": error}))
    };
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return Err(error(401, "Unauthorized"));
    }
    let since = match request.param("$filter") {
        None => None,
        Some(filter) => match filter.strip_prefix("modifiedAt ge ").and_then(literal) {
            Some(since) => Some(since),
            None => return Err(error(400, &format!("Parsing URL failed at {filter}"))),
        },
    };
    let top = number(request, "$top").unwrap_or(MAX_TOP).min(MAX_TOP);
    let skip = number(request, "$skip").unwrap_or(0);
    Ok(match request.param("$orderby") {
        Some("modifiedAt,ID") => table.select(since, true, skip, top),
        _ => table.select_unsorted(since, true, skip, top),
    })
}

fn v4(request: &Request, table: &Table) -> Reply {
    match select(request, table, clock::parse) {
        Err(refusal) => refusal,
        Ok((rows, total)) => {
            let count = match request.param("$count") {
                Some("true") => format!("\"@odata.count\":{total},"),
                _ => String::new(),
            };
            let value = list(&rows);
            Reply::json(format!(
                "{{\"@odata.context\":\"$metadata#Books\",{count}\"value\":{value}}}"
            ))
        }
    }
}

fn v2(request: &Request, table: &Table) -> Reply {
    let literal =
        |text: &str| clock::parse(text.strip_prefix("datetimeoffset'")?.strip_suffix('\'')?);
    match select(request, table, literal) {
        Err(refusal) => refusal,
        Ok((rows, total)) => {
            let count = match request.param("$inlinecount") {
                Some("allpages") => format!(",\"__count\":\"{total}\""),
                _ => String::new(),
            };
            let results = list(&rows);
            Reply::json(format!("{{\"d\":{{\"results\":{results}{count}}}}}"))
        }
    }
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::is_approved_by_check(&V4);
    contract::is_approved_by_check(&V2);
    contract::brings_all_rows_and_then_the_changes(&V4);
    contract::brings_all_rows_and_then_the_changes_as(&V2, |row| {
        let text = row["modifiedAt"].as_str().unwrap_or_default();
        if let Some(millis) = text
            .strip_prefix("/Date(")
            .and_then(|rest| rest.strip_suffix("+0000)/"))
        {
            row["modifiedAt"] = clock::rfc3339(millis.parse::<i64>().unwrap() * 1000).into();
        }
    });
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&V4);
}

#[test]
fn a_refusal_says_why() {
    for of in [&V4, &V2] {
        contract::tells_why_it_was_refused(of, "Unauthorized");
        contract::tells_which_bound_was_refused(
            of,
            "\"first\": \"1970-01-01T00:00:00Z\"",
            "Parsing URL failed",
        );
    }
}
