//! What becomes of the rows of one shape, worked out once: which member goes
//! where, and what it is checked for.

use super::Encoder;
use super::FileFormat;
use super::header::Column;
use super::metadata::{self, STAMPS, Stamp};
use crate::error::{Result, excerpt};
use crate::json;
use crate::page::{Member, Shape};
use crate::timestamp::Format;
use crate::types::{Type, Value};

/// Why a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) field: String,
    pub(super) reason: String,
}

/// One step in writing a row of a known shape.
#[derive(Debug)]
pub(super) struct Part {
    /// Written in front of the value: NDJSON's comma, name and colon.
    pub(super) lead: Vec<u8>,
    /// Which member it is; None where the shape has no such member.
    pub(super) member: Option<usize>,
    /// The way down inside the member.
    pub(super) path: Vec<String>,
    pub(super) check: Option<Type>,
    pub(super) key: bool,
    pub(super) name: String,
    /// The column is added, and not from the row.
    pub(super) stamp: Option<Stamp>,
}

/// How the rows of one shape are written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    /// The parts are the members as they come, so that a row without blanks and
    /// without a value to be rewritten can be copied as a whole.
    pub(super) straight: bool,
}

impl Encoder {
    /// Works out how each member of a shape is written.
    pub(super) fn plan(&mut self, shape: &Shape) -> Result<Plan> {
        let names: Vec<String> = shape
            .keys
            .iter()
            .map(|key| json::unescape(key).into_owned())
            .collect();
        if self.metadata.is_some() {
            metadata::check(names.iter().map(String::as_str))?;
        }
        let mut parts = Vec::new();
        let mut taken = vec![false; names.len()];
        for Column { field, of, stamp } in self.columns.iter().flatten() {
            let member = names
                .iter()
                .position(|name| Some(name) == field.path.first());
            if let (Some(member), 1) = (member, field.path.len()) {
                taken[member] = true;
            }
            parts.push(Part {
                lead: lead(&serde_json::to_string(&field.name).unwrap_or_default()),
                member,
                path: field.path.get(1..).unwrap_or_default().to_vec(),
                check: *of,
                key: self.keys.contains(&field.path),
                name: field.name.clone(),
                stamp: *stamp,
            });
        }
        for (member, key) in shape.keys.iter().enumerate() {
            if taken[member] {
                continue;
            }
            if self.format == FileFormat::Csv {
                let whole = self
                    .columns
                    .iter()
                    .flatten()
                    .all(|column| column.field.path[0] != names[member]);
                if whole && !self.dropped.contains(&names[member]) && self.dropped.len() < 1000 {
                    log::warn!(
                        "the field {:?} has no column and is not in the CSV; declare it in \"columns\", or write ndjson",
                        excerpt(&names[member])
                    );
                    self.dropped.push(names[member].clone());
                }
                continue;
            }
            parts.push(Part {
                lead: lead(&format!("\"{}\"", String::from_utf8_lossy(key))),
                member: Some(member),
                path: Vec::new(),
                check: None,
                key: false,
                name: names[member].clone(),
                stamp: None,
            });
        }
        let own = parts.len();
        if self.metadata.is_some() && self.format == FileFormat::Ndjson {
            parts.extend(STAMPS.map(Part::added));
        }
        let whole = |(at, part): (usize, &Part)| part.member == Some(at) && part.path.is_empty();
        let straight = own == names.len() && parts[..own].iter().enumerate().all(whole);
        Ok(Plan { straight, parts })
    }
}

impl Plan {
    /// Checks a row's values, none of which is nested or rewritten.
    pub(super) fn is_as_sent(
        &self,
        members: &[Member],
        body: &[u8],
        times: &Format,
    ) -> std::result::Result<bool, Misfit> {
        for (part, member) in self.parts.iter().zip(members) {
            let raw = member.value.of(body);
            if matches!(raw.first(), Some(b'{' | b'['))
                || !matches!(part.checked(raw, times)?, Value::Raw(_))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn lead(name: &str) -> Vec<u8> {
    format!(",{name}:").into_bytes()
}

impl Part {
    /// One that is added.
    fn added(stamp: Stamp) -> Self {
        Self {
            lead: lead(&format!("\"{}\"", stamp.name())),
            member: None,
            path: Vec::new(),
            check: None,
            key: false,
            name: stamp.name().to_owned(),
            stamp: Some(stamp),
        }
    }

    #[inline]
    pub(super) fn raw<'a>(&self, members: &[Member], body: &'a [u8]) -> Option<&'a [u8]> {
        let raw = members.get(self.member?)?.value.of(body);
        if self.path.is_empty() {
            return Some(raw);
        }
        json::point(raw, &self.path)
    }

    #[inline]
    pub(super) fn checked<'a>(
        &self,
        raw: &'a [u8],
        times: &Format,
    ) -> std::result::Result<Value<'a>, Misfit> {
        match self.check {
            Some(check) if !check.passes(raw, times) => self.examined(check, raw, times),
            _ => Ok(Value::Raw(raw)),
        }
    }

    fn examined<'a>(
        &self,
        check: Type,
        raw: &'a [u8],
        times: &Format,
    ) -> std::result::Result<Value<'a>, Misfit> {
        check.check(raw, self.key, times).map_err(|wanted| Misfit {
            field: self.name.clone(),
            reason: format!(
                "{} {wanted}: {}",
                check.name(),
                excerpt(&String::from_utf8_lossy(raw))
            ),
        })
    }
}
