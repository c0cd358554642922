//! What a connection asks: the places that its requests hold, how it tells
//! pages apart, and one request made of it all.

use super::Connection;
use crate::exchange::Request;
use crate::template::{Slot, Template, Values};

/// How the API's pages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By the number of rows to skip, so that a page can overlap another.
    Offset,
    /// By the page's number.
    Page,
    /// By a link to the next page in each answer.
    Link,
    /// Not at all: there is one page from each bound on.
    None,
}

impl Connection {
    /// How the API's pages are told apart.
    pub fn paging(&self) -> Paging {
        if self.response.next.is_some() {
            Paging::Link
        } else if self.holds(Slot::Offset) || self.holds(Slot::Offset1) {
            Paging::Offset
        } else if self.holds(Slot::Page) || self.holds(Slot::Page0) {
            Paging::Page
        } else {
            Paging::None
        }
    }

    /// Whether the API is paged by numbers of pages, or not at all, so that a
    /// page cannot overlap the one before it.
    pub fn by_page(&self) -> bool {
        self.paging() != Paging::Offset
    }

    /// Whether a request has this place anywhere.
    pub fn holds(&self, slot: Slot) -> bool {
        let mut pairs = self.query.iter().chain(&self.headers);
        pairs.any(|(_, value)| value.holds(slot))
            || self.body.as_ref().is_some_and(|body| body.holds(slot))
    }

    /// One request.
    pub fn request(&self, values: &Values<'_>) -> Request {
        let changing = self.headers.iter().filter(|(_, value)| value.is_filled());
        let (credentials, headers) =
            changing.partition::<Vec<_>, _>(|(_, value)| value.holds(Slot::Token));
        Request {
            method: self.method,
            query: filled(&self.query, values),
            headers: filled(headers, values),
            credentials: filled(credentials, values),
            body: self.body.as_ref().map(|body| body.fill(values)),
            link: None,
        }
    }

    /// The headers that are the same in every request.
    pub fn constant_headers(&self) -> Vec<(String, String)> {
        let constant = self.headers.iter().filter(|(_, value)| !value.is_filled());
        let constant = constant.map(|(name, value)| (name.clone(), value.texts().collect()));
        constant.collect()
    }
}

/// The values of those templates that have all they need.
fn filled<'a>(
    pairs: impl IntoIterator<Item = &'a (String, Template)>,
    values: &Values<'_>,
) -> Vec<(String, String)> {
    let filled = pairs.into_iter().map(|(name, template)| {
        let value = template.fill(values)?;
        Some((name.clone(), value))
    });
    filled.flatten().collect()
}
