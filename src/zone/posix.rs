//! The rule that holds after a zone's last listed shift: a `TZ` string as
//! POSIX and RFC 9636 have it, such as `EST5EDT,M3.2.0,M11.1.0`.

use super::Shift;
use crate::calendar::{Civil, DAY, days};

/// The rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Footer {
    /// Ahead of UTC in standard time.
    standard: i64,
    summer: Option<Summer>,
}

#[derive(Debug, Clone, PartialEq)]
struct Summer {
    offset: i64,
    begins: Change,
    ends: Change,
}

/// A day of the year, and the second after its midnight in local time.
#[derive(Debug, Clone, PartialEq)]
struct Change {
    day: Day,
    second: i64,
}

#[derive(Debug, Clone, PartialEq)]
enum Day {
    /// From 1, February 29 never counted.
    Julian(i64),
    /// From 0, February 29 counted.
    Zero(i64),
    /// Of this month the `week`th (5: the last) such weekday, 0 being Sunday.
    Week { month: i64, week: i64, weekday: i64 },
}

impl Footer {
    /// Reads the string; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = name(text)?;
        let (ahead, rest) = clock(rest, 24)?;
        let standard = -ahead;
        if rest.is_empty() {
            let summer = None;
            return Some(Self { standard, summer });
        }
        let rest = name(rest)?;
        let (offset, rest) = match rest.strip_prefix(',') {
            Some(_) => (standard + 3600, rest),
            None => {
                let (ahead, rest) = clock(rest, 24)?;
                (-ahead, rest)
            }
        };
        let (begins, rest) = change(rest.strip_prefix(',')?)?;
        let (ends, rest) = change(rest.strip_prefix(',')?)?;
        let summer = Some(Summer {
            offset,
            begins,
            ends,
        });
        rest.is_empty().then_some(Self { standard, summer })
    }

    pub(super) fn offset(&self, at: i64) -> i64 {
        // No rule leaves its clocks alone for longer than two years.
        let shifts = self.shifts(at - 2 * 366 * DAY, at);
        shifts.last().map_or(self.standard, |shift| shift.after)
    }

    /// The shifts from one instant to another, in order.
    pub(super) fn shifts(&self, from: i64, to: i64) -> Vec<Shift> {
        let Some(summer) = &self.summer else {
            return Vec::new();
        };
        let years = Civil::at(from).year - 1..=Civil::at(to).year + 1;
        let mut all: Vec<Shift> = years
            .flat_map(|year| {
                let (standard, summer_offset) = (self.standard, summer.offset);
                let shift = |change: &Change, before, after| Shift {
                    at: change.wall(year) - before,
                    before,
                    after,
                };
                [
                    shift(&summer.begins, standard, summer_offset),
                    shift(&summer.ends, summer_offset, standard),
                ]
            })
            .collect();
        // Where summer begins again as it ends, it never ends.
        all.sort_by_key(|shift| (shift.at, shift.before == self.standard));
        let mut shifts: Vec<Shift> = Vec::new();
        for shift in all {
            match shifts.last_mut() {
                Some(last) if last.at == shift.at => last.after = shift.after,
                _ => shifts.push(shift),
            }
        }
        shifts.retain(|shift| shift.before != shift.after && (from..=to).contains(&shift.at));
        shifts
    }
}

impl Change {
    /// Seconds since 1970 in local time.
    fn wall(&self, year: i64) -> i64 {
        let first = days(year, 1, 1);
        let day = match self.day {
            Day::Zero(day) => first + day,
            Day::Julian(day) => {
                let leap = days(year, 3, 1) - days(year, 2, 28) == 2;
                first + day - 1 + i64::from(leap && day >= 60)
            }
            Day::Week {
                month,
                week,
                weekday,
            } => {
                let first = days(year, month, 1);
                // 1970-01-01 was a Thursday.
                let ahead = (weekday - (first + 4)).rem_euclid(7);
                let next = if month == 12 {
                    days(year + 1, 1, 1)
                } else {
                    days(year, month + 1, 1)
                };
                let mut day = first + ahead + 7 * (week - 1);
                while day >= next {
                    day -= 7;
                }
                day
            }
        };
        day * DAY + self.second
    }
}

/// What follows a zone's abbreviation.
fn name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>').map(|(_, rest)| rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// Signed hours, minutes and seconds, of which only the hours must be there,
/// as seconds, and what follows them.
fn clock(text: &str, most: i64) -> Option<(i64, &str)> {
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, mut rest) = number(text)?;
    let mut seconds = hours * 3600;
    for unit in [60, 1] {
        let Some(after) = rest.strip_prefix(':') else {
            break;
        };
        let (part, after) = number(after)?;
        seconds += (part < 60).then_some(part * unit)?;
        rest = after;
    }
    (hours <= most).then_some((sign * seconds, rest))
}

fn number(text: &str) -> Option<(i64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let number = (digits.len() <= 3).then(|| digits.parse().ok())??;
    Some((number, rest))
}

fn change(text: &str) -> Option<(Change, &str)> {
    let (day, rest) = if let Some(text) = text.strip_prefix('M') {
        let (month, rest) = number(text)?;
        let (week, rest) = number(rest.strip_prefix('.')?)?;
        let (weekday, rest) = number(rest.strip_prefix('.')?)?;
        let real = (1..=12).contains(&month) && (1..=5).contains(&week) && weekday <= 6;
        let day = Day::Week {
            month,
            week,
            weekday,
        };
        (real.then_some(day)?, rest)
    } else if let Some(text) = text.strip_prefix('J') {
        let (day, rest) = number(text)?;
        ((1..=365).contains(&day).then_some(Day::Julian(day))?, rest)
    } else {
        let (day, rest) = number(text)?;
        ((day <= 365).then_some(Day::Zero(day))?, rest)
    };
    let (second, rest) = match rest.strip_prefix('/') {
        Some(rest) => clock(rest, 167)?,
        None => (2 * 3600, rest),
    };
    Some((Change { day, second }, rest))
}
