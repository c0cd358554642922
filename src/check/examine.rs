//! An examination: the first answer is surveyed, further questions are asked,
//! the clauses are judged, and a sync is rehearsed where nothing speaks against
//! one.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::config::Connection;
use crate::source::status;

use super::ask::{Answer, Asker};
use super::case::{Case, Scene};
use super::clause::Clause;
use super::clauses;
use super::evidence::Evidence;
use super::finding::{Finding, Verdict};
use super::questions;
use super::rehearsal::{self, Rehearsed};
use super::setting::Fix;
use super::survey::{Survey, lists};

/// One setting can bring the next one to light. There are no more rounds than
/// this.
const ROUNDS: usize = 8;

/// All clauses, as far as this connection lets them be seen.
pub(super) fn judge(
    connection: &Connection,
    first: &mut Answer,
    asker: &mut Asker,
) -> Vec<Finding> {
    let foreign = status::content_error(&first.response, &first.body);
    let now = asker.clock.now().secs;
    let all = match foreign {
        Some(_) => Evidence::default(),
        None => questions::gather(connection, first, asker),
    };
    let scene = Scene {
        foreign,
        now,
        live: asker.source.waits(),
        repeated: asker.source.count(),
    };
    let mut findings = surveyed(connection, first, &all, &scene, &clauses::judge);
    findings.sort_by_key(|finding| finding.clause);
    findings
}

/// What these judges make of an answer and of what is known besides.
fn surveyed(
    connection: &Connection,
    first: &Answer,
    all: &Evidence,
    scene: &Scene,
    judge: &dyn Fn(&Case<'_>) -> Vec<Finding>,
) -> Vec<Finding> {
    let objects = lists::as_objects(connection, &first.body);
    let body = objects.as_deref().unwrap_or(&first.body);
    judge(&Case {
        connection,
        response: &first.response,
        survey: &Survey::of(connection, body),
        all,
        scene,
    })
}

/// Takes the likeliest key and timestamp, where the given file names none. A
/// field with the default name may be there and still be the worse choice.
pub(super) fn choose(connection: &mut Connection, first: &Answer, text: &str) {
    let given: BTreeMap<String, IgnoredAny> = serde_json::from_str(text).unwrap_or_default();
    let mut placed = connection.clone();
    _ = fit(&mut placed, first);
    let objects = lists::as_objects(&placed, &first.body);
    let survey = Survey::of(&placed, objects.as_deref().unwrap_or(&first.body));
    if !given.contains_key("primary_key")
        && let Some(key) = survey.keys.first()
    {
        connection.primary_key = vec![key.clone()];
    }
    if !given.contains_key("cursor")
        && let Some((cursor, _)) = survey.cursors.first()
    {
        connection.cursor = cursor.clone();
    }
}

/// Mends the connection until the answer's shape calls for nothing more.
pub(super) fn fit(connection: &mut Connection, first: &Answer) -> Vec<Fix> {
    let (none, scene) = (Evidence::default(), Scene::default());
    let mut all: Vec<Fix> = Vec::new();
    // A column's type depends on how timestamps are read, so columns are last.
    for last in [false, true] {
        for _ in 0..ROUNDS {
            let mut new = settings(&surveyed(connection, first, &none, &scene, &clauses::shape));
            new.retain(|fix| !all.contains(fix) && (last || !matches!(fix, Fix::Columns(..))));
            if new.is_empty() {
                break;
            }
            new.iter().for_each(|fix| fix.apply(connection));
            all.extend(new);
        }
    }
    all
}

/// What the clauses call for.
pub(super) fn settings(findings: &[Finding]) -> Vec<Fix> {
    findings
        .iter()
        .filter_map(|finding| finding.fix.clone())
        .collect()
}

/// Rehearses a sync where nothing speaks against one, and one with the
/// settings that are called for: advice that would break a sync is withheld.
pub(super) fn prove(connection: &Connection, findings: &mut Vec<Finding>, asker: &mut Asker) {
    let shown = findings
        .iter()
        .any(|finding| finding.clause == Clause::Rows && finding.verdict == Verdict::Ok);
    if asker.halt.is_some() || !shown {
        return;
    }
    let advised = |finding: &Finding| {
        finding.is_noted() && !matches!(finding.fix, None | Some(Fix::Columns(..)))
    };
    let mut broken = findings.iter().any(|finding| finding.loses);
    if !broken {
        match rehearsal::rehearse(connection, asker, rehearsal::PAGES) {
            Some(Rehearsed::Sound(finding)) => findings.push(finding),
            Some(Rehearsed::Broken(finding)) => {
                broken = true;
                findings.push(finding);
            }
            None => return,
        }
    }
    let fixes = findings.iter().filter(|finding| advised(finding));
    let fixes: Vec<Fix> = fixes.filter_map(|finding| finding.fix.clone()).collect();
    if fixes.is_empty() {
        return;
    }
    let mut mended = connection.clone();
    fixes.iter().for_each(|fix| fix.apply(&mut mended));
    let result = rehearsal::rehearse(&mended, asker, rehearsal::ADVISED);
    if let Some(Rehearsed::Broken(found)) = result {
        if !broken {
            let kept = findings.iter_mut().filter(|finding| advised(finding));
            kept.for_each(|finding| finding.fix = None);
            return;
        }
        let text = format!("with the settings above, {}", found.found);
        findings.retain(|finding| finding.clause != Clause::Sync);
        findings.push(Finding::broken(Clause::Sync, text).remedy(found.remedy));
    }
}
