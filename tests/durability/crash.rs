//! The process dies at each operation on the disk; what it did stays done.

use crate::scene::{PLAIN, PLOTS, Plot, Scene};
use crate::sim::{Kind, Op, Plan, Sim};
use crate::support::clock;

pub fn every_kill(plot: Plot) {
    let scene = Scene::set(plot);
    for torn in [false, true] {
        for at in 0.. {
            let sim = Sim::new(&scene.before, Plan::Kill { at, torn });
            let result = scene.sync(&sim);
            if !sim.struck() {
                assert!(at > 30, "only {at} operations");
                result.unwrap();
                break;
            }
            assert_eq!(
                result.map(|_| ()).unwrap_err().exit_code(),
                6,
                "{}: {at}",
                plot.name
            );
            let died = sim.log().pop();
            if let Err(why) = scene.recover(&sim.image()) {
                panic!("{}: killed after {died:?}, number {at}: {why}", plot.name);
            }
        }
    }
}

#[test]
fn a_kill_at_any_operation_of_a_first_sync_costs_nothing() {
    every_kill(PLOTS[0]);
}

#[test]
fn a_kill_at_any_operation_costs_nothing_in_csv_with_the_state_apart() {
    every_kill(PLOTS[1]);
}

#[test]
fn a_kill_at_any_operation_of_a_later_sync_with_rejects_costs_nothing() {
    every_kill(PLOTS[2]);
}

#[test]
fn a_kill_at_any_operation_costs_nothing_where_csv_rows_are_set_aside() {
    every_kill(PLOTS[3]);
}

#[test]
fn a_kill_at_any_operation_costs_nothing_where_all_rows_are_younger_than_the_lookback() {
    every_kill(PLOTS[4]);
}

#[test]
fn two_kills_in_a_row_cost_nothing() {
    let scene = Scene::set(Plot {
        rows: 6,
        rejects: true,
        ..PLAIN
    });
    for image in scene.kills() {
        for second in scene.mutations(&image) {
            let sim = Sim::new(
                &image,
                Plan::Kill {
                    at: second,
                    torn: true,
                },
            );
            let _ = scene.sync(&sim);
            if let Err(why) = scene.recover(&sim.image()) {
                panic!("killed again at {second}: {why}");
            }
        }
    }
}

#[test]
fn rows_that_change_between_the_kill_and_the_next_run_come_in_both_versions_at_most() {
    for at in 0.. {
        let mut scene = Scene::set(PLAIN);
        let sim = Sim::new(&scene.before, Plan::Kill { at, torn: true });
        let _ = scene.sync(&sim);
        if !sim.struck() {
            break;
        }
        let later = scene.api.table().newest().unwrap() + 1_000_000;
        for id in ["1", "7", "14"] {
            scene.api.table().update(id, later);
        }
        scene.expect_versions();
        let sim = Sim::over(sim.world(), Plan::Nothing);
        scene.sync(&sim).unwrap();
        let result = scene.verify(&sim.image());
        // Of what was not committed, the old version need not be there.
        if let Err(why) = result {
            let (wanted, found) = why.split_once("found").unwrap_or((&why, " []"));
            assert_eq!(found, " []", "killed at {at}: {why}");
            assert!(
                !wanted.contains(&clock::rfc3339(later)),
                "killed at {at}: {why}"
            );
        }
    }
}

#[test]
fn a_page_costs_two_syncs_and_none_of_a_folder() {
    for plot in [PLAIN, PLOTS[1], PLOTS[4]] {
        let scene = Scene::set(plot);
        let sim = Sim::new(&scene.before, Plan::Nothing);
        scene.sync(&sim).unwrap();
        let log = sim.log();
        let is_page =
            |op: &Op| op.kind == Kind::Write && op.path.to_string_lossy().ends_with(".part");
        let pages: Vec<usize> = (0..log.len()).filter(|&at| is_page(&log[at])).collect();
        assert!(pages.len() > 2);
        for pair in pages.windows(2) {
            let page: Vec<(Kind, String)> = log[pair[0]..pair[1]]
                .iter()
                .map(|op| {
                    (
                        op.kind,
                        op.path.extension().unwrap().to_string_lossy().into_owned(),
                    )
                })
                .collect();
            let page: Vec<(Kind, &str)> = page.iter().map(|(kind, end)| (*kind, &**end)).collect();
            let mut syncs = [(Kind::SyncData, "part"), (Kind::SyncAll, "tmp")];
            if plot.csv {
                syncs.reverse();
            }
            let begun = [
                (Kind::Write, "part"),
                (Kind::Overwrite, "tmp"),
                (Kind::Write, "tmp"),
            ];
            assert_eq!(page[..3], begun);
            assert_eq!(page[3..5], syncs);
            assert_eq!(page[5..], [(Kind::Rename, "json")]);
        }
    }
}
