//! A check from its options to its report: it asks the API a few questions
//! and says which clauses of the contract hold, or writes the connection file
//! that fits. It keeps no rows, no state, and changes nothing on the disk.

mod ask;
mod columns;
mod contact;
mod evidence;
mod find;
mod fix;
mod guess;
mod lists;
mod order;
mod paging;
mod parameters;
mod rehearsal;
mod report;
mod shape;
mod suggest;

use crate::cli::Options;
use crate::clock::SystemClock;
use crate::config::Connection;
use crate::connect;
use crate::error::{Error, Kind, Result};
use crate::secret;
use crate::session::start::instant;

use ask::{Answer, Asker};
use fix::Fix;
use rehearsal::Rehearsed;
use report::{Check, Verdict};

/// A first request that fails is not worth the patience of a sync, unless it
/// is asked for: whoever checks is there and waits.
const RETRIES: u32 = 2;
/// One setting can bring the next to light; there are no more than this.
const ROUNDS: usize = 8;

/// The order in which clauses are shown.
const ORDER: [&str; 22] = [
    "reachable",
    "credentials",
    "parameters",
    "rows",
    "key",
    "cursor",
    "precision",
    "sorted",
    "filter",
    "coverage",
    "bound",
    "spelling",
    "ties",
    "offset",
    "echo",
    "limit",
    "total",
    "depth",
    "end",
    "sync",
    "rate limit",
    "clock",
];

/// Runs a check: what is for stdout, and how it came out.
pub fn run(options: &Options) -> (String, Result<()>) {
    match attempt(options) {
        Ok((text, result)) => (secret::redacted(&text).into_owned(), result),
        Err(error) => (String::new(), Err(error)),
    }
}

fn attempt(options: &Options) -> Result<(String, Result<()>)> {
    let (mut of, secrets) = connect::connection(options)?;
    let given = of.since.first.clone();
    if let Some(since) = instant(options.since.as_deref(), "--since", &of.since.format)? {
        of.since.first = Some(since.text);
    }
    if options.config.is_none()
        && let Some(table) = suggest::table(&of.url)
    {
        of.table = table;
    }
    let source = connect::source(options, &of, &secrets)?;
    let retries = options.max_retries.unwrap_or(of.max_retries.min(RETRIES));
    let mut asker = Asker {
        source: connect::patient(source, options, &of, &secrets, retries)?,
        clock: Box::new(SystemClock),
        status: None,
        halt: None,
    };
    let mut first = match asker.fetch(&of, &ask::opening(&of)) {
        Ok(answer) => answer,
        Err(error) if matches!(error.kind(), Kind::Usage | Kind::Local) => return Err(error),
        Err(error) => {
            let status = asker.status;
            let checks = contact::failed(&of, &error, status, &mut asker);
            // A parameter that is to blame can be mended, whatever the status.
            let named = checks.iter().any(|check| check.clause == "parameters");
            let halt = Some(error).filter(|_| !named);
            return Ok(show(options, &checks, asker.source.requests(), halt));
        }
    };
    if !options.suggest {
        let mut checks = judge(&of, &first, &mut asker);
        prove(&of, &mut checks, &mut asker);
        let halt = asker.halt.take();
        return Ok(show(options, &checks, asker.source.requests(), halt));
    }
    let mut fixes = fit(&mut of, &first);
    let mut checks = judge(&of, &first, &mut asker);
    // Only another bound is worth asking all again.
    for again in [true, false] {
        let more = settings(&checks);
        more.iter().for_each(|fix| fix.apply(&mut of));
        let free = more.contains(&Fix::NoFirst);
        let respelled = more.iter().any(|fix| matches!(fix, Fix::Format(_)));
        fixes.extend(more);
        if !again || !(free || respelled) {
            break;
        }
        if free {
            first = asker.fetch(&of, &ask::opening(&of))?;
            fixes.extend(fit(&mut of, &first));
        }
        checks = judge(&of, &first, &mut asker);
    }
    prove(&of, &mut checks, &mut asker);
    if let Some(error) = asker.halt.take() {
        return Ok((String::new(), Err(error)));
    }
    if options.since.is_some() && of.since.first.is_some() {
        of.since.first = given;
    }
    // With its settings written, that clause holds.
    let unmended = |check: &Check| check.fix.is_none() || SHAPE.contains(&check.clause);
    for check in checks.iter().filter(|check| noted(check)) {
        log::warn!("{}: {}{}", check.clause, check.found, told(check));
    }
    let open: Vec<Check> = checks.into_iter().filter(unmended).collect();
    let shape = open
        .iter()
        .find(|check| check.verdict == Verdict::Broken && SHAPE.contains(&check.clause));
    if let Some(check) = shape {
        let error = Error::contract(format!("{}: {}", check.clause, check.found));
        return Ok((String::new(), Err(error.hint(&check.remedy))));
    }
    let text = match &options.config {
        None => "{}".to_owned(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))?,
    };
    for note in suggest::notes(&of, options, &text) {
        log::warn!("{note}");
    }
    let file = suggest::file(&of, &fixes, &text, options)?;
    Ok((file, verdict(&open, None, true)))
}

/// Whether whoever reads a suggestion is to know.
fn noted(check: &Check) -> bool {
    matches!(check.verdict, Verdict::Warning | Verdict::Broken)
}

/// Clauses without which there is nothing to suggest.
const SHAPE: [&str; 4] = ["reachable", "rows", "key", "cursor"];

fn told(check: &Check) -> String {
    match (&check.fix, check.remedy.as_str()) {
        (Some(_), _) => " (written into the file)".to_owned(),
        (None, "") => String::new(),
        (None, remedy) => format!(" ({remedy})"),
    }
}

/// All clauses, as far as this connection lets them be seen.
fn judge(of: &Connection, first: &Answer, asker: &mut Asker) -> Vec<Check> {
    let live = asker.source.waits();
    let now = asker.clock.now();
    let mut checks = contact::reached(of, first, live);
    if checks.iter().any(|check| check.verdict == Verdict::Broken) {
        return checks;
    }
    let shape = shape::judge(of, first);
    match first.page(of) {
        Ok(page) if page.is_empty() => {
            checks.extend(shape);
            checks.retain(|check| check.clause != "rows");
            let all = evidence::gather(of, first, asker);
            checks.push(none(of, &all, asker));
        }
        Ok(_) => {
            let all = evidence::gather(of, first, asker);
            checks.extend(paging::judge(of, &all));
            // What the page itself tells of a place goes before what follows from it.
            for check in shape {
                if !checks.iter().any(|known| known.clause == check.clause) {
                    checks.push(check);
                }
            }
        }
        Err(error) => {
            let named = shape.iter().any(|check| check.verdict == Verdict::Broken);
            checks.extend(shape);
            if !named {
                checks.push(Check::broken("rows", error.to_string()).remedy(error.remedy()));
            }
            checks.push(Check::skipped(
                "filter",
                "paging and filter are asked for once the rows can be read",
            ));
        }
    }
    checks.extend(contact::headers(
        of,
        &first.response,
        now,
        live,
        asker.source.count(),
    ));
    // Stable: clauses that are not in the list come last.
    let place = |check: &Check| ORDER.iter().position(|clause| *clause == check.clause);
    checks.sort_by_key(|check| place(check).unwrap_or(ORDER.len()));
    checks
}

/// The verdict on an answer without rows.
fn none(of: &Connection, all: &evidence::Evidence, asker: &mut Asker) -> Check {
    let free = all
        .unfiltered
        .as_ref()
        .and_then(|probe| probe.seen.as_ref().ok());
    match free {
        Some(page) if !page.is_empty() => {
            let first = of.since.first.as_deref().unwrap_or_default();
            Check::broken(
                "rows",
                format!(
                    "none from {first} on, but {} without the filter",
                    page.len()
                ),
            )
            .fix(Some(Fix::NoFirst))
        }
        _ => parameters::hiding(of, asker).unwrap_or_else(|| {
            Check::warning("rows", "none: of an empty table nothing more can be seen")
        }),
    }
}

/// Rehearses a sync where nothing speaks against one, and one with the
/// settings that are called for: advice that would break a sync is withheld.
fn prove(of: &Connection, checks: &mut Vec<Check>, asker: &mut Asker) {
    let shown = checks
        .iter()
        .any(|check| check.clause == "rows" && check.verdict == Verdict::Ok);
    if asker.halt.is_some() || !shown {
        return;
    }
    let advised =
        |check: &Check| noted(check) && !matches!(check.fix, None | Some(Fix::Columns(..)));
    let mut broken = checks.iter().any(|check| check.loses);
    if !broken {
        match rehearsal::rehearse(of, asker, rehearsal::PAGES) {
            Some(Rehearsed::Sound(check)) => checks.push(check),
            Some(Rehearsed::Broken(check)) => {
                broken = true;
                checks.push(check);
            }
            None => return,
        }
    }
    let fixes: Vec<Fix> = checks
        .iter()
        .filter(|check| advised(check))
        .filter_map(|check| check.fix.clone())
        .collect();
    if fixes.is_empty() {
        return;
    }
    let mut mended = of.clone();
    fixes.iter().for_each(|fix| fix.apply(&mut mended));
    let result = rehearsal::rehearse(&mended, asker, rehearsal::ADVISED);
    if let Some(Rehearsed::Broken(found)) = result {
        if !broken {
            let kept = checks.iter_mut().filter(|check| advised(check));
            kept.for_each(|check| check.fix = None);
            return;
        }
        let text = format!("with the settings above, {}", found.found);
        checks.retain(|check| check.clause != "sync");
        checks.push(Check::broken("sync", text).remedy(found.remedy));
    }
}

/// What the clauses call for.
fn settings(checks: &[Check]) -> Vec<Fix> {
    checks
        .iter()
        .filter_map(|check| check.fix.clone())
        .collect()
}

/// Mends the connection until the answer's shape calls for nothing more.
fn fit(of: &mut Connection, first: &Answer) -> Vec<Fix> {
    let mut all: Vec<Fix> = Vec::new();
    // A column's type depends on how timestamps are read, so columns are last.
    for last in [false, true] {
        for _ in 0..ROUNDS {
            let mut new = settings(&shape::judge(of, first));
            new.retain(|fix| !all.contains(fix) && (last || !matches!(fix, Fix::Columns(..))));
            if new.is_empty() {
                break;
            }
            new.iter().for_each(|fix| fix.apply(of));
            all.extend(new);
        }
    }
    all
}

/// What is for stdout, and how the process ends.
fn show(
    options: &Options,
    checks: &[Check],
    requests: u64,
    halt: Option<Error>,
) -> (String, Result<()>) {
    let result = verdict(checks, halt, options.json || options.suggest);
    let text = if options.suggest {
        String::new()
    } else if options.json {
        report::json(checks, requests, result.is_ok())
    } else {
        report::table(checks, requests)
    };
    (text, result)
}

/// The exit code: a table has said already what there is to say.
fn verdict(checks: &[Check], halt: Option<Error>, loud: bool) -> Result<()> {
    let error = halt.or_else(|| {
        let bad: Vec<&Check> = checks.iter().filter(|check| check.loses).collect();
        let first = bad.first()?;
        let text = format!("{}: {}", first.clause, first.found);
        let refused = bad
            .iter()
            .all(|check| matches!(check.clause, "spelling" | "parameters"));
        let error = if refused {
            Error::refused(text)
        } else {
            Error::contract(text)
        };
        Some(error.hint(&first.remedy))
    });
    match error {
        None => Ok(()),
        Some(error) if loud => Err(error),
        Some(error) => Err(error.quiet()),
    }
}
