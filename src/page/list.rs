//! Rows that are lists of values, and the answer's list of their fields' names.
//! A row with too few or too many values is refused.

use super::flaw::{Flaw, Stop, too_many};
use super::walk::Walk;
use super::{MAX_FIELDS, Member};
use crate::error::{Error, Result, excerpt};
use crate::json::{self, Fault, Span, lenient};

impl Walk<'_> {
    /// A row that is a list of values, or none at all.
    #[cold]
    pub(super) fn no_object(
        &mut self,
        text: &[u8],
        at: usize,
        depth: usize,
    ) -> std::result::Result<usize, Stop> {
        if text.get(at) != Some(&b'[') || self.connection.response.columns.is_none() {
            let end = json::value(text, at, depth)?;
            let value = excerpt(&String::from_utf8_lossy(&text[at..end]));
            let found = json::kind(&text[at..end]);
            let wanted = match self.connection.response.columns {
                Some(_) => "a list of values",
                None => "an object",
            };
            let reason = format!("a row must be {wanted}, not {found}: {value}");
            return Err(Flaw::new(reason).into());
        }
        let page = &mut *self.page;
        let first = page.members.len();
        let mut count = 0;
        let end = json::elements::<Fault>(text, at, depth, &mut |text, at| {
            let end = json::value(text, at, depth + 1)?;
            if let Some(key) = page.columns.get(count) {
                page.members.push(Member {
                    key: *key,
                    value: Span::new(at, end),
                });
            }
            count += 1;
            Ok(end)
        })?;
        if count != page.columns.len() {
            let names = page.columns.len();
            return Err(Flaw::new(format!("{count} values for {names} columns")).into());
        }
        if page.members.len() > MAX_FIELDS {
            return Err(too_many());
        }
        self.shape = page.shape(text, first, self.connection)?;
        self.take(text, Span::new(at, end), first)?;
        Ok(end)
    }
}

/// The names of the fields of rows that are lists: strings, or objects with a
/// `name`.
pub(super) fn columns(body: &[u8], path: &[String]) -> Result<Vec<Span>> {
    let pointer: String = path.iter().map(|token| format!("/{token}")).collect();
    let wrong = |what: &str| {
        Error::contract(format!("{what} at {pointer}"))
            .hint("name the place of the fields' names with \"response\": {\"columns\": \"/…\"} in the connection file")
    };
    let start = json::space(body, 0);
    let list = lenient::point(body.get(start..).unwrap_or_default(), path);
    let list = list.filter(|list| list.first() == Some(&b'['));
    let list = list.ok_or_else(|| wrong("no list of the fields' names"))?;
    let base = Span::within(body, list).start as usize;
    let (mut names, mut strings) = (Vec::new(), true);
    let each = json::elements::<json::Fault>(list, 0, 0, &mut |text, at| {
        let end = json::value(text, at, 1)?;
        let raw = &text[at..end];
        let name = json::point(raw, &["name".to_owned()]).unwrap_or(raw);
        strings &= matches!(name, [b'"', .., b'"']);
        let name = Span::within(text, name);
        // Without the quotes.
        let (first, last) = (name.start as usize + 1, name.end as usize - 1);
        names.push(Span::new(base + first, base + last));
        Ok(end)
    });
    if each.is_err() || !strings {
        return Err(wrong("no list of the fields' names"));
    }
    let mut sorted: Vec<_> = names
        .iter()
        .map(|name| json::unescape(name.of(body)))
        .collect();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(wrong(&format!("{:?} is there twice", excerpt(&twice[0]))));
    }
    Ok(names)
}
