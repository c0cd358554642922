//! The power is cut at each operation on the disk: what was not synced may be
//! there, or not, or in part.

use std::collections::BTreeSet;

use crate::scene::{PLAIN, PLOTS, Plot, Scene};
use crate::sim::{Image, Kind, Op, Plan, Sim, World};

/// Picks a sync, by what came before it.
type Pick = fn(&[Op], &Op) -> bool;

/// What every cut of these leaves, each once.
fn cuts(shots: &[World]) -> BTreeSet<Image> {
    shots.iter().flat_map(World::cuts).collect()
}

fn check(scene: &Scene, images: &BTreeSet<Image>) -> Result<(), String> {
    for image in images {
        if let Err(why) = scene.recover(image) {
            let names: Vec<String> = image
                .iter()
                .map(|(path, content)| {
                    format!("{} {:?}", path.display(), content.as_ref().map(Vec::len))
                })
                .collect();
            return Err(format!(
                "{}: {why}\nafter the cut: {names:#?}",
                scene.plot.name
            ));
        }
    }
    Ok(())
}

pub fn every_cut(plot: Plot) {
    let scene = Scene::set(plot);
    let sim = Sim::new(&scene.before, Plan::Nothing);
    scene.sync(&sim).unwrap();
    let images = cuts(&sim.shots());
    assert!(images.len() > 60, "only {} ways to cut", images.len());
    check(&scene, &images).unwrap();
}

#[test]
fn a_power_cut_at_any_operation_of_a_first_sync_costs_nothing() {
    every_cut(PLOTS[0]);
}

#[test]
fn a_power_cut_at_any_operation_costs_nothing_in_csv_with_the_state_apart() {
    every_cut(PLOTS[1]);
}

#[test]
fn a_power_cut_at_any_operation_of_a_later_sync_with_rejects_costs_nothing() {
    every_cut(PLOTS[2]);
}

#[test]
fn a_power_cut_at_any_operation_costs_nothing_where_csv_rows_are_set_aside() {
    every_cut(PLOTS[3]);
}

#[test]
fn a_power_cut_at_any_operation_costs_nothing_where_all_rows_are_younger_than_the_lookback() {
    every_cut(PLOTS[4]);
}

#[test]
fn a_power_cut_during_the_run_after_a_kill_costs_nothing() {
    let scene = Scene::set(Plot {
        name: "kill, then cut",
        rows: 6,
        apart: true,
        ..PLAIN
    });
    let mut images = BTreeSet::new();
    for at in 0.. {
        let sim = Sim::new(&scene.before, Plan::Kill { at, torn: true });
        let _ = scene.sync(&sim);
        if !sim.struck() {
            break;
        }
        let sim = Sim::over(sim.world(), Plan::Nothing);
        scene.sync(&sim).unwrap();
        images.extend(cuts(&sim.shots()));
    }
    check(&scene, &images).unwrap();
}

#[test]
fn a_power_cut_after_a_sync_that_the_api_broke_off_costs_nothing() {
    use crate::support::reply::Reply;
    for (nth, rows) in [(1, 9), (2, 9), (3, 9)] {
        let scene = Scene::set(Plot {
            name: "broken off",
            rows,
            rejects: true,
            apart: true,
            ..PLAIN
        });
        scene
            .api
            .set_fault(move |_, at| (at == nth).then(|| Reply::status(403)));
        let sim = Sim::new(&scene.before, Plan::Nothing);
        assert_eq!(scene.sync(&sim).map(|_| ()).unwrap_err().exit_code(), 4);
        check(&scene, &cuts(&sim.shots())).unwrap();
    }
}

fn last(log: &[Op]) -> Option<Op> {
    log.iter().rfind(|op| op.mutates()).cloned()
}

/// Whether a cut costs something where the syncs that `skip` picks are left out.
fn costs(plot: Plot, skip: Pick) -> bool {
    let scene = Scene::set(plot);
    let sim = Sim::new(&scene.before, Plan::Skip(skip));
    scene.sync(&sim).unwrap();
    check(&scene, &cuts(&sim.shots())).is_err()
}

#[test]
fn no_sync_of_a_whole_run_can_be_left_out() {
    let apart = Plot {
        apart: true,
        rows: 10,
        ..PLAIN
    };
    let kinds: [(&str, Pick); 6] = [
        ("of the rows", |_, op| op.kind == Kind::SyncData),
        ("of the new state", |_, op| {
            op.kind == Kind::SyncAll && op.ends(".tmp")
        }),
        ("of the state's name before the first row", |log, op| {
            op.kind == Kind::SyncFolder
                && op.ends("/state")
                && !log.iter().any(|op| op.kind == Kind::Create)
        }),
        ("of the file's name before the first row", |log, op| {
            op.kind == Kind::SyncFolder && last(log).is_some_and(|op| op.kind == Kind::Create)
        }),
        ("of the file's final name", |log, op| {
            op.kind == Kind::SyncFolder
                && last(log).is_some_and(|op| op.kind == Kind::Rename && op.ends(".ndjson"))
        }),
        ("of the folders' own names", |_, op| {
            op.kind == Kind::SyncFolder && !op.ends("/state") && !op.ends("/out")
        }),
    ];
    for (what, skip) in kinds {
        assert!(
            costs(apart, skip),
            "the sync {what} seems to be superfluous"
        );
    }
}

#[test]
fn the_sync_of_the_state_before_the_final_name_cannot_be_left_out() {
    // Else an older state could come back that vouches for less.
    assert!(costs(
        Plot {
            apart: true,
            ..PLAIN
        },
        |log, op| {
            op.kind == Kind::SyncFolder
                && op.ends("/state")
                && log.iter().any(|op| op.kind == Kind::SyncData)
        }
    ));
}

#[test]
fn the_syncs_of_a_recovery_cannot_be_left_out() {
    let scene = Scene::set(Plot {
        apart: true,
        rows: 9,
        ..PLAIN
    });
    let kinds: [(&str, Pick); 2] = [
        ("after the cut to the committed length", |_, op| {
            op.kind == Kind::SyncAll && op.ends(".part")
        }),
        ("after the final name", |log, op| {
            op.kind == Kind::SyncFolder
                && last(log).is_some_and(|op| op.kind == Kind::Rename && op.ends(".ndjson"))
        }),
    ];
    for (what, skip) in kinds {
        let costly = scene.kills().iter().rev().any(|image| {
            let sim = Sim::new(image, Plan::Skip(skip));
            scene.sync(&sim).unwrap();
            check(&scene, &cuts(&sim.shots())).is_err()
        });
        assert!(costly, "the sync {what} seems to be superfluous");
    }
}
