//! Timestamps as text: RFC 3339 and what APIs send instead of it, HTTP's dates,
//! durations, and how a bound is written for an API.
//!
//! It refuses to guess: a date that does not exist, an hour 24, a comma before
//! the fraction are no timestamps, and text without an offset is no instant
//! unless the connection says how it is meant. It reads no clock.

mod description;
mod duration;
mod like;
mod mixed;
mod number;

use std::borrow::Cow;
use std::sync::Arc;

pub use crate::calendar::Instant;
use crate::calendar::{Civil, HEAD, day, fraction_nanos, offset, plain, spell_head, split};
use crate::error::nearest;
use crate::http_date;
pub use crate::http_date::http_date;
pub use description::Description;
pub use duration::duration;
pub use mixed::Mixed;
use number::{odata, unix};

/// Reads RFC 3339 (§5.6) as an instant. Besides its own grammar, a space or `t`
/// for `T`, `z`, and the offsets `+HHMM` and `+HH` are taken, because APIs send
/// them. Fraction digits past the ninth are ignored. Second 60 is taken at the
/// end of a UTC month, as the last nanosecond before it. `None` for everything
/// else, text without an offset included.
#[must_use]
pub fn parse(text: &str) -> Option<Instant> {
    if let Some(at) = plain_instant(text.as_bytes()) {
        return Some(at);
    }
    let (civil, fraction, zone) = split(text.as_bytes())?;
    civil.instant(offset(zone)?, fraction_nanos(fraction))
}

/// As [`parse`], for text that is RFC 3339 in UTC already, with `T` and `Z`:
/// what [`to_utc`] would return unchanged. `None` for everything else.
#[must_use]
pub fn canonical(text: &str) -> Option<Instant> {
    if let Some(at) = plain_instant(text.as_bytes()) {
        return Some(at);
    }
    let (civil, fraction, zone) = split(text.as_bytes())?;
    if zone != b"Z" || text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    civil.instant(0, fraction_nanos(fraction))
}

/// The instant of a text in the most common form.
#[inline]
fn plain_instant(text: &[u8]) -> Option<Instant> {
    let (civil, fraction) = plain(text)?;
    civil.instant(0, fraction_nanos(fraction))
}

/// The same text in UTC as RFC 3339, with `T`, `Z` and every fraction digit as
/// it was, be it the tenth or a trailing zero. Borrowed where it is that
/// already. `None` where [`parse`] is, and where UTC's year is not 0000 to 9999.
#[must_use]
pub fn to_utc(text: &str) -> Option<Cow<'_, str>> {
    if canonical(text).is_some() {
        return Some(Cow::Borrowed(text));
    }
    let (civil, fraction, zone) = split(text.as_bytes())?;
    let at = civil.instant(offset(zone)?, 0)?.spellable()?;
    // offsets are whole minutes, so the seconds stay as they were, a 60 too
    let second = civil.second;
    let head = spell_head(Civil {
        second,
        ..Civil::at(at.secs)
    });
    let fraction = text.get(HEAD..HEAD + fraction.len())?;
    Some(Cow::Owned(format!("{head}{fraction}Z")))
}

/// Whether the text is `YYYY-MM-DD` (RFC 3339 `full-date`) and that day exists.
#[must_use]
pub fn is_date(text: &str) -> bool {
    day(text).is_some()
}

/// A date and clock without an offset, `YYYY-MM-DDTHH:MM[:SS[.fraction]]` with
/// `T`, `t` or a space, as `YYYY-MM-DDTHH:MM:SS[.fraction]`: seconds that were
/// left out are `:00`, the fraction keeps its digits. Borrowed where it is that
/// already. `None` for everything else; also for second 60, which exists only
/// where an offset says so.
#[must_use]
pub fn naive(text: &str) -> Option<Cow<'_, str>> {
    let full = if text.len() == HEAD - 3 {
        Cow::Owned(format!("{text}:00"))
    } else {
        Cow::Borrowed(text)
    };
    let (civil, fraction, zone) = split(full.as_bytes())?;
    if civil.second > 59 || !zone.is_empty() {
        return None;
    }
    if full.as_bytes().get(10) == Some(&b'T') {
        return Some(full);
    }
    let fraction = full.get(HEAD..HEAD + fraction.len())?;
    Some(Cow::Owned(format!("{}{fraction}", spell_head(civil))))
}

/// RFC 3339 in UTC: whole seconds, or with the nanoseconds where there are any,
/// trailing zeros trimmed. What lies outside the years 0000 to 9999 is spelled
/// as the nearest instant inside them.
#[must_use]
pub fn format(at: Instant) -> String {
    let at = at.clamp(Instant::EARLIEST, Instant::LATEST);
    let head = spell_head(Civil::at(at.secs));
    if at.nanos == 0 {
        return head + "Z";
    }
    let fraction = format!("{:09}", at.nanos);
    format!("{head}.{}Z", fraction.trim_end_matches('0'))
}

/// `20240115T103000Z`, for file names: UTC, cut to the second, years as in
/// [`format`](fn@format).
#[must_use]
pub fn compact(at: Instant) -> String {
    let mut text = spell_head(Civil::at(at.clamp(Instant::EARLIEST, Instant::LATEST).secs));
    text.retain(|c| c != '-' && c != ':');
    text + "Z"
}

/// How the cursor's values are read and how a bound is spelled for the API:
/// the key `since.format` of a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// A bound is a value that the API sent, written as the API wrote it.
    AsReceived,
    /// Whole seconds since 1970-01-01T00:00:00Z.
    Unix,
    /// Whole milliseconds since 1970-01-01T00:00:00Z.
    UnixMs,
    /// A day in UTC, `YYYY-MM-DD`.
    Date,
    /// As HTTP's headers spell it: `Mon, 15 Jan 2024 10:30:00 GMT`.
    HttpDate,
    /// As a format description of the `time` crate says, in UTC.
    Described(Description),
    /// Read in one way and sent in another, or both in a zone's local time.
    Mixed(Arc<Mixed>),
}

impl Format {
    /// `as-received`, `unix`, `unix-ms`, `date`, `http-date`, or a format
    /// description such as `[year]-[month]-[day] [hour]:[minute]:[second]`.
    ///
    /// # Errors
    /// What is wrong with the description and what would do, where it cannot be
    /// parsed, or where what it spells cannot be read back as the same day.
    pub fn new(text: &str) -> Result<Self, String> {
        let hint = "try as-received, unix, unix-ms, date, http-date or \
                    \"[year]-[month]-[day] [hour]:[minute]:[second]\"";
        match text {
            "as-received" => return Ok(Self::AsReceived),
            "unix" => return Ok(Self::Unix),
            "unix-ms" => return Ok(Self::UnixMs),
            "date" => return Ok(Self::Date),
            "http-date" => return Ok(Self::HttpDate),
            text if !text.contains('[') => {
                let names = ["as-received", "unix", "unix-ms", "date", "http-date"];
                if let Some(meant) = nearest(text, names) {
                    return Err(format!("unknown format {text:?}, did you mean {meant:?}?"));
                }
            }
            _ => {}
        }
        Description::new(text)
            .map(Self::Described)
            .map_err(|what| format!("{what}; {hint}"))
    }

    /// Reads a cursor's value: the text of a JSON string, or of a JSON `number`.
    ///
    /// Every format takes RFC 3339 (see [`parse`]). Besides, as received: a
    /// number, or a decimal string, is seconds since 1970, or milliseconds
    /// from 10^11 on, and `/Date(…)/` milliseconds (OData 2); unix and unix-ms:
    /// a number or a decimal string in that unit; date: that day's midnight;
    /// http-date: see [`http_date`](fn@http_date); described: what the description says, or
    /// else a date and clock without an offset (see [`naive`]), in UTC; mixed:
    /// as its own first format, in its zone. `None` for everything else and
    /// outside the years 0000 to 9999 in UTC.
    #[must_use]
    pub fn read(&self, text: &str, number: bool) -> Option<Instant> {
        // Of strings, only plain decimals are read: "1e9" is more likely a
        // name.
        let plain = || number || !text.contains(['e', 'E']);
        let read = match self {
            Self::AsReceived if number => unix(text, 9, true),
            Self::AsReceived => parse(text)
                .or_else(|| plain().then(|| unix(text, 9, true))?)
                .or_else(|| odata(text)),
            Self::Unix => parse(text).or_else(|| plain().then(|| unix(text, 9, false))?),
            Self::UnixMs => parse(text).or_else(|| plain().then(|| unix(text, 6, false))?),
            Self::Date => day(text).or_else(|| parse(text)),
            Self::HttpDate => http_date(text).or_else(|| parse(text)),
            Self::Described(description) => description
                .read(text)
                .or_else(|| parse(text).or_else(|| wall(text))),
            Self::Mixed(mixed) => mixed.read(text, number),
        };
        // It must be possible to write a mark, and an offset can lead outside
        // these years.
        read.and_then(Instant::spellable)
    }

    /// Reads what every format but a description reads alike, from text that
    /// may be anything: RFC 3339 in UTC. `None` does not mean that the text is
    /// no timestamp.
    #[inline]
    #[must_use]
    pub fn glance(&self, text: &[u8]) -> Option<Instant> {
        match self {
            Self::Described(_) => None,
            Self::Mixed(mixed) => mixed.glance(text),
            _ => plain_instant(text),
        }
    }

    /// How a bound is written in a request. As received, it is the received
    /// text. In every other format it is written from the instant, cut
    /// downwards to what the format can say, since a bound that is too early
    /// repeats rows and one that is too late loses them. In unix times the year
    /// 1, which stands for the beginning, is 0: APIs accept that where they
    /// refuse a minus.
    /// that where they refuse a minus.
    #[must_use]
    pub fn spell(&self, received: &str, at: Instant) -> String {
        match self {
            Self::AsReceived => received.to_owned(),
            Self::Unix | Self::UnixMs if at.secs < YEAR_ONE_ENDS => "0".to_owned(),
            Self::Unix => at.secs.to_string(),
            Self::UnixMs => at.to_nanos().div_euclid(1_000_000).to_string(),
            Self::Date => {
                let mut text = format(at);
                text.truncate(10);
                text
            }
            Self::HttpDate => spell_http_date(at),
            Self::Described(description) => description.spell(at).unwrap_or_else(|| format(at)),
            Self::Mixed(mixed) => mixed.spell(received, at),
        }
    }

    /// What a state keeps of a bound that was sent as `text`, so that
    /// [`Format::read`] reads it again: that text, unless bounds are sent as
    /// values are not read.
    #[must_use]
    pub fn noted(&self, text: &str, at: Instant) -> String {
        match self {
            Self::Mixed(mixed) if mixed.translates() && at != Instant::MIN => format(at),
            _ => text.to_owned(),
        }
    }

    /// The latest instant that a cursor's value can mean: the second one of a
    /// local time that a zone's clocks show twice.
    #[must_use]
    pub fn latest(&self, text: &str) -> Option<Instant> {
        self.twice(text)
            .or_else(|| self.read(text, false))
            .or_else(|| self.read(text, true))
    }

    /// The second instant that a cursor's value can mean, where its zone's
    /// clocks show it twice.
    #[must_use]
    pub fn twice(&self, text: &str) -> Option<Instant> {
        match self {
            Self::Mixed(mixed) => mixed.twice(text),
            _ => None,
        }
    }

    /// Whether [`Format::twice`] is anything but `None` for any text.
    #[must_use]
    pub fn repeats(&self) -> bool {
        matches!(self, Self::Mixed(mixed) if mixed.repeats())
    }

    /// Whether text without an offset is read in a zone's local time.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Mixed(mixed) if mixed.is_local())
    }

    /// The instant that [`Format::spell`] says, never later than `at`.
    #[must_use]
    pub fn cut(&self, at: Instant) -> Instant {
        let said = match self {
            Self::AsReceived => Some(at),
            Self::Unix => Some(Instant { nanos: 0, ..at }),
            Self::UnixMs => Some(Instant {
                nanos: at.nanos - at.nanos % 1_000_000,
                ..at
            }),
            Self::Date | Self::Described(_) => self.read(&self.spell("", at), false),
            Self::HttpDate => Some(Instant { nanos: 0, ..at }),
            Self::Mixed(mixed) => Some(mixed.cut(at)),
        };
        said.map_or(at, |said| said.min(at))
    }

    /// Whether [`Format::cut`] can return anything but what it was given.
    #[must_use]
    pub fn cuts(&self) -> bool {
        let finest = Instant {
            secs: 951_867_296,
            nanos: 987_654_321,
        };
        self.cut(finest) != finest
    }

    /// Whether a text goes into a UTC_DATETIME column as it is, seen without
    /// computing its instant. False does not mean that it cannot go there.
    #[inline]
    #[must_use]
    pub fn is_utc(&self, text: &[u8]) -> bool {
        match self {
            Self::Described(_) => false,
            Self::Mixed(mixed) => mixed.is_utc(text),
            _ => plain(text).is_some(),
        }
    }

    /// A value of a UTC_DATETIME column: as [`to_utc`], and what is not RFC 3339
    /// but can be read in this format as the instant in RFC 3339. As received
    /// nothing but RFC 3339 is taken.
    #[must_use]
    pub fn utc<'a>(&self, text: &'a str, number: bool) -> Option<Cow<'a, str>> {
        let said = match self {
            // The description wins where RFC 3339 reads the same text as
            // another time.
            Self::Described(description) => description.read(text),
            Self::Mixed(mixed) => return mixed.utc(text, number),
            _ => None,
        };
        if said.is_none_or(|said| parse(text) == Some(said))
            && let Some(utc) = to_utc(text)
        {
            return Some(utc);
        }
        match self {
            Self::AsReceived => None,
            Self::Described(_) if said.is_none() => {
                Some(Cow::Owned(naive(text)?.into_owned() + "Z"))
            }
            _ => Some(Cow::Owned(format(self.read(text, number)?))),
        }
    }
}

/// A date and a time of day without an offset, as if they were in UTC.
fn wall(text: &str) -> Option<Instant> {
    parse(&(naive(text)?.into_owned() + "Z"))
}

/// IMF-fixdate, cut to the second.
fn spell_http_date(at: Instant) -> String {
    http_date::spell_http_date(at.clamp(Instant::EARLIEST, Instant::LATEST))
}

/// The end of the year 1, 0002-01-01T00:00:00Z.
const YEAR_ONE_ENDS: i64 = -62_104_060_800;
