//! The query's parameters as templates: text with `{since}`, `{limit}`,
//! `{offset}`, `{page}` and `{page0}` in it. Percent-encoding is the
//! source's work.

use std::str::FromStr;

use crate::error::nearest;

/// What a template can hold a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Where the window starts.
    Since,
    /// The page size.
    Limit,
    /// How many rows to skip.
    Offset,
    /// The page's number, from 1.
    Page,
    /// The page's number, from 0.
    Page0,
}

const SLOTS: [(&str, Slot); 5] = [
    ("since", Slot::Since),
    ("limit", Slot::Limit),
    ("offset", Slot::Offset),
    ("page", Slot::Page),
    ("page0", Slot::Page0),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(Slot),
}

/// A parameter's value with its places, read from text by [`FromStr`].
/// Braces around anything but a single word stand for themselves, and so do
/// those after a `$`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template(Vec<Piece>);

/// What fills the places.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// Where the window starts, None where the parameter is to be left out.
    pub since: Option<&'a str>,
    /// The page size, in rows.
    pub limit: u64,
    /// How many rows to skip.
    pub offset: u64,
}

impl Template {
    /// Whether the template holds this place.
    pub fn holds(&self, slot: Slot) -> bool {
        self.0.contains(&Piece::Slot(slot))
    }

    /// The text with its places filled, None where it needs a `since` that is
    /// not there.
    pub fn fill(&self, values: &Values<'_>) -> Option<String> {
        let page = values.offset / values.limit.max(1);
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(Slot::Since) => out.push_str(values.since?),
                Piece::Slot(Slot::Limit) => out.push_str(&values.limit.to_string()),
                Piece::Slot(Slot::Offset) => out.push_str(&values.offset.to_string()),
                Piece::Slot(Slot::Page) => out.push_str(&(page + 1).to_string()),
                Piece::Slot(Slot::Page0) => out.push_str(&page.to_string()),
            }
        }
        Some(out)
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let inside = &rest[open + 1..];
            let word = inside
                .split_once('}')
                .map(|(word, _)| word)
                .filter(|word| !word.is_empty())
                .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
                // A replay leaves `${NAME}` as it is where NAME is not set.
                .filter(|_| !rest[..open].ends_with('$'));
            plain.push_str(&rest[..open]);
            let Some(word) = word else {
                plain.push('{');
                rest = inside;
                continue;
            };
            let Some((_, slot)) = SLOTS.iter().find(|(name, _)| *name == word) else {
                let meant = nearest(word, SLOTS.iter().map(|(name, _)| *name)).unwrap_or("since");
                return Err(format!(
                    "unknown placeholder {{{word}}}, did you mean {{{meant}}}?"
                ));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Slot(*slot));
            rest = &inside[word.len() + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const VALUES: Values<'static> = Values {
        since: Some("2024-01-15T10:30:00Z"),
        limit: 50,
        offset: 100,
    };

    fn fill(template: &str, values: &Values<'_>) -> Option<String> {
        template.parse::<Template>().unwrap().fill(values)
    }

    #[test]
    fn places_are_filled_wherever_they_stand() {
        assert_eq!(
            fill("at>={since}^ORDER{limit}/{offset}", &VALUES).unwrap(),
            "at>=2024-01-15T10:30:00Z^ORDER50/100"
        );
        assert_eq!(fill("{page},{page0}", &VALUES).unwrap(), "3,2");
        assert_eq!(fill("", &VALUES).unwrap(), "");
    }

    #[test]
    fn braces_that_hold_no_word_stand_for_themselves() {
        let json = r#"{"at":{"_gte":"{since}"}}"#;
        assert_eq!(
            fill(json, &VALUES).unwrap(),
            r#"{"at":{"_gte":"2024-01-15T10:30:00Z"}}"#
        );
    }

    #[test]
    fn a_variable_that_was_not_set_stands_for_itself() {
        assert_eq!(fill("${KEY}-{limit}", &VALUES).unwrap(), "${KEY}-50");
    }

    #[test]
    fn without_a_since_its_parameter_is_left_out() {
        let first = Values {
            since: None,
            ..VALUES
        };
        assert_eq!(fill("gte.{since}", &first), None);
        assert_eq!(fill("{limit}", &first).unwrap(), "50");
    }

    #[test]
    fn an_unknown_place_names_the_nearest_one() {
        let error = "{ofset}".parse::<Template>().unwrap_err();
        assert_eq!(error, "unknown placeholder {ofset}, did you mean {offset}?");
    }
}
