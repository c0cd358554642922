//! Finding out an API's parameters from its address alone: a request without
//! any shows what the answers are like, then the families' parameters are tried
//! one after the other. One that has no effect, since it is ignored, does not
//! count as found.

use crate::json;

use super::ask::Answer;
use super::examine::{choose, fit};
use super::families::{FAMILIES, Family, Hint};
use super::meeting::{Meeting, RETRIES};
use super::search::{Found, Search, fill, format_of};
use super::setting::spelled;
use super::survey::json::whole;
use super::trial::{Pair, Trial};

/// Finds out the parameters.
///
/// # Errors
/// Why nothing could be found out, in words.
pub(super) fn discover(meeting: &mut Meeting) -> Result<Found, String> {
    let mut connection = meeting.connection.clone();
    connection.query.clear();
    let meeting_format = connection.since.format.clone();
    let mut trial = Trial::new(connection, &mut meeting.asker, RETRIES);
    let bare = bare(&mut trial)?;
    choose(&mut trial.connection, &bare, &meeting.text);
    let format = format_of(&fit(&mut trial.connection, &bare));
    let sheet = trial.read(&bare).unwrap_or_default();
    let timed = sheet.times.iter().flatten().count();
    if sheet.ids.len() < 2 || timed == 0 || sheet.ids.iter().any(String::is_empty) {
        return Err(
            "the answer without parameters shows fewer than two rows with a key and a timestamp, so that nothing could be tried"
                .to_owned(),
        );
    }
    let size = sheet.ids.len() as u64;
    let mut search = Search::new(trial, ranked(&bare), size, format);
    search.pages(&sheet);
    search.cursor(&bare, &meeting_format);
    search.totals();
    search.sizes();
    let connection = search.trial.connection;
    let mut found = search.found;
    if !found
        .query
        .iter()
        .any(|(_, value)| value.contains("{since}"))
    {
        // A filter that is not known is no connection yet.
        let mut unknown = found.unknown;
        unknown
            .push("\"query\": what is in the file is the default one, not this API's".to_owned());
        return Err(unknown.join("\n"));
    }
    if found.format.is_some() && found.spelling.is_none() {
        let name = spelled(&connection.cursor);
        let note = format!(
            "the zone of {name}: its times have no offset and are read as UTC; where they are not, \"since\": {{\"zone\": …}} says which"
        );
        found.unknown.push(note);
    }
    meeting.connection.cursor = connection.cursor;
    meeting.connection.primary_key = connection.primary_key;
    meeting.connection.response = connection.response;
    Ok(found)
}

/// The answer without parameters, or where the API wants some with those for
/// pages alone.
fn bare(trial: &mut Trial<'_>) -> Result<Answer, String> {
    if let Some(bare) = trial.answer(&[], &[], fill(None, 1, 0)) {
        return Ok(bare);
    }
    match trial.status() {
        Some(200..300) => return Err("the answer without parameters is no JSON".to_owned()),
        Some(400 | 422 | 500) => {}
        // What is wrong is told by the error itself.
        _ => return Err(String::new()),
    }
    let pages = FAMILIES.iter().flat_map(|family| family.pages);
    let mut wanted: Vec<Vec<Pair>> = Vec::new();
    for pairs in pages {
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        let pairs: Vec<Pair> = pairs.iter().map(owned).collect();
        if !wanted.contains(&pairs) {
            wanted.push(pairs);
        }
    }
    let answer = wanted
        .iter()
        .find_map(|pairs| trial.answer(pairs, &[], fill(None, 50, 0)));
    answer.ok_or_else(|| {
        "the API answers neither without parameters nor with those for pages alone".to_owned()
    })
}

/// The families, those first that the answer hints at most.
fn ranked(answer: &Answer) -> Vec<&'static Family> {
    let body = whole(&answer.body);
    let holds = |hint: &Hint| match hint {
        Hint::Bare => body.first() == Some(&b'['),
        Hint::Header(name) => answer.response.header(name).is_some(),
        Hint::At(pointer) => {
            let path: Vec<String> = pointer.split('/').skip(1).map(str::to_owned).collect();
            json::point(body, &path).is_some()
        }
    };
    let mut all: Vec<&Family> = FAMILIES
        .iter()
        .filter(|family| family.hints.iter().all(holds))
        .collect();
    all.sort_by_key(|family| usize::MAX - family.hints.len());
    all
}
