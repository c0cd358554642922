//! Someone or something has been at the files between two runs. Each time the
//! next run either recovers or refuses and leaves them as they are.

use std::fs;
use std::path::{Path, PathBuf};

use highwater::checkpoint::Checkpoint;
use highwater::cli::Out;
use serde_json::{Value, json};

use crate::scene::{OUT, PLAIN, PLOTS, Plot, Scene};
use crate::sim::{Image, Kind, Plan, Sim};
use crate::support::api::Api;
use crate::support::table::Table;
use crate::support::{self, Scratch, highwater, run};

/// What it says, and how the state comes to be so.
type Case<'a> = (&'a str, &'a dyn Fn(&mut Value));

fn out(name: &str) -> PathBuf {
    Path::new(OUT).join(name)
}

/// The file under way, and what the state vouches for of it.
fn part(image: &Image) -> (PathBuf, usize) {
    let state = json_of(image, &out("state.json"));
    let name = format!("{}.part", state["part"]["file"].as_str().unwrap());
    (
        out(&name),
        state["part"]["bytes"].as_u64().unwrap() as usize,
    )
}

fn json_of(image: &Image, path: &Path) -> Value {
    serde_json::from_slice(image[path].as_ref().unwrap()).unwrap()
}

fn without_locks(mut image: Image) -> Image {
    image.retain(|path, _| !path.to_string_lossy().ends_with(".lock"));
    image
}

/// The run ends with exit 6, says this, says what to try, and changes nothing.
#[track_caller]
fn refused(scene: &Scene, image: &Image, says: &str) {
    let sim = Sim::new(image, Plan::Nothing);
    let error = scene.sync(&sim).map(|_| ()).unwrap_err();
    assert_eq!(error.exit_code(), 6, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    assert!(!error.hint_text().is_empty(), "{error}");
    assert_eq!(
        without_locks(sim.image()),
        without_locks(image.clone()),
        "{error}"
    );
}

/// A run with --full-refresh delivers every row anew; of what was there no byte
/// is gone but what no state vouched for.
#[track_caller]
fn starts_over(scene: &mut Scene, image: &Image) {
    scene.options().full_refresh = true;
    let sim = Sim::new(image, Plan::Nothing);
    let receipt = scene.sync(&sim);
    scene.options().full_refresh = false;
    let receipt = receipt.unwrap();
    let after = sim.image();
    let file = receipt.file.unwrap();
    let only: Image = after
        .iter()
        .filter(|(path, _)| {
            !path.starts_with(OUT) || **path == scene.state() || path.ends_with(&file)
        })
        .map(|(path, content)| (path.clone(), content.clone()))
        .collect();
    scene.verify(&only).unwrap();
    let committed = Checkpoint::parse(
        image
            .get(&scene.state())
            .and_then(Option::as_deref)
            .unwrap_or_default(),
    );
    for (path, content) in image {
        let name = path.to_string_lossy();
        let Some(content) = content.as_ref().filter(|_| name.contains("/user-")) else {
            continue;
        };
        let known = committed.as_ref().ok().and_then(|state| state.part.clone());
        let known = known.filter(|part| name.ends_with(&format!("{}.part", part.file)));
        let length = known.map_or(content.len(), |part| content.len().min(part.bytes as usize));
        let kept = after.iter().any(|(other, after)| {
            let after = after.as_deref().unwrap_or_default();
            other.to_string_lossy().contains("/user-")
                && after.starts_with(&content[..length])
                && **other != *file
        });
        assert!(kept || length == 0, "{name} is gone: {:?}", after.keys());
    }
    // And the run after it finds everything in order.
    let sim = Sim::new(&after, Plan::Nothing);
    assert_eq!(scene.sync(&sim).unwrap().rows, 0);
}

#[test]
fn a_damaged_state_is_refused_and_full_refresh_starts_over() {
    let mut scene = Scene::set(PLAIN);
    let whole = scene.under_way();
    let state = scene.state();
    let text = whole[&state].clone().unwrap();
    let with = |text: &[u8]| {
        let mut image = whole.clone();
        image.insert(state.clone(), Some(text.to_vec()));
        image
    };
    for at in 0..text.len() - 1 {
        refused(
            &scene,
            &with(&text[..at]),
            "state.json: the state is damaged",
        );
        let mut nuls = text.clone();
        nuls[at..].fill(0);
        refused(&scene, &with(&nuls), "state.json: the state is damaged");
    }
    // The line's end alone may go.
    scene.recover(&with(&text[..text.len() - 1])).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::from_slice(&text).unwrap();
        change(&mut value);
        with(value.to_string().as_bytes())
    };
    let cases: [Case<'_>; 7] = [
        ("version 3, newer", &|state| state["version"] = json!(3)),
        ("another primary key: uuid", &|state| {
            state["source"]["primary_key"] = json!(["uuid"])
        }),
        ("another cursor: changed", &|state| {
            state["source"]["cursor"] = json!("changed")
        }),
        ("another table: orders", &|state| {
            state["source"]["table"] = json!("orders")
        }),
        ("no version of a row", &|state| {
            state["seen"] = json!({"1": "many"})
        }),
        ("no file's name", &|state| {
            state["part"]["file"] = json!("../elsewhere")
        }),
        ("no timestamp of this API", &|state| {
            state["last_updated_at"] = json!("yesterday")
        }),
    ];
    for (says, change) in cases {
        let image = changed(change);
        if says.contains("timestamp") {
            let sim = Sim::new(&image, Plan::Nothing);
            let error = scene.sync(&sim).unwrap_err();
            assert_eq!(
                (error.exit_code(), error.to_string().contains(says)),
                (6, true),
                "{error}"
            );
        } else {
            refused(&scene, &image, says);
        }
        starts_over(&mut scene, &image);
    }
    for text in [
        &b""[..],
        &text[..40],
        &[0; 64],
        b"[]",
        b"null",
        b"{}",
        b"\xef\xbb\xbf{}",
        // In a member that is none of ours, which is only skipped.
        b"{\"last_updated_at\":\"2024-01-15T10:30:00Z\",\"more\":\"\xff\"}",
    ] {
        refused(&scene, &with(text), "damaged");
        starts_over(&mut scene, &with(text));
    }
}

#[test]
fn a_state_that_is_a_folder_is_refused_even_with_full_refresh() {
    let mut scene = Scene::set(PLAIN);
    let mut image = scene.under_way();
    image.insert(scene.state(), None);
    refused(&scene, &image, "is a folder");
    scene.options().full_refresh = true;
    refused(&scene, &image, "is a folder");
}

#[test]
fn a_state_from_the_reference_is_taken_up() {
    let scene = Scene::set(PLAIN);
    let folders = ["/data", OUT].map(|path| (path.into(), None));
    let mut image = Image::from(folders);
    for blank in ["", " ", "\n"] {
        let text = format!("{blank}{{\"last_updated_at\": \"2024-01-15T10:30:06Z\"}}");
        image.insert(scene.state(), Some(text.into_bytes()));
        let sim = Sim::new(&image, Plan::Nothing);
        // The rows of the mark itself may not have been delivered.
        assert_eq!(scene.sync(&sim).unwrap().rows, 2);
    }
}

#[test]
fn a_longer_part_is_cut_and_a_shorter_one_is_refused() {
    let mut scene = Scene::set(PLAIN);
    let whole = scene.under_way();
    let (path, bytes) = part(&whole);
    let content = whole[&path].clone().unwrap();
    let with = |content: &[u8]| {
        let mut image = whole.clone();
        image.insert(path.clone(), Some(content.to_vec()));
        image
    };
    for more in [&b""[..], b"{", &[0; 5000], &content] {
        scene
            .recover(&with(&[&content[..bytes], more].concat()))
            .unwrap();
    }
    for length in [0, 1, bytes / 2, bytes - 1] {
        let image = with(&content[..length]);
        refused(
            &scene,
            &image,
            &format!("holds {length} bytes, the state vouches for {bytes}"),
        );
        starts_over(&mut scene, &image);
    }
}

#[test]
fn another_file_of_the_same_length_is_refused() {
    let mut scene = Scene::set(PLAIN);
    let mut image = scene.under_way();
    let (path, bytes) = part(&image);
    for change in [bytes - 1, bytes.saturating_sub(1000)] {
        let mut content = image[&path].clone().unwrap();
        content[change] ^= 1;
        let mut image = image.clone();
        image.insert(path.clone(), Some(content));
        refused(&scene, &image, "is not the file that the state vouches for");
        starts_over(&mut scene, &image);
    }
    image.insert(path, None);
    refused(&scene, &image, "is a folder, no plain file");
}

#[test]
fn a_part_that_is_gone_is_refused_unless_it_has_its_final_name_already() {
    let mut scene = Scene::set(PLAIN);
    let mut image = scene.under_way();
    let (path, bytes) = part(&image);
    let content = image.remove(&path).unwrap().unwrap();
    refused(&scene, &image, "is gone");
    starts_over(&mut scene, &image);
    let finished = path.with_extension("");
    image.insert(finished.clone(), Some(content[..bytes].to_vec()));
    scene.recover(&image).unwrap();
    starts_over(&mut scene, &image);
    image.insert(path, Some(content[..bytes].to_vec()));
    refused(&scene, &image, "both");
    starts_over(&mut scene, &image);
    let (path, _) = part(&image);
    image.remove(&path);
    image.insert(finished, Some(content));
    refused(&scene, &image, "is not the file");
}

#[test]
fn a_part_without_its_state_is_refused_and_full_refresh_sets_it_aside() {
    let mut scene = Scene::set(PLAIN);
    let mut image = scene.under_way();
    let (path, _) = part(&image);
    let state = image.remove(&scene.state()).unwrap();
    refused(&scene, &image, "belongs to no known sync");
    starts_over(&mut scene, &image);
    // A name that is taken is not written over.
    let aside = path.with_extension("abandoned");
    image.insert(aside.clone(), Some(b"older".to_vec()));
    image.insert(path.with_extension("abandoned-2"), None);
    starts_over(&mut scene, &image);
    image.insert(scene.state(), state);
    image.insert(out("user-20200101T000000Z.csv.part"), Some(b"a".to_vec()));
    refused(
        &scene,
        &image,
        "user-20200101T000000Z.csv.part belongs to no known sync",
    );
    starts_over(&mut scene, &image);
}

#[test]
fn full_refresh_replaces_the_state_even_where_there_is_no_row() {
    let mut scene = Scene::set(PLAIN);
    let image = scene.under_way();
    scene.api.set_fault(|_, _| {
        let empty = json!({"data": [], "offset": 0, "limit": 4, "total": 0});
        Some(support::reply::Reply::json(empty))
    });
    scene.options().full_refresh = true;
    for text in [image[&scene.state()].clone().unwrap(), b"{".to_vec()] {
        let mut image = image.clone();
        image.insert(scene.state(), Some(text));
        let sim = Sim::new(&image, Plan::Nothing);
        let receipt = scene.sync(&sim).unwrap();
        assert_eq!((receipt.rows, receipt.file), (0, None));
        let state = json_of(&sim.image(), &scene.state());
        assert_eq!(
            (&state["last_updated_at"], &state["part"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[test]
fn a_first_sync_that_finds_nothing_notes_no_more_than_that_it_was_there() {
    let scene = Scene::set(PLAIN);
    scene.api.set_fault(|_, _| {
        let empty = json!({"data": [], "offset": 0, "limit": 4, "total": 0});
        Some(support::reply::Reply::json(empty))
    });
    let sim = Sim::new(&Image::new(), Plan::Nothing);
    scene.sync(&sim).unwrap();
    let state = json_of(&sim.image(), &scene.state());
    assert_eq!(
        (&state["last_updated_at"], &state["part"], &state["seen"]),
        (&Value::Null, &Value::Null, &json!({}))
    );
    assert!(state["checked_at"].is_string());
}

#[test]
fn a_new_state_that_was_never_renamed_is_removed() {
    let scene = Scene::set(Plot {
        name: "tmp",
        ..PLOTS[4]
    });
    let sim = Sim::new(&scene.before, Plan::Nothing);
    scene.sync(&sim).unwrap();
    let mut image = sim.image();
    image.insert(out("state.json.tmp"), Some(b"{\"ver".to_vec()));
    scene.recover(&image).unwrap();
    image.insert(out("state.json.tmp"), None);
    refused(&scene, &image, "state.json.tmp is a folder");
}

#[test]
fn a_state_with_a_file_under_way_is_not_written_over_by_a_sync_to_stdout() {
    let mut scene = Scene::set(PLAIN);
    let image = scene.under_way();
    scene.options().state = highwater::cli::StateAt::File(scene.state());
    scene.options().out = Out::Stdout;
    refused(&scene, &image, "did not end");
}

#[test]
fn a_file_or_a_lock_in_the_wrong_place_is_refused() {
    let scene = Scene::set(PLAIN);
    let mut image = Image::from([("/data".into(), None)]);
    image.insert(OUT.into(), Some(b"rows".to_vec()));
    refused(&scene, &image, "/data/out is a file, not a folder");
    image.insert(OUT.into(), None);
    image.insert(out(".lock"), None);
    refused(&scene, &image, "/data/out/.lock is a folder");
}

#[test]
fn the_state_s_folder_is_made_anew_and_its_rows_come_again() {
    let mut scene = Scene::set(PLOTS[1]);
    let sim = Sim::new(&scene.before, Plan::Nothing);
    scene.sync(&sim).unwrap();
    let mut image = sim.image();
    image.retain(|path, _| !path.starts_with("/var"));
    starts_over(&mut scene, &image);
}

#[test]
fn a_name_from_the_future_is_followed_by_a_later_one_at_once() {
    let scene = Scene::set(PLAIN);
    let folders = ["/data", OUT].map(|path| (path.into(), None));
    let mut image = Image::from(folders);
    image.insert(out("user-91991231T235959Z.ndjson"), Some(b"x\n".to_vec()));
    image.insert(out("user-99999999T999999Z.ndjson"), Some(b"x\n".to_vec()));
    let sim = Sim::new(&image, Plan::Nothing);
    let receipt = scene.sync(&sim).unwrap();
    assert_eq!(
        receipt.file.unwrap(),
        "/data/out/user-92000101T000000Z.ndjson"
    );
}

#[test]
fn a_run_that_the_disk_ended_tells_what_is_committed() {
    let scene = Scene::set(PLAIN);
    let sim = Sim::new(&scene.before, Plan::Nothing);
    scene.sync(&sim).unwrap();
    let syncs = sim
        .log()
        .iter()
        .enumerate()
        .filter(|(_, op)| op.kind == Kind::SyncData)
        .map(|(at, _)| at)
        .collect::<Vec<_>>();
    let sim = Sim::new(
        &scene.before,
        Plan::Fail {
            at: syncs[2],
            errno: 5,
        },
    );
    let (receipt, _) =
        highwater::session::run(&scene.options_of(), std::sync::Arc::new(sim.clone()));
    let receipt = receipt.unwrap();
    let state = json_of(&sim.image(), &scene.state());
    assert_eq!(json!(receipt.last_updated_at), state["last_updated_at"]);
    assert_eq!(json!(receipt.rows), state["part"]["rows"]);
    assert_eq!((receipt.complete, receipt.file), (false, None));
}

#[cfg(unix)]
#[test]
fn links_in_the_place_of_state_or_rows_are_refused_and_what_they_name_is_untouched() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    let api = Api::start(Table::users(5, 1));
    let precious = scratch.write("precious", "mine");
    fs::create_dir(scratch.join("out")).unwrap();
    let sync = || {
        let url = api.url();
        run(highwater(scratch.path()).args(["sync", "--url", &url]))
    };
    for name in [
        "state.json",
        "state.json.tmp",
        ".lock",
        "user-20240101T000000Z.ndjson.part",
    ] {
        let link = scratch.join("out").join(name);
        let _ = fs::remove_file(&link);
        symlink(&precious, &link).unwrap();
        let said = sync().expect(6).stderr;
        assert!(said.contains(name), "{said}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(link).unwrap();
    }
    // The folder itself may be elsewhere.
    fs::rename(scratch.join("out"), scratch.join("elsewhere")).unwrap();
    symlink(scratch.join("elsewhere"), scratch.join("out")).unwrap();
    sync().expect(0);
    assert_eq!(support::all_rows(&scratch.join("elsewhere")).len(), 5);
}

#[test]
fn status_counts_files_but_not_those_set_aside() {
    let scratch = Scratch::new();
    let api = Api::start(Table::users(5, 1));
    run(highwater(scratch.path()).args(["sync", "--url", &api.url()])).expect(0);
    let out = scratch.join("out");
    fs::write(out.join("user-20240101T000000Z.rejected.ndjson"), "{}\n").unwrap();
    fs::write(out.join("user-20240101T000000Z.ndjson.abandoned"), "{}\n").unwrap();
    let said = run(highwater(scratch.path()).arg("status"))
        .expect(0)
        .stdout;
    assert!(said.contains("rows            5 in all"), "{said}");
    assert!(said.contains(" bytes in 1 files"), "{said}");
}
