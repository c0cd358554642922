//! A plan: how a first sync is divided into shards of nearly equal rows that
//! can run at once, and the mark from which the ordinary sync goes on. It asks
//! the API for its totals, fetches no table and writes nothing.
//!
//! # Why the shards and the sync after them bring each row once
//!
//! A shard is `--since A --until B`: what it delivers lies at or after A and
//! before B, by the rows' own instants and however the API's filter cuts. Each
//! shard begins where the one before it ends, and the ordinary sync begins
//! where the last one ends. So they are parts of one line that neither overlap
//! nor leave a gap, and nothing has to be remembered at an edge.
//!
//! The last one ends at the mark, which is older than the lookback by every
//! clock before any shard begins, so that whatever lies before it is visible to
//! the shards. A row that changes from then on gets a timestamp after the mark:
//! if its shard has read it already it comes again in its new version, else only
//! in that.
//!
//! Every edge, the mark too, is a timestamp that a row has, as the API spells it:
//! so no clock that is wrong, and no cursor that is a number of another kind, can
//! put the mark ahead of the rows. Each is asked for once as its shard will ask
//! for it, and that row has to come first: so each filter is seen to hold the
//! rows of its own bound. (An `--until` of one's own is taken as it is.)

mod counter;
mod search;

use serde::Serialize;

use crate::cli::Options;
use crate::config::Connection;
use crate::connect;
use crate::cursor::Mark;
use crate::error::{Error, Result};
use crate::session::start::instant;
use crate::template::Slot;
use counter::{Aim, Counter, Like, no_total};
use search::{Point, Search};

/// A range of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Where it starts.
    pub since: String,
    /// What it ends before.
    pub until: String,
    /// Rows in it by the API's totals.
    pub rows: u64,
}

/// The shards, and where the ordinary sync goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The shards, oldest first.
    pub shards: Vec<Shard>,
    /// Where the last one ends: the `--since` of the sync that follows. None
    /// where there is no shard.
    pub mark: Option<String>,
    /// Requests sent, failures included.
    pub requests: u64,
    /// How many shards were asked for.
    #[serde(skip)]
    pub wanted: u64,
}

impl Plan {
    /// What is for stdout: a line a shard, or one line of JSON.
    pub fn show(&self, json: bool) -> String {
        if json {
            return serde_json::to_string(self).unwrap_or_default() + "\n";
        }
        let line = |shard: &Shard| {
            let (since, until) = (quoted(&shard.since), quoted(&shard.until));
            format!("--since {since} --until {until}\n")
        };
        self.shards.iter().map(line).collect()
    }

    /// What the reader of the plan has to know besides.
    pub fn notes(&self) -> Vec<String> {
        let Some(mark) = &self.mark else {
            return vec![
                "there is nothing to divide: no rows, none that are some minutes old, or all of one timestamp; highwater sync fetches what there is"
                    .to_owned(),
            ];
        };
        let mut notes = Vec::new();
        let (shards, wanted) = (self.shards.len() as u64, self.wanted);
        let rows: u64 = self.shards.iter().map(|shard| shard.rows).sum();
        let largest = self.shards.iter().map(|shard| shard.rows).max();
        let largest = largest.unwrap_or_default();
        if shards < wanted || largest > rows / wanted * 3 / 2 + 2 {
            notes.push(format!(
                "rows that share one timestamp, or that the filter cannot tell apart, cannot be divided: {shards} of {wanted} shards, and the largest has {largest} of {rows} rows"
            ));
        }
        notes.push(format!(
            "once all shards are done, go on with: highwater sync --since {}",
            quoted(mark)
        ));
        notes
    }
}

/// As one word that the shell and xargs read.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:+/,@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        // What an API sends must not be read by a shell as a command.
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

/// Makes a plan.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where the connection cannot be divided, and
/// whatever a sync would end with.
pub fn run(options: &Options) -> Result<Plan> {
    let (connection, secrets) = connect::connection(options)?;
    let since = instant(
        options.since.as_deref(),
        "--since",
        &connection.since.format,
    )?;
    let until = instant(
        options.until.as_deref(),
        "--until",
        &connection.since.format,
    )?;
    check(&connection)?;
    let source = connect::source(options, &connection, &secrets)?;
    let source = connect::patient(
        source,
        options,
        &connection,
        &secrets,
        connection.max_retries,
    )?;
    let mut counter = Counter::new(&connection, source);
    let shards = options.shards.unwrap_or(1);
    let bounds = divide(&mut counter, since, until, shards)?;
    let pairs = bounds.windows(2).map(|pair| Shard {
        since: pair[0].mark.text.clone(),
        until: pair[1].mark.text.clone(),
        rows: pair[1].before - pair[0].before,
    });
    Ok(Plan {
        shards: pairs.collect(),
        mark: bounds.last().map(|last| last.mark.text.clone()),
        requests: counter.source.requests(),
        wanted: shards,
    })
}

/// Refuses a connection out of which no range can be cut.
fn check(connection: &Connection) -> Result<()> {
    if !connection.sorted {
        return Err(Error::usage(
            "the API does not sort, so that a shard would have to read the whole table",
        )
        .at("\"sorted\"")
        .hint("fetch it with one highwater sync"));
    }
    if !connection.holds(Slot::Since) {
        return Err(Error::usage(
            "no parameter holds {since}, so that every shard would be all rows",
        )
        .at("\"query\"")
        .hint("name the parameter of the filter in the connection file"));
    }
    if connection.response.total.is_none() {
        return Err(no_total());
    }
    Ok(())
}

/// The edges: where the first shard begins, where each ends.
fn divide(
    counter: &mut Counter<'_>,
    since: Option<Mark>,
    until: Option<Mark>,
    shards: u64,
) -> Result<Vec<Point>> {
    let connection = counter.connection;
    let bound = crate::session::start(connection, None, since.clone())?.bound;
    let opening = counter.count(bound.text.as_deref())?;
    let Some(first) = opening.first else {
        return Ok(Vec::new());
    };
    // The filter may be coarse, and show rows that are not wanted.
    let first = since.filter(|since| first.at < since.at).unwrap_or(first);
    let spelling = Like {
        format: &connection.since.format,
        sample: &first.text,
    };
    let (end, given) = counter.end(&spelling, until)?;
    if end.at <= first.at {
        return Ok(Vec::new());
    }
    let (total, rows) = counter.between(&first, &end)?;
    let mut search = Search::new(first.clone(), end, rows, shards);
    if !given {
        let few = (rows / 1000)
            .max(connection.page_size.min(rows / shards / 4))
            .max(1);
        let point = counter.settle(&mut search, Aim::End(few), total, &spelling)?;
        match point.filter(|point| point.before > 0) {
            Some(point) => search.end_at(&point, shards),
            None => return Ok(Vec::new()),
        }
    }
    let rows = search.last().before;
    let mut edges: Vec<Point> = Vec::new();
    let shards = shards.min(rows);
    for nth in 0..shards {
        // This is in 128 bits, since the product of two numbers of rows may not
        // fit into 64.
        let target = u128::from(rows) * u128::from(nth) / u128::from(shards);
        let target = u64::try_from(target).unwrap_or(rows);
        if let Some(edge) = counter.settle(&mut search, Aim::Edge(target), total, &spelling)?
            && edges.last().is_none_or(|last| last.mark.at < edge.mark.at)
        {
            edges.push(edge);
        }
    }
    if search.is_flat() {
        log::warn!(
            "the total does not fall where rows are left out: is it capped? then the first shard has more rows than are told"
        );
    }
    edges.push(search.last());
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_time_is_one_word_for_the_shell_and_for_xargs() {
        for (text, expected) in [
            ("2024-01-15T10:30:00.5+02:00", "2024-01-15T10:30:00.5+02:00"),
            ("2024-01-15 10:30:00", "'2024-01-15 10:30:00'"),
            ("/Date(17)/", "'/Date(17)/'"),
            ("10 o'clock $(date)", "'10 o'\"'\"'clock $(date)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
