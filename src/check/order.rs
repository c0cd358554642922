//! Judging the answers together: are rows sorted, does the filter filter, and
//! do equal timestamps keep their order. It asks nothing.

use crate::config::Connection;
use crate::error::Kind;
use crate::template::Slot;

use super::ask::Seen;
use super::evidence::{Evidence, Pick, honours, rises, tells};
use super::fix::Fix;
use super::paging::{failed, seen};
use super::report::Check;

/// The clauses about time.
pub(super) fn judge(of: &Connection, all: &Evidence) -> Vec<Check> {
    let mut checks = vec![sorted(of, all)];
    checks.extend(filter(of, all));
    checks.extend(coverage(of, all));
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
        (None, None) if of.sorted => return lucky(all),
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

/// Rows that are sorted: by the cursor, or by keys that happen to rise with it?
fn lucky(all: &Evidence) -> Check {
    if let Some(Ok(reverse)) = &all.reverse
        && reverse.ids == all.page.ids
        && all.page.len() > 1
    {
        return Check::broken(
            "sorted",
            "the order's parameter has no effect: the reverse order brings the same rows, and their keys rise too",
        )
        .remedy("does a parameter in \"query\" name the order, by the API's name?");
    }
    let told = match &all.reverse {
        Some(Ok(_)) => true,
        Some(Err(error)) => error.kind() == Kind::Refused,
        None => false,
    };
    if !told && rises(&all.page) {
        return Check::skipped(
            "sorted",
            "rows came sorted, but their keys rise too: a page with a row that was changed later would show by which",
        );
    }
    Check::ok("sorted", "ascending by the cursor")
}

/// How many rows the filter hides from a sync that starts before all of them.
fn coverage(of: &Connection, all: &Evidence) -> Option<Check> {
    // A first bound that was chosen hides what it is to hide.
    const ANCIENT: i64 = 366 * 86_400;
    let bound = all.opening.as_ref()?.since.as_ref()?;
    let whole = all.unfiltered.as_ref()?;
    if bound.at.secs > ANCIENT {
        return None;
    }
    let hint = "has each row a timestamp? a filter leaves out those without one: see \"fallback\" of \"since\", or another \"cursor\"";
    let broken = |found: String| Some(Check::broken("coverage", found).remedy(hint));
    let free = match &whole.seen {
        Ok(free) => free,
        Err(error) if error.kind() == Kind::Contract && !of.reject_bad_rows => {
            return broken(format!("without the filter: {error}"));
        }
        Err(_) => return None,
    };
    match (all.page.total, free.total) {
        (Some(with), Some(without)) if without > with => broken(format!(
            "{} of {without} rows do not pass the filter",
            without - with
        )),
        (Some(_), Some(without)) => Some(Check::ok(
            "coverage",
            format!("{without} rows, with the filter and without"),
        )),
        _ => {
            let complete = (all.page.len() as u64) < of.page_size && all.next.is_some();
            let hidden = free
                .ids
                .iter()
                .filter(|id| !all.page.ids.contains(id))
                .count();
            if complete && hidden > 0 && free.len() > all.page.len() {
                return broken(format!(
                    "{hidden} of {} rows do not pass the filter",
                    free.len()
                ));
            }
            Some(Check::skipped(
                "coverage",
                "no total tells how many rows the filter hides",
            ))
        }
    }
}

/// The parameter that holds the bound.
fn bound_of(of: &Connection) -> String {
    let named = of.query.iter().find(|(_, value)| value.holds(Slot::Since));
    named.map_or_else(
        || "does a parameter in \"query\" hold {since}, by the API's name?".to_owned(),
        |(name, _)| {
            format!("\"query\": does the API know {name}, or call its filter something else?")
        },
    )
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
        let zoned = zone(pick, seen, &all.page).or_else(|| zone_of_first(all));
        if let Some(check) = zoned {
            return vec![check];
        }
        let remedy = if format.is_some() {
            String::new()
        } else {
            bound_of(of)
        };
        return vec![Check::broken("filter", found).fix(format).remedy(remedy)];
    }
    if let Some(check) = zone(pick, seen, &all.page) {
        return vec![check];
    }
    let later = all.later.as_ref().and_then(|probe| {
        let bound = probe.asked.since.as_ref()?;
        let seen = probe.seen.as_ref().ok()?;
        Some((bound, seen))
    });
    if let Some((bound, seen)) = later
        && let Some(early) = seen.marks.iter().find(|mark| mark.at < bound.at)
    {
        let found = format!("ignored: asked from {} on, {} came", bound.text, early.text);
        return vec![Check::broken("filter", found).remedy(bound_of(of))];
    }
    let mut checks = vec![
        if let Some((bound, seen)) = later.filter(|_| !tells(&all.page, probe)) {
            let count = seen.len();
            Check::ok(
                "filter",
                format!("{count} rows came from {} on", bound.text),
            )
        } else if tells(&all.page, probe) {
            Check::ok("filter", format!("no row before {sent} came"))
        } else {
            Check::skipped("filter", "no row is known to be older than another")
        },
    ];
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

/// The hours between the bound and the rows that came, where the filter works
/// and reads the bound in another zone.
fn zone(pick: &Pick, seen: &Seen, page: &Seen) -> Option<Check> {
    const QUARTER: i64 = 900;
    if page.disorder().is_some() || seen.disorder().is_some() {
        return None;
    }
    let came = seen.marks.first()?;
    let (_, end) = pick.run?;
    // What should have come first, with a bound of either kind.
    let next = page.marks.get(end)?;
    let shift = came.at.secs - pick.mark.at.secs;
    let late = came.at > next.at && shift >= QUARTER;
    let early = came.at < pick.mark.at && came.at > page.at(0) && -shift >= QUARTER;
    if !late && !early {
        return None;
    }
    Some(elsewhere(&pick.mark.text, &came.text, shift))
}

/// The same where the first row's own timestamp was the bound.
fn zone_of_first(all: &Evidence) -> Option<Check> {
    let probe = all.zone.as_ref()?;
    let came = seen(Some(probe))?.marks.first()?;
    let asked = probe.asked.since.as_ref()?;
    let next = all.page.marks.iter().find(|mark| mark.at > asked.at)?;
    let shift = came.at.secs - asked.at.secs;
    (came.at > next.at && shift >= 900).then(|| elsewhere(&asked.text, &came.text, shift))
}

fn elsewhere(asked: &str, came: &str, shift: i64) -> Check {
    let hours = format!("{:.1}", (shift.abs() as f64) / 3600.0);
    let way = if shift > 0 { "after" } else { "before" };
    let found = format!(
        "reads the bound in another zone: asked from {asked} on, the first row is {came}, up to {hours} hours {way} it"
    );
    Check::broken("filter", found).remedy(
        "\"since\": {\"zone\": …} or a \"format\" that says the API's zone; else its answers and its filter disagree",
    )
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
