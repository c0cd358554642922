//! The reader of answers against serde_json.

use std::collections::BTreeMap;

use highwater::config::Connection;
use highwater::error::{Error, Kind};
use highwater::exchange::Response;
use highwater::json;
use highwater::page::Page;
use highwater::secret::Secrets;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::engine::fuzz;
use crate::{ensure, is_json};

/// Rows in a list at `/data`, and where the answer is laid out otherwise.
const LAYOUTS: [&str; 5] = [
    "{}",
    r#"{"on_bad_row":"reject"}"#,
    r#"{"sorted":false,"since":{"read":"unix","fallback":"createdAt"},"response":{"total":"/meta/total","offset":null,"more":"/meta/more","next":"/next"}}"#,
    r#"{"primary_key":["/id/a","n"],"ignore":["/o/x"],"response":{"rows":"/data/0/rows","row":"/row"},"on_bad_row":"reject"}"#,
    r#"{"primary_key":"id","cursor":"at","response":{"rows":"/rows","columns":"/columns"},"on_bad_row":"reject"}"#,
];

const SAMPLES: [&str; 6] = [
    r#"{"data": [
        {"id": "1", "name": "J\u00f6hn", "updatedAt": "2024-01-15T10:30:00Z", "tags": ["a", {"b": 1.50}]},
        {"id": 2, "name": null, "updatedAt": "2024-01-15T11:30:00.250+01:00", "tags": []}
    ], "offset": 4, "limit": 2, "total": 500}"#,
    r#"{"data":[],"offset":"0","total":0,"limit":null}"#,
    r#"{"data":[{"id":"1","updatedAt":1705314600,"createdAt":null},{"id":"2","updatedAt":"","createdAt":"1705314600.5"}],"meta":{"total":"2","more":true},"next":"/x?page=2"}"#,
    r#"{"data":[{"rows":[{"row":{"id":{"a":1},"n":"x","updatedAt":"2024-01-15T10:30:00Z","o":{"x":1,"y":2}}},{"row":null}]}],"offset":1,"total":2}"#,
    r#"{"columns":["id","at","b"],"rows":[[1,"2024-01-15T10:30:00Z",null],[2,"2024-01-15T10:30:01Z",[1]]],"offset":0,"total":2}"#,
    r#"{"id":"1","updatedAt":"2024-01-15T10:30:00Z"}"#,
];

type Row<'a> = BTreeMap<String, &'a RawValue>;

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<Row<'a>>,
}

/// A scalar's text, its digits included.
fn text(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

fn refused(error: &Error, body: &[u8]) -> Result<(), String> {
    let what = error.to_string();
    let kind = error.kind();
    ensure!(
        matches!(kind, Kind::Contract | Kind::Temporary),
        "{kind:?}: {what}"
    );
    ensure!(!what.is_empty(), "an error without words");
    if what.contains("is not JSON") || what.contains("was cut off") {
        ensure!(is_json(body) != Some(true), "serde_json takes it: {what}");
    }
    Ok(())
}

/// What holds of every page that is taken, whatever its layout.
fn taken(page: &Page, body: &[u8], of: &Connection) -> Result<(), String> {
    ensure!(
        is_json(body) != Some(false) || of.reject_bad_rows,
        "serde_json refuses it"
    );
    let view = page.view(body, of);
    for row in 0..view.len() {
        let (id, key) = (view.id(row), view.key(row));
        ensure!(
            !view.place(row).is_empty() && (id, key) == (view.id(row), view.key(row)),
            "row {row}"
        );
        view.hash(row);
        if view.odd(row).is_some() || of.response.columns.is_some() {
            continue;
        }
        let whole: Result<Row<'_>, _> = serde_json::from_slice(view.raw(row));
        let Ok(whole) = whole else {
            return Err(format!("row {row} is no object"));
        };
        ensure!(
            whole.len() == view.members(row).len(),
            "row {row} has other fields"
        );
        for member in view.members(row) {
            let key = json::unescape(member.key.of(body));
            let value = whole.get(&*key).map(|raw| raw.get().as_bytes());
            ensure!(
                value == Some(member.value.of(body)),
                "row {row}, field {key:?}"
            );
        }
    }
    Ok(())
}

/// What is read is what serde_json reads, and what is refused is not sound.
fn default_layout(body: &[u8], of: &Connection) -> Result<(), String> {
    let mut page = Page::default();
    let read = page.decode(body, &Response::default(), of);
    let parsed: Result<Answer<'_>, _> = serde_json::from_slice(body);
    let mut lax = Page::default();
    let reject = Connection {
        reject_bad_rows: true,
        ..of.clone()
    };
    let set_aside = lax.decode(body, &Response::default(), &reject);
    if read.is_err() {
        if let (Ok(()), Ok(parsed), Some(true)) = (set_aside, parsed, is_json(body)) {
            let odd = lax.view(body, of).all_odd().len();
            let sound = (0..lax.len())
                .filter(|row| lax.view(body, of).odd(*row).is_none())
                .count();
            ensure!(odd > 0, "it is refused, and no row is at fault");
            ensure!(
                sound + odd == parsed.data.len(),
                "{sound} sound rows and {odd} of {}",
                parsed.data.len()
            );
        }
        return Ok(());
    }
    let parsed = parsed.map_err(|error| format!("serde_json refuses it: {error}"))?;
    let view = page.view(body, of);
    ensure!(view.len() == parsed.data.len(), "{} rows", view.len());
    for (row, whole) in parsed.data.iter().enumerate() {
        let found = (Some(view.shown_id(row)), Some(view.mark(row)));
        let expected = (
            whole.get("id").map(|raw| text(raw)),
            whole.get("updatedAt").map(|raw| text(raw)),
        );
        ensure!(
            found == expected,
            "row {row} is {found:?}, in truth {expected:?}"
        );
    }
    if let Ok(Value::Object(whole)) = serde_json::from_slice(body) {
        for (name, found) in [("total", page.total), ("offset", page.offset)] {
            let expected = match whole.get(name) {
                Some(Value::String(digits)) => digits.parse().ok(),
                Some(number) => number.as_u64(),
                None => None,
            };
            ensure!(
                found == expected,
                "{name} is {found:?}, in truth {expected:?}"
            );
        }
    }
    ensure!(set_aside.is_ok(), "{set_aside:?} where rows are set aside");
    ensure!(
        lax.len() == page.len() && lax.view(body, of).all_odd().is_empty(),
        "rows are set aside that are sound"
    );
    Ok(())
}

#[test]
fn page() {
    let none = |_: &str| None;
    let layouts: Vec<Connection> = LAYOUTS
        .iter()
        .map(|text| Connection::parse(text, &none, false, &mut Secrets::default()).unwrap())
        .collect();
    fuzz("page", &SAMPLES.map(Vec::from), |input| {
        default_layout(input, &layouts[0])?;
        for of in &layouts {
            let mut page = Page::default();
            match page.decode(input, &Response::default(), of) {
                Ok(()) => taken(&page, input, of)?,
                Err(error) => refused(&error, input)?,
            }
            // As it is read in earnest: text is mended, and the page used again.
            for charset in ["application/json", "text/json; charset=latin1"] {
                let mut body = input.to_vec();
                let response = Response {
                    headers: vec![("Content-Type".to_owned(), charset.to_owned())],
                    ..Response::default()
                };
                match page.read(&mut body, &response, of) {
                    Ok(()) => taken(&page, &body, of)?,
                    Err(error) => refused(&error, &body)?,
                }
            }
        }
        Ok(())
    });
}
