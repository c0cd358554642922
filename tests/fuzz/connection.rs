//! The connection file: it is taken as a whole, or refused with the place.

use std::path::Path;

use highwater::config::Connection;
use highwater::error::Kind;
use highwater::exchange::Response;
use highwater::page::Page;
use highwater::secret::Secrets;
use highwater::template::Values;

use crate::engine::fuzz;
use crate::{ensure, is_json};

/// Every key that there is.
const WHOLE: &str = r#"{
  "url": "https://api.example.com/v1", "table": "user", "primary_key": ["/id/a", "n"], "cursor": "/meta/at",
  "columns": {"id": "string", "/meta/at": "timestamp", "n": "integer"}, "method": "POST",
  "headers": {"Authorization": "Bearer {token}", "X": "${NAME}"},
  "query": {"from": "{since}", "n": "{limit}", "skip": ["{offset}", "x{{"]},
  "body": {"where": {"at": "{since}"}, "list": ["{limit}", 1.50, null], "text": "from {since} on"},
  "auth": {"url": "https://login.example.com/token", "form": {"grant_type": "client_credentials", "client_id": "${NAME}"}, "token": "/access_token"},
  "pace": "100ms", "statuses": {"empty": [404], "retry": [409]},
  "response": {"rows": "/data", "row": "/row", "columns": null, "offset": null, "total": "header:X-Total", "error": "/errors", "more": "/more", "next": null},
  "since": {"bound": "exclusive", "format": "[year]-[month]-[day]T[hour]:[minute]:[second]Z", "zone": "+01:00", "fallback": "createdAt", "first": "0001-01-01T00:00:00Z"},
  "page_size": 100, "max_offset": 1000, "lookback": "1h", "sorted": false, "on_bad_row": "reject",
  "ca_file": "system", "client_cert": "c.pem", "client_key": "k.pem", "ignore": ["seen", "/user/url"],
  "timeout": "30s", "max_body": "64M", "max_retries": 3
}"#;

fn samples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/connections");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let files = files.iter().map(|file| std::fs::read(file).unwrap());
    [b"{}".to_vec(), WHOLE.into()]
        .into_iter()
        .chain(files)
        .collect()
}

fn environment(name: &str) -> Option<String> {
    (name != "UNSET").then(|| "a \"{since}\"\n${NAME}".to_owned())
}

fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let secrets = &mut Secrets::default();
    let of = match Connection::parse(text, &environment, false, secrets) {
        Ok(of) => of,
        Err(error) => {
            let what = error.to_string();
            ensure!(
                error.kind() == Kind::Usage && error.exit_code() == 2,
                "{what}"
            );
            let place = what.starts_with("line ") || what.starts_with('"');
            ensure!(place, "it names neither a line nor a key: {what}");
            ensure!(
                !what.contains(char::is_control),
                "a control character in {what:?}"
            );
            return Ok(());
        }
    };
    // What the environment gives is escaped, and a name alone is no JSON.
    ensure!(
        text.contains("${") || is_json(input) != Some(false),
        "serde_json refuses it"
    );
    ensure!(
        of.validate().is_ok(),
        "it is refused when it is looked at again"
    );
    let again = Connection::parse(text, &environment, false, secrets);
    ensure!(again.as_ref() == Ok(&of), "it is read in two ways");
    for since in [None, Some("2024-01-15T10:30:00Z"), Some("\"\\{limit}")] {
        let values = Values {
            since,
            limit: of.page_size,
            offset: u64::MAX,
            token: since,
        };
        let request = of.request(&values);
        if let Some(body) = &request.body {
            ensure!(
                is_json(body.as_bytes()) != Some(false),
                "the body that is sent is no JSON: {body}"
            );
        }
    }
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let response = Response {
        headers: vec![
            header("X-Total", "items 0-1/2"),
            header("Link", "<x>; rel=\"next\""),
        ],
        ..Response::default()
    };
    let body = br#"{"data":[{"id":"1","updatedAt":"2024-01-15T10:30:00Z"}],"total":1}"#;
    let mut page = Page::default();
    if page.read(&mut body.to_vec(), &response, &of).is_ok() {
        let view = page.view(body, &of);
        (0..view.len()).for_each(|row| drop((view.id(row), view.hash(row))));
    }
    Ok(())
}

#[test]
fn connection() {
    fuzz("connection", &samples(), check);
}
