//! A first sync in shards that run at once, and the ordinary sync after them.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::{Api, Date};
use crate::support::clock::{self, BASE, SECOND, rfc3339};
use crate::support::http::{Reply, Request, Server};
use crate::support::table::{Random, Table, Ties};
use crate::support::{Outcome, Scratch, all_rows, highwater, latest_by_id, run};
use crate::{state, sync};

fn plan(dir: &Scratch, url: &str, flags: &[&str]) -> Outcome {
    run(highwater(dir.path())
        .args(["plan", "--url", url])
        .args(flags))
}

/// The shards of a plan, each as the words that sync takes.
fn shards(outcome: &Outcome) -> Vec<Vec<String>> {
    let words = |line: &str| {
        let mut words: Vec<String> = vec![String::new()];
        let mut inside = false;
        for c in line.chars() {
            match c {
                '\'' => inside = !inside,
                ' ' if !inside => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words
    };
    outcome.stdout.lines().map(words).collect()
}

/// Runs all shards at once; the rows of each.
fn fetch(dir: &Scratch, url: &str, shards: &[Vec<String>], flags: &[&str]) -> Vec<Vec<Value>> {
    thread::scope(|scope| {
        let started: Vec<_> = shards
            .iter()
            .map(|words| {
                scope.spawn(move || {
                    let mut command = highwater(dir.path());
                    command.args(["sync", "--url", url, "--state", "none", "--out", "-"]);
                    let outcome = run(command.args(words).args(flags)).expect(0);
                    let lines = outcome.stdout.lines();
                    lines
                        .map(|line| serde_json::from_str(line).unwrap())
                        .collect()
                })
            })
            .collect();
        started
            .into_iter()
            .map(|shard| shard.join().unwrap())
            .collect()
    })
}

/// The sync that goes on after these shards; its rows.
fn go_on(dir: &Scratch, url: &str, shards: &[Vec<String>], flags: &[&str]) -> Vec<Value> {
    let mark = shards.last().unwrap()[3].clone();
    sync(dir.path(), url, &[&["--since", &mark], flags].concat()).expect(0);
    all_rows(&dir.join("out"))
}

#[test]
fn eight_shards_bring_each_row_once_with_an_eighth_of_the_requests_each() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(20_000, 3))
        .latency(Duration::from_millis(5))
        .start();
    let outcome = plan(&dir, &api.url(), &["--shards", "8"]).expect(0);
    let shards = shards(&outcome);
    assert_eq!(shards.len(), 8);
    assert!(api.counts().requests <= 8 * 6, "{}", api.counts().requests);
    for pair in shards.windows(2) {
        assert_eq!((&*pair[0][0], &*pair[0][2]), ("--since", "--until"));
        assert_eq!(pair[0][3], pair[1][1]);
    }
    let rows = fetch(&dir, &api.url(), &shards, &[]);
    for shard in &rows {
        assert!(shard.len().abs_diff(2500) <= 200, "{}", shard.len());
    }
    let mut all = rows.concat();
    let rest = go_on(&dir, &api.url(), &shards, &[]);
    assert!((1..=50).contains(&rest.len()), "{}", rest.len());
    all.extend(rest.clone());
    assert_eq!(all.len(), 20_000);
    assert_eq!(latest_by_id(&all), api.table().contents());

    // Nothing comes twice, and what is new comes.
    let now = clock::now();
    api.table().update("77", now);
    sync(dir.path(), &api.url(), &[]).expect(0);
    let news = all_rows(&dir.join("out")).split_off(rest.len());
    assert_eq!(news.len(), 1);
    assert_eq!(news[0]["id"], "77");
    assert_eq!(state(dir.path())["last_updated_at"], rfc3339(now));
}

#[test]
fn rows_that_change_while_the_shards_run_come_in_each_version_once() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(2000, 1));
    let shards = shards(&plan(&dir, &api.url(), &["--shards", "4"]).expect(0));
    let mut random = Random::new(7);
    let changed = Arc::new(Mutex::new(Vec::new()));
    let changes = Arc::clone(&changed);
    api.set_after_page(move |table, _, _| {
        for _ in 0..3 {
            let id = (1 + random.below(2000)).to_string();
            table.update(&id, clock::now());
            changes.lock().unwrap().push(id);
        }
    });
    let mut all = fetch(&dir, &api.url(), &shards, &[]).concat();
    api.set_after_page(|_, _, _| {});
    all.extend(go_on(&dir, &api.url(), &shards, &[]));
    assert_eq!(latest_by_id(&all), api.table().contents());
    let mut versions: Vec<String> = all.iter().map(Value::to_string).collect();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), all.len());
    // Of a row that changed no more than the version of before and the last one.
    assert!(all.len() <= 2000 + changed.lock().unwrap().len());
}

#[test]
fn a_live_table_ends_its_shards_where_rows_are_old_enough_by_every_clock() {
    let dir = Scratch::new();
    let now = clock::now() / SECOND * SECOND;
    let mut table = Table::new(Ties::Id);
    for n in 0..1000 {
        table.insert(&format!("{n:04}"), now - (999 - n) * SECOND);
    }
    let api = Api::start(table);
    // The API's clock is ten minutes behind, or this machine's is ahead.
    for (behind, lookback) in [(0, "60s"), (600, "60s"), (0, "200s")] {
        api.set_date(Date::At(now - behind * SECOND));
        let flags = ["--shards", "3", "--lookback", lookback];
        let shards = shards(&plan(&dir, &api.url(), &flags).expect(0));
        let mark = clock::parse(&shards[2][3]).unwrap();
        let age = if lookback == "60s" { 180 } else { 600 };
        let ripe = now - (behind + age) * SECOND;
        assert!(mark <= ripe, "{behind} {lookback}");
        assert!(mark > ripe - 60 * SECOND, "{behind} {lookback}");
    }
}

#[test]
fn numbers_grow_from_the_shards_to_the_sync_that_follows() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(600, 1));
    let shards = shards(&plan(&dir, &api.url(), &["--shards", "3"]).expect(0));
    let all = fetch(&dir, &api.url(), &shards, &["--metadata"]).concat();
    for id in ["5", "305", "599"] {
        api.table().update(id, clock::now());
    }
    let news = go_on(&dir, &api.url(), &shards, &["--metadata"]);
    let number = |row: &Value| row["_seq"].as_u64().unwrap();
    let most = all.iter().map(number).max().unwrap();
    assert!(news.len() >= 3);
    assert!(news.iter().all(|row| number(row) > most));
}

#[test]
fn tables_of_any_shape_come_whole_and_once() {
    for seed in 0..10 {
        let mut random = Random::new(seed);
        let mut table = Table::new(Ties::Id);
        let (mut second, rows) = (0, 1 + random.below(700));
        for n in 0..rows {
            // Crowds, gaps of years, and evenly spread stretches.
            second += match random.below(60) {
                0 => random.below(40_000_000) as i64,
                1..20 => 0,
                _ => random.below(90) as i64,
            };
            let at = (BASE + second * SECOND).min(clock::now());
            table.insert(&format!("{n:05}"), at);
        }
        let exclusive = random.below(2) == 0;
        let api = match exclusive {
            true => Api::over(table).exclusive().start(),
            false => Api::start(table),
        };
        let bound = if exclusive { "exclusive" } else { "inclusive" };
        let dir = Scratch::new();
        dir.write("c.json", json!({"since": {"bound": bound}}).to_string());
        let size = (20 + random.below(300)).to_string();
        let config = ["--config", "c.json", "--page-size", &size];
        let count = (1 + random.below(6)).to_string();
        let flags = [&["--shards", &count], &config[..]].concat();
        let outcome = plan(&dir, &api.url(), &flags).expect(0);
        let shards = shards(&outcome);
        let mut all = fetch(&dir, &api.url(), &shards, &config).concat();
        let mark = shards.last().map(|words| words[3].clone());
        let since = mark.iter().flat_map(|mark| ["--since", mark]);
        let words: Vec<&str> = config.into_iter().chain(since).collect();
        sync(dir.path(), &api.url(), &words).expect(0);
        let last = sync(dir.path(), &api.url(), &config).expect(0).receipt();
        assert_eq!(last["rows"], 0, "{seed}");
        all.extend(all_rows(&dir.join("out")));
        assert_eq!(all.len(), rows, "{seed}: {}", outcome.stdout);
        assert_eq!(latest_by_id(&all), api.table().contents(), "{seed}");
    }
}

#[test]
fn rows_that_share_one_timestamp_are_not_divided_and_that_is_said() {
    let dir = Scratch::new();
    let mut table = Table::new(Ties::Id);
    for n in 0..900 {
        let second = if n % 3 == 0 { n } else { 450 };
        table.insert(&format!("{n:04}"), BASE + second * SECOND);
    }
    let api = Api::start(table);
    let flags = ["--page-size", "1000"];
    let outcome = plan(&dir, &api.url(), &["--shards", "6"]).expect(0);
    assert!(
        outcome.stderr.contains("cannot be divided"),
        "{}",
        outcome.stderr
    );
    let shards = shards(&outcome);
    assert!((2..6).contains(&shards.len()), "{}", outcome.stdout);
    let mut all = fetch(&dir, &api.url(), &shards, &flags).concat();
    all.extend(go_on(&dir, &api.url(), &shards, &flags));
    assert_eq!(all.len(), 900);
    assert_eq!(latest_by_id(&all), api.table().contents());
}

#[test]
fn an_exclusive_bound_loses_no_row_at_an_edge() {
    let dir = Scratch::new();
    let api = Api::over(Table::users(900, 2)).exclusive().start();
    dir.write("c.json", "{\"since\": {\"bound\": \"exclusive\"}}");
    let config = ["--config", "c.json"];
    let flags = [&["--shards", "5"], &config[..]].concat();
    let shards = shards(&plan(&dir, &api.url(), &flags).expect(0));
    assert_eq!(shards.len(), 5);
    let mut all = fetch(&dir, &api.url(), &shards, &config).concat();
    all.extend(go_on(&dir, &api.url(), &shards, &config));
    assert_eq!(all.len(), 900);
    assert_eq!(latest_by_id(&all), api.table().contents());
}

#[test]
fn a_mark_whose_rows_have_all_changed_holds_the_rows_before_it_back() {
    let cut = "{\"since\": {\"send\": \"[year]-[month]-[day]T[hour]:[minute]:00Z\"}}";
    for (exclusive, file) in [
        (true, "{\"since\": {\"bound\": \"exclusive\"}}"),
        (false, cut),
    ] {
        let dir = Scratch::new();
        let table = Table::users(900, 2);
        let api = match exclusive {
            true => Api::over(table).exclusive().start(),
            false => Api::start(table),
        };
        dir.write("c.json", file);
        let config = ["--config", "c.json"];
        let since = rfc3339(BASE + 400 * SECOND);
        let shard = [vec!["--since", "2024-01-01T00:00:00Z", "--until", &since]];
        let shard = shard.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        let mut all = fetch(&dir, &api.url(), &shard, &config).concat();
        assert_eq!(all.len(), 800);
        // All that lies after the mark is too young to move the bound.
        for id in 801..=900 {
            api.table().update(&id.to_string(), clock::now());
        }
        go_on(&dir, &api.url(), &shard, &config);
        for _ in 0..2 {
            sync(dir.path(), &api.url(), &config).expect(0);
        }
        all.extend(all_rows(&dir.join("out")));
        assert_eq!(all.len(), 900, "{exclusive}");
        assert_eq!(latest_by_id(&all), api.table().contents());
    }
}

/// 300 rows whose time is written by `spell`, a minute apart, and filtered by
/// the instant that `read` makes of the bound.
fn spelled(spell: fn(i64) -> Value, read: fn(&str) -> i64) -> Server {
    Server::start(move |request: &Request| {
        let number = |name| request.param(name).unwrap().parse::<usize>().unwrap();
        let since = request.param("updated_since").map_or(i64::MIN, read);
        let rows: Vec<i64> = (0..300)
            .filter(|n| BASE + n * 60 * SECOND >= since)
            .collect();
        let row = |n: &i64| json!({"id": n, "updatedAt": spell(BASE + n * 60 * SECOND)});
        let page = rows.iter().skip(number("offset")).take(number("limit"));
        let data: Vec<Value> = page.map(row).collect();
        let offset = number("offset");
        Reply::json(json!({"data": data, "offset": offset, "total": rows.len()}).to_string())
    })
}

#[test]
fn instants_are_asked_for_as_the_api_spells_its_own() {
    let blank = |at: i64| json!(rfc3339(at).replace('T', " ").replace('Z', ".000+00:00"));
    let from_blank = |text: &str| {
        let text = text.strip_suffix("+00:00").expect(text);
        assert_eq!(text.len(), 23, "{text}");
        clock::parse(&text[..19].replace(' ', "T"))
            .or_else(|| clock::parse(&format!("{}Z", text[..19].replace(' ', "T"))))
            .unwrap()
    };
    let millis = |at: i64| json!(at / 1000);
    let from_millis = |text: &str| text.parse::<i64>().unwrap() * 1000;
    let seconds = |at: i64| json!((at / SECOND).to_string());
    // A counter that only looks like seconds: no clock has a say in it.
    let counter = |at: i64| json!((at - BASE) / 60 / SECOND + 7);
    let from_counter = |text: &str| (text.parse::<i64>().unwrap() - 7) * 60 * SECOND + BASE;
    let from_seconds = |text: &str| text.parse::<i64>().unwrap() * SECOND;
    for (server, first) in [
        (spelled(blank, from_blank), "\"first\": null"),
        (spelled(millis, from_millis), "\"first\": \"0\""),
        (spelled(seconds, from_seconds), "\"first\": \"0\""),
        (spelled(counter, from_counter), "\"first\": \"0\""),
    ] {
        let dir = Scratch::new();
        dir.write("c.json", format!("{{\"since\": {{{first}}}}}"));
        let url = server.url("/");
        let flags = ["--shards", "3", "--config", "c.json"];
        let outcome = plan(&dir, &url, &flags).expect(0);
        let shards = shards(&outcome);
        assert_eq!(shards.len(), 3, "{}", outcome.stdout);
        let config = ["--config", "c.json"];
        let mut all = fetch(&dir, &url, &shards, &config).concat();
        all.extend(go_on(&dir, &url, &shards, &config));
        assert_eq!(all.len(), 300);
        assert_eq!(latest_by_id(&all).len(), 300);
        let receipt = sync(dir.path(), &url, &config).expect(0).receipt();
        assert_eq!(
            (&receipt["rows"], &receipt["complete"]),
            (&json!(0), &json!(true))
        );
    }
}

#[test]
fn what_cannot_be_divided_is_refused_with_the_remedy() {
    let dir = Scratch::new();
    let silent = Api::over(Table::users(90, 1)).no_total().start();
    let outcome = plan(&dir, &silent.url(), &["--shards", "2"]).expect(2);
    assert!(
        outcome.stderr.contains("tells no total"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("\"total\""), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");

    let api = Api::start(Table::users(90, 1));
    for (file, says) in [
        ("{\"sorted\": false}", "does not sort"),
        ("{\"query\": {\"limit\": \"{limit}\"}}", "{since}"),
        ("{\"response\": {\"total\": null}}", "tells no total"),
        ("{\"tables\": {\"a\": {}, \"b\": {}}}", "--table"),
    ] {
        dir.write("c.json", file);
        let flags = ["--shards", "2", "--config", "c.json"];
        let outcome = plan(&dir, &api.url(), &flags).expect(2);
        assert!(outcome.stderr.contains(says), "{file}: {}", outcome.stderr);
    }
    assert_eq!(api.counts().requests, 0);
    // Totals that count all rows, whatever the filter.
    let count = Server::start(|request| {
        let mut page = crate::page(request);
        page["total"] = json!(200);
        Reply::json(page.to_string())
    });
    let outcome = plan(&dir, &count.url("/"), &["--shards", "2"]).expect(2);
    assert!(
        outcome.stderr.contains("does not count"),
        "{}",
        outcome.stderr
    );
    for words in [&[][..], &["--shards", "0"], &["--shards", "x"]] {
        plan(&dir, &api.url(), words).expect(2);
    }
}

#[test]
fn an_api_that_refuses_to_send_one_row_is_asked_for_a_page() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(900, 1));
    api.set_fault(|request, _| {
        let limit = request.param("limit").unwrap().parse::<u32>().unwrap();
        (limit < 10).then(|| Reply::json("{\"error\": \"limit: at least 10\"}").with_status(400))
    });
    let outcome = plan(&dir, &api.url(), &["--shards", "3"]).expect(0);
    let shards = shards(&outcome);
    assert_eq!(shards.len(), 3);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let mut all = fetch(&dir, &api.url(), &shards, &[]).concat();
    all.extend(go_on(&dir, &api.url(), &shards, &[]));
    assert_eq!(all.len(), 900);
}

#[test]
fn more_shards_than_rows_cost_no_more_questions_than_rows() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(30, 3));
    let outcome = plan(&dir, &api.url(), &["--shards", "10000"]).expect(0);
    assert!(shards(&outcome).len() <= 10, "{}", outcome.stdout);
    assert!(api.counts().requests < 100, "{}", api.counts().requests);
}

#[test]
fn a_filter_that_leaves_out_rows_of_its_own_bound_is_found() {
    let dir = Scratch::new();
    // As if the filter read its bound in another zone.
    let shifted = |at: i64| json!(rfc3339(at));
    let read = |text: &str| clock::parse(text).map_or(i64::MIN, |at| at + 3600 * SECOND);
    let server = spelled(shifted, read);
    let outcome = plan(&dir, &server.url("/"), &["--shards", "3"]).expect(5);
    assert!(
        outcome.stderr.contains("its own bound"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_plan_can_be_of_a_range_and_of_nothing() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(1000, 1));
    let at = |second: i64| rfc3339(BASE + second * SECOND);
    let (since, until) = (at(100), at(300));
    let flags = ["--shards", "2", "--since", &since, "--until", &until];
    let outcome = plan(&dir, &api.url(), &flags).expect(0);
    let shards = shards(&outcome);
    assert_eq!((&shards[0][1], &shards[1][3]), (&since, &until));
    assert_eq!(fetch(&dir, &api.url(), &shards, &[]).concat().len(), 200);
    let outcome = plan(&dir, &api.url(), &[&flags[..], &["--json"]].concat()).expect(0);
    let value: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(value["mark"], until);
    assert_eq!(value["shards"][0]["rows"], 100);

    // Young rows are the sync's that follows.
    let mut young = Table::new(Ties::Id);
    young.insert("1", clock::now());
    for table in [young, Table::new(Ties::Id)] {
        let api = Api::start(table);
        let outcome = plan(&dir, &api.url(), &["--shards", "2"]).expect(0);
        assert_eq!(outcome.stdout, "");
        assert!(
            outcome.stderr.contains("highwater sync"),
            "{}",
            outcome.stderr
        );
        assert_eq!(plan(&dir, &api.url(), &["--shards", "2", "-q"]).stderr, "");
    }
}
