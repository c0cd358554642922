//! The hand-over, killed, failing and without power at each operation: a
//! consumer gets each file at least once, in order, whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use highwater::checkpoint::Checkpoint;
use highwater::error::{Error, Result};
use highwater::load::{self, Finished, Loader};
use highwater::store::Store;

use crate::growing::GROWS;
use crate::scene::{OUT, PLAIN, PLOTS, Plot, Scene, csv_rows, json_rows, timeless};
use crate::sim::{Image, Kind, Op, Plan, Sim};

/// A file as a consumer got it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Taken {
    name: String,
    content: Vec<u8>,
    rows: u64,
    /// How many changes the disk had seen.
    at: usize,
}

/// Reads each file from the disk, and takes it unless it is out of order.
#[derive(Clone)]
struct Consumer {
    sim: Sim,
    taken: Vec<Taken>,
    /// So many files are refused first.
    refuses: usize,
    /// Files are taken away.
    moves: bool,
}

impl Consumer {
    fn of(sim: &Sim) -> Self {
        Self {
            sim: sim.clone(),
            taken: Vec::new(),
            refuses: 0,
            moves: false,
        }
    }

    /// The same one, after a crash.
    fn over(&self, sim: &Sim) -> Self {
        Self {
            sim: sim.clone(),
            ..self.clone()
        }
    }
}

impl Loader for Consumer {
    fn load(&mut self, file: &Finished<'_>) -> Result<()> {
        let image = self.sim.image();
        let content = image.get(&file.path).cloned().flatten();
        let content = content.unwrap_or_else(|| panic!("{} is not there", file.path.display()));
        assert_eq!(file.table, "user");
        let name = file.path.file_name().unwrap().to_string_lossy();
        if self.refuses > 0 {
            self.refuses -= 1;
            return Err(Error::local("refused"));
        }
        if self.moves {
            self.sim.take_away(&file.path);
        }
        self.taken.push(Taken {
            name: name.into_owned(),
            content,
            rows: file.rows,
            at: self.sim.shots().len() - 1,
        });
        Ok(())
    }
}

/// The finished files of the folder.
fn finished(image: &Image) -> Vec<(String, Vec<u8>)> {
    let files = image.iter().filter_map(|(path, content)| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let rows = name.ends_with("Z.ndjson") || name.ends_with("Z.csv");
        let here = path.parent() == Some(Path::new(OUT)) && rows;
        here.then_some((name, content.clone()?))
    });
    files.collect()
}

/// Whether each file of the folder came, whole and in order.
fn judge(consumer: &Consumer, image: &Image) -> std::result::Result<(), String> {
    let names: Vec<&String> = consumer.taken.iter().map(|taken| &taken.name).collect();
    if !names.is_sorted() {
        return Err(format!("out of order: {names:?}"));
    }
    let mut came: Vec<(String, Vec<u8>)> = consumer
        .taken
        .iter()
        .map(|taken| (taken.name.clone(), taken.content.clone()))
        .collect();
    came.dedup();
    if !consumer.moves && came != finished(image) {
        return Err(format!("{names:?} came of {:?}", finished(image).len()));
    }
    for taken in &consumer.taken {
        let rows = if taken.name.ends_with(".csv") {
            csv_rows(&taken.content)?
        } else {
            json_rows(&taken.content)?
        };
        if rows.len() as u64 != taken.rows {
            return Err(format!("{} has not {} rows", taken.name, taken.rows));
        }
    }
    Ok(())
}

/// A folder with files that wait: two of a consumer that refused them.
fn waiting(plot: Plot) -> (Scene, Image) {
    let mut scene = Scene::set(plot);
    let mut image = scene.before.clone();
    for nth in 0..2 {
        let sim = Sim::new(&image, Plan::Nothing);
        let mut consumer = Consumer::of(&sim);
        consumer.refuses = 1;
        let refused = scene.sync_into(&sim, &mut consumer).unwrap_err();
        assert_eq!(refused.exit_code(), 6);
        assert!(consumer.taken.is_empty());
        image = sim.image();
        let newest = scene.api.table().newest().unwrap();
        for row in 0..6 {
            let id = format!("more-{nth}-{row}");
            scene.api.table().insert(&id, newest + 1_000_000);
        }
    }
    scene.expect_versions();
    (scene, image)
}

/// Syncs to the end, and looks at what came.
fn ends_well(scene: &Scene, image: &Image, before: &Consumer) -> std::result::Result<(), String> {
    let sim = Sim::new(image, Plan::Nothing);
    let mut consumer = before.over(&sim);
    let receipt = scene.sync_into(&sim, &mut consumer);
    let receipt = receipt.map_err(|error| format!("refused: {error}"))?;
    if receipt.waiting != Some(0) {
        return Err(format!("{:?} wait", receipt.waiting));
    }
    judge(&consumer, &sim.image())?;
    if !consumer.moves {
        scene.verify(&sim.image())?;
    }
    let before = consumer.taken.len();
    let sim = Sim::over(sim.world(), Plan::Nothing);
    let mut consumer = consumer.over(&sim);
    let receipt = scene.sync_into(&sim, &mut consumer);
    receipt.map_err(|error| format!("refused: {error}"))?;
    match consumer.taken.len() {
        after if after == before => Ok(()),
        _ => Err("came again without need".to_owned()),
    }
}

const LATER: Plot = PLOTS[2];

#[test]
fn files_come_in_order_and_each_once() {
    for plot in [PLAIN, PLOTS[1], LATER, GROWS] {
        let (scene, image) = waiting(plot);
        let sim = Sim::new(&image, Plan::Nothing);
        let mut consumer = Consumer::of(&sim);
        let receipt = scene.sync_into(&sim, &mut consumer).unwrap();
        judge(&consumer, &sim.image()).unwrap();
        assert_eq!(receipt.loaded, Some(finished(&sim.image()).len() as u64));
        assert_eq!(consumer.taken.len(), finished(&sim.image()).len());
        ends_well(&scene, &sim.image(), &consumer).unwrap();
    }
}

#[test]
fn a_kill_at_any_operation_hands_each_file_over_at_least_once() {
    for (plot, moves) in [(GROWS, false), (LATER, false), (PLAIN, true)] {
        let (scene, image) = waiting(plot);
        for at in 0.. {
            let sim = Sim::new(&image, Plan::Kill { at, torn: true });
            let mut consumer = Consumer::of(&sim);
            consumer.moves = moves;
            let result = scene.sync_into(&sim, &mut consumer);
            if !sim.struck() {
                assert!(at > 80, "only {at} operations");
                break;
            }
            assert!(result.is_err());
            if let Err(why) = ends_well(&scene, &sim.image(), &consumer) {
                panic!(
                    "{}: killed after {:?}, number {at}: {why}",
                    plot.name,
                    sim.log().pop()
                );
            }
        }
    }
}

#[test]
fn an_error_at_any_operation_ends_the_run_and_the_file_comes_again() {
    for (plot, errno) in [(PLOTS[1], 5), (PLAIN, 28)] {
        let (scene, image) = waiting(plot);
        for at in 0.. {
            let sim = Sim::new(&image, Plan::Fail { at, errno });
            let mut consumer = Consumer::of(&sim);
            let result = scene.sync_into(&sim, &mut consumer);
            if !sim.struck() {
                break;
            }
            let log = sim.log();
            let bad = log.iter().position(|op| op.failed).unwrap();
            let place = format!("{:?}, number {bad}, error {errno}", log[bad]);
            assert_eq!(result.unwrap_err().exit_code(), 6, "{place}");
            if log[bad].ends(".tmp") && log[bad].kind != Kind::Remove {
                // A state that cannot be written is noticed before a consumer
                // runs, so that none is run for nothing.
                let done = done(&scene, &sim.image());
                let last = consumer.taken.last();
                assert_eq!(last.map_or("", |taken| stamp(&taken.name)), done, "{place}");
            }
            if let Err(why) = ends_well(&scene, &sim.image(), &consumer) {
                panic!("{place}: {why}");
            }
        }
    }
}

/// The stamp in a file's name.
fn stamp(name: &str) -> &str {
    &name["user-".len()..][..16]
}

/// The stamp of the last file that the state counts as handed over.
fn done(scene: &Scene, image: &Image) -> String {
    let state = image[&scene.state()].as_ref().unwrap();
    let state: serde_json::Value = serde_json::from_slice(state).unwrap();
    let done = &state["files"]["load"]["done"];
    done.as_str().unwrap_or_default().to_owned()
}

/// What is wrong after a cut of power at any operation, if something is.
fn after_cuts(plot: Plot, plan: Plan, moves: bool) -> std::result::Result<(), String> {
    let (scene, image) = waiting(plot);
    let sim = Sim::new(&image, plan);
    let mut consumer = Consumer::of(&sim);
    consumer.moves = moves;
    scene.sync_into(&sim, &mut consumer).unwrap();
    let mut known = BTreeSet::new();
    for (at, world) in sim.shots().iter().enumerate() {
        let mut then = consumer.clone();
        then.taken.retain(|taken| taken.at <= at);
        for image in world.cuts() {
            if !known.insert((timeless(&image), then.taken.len())) {
                continue;
            }
            ends_well(&scene, &image, &then).map_err(|why| format!("cut at {at}: {why}"))?;
        }
    }
    assert!(known.len() > 60, "only {} ways to cut", known.len());
    Ok(())
}

#[test]
fn a_power_cut_at_any_operation_hands_each_file_over_at_least_once() {
    after_cuts(PLOTS[1], Plan::Nothing, false).unwrap();
    after_cuts(PLAIN, Plan::Nothing, false).unwrap();
}

#[test]
fn a_power_cut_is_no_reason_to_miss_a_file_that_its_consumer_moved() {
    after_cuts(PLAIN, Plan::Nothing, true).unwrap();
}

#[test]
fn the_state_s_syncs_between_files_cannot_be_left_out() {
    // They are those of the state's folder that a new state alone came before.
    fn between(log: &[Op], op: &Op) -> bool {
        let state = log.last().is_some_and(|op| op.ends("state.json"));
        let begun = log
            .iter()
            .any(|op| op.kind == Kind::Rename && op.ends("ndjson"));
        op.kind == Kind::SyncFolder && state && begun
    }
    let out_of_order = after_cuts(PLAIN, Plan::Skip(between), false).unwrap_err();
    assert!(out_of_order.contains("out of order"), "{out_of_order}");
    let missed = after_cuts(PLAIN, Plan::Skip(between), true).unwrap_err();
    assert!(missed.contains("is gone"), "{missed}");
}

#[test]
fn files_from_before_there_was_a_hand_over_are_handed_over_too() {
    for plot in [PLAIN, PLOTS[1]] {
        let scene = Scene::set(plot);
        let sim = Sim::new(&scene.before, Plan::Nothing);
        scene.sync(&sim).unwrap();
        let sim = Sim::over(sim.world(), Plan::Nothing);
        let mut consumer = Consumer::of(&sim);
        let receipt = scene.sync_into(&sim, &mut consumer).unwrap();
        assert_eq!(
            (receipt.rows, receipt.loaded, receipt.waiting),
            (0, Some(1), Some(0))
        );
        judge(&consumer, &sim.image()).unwrap();
        ends_well(&scene, &sim.image(), &consumer).unwrap();
    }
}

#[test]
fn a_file_that_a_sync_without_a_consumer_wrote_is_handed_over_by_the_next_with_one() {
    let (scene, image) = waiting(PLAIN);
    let sim = Sim::new(&image, Plan::Nothing);
    scene.sync(&sim).unwrap();
    let sim = Sim::over(sim.world(), Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    scene.sync_into(&sim, &mut consumer).unwrap();
    assert_eq!(consumer.taken.len(), 3);
    judge(&consumer, &sim.image()).unwrap();
}

/// The path of the nth file that waits.
fn nth(image: &Image, nth: usize) -> std::path::PathBuf {
    Path::new(OUT).join(&finished(image)[nth].0)
}

#[test]
fn a_file_that_is_gone_before_its_turn_is_named_and_nothing_after_it_is_handed_over() {
    let (mut scene, mut image) = waiting(PLAIN);
    let second = nth(&image, 1);
    let content = image.remove(&second).unwrap();
    let sim = Sim::new(&image, Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    let error = scene.sync_into(&sim, &mut consumer).unwrap_err();
    let said = format!("{} is gone, and was never handed over", second.display());
    assert_eq!((error.exit_code(), error.to_string()), (6, said));
    assert_eq!(consumer.taken.len(), 1);
    let mut again = sim.image();
    again.insert(second, content);
    ends_well(&scene, &again, &consumer).unwrap();
    // Or all rows come again.
    scene.options().full_refresh = true;
    let sim = Sim::new(&sim.image(), Plan::Nothing);
    let mut consumer = consumer.over(&sim);
    let receipt = scene.sync_into(&sim, &mut consumer).unwrap();
    assert_eq!((receipt.loaded, receipt.waiting), (Some(2), Some(0)));
    assert_eq!(receipt.rows as usize, scene.api.table().len());
}

#[test]
fn a_file_that_is_gone_after_its_consumer_was_started_counts_as_taken() {
    let (scene, mut image) = waiting(PLAIN);
    let first = nth(&image, 0);
    image.remove(&first);
    let sim = Sim::new(&image, Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    let receipt = scene.sync_into(&sim, &mut consumer).unwrap();
    assert_eq!((receipt.loaded, receipt.waiting), (Some(2), Some(0)));
}

#[test]
fn a_file_that_is_not_as_it_was_is_not_handed_over() {
    let (scene, image) = waiting(PLAIN);
    let first = nth(&image, 0);
    let whole = image[&first].clone().unwrap();
    let shorter = whole[..whole.len() - 9].to_vec();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() = b' ';
    for (content, says) in [
        (Some(shorter), "bytes, and"),
        (Some([&whole[..], b"{}\n"].concat()), "bytes, and"),
        (Some(changed), "was changed since it was finished"),
        (None, "is a folder"),
    ] {
        let mut image = image.clone();
        image.insert(first.clone(), content);
        let sim = Sim::new(&image, Plan::Nothing);
        let mut consumer = Consumer::of(&sim);
        let error = scene.sync_into(&sim, &mut consumer).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains(&*first.to_string_lossy()));
        assert!(consumer.taken.is_empty());
        // Its own rows are safe all the same.
        assert_eq!(
            finished(&sim.image()).len(),
            3 - usize::from(says == "is a folder")
        );
    }
}

#[test]
fn a_state_that_lists_what_is_no_finished_file_is_refused() {
    let (scene, image) = waiting(PLAIN);
    let text = image[&scene.state()].clone().unwrap();
    let first = finished(&image)[0].0.clone();
    let name = |name: &str| (first.clone(), name.to_owned());
    let rejected = first.replace(".ndjson", ".rejected.ndjson");
    for ((from, to), says) in [
        (name(&format!("{first}.part")), "no file of this table"),
        (name(&rejected), "no file of this table"),
        (name("state.json"), "no file of this table"),
        (
            name("user-20241399T999999Z.ndjson"),
            "no file of this table",
        ),
        (name("../user-20240101T000000Z.ndjson"), "no file's name"),
        (
            ("\"last\":\"".to_owned(), "\"last\":\"x".to_owned()),
            "no file's stamp",
        ),
        (
            ("\"seq\":0".to_owned(), format!("\"seq\":{}", u64::MAX)),
            "no sequence number",
        ),
        (
            ("\"rows\":".to_owned(), "\"rows\":-".to_owned()),
            "the state is damaged",
        ),
    ] {
        let changed = String::from_utf8(text.clone()).unwrap();
        let changed = changed.replacen(&from, &to, 1);
        assert_ne!(changed.as_bytes(), text, "{from}");
        let mut image = image.clone();
        image.insert(scene.state(), Some(changed.into_bytes()));
        let sim = Sim::new(&image, Plan::Nothing);
        let mut consumer = Consumer::of(&sim);
        let error = scene.sync_into(&sim, &mut consumer).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        assert!(error.to_string().contains(says), "{to}: {error}");
        // What is there is handed over up to it, and nothing else.
        let names: Vec<String> = finished(&image).into_iter().map(|file| file.0).collect();
        let taken = consumer.taken.iter().map(|taken| &taken.name);
        assert!(taken.clone().all(|name| names.contains(name)), "{to}");
        assert!(taken.count() < 2, "{to}");
    }
}

#[test]
fn more_files_than_the_state_lists_are_handed_over_in_order() {
    let scene = Scene::set(PLAIN);
    let sim = Sim::new(&scene.before, Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    consumer.refuses = 1;
    scene.sync_into(&sim, &mut consumer).unwrap_err();
    let mut image = sim.image();
    let state = image.get_mut(&scene.state()).unwrap().as_mut().unwrap();
    let text = String::from_utf8(state.clone()).unwrap();
    // As if the list had been full, and one more file had come after that.
    let from = text.find("{\"file\":").unwrap();
    let to = from + text[from..].find('}').unwrap() + 1;
    *state = format!("{}{}", &text[..from], &text[to..]).into_bytes();
    let sim = Sim::new(&image, Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    scene.sync_into(&sim, &mut consumer).unwrap();
    judge(&consumer, &sim.image()).unwrap();
}

#[test]
fn a_file_that_stands_for_others_is_known_and_not_handed_over() {
    let (scene, image) = waiting(PLAIN);
    let sim = Sim::new(&image, Plan::Nothing);
    // One that no list has waits as well.
    scene.sync(&sim).unwrap();
    let mut image = sim.image();
    let text = image[&scene.state()].clone().unwrap();
    let mut state = Checkpoint::parse(&text).unwrap();
    let load = state.files.load.as_mut().unwrap();
    load.waiting.truncate(1);
    let store = Store::new(
        Arc::new(sim.clone()),
        Some(scene.state()),
        Some(OUT.into()),
        "user",
    );
    let wait = load::waiting(&store, &state.files, "user")
        .unwrap()
        .unwrap();
    let names: Vec<String> = finished(&image).into_iter().map(|file| file.0).collect();
    assert_eq!((wait.len(), &wait), (3, &names));
    load::adopt(&store, &mut state.files, "user", "20990101T000000Z").unwrap();
    let origin = state.origin.as_ref().unwrap();
    let text = Checkpoint::render(&state.progress, &state.files, None, origin);
    image.insert(scene.state(), Some(text));
    let adopted = Path::new(OUT).join("user-20990101T000000Z.ndjson");
    image.insert(adopted.clone(), Some(b"{}\n".to_vec()));
    let sim = Sim::new(&image, Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    let receipt = scene.sync_into(&sim, &mut consumer).unwrap();
    assert_eq!((receipt.loaded, receipt.waiting), (Some(3), Some(0)));
    let taken: Vec<String> = consumer.taken.into_iter().map(|taken| taken.name).collect();
    assert_eq!(taken, names);
    assert_eq!(done(&scene, &sim.image()), "20990101T000000Z");
    // The next one is later, and handed over.
    let newest = scene.api.table().newest().unwrap();
    scene.api.table().insert("later", newest + 1_000_000);
    let sim = Sim::over(sim.world(), Plan::Nothing);
    let mut consumer = Consumer::of(&sim);
    scene.sync_into(&sim, &mut consumer).unwrap();
    assert_eq!(consumer.taken[0].name, "user-20990101T000001Z.ndjson");
}

#[test]
fn a_state_that_is_older_than_the_files_is_refused_and_changes_nothing() {
    let mut scene = Scene::set(PLAIN);
    let sim = Sim::new(&scene.before, Plan::Nothing);
    scene.sync(&sim).unwrap();
    let old = sim.image()[&scene.state()].clone();
    let newest = scene.api.table().newest().unwrap();
    scene.api.table().insert("later", newest + 1_000_000);
    let sim = Sim::over(sim.world(), Plan::Nothing);
    scene.sync(&sim).unwrap();
    let mut image = sim.image();
    image.insert(scene.state(), old);
    let sim = Sim::new(&image, Plan::Nothing);
    let error = scene.sync(&sim).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    let said = error.to_string();
    let last = finished(&image).pop().unwrap().0;
    assert!(
        said.contains("older than the files") && said.contains(&last),
        "{said}"
    );
    assert_eq!(sim.image(), image);
    scene.options().full_refresh = true;
    let sim = Sim::new(&image, Plan::Nothing);
    scene.sync(&sim).unwrap();
    assert!(finished(&sim.image()).pop().unwrap().0 > last);
}
