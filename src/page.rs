//! One page: it finds validated rows in the answer's bytes, in one pass, and
//! leaves them where they are. It builds no values, copies no text, and refuses
//! an answer whose shape is not as the connection says. A row with a fault of
//! its own is refused too, or noted beside the sound rows where the connection
//! wants that.

mod flaw;
mod fold;
pub(crate) mod ignore;
mod links;
mod list;
mod odd;
pub mod text;
mod value;
mod view;
mod walk;

use flaw::{Flaw, Stop};
use fold::Fold;
pub use odd::Odd;
pub use view::View;
use walk::Walk;

use crate::config::{Connection, Field, Place};
use crate::error::{Again, Error, Result, excerpt};
use crate::exchange::Response;
use crate::json::{self, Span};

use crate::timestamp::Instant;

/// More rows or fields than this on one page are taken for an attack.
const MAX_ROWS: usize = 1_000_000;
const MAX_FIELDS: usize = 4_000_000;
/// The rows of a table have one shape or a few. Beyond this number all shapes
/// are forgotten.
const MAX_SHAPES: usize = 64;

/// One member of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The key, without its quotes.
    pub key: Span,
    /// The value.
    pub value: Span,
}

/// One row, as found.
#[derive(Debug, Clone, Copy)]
struct Row {
    span: Span,
    members: Span,
    shape: u32,
    at: Instant,
    mark: Span,
    /// Its place in the answer's list.
    position: u32,
}

/// The shape of a row that is shown although it has a fault.
const ODD: u32 = u32::MAX;

/// The keys that several rows have in common, and what follows from them,
/// worked out once for all these rows.
#[derive(Debug, Default)]
pub struct Shape {
    /// The keys as they are between their quotes.
    pub keys: Vec<Vec<u8>>,
    cursor: Option<usize>,
    fallback: Option<usize>,
    id: Vec<Option<usize>>,
    /// The members that do not count as content: as a whole, or only what these
    /// pointers lead to.
    ignored: Vec<(usize, Vec<Vec<String>>)>,
}

/// A page's rows. It is kept from page to page, so that its buffers are used
/// again.
#[derive(Debug, Default)]
pub struct Page {
    /// The offset that the answer echoed.
    pub offset: Option<u64>,
    /// How many rows pass the filter, as the answer says.
    pub total: Option<u64>,
    /// Whether more rows follow, as the answer says.
    pub more: Option<bool>,
    /// The link to the next page.
    pub next: Option<String>,
    /// Whether the answer says by its status that there are no rows.
    pub nothing: bool,
    /// Counts the times that shapes were forgotten.
    pub generation: u64,
    rows: Vec<Row>,
    members: Vec<Member>,
    ids: Vec<Span>,
    shapes: Vec<Shape>,
    /// The fields' names, where rows are lists.
    columns: Vec<Span>,
    /// The rows with faults that were met, shown or not.
    odd: Vec<Odd>,
    /// How many rows the answer's list has.
    listed: usize,
    fold: Fold,
    /// Where the body had half of a surrogate pair, and where it had bytes that
    /// are not UTF-8.
    mended: Vec<u32>,
    blank: Vec<u32>,
    /// Whether it had any of them.
    changed: bool,
    warned: bool,
}

/// What is looked for on the way down from the body to the rows.
#[derive(Clone, Copy)]
enum Wanted {
    Rows,
    Offset,
    Total,
    More,
    Next,
    /// This number is echoed beside the offset. It only has to be a number.
    Limit,
}

impl Page {
    /// Reads an answer's body once it is text, see [`text`]. What is not
    /// Unicode in a string is replaced, with one warning.
    ///
    /// # Errors
    /// As [`Page::decode`].
    pub fn read(
        &mut self,
        body: &mut Vec<u8>,
        response: &Response,
        connection: &Connection,
    ) -> Result<()> {
        self.mended.clear();
        self.blank.clear();
        self.changed = false;
        text::prepare(body, response)?;
        let first = self.decode(body, response, connection);
        // Such a string is no reason to set its row aside.
        let torn = |odd: &Odd| odd.reason.ends_with(json::HALF);
        if first.is_ok() && !self.odd.iter().any(torn) {
            return Ok(());
        }
        self.mended = text::mend(body);
        if connection.reject_bad_rows {
            self.blank = text::blank(body);
        }
        self.changed = !self.mended.is_empty() || !self.blank.is_empty();
        if !self.changed {
            return first;
        }
        self.decode(body, response, connection)?;
        if !self.mended.is_empty() && !std::mem::replace(&mut self.warned, true) {
            log::warn!(
                "half a surrogate pair in a string is replaced by U+FFFD: the API cut a character in two"
            );
        }
        Ok(())
    }

    /// Reads an answer's body. After an error the page is not to be looked at.
    ///
    /// # Errors
    /// [`crate::error::Kind::Contract`] with the row and field; a text that is
    /// no JSON is worth another try, and one that just ends too soon is
    /// [`crate::error::Kind::Temporary`].
    pub fn decode(
        &mut self,
        body: &[u8],
        response: &Response,
        connection: &Connection,
    ) -> Result<()> {
        self.clear();
        if self.shapes.len() >= MAX_SHAPES {
            self.shapes.clear();
            self.generation += 1;
        }
        if u32::try_from(body.len()).is_err() {
            return Err(Error::contract("the body is larger than 4 GiB"));
        }
        if let Err(error) = std::str::from_utf8(body) {
            let message = format!("byte {} of the body is not UTF-8", error.valid_up_to());
            return Err(Error::contract(message).again(Again::Later));
        }
        if let Some(path) = &connection.response.columns {
            self.columns = list::columns(body, path)?;
        }
        let mut limit = Vec::new();
        if let Some(Place::Body(path)) = &connection.response.offset {
            limit.extend_from_slice(path.split_last().map_or(&[][..], |(_, above)| above));
            limit.push("limit".to_owned());
        }
        let mut wanted = vec![(&connection.response.rows[..], Wanted::Rows)];
        if !limit.is_empty() {
            wanted.push((&limit, Wanted::Limit));
        }
        for (place, what) in [
            (&connection.response.offset, Wanted::Offset),
            (&connection.response.total, Wanted::Total),
            (&connection.response.more, Wanted::More),
            (&connection.response.next, Wanted::Next),
        ] {
            match place {
                Some(Place::Body(path)) => wanted.push((path, what)),
                Some(Place::Header(name)) => self.header(response, name, &what)?,
                None => {}
            }
        }
        Walk::new(self, connection).whole(body, &wanted)?;
        if connection.response.next.is_some() && connection.response.more.is_none() {
            self.more = Some(self.next.is_some());
        }
        if connection.sorted && connection.since.format.repeats() {
            self.unfold(body, connection);
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.odd.clear();
        self.columns.clear();
        self.listed = 0;
        self.rows.clear();
        self.members.clear();
        self.ids.clear();
        (self.offset, self.total) = (None, None);
        (self.more, self.next, self.nothing) = (None, None, false);
    }

    /// Takes an answer without rows and without a body to read: the offset is
    /// beyond the last row.
    ///
    /// # Errors
    /// [`crate::error::Kind::Contract`] for a total in a header that is none.
    pub fn beyond_the_end(&mut self, response: &Response, connection: &Connection) -> Result<()> {
        self.clear();
        if let Some(Place::Header(name)) = &connection.response.total {
            self.header(response, name, &Wanted::Total)?;
        }
        (self.more, self.nothing) = (Some(false), true);
        Ok(())
    }

    fn header(&mut self, response: &Response, name: &str, what: &Wanted) -> Result<()> {
        let Some(value) = response.header(name) else {
            return Ok(());
        };
        match what {
            Wanted::More => {
                self.more = Some(links::says_more(value));
                return Ok(());
            }
            Wanted::Next => {
                self.next = links::next(value);
                return Ok(());
            }
            _ => {}
        }
        let digits = value
            .rsplit_once('/')
            .map_or(value, |(_, total)| total)
            .trim();
        // PostgREST says `*` where it did not count.
        if digits != "*" {
            let number = value::count(digits).ok_or_else(|| {
                let message = format!("{:?} is no number", excerpt(value));
                Error::contract(message).at(format_args!("header {name}"))
            })?;
            match what {
                Wanted::Offset => self.offset = Some(number),
                _ => self.total = Some(number),
            }
        }
        Ok(())
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of the shape of the members from `first` on.
    fn shape(
        &mut self,
        text: &[u8],
        first: usize,
        connection: &Connection,
    ) -> std::result::Result<usize, Stop> {
        let members = &self.members[first..];
        let known = self.shapes.iter().position(|shape| {
            shape.keys.len() == members.len()
                && shape
                    .keys
                    .iter()
                    .zip(members)
                    .all(|(key, member)| key == member.key.of(text))
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let keys: Vec<Vec<u8>> = members
            .iter()
            .map(|member| member.key.of(text).to_vec())
            .collect();
        let names: Vec<String> = keys
            .iter()
            .map(|key| json::unescape(key).into_owned())
            .collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = excerpt(twice[0]);
            return Err(Flaw::new(format!("the field {name:?} is there twice")).into());
        }
        let find = |field: &Field| {
            names
                .iter()
                .position(|name| Some(name) == field.path.first())
        };
        let shape = Shape {
            cursor: find(&connection.cursor),
            fallback: connection.since.fallback.as_ref().and_then(find),
            ignored: ignore::members(&names, &connection.ignore),
            id: connection.primary_key.iter().map(find).collect(),
            keys,
        };
        if self.shapes.len() >= MAX_SHAPES * 16 {
            return Err(Error::contract("hardly two rows have the same fields").into());
        }
        self.shapes.push(shape);
        Ok(self.shapes.len() - 1)
    }
}
