//! Keys that are written out in an address, a header or a body show nowhere.

use serde_json::json;

use crate::support::http::{Reply, Server};
use crate::support::{highwater, run};
use crate::{Place, page};

#[test]
fn a_key_in_the_url_of_the_command_line_shows_nowhere() {
    let server = Server::start(|request| {
        assert_eq!(request.param("api_key"), Some("K7hush+hush"));
        let mut page = page(request, 120);
        page["self"] = json!(request.raw_target);
        Reply::json(page)
    });
    let url = server.url("/rows?api_key=K7hush%2Bhush");
    let place = Place::new(&json!({}));
    let words = ["sync", "--url", &url, "-vv", "--record", "r"];
    let outcome = run(highwater(place.scratch.path()).args(words)).expect(0);
    assert_eq!(outcome.receipt()["rows"], 120);
    let all = place.written() + &outcome.stderr + &outcome.stdout;
    assert!(!all.contains("K7hush"), "{all}");
    assert!(place.read("out/state.json").contains("api_key=${api_key}"));

    // The next sync knows its own state, and a replay its recording.
    run(highwater(place.scratch.path()).args(words)).expect(0);
    let again = ["sync", "--url", &url, "--replay", "r", "--out", "again"];
    let receipt = run(highwater(place.scratch.path()).args(again)).expect(2);
    assert!(!receipt.stderr.contains("K7hush"), "{}", receipt.stderr);
}

#[test]
fn a_password_in_a_url_is_refused_without_being_shown() {
    for user in [
        "reader:P9hush",
        "reader:P9hu%73h",
        "reader:P9/hu@sh",
        "P9hush",
    ] {
        let url = format!("http://{user}@127.0.0.1:1/rows");
        let place = Place::new(&json!({"url": url}));
        for flags in [&["--config", "c.json"][..], &["--url", &url]] {
            let words = [&["sync", "-vv"], flags].concat();
            let outcome = run(highwater(place.scratch.path()).args(words));
            assert!([2, 3].contains(&outcome.code.unwrap()), "{outcome:?}");
            for piece in ["P9", "hush", "hu%73h", "hu@sh"] {
                assert!(!outcome.stderr.contains(piece), "{}", outcome.stderr);
            }
        }
    }
}

#[test]
fn a_key_in_a_header_or_a_body_shows_nowhere_though_the_server_echoes_it() {
    let server = Server::start(|request| {
        let key = request.header("X-Api-Key").unwrap();
        let token = request.header("Authorization").unwrap();
        let body = request.json();
        let said = format!(
            "no rows for {key} and {token} and {}",
            body["auth"]["password"]
        );
        Reply::json(json!({"error": said}))
            .with_status(400)
            .header("X-Echo", key)
    });
    let place = Place::new(&json!({
        "url": server.url("/"),
        "headers": {"X-Api-Key": "h7hushhush", "Authorization": "Token t7hushhush"},
        "body": {"auth": {"password": "b7hushhush"}, "since": "{since}"},
    }));
    let outcome = place.sync(&["-vv", "--record", "r"]).expect(4);
    let all = place.written() + &outcome.stderr + &outcome.stdout;
    assert!(!all.contains("hushhush"), "{all}");
    let said = "no rows for ${X-Api-Key} and Token ${Authorization} and \\\"${password}\\\"";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}

#[test]
fn words_of_the_api_that_only_sound_like_keys_stay_as_they_are() {
    let server = Server::start(|request| Reply::json(page(request, 60)));
    let place = Place::new(&json!({
        "url": server.url("/?sort_key=name&key=updatedAt"),
        "query": {
            "order_key": "company",
            "updated_since": "{since}", "limit": "{limit}", "offset": "{offset}",
        },
    }));
    let rows = place.rows(&["--record", "r"]);
    assert!(!place.read("r").contains("${"), "{}", place.read("r"));
    drop(server);
    assert_eq!(place.rows(&["--replay", "r", "--out", "again"]), rows);
}

#[test]
fn a_short_key_is_hidden_where_it_is_the_whole_value_of_its_name() {
    let server = Server::start(|request| {
        assert_eq!(request.param("api_key"), Some("K7"));
        assert_eq!(request.param("pin_token"), Some("4711"));
        assert_eq!(request.header("X-Auth-Token"), Some("t9"));
        if request.json()["password"] != "b7" || request.param("fail").is_some() {
            return Reply::json(json!({"error": "no"})).with_status(400);
        }
        let mut page = crate::page_of(
            60,
            None,
            request.json()["skip"].as_u64().unwrap() as usize,
            50,
        );
        // The same letters elsewhere are the rows' own.
        for row in page["data"].as_array_mut().unwrap() {
            row["code"] = json!("K7");
            row["password"] = json!("b7");
            row["n"] = json!(4711);
        }
        page["self"] = json!(format!("{}&K7=1", request.raw_target));
        Reply::json(page)
    });
    let url = server.url("/rows?api_key=K7");
    let place = Place::new(&json!({
        "url": url,
        "headers": {"X-Auth-Token": "t9"},
        "query": {"pin_token": "4711", "since": "{since}"},
        "body": {"password": "b7", "skip": "{offset}"},
    }));
    let outcome = place.sync(&["-vv", "--record", "r"]).expect(0);
    let rows = place.rows(&["--out", "other"]);
    assert_eq!(
        (rows.len(), &rows[0]["code"], &rows[0]["n"]),
        (60, &json!("K7"), &json!(4711))
    );
    let written = place.read("r") + &place.read("out/state.json") + &outcome.stderr;
    for hidden in [
        "api_key=K7",
        "\"4711\"",
        "pin_token=4711",
        "t9",
        "\"password\":\"b7\",\"skip\"",
    ] {
        assert!(!written.contains(hidden), "{hidden}: {written}");
    }
    for shown in [
        "api_key=${api_key}",
        "\"pin_token\":\"${pin_token}\"",
        "&K7=1",
    ] {
        assert!(written.contains(shown), "{shown}: {written}");
    }
    let refused = place
        .sync(&[
            "-vv",
            "--url",
            &server.url("/rows?api_key=K7&fail=1"),
            "--out",
            "no",
        ])
        .expect(4);
    assert!(!refused.stderr.contains("api_key=K7"), "{}", refused.stderr);
    drop(server);
    assert_eq!(place.rows(&["--replay", "r", "--out", "again"]), rows);
}
