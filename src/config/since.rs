//! How the connection file says that timestamps are written: `format`, or
//! `read` and `send` where they differ, and the zone of local times.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::Since;
use crate::error::{Error, Result};
use crate::timestamp::Format;
use crate::zone::Zone;

/// What the file says.
pub(super) struct Spelling {
    pub(super) format: Option<Format>,
    pub(super) read: Option<Format>,
    pub(super) send: Option<Format>,
    pub(super) zone: Option<Zoned>,
}

/// A zone that needs nothing else, or the name of one.
pub(super) enum Zoned {
    Fixed(Zone),
    Named(String),
}

impl FromStr for Zoned {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Some(zone) = Zone::fixed(text) {
            return Ok(Self::Fixed(zone));
        }
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(Self::Named(text.to_owned()));
        }
        Err(format!(
            "{text:?} is no time zone, write a name as \"America/New_York\" or an offset as \"-05:00\""
        ))
    }
}

impl Spelling {
    /// Puts it in the place of the default.
    pub(super) fn onto(self, since: &mut Since) -> Result<()> {
        if self.format.is_some() && self.read.is_some() && self.send.is_some() {
            return Err(Error::usage(
                "stands for \"read\" and \"send\" both, and both are given; leave one of the three out",
            )
            .at("\"format\""));
        }
        let both = self.format.unwrap_or_else(|| since.format.clone());
        let read = self.read.unwrap_or_else(|| both.clone());
        let send = self.send.unwrap_or(both);
        let zone = match self.zone {
            Some(Zoned::Fixed(zone)) => Some(zone),
            Some(Zoned::Named(name)) => {
                since.zone = Some(name);
                None
            }
            None => None,
        };
        since.format = Format::mixed(read, send, zone);
        Ok(())
    }
}

/// Where a first sync starts: text, or a number as cursors can be one.
pub(super) struct First(pub(super) String);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = First;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<First, E> {
                Ok(First(text.to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> std::result::Result<First, E> {
                Ok(First(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> std::result::Result<First, E> {
                Ok(First(number.to_string()))
            }
            fn visit_f64<E>(self, number: f64) -> std::result::Result<First, E> {
                Ok(First(number.to_string()))
            }
        }
        from.deserialize_any(Read)
    }
}
