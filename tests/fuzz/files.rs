//! The finished files, as `table` and `compact` read them: what one takes the
//! other takes too, and it is the same table before and after.

use std::sync::Arc;

use highwater::cli::Options;
use highwater::compact;
use highwater::disk::{Disk, Os};
use highwater::error::{Error, Kind};
use highwater::table;

use crate::engine::fuzz;
use crate::support::{Scratch, files};
use crate::{ensure, is_json};

const NAME: &str = "user-20260101T000000Z";

/// Runs `table` over a folder, or `compact`.
fn print(dir: &Scratch) -> Result<String, Error> {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    let mut out = Vec::new();
    table::print(&options("table", dir), &disk, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn options(command: &str, dir: &Scratch) -> Options {
    let out = format!("--out={}", dir.path().display());
    Options::parse([command.into(), out.into()]).unwrap()
}

fn check(ending: &str, dir: &Scratch, input: &[u8]) -> Result<(), String> {
    for file in files(dir.path()) {
        std::fs::remove_file(dir.join(file)).unwrap();
    }
    dir.write(
        "state.json",
        r#"{"version":1,"last_updated_at":null,"seen":{},"part":null,"source":{"url":"u","table":"user","primary_key":["id"],"cursor":"t"}}"#,
    );
    dir.write(&format!("{NAME}.{ending}"), input);
    let printed = print(dir);
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    let compacted = compact::run(&options("compact", dir), &disk, &|_| false);
    match &printed {
        Ok(printed) => {
            for line in printed.lines() {
                ensure!(
                    is_json(line.as_bytes()) != Some(false),
                    "it prints what is no JSON: {line}"
                );
            }
            if let Err(error) = compacted {
                return Err(format!("table takes it, and compact does not: {error}"));
            }
            let after =
                print(dir).map_err(|error| format!("it cannot be read any more: {error}"))?;
            ensure!(
                after == *printed,
                "it is another table once it is compact:\n{printed}\n{after}"
            );
        }
        Err(error) => {
            let what = error.to_string();
            ensure!(
                error.kind() == Kind::Local && !error.hint_text().is_empty(),
                "{what}"
            );
            ensure!(
                what.contains(NAME) && what.contains(", line "),
                "it names no line: {what}"
            );
            ensure!(
                !what.contains(char::is_control),
                "a control character in {what:?}"
            );
            let said = compacted.err().map(|error| error.to_string());
            ensure!(
                said.as_ref() == Some(&what),
                "compact says {said:?}, table {what}"
            );
            let left = std::fs::read(dir.join(format!("{NAME}.{ending}")));
            ensure!(left.is_ok_and(|left| left == input), "the file was touched");
        }
    }
    Ok(())
}

#[test]
fn ndjson() {
    let samples = [
        "{\"id\":\"1\",\"n\":[1.50]}\n{\"id\":\"2\",\"o\":{\"a\":\"é\\n\"}}\n{\"id\":\"1\",\"n\":null}\n",
        "{\"id\":1,\"_seq\":1}\n{\"id\":2,\"_seq\":2}\n{\"_seq\":3,\"id\":1,\"_deleted\":true}\n",
        "\u{FEFF}{\"id\":\"a\"}\r\n\r\n{\"t\":\"2024-01-15T10:30:00Z\",\"id\":\"b\"}",
    ];
    let dir = Scratch::new();
    fuzz("ndjson", &samples.map(Vec::from), |input| {
        check("ndjson", &dir, input)
    });
}

#[test]
fn csv() {
    let samples = [
        "id,n,o\n1,1.50,\"{\"\"a\"\":1}\"\n2,,x\n1,\"a\nb\",\"\"\"\"\n",
        "id,_seq,_deleted\n1,1,\n2,2,false\n1,3,true\n",
        "\u{FEFF}n,id\r\n1,a\r\n\"é, \",b\r\n",
    ];
    let dir = Scratch::new();
    let mark = "\u{FEFF}".as_bytes();
    fuzz("csv", &samples.map(Vec::from), |input| {
        // No writer puts a byte order mark anywhere but at the start, and what
        // one means there is not said.
        let rest = input.get(1..).unwrap_or_default();
        if rest.windows(mark.len()).any(|bytes| bytes == mark) {
            return Ok(());
        }
        check("csv", &dir, input)
    });
}
