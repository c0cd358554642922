//! Xero's invoices: the bound in a header and cut to the second, times as .NET
//! once wrote them, pages by number, tokens by client credentials.

use serde_json::{Value, json};

use crate::contract::connection;
use crate::contract::delivered;
use crate::model::{Model, counted, list, number, refuse, table};
use crate::support::clock::{self, SECOND};
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};
use crate::support::{Scratch, highwater, run};

const SECRET: &str = "xero-client-secret-0123456789";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJ4IjoxfQ.c2lnbmF0dXJl";

fn invoice(row: &Row) -> String {
    let (id, version, millis) = (&row.id, row.version, row.updated.div_euclid(1000));
    format!(
        "{{\"InvoiceID\":\"{id}\",\"Total\":{version}.50,\"UpdatedDateUTC\":\"\\/Date({millis}+0000)\\/\"}}"
    )
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.path == "/connect/token" {
        assert_eq!(request.form("grant_type").unwrap(), "client_credentials");
        assert_eq!(request.form("client_secret").unwrap(), SECRET);
        return Reply::json(json!({"access_token": TOKEN, "expires_in": 1800}));
    }
    if request.header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refuse(401, json!({"Title": "Unauthorized", "Status": 401}));
    }
    let since = request.header("If-Modified-Since");
    let since = since.map(|text| clock::parse(&format!("{text}Z")).unwrap());
    assert!(since.is_none_or(|since| since % SECOND == 0));
    assert_eq!(request.param("order"), Some("UpdatedDateUTC ASC"));
    let size = number(request, "pageSize").unwrap_or(100);
    let page = number(request, "page").unwrap();
    let (rows, total) = table.select(since, true, (page - 1) * size, size);
    let pagination = json!({"page": page, "pageSize": size, "itemCount": total});
    Reply::json(format!(
        "{{\"Status\":\"OK\",\"pagination\":{pagination},\"Invoices\":{}}}",
        list(&rows)
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    let model = Model::start(
        table(Ties::Insertion, invoice, counted, 123_000, 230),
        answer,
    );
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(connection("xero-invoices")).unwrap();
    let text = text.replace("https://identity.xero.com", &model.url(""));
    let config = scratch.write("c.json", text);
    let sync = || -> Vec<Value> {
        let outcome = run(highwater(scratch.path())
            .env("XERO_SECRET", SECRET)
            .args(["sync", "--page-size", "20", "--config"])
            .arg(&config)
            .args(["--url", &model.url("/api.xro/2.0/Invoices")]));
        let outcome = outcome.expect(0);
        assert!(!outcome.stderr.contains(SECRET) && !outcome.stderr.contains(TOKEN));
        delivered(scratch.path(), &outcome.receipt())
    };
    assert_eq!(sync().len(), 230);
    let time = model.table().newest().unwrap() + SECOND;
    model.table().update("7", time);
    let changed = sync();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["InvoiceID"], "7");
    assert_eq!(sync().len(), 0);
}
