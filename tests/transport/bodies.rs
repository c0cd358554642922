//! Bodies, repeated parameters, and headers that are templates.

use serde_json::{Value, json};

use crate::support::http::{Reply, Request, Server};
use crate::{Place, page, page_of, says};

/// A search over 120 users whose terms are in the body.
fn search(request: &Request) -> Reply {
    let body = request.json();
    let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
    let since = body["filter"]["updated"]["gte"].as_str();
    Reply::json(page_of(120, since, number("skip"), number("take")))
}

fn connection(url: &str) -> Value {
    json!({
        "url": url,
        "table": "user",
        "cursor": "updatedAt",
        "headers": {"X-Kind": "search"},
        "body": {
            "filter": {"updated": {"gte": "{since}"}},
            "order": ["updatedAt", "id"],
            "take": "{limit}",
            "skip": "{offset}",
            "exact": 1.10,
        },
        "since": {"first": null},
    })
}

#[test]
fn a_body_is_posted_as_json_with_its_places_filled_and_its_members_in_their_order() {
    let server = Server::start(search);
    let place = Place::new(&connection(&server.url("/search")));
    assert_eq!(place.rows(&[]).len(), 120);
    let requests = server.requests();
    let first = &requests[0];
    assert_eq!(
        (&*first.method, &*first.raw_target),
        ("POST", "/search"),
        "no query of the default's is left"
    );
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("x-kind"), Some("search"));
    assert_eq!(
        String::from_utf8_lossy(&first.body),
        r#"{"exact":1.1,"order":["updatedAt","id"],"skip":0,"take":50}"#
    );
    assert_eq!(requests[1].json()["skip"], 48);
    assert_eq!(place.rows(&[]).len(), 0);
    let last = server.requests().last().unwrap().json();
    assert_eq!(last["filter"]["updated"]["gte"], "2024-01-15T10:31:59Z");
}

#[test]
fn a_recording_tells_requests_apart_by_their_bodies() {
    let server = Server::start(search);
    let place = Place::new(&connection(&server.url("/search")));
    let rows = place.rows(&["--record", "r.jsonl"]);
    drop(server);
    let recording = place.read("r.jsonl");
    assert!(
        recording.starts_with("{\"request\":{\"method\":\"POST\",\"query\":{},\"body\":{"),
        "{recording}"
    );
    let replay = ["--replay", "r.jsonl", "--out", "again"];
    assert_eq!(place.rows(&replay), rows);
    let outcome = place
        .sync(&["--replay", "r.jsonl", "--out", "b", "--page-size", "7"])
        .expect(2);
    says(&outcome, &["no answer was recorded", "\"take\":7"]);
}

#[test]
fn a_method_is_taken_as_it_is_said() {
    for (method, sent) in [("GET", "GET"), ("put", "PUT"), ("POST", "POST")] {
        let server = Server::start(search);
        let mut of = connection(&server.url("/search"));
        of["method"] = json!(method);
        let place = Place::new(&of);
        assert_eq!(place.rows(&[]).len(), 120);
        assert_eq!(server.requests()[0].method, sent);
        assert!(!server.requests()[0].body.is_empty());
    }
}

#[test]
fn a_post_without_a_body_has_the_parameters_in_its_query() {
    let server = Server::start(|request| Reply::json(page(request, 60)));
    let place = Place::new(&json!({"url": server.url("/"), "method": "POST"}));
    assert_eq!(place.rows(&[]).len(), 60);
    let first = &server.requests()[0];
    assert_eq!(first.method, "POST");
    assert_eq!(first.header("content-length"), Some("0"));
}

#[test]
fn a_list_repeats_its_parameter_also_in_a_recording() {
    let server = Server::start(|request| Reply::json(page(request, 60)));
    let place = Place::new(&json!({
        "url": server.url("/"),
        "query": {
            "fields[]": ["id", "name", 3],
            "updated_since": "{since}",
            "limit": "{limit}",
            "offset": "{offset}",
        },
    }));
    let rows = place.rows(&["--record", "r.jsonl"]);
    let target = server.requests()[0].raw_target.clone();
    let repeated = "/?fields%5B%5D=id&fields%5B%5D=name&fields%5B%5D=3&limit=";
    assert!(target.starts_with(repeated), "{target}");
    drop(server);
    let recording = place.read("r.jsonl");
    assert!(
        recording.contains(r#""fields[]":["id","name","3"]"#),
        "{recording}"
    );
    assert_eq!(place.rows(&["--replay", "r.jsonl", "--out", "again"]), rows);
}

#[test]
fn a_header_may_hold_the_bound_and_is_left_out_where_there_is_none() {
    let server = Server::start(|request| {
        let number = |name| request.param(name).unwrap().parse().unwrap();
        let since = request.header("If-Modified-Since");
        let page = page_of(60, since, number("offset"), number("limit"));
        match page["data"].as_array().unwrap().is_empty() {
            true => Reply::status(304),
            false => Reply::json(page),
        }
    });
    let place = Place::new(&json!({
        "url": server.url("/"),
        "headers": {"If-Modified-Since": "{since}", "Accept": "application/json"},
        "query": {"limit": "{limit}", "offset": "{offset}"},
        "since": {"first": null},
    }));
    let rows = place.rows(&["--record", "r.jsonl"]);
    assert_eq!(rows.len(), 60);
    assert_eq!(server.requests()[0].header("If-Modified-Since"), None);
    assert_eq!(place.rows(&["--record", "s.jsonl"]).len(), 0);
    let last = server.requests().pop().unwrap();
    let bound = "2024-01-15T10:30:59Z";
    assert_eq!(last.header("If-Modified-Since"), Some(bound));
    drop(server);
    let recording = place.read("s.jsonl");
    assert!(
        recording.contains(&format!(
            "\"headers\":{{\"If-Modified-Since\":\"{bound}\"}}"
        )),
        "{recording}"
    );
    assert!(!recording.contains("Accept"), "{recording}");
    let again = ["--out", "again", "--replay"];
    assert_eq!(place.rows(&[&again[..], &["r.jsonl"]].concat()), rows);
    assert_eq!(place.rows(&[&again[..], &["s.jsonl"]].concat()).len(), 0);
}

#[test]
fn offsets_may_count_from_one_and_are_echoed_so() {
    let server = Server::start(|request| {
        let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
        let since = request.param("updated_since");
        let mut page = page_of(120, since, number("start") - 1, number("limit"));
        page["offset"] = json!(number("start"));
        Reply::json(page)
    });
    let place = Place::new(&json!({
        "url": server.url("/"),
        "query": {"updated_since": "{since}", "limit": "{limit}", "start": "{offset1}"},
    }));
    assert_eq!(place.rows(&[]).len(), 120);
    assert_eq!(server.requests()[0].param("start"), Some("1"));
}

#[test]
fn a_check_asks_with_the_same_body() {
    let server = Server::start(search);
    let place = Place::new(&connection(&server.url("/search")));
    let outcome = place.run("check", &[], &[]).expect(0);
    assert!(outcome.stdout.contains("120"), "{}", outcome.stdout);
    assert!(server.requests().iter().all(|r| r.method == "POST"));
    let outcome = place.run("check", &["--suggest"], &[]).expect(0);
    assert!(outcome.stdout.contains("\"body\": {"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("\"query\""), "{}", outcome.stdout);
}

#[test]
fn a_redirect_keeps_a_body_or_is_refused() {
    for (status, exit) in [(307, 0), (308, 0), (301, 4), (302, 4), (303, 4)] {
        let server = Server::start(move |request| match &*request.path {
            "/old" => Reply::status(status).header("Location", "/search"),
            _ => search(request),
        });
        let place = Place::new(&connection(&server.url("/old")));
        let outcome = place.sync(&[]).expect(exit);
        if exit == 4 {
            says(&outcome, &["redirects a POST", "/search", "try: "]);
        }
    }
}

#[test]
fn bad_configuration_names_the_key_and_the_nearest_right_one() {
    for (key, value, parts) in [
        ("methd", json!("POST"), &["\"methd\"", "\"method\""][..]),
        ("method", json!("PSOT"), &["\"method\"", "\"POST\""]),
        ("body", json!("x"), &["\"body\"", "an object or a list"]),
        ("body", json!({"n": "{limt}"}), &["{limt}", "{limit}"]),
        ("body", json!({"n": "{limit}"}), &["\"body\"", "{since}"]),
        ("query", json!({"a": [["b"]]}), &["\"a\"", "a string"]),
        ("headers", json!({"a": "{ofset}"}), &["\"a\"", "{offset}"]),
        ("headers", json!({"a": "{token}"}), &["\"auth\"", "{token}"]),
        ("pase", json!("1s"), &["\"pase\"", "\"pace\""]),
        ("pace", json!("soon"), &["\"pace\""]),
        ("statuses", json!({"emty": [1]}), &["\"emty\"", "\"empty\""]),
        (
            "statuses",
            json!({"empty": [1]}),
            &["\"statuses\"", "1 is no status"],
        ),
        (
            "statuses",
            json!({"empty": [404], "retry": [404]}),
            &["\"statuses\"", "404 is both"],
        ),
        (
            "response",
            json!({"eror": "/e"}),
            &["\"eror\"", "\"error\""],
        ),
        ("response", json!({"error": "e"}), &["\"error\"", "\"/e\""]),
        ("client_key", json!("k"), &["\"client_key\"", "client_cert"]),
        ("auth", json!({}), &["\"auth\"", "one way", "command"]),
        (
            "auth",
            json!({"comand": ["a"]}),
            &["\"comand\"", "\"command\""],
        ),
        ("auth", json!({"command": []}), &["\"auth\"", "no program"]),
        ("auth", json!({"command": ["a"]}), &["\"auth\"", "{token}"]),
        (
            "auth",
            json!({"command": ["a"], "token_url": "http://h/"}),
            &["\"auth\"", "one only"],
        ),
        (
            "auth",
            json!({"token_url": "http://h/", "client_id": "a"}),
            &["\"auth\"", "\"client_secret\" is missing"],
        ),
        (
            "auth",
            json!({"login": {"url": "http://h/"}}),
            &["\"token\" is missing"],
        ),
        (
            "auth",
            json!({"login": {}, "token": "/t"}),
            &["\"url\" is missing"],
        ),
        (
            "auth",
            json!({"login": {"ulr": "http://h/"}, "token": "/t"}),
            &["\"ulr\"", "\"url\""],
        ),
    ] {
        let outcome = Place::new(&json!({key: value})).sync(&[]).expect(2);
        says(&outcome, parts);
        assert_eq!(outcome.receipt()["exit"], 2);
    }
}

#[test]
fn a_recording_of_declared_latin_1_gives_the_same_rows() {
    for (charset, bytes) in [
        ("ISO-8859-1", &b"caf\xE9 \x80"[..]),
        ("windows-1252", b"\x80 caf\xE9 \x93x\x94"),
        ("iso-8859-1", "caf\u{e9}".as_bytes()),
        ("utf-8", "\u{feff}caf\u{e9} \u{1F600}".as_bytes()),
    ] {
        let server = Server::start(move |request| {
            let page = page(request, 60).to_string();
            let page = page.replace("\"id\":", "\"label\":\"~\",\"id\":");
            let parts: Vec<&[u8]> = page.split('~').map(str::as_bytes).collect();
            let body = parts.join(bytes);
            Reply::status(200).body(body).header(
                "Content-Type",
                format!("application/json; charset={charset}"),
            )
        });
        let place = Place::new(&json!({"url": server.url("/rows"), "page_size": 100}));
        let rows = place.rows(&["--record", "r"]);
        assert_eq!(rows.len(), 60, "{charset}");
        let name = rows[0]["label"].as_str().unwrap();
        assert!(name.contains("caf\u{e9}"), "{charset}: {name}");
        drop(server);
        assert_eq!(
            place.rows(&["--replay", "r", "--out", "again"]),
            rows,
            "{charset}"
        );
    }
}
