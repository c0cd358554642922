//! Shopify's orders (REST Admin API): pages by links alone, which take no other
//! parameter but a limit, times in the shop's zone, and a bucket that leaks.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::contract::{self, Contract, Trial};
use crate::model::{Model, counted, list, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const TOKEN: &str = "shpat_0123456789abcdef0123456789abcdef";

static SHOPIFY: Contract = Contract {
    name: "shopify-orders",
    path: "/admin/api/2025-01/orders.json",
    secret: ("SHOPIFY_TOKEN", TOKEN),
    answer,
    table: |count| table(Ties::Id, order, counted, 0, count),
    id: counted,
    key: "/id",
};

/// Five hours behind UTC.
fn local(micros: i64) -> String {
    let wall = clock::rfc3339(micros.div_euclid(SECOND) * SECOND - 5 * 3600 * SECOND);
    wall.replace('Z', "-05:00")
}

fn order(row: &Row) -> String {
    let (id, version, updated) = (&row.id, row.version, local(row.updated));
    format!("{{\"id\":{id},\"total_price\":\"{version}.00\",\"updated_at\":\"{updated}\"}}")
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("X-Shopify-Access-Token") != Some(TOKEN) {
        let why = "[API] Invalid API key or access token (unrecognized login or wrong password)";
        return refuse(401, json!({"errors": why}));
    }
    let limit = number(request, "limit").unwrap_or(50);
    if limit > 250 {
        return refuse(400, json!({"errors": {"limit": "must be at most 250"}}));
    }
    // The link's token holds what was asked for first.
    let (since, offset) = match request.param("page_info") {
        Some(info) => {
            for name in ["updated_at_min", "order", "status"] {
                if request.param(name).is_some() {
                    let why = format!("{name} cannot be passed when page_info is present");
                    return refuse(400, json!({"errors": {name: why}}));
                }
            }
            let (since, offset) = info.split_once('.').unwrap();
            (since.parse().ok(), offset.parse().unwrap())
        }
        None => {
            let param = |name| request.param(name);
            assert_eq!(param("status"), Some("any"));
            assert_eq!(param("order"), Some("updated_at asc"));
            (
                param("updated_at_min").map(|text| clock::parse(text).unwrap()),
                0,
            )
        }
    };
    let (rows, total) = table.select(since, true, offset, limit);
    let reply = Reply::json(format!("{{\"orders\":{}}}", list(&rows)))
        .header("X-Shopify-Shop-Api-Call-Limit", "39/40");
    let link = |offset: usize, rel: &str| {
        let since = since.map_or("first".to_owned(), |since| since.to_string());
        let host = request.header("Host").unwrap();
        let path = &request.path;
        format!("<http://{host}{path}?limit={limit}&page_info={since}.{offset}>; rel=\"{rel}\"")
    };
    let before = (offset > 0).then(|| link(offset.saturating_sub(limit), "previous"));
    let after = (offset + rows.len() < total).then(|| link(offset + rows.len(), "next"));
    let links: Vec<String> = before.into_iter().chain(after).collect();
    match links.is_empty() {
        true => reply,
        false => reply.header("Link", links.join(", ")),
    }
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&SHOPIFY);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&SHOPIFY);
}

#[test]
fn a_refusal_says_why() {
    contract::tells_why_it_was_refused(&SHOPIFY, "Invalid API key or access token");
    let outcome = Trial::start(&SHOPIFY, 30)
        .sync(&["--page-size", "500"])
        .expect(4);
    assert!(
        outcome.stderr.contains("must be at most 250"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_pause_that_is_named_with_a_fraction_is_kept() {
    let mut trial = Trial::start(&SHOPIFY, 0);
    let asked = AtomicUsize::new(0);
    trial.model = Model::start((SHOPIFY.table)(230), move |request, table| {
        match asked.fetch_add(1, Ordering::SeqCst) {
            2 => refuse(
                429,
                json!({"errors": "Exceeded 2 calls per second for api client."}),
            )
            .header("Retry-After", "1.0"),
            _ => answer(request, table),
        }
    });
    let outcome = trial.patient("1", &["--page-size", "20"]).expect(0);
    assert!(
        outcome.stderr.contains("retrying in 1."),
        "{}",
        outcome.stderr
    );
    let rows = contract::delivered(trial.scratch.path(), &outcome.receipt());
    trial.assert_is_table(&rows);
}
