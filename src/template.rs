//! Parameters and headers as templates: text that holds `{since}`, `{limit}`,
//! `{offset}`, `{page}` and the like, or `{offset:text}` where a body is to
//! have the value as a string. Percent-encoding is done by the source.

pub mod body;

use std::borrow::Cow;
use std::str::FromStr;

use crate::error::nearest;

/// Stands for a brace that begins no place, since it came out of a variable: a
/// noncharacter, which no text holds.
pub(crate) const BRACE: char = '\u{FDD0}';

/// What a template can hold a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Where the window starts.
    Since,
    /// The page size.
    Limit,
    /// How many rows to skip.
    Offset,
    /// The first row's number, from 1.
    Offset1,
    /// The page's number, from 1.
    Page,
    /// The page's number, from 0.
    Page0,
    /// The token that a login gave.
    Token,
}

const SLOTS: [(&str, Slot); 7] = [
    ("since", Slot::Since),
    ("limit", Slot::Limit),
    ("offset", Slot::Offset),
    ("offset1", Slot::Offset1),
    ("page", Slot::Page),
    ("page0", Slot::Page0),
    ("token", Slot::Token),
];

/// After a place's name: it is text, also where it is all that there is.
const TEXTUAL: &str = ":text}";

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
    /// The token that a login gave, None where there is no login.
    pub token: Option<&'a str>,
}

impl Template {
    /// Whether the template holds this place.
    pub fn holds(&self, slot: Slot) -> bool {
        self.0.contains(&Piece::Slot(slot))
    }

    /// Whether the template holds any place at all.
    pub fn is_filled(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Slot(_)))
    }

    /// The only place, where the template is nothing but that place.
    pub fn single(&self) -> Option<Slot> {
        match self.0[..] {
            [Piece::Slot(slot)] => Some(slot),
            _ => None,
        }
    }

    /// The text between the places.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(&**text),
            Piece::Slot(_) => None,
        })
    }

    /// The text with its places filled, None where it needs a `since` or a
    /// token that is not there.
    pub fn fill(&self, values: &Values<'_>) -> Option<String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => out.push_str(&values.of(*slot)?),
            }
        }
        Some(out)
    }
}

impl<'a> Values<'a> {
    /// What fills this place.
    fn of(&self, slot: Slot) -> Option<Cow<'a, str>> {
        let page = self.offset / self.limit.max(1);
        let number = match slot {
            Slot::Since => return self.since.map(Cow::Borrowed),
            Slot::Token => return self.token.map(Cow::Borrowed),
            Slot::Limit => self.limit,
            Slot::Offset => self.offset,
            Slot::Offset1 => self.offset.saturating_add(1),
            Slot::Page => page.saturating_add(1),
            Slot::Page0 => page,
        };
        Some(Cow::Owned(number.to_string()))
    }
}

/// Refuses a known placeholder, such as `{since:date}`, of a kind that there is
/// not.
fn refuse_kind(inside: &str) -> Result<(), String> {
    let place = inside.split_once('}').map(|(place, _)| place);
    let Some((name, kind)) = place.and_then(|place| place.split_once(':')) else {
        return Ok(());
    };
    let is_known = SLOTS.iter().any(|(known, _)| *known == name);
    if is_known && !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(format!(
            "unknown placeholder {{{name}:{kind}}}, did you mean {{{name}:text}}?"
        ));
    }
    Ok(())
}

/// The error for a placeholder that there is not.
fn unknown(word: &str) -> String {
    let known = SLOTS.iter().map(|(name, _)| *name);
    match nearest(word, known) {
        Some(meant) => format!("unknown placeholder {{{word}}}, did you mean {{{meant}}}?"),
        None => format!(
            "unknown placeholder {{{word}}}; braces that stand for themselves take a blank: \
             {{ {word} }}"
        ),
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
            // A replay leaves `${NAME}` as it is where NAME is not set.
            let is_place = !rest[..open].ends_with('$');
            let word = inside
                .split_once('}')
                .map(|(word, _)| word)
                .filter(|word| !word.is_empty())
                .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
                .filter(|_| is_place);
            plain.push_str(&rest[..open]);
            let textual = SLOTS.iter().find(|(name, _)| {
                let after = inside.strip_prefix(name);
                is_place && after.is_some_and(|after| after.starts_with(TEXTUAL))
            });
            if let (None, Some((name, slot))) = (word, textual) {
                pieces.extend([Piece::Text(std::mem::take(&mut plain)), Piece::Slot(*slot)]);
                rest = &inside[name.len() + TEXTUAL.len()..];
                continue;
            }
            if is_place {
                refuse_kind(inside)?;
            }
            let Some(word) = word else {
                plain.push('{');
                rest = inside;
                continue;
            };
            let known = SLOTS.iter().find(|(name, _)| *name == word);
            let (_, slot) = known.ok_or_else(|| unknown(word))?;
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
        for piece in &mut pieces {
            if let Piece::Text(text) = piece
                && text.contains(BRACE)
            {
                *text = text.replace(BRACE, "{");
            }
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
        token: None,
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
        assert_eq!(fill("{offset1}", &VALUES).unwrap(), "101");
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
        let error = "{identity}".parse::<Template>().unwrap_err();
        assert!(error.contains("a blank: { identity }"), "{error}");
    }
}
