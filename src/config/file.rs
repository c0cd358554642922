//! The connection file's JSON: `${NAME}` first, then key by key onto the
//! default, so that a fault is named with its line and its key.

use std::str::FromStr;

use serde::Deserialize;

use super::auth::AuthFile;
use super::parts::{Lists, Mold, Names, Number, Object, Pairs, Plain, Span, Text, given};
use super::since::{First, Spelling, Zoned};
use super::{Connection, Field, Layout, Place, Since, set};
use crate::error::{Error, Result, excerpt, nearest};
use crate::exchange::Method;
use crate::json;
use crate::secret::Secrets;
use crate::template::body::Body;
use crate::template::{BRACE, Template};
use crate::timestamp::Format;
use crate::types::Type;

/// Puts the environment's values where `${NAME}` stands, as the inside of a
/// JSON string.
pub(super) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    keep_unset: bool,
    secrets: &mut Secrets,
) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        let end = from
            .find('}')
            .filter(|end| !from[..*end].contains(['"', '\n']));
        let line = 1 + text[..text.len() - from.len()].matches('\n').count();
        let wrong = |what: String| Error::usage(what).at(format_args!("line {line}"));
        let Some(end) = end else {
            return Err(wrong("a ${ without its }".into()));
        };
        let (name, after) = from.split_at(end + 1);
        let value = match secrets.expand(name, environment) {
            // Only what cannot be a name is left as it is.
            Ok(value) if value == name => {
                let name = excerpt(name);
                return Err(wrong(format!("{name:?} is no name of a variable")));
            }
            Ok(value) => value,
            Err(_) if keep_unset => name.to_owned(),
            Err(unset) => {
                return Err(
                    wrong(format!("the environment variable {unset} is not set"))
                        .hint(format!("export {unset}=… before the command")),
                );
            }
        };
        // A brace in a value begins no place of a template.
        let value = value.replace('{', BRACE.encode_utf8(&mut [0; 4]));
        let quoted = serde_json::to_string(&value).unwrap_or_default();
        out.push_str(before);
        out.push_str(
            quoted
                .trim_start_matches('"')
                .strip_suffix('"')
                .unwrap_or(""),
        );
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The file as it is written; what is left out stays as the default has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: Option<Plain>,
    table: Option<Plain>,
    primary_key: Option<Names>,
    cursor: Option<Text<Field>>,
    #[serde(default, deserialize_with = "given")]
    columns: Option<Option<Pairs<Text<Type>>>>,
    method: Option<Text<Method>>,
    headers: Option<Pairs<Mold>>,
    query: Option<Lists<Mold>>,
    body: Option<Body>,
    auth: Option<Object<AuthFile>>,
    pace: Option<Span>,
    statuses: Option<Object<StatusesFile>>,
    response: Option<Object<ResponseFile>>,
    since: Option<Object<SinceFile>>,
    page_size: Option<Number>,
    max_offset: Option<Number>,
    lookback: Option<Span>,
    sorted: Option<bool>,
    on_bad_row: Option<Text<OnBadRow>>,
    ca_file: Option<Plain>,
    client_cert: Option<Plain>,
    client_key: Option<Plain>,
    ignore: Option<Names>,
    timeout: Option<Span>,
    max_body: Option<Text<Size>>,
    max_retries: Option<Number>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseFile {
    rows: Option<Text<Pointer>>,
    row: Option<Text<Pointer>>,
    #[serde(default, deserialize_with = "given")]
    columns: Option<Option<Text<Pointer>>>,
    #[serde(default, deserialize_with = "given")]
    offset: Option<Option<Text<Place>>>,
    #[serde(default, deserialize_with = "given")]
    total: Option<Option<Text<Place>>>,
    #[serde(default, deserialize_with = "given")]
    error: Option<Option<Text<Pointer>>>,
    #[serde(default, deserialize_with = "given")]
    more: Option<Option<Text<Place>>>,
    #[serde(default, deserialize_with = "given")]
    next: Option<Option<Text<Place>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusesFile {
    empty: Option<Vec<Number>>,
    retry: Option<Vec<Number>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SinceFile {
    bound: Option<Text<Bound>>,
    format: Option<Text<FormatText>>,
    read: Option<Text<FormatText>>,
    send: Option<Text<FormatText>>,
    #[serde(default, deserialize_with = "given")]
    zone: Option<Option<Text<ZoneText>>>,
    #[serde(default, deserialize_with = "given")]
    fallback: Option<Option<Text<Field>>>,
    #[serde(default, deserialize_with = "given")]
    first: Option<Option<First>>,
}

impl ResponseFile {
    fn onto(self, to: &mut Layout) {
        set(&mut to.rows, self.rows.map(|rows| rows.0.0));
        set(&mut to.row, self.row.map(|row| row.0.0));
        let pointer = |given: Option<Text<Pointer>>| given.map(|pointer| pointer.0.0);
        set(&mut to.columns, self.columns.map(pointer));
        set(&mut to.error, self.error.map(pointer));
        let place = |given: Option<Text<Place>>| given.map(|place| place.0);
        set(&mut to.offset, self.offset.map(place));
        set(&mut to.total, self.total.map(place));
        set(&mut to.more, self.more.map(place));
        set(&mut to.next, self.next.map(place));
    }
}

impl SinceFile {
    fn onto(self, to: &mut Since) -> Result<()> {
        set(&mut to.exclusive, self.bound.map(|bound| bound.0.0));
        let format = |given: Option<Text<FormatText>>| given.map(|format| format.0.0);
        let spelling = Spelling {
            format: format(self.format),
            read: format(self.read),
            send: format(self.send),
            zone: self.zone.flatten().map(|zone| zone.0.0),
        };
        spelling.onto(to)?;
        let field = |given: Option<Text<Field>>| given.map(|field| field.0);
        set(&mut to.fallback, self.fallback.map(field));
        let text = |given: Option<First>| given.map(|first| first.0);
        set(&mut to.first, self.first.map(text));
        Ok(())
    }
}

/// Reads the file's text onto the default.
pub(super) fn read(text: &str) -> Result<Connection> {
    let Object::<File>(file) = serde_json::from_str(text).map_err(|error| explain(text, &error))?;
    // A person who describes a connection has a table of their own.
    let mut to = Connection {
        columns: None,
        ..Connection::default()
    };
    set(&mut to.url, file.url.map(|text| text.0));
    set(&mut to.table, file.table.map(|text| text.0));
    set(&mut to.primary_key, file.primary_key.map(|keys| keys.0));
    if let Some(Text(cursor)) = file.cursor {
        // A query of the file's own replaces the default one further down.
        sort_by(&mut to, &cursor);
        to.cursor = cursor;
    }
    if let Some(Some(columns)) = file.columns {
        let columns = columns_of(columns)?;
        to.columns = (!columns.is_empty()).then_some(columns);
    }
    let headers = file.headers.map(|headers| templates(headers.0));
    set(&mut to.headers, headers);
    if file.body.is_some() {
        // The parameters are in the body.
        to.query = Vec::new();
        to.method = Method::Post;
    }
    set(&mut to.query, file.query.map(|query| templates(query.0)));
    set(&mut to.body, file.body.map(Some));
    set(&mut to.method, file.method.map(|method| method.0));
    if let Some(Object(mut auth)) = file.auth {
        to.expired = auth.expired()?;
        to.auth = Some(auth.read()?);
    }
    set(&mut to.pace, file.pace.map(|span| span.0));
    if let Some(Object(statuses)) = file.statuses {
        to.statuses.empty.extend(codes(statuses.empty)?);
        to.statuses.retry.extend(codes(statuses.retry)?);
    }
    if let Some(Object(response)) = file.response {
        response.onto(&mut to.response);
    }
    if let Some(Object(since)) = file.since {
        since.onto(&mut to.since)?;
    }
    set(&mut to.page_size, file.page_size.map(|number| number.0));
    set(&mut to.max_offset, file.max_offset.map(|number| number.0));
    set(&mut to.lookback, file.lookback.map(|span| span.0));
    set(&mut to.sorted, file.sorted);
    set(
        &mut to.reject_bad_rows,
        file.on_bad_row.map(|word| word.0.0),
    );
    set(&mut to.ca_file, file.ca_file.map(|text| Some(text.0)));
    set(
        &mut to.client_cert,
        file.client_cert.map(|text| Some(text.0)),
    );
    set(&mut to.client_key, file.client_key.map(|text| Some(text.0)));
    set(&mut to.ignore, file.ignore.map(|fields| fields.0));
    set(&mut to.timeout, file.timeout.map(|span| span.0));
    set(&mut to.max_body, file.max_body.map(|size| size.0.0));
    let retries = file.max_retries;
    set(
        &mut to.max_retries,
        retries.map(|number| u32::try_from(number.0).unwrap_or(u32::MAX)),
    );
    Ok(to)
}

fn templates(pairs: Vec<(String, Mold)>) -> Vec<(String, Template)> {
    let pairs = pairs.into_iter();
    pairs.map(|(name, value)| (name, value.0)).collect()
}

fn codes(given: Option<Vec<Number>>) -> Result<Vec<u16>> {
    let codes = given.unwrap_or_default().into_iter().map(|number| {
        let code = u16::try_from(number.0).ok();
        code.filter(|code| (201..=599).contains(code))
            .ok_or_else(|| {
                Error::usage(format!("{} is no status from 201 to 599", number.0))
                    .at("\"statuses\"")
            })
    });
    codes.collect()
}

/// The default query sorts by the default cursor. It has to sort by this one.
fn sort_by(connection: &mut Connection, cursor: &Field) {
    let default = connection.cursor.name.clone();
    for (name, value) in &mut connection.query {
        if name == "order_by" && *value == default.parse().unwrap_or_default() {
            *value = cursor.name.parse().unwrap_or_default();
        }
    }
}

fn columns_of(columns: Pairs<Text<Type>>) -> Result<Vec<(Field, Type)>> {
    let columns = columns.0.into_iter().map(|(name, kind)| {
        let field = name
            .parse()
            .map_err(|error: String| Error::usage(error).at("\"columns\""))?;
        Ok((field, kind.0))
    });
    columns.collect()
}

/// Words of the file that stand for a value.
macro_rules! word {
    ($name:ident, $of:ty, $read:expr) => {
        struct $name($of);
        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> std::result::Result<Self, String> {
                let read: fn(&str) -> std::result::Result<$of, String> = $read;
                read(text).map(Self)
            }
        }
    };
}

word!(Pointer, Vec<String>, super::pointer);
word!(FormatText, Format, Format::new);
word!(ZoneText, Zoned, str::parse);
word!(Size, u64, super::size);
word!(Bound, bool, |text| match text {
    "inclusive" => Ok(false),
    "exclusive" => Ok(true),
    _ => Err(format!("{text:?} must be \"inclusive\" or \"exclusive\"")),
});
word!(OnBadRow, bool, |text| match text {
    "fail" => Ok(false),
    "reject" => Ok(true),
    _ => Err(format!("{text:?} must be \"fail\" or \"reject\"")),
});

/// serde_json's error with the key that stands before its place, and with
/// the nearest known key where one is not known.
fn explain(text: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let full = error.to_string();
    let mut what = full
        .rsplit_once(" at line ")
        .map_or(&*full, |(what, _)| what)
        .to_owned();
    let before: usize = text
        .split_inclusive('\n')
        .take(line.max(1) - 1)
        .map(str::len)
        .sum();
    let mut place = format!("line {line}");
    let words: Vec<&str> = what.split('`').skip(1).step_by(2).collect();
    if what.starts_with("unknown field") {
        if let [unknown, known @ ..] = &words[..] {
            what = match nearest(unknown, known.iter().copied()) {
                Some(meant) => format!("unknown key {unknown:?}, did you mean {meant:?}?"),
                None => format!("unknown key {unknown:?}, the keys are {}", known.join(", ")),
            };
        }
    } else if let Some(key) = key_before(text.as_bytes(), before + column) {
        place = format!("line {line}, {key:?}");
    }
    Error::usage(what).at(place)
}

/// The last object key that starts before the byte `end`.
fn key_before(text: &[u8], end: usize) -> Option<String> {
    let (mut at, mut key) = (0, None);
    while at < end.min(text.len()) {
        if text[at] != b'"' {
            at += 1;
            continue;
        }
        let after = json::string(text, at).ok()?;
        if text.get(json::space(text, after)) == Some(&b':') {
            key = Some(json::text(text.get(at..after)?).into_owned());
        }
        at = after;
    }
    key
}
