//! The disk fails at each operation: the run ends there, says where, and what
//! was committed stays.

use crate::scene::{OUT, PLAIN, PLOTS, Plot, Scene};
use crate::sim::{Image, Kind, Op, Plan, Sim, World};

const EIO: i32 = 5;
const EACCES: i32 = 13;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

pub fn every_fault(plot: Plot, errno: i32) {
    let scene = Scene::set(plot);
    for at in 0.. {
        let sim = Sim::new(&scene.before, Plan::Fail { at, errno });
        let result = scene.sync(&sim);
        if !sim.struck() {
            assert!(at > 30, "only {at} operations");
            return;
        }
        let log = sim.log();
        let bad = log.iter().position(|op| op.failed).unwrap();
        let place = format!("{}: {:?}, number {bad}, error {errno}", plot.name, log[bad]);
        let Err(error) = result else {
            panic!("{place}: went on as if nothing had happened");
        };
        assert_eq!(error.exit_code(), 6, "{place}: {error}");
        let said = error.to_string();
        assert!(
            said.contains(&*log[bad].path.to_string_lossy()),
            "{place}: {said}"
        );
        assert!(said.contains("os error"), "{place}: {said}");
        assert!(!error.hint_text().is_empty(), "{place}: {said}");
        // Where the new state is synced first, its rows are synced nonetheless:
        // both at once.
        let state = plot.csv && log[bad].kind == Kind::SyncAll && log[bad].ends(".tmp");
        let at_once = |op: &Op| state && op.kind == Kind::SyncData && op.ends(".part");
        let after = log[bad + 1..].iter().filter(|op| op.mutates());
        let after: Vec<_> = after.filter(|op| !at_once(op)).collect();
        assert!(after.is_empty(), "{place}: then {after:?}");
        if let Err(why) = scene.recover(&sim.image()) {
            panic!("{place}: {why}");
        }
        // What a failed sync left in memory goes with the power.
        if log[bad].syncs() && errno == EIO && plot.csv {
            for image in World::cuts(&sim.world()) {
                if let Err(why) = scene.recover(&image) {
                    panic!("{place}, then no power: {why}");
                }
            }
        }
    }
}

#[test]
fn an_input_output_error_at_any_operation_ends_the_run_and_costs_nothing() {
    PLOTS[1..3].iter().for_each(|plot| every_fault(*plot, EIO));
}

#[test]
fn a_full_disk_at_any_operation_ends_the_run_and_costs_nothing() {
    PLOTS[3..4]
        .iter()
        .for_each(|plot| every_fault(*plot, ENOSPC));
}

#[test]
fn a_folder_that_turns_read_only_ends_the_run_and_costs_nothing() {
    every_fault(PLOTS[2], EROFS);
    every_fault(PLAIN, EACCES);
}

#[test]
fn a_folder_above_that_is_not_ours_to_read_is_no_fault() {
    let scene = Scene::set(PLAIN);
    let folders = ["/data", OUT].map(|path| (path.into(), None));
    let image = Image::from(folders);
    for at in 0..6 {
        let sim = Sim::new(&image, Plan::Fail { at, errno: EACCES });
        let result = scene.sync(&sim);
        let is_above = sim.log()[at].kind == Kind::SyncFolder;
        assert_eq!(result.is_ok(), is_above, "{:?}", sim.log()[at]);
        if is_above {
            return;
        }
    }
    panic!("the folder's name is not synced");
}

#[test]
fn a_fault_in_the_recovery_costs_nothing() {
    let scene = Scene::set(Plot {
        rejects: true,
        rows: 6,
        ..PLAIN
    });
    for image in scene.kills() {
        for at in scene.mutations(&image) {
            let sim = Sim::new(&image, Plan::Fail { at, errno: EIO });
            let result = scene.sync(&sim);
            let log = sim.log();
            let place = format!("{:?}, number {at}", log[at]);
            assert_eq!(result.map(|_| ()).unwrap_err().exit_code(), 6, "{place}");
            assert!(log[at + 1..].iter().all(|op| !op.mutates()), "{place}");
            if let Err(why) = scene.recover(&sim.image()) {
                panic!("{place}: {why}");
            }
        }
    }
}

#[test]
fn what_was_committed_is_never_touched_by_a_run_that_fails() {
    let scene = Scene::set(PLOTS[4]);
    for at in 0.. {
        let sim = Sim::new(&scene.before, Plan::Fail { at, errno: ENOSPC });
        let _ = scene.sync(&sim);
        if !sim.struck() {
            break;
        }
        let after = sim.image();
        for (path, content) in &scene.before {
            let kept = after.get(path) == Some(content);
            assert!(
                kept || *path == scene.state() || path.ends_with(".lock"),
                "{}",
                path.display()
            );
        }
    }
}
