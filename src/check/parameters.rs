//! Finding the parameter that is to blame: a request without any, then one
//! more at a time, and where an API asks for some, one fewer at a time.

use crate::config::Connection;
use crate::error::Error;
use crate::exchange::Request;
use crate::template::Slot;

use super::ask::{Answer, Asked, Asker, opening, parameters};
use super::clause::Clause;
use super::finding::Finding;
use super::survey::fields::lists;
use super::survey::json::is_json;

/// Parameters that are tried.
const MOST: usize = 12;

/// The parameters without which the API answers, where there are such.
pub(super) fn refused(
    connection: &Connection,
    error: &Error,
    asker: &mut Asker,
) -> Option<Finding> {
    let asked = opening(connection);
    let all = parameters(connection, &asked);
    if all.is_empty() {
        return None;
    }
    // What fails here was tried again already.
    asker.source.set_patience(0);
    let blamed = if with(connection, &asked, &[], asker).is_some() {
        one_more(connection, &asked, &all, asker)
    } else if matches!(asker.source.status(), Some(400 | 409 | 413 | 414 | 422)) {
        one_fewer(connection, &asked, &all, asker)
            .into_iter()
            .collect()
    } else {
        Vec::new()
    };
    let names: Vec<String> = blamed
        .iter()
        .map(|at| format!("{}={}", all[*at].0, all[*at].1))
        .collect();
    let remedies: Vec<String> = blamed
        .iter()
        .map(|at| remedy(connection, &all[*at].0))
        .collect();
    let (name, many) = (names.join(", "), names.len() > 1);
    let (are, them) = if many { ("are", "them") } else { ("is", "it") };
    (!names.is_empty()).then(|| {
        Finding::broken(
            Clause::Parameters,
            format!("{name} {are} not taken, without {them} the API answers; it said: {error}"),
        )
        .remedy(remedies.join("; "))
    })
}

/// The parameters that leave no rows, where there are rows without any
/// parameter: how many rows, and which parameters.
pub(super) fn hiding(connection: &Connection, asker: &mut Asker) -> Option<(usize, String)> {
    let asked = opening(connection);
    let all = parameters(connection, &asked);
    // They may be no rows of this connection: what counts is that there are some.
    let rows = |mut answer: Answer| match answer.page(connection) {
        Ok(page) if !page.is_empty() => page.len(),
        _ if !is_json(&answer.body) => 0,
        _ => lists(&answer.body)
            .first()
            .map_or(0, |(_, rows)| rows.len()),
    };
    let bare = with(connection, &asked, &[], asker).map(rows)?;
    if bare == 0 || all.is_empty() {
        return None;
    }
    let (mut good, mut hiding) = (Vec::new(), Vec::new());
    for at in 0..all.len().min(MOST) {
        let tried = [&good[..], &[at]].concat();
        match with(connection, &asked, &tried, asker).map(rows) {
            Some(0) | None => hiding.push(at),
            Some(_) => good = tried,
        }
    }
    let names = hiding
        .iter()
        .map(|at| format!("{}={}", all[*at].0, all[*at].1));
    Some((bare, names.collect::<Vec<_>>().join(", ")))
}

/// The answer with these parameters alone.
fn with(
    connection: &Connection,
    asked: &Asked,
    kept: &[usize],
    asker: &mut Asker,
) -> Option<Answer> {
    let alter = |mut request: Request| {
        let all = std::mem::take(&mut request.query).into_iter().enumerate();
        let kept = all.filter(|(at, _)| kept.contains(at));
        request.query = kept.map(|(_, pair)| pair).collect();
        request
    };
    asker.fetch_altered(connection, asked, &alter).ok()
}

/// Those that are not taken beside those before them that are.
fn one_more(
    connection: &Connection,
    asked: &Asked,
    all: &[(String, String)],
    asker: &mut Asker,
) -> Vec<usize> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for at in 0..all.len().min(MOST) {
        let tried = [&good[..], &[at]].concat();
        if with(connection, asked, &tried, asker).is_some() {
            good = tried;
        } else if asker.source.status().is_none() {
            // The network failed: nothing can be learned any more.
            return Vec::new();
        } else {
            bad.push(at);
        }
    }
    bad
}

/// The one without which the others are taken.
fn one_fewer(
    connection: &Connection,
    asked: &Asked,
    all: &[(String, String)],
    asker: &mut Asker,
) -> Option<usize> {
    (0..all.len().min(MOST)).find(|at| {
        let others: Vec<usize> = (0..all.len()).filter(|other| other != at).collect();
        with(connection, asked, &others, asker).is_some()
    })
}

/// What to do about a parameter.
fn remedy(connection: &Connection, name: &str) -> String {
    let template = connection.query.iter().find(|(known, _)| known == name);
    let holds = |slot| template.is_some_and(|(_, template)| template.holds(slot));
    if holds(Slot::Limit) {
        "ask for fewer rows: a smaller \"page_size\"".to_owned()
    } else if holds(Slot::Since) {
        "\"since\": {\"first\": null} leaves it out of a first sync; or write it in another form with \"format\""
            .to_owned()
    } else {
        format!(
            "\"query\" in the connection file: does the API know {name}, or call it something else? without a \"query\" --suggest tries those of APIs that it knows"
        )
    }
}
