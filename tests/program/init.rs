//! The first connection file, written.

use std::fs;

use crate::support::api::Api;
use crate::support::http::Reply;
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, files, highwater, run};

fn init(dir: &Scratch, words: &[&str]) -> Outcome {
    run(highwater(dir.path()).arg("init").args(words))
}

#[test]
fn the_file_is_what_check_suggests_and_the_command_that_comes_next_works() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 1));
    let url = api.url();
    let outcome = init(&dir, &[&url]).expect(0);
    let name = files(dir.path()).concat();
    let table = name.strip_suffix(".json").unwrap();
    assert!(
        outcome
            .stdout
            .starts_with(&format!("wrote {name}\nnext: highwater "))
    );
    let words = ["check", "--url", &url, "--suggest"];
    let suggested = run(highwater(dir.path()).args(words)).expect(0).stdout;
    assert_eq!(fs::read_to_string(dir.join(&name)).unwrap(), suggested);
    let next = outcome.stdout.lines().last().unwrap();
    let next = next.strip_prefix("next: highwater ").unwrap();
    run(highwater(dir.path()).args(next.split(' '))).expect(0);
    assert_eq!(all_rows(&dir.join("out")).len(), 300);
    let synced = files(&dir.join("out"));
    assert!(
        synced
            .iter()
            .any(|file| file.starts_with(&format!("{table}-2")))
    );
}

#[test]
fn a_file_that_is_there_stays_unless_it_is_to_be_replaced() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 1));
    let url = api.url();
    init(&dir, &[&url]).expect(0);
    let name = files(dir.path()).concat();
    let suggested = fs::read_to_string(dir.join(&name)).unwrap();
    dir.write(&name, "mine");
    let outcome = init(&dir, &["--url", &url]).expect(2);
    assert!(
        outcome.stderr.contains("is there already"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("--overwrite"), "{}", outcome.stderr);
    assert_eq!(fs::read_to_string(dir.join(&name)).unwrap(), "mine");
    init(&dir, &[&url, "--overwrite"]).expect(0);
    assert_eq!(fs::read_to_string(dir.join(&name)).unwrap(), suggested);
    assert_eq!(files(dir.path()), [name]);
}

#[test]
fn an_api_that_nothing_can_be_said_of_leaves_no_file() {
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 1));
    api.set_fault(|_, _| Some(Reply::json("{}").with_status(401)));
    init(&dir, &[&api.url(), "--max-retries", "0"]).expect(4);
    assert_eq!(files(dir.path()), [""; 0]);
    for words in [
        &[][..],
        &["one", "two"],
        &["one", "--url", "two"],
        &["one", "--out", "x"],
    ] {
        init(&dir, words).expect(2);
    }
}
