//! Files that are not as they were written, and keys that are not there.

use crate::support::{Scratch, files};
use crate::{compact, folder, print};

const NAME: &str = "user-20260101T000000Z";

/// What is said of a file.
#[track_caller]
fn said(dir: &Scratch, end: &str, content: impl AsRef<[u8]>) -> String {
    dir.write(&format!("{NAME}.{end}"), content.as_ref());
    let listed = || -> Vec<String> {
        let names = files(dir.path()).into_iter();
        names.filter(|name| name != ".lock").collect()
    };
    let before = listed();
    let error = print(dir, &[])
        .map_err(|error| (error.exit_code(), error))
        .unwrap_err();
    assert_eq!(error.0, 6);
    assert!(!error.1.hint_text().is_empty(), "{}", error.1);
    // Nothing is lost to a compaction of it.
    let refused = compact(dir, &[]).unwrap_err();
    assert_eq!(refused.to_string(), error.1.to_string());
    assert_eq!(listed(), before);
    error.1.to_string()
}

#[track_caller]
fn names(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_damaged_line_is_named_with_its_file() {
    let ndjson = |content: &str| said(&folder(&["id"]), "ndjson", content);
    let good = "{\"id\":\"1\",\"n\":[1]}\n";
    for (bad, part) in [
        ("{\"id\":\"2\",\"n\":[", "cut short"),
        ("{\"id\":\"2\",\"n\":\"x", "cut short"),
        ("{\"id\":\"2\"", "cut short"),
        ("nonsense\n", "no JSON object"),
        ("[1]\n", "no JSON object"),
        ("\u{FEFF}{\"id\":\"2\"}\n", "no JSON object"),
        ("{\"id\":\"2\"}{\"id\":\"3\"}\n", "something follows"),
        ("{\"id\":\"\u{1}\"}\n", "control character"),
        ("\0\0\0\0", "no JSON object"),
        ("{\"ident\":\"2\"}\n", "no \"id\""),
        ("{\"id\":null}\n", "neither a string nor a number"),
        ("{\"id\":[1]}\n", "neither a string nor a number"),
    ] {
        let text = ndjson(&format!("{good}\n{good}{bad}"));
        names(&text, &[NAME, ".ndjson, line 4: ", part]);
    }
    let dir = folder(&["id"]);
    let text = said(&dir, "ndjson", b"{\"id\":\"1\"}\n{\"id\":\"\xFF\"}\n");
    names(&text, &["line 2", "not Unicode"]);
    let deep = format!(
        "{{\"id\":\"1\",\"n\":{}1{}}}\n",
        "[".repeat(200),
        "]".repeat(200)
    );
    names(&ndjson(&deep), &["line 1", "nest"]);
}

#[test]
fn a_damaged_record_is_named_with_its_file() {
    let csv = |content: &str| said(&folder(&["id"]), "csv", content);
    for (bad, parts) in [
        (
            "id,n\n1,\"a\nb\"\n2\n",
            &["line 4", "1 fields, the header 2"][..],
        ),
        ("id,n\n1,a,b\n", &["line 2", "3 fields"]),
        ("id,n\n1,a\n2,b", &["line 3", "cut short"]),
        ("id,n\n1,a\n2,\"b\n", &["cut short"]),
        ("id,n\n1,a\n2", &["line 3", "1 fields"]),
        ("id,n,id\n1,a,1\n", &["line 1", "\"id\" is there twice"]),
        ("ident,n\n1,a\n", &["line 1", "no column holds \"id\""]),
        ("id", &["cut short"]),
    ] {
        names(&csv(bad), &[NAME, ".csv"]);
        names(&csv(bad), parts);
    }
    let text = said(&folder(&["id"]), "csv", b"id,n\n1,a\n2,\xFF\n");
    names(&text, &["line 3", "not Unicode"]);
}

#[test]
fn empty_files_and_a_header_alone_are_no_rows() {
    let dir = folder(&["id"]);
    for (name, content) in [
        ("user-20260101T000001Z.csv", ""),
        ("user-20260101T000002Z.ndjson", ""),
        ("user-20260101T000003Z.csv", "id,n\n"),
        ("user-20260101T000004Z.csv", "\u{FEFF}id\r\n"),
        ("user-20260101T000005Z.ndjson", "\n \r\n"),
    ] {
        dir.write(name, content);
        assert_eq!(print(&dir, &[]).unwrap(), "", "{name}");
        assert_eq!(print(&dir, &["--format=csv"]).unwrap(), "", "{name}");
    }
    let done = compact(&dir, &[]).unwrap();
    assert_eq!((done.file, done.rows, done.replaced), (None, 0, 5));
}

#[test]
fn keys_that_csv_cannot_tell_apart_are_told_rather_than_merged() {
    let dir = folder(&["id"]);
    let both = "{\"id\":1}\n{\"id\":\"1\"}\n";
    dir.write(&format!("{NAME}.ndjson"), both);
    assert_eq!(print(&dir, &[]).unwrap(), both);
    assert_eq!(print(&dir, &["--format=csv"]).unwrap(), "id\n1\n1\n");
    let error = compact(&dir, &["--format=csv"]).unwrap_err();
    names(
        &error.to_string(),
        &["line 2", "a number in some rows and a string in others"],
    );
    let text = said(&dir, "csv", "id\n1\n");
    names(&text, &["a number in some rows and a string in others"]);
}

#[test]
fn keys_from_csv_are_in_ndjson_what_the_other_rows_have() {
    let dir = folder(&["id"]);
    dir.write(
        "user-20260101T000000Z.csv",
        "id,n,_seq,_deleted\n1,7,1,\n2,,2,false\n",
    );
    let plain = "{\"id\":\"1\",\"n\":\"7\",\"_seq\":1,\"_deleted\":null}\n{\"id\":\"2\",\"n\":null,\"_seq\":2,\"_deleted\":false}\n";
    assert_eq!(print(&dir, &[]).unwrap(), plain);
    let error = compact(&dir, &["--format=ndjson"]).unwrap_err();
    names(&error.to_string(), &["numbers or strings"]);
    dir.write("user-20260101T000001Z.ndjson", "{\"id\":3}\n");
    compact(&dir, &[]).unwrap();
    let numbers = plain.replace("\"1\"", "1").replace("\"2\"", "2");
    assert_eq!(print(&dir, &[]).unwrap(), numbers + "{\"id\":3}\n");
}

#[test]
fn a_nested_key_is_found_without_and_with_the_connection_file() {
    let dir = folder(&["fields_id"]);
    dir.write(
        "user-20260101T000000Z.csv",
        "n,fields\n1,\"{\"\"id\"\":\"\"a\"\"}\"\n2,\"{\"\"id\"\":\"\"b\"\"}\"\n",
    );
    dir.write(
        "user-20260101T000001Z.ndjson",
        "{\"fields\":{\"id\":\"a\"},\"n\":3}\n",
    );
    let connection =
        r#"{"primary_key":["/fields/id"],"cursor":"t","columns":{"n":"LONG","t":"UTC_DATETIME"}}"#;
    let config = format!(
        "--config={}",
        dir.write("connection.json", connection).display()
    );
    let wanted = "{\"n\":\"2\",\"fields\":{\"id\":\"b\"}}\n{\"fields\":{\"id\":\"a\"},\"n\":3}\n";
    for flags in [&[][..], &[&*config], &["--state=none", &config]] {
        assert_eq!(print(&dir, flags).unwrap(), wanted, "{flags:?}");
    }
    let declared = r#"{"primary_key":["/fields/id"],"columns":{"/fields/id":"STRING"}}"#;
    dir.write("connection.json", declared);
    let error = print(&dir, &[&config]).unwrap_err().to_string();
    names(&error, &["line 1", "no column holds \"fields_id\""]);
    dir.write(
        "connection.json",
        r#"{"primary_key":["other"],"columns":{"other":"STRING"}}"#,
    );
    let error = print(&dir, &[&config]).unwrap_err().to_string();
    names(&error, &["another primary key"]);
}
