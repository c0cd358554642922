//! The values of flags: words to texts, paths, numbers and lengths of time.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::timestamp;

pub(super) fn put<T>(to: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *to = Some(value?);
    Ok(())
}

/// Sets a switch.
pub(super) fn on(to: &mut bool) -> Result<(), String> {
    *to = true;
    Ok(())
}

pub(super) fn text(value: OsString) -> Result<String, String> {
    value
        .into_string()
        .map_err(|value| format!("{:?} is not Unicode", value.to_string_lossy()))
}

/// A file. Only `--out` knows `-`.
pub(super) fn path(value: OsString) -> Result<PathBuf, String> {
    if value == "-" {
        return Err("takes a file, and \"-\" is none; one of that name is ./-".into());
    }
    Ok(value.into())
}

pub(super) fn number<T>(value: OsString, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let text = text(value)?;
    let (low, high) = (range.start(), range.end());
    // `parse` would take a plus sign, which nobody writes on purpose.
    let digits = Some(&text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{text:?} is no whole number from {low} to {high}"))
}

pub(super) fn duration(value: OsString) -> Result<Duration, String> {
    timestamp::duration(&text(value)?)
}
