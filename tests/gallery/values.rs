//! Every column type on its way through a whole sync, in both formats, to the
//! last digit; and rows whose values do not fit.

use serde_json::{Value, json};

use crate::custom::{Custom, page};
use crate::support::clock::BASE;
use crate::support::ndjson;
use crate::support::table::{Table, Ties};

/// Type, value as the API sends it, as it is in NDJSON, as it is in CSV.
const VALUES: [(&str, &str, &str, &str); 26] = [
    (
        "STRING",
        r#""a \"b\", \u00e9\n""#,
        r#""a \"b\", \u00e9\n""#,
        "\"a \"\"b\"\", é\n\"",
    ),
    ("STRING", "null", "null", ""),
    ("BOOLEAN", "true", "true", "true"),
    ("BOOLEAN", r#""false""#, "false", "false"),
    ("SHORT", "-32768", "-32768", "-32768"),
    ("INT", "2147483647", "2147483647", "2147483647"),
    ("INT", r#""-7""#, "-7", "-7"),
    (
        "LONG",
        "9223372036854775807",
        "9223372036854775807",
        "9223372036854775807",
    ),
    (
        "LONG",
        r#""-9223372036854775808""#,
        "-9223372036854775808",
        "-9223372036854775808",
    ),
    (
        "DECIMAL",
        "12345678901234567890.120",
        "12345678901234567890.120",
        "12345678901234567890.120",
    ),
    (
        "DECIMAL",
        r#""0.10000000000000000000000001""#,
        "0.10000000000000000000000001",
        "0.10000000000000000000000001",
    ),
    ("FLOAT", "3.4028234e38", "3.4028234e38", "3.4028234e38"),
    (
        "DOUBLE",
        "0.1000000000000000055511151231257827",
        "0.1000000000000000055511151231257827",
        "0.1000000000000000055511151231257827",
    ),
    ("DOUBLE", "1E-7", "1E-7", "1E-7"),
    ("DOUBLE", "-0.0", "-0.0", "-0.0"),
    (
        "NAIVE_DATE",
        r#""2024-02-29""#,
        r#""2024-02-29""#,
        "2024-02-29",
    ),
    (
        "NAIVE_DATETIME",
        r#""2024-02-29 23:59:59.123456789""#,
        r#""2024-02-29T23:59:59.123456789""#,
        "2024-02-29T23:59:59.123456789",
    ),
    (
        "UTC_DATETIME",
        r#""2024-01-15T10:30:00.123456789012Z""#,
        r#""2024-01-15T10:30:00.123456789012Z""#,
        "2024-01-15T10:30:00.123456789012Z",
    ),
    (
        "UTC_DATETIME",
        r#""2024-01-01T00:30:00.10+02:00""#,
        r#""2023-12-31T22:30:00.10Z""#,
        "2023-12-31T22:30:00.10Z",
    ),
    ("BINARY", r#""aGVsbG8=""#, r#""aGVsbG8=""#, "aGVsbG8="),
    (
        "XML",
        r#""<a b=\"c\">d</a>""#,
        r#""<a b=\"c\">d</a>""#,
        "\"<a b=\"\"c\"\">d</a>\"",
    ),
    (
        "JSON",
        r#"{ "a" : [1, 2.50, "x y"] }"#,
        r#"{"a":[1,2.50,"x y"]}"#,
        "\"{\"\"a\"\":[1,2.50,\"\"x y\"\"]}\"",
    ),
    ("JSON", r#""text""#, r#""text""#, "\"\"\"text\"\"\""),
    ("JSON", "1.00", "1.00", "1.00"),
    ("JSON", "null", "null", ""),
    ("STRING", r#""  ""#, r#""  ""#, "  "),
];

fn typed() -> Custom {
    let fields = |value: fn(&(&str, &str, &str, &str)) -> String| -> String {
        let field = |(number, entry)| format!("\"c{number}\":{}", value(entry));
        VALUES
            .iter()
            .enumerate()
            .map(field)
            .collect::<Vec<_>>()
            .join(",")
    };
    let types = fields(|entry| format!("\"{}\"", entry.0));
    let columns: Value = serde_json::from_str(&format!(
        "{{\"id\":\"STRING\",{types},\"updatedAt\":\"UTC_DATETIME\"}}"
    ))
    .unwrap();
    // The order counts, and a JSON value does not keep it.
    let names: Vec<String> = (0..VALUES.len())
        .map(|number| format!("c{number}"))
        .collect();
    assert!(names.iter().all(|name| columns.get(name).is_some()));
    let row = format!(
        "{{\"id\":\"1\",{},\"updatedAt\":\"2024-01-15T10:30:00Z\",\"extra\":7.0}}",
        fields(|entry| entry.1.to_owned())
    );
    let mut table = Table::new(Ties::Insertion);
    table.insert_json("1", BASE, row);
    let custom = Custom::start(json!({}), table, |request, table| {
        page(request, table, None, true)
    });
    let connection =
        format!("{{\"columns\":{{\"id\":\"STRING\",{types},\"updatedAt\":\"UTC_DATETIME\"}}}}");
    custom.scratch.write("connection.json", connection);
    custom
}

#[test]
fn each_type_keeps_every_digit_in_ndjson() {
    let custom = typed();
    let receipt = custom.sync(&[]).expect(0).receipt();
    let text =
        std::fs::read_to_string(custom.scratch.join(receipt["file"].as_str().unwrap())).unwrap();
    let values: Vec<String> = VALUES
        .iter()
        .enumerate()
        .map(|(number, entry)| format!("\"c{number}\":{}", entry.2))
        .collect();
    let expected = format!(
        "{{\"id\":\"1\",{},\"updatedAt\":\"2024-01-15T10:30:00Z\",\"extra\":7.0}}\n",
        values.join(",")
    );
    assert_eq!(text, expected);
}

#[test]
fn each_type_keeps_every_digit_in_csv() {
    let custom = typed();
    let outcome = custom.sync(&["--format", "csv"]).expect(0);
    let file = outcome.receipt()["file"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(custom.scratch.join(file)).unwrap();
    let (header, row) = text.split_once('\n').unwrap();
    assert!(
        header.starts_with("id,c0,c1,") && header.ends_with(",c25,updatedAt"),
        "{header}"
    );
    let values: Vec<&str> = VALUES.iter().map(|entry| entry.3).collect();
    assert_eq!(
        row,
        format!("1,{},2024-01-15T10:30:00Z\n", values.join(","))
    );
    assert_eq!(
        outcome.stderr.matches("\"extra\" has no column").count(),
        1,
        "{}",
        outcome.stderr
    );
}

/// Nine rows, of which the fourth and the eighth do not fit.
fn with_misfits(on_bad_row: &str) -> Custom {
    let mut table = Table::new(Ties::Insertion);
    for number in 1..=9 {
        let score = match number {
            4 => "\"high\"".to_owned(),
            8 => "1.5".to_owned(),
            number => number.to_string(),
        };
        let second = format!("2024-01-15T10:30:0{number}Z");
        let json =
            format!("{{\"id\":\"{number}\", \"score\": {score}, \"updatedAt\":\"{second}\"}}");
        table.insert_json(&number.to_string(), BASE + number * 1_000_000, json);
    }
    let columns = json!({"id": "STRING", "score": "INT"});
    let connection = json!({"columns": columns, "on_bad_row": on_bad_row});
    Custom::start(connection, table, |request, table| {
        let since = request
            .param("updated_since")
            .and_then(crate::support::clock::parse);
        page(request, table, since, true)
    })
}

#[test]
fn rows_that_do_not_fit_are_set_aside_with_their_reason() {
    let custom = with_misfits("reject");
    let outcome = custom.sync(&["--page-size", "3"]).expect(0);
    let receipt = outcome.receipt();
    assert_eq!(
        (&receipt["rows"], &receipt["rejected"]),
        (&json!(7), &json!(2)),
        "{receipt}"
    );
    let file = receipt["file"].as_str().unwrap();
    let rejected = file.replace(".ndjson", ".rejected.ndjson");
    assert!(outcome.stderr.contains(&rejected), "{}", outcome.stderr);
    let rejects = ndjson(custom.scratch.join(rejected));
    let row = json!({"id": "4", "score": "high", "updatedAt": "2024-01-15T10:30:04Z"});
    assert_eq!(rejects[0]["row"], row);
    assert_eq!(rejects[0]["field"], "score");
    assert!(
        rejects[0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("INT must be a whole number"),
        "{rejects:?}"
    );
    assert_eq!(rejects[1]["row"]["score"], 1.5);
    assert_eq!(rejects.len(), 2);
    // Neither kind comes again, and a row that was mended does.
    let again = custom.sync(&[]).expect(0).receipt();
    assert_eq!(
        (&again["rows"], &again["rejected"]),
        (&json!(0), &json!(0)),
        "{again}"
    );
    let mended = r#"{"id":"4","score":4,"updatedAt":"2024-01-15T10:30:10Z"}"#;
    custom
        .model
        .table()
        .update_json("4", BASE + 10_000_000, mended);
    assert_eq!(custom.rows(&[]).len(), 1);
}

#[test]
fn a_sync_of_nothing_but_misfits_leaves_no_empty_file() {
    let custom = with_misfits("reject");
    for number in 1..=9 {
        if number != 4 {
            custom.model.table().delete(&number.to_string());
        }
    }
    let receipt = custom.sync(&[]).expect(0).receipt();
    assert_eq!(
        (&receipt["file"], &receipt["rejected"]),
        (&Value::Null, &json!(1)),
        "{receipt}"
    );
    let files = crate::support::files(&custom.scratch.join("out"));
    assert!(
        files.iter().any(|name| name.ends_with(".rejected.ndjson")),
        "{files:?}"
    );
    assert_eq!(
        files.iter().filter(|name| name.contains("ndjson")).count(),
        1,
        "{files:?}"
    );
}

#[test]
fn a_row_that_does_not_fit_ends_the_sync_and_is_named() {
    let custom = with_misfits("fail");
    let outcome = custom.sync(&["--page-size", "3"]).expect(5);
    assert!(
        outcome.stderr.contains("(id \"4\"), field \"score\""),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.receipt()["rows"], 3);
    assert_eq!(outcome.receipt()["complete"], false);
}

#[test]
fn rejects_need_a_folder() {
    let outcome = with_misfits("reject").sync(&["--out", "-"]).expect(2);
    assert!(outcome.stderr.contains("--out DIR"), "{}", outcome.stderr);
}
