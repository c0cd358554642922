//! The same differences by every way of paging, and from a recording of each.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::support::clock::{BASE, SECOND, parse, rfc3339};
use crate::support::http::{Reply, Request, Server};
use crate::support::{Scratch, highwater, run};
use crate::{audit, sync};

/// A key of two fields, and the second in which the row changed.
type Row = (i64, &'static str, i64);

/// Answers from these rows as the parameters ask.
fn answer(rows: &[Row], request: &Request) -> Reply {
    let number = |name| {
        request
            .param(name)
            .map(|text| text.parse::<usize>().unwrap())
    };
    let limit = number("limit").unwrap();
    let since = request.param("since").and_then(parse).unwrap_or(0);
    let mut rows: Vec<Row> = rows.to_vec();
    if request.param("sort").is_some() {
        rows.sort_by_key(|row| row.2);
    }
    rows.retain(|row| BASE + row.2 * SECOND >= since);
    let page = number("page").map(|page| (page - 1) * limit);
    let offset = number("offset")
        .or(page)
        .or(number("first").map(|first| first - 1));
    let page = rows.iter().skip(offset.unwrap()).take(limit);
    let page = page.map(|(a, b, at)| {
        format!(
            r#"{{"a":{a},"b":"{b}","at":"{}"}}"#,
            rfc3339(BASE + at * SECOND)
        )
    });
    let (page, total): (Vec<String>, _) = (page.collect(), rows.len());
    Reply::json(format!(
        r#"{{"data":[{}],"total":{total}}}"#,
        page.join(",")
    ))
}

#[test]
fn every_way_of_paging_finds_what_is_missing_and_what_was_deleted() {
    let all = || -> Vec<Row> {
        let keys = ["x", "y"]
            .into_iter()
            .flat_map(|b| (0..15).map(move |a| (a, b)));
        keys.zip(0..)
            .map(|((a, b), at)| (a, b, (at * 7) % 30))
            .collect()
    };
    for (way, sorted) in [
        (r#""offset":"{offset}","sort":"at""#, true),
        (r#""first":"{offset1}","sort":"at""#, true),
        (r#""page":"{page}","sort":"at""#, true),
        (r#""offset":"{offset}""#, false),
        (r#""page":"{page}""#, false),
    ] {
        let dir = Scratch::new();
        let rows = Arc::new(Mutex::new(all()));
        let shared = Arc::clone(&rows);
        let server = Server::start(move |request| answer(&shared.lock().unwrap(), request));
        dir.write("c.json", format!(
            r#"{{"table":"t","primary_key":["a","b"],"cursor":"at","sorted":{sorted},"page_size":7,
                "query":{{"since":"{{since}}","limit":"{{limit}}",{way}}},"response":{{"offset":null}}}}"#
        ));
        let config = dir.join("c.json").display().to_string();
        let url = server.url("/");
        let flags = ["--url", &*url, "--config", &config];
        sync(&dir, &flags);
        let report = audit(&dir, &flags).unwrap();
        assert_eq!(
            (report.alike, report.alike_all),
            (30, true),
            "{way}: {report:?}"
        );
        {
            let mut rows = rows.lock().unwrap();
            rows.retain(|row| (row.0, row.1) != (3, "y"));
            rows.iter_mut()
                .find(|row| (row.0, row.1) == (4, "x"))
                .unwrap()
                .2 = 40;
            rows.insert(9, (99, "x", 12));
        }
        let tape = dir.join("tape.ndjson").display().to_string();
        let elsewhere = dir.join("elsewhere").display().to_string();
        let words = [
            &["sync", "--out", &elsewhere, "--record", &tape],
            &flags[..],
        ]
        .concat();
        run(highwater(dir.path()).args(words)).expect(0);
        for replayed in [&[][..], &["--replay", &tape]] {
            let report = audit(&dir, &[&flags[..], replayed].concat()).unwrap();
            let place = format!("{way} {replayed:?}: {report:?}");
            let mut missing = report.missing_ids;
            missing.sort_unstable();
            assert_eq!(missing, ["4, x", "99, x"], "{place}");
            assert_eq!(report.deleted_ids, ["3, y"], "{place}");
            assert_eq!((report.alike, report.never), (28, 1), "{place}");
        }
        let words = [&["audit", "--repair"], &flags[..]].concat();
        run(highwater(dir.path()).args(words)).expect(0);
        let report = audit(&dir, &flags).unwrap();
        assert_eq!(
            (report.alike, report.alike_all),
            (30, true),
            "{way}: {report:?}"
        );
        assert!(fs::exists(dir.join("out/state.json")).unwrap());
    }
}
