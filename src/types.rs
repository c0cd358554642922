//! The types a column can be declared with (Fivetran's), and how a value of
//! each is checked and written, without a number being computed: digits stay as
//! the API sent them.

use std::borrow::Cow;
use std::str::FromStr;

use crate::error::nearest;
use crate::json;
use crate::timestamp::{self, Format};

/// A declared column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are their documentation
pub enum Type {
    String,
    Boolean,
    Short,
    Int,
    Long,
    Decimal,
    Float,
    Double,
    NaiveDate,
    NaiveDatetime,
    UtcDatetime,
    Binary,
    Xml,
    Json,
}

const NAMES: [(&str, Type); 14] = [
    ("STRING", Type::String),
    ("BOOLEAN", Type::Boolean),
    ("SHORT", Type::Short),
    ("INT", Type::Int),
    ("LONG", Type::Long),
    ("DECIMAL", Type::Decimal),
    ("FLOAT", Type::Float),
    ("DOUBLE", Type::Double),
    ("NAIVE_DATE", Type::NaiveDate),
    ("NAIVE_DATETIME", Type::NaiveDatetime),
    ("UTC_DATETIME", Type::UtcDatetime),
    ("BINARY", Type::Binary),
    ("XML", Type::Xml),
    ("JSON", Type::Json),
];

impl FromStr for Type {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, found)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*found);
        }
        let names = NAMES.iter().map(|(name, _)| *name);
        Err(match nearest(text, names.clone()) {
            Some(meant) => format!("unknown type {text:?}, did you mean {meant:?}?"),
            None => format!(
                "unknown type {text:?}, the types are {}",
                names.collect::<Vec<_>>().join(", ")
            ),
        })
    }
}

/// A value that has passed its type's check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// JSON text that goes as it stands: a string with its quotes, a number,
    /// a word, or null.
    Raw(&'a [u8]),
    /// A number or word that came inside quotes, without them.
    Bare(Cow<'a, str>),
    /// Text that is not written as it came. It needs no escapes.
    Text(Cow<'a, str>),
}

impl Type {
    /// The type's name as connection files write it.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, found)| *found == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether a valid JSON value passes the check as it is, seen without a
    /// closer look: most do. False does not mean that it fails.
    #[inline]
    pub fn passes(self, raw: &[u8], format: &Format) -> bool {
        match (self, raw) {
            (Self::String, [b'"', ..]) => true,
            (Self::UtcDatetime, [b'"', inner @ .., b'"']) => format.is_utc(inner),
            _ => false,
        }
    }

    /// Checks a valid JSON value against the type. `key` admits numbers as
    /// strings, since keys are compared and never computed with; `format` is
    /// how the API spells times.
    ///
    /// # Errors
    /// What the type asks for, where the value is not of it.
    pub fn check<'a>(
        self,
        raw: &'a [u8],
        key: bool,
        format: &Format,
    ) -> Result<Value<'a>, &'static str> {
        let first = raw.first().copied().unwrap_or(b'n');
        let string = first == b'"';
        let as_is = |fits: bool, wanted| {
            if fits {
                Ok(Value::Raw(raw))
            } else {
                Err(wanted)
            }
        };
        if first == b'n' {
            return Ok(Value::Raw(raw));
        }
        let text = || json::text(raw);
        match self {
            Self::String => as_is(
                string || (key && matches!(first, b'-' | b'0'..=b'9')),
                "must be a string",
            ),
            Self::Json => Ok(Value::Raw(raw)),
            Self::UtcDatetime => utc_datetime(raw, format),
            Self::Boolean => match &*text() {
                "true" => Ok(Value::Bare("true".into())),
                "false" => Ok(Value::Bare("false".into())),
                _ => Err("must be true or false"),
            },
            Self::Short => integer(raw, i16::MIN.into(), i16::MAX.into())
                .ok_or("must be a whole number from -32768 to 32767"),
            Self::Int => integer(raw, i32::MIN.into(), i32::MAX.into())
                .ok_or("must be a whole number from -2147483648 to 2147483647"),
            Self::Long => {
                integer(raw, i64::MIN, i64::MAX).ok_or("must be a whole number of 64 bits")
            }
            Self::Decimal => number(raw).ok_or("must be a number"),
            Self::Float => number(raw)
                .filter(|value| finite(value, f64::from(f32::MAX)))
                .ok_or("must be a number that a FLOAT can hold"),
            Self::Double => number(raw)
                .filter(|value| finite(value, f64::MAX))
                .ok_or("must be a number that a DOUBLE can hold"),
            Self::NaiveDate => as_is(
                string && timestamp::is_date(&text()),
                "must be a date, YYYY-MM-DD",
            ),
            Self::NaiveDatetime => naive_datetime(raw),
            Self::Binary => as_is(string && is_base64(&text()), "must be base64"),
            Self::Xml => as_is(
                string && text().trim_start().starts_with('<'),
                "must be XML",
            ),
        }
    }
}

/// An instant, spelled in UTC.
fn utc_datetime<'a>(raw: &'a [u8], format: &Format) -> Result<Value<'a>, &'static str> {
    const WANTED: &str = "must be a timestamp with its offset from UTC";
    let first = raw.first();
    if matches!(first, Some(b'{' | b'[' | b't' | b'f')) {
        return Err(WANTED);
    }
    let string = first == Some(&b'"');
    let text = json::text(raw);
    let utc = match (&text, format.utc(&text, !string)) {
        // There are neither escapes nor anything else to be rewritten.
        (Cow::Borrowed(_), Some(Cow::Borrowed(_))) if string => {
            return Ok(Value::Raw(raw));
        }
        (_, utc) => utc.map(Cow::into_owned),
    };
    // Seconds since 1970 are read as the cursor's are, whatever spelling a
    // bound has.
    utc.or_else(|| format.read(&text, !string).map(timestamp::format))
        .map(|utc| Value::Text(Cow::Owned(utc)))
        .ok_or(WANTED)
}

/// A date and a clock's time.
fn naive_datetime(raw: &[u8]) -> Result<Value<'_>, &'static str> {
    const WANTED: &str = "must be a date and time without an offset";
    if raw.first() != Some(&b'"') {
        return Err(WANTED);
    }
    let text = json::text(raw);
    match (&text, timestamp::naive(&text)) {
        (_, None) => Err(WANTED),
        (Cow::Borrowed(_), Some(Cow::Borrowed(_))) => Ok(Value::Raw(raw)),
        (_, Some(naive)) => Ok(Value::Text(Cow::Owned(naive.into_owned()))),
    }
}

/// A number as it came, or out of its quotes.
fn number(raw: &[u8]) -> Option<Value<'_>> {
    match raw.first()? {
        b'-' | b'0'..=b'9' => Some(Value::Raw(raw)),
        b'"' => {
            let text = json::text(raw);
            let digits = matches!(text.as_bytes().first(), Some(b'-' | b'0'..=b'9'));
            (digits && json::value(text.as_bytes(), 0, 0) == Ok(text.len()))
                .then_some(Value::Bare(text))
        }
        _ => None,
    }
}

fn integer(raw: &[u8], min: i64, max: i64) -> Option<Value<'_>> {
    let value = number(raw)?;
    let whole: i64 = digits(&value).parse().ok()?;
    (min..=max).contains(&whole).then_some(value)
}

fn finite(value: &Value<'_>, max: f64) -> bool {
    digits(value)
        .parse::<f64>()
        .is_ok_and(|number| number.abs() <= max)
}

fn digits<'a>(value: &'a Value<'_>) -> Cow<'a, str> {
    match value {
        Value::Raw(raw) => String::from_utf8_lossy(raw),
        Value::Bare(text) | Value::Text(text) => Cow::Borrowed(text),
    }
}

/// Base64 of RFC 4648, in either alphabet, padded or not.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    padding <= 2
        && body.len() % 4 != 1
        && (padding == 0 || text.len().is_multiple_of(4))
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}
