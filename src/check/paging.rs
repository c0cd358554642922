//! Judging the answers together: offset, page size, total, what lies deep and
//! what behind the end. It asks nothing.

use crate::config::Connection;
use crate::error::Kind;

use super::ask::{Probe, Seen};
use super::evidence::{Evidence, Paging, is_refused, limits};
use super::fix::Fix;
use super::order;
use super::report::Check;
use super::shape::counted;

/// All clauses that take more than one row, given that there are rows.
pub(super) fn judge(of: &Connection, all: &Evidence) -> Vec<Check> {
    let mut checks = order::judge(of, all);
    if Paging::of(of) == Paging::None {
        let missing = all
            .page
            .total
            .is_some_and(|total| total > all.page.len() as u64);
        let found = "no parameter holds {offset} or {page}: all rows must come at once";
        checks.push(if missing {
            Check::broken("offset", found)
        } else {
            Check::warning("offset", found)
        });
        return checks;
    }
    checks.push(offset(of, all));
    checks.extend(echo(all));
    checks.push(limit(of, all));
    checks.extend(total(of, all));
    checks.extend(depth(of, all));
    checks.extend(end(all));
    checks
}

/// The page that a question brought.
pub(super) fn seen(probe: Option<&Probe>) -> Option<&Seen> {
    probe.and_then(|probe| probe.seen.as_ref().ok())
}

/// What went wrong with a question that nothing else is known of.
pub(super) fn failed(probe: Option<&Probe>) -> Option<String> {
    probe?.seen.as_ref().err().map(ToString::to_string)
}

fn offset(of: &Connection, all: &Evidence) -> Check {
    let page = &all.page;
    let Some(probe) = &all.next else {
        return Check::skipped("offset", "one row is too few to see it");
    };
    let asked = probe.asked.offset;
    let by_page = Paging::of(of) == Paging::Page;
    let place = if by_page {
        format!("page {}", asked / probe.asked.limit.max(1) + 1)
    } else {
        format!("offset {asked}")
    };
    let next = match &probe.seen {
        Ok(next) => next,
        Err(error) => return Check::broken("offset", format!("{place}: {error}")),
    };
    let Some(got) = next.ids.first() else {
        // A page of all rows has none behind it.
        return match page.ids.get(asked as usize) {
            Some(_) => Check::broken("offset", format!("{place} is empty")),
            None => Check::ok(
                "offset",
                format!("nothing comes at {place}, behind all rows"),
            ),
        };
    };
    let row = usize::try_from(asked).unwrap_or(usize::MAX);
    // A page of the API's own size begins at a row of its own choice.
    let own_size = by_page && next.len() as u64 > probe.asked.limit;
    let Some(wanted) = page.ids.get(row).filter(|_| !own_size) else {
        return match page.ids.contains(got) {
            true => Check::broken(
                "offset",
                format!("{place} starts with a row of the first page, id {got}"),
            ),
            false => Check::ok("offset", format!("{place} goes on behind the first page")),
        };
    };
    if got == wanted || (page.at(row) == next.at(0) && page.at(row) > page.at(0)) {
        let row = if by_page {
            format!("starts with row {row}")
        } else {
            format!("starts with row {row}, id {got}")
        };
        return Check::ok("offset", format!("{place} {row}"));
    }
    let shuffled = seen(all.again.as_ref()).is_some_and(|again| again.ids != page.ids);
    if page.at(row) == next.at(0) && shuffled {
        return Check::skipped(
            "offset",
            "rows of one timestamp change places: it cannot be told",
        );
    }
    let found = match Some(got) == page.ids.first() {
        true => format!("ignored: {place} starts with row 0 again, id {got}"),
        false => format!("{place} starts with id {got}, not with row {row}, id {wanted}"),
    };
    Check::broken("offset", found)
        .remedy("is \"query\" right? where rows changed meanwhile, check again")
}

fn echo(all: &Evidence) -> Option<Check> {
    let probe = all.next.as_ref()?;
    let (asked, told) = (probe.asked.offset, seen(Some(probe))?.echo?);
    Some(if told == asked {
        Check::ok("echo", format!("the answer repeats the offset, {told}"))
    } else {
        Check::broken(
            "echo",
            format!("asked for offset {asked}, the answer says {told}"),
        )
        .fix(Some(Fix::Echo(None)))
    })
}

fn limit(of: &Connection, all: &Evidence) -> Check {
    let (count, size) = (all.page.len() as u64, of.page_size);
    if !limits(of) {
        return Check::ok(
            "limit",
            format!("not sent; a page is {}", counted(all.page.len(), "row")),
        );
    }
    let farther = [&all.past, &all.deep].map(|probe| seen(probe.as_ref()));
    let past = farther.iter().flatten().any(|page| !page.is_empty());
    let more =
        all.page.total.is_some_and(|total| total > count) || (all.page.total.is_none() && past);
    if count != size && (more || count > size) {
        let how = if count > size {
            "not honoured"
        } else {
            "clamped"
        };
        return Check::warning(
            "limit",
            format!(
                "{how}: asked for {}, got {count}",
                counted(size as usize, "row")
            ),
        )
        .fix(Some(Fix::PageSize(count)));
    }
    let short = all
        .next
        .as_ref()
        .and_then(|probe| Some((probe.asked.limit, seen(Some(probe))?.len() as u64)));
    match short {
        Some((asked, got)) if got > asked => Check::warning(
            "limit",
            format!(
                "not honoured: asked for {}, got {got}",
                counted(asked as usize, "row")
            ),
        )
        .fix(Some(Fix::PageSize(count)).filter(|_| count != size)),
        Some((asked, _)) if count == size => {
            Check::ok("limit", format!("{size} rows, and {asked}, as asked for"))
        }
        _ if count == size => Check::ok("limit", format!("{size}, as asked for")),
        _ => Check::ok(
            "limit",
            format!(
                "all {} fit on one page of {size}",
                counted(count as usize, "row")
            ),
        ),
    }
}

fn total(of: &Connection, all: &Evidence) -> Option<Check> {
    let told = all.page.total?;
    let count = all.page.len() as u64;
    let none = || Some(Fix::Total(None));
    let wrong = |found: String| Some(Check::broken("total", found).fix(none()));
    if told < count {
        return wrong(format!("{told}, but {count} rows came"));
    }
    if let Some(past) = seen(all.past.as_ref())
        .filter(|past| !past.is_empty() && past.total == Some(told) && !is_known(all, past))
    {
        let asked = all.past.as_ref().map_or(0, |probe| probe.asked.offset);
        return wrong(format!(
            "{told}, but offset {asked} brings {}",
            counted(past.len(), "row")
        ));
    }
    let deep = all.deep.as_ref().zip(seen(all.deep.as_ref()));
    if let Some((probe, _)) = deep.filter(|(_, deep)| deep.is_empty() && deep.total == Some(told))
        && all.half.is_none()
    {
        return wrong(format!(
            "{told}, but offset {} is empty",
            probe.asked.offset
        ));
    }
    if let Some(later) = seen(all.later.as_ref())
        && later.is_empty()
        && later.total == Some(told)
        && told > 0
    {
        return wrong(format!(
            "{told} where no row passes the filter: it does not count what passes"
        ));
    }
    let filtered = all
        .since
        .as_ref()
        .and_then(|(pick, probe)| Some((pick, seen(Some(probe))?)));
    if let Some((pick, seen)) = filtered
        && let (Some((start, end)), Some(then)) = (pick.run, seen.total)
    {
        let inclusive = seen
            .marks
            .first()
            .is_some_and(|mark| mark.at == pick.mark.at);
        let before = if inclusive { start } else { end } as u64;
        if before > 0 && then == told {
            return wrong(format!(
                "{told} with the filter or without: it does not count what passes"
            ));
        }
        if of.sorted
            && then + before != told
            && !all.page.is_empty()
            && (inclusive || end < all.page.len())
        {
            return Some(
                Check::warning(
                    "total",
                    format!("{told}, and {then} behind the first {before}"),
                )
                .remedy("where rows changed meanwhile, check again"),
            );
        }
    }
    let near = deep.is_some_and(|(probe, _)| probe.asked.offset + 1 == told);
    let seen_end = near || told == count;
    Some(Check::ok(
        "total",
        match seen_end && all.past.is_some() {
            true => format!("{told}: a row before it, none behind"),
            false => format!("{told}; its end was too deep to look at"),
        },
    ))
}

/// How deep offsets are served.
fn depth(of: &Connection, all: &Evidence) -> Option<Check> {
    let probe = all.deep.as_ref()?;
    let asked = probe.asked.offset;
    let problem = match &probe.seen {
        Ok(deep) if !deep.is_empty() => {
            return Some(Check::ok("depth", format!("offset {asked} is served")));
        }
        Ok(_) if all.half.is_none() => return None,
        Ok(_) => format!("offset {asked} is empty"),
        Err(error) if error.kind() == Kind::Contract => {
            return Some(Check::broken("depth", format!("offset {asked}: {error}")));
        }
        Err(error) => format!("offset {asked}: {error}"),
    };
    let good = match all
        .half
        .as_ref()
        .map(|half| (half.asked.offset, seen(Some(half))))
    {
        Some((offset, Some(half))) if !half.is_empty() => offset,
        _ => of.page_size.saturating_mul(2),
    };
    Some(Check::warning("depth", problem).fix(Some(Fix::MaxOffset(good))))
}

/// Whether a page brings nothing but rows that came before: an API may answer
/// what lies behind the end with its last page.
fn is_known(all: &Evidence, past: &Seen) -> bool {
    let known = [Some(&all.page), seen(all.deep.as_ref())];
    let known = |id: &String| known.iter().flatten().any(|page| page.ids.contains(id));
    // A short question near the end has shown the last row alone.
    past.ids.last().is_some_and(known)
}

/// What comes behind the last row.
fn end(all: &Evidence) -> Option<Check> {
    let probe = all.past.as_ref()?;
    let asked = probe.asked.offset;
    match &probe.seen {
        Ok(past) if past.is_empty() => Some(Check::ok(
            "end",
            format!("offset {asked} brings an empty page"),
        )),
        Ok(past) if all.page.total.is_some() && is_known(all, past) => Some(Check::ok(
            "end",
            format!("offset {asked} brings the last rows again: the total tells the end"),
        )),
        // No more than that the table is longer, or the total wrong.
        Ok(_) => None,
        Err(error) if error.kind() == Kind::Refused && all.page.total.is_some() => Some(
            Check::warning("end", format!("offset {asked}: {error}"))
                .remedy("a sync that meets it, since rows went away, must be run again"),
        ),
        Err(error) if is_refused(probe) => Some(
            Check::broken("end", format!("offset {asked}: {error}"))
                .remedy("a sync cannot tell the end: is there a total in the answer?"),
        ),
        Err(error) => Some(Check::broken("end", format!("offset {asked}: {error}"))),
    }
}
