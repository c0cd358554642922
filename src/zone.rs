//! Time zones: which instants a local time can mean, and what local time it is
//! at an instant. Rules are values here. It opens no file (see
//! [`crate::zoneinfo`]) and knows no zone but the offsets that a text gives
//! itself.
//!
//! A clock that is set back shows an hour twice. A time in that hour is read as
//! the first of the two instants, unless the caller knows better. A time that a
//! clock skips when it is set forward is read, in its order, as the instant of
//! the change, so that later texts are never earlier instants.

mod posix;
mod tzif;

use std::ops::RangeInclusive;
use std::sync::Arc;

use posix::Footer;

/// A clock that is set anew: from this second on it is `after` seconds ahead
/// of UTC, and it was `before` seconds ahead until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shift {
    at: i64,
    before: i64,
    after: i64,
}

/// How a zone's clocks were and will be set.
#[derive(Debug, PartialEq)]
struct Rules {
    /// Ahead of UTC before the first shift.
    first: i64,
    shifts: Vec<Shift>,
    /// What holds after the last of them.
    footer: Option<Footer>,
}

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// So many seconds ahead of UTC, always.
    Fixed(i64),
    Ruled(Arc<Rules>),
}

/// The instants that one local time can mean, in seconds since 1970: one, or
/// the two of an hour that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The first of them.
    pub first: i64,
    /// The last of them.
    pub last: i64,
    /// For a time that no clock showed: what it would have been, had the clock
    /// not been set forward yet.
    pub skipped: Option<i64>,
}

/// No zone was ever further from UTC; the format allows 26 hours.
const FURTHEST: i64 = 26 * 3600;
/// Shifts of the years 1800 to 2099 are looked up in a table.
const LISTED: RangeInclusive<i64> = -5_364_662_400..=4_102_444_800;
/// Far beyond the years that can be written, so that numbers here do not
/// overflow.
const YEARS: RangeInclusive<i64> = -100_000_000_000..=300_000_000_000;

impl Zone {
    /// A fixed offset as RFC 3339 writes it (`-05:00`, `+0530`, `Z`), or `UTC`.
    #[must_use]
    pub fn fixed(text: &str) -> Option<Self> {
        if text == "UTC" {
            return Some(Self(Kind::Fixed(0)));
        }
        let minutes = crate::calendar::offset(text.as_bytes())?;
        Some(Self(Kind::Fixed(minutes * 60)))
    }

    /// The rules in a file of the tz database (RFC 9636).
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(file: &[u8]) -> Result<Self, String> {
        let mut rules = tzif::parse(file)?;
        // A table is quicker than the rule that goes on behind it.
        let last = rules.shifts.last().map_or(i64::MIN, |shift| shift.at);
        let from = last.saturating_add(1).max(*LISTED.start());
        let footer = rules.footer.iter().filter(|_| from < *LISTED.end());
        let more: Vec<Shift> = footer
            .flat_map(|footer| footer.shifts(from, *LISTED.end()))
            .collect();
        rules.shifts.extend(more);
        Ok(Self(Kind::Ruled(Arc::new(rules))))
    }

    /// Whether its clocks are ever set anew.
    #[must_use]
    pub fn shifts(&self) -> bool {
        matches!(self.0, Kind::Ruled(_))
    }

    /// How many seconds ahead of UTC its clocks are.
    #[must_use]
    pub fn offset(&self, at: i64) -> i64 {
        match &self.0 {
            Kind::Fixed(offset) => *offset,
            Kind::Ruled(rules) => rules.offset(at.clamp(*YEARS.start(), *YEARS.end())),
        }
    }

    /// The instants of a local time, given as seconds since 1970-01-01T00:00:00
    /// in local time.
    #[must_use]
    pub fn read(&self, wall: i64) -> Reading {
        let wall = wall.clamp(*YEARS.start(), *YEARS.end());
        let one = |at| Reading {
            first: at,
            last: at,
            skipped: None,
        };
        let rules = match &self.0 {
            Kind::Fixed(offset) => return one(wall - offset),
            Kind::Ruled(rules) => rules,
        };
        let from = wall - FURTHEST;
        let shifts = rules.around(from, wall + FURTHEST);
        let Some(shift) = shifts.first() else {
            return one(wall - rules.offset(from));
        };
        let mut found: Option<Reading> = None;
        let mut take = |at: i64| match &mut found {
            Some(found) => found.last = at,
            none => *none = Some(one(at)),
        };
        if wall - shift.before < shift.at {
            take(wall - shift.before);
        }
        for (n, shift) in shifts.iter().enumerate() {
            let at = wall - shift.after;
            let next = shifts.get(n + 1).map_or(i64::MAX, |next| next.at);
            if (shift.at..next).contains(&at) {
                take(at);
            }
        }
        found.unwrap_or_else(|| {
            let gap = shifts
                .iter()
                .find(|shift| wall < shift.at + shift.after && wall >= shift.at + shift.before);
            match gap {
                Some(gap) => Reading {
                    skipped: Some(wall - gap.before),
                    ..one(gap.at)
                },
                None => one(wall - rules.offset(from)),
            }
        })
    }

    /// The last second before `at` whose local time means one instant and is
    /// smaller than every later one, where the local time of `at` itself is not
    /// like that: it is shown twice, or a clock has just been set forward to
    /// it.
    #[must_use]
    pub fn settled_before(&self, at: i64) -> Option<i64> {
        let Kind::Ruled(rules) = &self.0 else {
            return None;
        };
        if !YEARS.contains(&at) {
            return None;
        }
        let shifts = rules.around(at - FURTHEST, at + FURTHEST);
        let mut settled = at;
        for shift in shifts.iter().rev() {
            let twice = shift.before - shift.after;
            let unsettled = match twice {
                0 => false,
                1.. => (shift.at - twice..shift.at + twice).contains(&settled),
                _ => settled == shift.at,
            };
            if unsettled {
                settled = shift.at - twice.max(0) - 1;
            }
        }
        (settled != at).then_some(settled)
    }
}

impl Rules {
    fn offset(&self, at: i64) -> i64 {
        let passed = self.shifts.partition_point(|shift| shift.at <= at);
        if passed == self.shifts.len()
            && let Some(footer) = &self.footer
        {
            return footer.offset(at);
        }
        match passed.checked_sub(1) {
            Some(last) => self.shifts[last].after,
            None => self.first,
        }
    }

    /// The shifts from one instant to another, in order.
    fn around(&self, from: i64, to: i64) -> Vec<Shift> {
        let start = self.shifts.partition_point(|shift| shift.at < from);
        let end = self.shifts.partition_point(|shift| shift.at <= to);
        let mut found = self.shifts[start..end.max(start)].to_vec();
        let last = self.shifts.last().map_or(i64::MIN, |shift| shift.at);
        if let Some(footer) = self.footer.as_ref().filter(|_| to > last) {
            let later = footer.shifts(from.max(last.saturating_add(1)), to);
            found.extend(later);
        }
        found
    }
}
