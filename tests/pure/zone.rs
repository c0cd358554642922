//! Time zones: files, rules, and what a wall clock means.

use std::io::Write;
use std::process::{Command, Stdio};

use highwater::zone::Zone;

use crate::zone_file::{NEW_YORK, rule};

fn zone(rule: &str) -> Zone {
    Zone::parse(&crate::zone_file::rule(rule)).unwrap()
}

/// Seconds since 1970 of a date and clock, as if in UTC.
fn wall(text: &str) -> i64 {
    let text = format!("{text}Z");
    highwater::timestamp::parse(&text).unwrap().secs
}

#[test]
fn an_hour_that_comes_twice_has_two_instants_and_a_skipped_one_that_of_the_change() {
    let zone = zone(NEW_YORK);
    let read = |text: &str| zone.read(wall(text));
    let noon = read("2024-07-01T12:00:00");
    assert_eq!(
        (noon.first, noon.last),
        (wall("2024-07-01T16:00:00"), wall("2024-07-01T16:00:00"))
    );
    let twice = read("2024-11-03T01:30:00");
    assert_eq!(
        (twice.first, twice.last),
        (wall("2024-11-03T05:30:00"), wall("2024-11-03T06:30:00"))
    );
    assert_eq!(
        read("2024-11-03T00:59:59").last,
        wall("2024-11-03T04:59:59")
    );
    assert_eq!(
        read("2024-11-03T02:00:00").first,
        wall("2024-11-03T07:00:00")
    );
    let skipped = read("2024-03-10T02:30:00");
    assert_eq!(
        (skipped.first, skipped.last),
        (wall("2024-03-10T07:00:00"), wall("2024-03-10T07:00:00"))
    );
    assert_eq!(skipped.skipped, Some(wall("2024-03-10T07:30:00")));
    assert_eq!(zone.offset(wall("2350-07-01T00:00:00")), -4 * 3600);
    assert_eq!(zone.offset(wall("2350-01-01T00:00:00")), -5 * 3600);
}

#[test]
fn no_settled_instant_is_later_or_ambiguous() {
    for rule in [
        NEW_YORK,
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    ] {
        let zone = zone(rule);
        let mut unsettled = 0;
        let start = wall("2024-01-01T00:00:00");
        for at in (start..start + 366 * 86_400).step_by(300) {
            let settled = zone.settled_before(at).unwrap_or(at);
            unsettled += i64::from(settled != at);
            assert!(settled <= at && at - settled <= 2 * 3600, "{rule} {at}");
            let shown = settled + zone.offset(settled);
            let reading = zone.read(shown);
            assert_eq!(
                (reading.first, reading.last),
                (settled, settled),
                "{rule} {at}"
            );
            // No later instant is shown as an earlier text.
            for later in (at..at + 3 * 3600).step_by(300) {
                assert!(later + zone.offset(later) >= shown, "{rule} {at} {later}");
            }
        }
        assert!((13..=25).contains(&unsettled), "{rule}: {unsettled}");
    }
}

#[test]
fn fixed_offsets_need_no_file() {
    for (text, hours) in [
        ("-05:00", -5),
        ("+0100", 1),
        ("UTC", 0),
        ("Z", 0),
        ("+14", 14),
    ] {
        assert_eq!(Zone::fixed(text).unwrap().offset(0), hours * 3600, "{text}");
    }
    for text in ["", "5", "-5", "EST", "+25:00", "America/New_York"] {
        assert_eq!(Zone::fixed(text), None, "{text}");
    }
}

#[test]
fn a_damaged_file_is_refused_and_never_a_panic() {
    let whole = rule(NEW_YORK);
    for length in 0..whole.len() {
        assert!(Zone::parse(&whole[..length]).is_err(), "{length}");
    }
    for at in 0..whole.len() {
        for byte in [0, 1, 0x7F, 0xFF, b'9', b','] {
            let mut changed = whole.clone();
            changed[at] = byte;
            if let Ok(zone) = Zone::parse(&changed) {
                for wall in [i64::MIN, -1, 0, 1_730_611_800, i64::MAX] {
                    _ = zone.read(wall);
                    _ = zone.settled_before(wall);
                }
            }
        }
    }
    for text in [
        "EST5EDT",
        "EST5EDT,M3.2.0",
        "E5",
        "EST",
        "EST5EDT,M13.1.0,M1.1.0",
        "EST25",
        "EST5EDT,M3.2.0,M11.1.0 ",
    ] {
        assert!(Zone::parse(&rule(text)).is_err(), "{text}");
    }
}

/// For each zone of Python's, walls around each change of many years: offset,
/// the instants of both readings.
const PYTHON: &str = r#"
import sys, zoneinfo, datetime as d
utc = d.timezone.utc
for name in sorted(zoneinfo.available_timezones()):
    zone = zoneinfo.ZoneInfo(name)
    out, walls = [], set()
    for year in (1890, 1916, 1945, 1970, 1987, 2005, 2011, 2024, 2025, 2037, 2060, 2098, 2150):
        at = d.datetime(year, 1, 1, tzinfo=utc)
        last = at.astimezone(zone).utcoffset()
        for hour in range(0, 366 * 24, 6):
            now = at + d.timedelta(hours=hour)
            offset = now.astimezone(zone).utcoffset()
            if offset != last or hour % 2400 == 0:
                for minutes in range(-600, 600, 30):
                    walls.add((now + offset).replace(tzinfo=None) + d.timedelta(minutes=minutes))
            last = offset
    for wall in sorted(walls):
        first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(utc) for fold in (0, 1))
        back = first.astimezone(zone).replace(tzinfo=None)
        epoch = lambda x: (x - d.datetime(1970, 1, 1, tzinfo=utc)) // d.timedelta(seconds=1)
        at = (wall - d.datetime(1970, 1, 1)) // d.timedelta(seconds=1)
        out.append(f"{at} {epoch(first)} {epoch(second)} {int(back == wall)}")
    print(name, ";".join(out))
"#;

#[test]
#[ignore = "needs Python 3.9 and the tz database"]
fn every_zone_is_read_as_python_reads_it() {
    let mut python = Command::new("python3")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(PYTHON.as_bytes())
        .unwrap();
    let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    let (mut zones, mut twice, mut skipped) = (0, 0, 0);
    for line in said.lines() {
        let (name, walls) = line.split_once(' ').unwrap();
        let zone = match highwater::zoneinfo::load(name) {
            Ok(file) => Zone::parse(&file).unwrap_or_else(|error| panic!("{name}: {error}")),
            Err(error) => panic!("{name}: {error}"),
        };
        zones += 1;
        for wall in walls.split(';') {
            let numbers: Vec<i64> = wall.split(' ').map(|n| n.parse().unwrap()).collect();
            let [wall, first, second, shown] = numbers[..] else {
                panic!("{wall}")
            };
            let read = zone.read(wall);
            if shown == 0 {
                skipped += 1;
                assert_eq!(read.skipped, Some(first), "{name} {wall}");
            } else {
                twice += i64::from(first != second);
                assert_eq!(
                    (read.first, read.last, read.skipped),
                    (first, second, None),
                    "{name} {wall}"
                );
            }
        }
    }
    assert!(
        zones > 400 && twice > 4_000 && skipped > 4_000,
        "{zones} {twice} {skipped}"
    );
}

#[test]
fn a_time_that_no_clock_showed_has_its_place_in_order() {
    let mut of = crate::page::connection(r#"{"since":{"zone":"America/New_York"}}"#);
    of.settle(&|_| Ok(rule(NEW_YORK))).unwrap();
    let row =
        |(id, time): (usize, &&str)| format!(r#"{{"id":{id},"updatedAt":"2024-03-10 {time}"}}"#);
    let times = [
        "01:59:00",
        "02:00:00",
        "02:30:00.5",
        "02:59:59",
        "03:00:00",
        "03:30:00",
    ];
    let rows: Vec<String> = times.iter().enumerate().map(row).collect();
    let body = format!("{{\"data\":[{}]}}", rows.join(","));
    let mut page = highwater::page::Page::default();
    page.decode(body.as_bytes(), &Default::default(), &of)
        .unwrap();
    let view = page.view(body.as_bytes(), &of);
    let secs: Vec<i64> = (0..view.len()).map(|row| view.at(row).secs).collect();
    assert!(secs.is_sorted(), "{secs:?}");
    assert_eq!(secs[0], wall("2024-03-10T06:59:00"));
    assert_eq!(secs[4], wall("2024-03-10T07:00:00"));
    let format = &of.since.format;
    for row in 1..5 {
        // No bound leaves out another text of that hour.
        let spelled = format.spell(&view.mark(row), view.at(row));
        let digits = if row == 2 { ".0" } else { "" };
        assert_eq!(spelled, format!("2024-03-10 01:59:59{digits}"));
        assert!(format.cut(view.at(row)) < view.at(row));
    }
    assert_eq!(
        format.spell(&view.mark(5), view.at(5)),
        "2024-03-10 03:30:00"
    );
    // A column has what the clock would have shown.
    let utc = format.utc("2024-03-10 02:30:00.5", false).unwrap();
    assert_eq!(utc, "2024-03-10T07:30:00.5Z");
}

#[test]
fn rows_sorted_by_instant_show_where_the_hour_begins_again() {
    let mut of = crate::page::connection(r#"{"since":{"zone":"America/New_York"}}"#);
    of.settle(&|_| Ok(rule(NEW_YORK))).unwrap();
    let mut page = highwater::page::Page::default();
    let mut hours = |rows: &[(u32, &str)]| -> Vec<i64> {
        let rows = rows
            .iter()
            .map(|(id, time)| format!(r#"{{"id":{id},"updatedAt":"2024-11-03T{time}"}}"#));
        let body = format!("{{\"data\":[{}]}}", rows.collect::<Vec<_>>().join(","));
        page.decode(body.as_bytes(), &Default::default(), &of)
            .unwrap();
        let view = page.view(body.as_bytes(), &of);
        let hour = |row| (view.at(row).secs - wall("2024-11-03T00:00:00")) / 3600;
        (0..view.len()).map(hour).collect()
    };
    // Texts in order are of the first hour.
    assert_eq!(
        hours(&[(1, "00:59:00"), (2, "01:10:00"), (3, "01:50:00")]),
        [4, 5, 5]
    );
    // A step back is where the second one begins.
    assert_eq!(
        hours(&[(3, "01:50:00"), (4, "01:05:00"), (5, "01:20:00")]),
        [5, 6, 6]
    );
    // What is known stays so, and what follows it.
    assert_eq!(
        hours(&[(5, "01:20:00"), (6, "01:55:00"), (7, "02:00:00")]),
        [6, 6, 7]
    );
    assert_eq!(hours(&[(2, "01:10:00"), (3, "01:50:00")]), [5, 5]);
    assert_eq!(hours(&[(6, "01:55:00"), (7, "02:00:00")]), [6, 7]);
    // New rows right before a known one are taken for later, not for earlier.
    assert_eq!(hours(&[(8, "01:54:00"), (6, "01:55:00")]), [6, 6]);
    // An offset of its own leaves no doubt.
    assert_eq!(hours(&[(9, "01:30:00-05:00"), (10, "01:10:00")]), [6, 5]);
}
