//! The table is read while its files are replaced.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{compact, folder, print};

const ROWS: usize = 50;

#[test]
fn whoever_reads_while_files_are_replaced_gets_a_whole_table_every_time() {
    let dir = folder(&["id"]);
    let version = |round: usize| {
        let rows = (0..ROWS).map(|id| format!("{{\"id\":{id},\"round\":{round}}}\n"));
        dir.write("new", rows.collect::<String>());
        let name = format!("user-{:04}0101T000000Z.ndjson", 2100 + round);
        fs::rename(dir.join("new"), dir.join(name)).unwrap();
    };
    (0..4).for_each(version);
    let done = AtomicBool::new(false);
    let round_of = |line: &str| -> usize {
        let (_, round) = line.rsplit_once(':').unwrap();
        round.trim_end_matches('}').parse().unwrap()
    };
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut prints, mut before) = (0, 0);
            let begun = Instant::now();
            let hangs = || begun.elapsed() > Duration::from_secs(60);
            while (!done.load(Ordering::SeqCst) || prints < 50) && !hangs() {
                let printed = print(&dir, &[]).unwrap();
                let rounds: Vec<usize> = printed.lines().map(round_of).collect();
                assert_eq!(rounds.len(), ROWS, "{printed}");
                // A new version has a file to itself: all of it or nothing.
                assert!(
                    rounds
                        .iter()
                        .all(|round| *round == rounds[0] && *round >= before)
                );
                (prints, before) = (prints + 1, rounds[0]);
            }
            prints
        });
        for round in 4..80 {
            version(round);
            let receipt = compact(&dir, &[]).unwrap();
            assert_eq!(receipt.rows as usize, ROWS);
        }
        done.store(true, Ordering::SeqCst);
        println!("{} prints", reader.join().unwrap());
    });
}
