//! From an address alone to a connection file that works, for APIs that many
//! know.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::apis::{cms, rest, servers};
use crate::check;
use crate::support::{Scratch, all_rows, highwater, run};
use crate::world::{Answer, Shared, World};

/// Suggests, checks with the suggestion, syncs, changes rows and syncs again:
/// the files hold the table. The suggested file.
#[track_caller]
fn works(path: &str, answer: Answer) -> Value {
    let api = Shared::start(World::new(130), answer);
    let scratch = Scratch::new();
    let url = api.server.url(path);
    let outcome = check(&scratch, &["--url", &url, "--suggest"]);
    assert_eq!(
        outcome.code,
        Some(0),
        "{}\n{}",
        outcome.stdout,
        outcome.stderr
    );
    let asked = api.server.requests().len();
    assert!(asked <= 60, "{asked} requests");
    let file: Value = serde_json::from_str(&outcome.stdout).expect("a file");
    scratch.write("c.json", &outcome.stdout);
    let checked = check(&scratch, &["--config", "c.json"]);
    assert_eq!(checked.code, Some(0), "{file:#}\n{}", checked.stdout);
    sync(&scratch, &file);
    assert_eq!(latest(&scratch, &file), truth(&api), "{file:#}");
    for _ in 0..2 {
        api.world().change();
        sync(&scratch, &file);
        assert_eq!(latest(&scratch, &file), truth(&api), "{file:#}");
    }
    file
}

#[track_caller]
fn sync(scratch: &Scratch, file: &Value) {
    let outcome = run(highwater(scratch.path()).args(["sync", "--config", "c.json"]));
    assert_eq!(outcome.code, Some(0), "{file:#}\n{}", outcome.stderr);
    assert_eq!(outcome.receipt()["complete"], true);
}

/// Each row's latest version, by the suggested key.
fn latest(scratch: &Scratch, file: &Value) -> BTreeMap<u64, u64> {
    let key = file["primary_key"][0].as_str().unwrap();
    let mut all = BTreeMap::new();
    for row in all_rows(&scratch.join("out")) {
        let digits = |value: &Value| -> u64 {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        };
        let places = [
            "/title/rendered",
            "/title",
            "/name",
            "/logins",
            "/amount",
            "/revision",
            "/attributes/title",
            "/properties/value",
        ];
        let version = places.iter().find_map(|place| {
            row.pointer(place)
                .filter(|value| value.is_string() || value.is_number())
        });
        all.insert(digits(&row[key]), digits(version.expect("a version")));
    }
    all
}

fn truth(api: &Shared) -> BTreeMap<u64, u64> {
    let world = api.world();
    world.rows.iter().map(|row| (row.id, row.version)).collect()
}

#[test]
fn the_playground_is_found_out() {
    let file = works("/pagination/offset", rest::playground);
    assert_eq!(file["query"]["updated_since"], "{since}");
    assert_eq!(file["page_size"], 50);
}

#[test]
fn django_rest_framework_is_found_out_by_offset() {
    let file = works("/api/users/", rest::django_offset);
    assert_eq!(file["query"]["updated_at__gte"], "{since}");
    assert_eq!(file["query"]["offset"], "{offset}");
    assert_eq!(file["response"]["total"], "/count");
}

#[test]
fn django_rest_framework_is_found_out_by_pages_of_its_own_size() {
    let file = works("/api/users/", rest::django_page);
    assert_eq!(file["query"]["page"], "{page}");
    assert_eq!(file["page_size"], 20);
}

#[test]
fn strapi_4_is_found_out() {
    let file = works("/api/articles", cms::strapi_4);
    assert_eq!(file["cursor"], "/attributes/updatedAt");
    assert_eq!(file["query"]["filters[updatedAt][$gte]"], "{since}");
    assert_eq!(file["response"]["total"], "/meta/pagination/total");
}

#[test]
fn strapi_5_is_found_out_by_the_id_that_stays() {
    let file = works("/api/articles", cms::strapi_5);
    assert_eq!(file["primary_key"], serde_json::json!(["documentId"]));
}

#[test]
fn directus_is_found_out_with_the_count_of_what_passes() {
    let file = works("/items/articles", cms::directus);
    assert_eq!(file["response"]["total"], "/meta/filter_count");
}

#[test]
fn platformatic_is_found_out() {
    let file = works("/articles", rest::platformatic);
    assert_eq!(file["query"]["where.updatedAt.gte"], "{since}");
    assert_eq!(file["response"]["total"], "header:X-Total-Count");
}

#[test]
fn json_server_0_is_found_out() {
    let file = works("/posts", servers::json_server_0);
    assert_eq!(file["query"]["updatedAt_gte"], "{since}");
    assert_eq!(file["query"]["_start"], "{offset}");
}

#[test]
fn json_server_1_is_found_out_with_pages_that_are_objects() {
    let file = works("/posts", servers::json_server_1);
    assert_eq!(file["response"]["rows"], "/data");
    assert_eq!(file["response"]["total"], "/items");
    assert_eq!(file["query"]["_per_page"], "{limit}");
}

#[test]
fn loopback_is_found_out_with_all_in_one_parameter() {
    let file = works("/customers", servers::loopback);
    let filter = file["query"]["filter"].as_str().unwrap();
    assert!(
        filter.contains("{since}") && filter.contains("{offset}"),
        "{filter}"
    );
}

#[test]
fn pygeoapi_is_found_out() {
    let file = works("/collections/stations/items", servers::pygeoapi);
    assert_eq!(file["query"]["datetime"], "{since}/..");
    assert_eq!(file["cursor"], "/properties/updated");
    assert_eq!(file["response"]["total"], "/numberMatched");
}

#[test]
fn wordpress_is_found_out_by_its_times_in_utc() {
    let file = works("/wp-json/wp/v2/posts", cms::wordpress);
    assert_eq!(file["cursor"], "modified_gmt");
    assert_eq!(file["since"]["bound"], "exclusive");
}

#[test]
fn postgrest_is_found_out_with_a_count() {
    let file = works("/rest/v1/orders", rest::postgrest);
    assert_eq!(file["query"]["updated_at"], "gte.{since}");
    assert_eq!(file["headers"]["Prefer"], "count=exact");
    assert_eq!(file["response"]["total"], "header:Content-Range");
}
