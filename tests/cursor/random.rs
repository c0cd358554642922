//! Larger tables, any settings, any changes, and crashes.

use std::time::Duration;

use highwater::cursor::{Order, Paging};
use highwater::timestamp::Format;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::model::{Api, Dice, Ledger, Table, Total, instant};

#[derive(Debug, Clone)]
struct Plan {
    rows: usize,
    /// One of so many rows has another instant than the one before it.
    ties: usize,
    limit: u64,
    total: u8,
    clamp: Vec<u64>,
    max_offset: u64,
    exclusive: bool,
    unstable: bool,
    lookback: u64,
    until: Option<i64>,
    format: u8,
    kind: u8,
    /// Changes per hundred requests, and crashes.
    changes: usize,
    crashes: usize,
    tick: bool,
    late: bool,
    seed: u64,
}

fn plans() -> impl Strategy<Value = Plan> {
    let table = (0_usize..120, 1_usize..6, 2_u64..14, 0_u8..3);
    let api = (
        prop_oneof![
            3 => Just(vec![u64::MAX]),
            1 => (2_u64..9).prop_map(|most| vec![most]),
            1 => prop::collection::vec(2_u64..15, 1..5),
        ],
        prop_oneof![Just(u64::MAX), 10_u64..60],
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    let walk = (
        prop_oneof![2 => Just(0_u64), 1 => 1_u64..40],
        prop::option::weighted(0.2, 90_i64..200),
        0_u8..5,
        0_u8..6,
    );
    let changes = (
        0_usize..200,
        0_usize..30,
        any::<bool>(),
        any::<bool>(),
        any::<u64>(),
    );
    (table, api, walk, changes).prop_map(|(table, api, walk, change)| Plan {
        rows: table.0,
        ties: table.1,
        limit: table.2,
        total: table.3,
        clamp: api.0,
        max_offset: api.1,
        exclusive: api.2,
        unstable: api.3,
        lookback: walk.0,
        until: walk.1,
        format: walk.2,
        kind: walk.3,
        changes: change.0,
        crashes: change.1,
        tick: change.2,
        late: change.3,
        seed: change.4,
    })
}

fn run(plan: &Plan) {
    let mut dice = Dice(plan.seed);
    let mut at = 100;
    let mut table = Table::of((0..plan.rows).map(|_| {
        at += i64::from(dice.below(plan.ties) == 0) * (1 + dice.below(3) as i64);
        at
    }));
    let mut api = Api::new(plan.limit);
    api.total = match plan.total {
        0 => Total::Exact,
        1 => Total::Absent,
        // Without an order no window can pass the cap.
        _ if plan.max_offset < u64::MAX && plan.kind != 5 => Total::Capped(plan.max_offset),
        _ => Total::Exact,
    };
    api.clamp.clone_from(&plan.clamp);
    // Numbered pages show nothing of ties that change their order.
    api.unstable = plan.unstable && plan.kind != 4;
    let set = &mut api.settings;
    set.max_offset = plan.max_offset;
    set.exclusive = plan.exclusive;
    set.lookback = Duration::from_secs(plan.lookback);
    set.until = plan.until.map(instant);
    set.format = match plan.format {
        0 | 1 => Format::AsReceived,
        2 => Format::Unix,
        3 => Format::Date,
        _ => Format::new("[year]-[month]-[day] [hour]:[minute]").unwrap(),
    };
    (set.paging, set.order) = match plan.kind {
        4 => (Paging::Page, Order::Sorted),
        5 => (Paging::Offset, Order::Unsorted),
        _ => (Paging::Offset, Order::Sorted),
    };
    // Which rows a page's number means is not said where its size changes, nor
    // which page is the last where there is neither a total nor an order.
    if plan.kind == 4 || (plan.kind == 5 && api.total != Total::Exact) {
        api.clamp.truncate(1);
    }
    // Few rows come back in their order by chance too.
    if api.unstable {
        api.settings.limit += 30;
        api.clamp = vec![u64::MAX];
    }
    let lookback = i64::try_from(plan.lookback).unwrap();
    let mut ledger = Ledger::default();
    for _ in 0..3 {
        let (mut quota, mut lives) = (60, 3);
        let synced = ledger.sync(&api, &mut table, |table, _| {
            while quota > 0 && dice.below(250) < plan.changes {
                quota -= 1;
                table.clock += i64::from(plan.tick) + i64::from(dice.below(4) == 0);
                let place = dice.below(table.rows.len());
                match dice.below(6) {
                    0..3 if place < table.rows.len() => table.update_at(place),
                    3 if place < table.rows.len() => drop(table.rows.remove(place)),
                    4 if plan.late && lookback > 1 => {
                        let after = 1 + dice.below(lookback as usize - 1) as i64;
                        table.insert_late(lookback - after, after);
                    }
                    _ => table.insert(dice.below(2) == 0),
                }
            }
            let dies = lives > 0 && dice.below(200) < plan.crashes;
            lives -= i32::from(dies);
            dies
        });
        if synced.is_ok() && plan.tick && plan.clamp.len() == 1 {
            ledger.check(&api, &table);
        }
        table.clock += dice.below(5) as i64;
    }
    // A table that was emptied is refused.
    if table.rows.is_empty() {
        table.clock += 1;
        table.insert(false);
    }
    // What was refused is complete once nothing moves and a page holds the run.
    let mut calm = api.clone();
    calm.settings.limit = 1_000;
    calm.settings.max_offset = u64::MAX;
    calm.total = Total::Exact;
    calm.clamp = vec![u64::MAX];
    ledger.complete(&calm, &mut table).unwrap();
}

#[test]
fn whatever_changes_nothing_is_lost_and_nothing_comes_twice() {
    let cases = std::env::var("CASES").map_or(1_000, |cases| cases.parse().unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let seed: u64 = std::env::var("SEED").map_or(7, |seed| seed.parse().unwrap());
    let seed = seed.to_le_bytes().repeat(4);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, rng);
    runner
        .run(&plans(), |plan| {
            run(&plan);
            Ok(())
        })
        .unwrap();
}
