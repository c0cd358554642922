//! A compaction that is broken off at each operation on the disk, by a kill, a
//! fault or a power cut: whoever lists the folder finds the same table, always.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use highwater::cli::Options;
use highwater::compact::{self, Receipt};
use highwater::disk::Disk;
use highwater::error::Result;
use highwater::table;

use crate::scene::{OUT, PLAIN, Plot, Scene, timeless};
use crate::sim::{Image, Kind, Op, Plan, Sim, World};
use crate::support::versions::{Plain, latest, versions};

/// A folder of files, before it is compacted.
#[derive(Clone, Copy)]
struct Folder {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// A file that may not go.
    keep: &'static str,
    /// How many finished files there are in the end.
    left: usize,
}

const A: &str = "user-20260101T000000Z.ndjson";
const B: &str = "user-20260101T000001Z.ndjson";
const C: &str = "user-20260301T000000Z.ndjson";

const CHANGED: Folder = Folder {
    name: "changed",
    files: &[
        (
            A,
            "{\"id\":\"1\",\"n\":1}\n{\"id\":\"2\",\"n\":1}\n{\"id\":1,\"n\":9007199254740993}\n",
        ),
        (B, "{\"id\":\"2\",\"n\":2}\n"),
        (
            C,
            "{\"id\":\"1\",\"n\":3}\n{\"id\":\"3\",\"n\":1}\n{\"id\":\"3\",\"n\":2}\n",
        ),
    ],
    keep: "",
    left: 1,
};

const GONE: Folder = Folder {
    name: "gone, numbered out of order",
    files: &[
        (
            A,
            "{\"id\":1,\"_seq\":1}\n{\"id\":2,\"_seq\":9,\"n\":\"late\"}\n{\"id\":3,\"_seq\":3}\n{\"id\":4,\"_seq\":4}\n",
        ),
        (
            B,
            "{\"id\":1,\"_deleted\":true}\n{\"id\":2,\"_seq\":6}\n{\"id\":3,\"_seq\":10,\"_deleted\":true}\n{\"id\":5}\n",
        ),
        (
            C,
            "{\"id\":3,\"_seq\":8}\n{\"id\":4,\"_seq\":11,\"_deleted\":true}\n{\"id\":4,\"_seq\":12}\n{\"id\":1,\"_seq\":2}\n",
        ),
    ],
    keep: "",
    left: 1,
};

const FOLDERS: [Folder; 5] = [
    CHANGED,
    GONE,
    Folder {
        name: "csv, then ndjson",
        files: &[
            (
                "user-20260101T000000Z.csv",
                "id,a,_deleted\n1,x,\n2,\"y\n\"\"z\"\"\",false\n4,w,\n",
            ),
            ("user-20260102T000000Z.csv", "id,b\n2,v\n3,u\n"),
            (
                C,
                "{\"id\":\"3\",\"a\":null,\"b\":[1, 2]}\n{\"id\":\"4\",\"_deleted\":true}\n",
            ),
        ],
        keep: "",
        left: 1,
    },
    Folder {
        name: "one has to stay",
        files: &[
            (
                A,
                "{\"id\":\"1\",\"n\":1}\n{\"id\":\"2\",\"n\":1}\n{\"id\":\"3\",\"n\":1}\n",
            ),
            (
                B,
                "{\"id\":\"1\",\"n\":2}\n{\"id\":\"3\",\"_deleted\":true}\n",
            ),
            (
                C,
                "{\"id\":\"3\",\"n\":2}\n{\"id\":\"2\",\"n\":3}\n{\"id\":\"3\",\"_deleted\":true}\n",
            ),
        ],
        keep: C,
        left: 3,
    },
    Folder {
        name: "nothing is left",
        files: &[
            (A, "{\"id\":\"1\",\"n\":1}\n{\"id\":\"2\",\"n\":1}\n"),
            (B, "{\"id\":\"2\",\"_deleted\":true}\n"),
            (C, "{\"id\":\"1\",\"_deleted\":true}\n"),
        ],
        keep: "",
        left: 0,
    },
];

const STATE: &str = r#"{"version":1,"last_updated_at":null,"seen":{},"part":null,"source":{"url":"http://api","table":"user","primary_key":["id"],"cursor":"updatedAt"}}"#;

fn options(command: &str) -> Options {
    Options::parse([command, "--out", OUT].map(Into::into)).unwrap()
}

impl Folder {
    fn image(&self) -> Image {
        let mut image = Image::from(["/data", OUT].map(|path| (path.into(), None)));
        image.insert(Path::new(OUT).join("state.json"), Some(STATE.into()));
        for (name, content) in self.files {
            image.insert(Path::new(OUT).join(name), Some((*content).into()));
        }
        image
    }

    fn compact(&self, sim: &Sim) -> Result<Receipt> {
        let disk: Arc<dyn Disk> = Arc::new(sim.clone());
        compact::run(&options("compact"), &disk, &|name| name == self.keep)
    }

    /// Compacts what is there to the end, and looks at what came of it.
    fn complete(&self, image: &Image) -> std::result::Result<(), String> {
        let sim = Sim::new(image, Plan::Nothing);
        let done = self
            .compact(&sim)
            .map_err(|error| format!("refused: {error}"))?;
        let after = sim.image();
        same(&self.image(), &after)?;
        let left = names(&after);
        if left.iter().any(|name| !name.ends_with(".ndjson")) {
            return Err(format!("left over: {left:?}"));
        }
        let whole = left.len() == self.left && left.contains(self.keep) != self.keep.is_empty();
        // What did not have to stay in an earlier try may have to now.
        match whole || !self.keep.is_empty() {
            true => Ok(()),
            false => Err(format!("{done:?} left {left:?}")),
        }
    }
}

/// The names of the table's files.
fn names(image: &Image) -> BTreeSet<String> {
    let names = image.keys().map(|path| path.file_name().unwrap());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("user-")).collect()
}

/// The table that a folder comes to, for a reader that knows nothing of how it is
/// written; keys as their JSON where all is NDJSON.
fn naive(image: &Image) -> BTreeMap<String, Plain> {
    let files: Vec<(&str, &[u8])> = image
        .iter()
        .filter(|(path, _)| path.parent() == Some(Path::new(OUT)))
        .filter_map(|(path, bytes)| Some((path.file_name()?.to_str()?, bytes.as_deref()?)))
        .collect();
    let versions = versions(files.iter().copied());
    // The one folder with both keys differs in the digits of `n` too.
    let key = |_: usize, row: &Plain| {
        let big = row.get("n").is_some_and(|n| n.len() > 4);
        format!("{}{}", row["id"], if big { " as a number" } else { "" })
    };
    let rows = latest(&versions, key);
    rows.into_iter()
        .map(|at| (key(at, &versions[at]), versions[at].clone()))
        .collect()
}

/// What the program prints.
fn printed(image: &Image) -> std::result::Result<Vec<u8>, String> {
    let disk: Arc<dyn Disk> = Arc::new(Sim::new(image, Plan::Nothing));
    let mut out = Vec::new();
    table::print(&options("table"), &disk, &mut out).map_err(|error| error.to_string())?;
    let mut lines: Vec<&[u8]> = out.split(|byte| *byte == b'\n').collect();
    // Rows that come from an old file and from the new one are in another order.
    lines.sort_unstable();
    Ok(lines.concat())
}

fn same(before: &Image, after: &Image) -> std::result::Result<(), String> {
    let (wanted, found) = (naive(before), naive(after));
    if wanted != found {
        return Err(format!("{found:#?}\nis not {wanted:#?}"));
    }
    let (wanted, found) = (printed(before)?, printed(after)?);
    match wanted == found {
        true => Ok(()),
        false => Err(format!("printed {}", String::from_utf8_lossy(&found))),
    }
}

/// What differs from an earlier one in the time of day only is not looked at again.
#[track_caller]
fn check(folder: &Folder, image: &Image, place: &str) {
    static KNOWN: Mutex<BTreeSet<(&str, Image)>> = Mutex::new(BTreeSet::new());
    if !KNOWN.lock().unwrap().insert((folder.name, timeless(image))) {
        return;
    }
    let good = same(&folder.image(), image).and_then(|()| folder.complete(image));
    if let Err(why) = good {
        panic!("{}, {place}: {why}\nin {:?}", folder.name, names(image));
    }
}

#[test]
fn a_compaction_leaves_the_rows_in_one_file_of_a_new_name() {
    for folder in &FOLDERS {
        let sim = Sim::new(&folder.image(), Plan::Nothing);
        let receipt = folder.compact(&sim).unwrap();
        let after = sim.image();
        same(&folder.image(), &after).unwrap();
        let left = names(&after);
        assert_eq!(left.len(), folder.left, "{}: {left:?}", folder.name);
        let new = receipt.file.as_deref().unwrap_or_default();
        assert_eq!(new.is_empty(), folder.left == 0, "{receipt:?}");
        let old: BTreeSet<String> = folder
            .files
            .iter()
            .map(|(name, _)| (*name).into())
            .collect();
        let is_new = |name: &String| !old.contains(name) && name.as_str() > C;
        assert!(
            left.iter().all(|name| is_new(name) || name == folder.keep),
            "{left:?}"
        );
        if folder.left == 1 {
            let bytes = after[&PathBuf::from(new)].as_deref().unwrap();
            assert_eq!(
                versions([(&*left.first().unwrap().clone(), bytes)].into_iter()).len() as u64,
                receipt.rows
            );
        }
        // Again, there is nothing to do.
        if folder.keep.is_empty() {
            let again = Sim::new(&after, Plan::Nothing);
            let receipt = folder.compact(&again).unwrap();
            assert_eq!((receipt.file, receipt.replaced), (None, 0));
            assert_eq!(names(&again.image()), left);
        }
    }
}

#[test]
fn a_reader_finds_the_whole_table_at_every_moment() {
    for folder in &FOLDERS {
        let sim = Sim::new(&folder.image(), Plan::Nothing);
        folder.compact(&sim).unwrap();
        let shots = sim.shots();
        assert!(shots.len() > 8, "only {} moments", shots.len());
        for (at, world) in shots.iter().enumerate() {
            check(folder, &world.image(), &format!("moment {at}"));
        }
    }
}

#[test]
fn a_kill_at_any_operation_costs_nothing() {
    for folder in &FOLDERS {
        for torn in [false, true] {
            for at in 0.. {
                let sim = Sim::new(&folder.image(), Plan::Kill { at, torn });
                let result = folder.compact(&sim);
                if !sim.struck() {
                    assert!(at > 20, "only {at} operations");
                    result.unwrap();
                    break;
                }
                assert_eq!(result.unwrap_err().exit_code(), 6);
                check(folder, &sim.image(), &format!("killed at {at}"));
            }
        }
    }
}

#[test]
fn a_kill_of_the_run_after_a_kill_costs_nothing() {
    for first in 0.. {
        let sim = Sim::new(
            &GONE.image(),
            Plan::Kill {
                at: first,
                torn: true,
            },
        );
        let _ = GONE.compact(&sim);
        if !sim.struck() {
            return;
        }
        let image = sim.image();
        for at in 0.. {
            let sim = Sim::new(&image, Plan::Kill { at, torn: true });
            let _ = GONE.compact(&sim);
            if !sim.struck() {
                break;
            }
            check(&GONE, &sim.image(), &format!("killed at {first} and {at}"));
        }
    }
}

#[test]
fn a_fault_at_any_operation_is_told_and_costs_nothing() {
    for folder in &FOLDERS {
        for errno in [5, 28] {
            for at in 0.. {
                let sim = Sim::new(&folder.image(), Plan::Fail { at, errno });
                let result = folder.compact(&sim);
                if !sim.struck() {
                    break;
                }
                let log = sim.log();
                let bad = log.iter().find(|op| op.failed).unwrap();
                let place = format!("{bad:?}, number {at}");
                let error = result.map(|_| ()).expect_err(&place);
                assert_eq!(error.exit_code(), 6, "{place}: {error}");
                let said = error.to_string();
                assert!(
                    said.contains(&*bad.path.to_string_lossy()),
                    "{place}: {said}"
                );
                assert!(!error.hint_text().is_empty(), "{place}: {said}");
                check(folder, &sim.image(), &place);
            }
        }
    }
}

/// Picks a sync, by what came before it.
type Pick = fn(&[Op], &Op) -> bool;

/// What every cut of these leaves, each once.
fn cuts(shots: &[World]) -> BTreeSet<Image> {
    shots.iter().flat_map(World::cuts).collect()
}

#[test]
fn a_power_cut_at_any_operation_costs_nothing() {
    for folder in &FOLDERS {
        let sim = Sim::new(&folder.image(), Plan::Nothing);
        folder.compact(&sim).unwrap();
        let images = cuts(&sim.shots());
        assert!(images.len() > 12, "only {} ways to cut", images.len());
        for image in &images {
            check(folder, image, "power cut");
        }
    }
}

#[test]
fn no_sync_of_a_compaction_can_be_left_out() {
    fn last(log: &[Op]) -> Option<Op> {
        log.iter().rfind(|op| op.mutates() && !op.syncs()).cloned()
    }
    let kinds: [(&str, Pick); 3] = [
        ("of the rows", |_, op| {
            op.kind == Kind::SyncAll && op.ends(".compact")
        }),
        ("of the final names", |log, op| {
            op.kind == Kind::SyncFolder && last(log).is_some_and(|op| op.kind == Kind::Rename)
        }),
        (
            "of the removals, before what says that rows are gone goes",
            |log, op| {
                op.kind == Kind::SyncFolder
                    && last(log).is_some_and(|op| op.kind == Kind::Remove && op.ends(C))
            },
        ),
    ];
    for (what, skip) in kinds {
        let sim = Sim::new(&GONE.image(), Plan::Skip(skip));
        GONE.compact(&sim).unwrap();
        let costs = |image: &Image| printed(image) != printed(&GONE.image());
        assert!(
            cuts(&sim.shots()).iter().any(costs),
            "the sync {what} seems to be superfluous"
        );
    }
}

#[test]
fn where_a_sync_did_not_end_nothing_is_touched() {
    let scene = Scene::set(Plot { rows: 9, ..PLAIN });
    let (mut refused, mut done) = (0, 0);
    let whole = Sim::new(&scene.before, Plan::Nothing);
    scene.sync(&whole).unwrap();
    for image in scene.kills().into_iter().chain([whole.image()]) {
        let disk = Sim::new(&image, Plan::Nothing);
        let arc: Arc<dyn Disk> = Arc::new(disk.clone());
        match compact::run(&options("compact"), &arc, &|_| false) {
            Ok(_) => done += 1,
            Err(error) => {
                assert_eq!(error.exit_code(), 6);
                assert!(!error.hint_text().is_empty(), "{error}");
                let (before, after) = (names(&image), names(&disk.image()));
                assert_eq!(before, after, "{error}");
                refused += 1;
            }
        }
        scene.recover(&disk.image()).unwrap();
    }
    assert!(refused > 10 && done > 0, "{refused} refused, {done} done");
}
