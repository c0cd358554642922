//! A row to a line of NDJSON. A row without blanks, of which no value is to be
//! spelled anew, is copied as a whole.

use super::Encoder;
use super::plan::Misfit;
use crate::json;
use crate::page::{Member, View};
use crate::types::Value;

impl Encoder {
    pub(super) fn object(
        &mut self,
        page: &View<'_>,
        row: usize,
        plan: usize,
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Misfit> {
        let Some(Some(plan)) = self.plans.get_mut(plan) else {
            return Ok(());
        };
        let members = page.members(row);
        if plan.straight && is_compact(members, page.raw(row)) {
            if plan.is_as_sent(members, page.body(), &self.times)? {
                out.extend_from_slice(page.raw(row));
                if let Some(metadata) = &self.metadata {
                    // It replaces the brace at the end.
                    out.pop();
                    for part in &plan.parts[members.len()..] {
                        out.extend_from_slice(&part.lead);
                        let stamp = part.stamp.into_iter();
                        stamp.for_each(|stamp| metadata.write(stamp, "\"", out));
                    }
                    out.push(b'}');
                }
                out.push(b'\n');
                return Ok(());
            }
            // What is rewritten in one row will be rewritten in the next.
            plan.straight = false;
        }
        let start = out.len();
        for part in &plan.parts {
            if let (Some(stamp), Some(metadata)) = (part.stamp, &self.metadata) {
                out.extend_from_slice(&part.lead);
                metadata.write(stamp, "\"", out);
                continue;
            }
            let Some(raw) = part.raw(members, page.body()) else {
                continue;
            };
            let value = part.checked(raw, &self.times)?;
            out.extend_from_slice(&part.lead);
            match value {
                Value::Raw(raw) => json::compact(raw, out),
                Value::Bare(text) => out.extend_from_slice(text.as_bytes()),
                Value::Text(text) => {
                    out.push(b'"');
                    out.extend_from_slice(text.as_bytes());
                    out.push(b'"');
                }
            }
        }
        // Every part begins with a comma; the comma of the first one becomes
        // the brace.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}

/// Whether a row consists of nothing but its tokens.
fn is_compact(members: &[Member], raw: &[u8]) -> bool {
    // A member's quotes, colon, and the comma or brace before it.
    let tokens = members
        .iter()
        .map(|Member { key, value }| 4 + key.len() + value.len());
    tokens.sum::<usize>() + 1 == raw.len()
}
