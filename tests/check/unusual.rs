//! Suggestions for addresses and answers that nobody would choose.

use serde_json::{Value, json};

use crate::check;
use crate::support::Scratch;
use crate::support::clock;
use crate::support::http::{Request, Server};
use crate::support::reply::Reply;
use crate::world::{Ask, World, refuse};

/// An API with `sort`, `limit`, `offset` and `updated_since`; it ignores what
/// it does not know.
fn usual(request: &Request) -> Reply {
    let number = |name: &str| request.param(name).and_then(|text| text.parse().ok());
    let falls = match request.param("sort") {
        Some("updatedAt") => Some(false),
        Some("-updatedAt") => Some(true),
        _ => None,
    };
    let since = request.param("updated_since").and_then(clock::parse);
    let (rows, total) = World::new(120).page(Ask {
        since: since.map(|since| (since, true)),
        falls,
        offset: number("offset").unwrap_or(0),
        limit: number("limit").unwrap_or(30),
    });
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| json!({"id": row.id, "updatedAt": clock::rfc3339(row.updated)}))
        .collect();
    Reply::json(json!({"data": rows, "total": total}))
}

/// The suggested file and what was said of it.
#[track_caller]
fn suggested(
    code: i32,
    path: &str,
    answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (Value, String) {
    let server = Server::start(answer);
    let outcome = check(&Scratch::new(), &["--url", &server.url(path), "--suggest"]);
    assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
    let file = serde_json::from_str(&outcome.stdout).unwrap_or(Value::Null);
    (file, outcome.stderr)
}

#[track_caller]
fn is_usual(file: &Value) {
    let query = json!({"updated_since": "{since}", "sort": "updatedAt", "limit": "{limit}", "offset": "{offset}"});
    assert_eq!(file["query"], query, "{file:#}");
}

#[test]
fn parameters_in_the_address_stay_but_for_those_that_are_found_out() {
    let (file, said) = suggested(0, "/rows?kind=a&limit=10&sort=-id", |request| match request
        .param("kind")
    {
        Some("a") => usual(request),
        _ => Reply::json(json!({"data": [], "total": 0})),
    });
    is_usual(&file);
    let url = file["url"].as_str().unwrap();
    assert!(url.ends_with("/rows?kind=a"), "{url}");
    assert!(said.contains("limit=10 was taken out"), "{said}");
}

#[test]
fn an_api_that_wants_a_limit_is_asked_with_one() {
    let (file, _) = suggested(0, "/rows", |request| match request.param("limit") {
        Some(_) => usual(request),
        None => refuse(400, json!({"error": "limit is required"})),
    });
    is_usual(&file);
}

#[test]
fn an_api_that_refuses_more_rows_than_its_own_page_is_found_out() {
    let (file, _) = suggested(0, "/rows", |request| {
        let limit = request.param("limit").and_then(|text| text.parse().ok());
        match limit.unwrap_or(30) {
            1..=30 => usual(request),
            _ => refuse(400, json!({"error": "limit must be from 1 to 30"})),
        }
    });
    is_usual(&file);
    assert_eq!(file["page_size"], 20, "the largest of those that are tried");
}

#[test]
fn an_api_that_fails_over_what_it_does_not_know_is_found_out() {
    let (file, _) = suggested(0, "/rows", |request| {
        const KNOWN: [&str; 4] = ["sort", "limit", "offset", "updated_since"];
        let known = |(name, _): &(String, String)| KNOWN.contains(&&**name);
        match request.query.iter().all(known) {
            true => usual(request),
            false => refuse(500, json!({"error": "boom"})),
        }
    });
    is_usual(&file);
}

#[test]
fn a_busy_api_is_asked_again_before_anything_is_concluded() {
    let asked = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |request| {
        match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2 {
            0 => Reply::status(429).header("Retry-After", 0),
            _ => usual(request),
        }
    });
    let outcome = crate::support::run(crate::support::highwater(Scratch::new().path()).args([
        "check",
        "--suggest",
        "--url",
        &server.url("/rows"),
    ]));
    let file: Value = serde_json::from_str(&outcome.stdout).expect("a file");
    is_usual(&file);
}

#[test]
fn pages_by_number_and_an_order_by_the_stem_are_found_out() {
    let (file, said) = suggested(0, "/repos/x/issues", |request| {
        let number = |name: &str, usual: usize| {
            let given = request.param(name).and_then(|text| text.parse().ok());
            given.unwrap_or(usual)
        };
        let (page, limit) = (number("page", 1).max(1), number("per_page", 30));
        let order = request.param("sort").filter(|sort| *sort == "updated");
        let (rows, _) = World::new(120).page(Ask {
            since: request
                .param("since")
                .and_then(clock::parse)
                .map(|at| (at, true)),
            falls: order.map(|_| request.param("direction") != Some("asc")),
            offset: (page - 1) * limit,
            limit,
        });
        let rows = rows
            .iter()
            .map(|row| json!({"id": row.id, "updated_at": clock::rfc3339(row.updated)}));
        Reply::json(rows.collect::<Value>())
    });
    let query = json!({"since": "{since}", "sort": "updated", "direction": "asc", "per_page": "{limit}", "page": "{page}"});
    assert_eq!(file["query"], query);
    assert!(said.contains("a total: none is told"), "{said}");
}

#[test]
fn an_offset_that_is_ignored_is_no_way_to_ask_for_pages() {
    let (file, _) = suggested(0, "/rows", |request| {
        let mut request = request.clone();
        let number = |name: &str| request.param(name).and_then(|text| text.parse().ok());
        let (page, limit): (usize, usize) =
            (number("page").unwrap_or(1), number("limit").unwrap_or(30));
        request.query.retain(|(name, _)| name != "offset");
        let offset = (page.max(1) - 1) * limit;
        request
            .query
            .push(("offset".to_owned(), offset.to_string()));
        usual(&request)
    });
    let query = json!({"updated_since": "{since}", "sort": "updatedAt", "limit": "{limit}", "page": "{page}"});
    assert_eq!(file["query"], query);
}

#[test]
fn an_empty_table_suggests_nothing_that_counts_as_proved() {
    for body in [
        json!([]),
        json!({"data": []}),
        json!({"results": [], "count": 0}),
    ] {
        let (_, said) = suggested(1, "/rows", move |_| Reply::json(body.clone()));
        assert!(said.contains("empty table"), "{said}");
        assert!(
            said.contains("once the table has rows of several"),
            "{said}"
        );
    }
}

#[test]
fn what_is_no_table_is_said_and_nothing_is_printed() {
    let bodies = [
        "42",
        "[[1, 2], [3]]",
        "{\"data\": [\"a\", \"b\"]}",
        "null",
        "\"x\"",
        "",
    ];
    for body in bodies {
        let (file, said) = suggested(5, "/rows", move |_| Reply::json(body.to_owned()));
        assert_eq!(file, Value::Null, "{body}");
        assert!(said.contains("error: "), "{said}");
    }
}

#[test]
fn an_address_for_posts_or_with_a_login_is_told_as_such() {
    let (_, said) = suggested(4, "/rows", |_| refuse(405, json!({"error": "use POST"})));
    assert!(said.contains("does not take GET"), "{said}");
    let (_, said) = suggested(4, "/rows", |_| refuse(401, json!({"error": "who?"})));
    assert!(said.contains("Authorization"), "{said}");
    assert!(!said.contains("without parameters"), "{said}");
}

#[test]
fn a_draft_with_a_token_is_filled_in_and_keeps_its_secret() {
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer s3cr3t") => usual(request),
        _ => refuse(401, json!({"error": "who?"})),
    });
    let scratch = Scratch::new();
    let draft = json!({"url": server.url("/rows"), "headers": {"Authorization": "Bearer ${TOKEN}"}, "page_size": 40});
    scratch.write("draft.json", draft.to_string());
    let outcome = crate::support::run(
        crate::support::highwater(scratch.path())
            .args(["check", "--suggest", "--config", "draft.json"])
            .env("TOKEN", "s3cr3t"),
    )
    .expect(0);
    let file: Value = serde_json::from_str(&outcome.stdout).expect("a file");
    is_usual(&file);
    assert_eq!(file["headers"]["Authorization"], "Bearer ${TOKEN}");
    assert_eq!(file["page_size"], 40);
    assert!(!(outcome.stdout + &outcome.stderr).contains("s3cr3t"));
}

#[test]
fn a_table_of_one_row_or_one_timestamp_proves_neither_order_nor_filter() {
    for count in [1, 90] {
        let answer = move |request: &Request| {
            let bound = request
                .param("updated_since")
                .unwrap_or_default()
                .to_owned();
            let skip = request.param("offset").and_then(|text| text.parse().ok());
            let limit = request.param("limit").and_then(|text| text.parse().ok());
            let all = 0..if bound.as_str() <= "2024-01-15T10:30:00Z" {
                count
            } else {
                0
            };
            let page = all
                .clone()
                .skip(skip.unwrap_or(0))
                .take(limit.unwrap_or(50));
            let rows: Vec<Value> = page
                .map(|id| json!({"id": id, "updatedAt": "2024-01-15T10:30:00Z"}))
                .collect();
            Reply::json(json!({"data": rows, "total": all.len()}))
        };
        let (_, said) = suggested(1, "/rows", answer);
        assert!(said.contains("is not proved"), "{said}");
        let server = Server::start(answer);
        let outcome = check(&Scratch::new(), &["--url", &server.url("/rows")]).expect(1);
        let mut lines = outcome.stdout.lines();
        let line = lines.find(|line| line.contains("; not proved: "));
        assert!(
            line.is_some_and(|line| line.contains("sorted")),
            "{}",
            outcome.stdout
        );
    }
}

#[test]
fn a_suggestion_is_replayed_from_its_recording() {
    let server = Server::start(usual);
    let scratch = Scratch::new();
    let url = server.url("/rows");
    let words = ["--url", &*url, "--suggest"];
    let live = check(&scratch, &[&words[..], &["--record", "r.jsonl"]].concat()).expect(0);
    drop(server);
    let again = check(&scratch, &[&words[..], &["--replay", "r.jsonl"]].concat()).expect(0);
    assert_eq!(live.stdout, again.stdout);
}

#[test]
fn one_of_several_tables_is_found_out_too() {
    let server = Server::start(usual);
    let scratch = Scratch::new();
    let file = json!({"tables": {"users": {"url": server.url("/rows")}}});
    scratch.write("all.json", file.to_string());
    let outcome = check(&scratch, &["--config", "all.json", "--suggest"]).expect(0);
    is_usual(&serde_json::from_str(&outcome.stdout).expect("a file"));
}
