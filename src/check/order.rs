//! Judging the answers together: are rows sorted, does the filter filter, and
//! do equal timestamps keep their order. It asks nothing.

use crate::config::Connection;

use super::evidence::{Evidence, honours};
use super::fix::Fix;
use super::paging::{failed, seen};
use super::report::Check;

/// The clauses about time.
pub(super) fn judge(of: &Connection, all: &Evidence) -> Vec<Check> {
    let mut checks = vec![sorted(of, all)];
    checks.extend(filter(of, all));
    checks.push(ties(all));
    checks
}

fn sorted(of: &Connection, all: &Evidence) -> Check {
    let page = &all.page;
    let since = all.since.as_ref().map(|(_, probe)| probe);
    let pages = [
        Some(page),
        seen(since),
        seen(all.next.as_ref()),
        seen(all.deep.as_ref()),
    ];
    let disorder = pages
        .into_iter()
        .flatten()
        .find_map(|page| Some((page, page.disorder()?)));
    // The deep page must not be older than the first one.
    let last = page.marks.last();
    let later = seen(all.deep.as_ref()).and_then(|deep| deep.marks.first());
    let across = later.zip(last).filter(|(later, last)| later.at < last.at);
    let found = match (disorder, across) {
        (Some((page, row)), _) => {
            let falls = (1..page.len()).all(|row| page.at(row - 1) >= page.at(row));
            let how = if falls {
                "descending"
            } else {
                "not by the cursor"
            };
            format!(
                "{how}: {} follows {}",
                page.marks[row].text,
                page.marks[row - 1].text
            )
        }
        (None, Some((later, last))) => {
            format!("not throughout: {} comes behind {}", later.text, last.text)
        }
        (None, None) if page.at(0) == page.at(page.len() - 1) && later.is_none() => {
            return Check::skipped("sorted", "all rows that were seen share one timestamp");
        }
        (None, None) if of.sorted => return Check::ok("sorted", "ascending by the cursor"),
        (None, None) => {
            return Check::ok(
                "sorted",
                "rows came sorted, which the connection does not count on",
            );
        }
    };
    if !of.sorted {
        return Check::ok("sorted", format!("{found}; the connection expects that"));
    }
    Check::broken("sorted", found)
        .fix(Some(Fix::Sorted(false)))
        .remedy("better: ask for ascending order, see \"query\"")
}

/// The filter, its bound, and whether a mark's spelling is taken.
fn filter(of: &Connection, all: &Evidence) -> Vec<Check> {
    let Some((pick, probe)) = &all.since else {
        return vec![Check::skipped("filter", "not asked")];
    };
    let sent = probe.asked.since.as_ref().map_or("", |mark| &mark.text);
    let format = all.spelling.clone().map(Fix::Format);
    let other = match &all.spelling {
        Some(_) => "",
        None => "which spelling does the API take? see since.format",
    };
    let seen = match &probe.seen {
        Ok(seen) => seen,
        Err(error) => {
            let mut checks = vec![Check::skipped(
                "filter",
                "not seen: the bound was not taken",
            )];
            checks.push(
                Check::broken("spelling", format!("{sent} is not taken: {error}"))
                    .fix(format)
                    .remedy(other),
            );
            return checks;
        }
    };
    if !honours(probe, pick, &all.page) {
        let early = seen.marks.iter().find(|mark| mark.at < pick.mark.at);
        let found = match early {
            Some(mark) => format!("ignored: asked from {sent} on, {} came", mark.text),
            None => format!("no rows from {sent} on, though some are known"),
        };
        let remedy = if format.is_some() {
            ""
        } else {
            "does a parameter in \"query\" hold {since}, by the API's name?"
        };
        return vec![Check::broken("filter", found).fix(format).remedy(remedy)];
    }
    let older = (0..all.page.len()).any(|row| all.page.at(row) < pick.mark.at);
    let mut checks = vec![if older {
        Check::ok("filter", format!("no row before {sent} came"))
    } else {
        Check::skipped("filter", "no row is known to be older than another")
    }];
    let at_bound = seen.marks.iter().any(|mark| mark.at == pick.mark.at);
    let cut = probe
        .asked
        .since
        .as_ref()
        .is_some_and(|mark| mark.at < pick.mark.at);
    let hidden =
        seen.disorder().is_some() && seen.total.is_none_or(|total| total > seen.len() as u64);
    checks.push(if cut {
        Check::skipped("bound", format!("since.format cuts it to {sent}"))
    } else if at_bound && of.since.exclusive {
        Check::warning("bound", "inclusive: rows at it come").fix(Some(Fix::Exclusive(false)))
    } else if at_bound {
        Check::ok("bound", "inclusive: rows at it come")
    } else if hidden {
        Check::skipped(
            "bound",
            "rows come in no order: it cannot be told from one page",
        )
    } else if of.since.exclusive {
        Check::ok("bound", "exclusive, as the connection says")
    } else {
        Check::warning("bound", "exclusive: rows at it are left out")
            .fix(Some(Fix::Exclusive(true)))
            .loses()
    });
    checks.push(Check::ok("spelling", format!("{sent} is taken")));
    checks
}

fn ties(all: &Evidence) -> Check {
    let page = &all.page;
    let longest = page
        .runs()
        .iter()
        .map(|(start, end)| end - start)
        .max()
        .unwrap_or(0);
    if longest < 2 {
        return Check::skipped("ties", "no two rows of the first page share a timestamp");
    }
    let Some(again) = seen(all.again.as_ref()) else {
        return Check::skipped(
            "ties",
            failed(all.again.as_ref()).unwrap_or_else(|| "not asked".into()),
        );
    };
    let both = page.len().min(again.len());
    let moved = (0..both).find(|row| page.ids[*row] != again.ids[*row]);
    match moved {
        None => Check::ok(
            "ties",
            format!("the same order twice; up to {longest} rows share a timestamp"),
        ),
        Some(row) if page.at(row) == again.at(row) => Check::warning(
            "ties",
            format!(
                "rows of {} change places from request to request",
                page.marks[row].text
            ),
        )
        .remedy(format!(
            "page_size must stay above the rows of one timestamp, here {longest}"
        )),
        Some(_) => Check::skipped("ties", "rows changed between two requests"),
    }
}
