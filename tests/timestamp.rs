//! Timestamps: read, converted and spelled, against the `time` crate and against
//! every damage that one byte can do.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::time::Duration;

use highwater::timestamp::{
    Format, Instant, canonical, compact, duration, format, http_date, is_date, naive, parse, to_utc,
};
use highwater::zone::Zone;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;
const SPACED: &str = "[year]-[month]-[day] [hour]:[minute]:[second]";
const FORMATS: [&str; 12] = [
    "as-received",
    "unix",
    "unix-ms",
    "date",
    SPACED,
    "[year]-[month]-[day] [hour]:[minute]",
    "[day]/[month]/[year] [hour repr:12]:[minute] [period]",
    "[year]-[ordinal]T[hour]",
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3][offset_hour sign:mandatory]",
    "[unix_timestamp precision:millisecond]",
    "[unix_timestamp].[subsecond digits:6]",
    "http-date",
];

fn at(secs: i64, nanos: u32) -> Instant {
    Instant { secs, nanos }
}

fn formats() -> impl Iterator<Item = Format> {
    FORMATS.iter().map(|text| Format::new(text).unwrap())
}

/// The same numbers on every run (splitmix64).
fn numbers() -> impl FnMut() -> u64 {
    let mut state = 7_u64;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn instants(count: usize) -> impl Iterator<Item = Instant> {
    let mut next = numbers();
    let span = (LAST - FIRST) as u64;
    (0..count).map(move |i| {
        let secs = FIRST + (next() % span) as i64;
        // near 1970 too, where rounding changes its direction
        let secs = if i % 4 == 0 { secs % 100_000 } else { secs };
        let step = [1_u32, 1_000, 1_000_000, 1_000_000_000][i % 4];
        at(secs, (next() % 1_000_000_000) as u32 / step * step)
    })
}

#[test]
fn reads_what_the_time_crate_writes_and_writes_what_it_reads() {
    let mut next = numbers();
    for instant in instants(20_000) {
        let utc = OffsetDateTime::from_unix_timestamp(instant.secs)
            .unwrap()
            .replace_nanosecond(instant.nanos)
            .unwrap();
        let text = utc.format(&Rfc3339).unwrap();
        assert_eq!(format(instant), text);
        assert_eq!(parse(&text), Some(instant));
        assert_eq!(canonical(&text), Some(instant));
        assert!(matches!(to_utc(&text), Some(Cow::Borrowed(same)) if same == text));
        let minutes = (next() % 2879) as i32 - 1439;
        let offset = time::UtcOffset::from_whole_seconds(minutes * 60).unwrap();
        let Some(local) = utc.checked_to_offset(offset).filter(|it| it.year() >= 0) else {
            continue;
        };
        let moved = local.format(&Rfc3339).unwrap();
        assert_eq!(parse(&moved), Some(instant), "{moved}");
        assert_eq!(to_utc(&moved).unwrap(), text, "{moved}");
        assert_eq!(canonical(&moved).is_some(), minutes == 0);
    }
}

#[test]
fn every_date_and_every_clock_is_judged_as_the_time_crate_judges_it() {
    for year in [
        0, 1, 4, 100, 400, 1600, 1900, 1970, 2000, 2023, 2024, 2100, 9999,
    ] {
        for (month, day) in (0..14).flat_map(|m| (0..33).map(move |d| (m, d))) {
            let date = format!("{year:04}-{month:02}-{day:02}");
            let text = format!("{date}T00:00:00Z");
            let known = OffsetDateTime::parse(&text, &Rfc3339);
            let secs = known.ok().map(|it| at(it.unix_timestamp(), 0));
            assert_eq!(parse(&text), secs, "{text}");
            assert_eq!(is_date(&date), secs.is_some(), "{date}");
            assert_eq!(naive(&text[..19]).is_some(), secs.is_some(), "{date}");
        }
    }
    for unit in 0..100 {
        for text in [
            format!("2024-02-29T{unit:02}:00:00Z"),
            format!("2024-02-29T00:{unit:02}:00Z"),
            format!("2024-02-29T00:00:{unit:02}Z"),
            format!("2024-02-29T00:00:00+{unit:02}:00"),
            format!("2024-02-29T00:00:00-00:{unit:02}"),
        ] {
            let known = OffsetDateTime::parse(&text, &Rfc3339).is_ok();
            assert_eq!(parse(&text).is_some(), known, "{text}");
        }
    }
}

#[test]
fn takes_the_spellings_that_apis_send_and_no_others() {
    let same = [
        "2024-01-15T10:30:00Z",
        "2024-01-15t10:30:00z",
        "2024-01-15 10:30:00Z",
        "2024-01-15T10:30:00+00:00",
        "2024-01-15T10:30:00-00:00",
        "2024-01-15T10:30:00+0000",
        "2024-01-15T12:30:00+02",
        "2024-01-15T02:00:00-08:30",
    ];
    for text in same {
        assert_eq!(parse(text), Some(at(1_705_314_600, 0)), "{text}");
        assert_eq!(to_utc(text).unwrap(), same[0]);
    }
    for text in [
        "",
        "2024-01-15",
        "2024-01-15T10:30Z",
        "2024-01-15T10:30:00",
        "2024-01-15T10:30:00.Z",
        "2024-01-15T10:30:00,5Z",
        "2024-01-15T10:30:00.5",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:30:00ZZ",
        "2024-01-15T10:30:00 Z",
        "2024-01-15T10:30:00+1",
        "2024-01-15T10:30:00+0:00",
        "2024-01-15T10:30:00+24:00",
        "2024-01-15T10:30:00+00:00:00",
        "2024-01-15_10:30:00Z",
        " 2024-01-15T10:30:00Z",
        "+2024-01-15T10:30:00Z",
        "2024-01-15T10:30:0٣Z",
    ] {
        assert_eq!((parse(text), to_utc(text)), (None, None), "{text}");
    }
}

#[test]
fn keeps_every_fraction_digit_in_utc() {
    for (text, utc) in [
        ("2024-01-15T10:30:00.120+01:00", "2024-01-15T09:30:00.120Z"),
        (
            "2024-01-15 10:30:00.1234567890120Z",
            "2024-01-15T10:30:00.1234567890120Z",
        ),
        ("2024-03-01T00:00:00.0+0001", "2024-02-29T23:59:00.0Z"),
        ("2023-12-31T23:30:00-01", "2024-01-01T00:30:00Z"),
    ] {
        assert_eq!(to_utc(text).unwrap(), utc);
    }
    let long = format!("2024-01-15T10:30:00.{}Z", "9".repeat(1000));
    assert_eq!(parse(&long), Some(at(1_705_314_600, 999_999_999)));
    assert!(matches!(to_utc(&long), Some(Cow::Borrowed(_))));
}

#[test]
fn an_offset_that_leaves_the_four_digit_years_has_an_instant_but_no_spelling() {
    for (text, secs) in [
        ("0000-01-01T00:00:00+00:01", FIRST - 60),
        ("9999-12-31T23:59:59-23:59", LAST + 86_340),
    ] {
        assert_eq!(parse(text), Some(at(secs, 0)));
        assert_eq!(to_utc(text), None);
    }
    assert_eq!(
        to_utc("9999-12-31T23:59:59+00:01").unwrap(),
        "9999-12-31T23:58:59Z"
    );
    assert_eq!(format(Instant::MIN), "0000-01-01T00:00:00Z");
    assert_eq!(format(Instant::MAX), "9999-12-31T23:59:59.999999999Z");
    assert_eq!(compact(Instant::MAX), "99991231T235959Z");
    assert_eq!(compact(at(1_705_314_600, 5)), "20240115T103000Z");
    assert_eq!(format(at(-1, 500_000_000)), "1969-12-31T23:59:59.5Z");
}

#[test]
fn a_leap_second_is_the_last_nanosecond_of_a_utc_month() {
    let leap = at(1_483_228_799, 999_999_999);
    for text in [
        "2016-12-31T23:59:60Z",
        "2017-01-01T08:59:60.5+09:00",
        "2016-12-31T15:59:60-08",
    ] {
        assert_eq!(parse(text), Some(leap), "{text}");
    }
    assert_eq!(
        to_utc("2017-01-01T08:59:60.5+09:00").unwrap(),
        "2016-12-31T23:59:60.5Z"
    );
    for text in [
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:58:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-12-31T23:59:61Z",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(naive("2016-12-31T23:59:60"), None);
}

#[test]
fn instants_order_by_time_where_text_does_not() {
    let (early, late) = ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00.5Z");
    assert!(early > late && parse(early) < parse(late));
    assert!(parse("1969-12-31T23:59:59.1Z") < parse("1969-12-31T23:59:59.2Z"));
    let end = at(0, 0);
    assert_eq!(end.minus(Duration::new(1, 1)), at(-2, 999_999_999));
    assert_eq!(
        end.minus(Duration::new(1, 1)).plus(Duration::new(1, 1)),
        end
    );
    assert_eq!(end.minus(Duration::MAX), Instant::MIN);
    assert_eq!(end.plus(Duration::MAX), Instant::MAX);
    assert_eq!(Instant::MIN.minus(Duration::from_nanos(1)), Instant::MIN);
}

#[test]
fn no_prefix_and_no_changed_byte_is_read_as_nonsense() {
    let formats: Vec<Format> = formats().collect();
    for valid in [
        "2024-02-29T10:30:00Z",
        "2024-02-29T10:30:00.120Z",
        "2024-02-29T23:59:59.123456+05:30",
        "2016-12-31T23:59:60Z",
        "2024-02-29 10:30:00.5-0800",
        "2024-02-29",
        "2024-02-29 10:30",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "-1700000000.25e3",
        "1.5h",
    ] {
        let bytes = valid.as_bytes();
        let mut tries: Vec<Vec<u8>> = (0..bytes.len()).map(|n| bytes[..n].to_vec()).collect();
        for place in 0..bytes.len() {
            // one byte that is no text of its own stands for all of them
            for byte in 0..=128 {
                let mut changed = bytes.to_vec();
                changed[place] = byte;
                tries.push(changed.clone());
                changed.insert(place, bytes[place]);
                tries.push(changed);
            }
        }
        for text in tries.iter().map(|bytes| String::from_utf8_lossy(bytes)) {
            judge(&text, &formats);
        }
    }
}

/// Whatever is accepted has to mean the same to the `time` crate or come back
/// the same from its own spelling.
fn judge(text: &str, formats: &[Format]) {
    let _ = (duration(text), http_date(text));
    for format in formats {
        for number in [false, true] {
            let utc = format.utc(text, number);
            // a glance says nothing, or the same
            assert!(!format.is_utc(text.as_bytes()) || utc == Some(Cow::Borrowed(text)));
            if let Some(instant) = format.glance(text.as_bytes()).filter(|_| !number) {
                assert_eq!(format.read(text, false), Some(instant), "{text}");
            }
            if let Some(utc) = &utc {
                assert!(canonical(utc).is_some(), "{text}: {utc}");
            }
            assert!(
                utc.is_none()
                    || *format == Format::AsReceived
                    || format.read(text, number).is_some()
            );
        }
    }
    assert_eq!(to_utc(text).is_some(), parse(text).is_some(), "{text}");
    if let Some(instant) = parse(text) {
        assert_eq!(
            to_utc(text).and_then(|utc| parse(&utc)),
            Some(instant),
            "{text}"
        );
        // its grammar has neither +HH nor +HHMM
        let mut strict = text.to_owned();
        let zone = text
            .bytes()
            .rev()
            .position(|b| b == b'+' || b == b'-')
            .filter(|n| *n < 5);
        match zone {
            Some(2) => strict.push_str(":00"),
            Some(4) => strict.insert(text.len() - 2, ':'),
            _ => {}
        }
        let known = OffsetDateTime::parse(&strict, &Rfc3339).unwrap();
        assert_eq!(
            instant,
            at(known.unix_timestamp(), known.nanosecond()),
            "{text}"
        );
    }
    if let Some(spelled) = naive(text) {
        assert_eq!(naive(&spelled).as_deref(), Some(&*spelled));
        assert!(parse(&format!("{spelled}Z")).is_some(), "{text}");
    }
    assert_eq!(
        is_date(text),
        parse(&format!("{text}T00:00:00Z")).is_some() && text.len() == 10
    );
}

#[test]
fn a_glance_is_enough_for_utc_and_for_no_description() {
    for format in formats() {
        let described = matches!(format, Format::Described(_));
        for text in ["2024-02-29T10:30:00Z", "0000-01-01T00:00:00.5000000001Z"] {
            assert_eq!(format.is_utc(text.as_bytes()), !described, "{text}");
            let read = parse(text).filter(|_| !described);
            assert_eq!(format.glance(text.as_bytes()), read, "{text}");
        }
        for text in [
            "2024-02-29T10:30:00z",
            "2024-02-29 10:30:00Z",
            "2024-02-29T10:30:00.Z",
            "2024-02-29T10:30:00.5",
            "2024-02-29T10:30:00.5+00:00",
            "2023-02-29T10:30:00Z",
            "2016-12-31T23:59:60Z",
        ] {
            assert!(!format.is_utc(text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn naive_text_gets_its_seconds_and_its_t() {
    for (text, spelled) in [
        ("2024-01-15T10:30:00", "2024-01-15T10:30:00"),
        ("2024-01-15 10:30:00.10", "2024-01-15T10:30:00.10"),
        ("2024-01-15t10:30", "2024-01-15T10:30:00"),
    ] {
        assert_eq!(naive(text).unwrap(), spelled);
    }
    assert!(matches!(
        naive("2024-01-15T10:30:00.5"),
        Some(Cow::Borrowed(_))
    ));
    for text in [
        "2024-01-15T10:30:00Z",
        "2024-01-15",
        "2024-01-15T10",
        "2024-01-15T10:30:",
        "2024-02-30 10:30",
    ] {
        assert_eq!(naive(text), None, "{text}");
    }
}

#[test]
fn http_dates_are_read_in_their_three_forms() {
    let day = at(784_111_777, 0);
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(http_date(text), Some(day), "{text}");
    }
    assert_eq!(
        http_date("Monday, 15-Jan-24 10:30:00 GMT"),
        Some(at(1_705_314_600, 0))
    );
    for text in [
        "",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 24:49:37 GMT",
        "Foo, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT x",
    ] {
        assert_eq!(http_date(text), None, "{text}");
    }
}

#[test]
fn durations_have_a_unit_or_are_seconds() {
    for (text, time) in [
        ("60s", Duration::from_secs(60)),
        ("250ms", Duration::from_millis(250)),
        ("5m", Duration::from_secs(300)),
        ("2h", Duration::from_secs(7200)),
        ("1d", Duration::from_secs(86_400)),
        ("90", Duration::from_secs(90)),
        ("0", Duration::ZERO),
        ("1.5s", Duration::from_millis(1500)),
        ("0.25ms", Duration::from_micros(250)),
    ] {
        assert_eq!(duration(text), Ok(time), "{text}");
    }
    for text in [
        "", "s", "-1s", "1 s", "1w", "1e3", ".5s", "1.s", "1.2.3s", "60S", "٣s", "inf",
    ] {
        assert!(duration(text).unwrap_err().contains("60s"), "{text}");
    }
    for text in [
        "365251d",
        "18446744073709551616s",
        &"9".repeat(99),
        &("9".repeat(30) + "d"),
    ] {
        assert!(duration(text).unwrap_err().contains("too long"), "{text}");
    }
}

#[test]
fn cursor_values_are_read_as_the_format_says() {
    let day = at(1_705_276_800, 0);
    let noon = at(1_705_314_600, 0);
    let read = |format: &str, text: &str, number| Format::new(format).unwrap().read(text, number);
    for format in FORMATS {
        assert_eq!(
            read(format, "2024-01-15T11:30:00+01:00", false),
            Some(noon),
            "{format}"
        );
        assert_eq!(
            read(format, "2024-13-15T11:30:00Z", false),
            None,
            "{format}"
        );
        assert_eq!(read(format, "", false), None);
    }
    assert_eq!(read("as-received", "1705314600", false), Some(noon));
    assert_eq!(read("as-received", "1705314600000", true), Some(noon));
    assert_eq!(
        read("as-received", "1705314600.25", true),
        Some(at(noon.secs, 250_000_000))
    );
    assert_eq!(read("as-received", "1.7053146e9", true), Some(noon));
    assert_eq!(
        read("as-received", "99999999999", true),
        Some(at(99_999_999_999, 0))
    );
    assert_eq!(
        read("as-received", "-0.0000000001", true),
        Some(at(-1, 999_999_999))
    );
    assert_eq!(read("as-received", "0e2147483647", true), Some(at(0, 0)));
    for number in [
        "1e18",
        "9e99",
        "1e999999999999",
        "-",
        "1.",
        ".5",
        "NaN",
        "true",
    ] {
        assert_eq!(read("as-received", number, true), None, "{number}");
    }
    assert_eq!(read("as-received", "2024-01-15T10:30:00", false), None);
    assert_eq!(read("unix", "1705314600", false), Some(noon));
    assert_eq!(read("unix", "1705314600000", true), None);
    assert_eq!(read("unix-ms", "1705314600000", true), Some(noon));
    assert_eq!(read("unix-ms", "1", true), Some(at(0, 1_000_000)));
    assert_eq!(read("date", "2024-01-15", false), Some(day));
    assert_eq!(read(SPACED, "2024-01-15 10:30:00", false), Some(noon));
    assert_eq!(
        read(SPACED, "2024-01-15T10:30:00.5", false),
        Some(at(noon.secs, 500_000_000))
    );
    assert_eq!(read("[year][month][day]", "20240115", true), Some(day));
    assert_eq!(read(FORMATS[6], "15/01/2024 10:30 AM", false), Some(noon));
    assert_eq!(read(FORMATS[8], "9999-12-31T23:59:59.000-01", false), None);
    assert_eq!(
        read(FORMATS[10], "1705314600.000250", false),
        Some(at(noon.secs, 250_000))
    );
}

#[test]
fn a_bound_is_cut_downwards_and_only_once() {
    let edges = [
        Instant::MIN,
        Instant::MAX,
        at(FIRST, 0),
        at(FIRST, 1),
        at(LAST, 999_999_999),
        at(-1, 1),
        at(-1, 999_999_999),
        at(0, 0),
        at(0, 1),
    ];
    for format in formats() {
        for instant in instants(500).chain(edges) {
            let cut = format.cut(instant);
            assert!(cut <= instant, "{format:?} {instant:?}");
            assert_eq!(format.cut(cut), cut, "{format:?} {instant:?}");
            assert!(format.cuts() || cut == instant);
            let spelled = format.spell("as it came", instant);
            if (at(0, 0)..=at(LAST, 0)).contains(&instant) && format != Format::AsReceived {
                assert_eq!(format.read(&spelled, false), Some(cut), "{spelled}");
            }
        }
    }
    let spell = |format: &str, instant| Format::new(format).unwrap().spell("received", instant);
    let before = at(-1, 500_000_000);
    assert_eq!(spell("as-received", before), "received");
    assert_eq!(spell("unix", before), "-1");
    assert_eq!(spell("unix-ms", before), "-500");
    // The beginning, which some APIs take as 0 alone.
    for beginning in [parse("0001-01-01T00:00:00Z").unwrap(), Instant::MIN] {
        assert_eq!(spell("unix", beginning), "0");
        assert_eq!(spell("unix-ms", beginning), "0");
    }
    assert_eq!(spell("http-date", before), "Wed, 31 Dec 1969 23:59:59 GMT");
    assert_eq!(spell("unix-ms", at(1, 999_999_999)), "1999");
    assert_eq!(spell("date", before), "1969-12-31");
    assert_eq!(spell(SPACED, before), "1969-12-31 23:59:59");
    assert_eq!(spell(FORMATS[9], at(-1, 999_999_999)), "-1000");
    assert_eq!(spell(SPACED, Instant::MIN), "0000-01-01 00:00:00");
    assert!(!Format::AsReceived.cuts() && Format::Date.cuts());
    assert!(
        !Format::new("[year]-[month]-[day] [hour][minute][second][subsecond]")
            .unwrap()
            .cuts()
    );
}

#[test]
fn http_dates_are_spelled_as_they_are_read() {
    for instant in instants(2000) {
        if (FIRST..=LAST).contains(&instant.secs) {
            let spelled = Format::HttpDate.spell("", instant);
            assert_eq!(http_date(&spelled), Some(at(instant.secs, 0)), "{spelled}");
        }
    }
    let day = |text: &str| Format::HttpDate.spell("", parse(text).unwrap());
    assert_eq!(day("1994-11-06T08:49:37Z"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(
        day("2024-02-29T23:59:59.9Z"),
        "Thu, 29 Feb 2024 23:59:59 GMT"
    );
}

#[test]
fn strings_may_be_numbers_with_a_fraction_or_a_minus() {
    let read = |text: &str| Format::AsReceived.read(text, false);
    assert_eq!(read("1705314600.000250"), Some(at(1_705_314_600, 250_000)));
    assert_eq!(read("-440"), Some(at(-440, 0)));
    assert_eq!(read("-0.5"), Some(at(-1, 500_000_000)));
    assert_eq!(
        read("/Date(-62135596800000)/"),
        parse("0001-01-01T00:00:00Z")
    );
    for text in [
        "1e9",
        "-",
        ".5",
        "5.",
        "--5",
        "/Date()/",
        "/Date(-)/",
        "/Date(1+)/",
        "/Date(1e3)/",
        "/Date(1)",
        "/Date(+1)/",
        "/Date(1+x)/",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn values_are_read_in_one_way_and_bounds_are_sent_in_another() {
    let mixed = |read: &str, send: &str, zone: Option<&str>| {
        Format::mixed(
            Format::new(read).unwrap(),
            Format::new(send).unwrap(),
            zone.map(|zone| Zone::fixed(zone).unwrap()),
        )
    };
    let noon = parse("2024-01-15T10:30:00.123456Z").unwrap();
    for (read, send, zone, value, bound) in [
        (
            "as-received",
            "unix",
            None,
            "2024-01-15T10:30:00.123456Z",
            "1705314600",
        ),
        (
            "as-received",
            "unix-ms",
            Some("-05:00"),
            "2024-01-15 05:30:00.123456",
            "1705314600123",
        ),
        (
            "as-received",
            SPACED,
            Some("-05:00"),
            "2024-01-15T10:30:00.123456Z",
            "2024-01-15 05:30:00",
        ),
        (
            "as-received",
            "date",
            Some("+14:00"),
            "2024-01-15T10:30:00.123456Z",
            "2024-01-16",
        ),
        (
            "as-received",
            "as-received",
            Some("-05:00"),
            "2024-01-15 05:30:00.123456",
            "2024-01-15 05:30:00.123456",
        ),
        (
            FORMATS[8],
            "http-date",
            None,
            "2024-01-15T10:30:00.123456Z",
            "Mon, 15 Jan 2024 10:30:00 GMT",
        ),
        (
            "[unix_timestamp].[subsecond digits:6]",
            FORMATS[8],
            Some("-05:00"),
            "1705314600.123456",
            "2024-01-15T10:30:00.123+00",
        ),
    ] {
        let format = mixed(read, send, zone);
        assert_eq!(format.read(value, false), Some(noon), "{read} {send}");
        assert_eq!(format.spell(value, noon), bound, "{read} {send}");
        let cut = format.cut(noon);
        assert!(cut <= noon && noon.secs - cut.secs < 86_400);
        assert_eq!(format.cut(cut), cut);
        // What a state keeps of the bound leads to it again.
        let noted = format.noted(bound, cut);
        assert_eq!(
            format.read(&noted, false),
            Some(cut),
            "{read} {send} {noted}"
        );
        assert_eq!(format.spell(&noted, cut), bound);
    }
    assert_eq!(mixed("unix", "unix", None), Format::Unix);
    let zoned = mixed("as-received", "as-received", Some("+05:30"));
    let utc = |text| zoned.utc(text, false).map(Cow::into_owned);
    assert_eq!(
        utc("2024-01-15 05:30:00.12345678900").unwrap(),
        "2024-01-15T00:00:00.12345678900Z"
    );
    assert_eq!(utc("2024-01-15T05:30").unwrap(), "2024-01-15T00:00:00Z");
    assert_eq!(
        utc("2024-01-15T05:30:00-01:00").unwrap(),
        "2024-01-15T06:30:00Z"
    );
    assert_eq!(utc("05:30"), None);
}

#[test]
fn a_description_that_does_not_tell_the_instant_is_refused() {
    for text in [
        "",
        "iso8601",
        "[year]-[month]",
        "[year repr:last_two]-[month]-[day]",
        "[year]-[month]-[day] [hour repr:12]:[minute]",
        "[year]-[month]-[day] [minute]",
        "[year]-[month]-[day] [hour]:[second]",
        "[hour]:[minute]:[second]",
        "[year]-[month]-[day",
        "[yaer]-[month]-[day]",
        "[year]-[month]-[day] [hour]:[minute].[subsecond]",
        "[ignore count:10]",
        "%Y-%m-%d",
    ] {
        let error = Format::new(text).unwrap_err();
        assert!(
            error.contains("as-received") && error.contains(text),
            "{error}"
        );
    }
    assert_eq!(Format::new(SPACED), Format::new(SPACED));
    assert_ne!(Format::new(SPACED), Format::new("[year][month][day]"));
}

#[test]
fn a_utc_column_takes_what_the_cursor_takes() {
    let utc = |format: &str, text: &str, number| {
        let format = Format::new(format).unwrap();
        format.utc(text, number).map(Cow::into_owned)
    };
    let noon = Some("2024-01-15T10:30:00Z".to_owned());
    assert_eq!(utc("as-received", "1705314600", true), None);
    assert_eq!(utc("unix", "1705314600", true), noon);
    assert_eq!(utc("unix-ms", "1705314600000", false), noon);
    assert_eq!(
        utc("date", "2024-01-15", false).unwrap(),
        "2024-01-15T00:00:00Z"
    );
    assert_eq!(utc(SPACED, "2024-01-15 10:30:00", false), noon);
    let long = "2024-01-15 10:30:00.12345678900";
    assert_eq!(
        utc(SPACED, long, false).unwrap(),
        "2024-01-15T10:30:00.12345678900Z"
    );
    let swapped = "[year]-[day]-[month]T[hour]:[minute]:[second]Z";
    assert_eq!(
        utc(swapped, "2024-02-01T00:00:00Z", false).unwrap(),
        "2024-01-02T00:00:00Z"
    );
    for format in FORMATS {
        assert_eq!(
            utc(format, "2024-01-15T11:30:00.50+01", false).unwrap(),
            "2024-01-15T10:30:00.50Z"
        );
        assert_eq!(utc(format, "soon", false), None);
    }
}
