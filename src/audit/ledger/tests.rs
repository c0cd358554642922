#![allow(clippy::unwrap_used)]

use super::*;

fn filed(content: u64) -> Filed {
    Filed {
        content,
        ..Filed::default()
    }
}

#[test]
fn the_last_version_that_was_met_says_how_a_row_stands() {
    let mut ledger = Ledger::new(false);
    for key in ["same", "older", "unmet", "moved"] {
        assert_eq!(ledger.file(key.as_bytes(), filed(1)), Ok(()));
    }
    assert_eq!(ledger.file(b"recent", filed(1)), Ok(()));
    ledger.note_recent(b"recent", true);
    let mut meet = |key: &str, content, young| ledger.meet(key.as_bytes(), content, young).unwrap();
    assert_eq!(meet("same", 1, false), Standing::Alike);
    assert_eq!(meet("older", 2, false), Standing::Older);
    assert_eq!(meet("older", 2, false), Standing::Older);
    assert_eq!(meet("new", 1, false), Standing::New);
    assert_eq!(meet("new", 1, false), Standing::New);
    assert_eq!(meet("moved", 1, false), Standing::Alike);
    assert_eq!(meet("moved", 2, true), Standing::Young);
    assert_eq!(ledger.standing(b"unmet"), Some(Standing::Unmet));
    assert_eq!(ledger.standing(b"recent"), Some(Standing::Recent));
    assert_eq!(ledger.standing(b"nobody"), None);
    assert_eq!((ledger.met(), ledger.count(Standing::Young)), (4, 1));
    // The version that was met last counts, and not the one that was filed.
    assert!(ledger.meet_alike(b"same", 1) && ledger.meet_alike(b"unmet", 1));
    assert!(!ledger.meet_alike(b"older", 1) && !ledger.meet_alike(b"moved", 1));
    assert!(!ledger.meet_alike(b"new", 1) && !ledger.meet_alike(b"nobody", 1));
}

#[test]
fn the_latest_version_in_the_files_counts_and_a_number_says_which_it_is() {
    let numbered = |seq, content| Filed {
        seq: Some(seq),
        ..filed(content)
    };
    let gone = Filed {
        deleted: true,
        ..filed(0)
    };
    let mut ledger = Ledger::new(false);
    for (key, version) in [
        ("a", numbered(4, 1)),
        ("a", numbered(5, 2)),
        ("b", filed(1)),
        ("b", gone),
        ("c", gone),
        ("c", filed(3)),
    ] {
        assert_eq!(ledger.file(key.as_bytes(), version), Ok(()));
    }
    assert_eq!(ledger.file(b"a", numbered(4, 3)), Err(Refused::Disordered));
    assert_eq!(ledger.filed(), 2);
    assert_eq!(ledger.standing(b"b"), Some(Standing::Gone));
    assert_eq!(ledger.meet(b"a", 2, false).unwrap(), Standing::Alike);
    assert_eq!(ledger.meet(b"b", 1, false).unwrap(), Standing::New);
    assert_eq!(ledger.meet(b"c", 3, false).unwrap(), Standing::Alike);
    let mut ledger = Ledger::new(true);
    for (seq, content) in [(5, 1), (4, 2), (6, 3), (6, 4), (3, 5)] {
        assert_eq!(ledger.file(b"a", numbered(seq, content)), Ok(()));
    }
    // A version without a number is as late as everything before it.
    assert_eq!(ledger.file(b"b", filed(1)), Ok(()));
    assert_eq!(ledger.file(b"b", numbered(5, 2)), Ok(()));
    assert_eq!(ledger.meet(b"a", 4, false).unwrap(), Standing::Alike);
    assert_eq!(ledger.meet(b"b", 1, false).unwrap(), Standing::Alike);
}

#[test]
fn a_row_that_differed_is_compared_again_with_what_was_met_last() {
    let mut ledger = Ledger::new(false);
    for key in ["alike", "other", "unmet"] {
        assert_eq!(ledger.file(key.as_bytes(), filed(1)), Ok(()));
    }
    for key in ["alike", "other"] {
        let met = ledger.meet(key.as_bytes(), 7, false).unwrap();
        assert_eq!(met, Standing::Older);
    }
    // The content in the files is read anew, but that of these rows is not
    // needed any more.
    ledger.begin_again();
    for key in ["alike", "other"] {
        ledger.file_again(key.as_bytes(), filed(5));
    }
    // The last version of the files counts.
    for (key, content) in [("alike", 6), ("alike", 7), ("other", 7), ("other", 6)] {
        ledger.compare(key.as_bytes(), content);
    }
    ledger.compare(b"unmet", 7);
    ledger.compare(b"nobody", 7);
    assert_eq!(ledger.standing(b"alike"), Some(Standing::Alike));
    assert_eq!(ledger.standing(b"other"), Some(Standing::Older));
    assert_eq!(ledger.standing(b"unmet"), Some(Standing::Unmet));
    assert!(ledger.bury(b"unmet"));
    assert!(!ledger.bury(b"unmet") && !ledger.bury(b"alike"));
}

#[test]
fn many_rows_are_told_apart_while_the_slots_grow() {
    let mut ledger = Ledger::new(false);
    for key in 0..50_000u32 {
        let row = filed(u64::from(key));
        assert_eq!(ledger.file(&key.to_le_bytes(), row), Ok(()));
    }
    for key in (0..50_000u32).filter(|key| key % 10 > 0) {
        let content = u64::from(key) + u64::from(key % 10 == 1);
        assert!(ledger.meet(&key.to_le_bytes(), content, false).is_some());
    }
    let counts =
        [Standing::Alike, Standing::Older, Standing::Unmet].map(|standing| ledger.count(standing));
    assert_eq!(counts, [40_000, 5_000, 5_000]);
}
