//! What a check approves can be synced: over APIs that are broken in many ways,
//! exit 0 is never followed by a lost row or by a sync that fails.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::check;
use crate::support::clock::{self, BASE, SECOND};
use crate::support::http::Request;
use crate::support::reply::Reply;
use crate::support::{Scratch, all_rows, highwater, run};
use crate::world::{Answer, Ask, Row, Shared, World};

const DAY: i64 = 86_400 * SECOND;
const HOUR: i64 = 3_600 * SECOND;

/// The reference's question as it was asked.
fn asked(request: &Request) -> Ask {
    let whole = |name: &str| request.param(name).and_then(|text| text.parse().ok());
    let since = request.param("updated_since").and_then(clock::parse);
    Ask {
        since: since.map(|since| (since, true)),
        falls: Some(request.param("order_type") == Some("desc")),
        offset: whole("offset").unwrap_or(0),
        limit: whole("limit").unwrap_or(50),
    }
}

fn shown(row: &Row) -> Value {
    json!({"id": row.id, "version": row.version, "updatedAt": clock::rfc3339(row.updated)})
}

fn reply(rows: &[Row], offset: usize, total: usize) -> Reply {
    let rows: Vec<Value> = rows.iter().map(shown).collect();
    Reply::json(json!({"data": rows, "offset": offset, "total": total}))
}

/// The answer to a question that is changed before it is looked up.
fn changed(request: &Request, world: &World, change: fn(&mut Ask)) -> Reply {
    let mut ask = asked(request);
    let offset = ask.offset;
    change(&mut ask);
    let (rows, total) = world.page(ask);
    reply(&rows, offset, total)
}

fn sound(request: &Request, world: &World) -> Reply {
    changed(request, world, |_| {})
}

fn filter_ignored(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| ask.since = None)
}

fn filter_hours_late(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| {
        ask.since = ask.since.map(|(at, with)| (at + 2 * HOUR, with))
    })
}

fn filter_hours_early(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| {
        ask.since = ask.since.map(|(at, with)| (at - 2 * HOUR, with))
    })
}

fn filter_a_minute_late(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| {
        ask.since = ask.since.map(|(at, with)| (at + 60 * SECOND, with))
    })
}

fn filter_of_days(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| {
        ask.since = ask.since.map(|(at, with)| (at.div_euclid(DAY) * DAY, with))
    })
}

fn filter_of_minutes(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| {
        ask.since = ask
            .since
            .map(|(at, with)| (at.div_euclid(60 * SECOND) * 60 * SECOND, with))
    })
}

fn exclusive(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| {
        ask.since = ask.since.map(|(at, _)| (at, false))
    })
}

fn order_by_id(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| ask.falls = None)
}

fn newest_first(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| ask.falls = Some(true))
}

fn offset_ignored(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| ask.offset = 0)
}

fn limit_clamped(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| ask.limit = ask.limit.min(10))
}

fn limit_ignored(request: &Request, world: &World) -> Reply {
    changed(request, world, |ask| ask.limit = 20)
}

/// Nothing comes from the sixtieth row on.
fn capped(request: &Request, world: &World) -> Reply {
    let ask = asked(request);
    let (mut rows, total) = world.page(ask);
    rows.truncate(60_usize.saturating_sub(ask.offset));
    reply(&rows, ask.offset, total)
}

/// As before, and the total says so.
fn capped_with_its_total(request: &Request, world: &World) -> Reply {
    let ask = asked(request);
    let (mut rows, total) = world.page(ask);
    rows.truncate(60_usize.saturating_sub(ask.offset));
    reply(&rows, ask.offset, total.min(60))
}

fn total_of_the_page(request: &Request, world: &World) -> Reply {
    let ask = asked(request);
    let (rows, _) = world.page(ask);
    reply(&rows, ask.offset, rows.len())
}

fn total_of_all(request: &Request, world: &World) -> Reply {
    let ask = asked(request);
    let (rows, _) = world.page(ask);
    reply(&rows, ask.offset, world.rows.len())
}

fn last_page_again(request: &Request, world: &World) -> Reply {
    let mut ask = asked(request);
    let offset = ask.offset;
    let total = world.page(ask).1;
    ask.offset = offset.min(total.saturating_sub(1) / ask.limit.max(1) * ask.limit.max(1));
    let (rows, total) = world.page(ask);
    reply(&rows, offset, total)
}

/// Every other row has no timestamp, and no filter lets it pass.
fn half_without_time(request: &Request, world: &World) -> Reply {
    let ask = asked(request);
    let mut timed = world.clone();
    timed.rows.retain(|row| row.id % 2 == 0);
    if ask.since.is_some() {
        let (rows, total) = timed.page(ask);
        return reply(&rows, ask.offset, total);
    }
    let (rows, total) = world.page(ask);
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut shown = shown(row);
            if row.id % 2 == 1 {
                shown["updatedAt"] = Value::Null;
            }
            shown
        })
        .collect();
    Reply::json(json!({"data": rows, "offset": ask.offset, "total": total}))
}

/// Without a total.
fn half_without_time_untold(request: &Request, world: &World) -> Reply {
    let mut timed = world.clone();
    timed.rows.retain(|row| row.id % 2 == 0);
    let (rows, _) = match request.param("updated_since") {
        Some(_) => timed.page(asked(request)),
        None => world.page(asked(request)),
    };
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let time = (row.id % 2 == 0).then(|| clock::rfc3339(row.updated));
            json!({"id": row.id, "version": row.version, "updatedAt": time})
        })
        .collect();
    Reply::json(json!({"data": rows}))
}

/// Rows that came in by the clock, whatever was updated.
fn filter_by_another_field(request: &Request, world: &World) -> Reply {
    let mut ask = asked(request);
    let since = ask.since.take();
    let mut passing = world.clone();
    passing
        .rows
        .retain(|row| since.is_none_or(|(at, _)| BASE + row.id as i64 * SECOND >= at));
    let (rows, total) = passing.page(ask);
    reply(&rows, ask.offset, total)
}

const APIS: [(&str, Answer); 21] = [
    ("sound", sound),
    ("filter ignored", filter_ignored),
    ("filter hours late", filter_hours_late),
    ("filter hours early", filter_hours_early),
    ("filter a minute late", filter_a_minute_late),
    ("filter of days", filter_of_days),
    ("filter of minutes", filter_of_minutes),
    ("filter by another field", filter_by_another_field),
    ("exclusive", exclusive),
    ("order by id", order_by_id),
    ("newest first", newest_first),
    ("offset ignored", offset_ignored),
    ("limit clamped", limit_clamped),
    ("limit ignored", limit_ignored),
    ("capped", capped),
    ("capped with its total", capped_with_its_total),
    ("total of the page", total_of_the_page),
    ("total of all", total_of_all),
    ("last page again", last_page_again),
    ("half without time", half_without_time),
    ("half without time untold", half_without_time_untold),
];

/// Rows of several shapes.
fn worlds() -> Vec<(&'static str, World)> {
    let spread = |count: u64, apart: i64| {
        let mut world = World::new(count);
        for row in &mut world.rows {
            row.updated = BASE + (row.updated - BASE) * apart;
        }
        world
    };
    let mut rising = World::new(70);
    for row in &mut rising.rows {
        row.updated = BASE + row.id as i64 * SECOND;
    }
    vec![
        ("130 rows within minutes", World::new(130)),
        ("130 rows over weeks", spread(130, 2_500)),
        ("30 rows over hours", spread(30, 200)),
        ("70 rows with rising ids", rising),
    ]
}

/// What came of a check and of the syncs after it.
struct Story {
    approved: bool,
    failed: Option<String>,
    lost: usize,
}

impl Story {
    fn refused() -> Self {
        Self {
            approved: false,
            failed: None,
            lost: 0,
        }
    }
}

/// Checks with these words, syncs, lets rows change, and syncs twice more.
fn story(world: World, answer: Answer, suggested: bool) -> Story {
    let api = Shared::start(world, answer);
    let scratch = Scratch::new();
    let url = api.server.url("/users");
    if suggested {
        let outcome = check(&scratch, &["--url", &url, "--suggest"]);
        if outcome.stdout.is_empty() {
            return Story::refused();
        }
        scratch.write("c.json", &outcome.stdout);
    } else {
        scratch.write("c.json", "{}");
    }
    let words = ["--config", "c.json", "--url", &url];
    let approved = check(&scratch, &words).code == Some(0);
    if !approved {
        return Story::refused();
    }
    let mut failed = None;
    for round in 0..3 {
        let mut command = highwater(scratch.path());
        let outcome = run(command.arg("sync").args(words));
        if outcome.code != Some(0) && failed.is_none() {
            failed = Some(format!("sync {round}: {}", outcome.stderr.trim()));
        }
        if round < 2 {
            api.world().change();
        }
    }
    let mut latest: BTreeMap<u64, u64> = BTreeMap::new();
    for row in all_rows(&scratch.join("out")) {
        let (id, version) = (
            row["id"].as_u64().unwrap(),
            row["version"].as_u64().unwrap(),
        );
        let known = latest.entry(id).or_default();
        *known = version.max(*known);
    }
    let world = api.world();
    let lost = world
        .rows
        .iter()
        .filter(|row| latest.get(&row.id) != Some(&row.version));
    Story {
        approved,
        failed,
        lost: lost.count(),
    }
}

/// Each API over each of these worlds, by several threads.
fn stories(worlds: &[(&'static str, World)], suggested: bool) -> Vec<(String, Story)> {
    let cases: Vec<_> = worlds
        .iter()
        .flat_map(|(rows, world)| APIS.map(|(name, answer)| (name, rows, world, answer)))
        // What the filter goes by cannot be told where it is the same.
        .filter(|(name, rows, ..)| {
            *name != "filter by another field" || **rows != "70 rows with rising ids"
        })
        .collect();
    let next = AtomicUsize::new(0);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((name, rows, world, answer)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let story = story((*world).clone(), *answer, suggested);
                    told.lock()
                        .unwrap()
                        .push((format!("{name}, {rows}"), story));
                }
            });
        }
    });
    told.into_inner().unwrap()
}

#[track_caller]
fn holds(worlds: &[(&'static str, World)], suggested: bool) {
    let stories = stories(worlds, suggested);
    let wrong = stories
        .iter()
        .filter(|(_, story)| story.approved && (story.failed.is_some() || story.lost > 0));
    let wrong: Vec<String> = wrong
        .map(|(title, story)| format!("{title}: {} lost, {:?}", story.lost, story.failed))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let named = |approved: bool| -> Vec<&String> {
        let some = stories
            .iter()
            .filter(|(_, story)| story.approved == approved);
        some.map(|(title, _)| title).collect()
    };
    let (approved, refused) = (named(true), named(false));
    assert!(
        !refused.iter().any(|title| title.starts_with("sound")),
        "{refused:#?}"
    );
    let share = stories.len() / 5;
    assert!(
        approved.len() > share && refused.len() > share,
        "{approved:#?}\n{refused:#?}"
    );
}

#[test]
fn what_is_approved_loses_nothing_and_fails_nowhere() {
    holds(&worlds(), false);
}

#[test]
fn what_is_suggested_loses_nothing_and_fails_nowhere() {
    holds(&worlds()[2..], true);
}

#[test]
fn an_empty_table_is_not_approved() {
    let story = story(World::default(), sound, false);
    assert!(!story.approved);
}
