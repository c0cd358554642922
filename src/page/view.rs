//! What a page holds, read together with the body in which its rows are.

use super::odd::Odd;
use super::{Member, ODD, Page, Shape, ignore};
use crate::config::Connection;
use crate::error::excerpt;
use crate::hash::{FNV, fnv};
use crate::json::{self, Span};
use crate::seen::NUMBER;
use crate::timestamp::Instant;

/// A page with the body in which its rows are, and the names of its fields.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    page: &'a Page,
    body: &'a [u8],
    keys: usize,
}

impl Page {
    /// The page together with the body it was read from.
    pub fn view<'a>(&'a self, body: &'a [u8], connection: &Connection) -> View<'a> {
        View {
            page: self,
            body,
            keys: connection.primary_key.len(),
        }
    }
}

impl<'a> View<'a> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.page.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.page.is_empty()
    }

    /// The instant of a row's cursor.
    #[inline]
    pub fn at(&self, row: usize) -> Instant {
        self.page.rows[row].at
    }

    /// A row's cursor as the API wrote it.
    pub fn mark(&self, row: usize) -> String {
        json::text(self.page.rows[row].mark.of(self.body)).into_owned()
    }

    /// A row's primary key: the text of a single one, with [`NUMBER`] before
    /// a number, so that `1` and `"1"` are two; a JSON list of several;
    /// where a row has a fault and no key, its content stands for that.
    pub fn id(&self, row: usize) -> String {
        if self.odd(row).is_some_and(|odd| odd.keyless) {
            return format!("?{:016x}", self.hash(row));
        }
        let ids = self.ids(row);
        if let [id] = ids {
            let raw = id.of(self.body);
            let text = json::text(raw);
            let number = raw.first() != Some(&b'"');
            return if number || text.starts_with(NUMBER) {
                format!("{NUMBER}{text}")
            } else {
                text.into_owned()
            };
        }
        let parts: Vec<_> = ids
            .iter()
            .map(|id| String::from_utf8_lossy(id.of(self.body)))
            .collect();
        format!("[{}]", parts.join(","))
    }

    /// A hash of a row's primary key, as it is spelled.
    #[inline]
    pub fn key(&self, row: usize) -> u64 {
        if self.odd(row).is_some_and(|odd| odd.keyless) {
            return self.hash(row);
        }
        let ids = self.ids(row).iter();
        let hash = ids.fold(FNV, |hash, id| fnv(fnv(hash, id.of(self.body)), b","));
        (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }

    /// The primary key as it is shown to people.
    pub fn shown_id(&self, row: usize) -> String {
        if self.odd(row).is_some_and(|odd| odd.keyless) {
            return self.id(row);
        }
        let parts = self.ids(row).iter().map(|id| json::text(id.of(self.body)));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The values of a row's primary key.
    fn ids(&self, row: usize) -> &'a [Span] {
        &self.page.ids[row * self.keys..(row + 1) * self.keys]
    }

    /// A row's members in their order.
    #[inline]
    pub fn members(&self, row: usize) -> &'a [Member] {
        let span = self.page.rows[row].members;
        let members = span.start as usize..span.end as usize;
        self.page.members.get(members).unwrap_or_default()
    }

    /// What is wrong with a row, where something is.
    #[inline]
    pub fn odd(&self, row: usize) -> Option<&'a Odd> {
        let row = self.page.rows.get(row)?;
        let odd = (row.shape == ODD).then_some(row.members.start)?;
        self.page.odd.get(odd as usize)
    }

    /// All rows with faults, those included that are not shown.
    pub fn all_odd(&self) -> &'a [Odd] {
        &self.page.odd
    }

    /// How many rows of the answer's list are not among those shown: they have
    /// no timestamp by which to place them.
    pub fn skipped(&self) -> usize {
        self.page.listed - self.page.rows.len()
    }

    /// Where a row is in the answer's list.
    pub fn position(&self, row: usize) -> usize {
        self.page.rows[row].position as usize
    }

    /// The number of the row's shape, and the shape.
    #[inline]
    ///
    /// # Panics
    /// For a row with a fault, see [`View::odd`].
    pub fn shape(&self, row: usize) -> (usize, &'a Shape) {
        let shape = self.page.rows[row].shape as usize;
        (shape, &self.page.shapes[shape])
    }

    /// How often shapes were forgotten; after each time their numbers mean
    /// other shapes.
    pub fn generation(&self) -> u64 {
        self.page.generation
    }

    /// The row's own text.
    pub fn raw(&self, row: usize) -> &'a [u8] {
        self.page.rows[row].span.of(self.body)
    }

    /// The body that all spans are of.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// A hash of the row's content, whatever the order of its members and the
    /// whitespace between them: the sum of FNV-1a (Fowler, Noll, Vo) of each.
    pub fn hash(&self, row: usize) -> u64 {
        let mut spare = Vec::new();
        let mut sum = 0u64;
        if self.odd(row).is_some() {
            return fnv(FNV, self.raw(row));
        }
        let ignored = &self.shape(row).1.ignored;
        for (number, member) in self.members(row).iter().enumerate() {
            let mut raw = member.value.of(self.body);
            if !ignored.is_empty()
                && let Some((_, paths)) = ignored.iter().find(|(member, _)| *member == number)
            {
                if paths.iter().any(Vec::is_empty) {
                    continue;
                }
                spare.clear();
                let paths: Vec<&[String]> = paths.iter().map(|path| &path[..]).collect();
                ignore::compact(raw, &paths, &mut spare);
                raw = &spare;
            } else
            // Only these can hold whitespace that does not count.
            if let Some(b'{' | b'[') = raw.first() {
                spare.clear();
                json::compact(raw, &mut spare);
                raw = &spare;
            }
            let key = member.key.of(self.body);
            let hash = fnv(fnv(fnv(FNV, key), b":"), raw);
            // Sums of raw FNV hashes would cancel too easily.
            let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            sum = sum.wrapping_add(mixed ^ (mixed >> 32));
        }
        sum
    }

    /// Where a row is, for messages.
    pub fn place(&self, row: usize) -> String {
        let position = self.position(row);
        format!("row {position} (id {:?})", excerpt(&self.shown_id(row)))
    }
}
