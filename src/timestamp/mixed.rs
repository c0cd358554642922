//! Timestamps that are read in one way and sent in another, and those in a
//! zone's local time.
//!
//! A bound in local time never names an hour that comes twice: which of the two
//! an API takes it for, and whether it compares texts or instants, cannot be
//! known, so the bound is the last second before that hour. Bounds that are too
//! early bring rows again, which are dropped; one too late would lose some.

use std::borrow::Cow;

use super::{Format, format, naive, parse, to_utc, wall};
use crate::calendar::{Civil, HEAD, Instant, day, spell_head};
use crate::http_date::http_date;
use crate::zone::{Reading, Zone};

/// How values are read, how bounds are sent, and in which zone both are where
/// they have no offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixed {
    pub(super) read: Format,
    send: Format,
    zone: Option<Zone>,
}

/// What a text says.
enum Said {
    Instant(Instant),
    /// A local time, as if it were in UTC.
    Wall(Instant),
}

impl Format {
    /// Values in one format and bounds in another, either of them in `zone`
    /// where it has no offset; none of the two is mixed itself.
    #[must_use]
    pub fn mixed(read: Self, send: Self, zone: Option<Zone>) -> Self {
        if read == send && zone.is_none() {
            return read;
        }
        let mixed = Mixed { read, send, zone };
        Self::Mixed(std::sync::Arc::new(mixed))
    }

    /// The same in a zone.
    #[must_use]
    pub fn in_zone(&self, zone: Zone) -> Self {
        let (read, send) = match self {
            Self::Mixed(mixed) => (mixed.read.clone(), mixed.send.clone()),
            format => (format.clone(), format.clone()),
        };
        Self::mixed(read, send, Some(zone))
    }

    /// What a text says in this format, which is not mixed.
    fn said(&self, text: &str, number: bool) -> Option<Said> {
        match self {
            Self::Date => day(text).map(Said::Wall),
            Self::HttpDate => http_date(text).map(Said::Instant),
            Self::Described(description) if description.is_absolute() => {
                description.read(text).map(Said::Instant)
            }
            Self::Described(description) => description.read(text).map(Said::Wall),
            Self::AsReceived | Self::Unix | Self::UnixMs | Self::Mixed(_) => {
                self.read(text, number).map(Said::Instant)
            }
        }
        .or_else(|| parse(text).map(Said::Instant))
        .or_else(|| wall(text).map(Said::Wall))
    }
}

/// An instant with another second.
fn moved(at: Instant, secs: i64) -> Instant {
    Instant { secs, ..at }
}

impl Mixed {
    /// The zone's reading of a text that has no offset.
    fn reading(&self, text: &str) -> Option<(Instant, Reading)> {
        match self.read.said(text, false)? {
            Said::Wall(wall) => Some((wall, self.zone.as_ref()?.read(wall.secs))),
            Said::Instant(_) => None,
        }
    }

    // These two are kept out of the way of the formats that are not mixed.
    #[inline(never)]
    pub(super) fn glance(&self, text: &[u8]) -> Option<Instant> {
        self.read.glance(text)
    }

    #[inline(never)]
    pub(super) fn is_utc(&self, text: &[u8]) -> bool {
        self.read.is_utc(text)
    }

    pub(super) fn read(&self, text: &str, number: bool) -> Option<Instant> {
        let Some(zone) = &self.zone else {
            return self.read.read(text, number);
        };
        match self.read.said(text, number)? {
            Said::Instant(at) => Some(at),
            Said::Wall(wall) => {
                let reading = zone.read(wall.secs);
                // All times that no clock showed are one instant, in their
                // order.
                let nanos = if reading.skipped.is_some() {
                    0
                } else {
                    wall.nanos
                };
                Some(Instant {
                    secs: reading.first,
                    nanos,
                })
            }
        }
    }

    /// The second instant that a text can mean.
    pub(super) fn twice(&self, text: &str) -> Option<Instant> {
        let (wall, reading) = self.reading(text)?;
        (reading.last > reading.first).then(|| moved(wall, reading.last))
    }

    pub(super) fn repeats(&self) -> bool {
        self.zone.as_ref().is_some_and(Zone::shifts)
    }

    pub(super) fn is_local(&self) -> bool {
        self.zone.is_some()
    }

    /// Whether bounds are sent as values are not read.
    pub(super) fn translates(&self) -> bool {
        self.send != Format::AsReceived && self.send != self.read
    }

    pub(super) fn spell(&self, received: &str, at: Instant) -> String {
        let Some(zone) = &self.zone else {
            return self.send.spell(received, at);
        };
        match &self.send {
            Format::AsReceived => self.respell(zone, received, at),
            Format::Described(description) if description.is_absolute() => {
                self.send.spell(received, at)
            }
            Format::Date | Format::Described(_) => self.local(zone, &self.send, at).0,
            _ => self.send.spell(received, at),
        }
    }

    /// The instant that the bound says which is sent for this one.
    pub(super) fn cut(&self, at: Instant) -> Instant {
        let Some(zone) = &self.zone else {
            return self.send.cut(at);
        };
        match &self.send {
            Format::AsReceived => match zone.settled_before(at.secs) {
                Some(secs) => Instant { secs, nanos: 0 },
                None => at,
            },
            Format::Described(description) if description.is_absolute() => self.send.cut(at),
            Format::Date | Format::Described(_) => self.local(zone, &self.send, at).1,
            _ => self.send.cut(at),
        }
    }

    /// What was received goes back as it came, but for a time that the API
    /// could take for another one.
    fn respell(&self, zone: &Zone, received: &str, at: Instant) -> String {
        if self.reading(received).is_none() {
            return received.to_owned();
        }
        let Some(secs) = zone.settled_before(at.secs) else {
            return received.to_owned();
        };
        if naive(received).is_none() {
            return self.local(zone, &self.read, at).0;
        }
        let mut text = spell_head(Civil::at(secs + zone.offset(secs)));
        if let Some(separator) = received.get(10..11) {
            text.replace_range(10..11, separator);
        }
        // As many digits as the API writes, of a second that has none.
        text.truncate(received.len());
        let fraction = received.get(HEAD..).unwrap_or_default();
        text.extend(fraction.chars().map(|c| if c == '.' { c } else { '0' }));
        text
    }

    /// The text for an instant in local time, cut downwards as the format cuts,
    /// and the instant that it says.
    fn local(&self, zone: &Zone, send: &Format, at: Instant) -> (String, Instant) {
        let mut at = at.clamp(Instant::EARLIEST, Instant::LATEST);
        // Cutting, as to a day, can lead into an hour that comes twice.
        for _ in 0..4 {
            if let Some(secs) = zone.settled_before(at.secs) {
                let nanos = 999_999_999;
                at = Instant { secs, nanos };
            }
            let wall = moved(at, at.secs + zone.offset(at.secs));
            let text = send.spell("", wall);
            let said = match send.said(&text, false) {
                Some(Said::Wall(wall)) => moved(wall, zone.read(wall.secs).first),
                _ => at,
            };
            if zone.settled_before(said.secs).is_none() {
                return (text, said.min(at));
            }
            at = said;
        }
        (send.spell("", at), at)
    }

    /// An instant in the form of the read format, where that has a form of its
    /// own, in the zone's time.
    pub(super) fn like(&self, received: &str, at: Instant) -> Option<String> {
        let own = matches!(self.read, Format::Described(_) | Format::Date);
        if parse(received).is_some() || !own {
            return None;
        }
        match &self.zone {
            Some(zone) => Some(self.local(zone, &self.read, at).0),
            None => Some(self.read.spell(received, at)),
        }
    }

    pub(super) fn utc<'a>(&self, text: &'a str, number: bool) -> Option<Cow<'a, str>> {
        let Some((wall, reading)) = self.zone.as_ref().and_then(|_| self.reading(text)) else {
            return self.read.utc(text, number);
        };
        let at = moved(wall, reading.skipped.unwrap_or(reading.first)).spellable()?;
        // Digits that an instant has no room for stay in the text.
        let digits = match &self.read {
            Format::Described(description) if description.read(text).is_some() => None,
            _ => naive(text),
        };
        let Some(naive) = digits else {
            return Some(Cow::Owned(format(at)));
        };
        let fraction = naive.get(HEAD..)?;
        let text = format!("{}{fraction}Z", spell_head(Civil::at(at.secs)));
        to_utc(&text).map(|utc| Cow::Owned(utc.into_owned()))
    }
}
