//! A check from its options to its report: it asks the API a few questions
//! and says which clauses of the contract hold, or writes the connection file
//! that fits. It keeps no rows, no state, and changes nothing on the disk.

mod ask;
mod bounds;
mod case;
mod clause;
mod clauses;
mod contact;
mod discover;
mod draft;
mod evidence;
mod examine;
mod families;
mod file;
mod finding;
mod meeting;
mod parameters;
mod questions;
mod rehearsal;
mod render;
mod search;
mod setting;
mod sheet;
mod suggest;
mod survey;
mod trial;
mod verdict;

use crate::cli::Options;
use crate::error::{Error, Result};
use crate::secret;

use finding::Finding;
use meeting::Meeting;
use verdict::verdict;

pub use suggest::{Suggested, suggest};

/// Runs a check. Answers what is for stdout, and how it came out.
pub fn run(options: &Options) -> (String, Result<()>) {
    let done = match options.suggest {
        true => suggest(options).map(written),
        false => report(options),
    };
    match done {
        Ok((text, result)) => (secret::redacted(&text).into_owned(), result),
        Err(error) => (String::new(), Err(error)),
    }
}

/// A suggestion: the file goes to stdout, and what it cannot tell goes to
/// stderr.
fn written(suggested: Suggested) -> (String, Result<()>) {
    for note in &suggested.unknown {
        log::warn!("{note}");
    }
    (suggested.text, suggested.result)
}

/// The report on a connection.
fn report(options: &Options) -> Result<(String, Result<()>)> {
    let mut meeting = Meeting::begin(options)?;
    let mut first = match meeting.first()? {
        Ok(first) => first,
        Err(refusal) => {
            let requests = meeting.asker.source.requests();
            return Ok(show(options, &refusal.findings, requests, refusal.halt));
        }
    };
    let (connection, asker) = (&meeting.connection, &mut meeting.asker);
    let mut findings = examine::judge(connection, &mut first, asker);
    examine::prove(connection, &mut findings, asker);
    findings.sort_by_key(|finding| finding.clause);
    let halt = asker.halt.take();
    Ok(show(options, &findings, asker.source.requests(), halt))
}

/// What is for stdout, and how the process ends.
fn show(
    options: &Options,
    findings: &[Finding],
    requests: u64,
    halt: Option<Error>,
) -> (String, Result<()>) {
    let result = verdict(findings, halt, options.json);
    let text = if options.json {
        render::json(findings, requests, result.is_ok())
    } else {
        render::table(findings, requests)
    };
    (text, result)
}
