//! An instant written in the form in which an API writes its own, for questions
//! about instants that no row has. It refuses to guess where the form cannot be
//! imitated.

use super::{Format, naive, parse};
use crate::calendar::{
    Civil, HEAD, Instant, NANOS, day, fraction_nanos, offset, spell_head, split,
};

/// What clocks and timestamps are cut to, in nanoseconds.
const STEPS: [i128; 9] = [
    1,
    1_000,
    1_000_000,
    NANOS,
    60 * NANOS,
    900 * NANOS,
    3_600 * NANOS,
    86_400 * NANOS,
    2 * 86_400 * NANOS,
];

impl Format {
    /// The latest instant up to `at` that can be written in the form of
    /// `received`, and its text; None where that form cannot be imitated.
    #[must_use]
    pub fn like(&self, received: &str, at: Instant) -> Option<(String, Instant)> {
        let at = at.clamp(Instant::EARLIEST, Instant::LATEST);
        let texts = clocks(self, received, at)
            .into_iter()
            .chain(number(self, received, at))
            .chain(self.spelled_whole(received, at));
        let read = texts.filter_map(|text| {
            let said = self.value(&text)?;
            (said <= at).then_some((text, said))
        });
        read.max_by_key(|(_, said)| *said)
    }

    /// The first instant after `at` that can be written in the form of
    /// `received`.
    #[must_use]
    pub fn next_like(&self, received: &str, at: Instant) -> Option<(String, Instant)> {
        STEPS.into_iter().find_map(|step| {
            let later = Instant::from_nanos(at.to_nanos() + step)?;
            self.like(received, later).filter(|(_, said)| *said > at)
        })
    }

    /// The last instant before `at` whose bound is another one than that of
    /// `at`: where a bound leaves out its own rows, one that holds those of `at`.
    #[must_use]
    pub fn before_like(&self, received: &str, at: Instant) -> Option<(String, Instant)> {
        let bound = self.spell(received, at);
        STEPS.into_iter().skip(3).find_map(|step| {
            let earlier = Instant::from_nanos(at.to_nanos() - step)?;
            let found = self.like(received, earlier)?;
            (found.1 < at && self.spell(&found.0, found.1) != bound).then_some(found)
        })
    }

    /// A cursor's value, which may have been a number.
    fn value(&self, text: &str) -> Option<Instant> {
        self.read(text, false).or_else(|| self.read(text, true))
    }

    /// Formats that have a form of their own, whatever was received.
    fn spelled_whole(&self, received: &str, at: Instant) -> Option<String> {
        match self {
            Self::Described(_) | Self::HttpDate | Self::Date if parse(received).is_none() => {
                Some(self.spell(received, at))
            }
            Self::Mixed(mixed) => mixed.like(received, at),
            _ => None,
        }
    }
}

/// RFC 3339, with an offset or without, and a date alone.
fn clocks(format: &Format, received: &str, at: Instant) -> Vec<String> {
    let spelled = |shift: i64| {
        let nanos = at.to_nanos() + i128::from(shift) * NANOS;
        let wall = Instant::from_nanos(nanos).and_then(Instant::spellable)?;
        Some((spell_head(Civil::at(wall.secs)), wall.nanos))
    };
    if day(received).is_some() {
        let texts = [0, -86_400].into_iter().filter_map(spelled);
        return texts.map(|(head, _)| head[..10].to_owned()).collect();
    }
    let short = received.len() == HEAD - 3 && naive(received).is_some();
    let full = if short {
        format!("{received}:00")
    } else {
        received.to_owned()
    };
    let Some((civil, fraction, zone)) = split(full.as_bytes()) else {
        return Vec::new();
    };
    let shifts = match offset(zone) {
        Some(minutes) => vec![minutes * 60],
        // How far local time is ahead of UTC, in summer and in winter.
        None => {
            let wall = civil.instant(0, fraction_nanos(fraction));
            let Some((wall, read)) = wall.zip(format.value(received)) else {
                return Vec::new();
            };
            let shift = wall.secs - read.secs;
            vec![shift, shift + 3_600, shift - 3_600]
        }
    };
    let texts = shifts.into_iter().filter_map(|shift| {
        let (mut head, nanos) = spelled(shift)?;
        head.replace_range(10..11, full.get(10..11)?);
        if short {
            head.truncate(HEAD - 3);
            return Some(head);
        }
        let digits = format!("{nanos:09}{:0<1$}", "", fraction.len());
        let digits = digits.get(..fraction.len().saturating_sub(1))?;
        let point = if fraction.is_empty() { "" } else { "." };
        let zone = full.get(full.len() - zone.len()..)?;
        Some(format!("{head}{point}{digits}{zone}"))
    });
    texts.collect()
}

/// A number of seconds or milliseconds since 1970, also as OData 2 writes it.
fn number(format: &Format, received: &str, at: Instant) -> Option<String> {
    if let Some(inner) = received.strip_prefix("/Date(") {
        let end = inner.get(1..)?.find(['+', '-', ')'])? + 1;
        let millis = at.to_nanos().div_euclid(1_000_000);
        return Some(format!("/Date({millis}{}", inner.get(end..)?));
    }
    let (whole, fraction) = received.split_once('.').unwrap_or((received, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || !plain(digits) || !plain(fraction) {
        return None;
    }
    let millis = match format {
        Format::UnixMs => true,
        Format::AsReceived => digits.len() > 11,
        _ => false,
    };
    let unit = if millis { 1_000_000 } else { NANOS };
    let (whole, rest) = (
        at.to_nanos().div_euclid(unit),
        at.to_nanos().rem_euclid(unit),
    );
    if fraction.is_empty() {
        return Some(whole.to_string());
    }
    // A fraction of a number below zero counts towards zero.
    if whole < 0 {
        return Some(format!("{whole}.{}", "0".repeat(fraction.len())));
    }
    let width = if millis { 6 } else { 9 };
    let rest = format!("{rest:0width$}{:0<1$}", "", fraction.len());
    Some(format!("{whole}.{}", rest.get(..fraction.len())?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    fn at(text: &str) -> Instant {
        parse(text).unwrap()
    }

    #[test]
    fn an_instant_is_spelled_as_the_api_spells_its_own() {
        let instant = at("2024-07-15T10:30:00.123456789Z");
        let received = Format::AsReceived;
        for (sample, expected) in [
            ("2020-01-01T00:00:00Z", "2024-07-15T10:30:00Z"),
            ("2020-01-01 00:00:00.5+02:00", "2024-07-15 12:30:00.1+02:00"),
            (
                "2020-01-01T00:00:00.000+0000",
                "2024-07-15T10:30:00.123+0000",
            ),
            (
                "2020-01-01T00:00:00.00000000000Z",
                "2024-07-15T10:30:00.12345678900Z",
            ),
            ("1577836800", "1721039400"),
            ("1577836800.25", "1721039400.12"),
            ("1577836800123", "1721039400123"),
            ("/Date(1577836800123)/", "/Date(1721039400123)/"),
            ("/Date(1577836800123+0060)/", "/Date(1721039400123+0060)/"),
        ] {
            let (text, said) = received.like(sample, instant).unwrap();
            assert_eq!(text, expected, "{sample}");
            assert!(said <= instant);
            let (_, next) = received.next_like(sample, said).unwrap();
            assert!(next > said, "{sample}");
        }
        assert_eq!(received.like("yesterday", instant), None);
    }

    #[test]
    fn local_times_and_descriptions_are_imitated_too() {
        let new_york = Zone::fixed("-05:00").unwrap();
        let local = Format::AsReceived.in_zone(new_york);
        let (text, said) = local
            .like("2020-01-01 00:00:00", at("2024-07-15T10:30:00Z"))
            .unwrap();
        assert_eq!(text, "2024-07-15 05:30:00");
        assert_eq!(said, at("2024-07-15T10:30:00Z"));
        let described = Format::new("[day].[month].[year] [hour]:[minute]").unwrap();
        let (text, said) = described
            .like("01.01.2020 00:00", at("2024-07-15T10:30:59Z"))
            .unwrap();
        assert_eq!(text, "15.07.2024 10:30");
        assert_eq!(said, at("2024-07-15T10:30:00Z"));
        let (text, _) = described.next_like("01.01.2020 00:00", said).unwrap();
        assert_eq!(text, "15.07.2024 10:31");
        let date = Format::Date.like("2020-01-01", at("2024-07-15T10:30:59Z"));
        assert_eq!(date.unwrap().0, "2024-07-15");
    }

    #[test]
    fn a_bound_before_an_instant_is_another_bound() {
        let instant = at("2024-07-15T10:30:00Z");
        let received = Format::AsReceived;
        let (text, _) = received
            .before_like("2020-01-01T00:00:00Z", instant)
            .unwrap();
        assert_eq!(text, "2024-07-15T10:29:59Z");
        let (text, _) = Format::Date.before_like("2020-01-01", instant).unwrap();
        assert_eq!(text, "2024-07-14");
    }
}
