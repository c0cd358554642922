//! A suggestion: from the options alone the connection file that fits, and the
//! list of what could not be found out.

use crate::cli::Options;
use crate::error::{Error, Result};

use super::ask::opening;
use super::clause::Clause;
use super::discover::discover;
use super::draft;
use super::examine::{choose, fit, judge, prove, settings};
use super::file;
use super::finding::{Finding, Verdict};
use super::meeting::Meeting;
use super::setting::Fix;
use super::verdict::verdict;

/// Clauses without which there is nothing to suggest.
const SHAPE: [Clause; 4] = [Clause::Reachable, Clause::Rows, Clause::Key, Clause::Cursor];

/// What is suggested.
pub struct Suggested {
    /// The connection file's text; nothing where there is too little to go by.
    pub text: String,
    /// What is to be known of it, and what could not be found out.
    pub unknown: Vec<String>,
    /// Whether a sync with it would be sound, as far as was seen.
    pub result: Result<()>,
}

/// The connection file that fits what the options name: where that is an
/// address alone, its parameters are found out too.
///
/// # Errors
/// Whatever is wrong with the options, the network or this machine.
pub fn suggest(options: &Options) -> Result<Suggested> {
    let mut meeting = Meeting::begin(options)?;
    let (unknown, guessed) = find_out(options, &mut meeting)?;
    let mut first = match meeting.first()? {
        Ok(first) => first,
        Err(refusal) => {
            return Ok(Suggested {
                text: String::new(),
                unknown,
                result: verdict(&refusal.findings, refusal.halt, true),
            });
        }
    };
    let declared = meeting.names("columns");
    let (connection, asker) = (&mut meeting.connection, &mut meeting.asker);
    if !declared {
        connection.columns = None;
    }
    choose(connection, &first, &meeting.text);
    let mut fixes = fit(connection, &first);
    let mut findings = judge(connection, &mut first, asker);
    // Only another bound is worth asking all again.
    for again in [true, false] {
        let more = settings(&findings);
        more.iter().for_each(|fix| fix.apply(connection));
        let free = more.contains(&Fix::NoFirst);
        let respelled = more.iter().any(|fix| matches!(fix, Fix::Format(_)));
        fixes.extend(more);
        if !again || !(free || respelled) {
            break;
        }
        if free {
            first = asker.fetch(connection, &opening(connection))?;
            fixes.extend(fit(connection, &first));
        }
        findings = judge(connection, &mut first, asker);
    }
    prove(connection, &mut findings, asker);
    if let Some(error) = asker.halt.take() {
        return Err(error);
    }
    if options.since.is_some() && connection.since.first.is_some() {
        connection.since.first.clone_from(&meeting.given);
    }
    written(options, &meeting, &fixes, findings, (unknown, guessed))
}

/// Finds out the API's parameters, where none were given: what is to be said of
/// that, and whether the parameters are no more than a guess.
fn find_out(options: &Options, meeting: &mut Meeting) -> Result<(Vec<String>, bool)> {
    if !meeting.asks_by_default() {
        return Ok((Vec::new(), false));
    }
    let (plain, out) = draft::plain(&meeting.connection.url);
    let mut unknown: Vec<String> = out
        .iter()
        .map(|pair| format!("{pair} was taken out of the URL: \"query\" holds such parameters"))
        .collect();
    let mended = (!out.is_empty()).then(|| plain.clone());
    if !out.is_empty() {
        meeting.connection.url = plain;
        meeting.again(options)?;
    }
    let found = discover(meeting);
    let guessed = found.as_ref().map_or(true, |found| found.guessed);
    if let Err(why) = &found {
        unknown.extend(why.lines().map(str::to_owned));
    }
    if let Ok(found) = found
        && let Some(text) = draft::text(
            &found,
            &meeting.connection,
            &meeting.text,
            mended.as_deref(),
        )
    {
        let since = meeting.connection.since.first.take();
        draft::apply(&text, &mut meeting.connection)?;
        meeting.given.clone_from(&meeting.connection.since.first);
        if options.since.is_some() {
            meeting.connection.since.first = since;
        }
        if options.page_size.is_none() && !meeting.names("page_size") {
            meeting.connection.page_size = found.size;
        }
        if !found.sorted && !meeting.names("sorted") {
            meeting.connection.sorted = false;
        }
        meeting.text = text;
        unknown.extend(found.unknown);
    }
    // Other headers, and the patience that was asked for.
    meeting.again(options)?;
    Ok((unknown, guessed))
}

/// The file, and what is to be said of it.
fn written(
    options: &Options,
    meeting: &Meeting,
    fixes: &[Fix],
    findings: Vec<Finding>,
    (mut unknown, guessed): (Vec<String>, bool),
) -> Result<Suggested> {
    let (connection, text) = (&meeting.connection, &meeting.text);
    let noted = findings.iter().filter(|finding| finding.is_noted());
    unknown.extend(noted.map(|finding| {
        format!(
            "{}: {}{}",
            finding.clause.name(),
            finding.found,
            told(finding)
        )
    }));
    // With its settings written, that clause holds.
    let unmended = |finding: &Finding| finding.fix.is_none() || SHAPE.contains(&finding.clause);
    let open: Vec<Finding> = findings.into_iter().filter(unmended).collect();
    let shape = open
        .iter()
        .find(|finding| finding.verdict == Verdict::Broken && SHAPE.contains(&finding.clause));
    if let Some(finding) = shape {
        let error = Error::contract(format!("{}: {}", finding.clause.name(), finding.found));
        return Ok(Suggested {
            text: String::new(),
            unknown,
            result: Err(error.hint(&finding.remedy)),
        });
    }
    unknown.extend(file::notes(connection, options, text));
    let result = match guessed {
        true => verdict(&open, None, true).and_then(|()| proved(&open)),
        false => verdict(&open, None, true),
    };
    Ok(Suggested {
        text: file::file(connection, fixes, text, options)?,
        unknown,
        result,
    })
}

/// What is a guess is to be proved before it is relied on.
fn proved(open: &[Finding]) -> Result<()> {
    let Some(finding) = open.iter().find(|finding| finding.is_open()) else {
        return Ok(());
    };
    let text = format!("{} is not proved: {}", finding.clause.name(), finding.found);
    Err(Error::unproved(text).hint(
        "suggest again once the table has rows of several timestamps, or check the file by hand",
    ))
}

/// What a suggestion says of a clause's remedy.
fn told(finding: &Finding) -> String {
    match (&finding.fix, finding.remedy.as_str()) {
        (Some(_), _) => " (written into the file)".to_owned(),
        (None, "") => String::new(),
        (None, remedy) => format!(" ({remedy})"),
    }
}
