//! The state: it is read and written again as the same, or refused by name.

use highwater::checkpoint::Checkpoint;
use highwater::error::Kind;

use crate::engine::fuzz;
use crate::{ensure, is_skipped_as_json};

const SAMPLES: [&str; 5] = [
    r#"{"last_updated_at":"2024-01-15T10:30:00Z"}"#,
    r#"{"version":1,"last_updated_at":null,"seen":{},"part":null,"source":{"url":"u","table":"user","primary_key":["id"],"cursor":"t"}}"#,
    r#"{"version":1,"last_updated_at":"2024-01-15T10:30:00Z","resume_from":null,"seen":{"1":"00000000000000ff,0000000000000001"},"part":{"file":"user-20240115T103000Z.ndjson","bytes":12,"rows":1,"tail":"00000000000000ff"}}"#,
    r#"{"version":2,"last_updated_at":"2024-01-15T10:30:00Z","resume_from":"2024-01-15T10:29:00Z","start":"2024-01-15T10:29:30Z","seen":{"a":"00000000000000ff@2024-01-15T10:29:59.5Z","\u00001":"0000000000000001@2024-01-15T10:30:00Z"},"question":{"since":null,"offset":100},"refuted":"why","checked_at":"2024-01-15T10:31:00Z","part":null,"files":{"last":"20240115T103000Z","rows":1,"seq":7,"columns":["id","t"],"load":{"done":"20240115T102900Z","waiting":[{"file":"user-20240115T103000Z.ndjson","bytes":12,"rows":1,"tail":"00000000000000ff","tried":true}]}},"source":{"url":"https://h/x","table":"user","primary_key":["id","n"],"cursor":"t"}}"#,
    r#"{"version":2,"last_updated_at":"x","seen":{},"question":{"since":"y","offset":0},"part":{"file":"a.csv","bytes":1,"rows":1,"rejected":{"file":"a-rejected.ndjson","bytes":0,"rows":0}},"files":{"seq":0,"rows":null,"last":null,"closed":[{"file":"b.csv","bytes":1,"rows":1}]},"source":{}}"#,
];

fn check(input: &[u8]) -> Result<(), String> {
    let state = match Checkpoint::parse(input) {
        Ok(state) => state,
        Err(error) => {
            let what = error.to_string();
            ensure!(error.kind() == Kind::Local, "{:?}: {what}", error.kind());
            ensure!(what.starts_with("the state is "), "{what}");
            ensure!(!error.hint_text().is_empty(), "no remedy for {what}");
            ensure!(
                !what.contains(char::is_control),
                "a control character in {what:?}"
            );
            return Ok(());
        }
    };
    ensure!(is_skipped_as_json(input), "serde_json refuses it");
    let render = |state: &Checkpoint| {
        let origin = state.origin.clone().unwrap_or_default();
        Checkpoint::render(&state.progress, &state.files, state.part.as_ref(), &origin)
    };
    let saved = render(&state);
    let again =
        Checkpoint::parse(&saved).map_err(|error| format!("it cannot be read again: {error}"))?;
    let expected = Checkpoint {
        origin: Some(state.origin.clone().unwrap_or_default()),
        ..state.clone()
    };
    ensure!(
        again == expected,
        "it is read again as {again:?}, not {expected:?}"
    );
    ensure!(render(&again) == saved, "it is written in two ways");
    for part in state.parts() {
        ensure!(
            !part.file.contains(['/', '\\']),
            "{:?} is out of the folder",
            part.file
        );
    }
    Ok(())
}

#[test]
fn state() {
    fuzz("state", &SAMPLES.map(Vec::from), check);
}
