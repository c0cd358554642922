//! `--load`: finished files to a command of the shell, acknowledged.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::http::Reply;
use crate::support::table::Table;
use crate::support::{self, Outcome, Scratch, all_rows, files, highwater, ndjson, run};
use crate::{state, sync};

#[track_caller]
fn load(dir: &Scratch, api: &Api, command: &str) -> Outcome {
    sync(dir.path(), &api.url(), &["--load", command])
}

fn api(rows: usize) -> (Scratch, Api) {
    (Scratch::new(), Api::start(Table::users(rows, 1)))
}

/// Some more rows, later than all.
fn add(api: &Api, name: &str, count: usize) {
    let newest = api.table().newest().unwrap();
    for row in 0..count {
        api.table().insert(&format!("{name}-{row}"), newest + 1);
    }
}

/// What a consumer appended to the file `came`.
fn came(dir: &Scratch) -> Vec<Value> {
    if dir.join("came").exists() {
        ndjson(dir.join("came"))
    } else {
        Vec::new()
    }
}

fn counts(outcome: &Outcome) -> (Value, Value) {
    let receipt = outcome.receipt();
    (receipt["loaded"].clone(), receipt["waiting"].clone())
}

#[test]
fn each_finished_file_is_handed_over_once_on_stdin_and_by_name() {
    let (dir, api) = api(70);
    let command = "cat >> came; cmp - \"$HIGHWATER_FILE\" < \"$HIGHWATER_FILE\" &&
        echo $HIGHWATER_TABLE $HIGHWATER_FORMAT $HIGHWATER_ROWS $PWD \"$HIGHWATER_FILE\" >> said";
    let outcome = load(&dir, &api, command).expect(0);
    assert_eq!(counts(&outcome), (json!(1), json!(0)));
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
    let here = dir.path().canonicalize().unwrap();
    let file = dir.join(outcome.receipt()["file"].as_str().unwrap());
    let said = fs::read_to_string(dir.join("said")).unwrap();
    assert_eq!(
        said,
        format!("user ndjson 70 {} {}\n", here.display(), file.display())
    );
    let outcome = load(&dir, &api, command).expect(0);
    assert_eq!(counts(&outcome), (json!(0), json!(0)));
    add(&api, "b", 5);
    let outcome = load(&dir, &api, command).expect(0);
    assert_eq!(counts(&outcome), (json!(1), json!(0)));
    assert_eq!(came(&dir).len(), 75);
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
}

#[test]
fn a_consumer_that_fails_gets_the_file_again_also_without_news_and_rows_are_fetched_meanwhile() {
    let (dir, api) = api(60);
    let outcome = load(&dir, &api, "cat > /dev/null; exit 3").expect(6);
    let file = outcome.receipt()["file"].as_str().unwrap().to_owned();
    for part in [
        &*format!("cannot hand over {file}"),
        "`cat > /dev/null; exit 3`",
        "exit status 3",
        "\n  try: ",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(outcome.receipt()["complete"], true);
    assert_eq!(outcome.receipt()["rows"], 60);
    assert_eq!(counts(&outcome), (json!(0), json!(1)));
    add(&api, "b", 5);
    let outcome = load(&dir, &api, "kill -9 $$").expect(6);
    assert!(
        outcome.stderr.contains("signal: 9 (SIGKILL)"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains(&file), "the oldest comes first");
    assert_eq!(outcome.receipt()["rows"], 5);
    assert_eq!(counts(&outcome), (json!(0), json!(2)));
    let outcome = load(&dir, &api, "no-such-program-here").expect(6);
    assert!(
        outcome.stderr.contains("exit status 127"),
        "{}",
        outcome.stderr
    );
    // No news, and both are handed over in order.
    let outcome = load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(counts(&outcome), (json!(2), json!(0)));
    assert_eq!(outcome.receipt()["file"], Value::Null);
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
}

#[test]
fn a_consumer_that_fails_at_the_second_file_has_had_the_first_for_good() {
    let (dir, api) = api(10);
    for nth in 0..2 {
        load(&dir, &api, "false").expect(6);
        add(&api, &nth.to_string(), 1);
    }
    let outcome = load(&dir, &api, "test -s came && exit 1; cat >> came").expect(6);
    assert_eq!(counts(&outcome), (json!(1), json!(2)));
    assert_eq!(came(&dir).len(), 10);
    load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
}

#[test]
fn what_the_command_prints_goes_to_stderr_and_the_receipt_alone_to_stdout() {
    let (dir, api) = api(3);
    let outcome = load(&dir, &api, "echo one; echo two >&2; cat").expect(0);
    assert_eq!(outcome.stdout.lines().count(), 1);
    assert!(outcome.stderr.contains("one\n") && outcome.stderr.contains("two\n"));
    assert_eq!(outcome.stderr.matches("updatedAt").count(), 3);
}

#[test]
fn a_command_need_not_read_its_stdin_and_may_read_part_of_it() {
    for command in ["true", "head -c 10 > /dev/null", "exec <&-; true"] {
        let (dir, api) = api(2000);
        let outcome = sync(
            dir.path(),
            &api.url(),
            &["--page-size=1000", "--load", command],
        );
        assert_eq!(counts(&outcome.expect(0)), (json!(1), json!(0)));
    }
}

#[test]
fn folders_of_any_name_reach_the_command_as_they_are() {
    for name in ["a b", "it's \"q\" $HOME `id`", "new\nline", "é\\n", "-n"] {
        let (dir, api) = api(3);
        fs::create_dir(dir.join("inbox")).unwrap();
        let out = format!("--out={name}");
        let command = "cp \"$HIGHWATER_FILE\" inbox/";
        let outcome = sync(dir.path(), &api.url(), &[&out, "--load", command]);
        assert_eq!(counts(&outcome.expect(0)), (json!(1), json!(0)), "{name}");
        assert_eq!(all_rows(&dir.join("inbox")).len(), 3, "{name}");
    }
}

#[test]
fn a_command_that_goes_on_in_the_background_holds_no_lock() {
    let (dir, api) = api(3);
    let begun = Instant::now();
    // Its outputs are closed, or whoever reads them would wait for it.
    load(&dir, &api, "sleep 60 >&- 2>&- & echo $! > pid").expect(0);
    load(&dir, &api, "true").expect(0);
    assert!(begun.elapsed() < Duration::from_secs(30));
    end(&dir);
}

fn end(dir: &Scratch) {
    let pid = fs::read_to_string(dir.join("pid")).unwrap();
    run(std::process::Command::new("kill").args(pid.split_whitespace()));
}

#[test]
fn a_command_that_outlives_a_killed_sync_does_not_block_the_next_which_hands_over_again() {
    let (dir, api) = api(30);
    let mut child = highwater(dir.path())
        .args(["sync", "-q", "--url", &api.url(), "--load"])
        .arg("echo $$ > pid; exec sleep 60")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while fs::read_to_string(dir.join("pid"))
        .unwrap_or_default()
        .len()
        < 2
    {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let outcome = load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(counts(&outcome), (json!(1), json!(0)));
    assert_eq!(came(&dir).len(), 30);
    end(&dir);
}

#[test]
fn a_consumer_that_moves_files_away_gets_each_once_though_it_fails_afterwards() {
    let (dir, api) = api(10);
    fs::create_dir(dir.join("inbox")).unwrap();
    let outcome = load(&dir, &api, "mv \"$HIGHWATER_FILE\" inbox/ && false").expect(6);
    assert_eq!(counts(&outcome), (json!(0), json!(1)));
    add(&api, "b", 2);
    let outcome = load(&dir, &api, "mv \"$HIGHWATER_FILE\" inbox/").expect(0);
    assert!(
        outcome.stderr.contains("counts as handed over"),
        "{}",
        outcome.stderr
    );
    assert_eq!(counts(&outcome), (json!(1), json!(0)));
    assert_eq!(all_rows(&dir.join("inbox")).len(), 12);
    assert!(all_rows(&dir.join("out")).is_empty());
    // A name is not given again, although its file is gone.
    add(&api, "c", 2);
    load(&dir, &api, "mv -n \"$HIGHWATER_FILE\" inbox/").expect(0);
    assert_eq!(all_rows(&dir.join("inbox")).len(), 14);
}

#[test]
fn files_of_earlier_syncs_are_handed_over_and_counted_but_not_what_was_set_aside() {
    let (dir, api) = api(10);
    sync(dir.path(), &api.url(), &["--format=csv"]).expect(0);
    add(&api, "b", 2);
    sync(dir.path(), &api.url(), &[]).expect(0);
    for name in [
        "user-20200101T000000Z.rejected.ndjson",
        "user-20200101T000000Z.ndjson.abandoned",
        "user-20200101T000000Z.ndjson.gz",
        "other-20200101T000000Z.ndjson",
        "user-notes.ndjson",
    ] {
        fs::write(dir.join("out").join(name), "{}\n").unwrap();
    }
    let outcome = load(&dir, &api, "echo $HIGHWATER_FORMAT $HIGHWATER_ROWS >> said").expect(0);
    assert_eq!(counts(&outcome), (json!(2), json!(0)));
    let said = fs::read_to_string(dir.join("said")).unwrap();
    assert_eq!(said, "csv 10\nndjson 2\n");
}

#[test]
fn a_source_that_fails_keeps_no_file_from_the_consumer() {
    let (dir, api) = api(120);
    load(&dir, &api, "false").expect(6);
    add(&api, "b", 60);
    api.set_fault(|_, nth| (nth > 4).then(|| Reply::status(403)));
    let outcome = load(&dir, &api, "cat >> came").expect(4);
    assert_eq!(outcome.receipt()["complete"], false);
    assert_eq!(counts(&outcome).1, json!(0));
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
    // Both fail: the source's exit code, and a word on each.
    let outcome = load(&dir, &api, "false").expect(4);
    assert_eq!(counts(&outcome), (json!(0), json!(0)));
}

#[test]
fn a_hand_over_without_files_or_without_a_state_is_a_wrong_command() {
    let (dir, api) = api(1);
    for words in [&["--out", "-"][..], &["--state", "none"]] {
        let mut words = words.to_vec();
        words.extend(["--load", "touch ran"]);
        let outcome = sync(dir.path(), &api.url(), &words).expect(2);
        assert!(outcome.stderr.contains("--load"), "{}", outcome.stderr);
    }
    sync(dir.path(), &api.url(), &["--load", ""]).expect(2);
    assert_eq!(files(dir.path()), Vec::<String>::new());
    assert_eq!(api.counts().requests, 0);
}

#[test]
fn a_secret_in_the_command_is_not_in_its_error() {
    let (dir, api) = api(1);
    dir.write(
        "c.json",
        r#"{"headers": {"X-Token": "${LOAD_TOKEN}"}, "columns": {"id": "STRING"}}"#,
    );
    let mut command = highwater(dir.path());
    command.env("LOAD_TOKEN", "hunter2-and-more");
    command.args(["sync", "--config=c.json", "--url", &api.url(), "--load"]);
    let long = format!("{} hunter2-and-more; false", "x".repeat(290));
    for text in ["echo hunter2-and-more > /dev/null; false", &long] {
        let outcome = run(command.arg(text)).expect(6);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
        let mut again = highwater(dir.path());
        again.env("LOAD_TOKEN", "hunter2-and-more");
        again.args(["sync", "--config=c.json", "--url", &api.url(), "--load"]);
        command = again;
    }
}

#[test]
fn full_refresh_hands_the_new_file_over_and_none_again() {
    let (dir, api) = api(10);
    load(&dir, &api, "cat >> came").expect(0);
    let refresh = ["--full-refresh", "--load", "cat >> came"];
    let outcome = sync(dir.path(), &api.url(), &refresh).expect(0);
    assert_eq!(counts(&outcome), (json!(1), json!(0)));
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
    assert_eq!(came(&dir).len(), 20);
}

#[test]
fn a_state_of_version_1_is_taken_up_and_all_its_files_are_handed_over() {
    let (dir, api) = api(10);
    sync(dir.path(), &api.url(), &[]).expect(0);
    let mut old = state(dir.path());
    old["version"] = json!(1);
    old.as_object_mut().unwrap().remove("files");
    dir.write("out/state.json", old.to_string());
    add(&api, "b", 2);
    let outcome = load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(counts(&outcome), (json!(2), json!(0)));
    assert_eq!(came(&dir).len(), 12);
    assert_eq!(state(dir.path())["version"], 2);
    // What it does not know it does not say.
    assert_eq!(state(dir.path())["files"]["rows"], Value::Null);
}

#[test]
fn a_name_is_never_given_twice_though_files_are_gone_and_the_clock_was_set_back() {
    let (dir, api) = api(3);
    sync(dir.path(), &api.url(), &[]).expect(0);
    let mut future = state(dir.path());
    future["files"]["last"] = json!("20991231T235959Z");
    dir.write("out/state.json", future.to_string());
    let mut names = Vec::new();
    for nth in 0..3 {
        add(&api, &nth.to_string(), 1);
        let receipt = sync(dir.path(), &api.url(), &[]).expect(0).receipt();
        let file = receipt["file"].as_str().unwrap().to_owned();
        fs::remove_file(dir.join(&file)).unwrap();
        names.push(file);
    }
    let expected = ["000000Z", "000001Z", "000002Z"];
    let expected = expected.map(|time| format!("out/user-21000101T{time}.ndjson"));
    assert_eq!(names, expected);
}

#[test]
fn files_that_wait_show_in_the_status() {
    let (dir, api) = api(3);
    load(&dir, &api, "cat >> came").expect(0);
    add(&api, "b", 1);
    load(&dir, &api, "false").expect(6);
    let status = run(highwater(dir.path()).arg("status")).expect(0).stdout;
    let waits: Vec<bool> = status
        .lines()
        .filter(|line| line.contains(".ndjson"))
        .map(|line| line.ends_with("(not handed over yet)"))
        .collect();
    assert_eq!(waits, [false, true]);
}

#[test]
fn a_state_that_cannot_be_written_keeps_files_from_the_consumer() {
    let (dir, api) = api(3);
    load(&dir, &api, "false").expect(6);
    let out = dir.join("out");
    fs::create_dir(out.join("state.json.tmp")).unwrap();
    let outcome = load(&dir, &api, "cat >> came").expect(6);
    assert!(outcome.stderr.contains("state.json.tmp"));
    assert!(came(&dir).is_empty());
    fs::remove_dir(out.join("state.json.tmp")).unwrap();
    load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(came(&dir).len(), 3);
    support::assert_no_leftovers(Path::new(&out));
}

fn compact(dir: &Scratch) -> Value {
    let outcome = run(highwater(dir.path()).arg("compact")).expect(0);
    outcome.receipt()
}

#[test]
fn a_compaction_keeps_what_waits_and_the_next_sync_goes_on_after_it() {
    let (dir, api) = api(70);
    sync(dir.path(), &api.url(), &[]).expect(0);
    add(&api, "late", 5);
    load(&dir, &api, "exit 3").expect(6);
    let kept = compact(&dir);
    assert_eq!(
        (&kept["kept"], &kept["replaced"], &kept["file"]),
        (&json!(2), &json!(0), &Value::Null)
    );
    load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(came(&dir), all_rows(&dir.join("out")));
    let done = compact(&dir);
    assert_eq!((&done["replaced"], &done["rows"]), (&json!(2), &json!(75)));
    // The new file stands for files that were handed over: it is not, and the
    // state is not taken for one that is older than it.
    let quiet = load(&dir, &api, "cat >> came").expect(0);
    assert_eq!(counts(&quiet), (json!(0), json!(0)));
    assert_eq!(came(&dir).len(), 75);
    add(&api, "later", 3);
    assert_eq!(
        counts(&load(&dir, &api, "cat >> came").expect(0)).0,
        json!(1)
    );
    assert_eq!(came(&dir).len(), 78);
}
