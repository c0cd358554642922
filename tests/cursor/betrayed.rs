//! Random histories against APIs that break their contract, beside some that
//! keep it. No history may end well with a row lost that the answers betrayed,
//! no sound one may be refused, and none may take many more requests than a
//! plain walk.

use std::time::Duration;

use highwater::cursor::{Order, Paging};
use highwater::timestamp::Instant;

use crate::apis::{Odd, Way};
use crate::model::{Api, Dice, Table, Total, instant};
use crate::reader::Reader;

/// What an API's oddness may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Every sync ends well and every row comes.
    Sound,
    /// It may be refused; what ends well is whole.
    Visible,
}

/// How a history ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Refused,
    Lost,
    Betrayed,
}

/// A table, how it is read, and how it changes.
#[derive(Debug, Clone)]
struct History {
    rows: usize,
    /// One of so many rows has another instant than the one before it.
    ties: usize,
    /// The most seconds between two instants.
    step: usize,
    limit: u64,
    total: bool,
    paging: Paging,
    order: Order,
    max_offset: u64,
    lookback: u64,
    until: bool,
    /// Changes per hundred requests.
    changes: usize,
    late: bool,
    seed: u64,
}

impl History {
    fn new(dice: &mut Dice, paging: Paging, order: Order, total: bool) -> Self {
        let limit = 4 + dice.below(12) as u64;
        Self {
            rows: dice.below(120),
            ties: 1 + dice.below(4),
            step: [3, 3, 40, 2_000][dice.below(4)],
            limit,
            total,
            paging,
            order,
            max_offset: [u64::MAX, 4 * limit][dice.below(2)],
            lookback: [0, 0, 5, 30][dice.below(4)],
            until: dice.below(5) == 0 && order == Order::Sorted,
            changes: [0, 30, 120][dice.below(3)],
            late: dice.below(2) == 0,
            seed: dice.below(usize::MAX) as u64,
        }
    }

    fn odd(&self, way: Way) -> Odd {
        let mut api = Api::new(self.limit);
        api.total = if self.total {
            Total::Exact
        } else {
            Total::Absent
        };
        let set = &mut api.settings;
        set.max_offset = self.max_offset;
        set.paging = self.paging;
        set.order = self.order;
        set.lookback = Duration::from_secs(self.lookback);
        Odd { api, way }
    }

    fn change(&self, table: &mut Table, dice: &mut Dice, quota: &mut usize) {
        let lookback = i64::try_from(self.lookback).unwrap();
        while *quota > 0 && dice.below(100 + self.changes) < self.changes {
            *quota -= 1;
            table.clock += 1 + dice.below(3) as i64;
            let place = dice.below(table.rows.len());
            match dice.below(6) {
                0..3 if place < table.rows.len() => table.update_at(place),
                3 if place < table.rows.len() => drop(table.rows.remove(place)),
                4 if self.late && lookback > 1 => {
                    let after = 1 + dice.below(lookback as usize - 1) as i64;
                    table.insert_late(lookback - after, after);
                }
                _ => table.insert(dice.below(2) == 0),
            }
        }
    }

    /// The most requests that a sync may take. One that is refused may have
    /// walked again before.
    fn most(&self, table: &Table, way: Way, claim: Claim) -> u64 {
        let share = if claim == Claim::Sound { 4 } else { 12 };
        share * (table.rows.len() as u64 + 60) / self.limit.min(clamp(way)) + 150
    }

    /// Runs it: busy syncs, and when all rests some quiet ones. `refused`
    /// says why where the last one, or in a sound one any, was refused.
    fn run(&self, way: Way, claim: Claim) -> (End, Reader, String) {
        let mut dice = Dice(self.seed);
        let mut at = 1_000;
        let mut table = Table::of((0..self.rows).map(|_| {
            at += i64::from(dice.below(self.ties) == 0) * (1 + dice.below(self.step) as i64);
            at
        }));
        table.clock = at + [0, 5, 100, 100_000][dice.below(4)];
        let odd = self.odd(way);
        let mut reader = Reader::default();
        let mut refused = String::new();
        for round in 0..3 {
            let mut quota = 60;
            let most = self.most(&table, way, claim);
            let mut odd = odd.clone();
            if self.until && round == 0 {
                odd.api.settings.until = Some(instant(1_000 + (at - 1_000) * 2 / 3));
            }
            let synced = reader.sync(&odd, &mut table, most, |table| {
                self.change(table, &mut dice, &mut quota);
            });
            if let (Err(error), Claim::Sound) = (&synced, claim) {
                refused = error.to_string();
            }
            table.clock += 1 + dice.below(30) as i64;
            self.change(&mut table, &mut dice, &mut 5);
        }
        let mut last = Ok(());
        for _ in 0..3 {
            table.clock += 200 + i64::try_from(self.lookback).unwrap();
            let most = self.most(&table, way, claim);
            last = reader.sync(&odd, &mut table, most, |_| {});
        }
        if let Err(error) = last {
            return (End::Refused, reader, error.to_string());
        }
        let lost = reader.lacks(&odd, &table);
        let mark = reader.mark.as_ref().map_or(Instant::MIN, |mark| mark.at);
        let betrayed = lost
            .iter()
            .any(|row| reader.shown.contains(&(row.id, row.version)) && instant(row.at) <= mark);
        let end = match (lost.is_empty(), betrayed) {
            (true, _) => End::Whole,
            (_, true) => End::Betrayed,
            _ => End::Lost,
        };
        (end, reader, refused)
    }
}

fn clamp(way: Way) -> u64 {
    match way {
        Way::Clamp(most) | Way::Cap(most) => most,
        _ => u64::MAX,
    }
}

const READS: [(Paging, Order); 5] = [
    (Paging::Offset, Order::Sorted),
    (Paging::Page, Order::Sorted),
    (Paging::Keyset, Order::Sorted),
    (Paging::Offset, Order::Unsorted),
    (Paging::Page, Order::Unsorted),
];

/// How a table is read: 0 and 1 are sorted, by offset and by number, 3 and 4
/// in no order.
const SORTED: &[usize] = &[0, 1];
const UNSORTED: &[usize] = &[3, 4];
const ALL: &[usize] = &[0, 1, 3, 4];

/// APIs that keep their contract, however busy, and how each may be read.
const SOUND: &[(Way, &[usize])] = &[
    (Way::Sound, ALL),
    (Way::Early(50), ALL),
    (Way::Coarse(60), ALL),
    (Way::Date(-30), ALL),
    (Way::Date(30), ALL),
    (Way::NewestFirst, &[3, 4]),
    (Way::Clamp(3), ALL),
    (Way::Replica(4), SORTED),
];

/// What comes of most histories of an API that breaks its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// They end whole all the same.
    Whole,
    /// They are refused.
    Refused,
    /// Either, as chance has it.
    Either,
}

/// APIs whose break their answers show, and how each may be read.
const VISIBLE: &[(Way, &[usize], Outcome)] = &[
    (Way::Sound, &[2], Outcome::Either),
    (Way::Late(1), SORTED, Outcome::Refused),
    (Way::Late(1), UNSORTED, Outcome::Either),
    (Way::Late(60), ALL, Outcome::Refused),
    (Way::RoundUp(60), ALL, Outcome::Refused),
    (Way::Exclusive, ALL, Outcome::Either),
    (Way::Nothing, ALL, Outcome::Refused),
    (Way::NothingFiltered, &[0, 1, 2, 3, 4], Outcome::Refused),
    (Way::ById, SORTED, Outcome::Either),
    (Way::NewestFirst, SORTED, Outcome::Refused),
    (Way::TiesByPage, SORTED, Outcome::Either),
    (Way::TiesByRequest, SORTED, Outcome::Either),
    (Way::Cap(20), SORTED, Outcome::Whole),
    (Way::Cap(20), UNSORTED, Outcome::Refused),
    (Way::TotalOfPage, ALL, Outcome::Whole),
    (Way::TotalOfTable, ALL, Outcome::Either),
    (Way::Percent(50), ALL, Outcome::Whole),
    (Way::Percent(90), ALL, Outcome::Whole),
    (Way::Percent(110), ALL, Outcome::Either),
    (Way::Percent(150), ALL, Outcome::Either),
    (Way::Constant(0), ALL, Outcome::Whole),
    (Way::Constant(30), ALL, Outcome::Either),
    (Way::Hidden(4), ALL, Outcome::Either),
];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

/// Histories of a way to read; those of small tables are left out, since they
/// may end empty, which is refused.
fn histories(read: usize, total: bool) -> impl Iterator<Item = History> {
    let (paging, order) = READS[read];
    let mut dice = Dice(number("SEED", 1));
    let all = (0..number("CASES", 40)).map(move |_| History::new(&mut dice, paging, order, total));
    all.filter(|history| history.rows >= 20)
}

/// More rows of one instant than a capped answer shows cannot be read, and no
/// answer tells; neither does one in no order that rows which come in push
/// others out of.
fn is_beyond(way: Way, history: &History) -> bool {
    let pushed = history.order == Order::Unsorted && history.changes > 0;
    matches!(way, Way::Cap(_)) && (history.ties > 3 || pushed)
}

/// A replica may lag behind by no more than the lookback, which rows that come
/// late use up.
fn is_sound(way: Way, history: &History) -> bool {
    let Way::Replica(lag) = way else {
        return true;
    };
    i64::try_from(history.lookback).unwrap() >= lag && !history.late
}

#[test]
fn no_sound_api_is_refused_however_busy_it_is() {
    let (mut drifts, mut bounded) = (0, 0);
    for (way, reads) in SOUND {
        for (read, total) in reads
            .iter()
            .flat_map(|read| [(*read, true), (*read, false)])
        {
            let mut whole = 0;
            for history in histories(read, total).filter(|history| is_sound(*way, history)) {
                let (end, reader, why) = history.run(*way, Claim::Sound);
                assert_eq!(end, End::Whole, "{way:?} {history:?}: {why}");
                assert_eq!(why, "", "{way:?} {history:?}");
                drifts += reader.drifts;
                bounded += u64::from(history.until && reader.drifts > 0);
                whole += 1;
            }
            assert!(whole >= 3, "{way:?} {read} {total}: {whole}");
        }
    }
    assert!(drifts > 100 && bounded > 10, "{drifts} drifts, {bounded}");
}

#[test]
fn what_the_answers_betray_never_ends_well_with_rows_lost() {
    for (way, reads, outcome) in VISIBLE {
        let (mut whole, mut refused) = (0, 0);
        for (read, total) in reads
            .iter()
            .flat_map(|read| [(*read, true), (*read, false)])
        {
            for history in histories(read, total).filter(|history| !is_beyond(*way, history)) {
                let (end, _, why) = history.run(*way, Claim::Visible);
                let lost = matches!(end, End::Lost | End::Betrayed);
                assert!(!lost, "{end:?} {way:?} {history:?}: {why}");
                whole += u64::from(end == End::Whole);
                refused += u64::from(end == End::Refused);
            }
        }
        let all = whole + refused;
        match outcome {
            Outcome::Whole => assert!(whole * 10 >= all * 9, "{way:?}: {whole} of {all}"),
            Outcome::Refused => assert!(refused * 10 >= all * 8, "{way:?}: {refused} of {all}"),
            Outcome::Either => assert!(all > 0),
        }
    }
}

#[test]
fn rows_that_change_while_they_are_read_cost_a_tenth_more_requests() {
    for changes in [0, 1, 2, 5, 10, 20, 30, 40] {
        let mut table = Table::of((0..10_000).map(|row| 1_000 + row));
        table.clock += 1_000;
        let odd = Odd {
            api: Api::new(50),
            way: Way::Sound,
        };
        let (mut reader, mut dice, mut nth) = (Reader::default(), Dice(changes), 0);
        let synced = reader.sync(&odd, &mut table, 2_000, |table| {
            nth += 1;
            table.clock += 1;
            for _ in 0..changes {
                let read = (nth * 49).min(9_900);
                table.update(u32::try_from(dice.below(read)).unwrap());
            }
        });
        synced.unwrap();
        let fewest = (reader.rows.len() as u64).div_ceil(49);
        assert!(
            reader.requests * 10 <= fewest * 11 + 10,
            "{changes}: {} of {fewest}",
            reader.requests
        );
        table.clock += 1;
        reader.sync(&odd, &mut table, 2_000, |_| {}).unwrap();
        assert!(reader.lacks(&odd, &table).is_empty());
    }
}

#[test]
fn a_quiet_first_sync_of_four_pages_takes_six_requests() {
    let mut table = Table::of((0..200).map(|row| 1_000 + row));
    table.clock += 1_000;
    let odd = Odd {
        api: Api::new(50),
        way: Way::Sound,
    };
    let mut reader = Reader::default();
    reader.sync(&odd, &mut table, 6, |_| {}).unwrap();
    assert!(reader.lacks(&odd, &table).is_empty());
}

#[test]
fn an_import_before_a_feed_that_is_newest_first_is_no_repetition() {
    for import in [100, 400, 1_000] {
        let mut table = Table::of((0..500).map(|row| 1_000 + row));
        table.clock += 10;
        let mut odd = Odd {
            api: Api::new(20),
            way: Way::NewestFirst,
        };
        odd.api.settings.order = Order::Unsorted;
        let (mut reader, mut nth) = (Reader::default(), 0);
        let synced = reader.sync(&odd, &mut table, 1_000, |table| {
            nth += 1;
            if nth == 30 {
                table.clock += 1;
                (0..import).for_each(|_| table.insert(false));
            }
        });
        synced.unwrap();
        table.clock += 1;
        reader.sync(&odd, &mut table, 1_000, |_| {}).unwrap();
        assert!(reader.lacks(&odd, &table).is_empty(), "{import}");
    }
}
