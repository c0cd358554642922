//! Timestamps as a format description says.

use time::format_description::{self, OwnedFormatItem};
use time::parsing::Parsed;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::calendar::{DAY, Instant};

/// A format description of the `time` crate (its version 2) that tells the day.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    text: String,
    item: OwnedFormatItem,
    /// Whether its texts tell an instant rather than a local time.
    absolute: bool,
}

impl Description {
    /// Parses a description.
    ///
    /// # Errors
    /// What is wrong with it, where it cannot be parsed, or where what it spells
    /// cannot be read back as the same day.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let item = format_description::parse_owned::<2>(text).map_err(|cause| {
            let cause = cause
                .to_string()
                .escape_debug()
                .to_string()
                .replace("\\'", "'");
            format!("{text:?} is not a format description: {cause}")
        })?;
        let text = text.to_owned();
        let absolute = false;
        let mut description = Self {
            text,
            item,
            absolute,
        };
        let sample = description.spell(Instant { secs: 0, nanos: 0 });
        description.absolute =
            sample.is_some_and(|text| description.says(&text).is_some_and(|said| said.1));
        // two instants that share neither century, year, month, day nor half
        // day: a description that leaves one of them out misreads at least one
        for secs in [951_867_296, 4_131_021_845] {
            let at = Instant { secs, nanos: 0 };
            let read = description.spell(at).and_then(|it| description.read(&it));
            if !read.is_some_and(|read| read <= at && at.secs - read.secs < DAY) {
                return Err(format!(
                    "{:?} does not tell the instant: it needs [year], [month] and [day], \
                     [minute] needs [hour], [second] needs [minute], [subsecond] needs \
                     [second], [hour repr:12] needs [period]",
                    description.text
                ));
            }
        }
        Ok(description)
    }

    /// Whether its texts have an offset, or count from 1970.
    pub(super) fn is_absolute(&self) -> bool {
        self.absolute
    }

    pub(super) fn read(&self, text: &str) -> Option<Instant> {
        Some(self.says(text)?.0)
    }

    /// What a text says, and whether that is an instant rather than a local
    /// time, which is taken as if it were in UTC.
    fn says(&self, text: &str) -> Option<(Instant, bool)> {
        let mut parsed = Parsed::new();
        let rest = parsed.parse_item(text.as_bytes(), &self.item).ok()?;
        if !rest.is_empty() {
            return None;
        }
        if let Some(nanos) = parsed.unix_timestamp_nanos() {
            let at = Instant::from_nanos(nanos)?;
            let nanos = parsed.subsecond().unwrap_or(at.nanos);
            return Some((Instant { nanos, ..at }, true));
        }
        if parsed.hour_24().is_none() && parsed.hour_12().is_none() && parsed.minute().is_none() {
            parsed.set_hour_24(0)?;
        }
        let date = Date::try_from(parsed).ok()?;
        let time = Time::try_from(parsed).ok()?;
        let absolute = parsed.offset_hour().is_some();
        let offset = match parsed.offset_hour() {
            Some(_) => UtcOffset::try_from(parsed).ok()?,
            None => UtcOffset::UTC,
        };
        // the offset is taken off as a number: `time` panics past its last year
        let local = PrimitiveDateTime::new(date, time).assume_utc();
        let secs = local.unix_timestamp() - i64::from(offset.whole_seconds());
        let nanos = local.nanosecond();
        Some((Instant { secs, nanos }, absolute))
    }

    pub(super) fn spell(&self, at: Instant) -> Option<String> {
        let at = at.clamp(Instant::EARLIEST, Instant::LATEST);
        let text = self.write(at)?;
        // `time` cuts unix milliseconds towards 1970, which is upwards before it
        if self.read(&text).is_some_and(|read| read > at) {
            return self.write(Instant { nanos: 0, ..at });
        }
        Some(text)
    }

    fn write(&self, at: Instant) -> Option<String> {
        OffsetDateTime::from_unix_timestamp_nanos(at.to_nanos())
            .ok()?
            .format(&self.item)
            .ok()
    }
}
