//! The parts that a connection file is made of, each read by its own rule: a
//! scalar, a duration, a list, an object whose order counts. Nothing here knows
//! a key.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::Field;
use crate::template::{BRACE, Template};
use crate::timestamp;

/// Tells a key that is null from one that is not there.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A struct that is read only from an object: serde would accept a list, too.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        from.deserialize_map(Read(PhantomData))
    }
}

/// Anything that reads itself from text, at its place in the file.
pub(super) struct Text<T>(pub(super) T);

impl<'de, T: FromStr<Err = String>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let text = Scalar::deserialize(from)?.0;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A template. A brace that came out of a variable begins no place in it.
pub(super) struct Mold(pub(super) Template);

impl<'de> Deserialize<'de> for Mold {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let text = Marked::deserialize(from)?.0;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A string as it is meant, whatever came out of a variable.
pub(super) struct Plain(pub(super) String);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(text.replace(BRACE, "{")))
    }
}

/// Fields, or a single one without its list.
pub(super) struct Names(pub(super) Vec<Field>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of fields")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Names, E> {
                let field = text.parse().map_err(E::custom)?;
                Ok(Names(vec![field]))
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<Names, A::Error> {
                let mut fields = Vec::new();
                while let Some(Text(field)) = list.next_element()? {
                    fields.push(field);
                }
                Ok(Names(fields))
            }
        }
        from.deserialize_any(Read)
    }
}

/// A string, or a number's digits.
pub(super) struct Scalar(pub(super) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        Marked::deserialize(from).map(|text| Self(text.0.replace(BRACE, "{")))
    }
}

/// The same, with braces from variables still told apart.
struct Marked(String);

impl<'de> Deserialize<'de> for Marked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Marked;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Marked, E> {
                Ok(Marked(text.to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> std::result::Result<Marked, E> {
                Ok(Marked(number.to_string()))
            }
        }
        from.deserialize_any(Read)
    }
}

/// A whole number, also as a string, which is what `${NAME}` makes of it.
pub(super) struct Number(pub(super) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let text = Scalar::deserialize(from)?.0;
        let number = text.parse().map(Self);
        number.map_err(|_| D::Error::custom(format!("{text:?} is no whole number")))
    }
}

/// A duration such as `60s`; a bare number is of seconds.
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let text = Scalar::deserialize(from)?.0;
        timestamp::duration(&text)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// An object whose order counts.
pub(super) struct Pairs<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Pairs<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and strings")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Pairs<T>, A::Error> {
                let mut pairs: Vec<(String, T)> = Vec::new();
                while let Some(Plain(name)) = map.next_key::<Plain>()? {
                    if pairs.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format!("{name:?} is there twice")));
                    }
                    pairs.push((name, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Read(PhantomData))
    }
}

/// An object whose order counts, and whose names may stand for several values:
/// a list repeats its name.
pub(super) struct Lists<T>(pub(super) Vec<(String, T)>);

/// A value, or a list of them.
struct OneOrMore<T>(Vec<T>);

impl<'de, T: Deserialize<'de> + FromText> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + FromText> Visitor<'de> for Read<T> {
            type Value = OneOrMore<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number, or a list of these")
            }
            fn visit_str<E: serde::de::Error>(
                self,
                text: &str,
            ) -> std::result::Result<OneOrMore<T>, E> {
                let value = T::from_text(text).map_err(E::custom)?;
                Ok(OneOrMore(vec![value]))
            }
            fn visit_u64<E: serde::de::Error>(
                self,
                number: u64,
            ) -> std::result::Result<OneOrMore<T>, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<OneOrMore<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMore(values))
            }
        }
        from.deserialize_any(Read(PhantomData))
    }
}

/// What can be read from text.
pub(super) trait FromText: Sized {
    fn from_text(text: &str) -> std::result::Result<Self, String>;
}

impl FromText for Mold {
    fn from_text(text: &str) -> std::result::Result<Self, String> {
        text.parse().map(Self)
    }
}

impl<'de, T: Deserialize<'de> + FromText> Deserialize<'de> for Lists<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let pairs = Pairs::<OneOrMore<T>>::deserialize(from)?;
        let spread = pairs.0.into_iter().flat_map(|(name, values)| {
            let values = values.0.into_iter();
            values.map(move |value| (name.clone(), value))
        });
        Ok(Self(spread.collect()))
    }
}
