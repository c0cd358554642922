//! The sink by itself: batches that commit, and batches that only add rows.

use std::path::Path;
use std::sync::Arc;

use highwater::checkpoint::{Checkpoint, Files, Origin, Part, Progress};
use highwater::row::Lead;
use highwater::sink::file::FileSink;
use highwater::sink::{Batch, Sink};
use highwater::store::Store;

use crate::scene::OUT;
use crate::sim::{Image, Kind, Plan, Sim};

const STATE: &str = "/data/out/state.json";
const ROWS: &str = "/data/out/user-20240115T103000Z.ndjson";
const REJECTS: &str = "/data/out/user-20240115T103000Z.rejected.ndjson";

fn sink(sim: &Sim) -> FileSink {
    let store = Store::new(
        Arc::new(sim.clone()),
        Some(STATE.into()),
        Some(OUT.into()),
        "user",
    );
    let origin = Origin {
        url: "http://api".into(),
        table: "user".into(),
        primary_key: vec!["id".into()],
        cursor: "updatedAt".into(),
    };
    let progress = Progress::default();
    FileSink::new(
        store,
        origin,
        progress,
        Files::first(),
        "20240115T103000Z",
        "ndjson",
    )
}

fn begin() -> Sim {
    let folders = ["/data", OUT].map(|path| (path.into(), None));
    Sim::new(&Image::from(folders), Plan::Nothing)
}

/// A row and one that is set aside, and what they commit.
fn batch(row: &str, reject: &str, mark: Option<&str>) -> Batch {
    Batch {
        lines: row.into(),
        rows: u64::from(!row.is_empty()),
        rejects: reject.into(),
        rejected: u64::from(!reject.is_empty()),
        lead: Lead::default(),
        progress: mark.map(|mark| Progress {
            last_updated_at: Some(mark.into()),
            ..Progress::default()
        }),
    }
}

fn file(sim: &Sim, path: &str) -> Option<String> {
    let bytes = sim.image().get(Path::new(path))?.clone()?;
    Some(String::from_utf8(bytes).unwrap())
}

fn state(sim: &Sim) -> Checkpoint {
    Checkpoint::parse(file(sim, STATE).unwrap().as_bytes()).unwrap()
}

#[test]
fn rows_that_nothing_vouches_for_are_gone_when_the_source_fails() {
    for later in [batch("b\n", "", None), batch("b\n", "y\n", None)] {
        for committed in [
            batch("a\n", "", Some("m1")),
            batch("a\n", "x\n", Some("m1")),
        ] {
            let sim = begin();
            let mut sink = sink(&sim);
            sink.append(&committed).unwrap();
            sink.append(&later).unwrap();
            let part: Option<Part> = state(&sim).part;
            assert_eq!(part.map(|part| (part.bytes, part.rows)), Some((2, 1)));
            let outcome = sink.finish(false).unwrap();
            assert_eq!(
                (outcome.rows, outcome.rejected, outcome.mark.as_deref()),
                (1, committed.rejected, Some("m1"))
            );
            assert_eq!(file(&sim, ROWS).as_deref(), Some("a\n"));
            let rejects = (committed.rejected > 0).then(|| "x\n".to_owned());
            assert_eq!(file(&sim, REJECTS), rejects);
            let state = state(&sim);
            assert_eq!(state.part, None);
            assert_eq!(state.progress.last_updated_at.as_deref(), Some("m1"));
        }
    }
}

#[test]
fn a_later_commit_vouches_for_all_that_was_added_before_it() {
    let sim = begin();
    let mut sink = sink(&sim);
    sink.append(&batch("a\n", "", None)).unwrap();
    sink.append(&batch("b\n", "y\n", None)).unwrap();
    assert_eq!(state(&sim).part.map(|part| part.bytes), Some(0));
    sink.append(&batch("c\n", "", Some("m"))).unwrap();
    let part = state(&sim).part.unwrap();
    let rejected = part.rejected.unwrap();
    assert_eq!((part.bytes, part.rows), (6, 3));
    assert_eq!((rejected.bytes, rejected.rows), (2, 1));
    sink.finish(true).unwrap();
    assert_eq!(file(&sim, ROWS).as_deref(), Some("a\nb\nc\n"));
    assert_eq!(file(&sim, REJECTS).as_deref(), Some("y\n"));
}

#[test]
fn a_header_that_changes_among_rows_that_wait_for_a_commit_costs_none_of_them() {
    let other = |row: &str, mark| Batch {
        lead: Lead {
            header: Some(vec!["a".into(), "b".into()]),
            ..Lead::default()
        },
        ..batch(row, "", mark)
    };
    let second = ROWS.replace("00Z", "01Z");
    // The commit that covers both, or the source fails before it.
    for commits in [true, false] {
        let sim = begin();
        let mut sink = sink(&sim);
        sink.append(&batch("1\n", "x\n", Some("m1"))).unwrap();
        sink.append(&batch("2\n", "", None)).unwrap();
        sink.append(&other("a,b\n3\n", commits.then_some("m2")))
            .unwrap();
        let found = state(&sim);
        let part = found.part.clone().unwrap();
        let closed = &found.files.closed[0];
        let bytes = if commits { (4, 6) } else { (2, 0) };
        assert_eq!((closed.bytes, part.bytes), bytes);
        assert_eq!(part.rejected.as_ref().unwrap().bytes, 2);
        assert_eq!(found.parts().len(), 3);
        let outcome = sink.finish(commits).unwrap();
        let (whole, rows) = if commits { ("1\n2\n", 3) } else { ("1\n", 1) };
        assert_eq!(file(&sim, ROWS).as_deref(), Some(whole));
        assert_eq!(file(&sim, &second).is_some(), commits);
        assert_eq!(file(&sim, REJECTS).as_deref(), Some("x\n"));
        assert_eq!(outcome.rows, rows);
        let files = [outcome.before, outcome.file.into_iter().collect()].concat();
        let expected = [ROWS, &second];
        assert_eq!(files, expected[..1 + usize::from(commits)]);
        let found = state(&sim);
        assert_eq!((found.part, found.files.closed), (None, vec![]));
        assert_eq!(found.files.rows, Some(rows));
        assert_eq!(found.files.last.as_deref(), Some("20240115T103001Z"));
    }
}

#[test]
fn a_file_is_synced_only_after_something_was_added_to_it() {
    let sim = begin();
    let mut sink = sink(&sim);
    let mut syncs = |batch: Batch| -> Vec<String> {
        let before = sim.log().len();
        sink.append(&batch).unwrap();
        let log = sim.log().split_off(before);
        let log = log.into_iter().filter(|op| op.kind == Kind::SyncData);
        log.map(|op| op.path.display().to_string()).collect()
    };
    let (rows, rejects) = (format!("{ROWS}.part"), format!("{REJECTS}.part"));
    let both = [rows.clone(), rejects.clone()];
    assert_eq!(syncs(batch("a\n", "x\n", Some("1"))), both);
    assert_eq!(syncs(batch("b\n", "", Some("2"))), [rows]);
    assert_eq!(syncs(batch("", "y\n", Some("3"))), [rejects]);
    assert!(syncs(batch("", "", Some("4"))).is_empty());
}
