//! The state as a value and as JSON. It opens no file.

mod files;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::cursor::Question;
use crate::error::{Error, Result, excerpt};
use crate::json;
use crate::seen::Version;
use crate::timestamp;
pub use files::{Files, Load, Waiting};

/// The version that is written; older ones are read.
const VERSION: u64 = 2;

/// Where the next sync asks from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Resume {
    /// From the mark itself.
    #[default]
    Mark,
    /// From a timestamp before the mark, as the API wrote it.
    At(String),
    /// From the beginning.
    Beginning,
}

/// The sync's progress, which is what a batch commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The high-water mark, as the API wrote it.
    pub last_updated_at: Option<String>,
    /// Where the next sync asks from.
    pub resume: Resume,
    /// Rows before this are not wanted, although they pass the bound that is
    /// asked from: RFC 3339 in UTC. None where the bound says it all.
    pub start: Option<String>,
    /// The rows from there on that were delivered.
    pub seen: Vec<Version>,
    /// How the rows at the resume bound were reached.
    pub question: Option<Question>,
    /// Why the last walk contradicted itself.
    pub refuted: Option<String>,
    /// When the last complete sync ended, with or without new rows: RFC 3339 in
    /// UTC.
    pub checked_at: Option<String>,
}

/// A file that is being written: how much of it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// The final name, without `.part`.
    pub file: String,
    /// Committed bytes.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
    /// A checksum of their last 4 KiB, sixteen hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// The file of the rows that were set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Box<Part>>,
}

/// Where the rows come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The API's address; another one is only worth a warning.
    pub url: String,
    /// The table.
    pub table: String,
    /// The fields that tell rows apart.
    pub primary_key: Vec<String>,
    /// The timestamp's field.
    pub cursor: String,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// How far the sync got.
    pub progress: Progress,
    /// The file under way.
    pub part: Option<Part>,
    /// The files that there were.
    pub files: Files,
    /// Where the rows come from; None in a state that the example connector of
    /// Fivetran's Connector SDK wrote.
    pub origin: Option<Origin>,
}

#[derive(Deserialize)]
struct Raw {
    version: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    last_updated_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    resume_from: Option<Option<String>>,
    start: Option<String>,
    #[serde(default)]
    seen: BTreeMap<String, String>,
    part: Option<Part>,
    #[serde(default)]
    files: Files,
    source: Option<Origin>,
    question: Option<RawQuestion>,
    refuted: Option<String>,
    checked_at: Option<String>,
}

#[derive(Deserialize)]
struct RawQuestion {
    since: Option<String>,
    offset: u64,
}

fn given<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl Checkpoint {
    /// Reads a state, also one that the example connector of Fivetran's
    /// Connector SDK wrote.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`] where it is damaged or newer than this
    /// program; it is never taken for an empty one.
    pub fn parse(text: &[u8]) -> Result<Self> {
        refuse_at_sight(text)?;
        let raw: Raw = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        let Some(last_updated_at) = raw.last_updated_at else {
            return Err(damaged("it has no last_updated_at".into()));
        };
        if raw.version.is_none() && last_updated_at.is_none() {
            return Err(damaged("its last_updated_at is null".into()));
        }
        let seen = raw.seen.into_iter().map(|(id, text)| {
            let version = parse_version(id, &text);
            version.ok_or_else(|| damaged(format!("{:?} is no version of a row", excerpt(&text))))
        });
        let seen = seen.collect::<Result<_>>()?;
        if let Some(fault) = raw.files.fault() {
            return Err(damaged(fault));
        }
        if let Some(part) = &raw.part {
            let parts = [Some(part), part.rejected.as_deref()];
            if let Some(bad) = parts.iter().flatten().find(|part| !is_name(&part.file)) {
                return Err(damaged(format!(
                    "{:?} is no file's name",
                    excerpt(&bad.file)
                )));
            }
        }
        Ok(Self {
            progress: Progress {
                last_updated_at,
                resume: match raw.resume_from {
                    None => Resume::Mark,
                    Some(None) => Resume::Beginning,
                    Some(Some(text)) => Resume::At(text),
                },
                start: raw.start,
                seen,
                question: raw.question.map(|question| Question {
                    since: question.since,
                    offset: question.offset,
                }),
                refuted: raw.refuted,
                checked_at: raw.checked_at,
            },
            part: raw.part,
            files: raw.files,
            origin: raw.source,
        })
    }

    /// The state's JSON, one line.
    pub fn render(
        progress: &Progress,
        files: &Files,
        part: Option<&Part>,
        origin: &Origin,
    ) -> Vec<u8> {
        let json = |part: &Part| serde_json::to_string(part).unwrap_or_default();
        let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let mark = progress
            .last_updated_at
            .as_deref()
            .map_or("null".into(), quote);
        let mut out = format!("{{\"version\":{VERSION},\"last_updated_at\":{mark}");
        match &progress.resume {
            Resume::Mark => {}
            Resume::At(text) => out += &format!(",\"resume_from\":{}", quote(text)),
            Resume::Beginning => out += ",\"resume_from\":null",
        }
        if let Some(start) = &progress.start {
            out += &format!(",\"start\":{}", quote(start));
        }
        let mut seen: Vec<_> = progress.seen.iter().collect();
        seen.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let seen: Vec<String> = seen
            .iter()
            .map(|version| format!("{}:\"{}\"", quote(&version.id), render_version(version)))
            .collect();
        out += &format!(",\"seen\":{{{}}}", seen.join(","));
        if let Some(Question { since, offset }) = &progress.question {
            let since = since.as_deref().map_or("null".into(), quote);
            out += &format!(",\"question\":{{\"since\":{since},\"offset\":{offset}}}");
        }
        if let Some(why) = &progress.refuted {
            out += &format!(",\"refuted\":{}", quote(why));
        }
        if let Some(at) = &progress.checked_at {
            out += &format!(",\"checked_at\":{}", quote(at));
        }
        let part = part.map_or("null".into(), json);
        let files = serde_json::to_string(files).unwrap_or_default();
        let keys: Vec<String> = origin.primary_key.iter().map(|key| quote(key)).collect();
        out += &format!(
            ",\"part\":{part},\"files\":{files},\"source\":{{\"url\":{},\"table\":{},\"primary_key\":[{}],\"cursor\":{}}}}}\n",
            quote(&origin.url),
            quote(&origin.table),
            keys.join(","),
            quote(&origin.cursor)
        );
        out.into_bytes()
    }

    /// The files under way: those that were filled before the present one, it,
    /// and that of the rows that were set aside.
    pub fn parts(&self) -> Vec<&Part> {
        let part = self.part.iter();
        let part = part.flat_map(|part| [Some(part), part.rejected.as_deref()]);
        let closed = self.files.closed.iter().map(Some);
        closed.chain(part).flatten().collect()
    }

    /// Refuses a state of another table, key or cursor.
    ///
    /// # Errors
    /// [`crate::error::Kind::Local`], naming what differs.
    pub fn check_origin(&self, wanted: &Origin) -> Result<()> {
        let Some(origin) = &self.origin else {
            return Ok(());
        };
        let differs = |what: &str, theirs: &str, ours: &str| {
            Err(Error::local(format!(
                "the state is of another {what}: {theirs}, not {ours}"
            ))
            .hint("give each table a folder or a state of its own, with --out or --state"))
        };
        if origin.table != wanted.table {
            return differs("table", &origin.table, &wanted.table);
        }
        if origin.primary_key != wanted.primary_key {
            return differs(
                "primary key",
                &origin.primary_key.join(", "),
                &wanted.primary_key.join(", "),
            );
        }
        if origin.cursor != wanted.cursor {
            return differs("cursor", &origin.cursor, &wanted.cursor);
        }
        if origin.url != wanted.url {
            log::warn!(
                "the state is from {}, now the URL is {}",
                origin.url,
                wanted.url
            );
        }
        Ok(())
    }
}

/// A row's version: the hashes of its contents, sixteen hexadecimal digits
/// each, then an `@` and its instant, which states of version 1 do not have.
fn render_version(version: &Version) -> String {
    let hashes: Vec<String> = version
        .hashes
        .iter()
        .map(|hash| format!("{hash:016x}"))
        .collect();
    let at = version.at.map(|at| format!("@{}", timestamp::format(at)));
    hashes.join(",") + &at.unwrap_or_default()
}

fn parse_version(id: String, text: &str) -> Option<Version> {
    let (hashes, at) = match text.split_once('@') {
        Some((hashes, at)) => (hashes, Some(timestamp::parse(at)?)),
        None => (text, None),
    };
    let hashes = hashes.split(',').map(|hash| u64::from_str_radix(hash, 16));
    let hashes = hashes.collect::<std::result::Result<_, _>>().ok()?;
    Some(Version { id, at, hashes })
}

/// The error for a state that cannot be read.
fn damaged(what: String) -> Error {
    Error::local(format!("the state is damaged: {what}"))
        .hint("put back a good copy, or start over with --full-refresh, which keeps the files")
}

/// Refuses what is no state of this version, whatever its fields are.
fn refuse_at_sight(text: &[u8]) -> Result<()> {
    if let Some(what) = illegible(text) {
        return Err(damaged(what));
    }
    if let Ok(Written {
        version: Some(version),
        ..
    }) = serde_json::from_slice(text)
        && version > VERSION
    {
        return Err(Error::local(format!(
            "the state is of version {version}, newer than this program knows"
        ))
        .hint("use the program that wrote it, or a newer one"));
    }
    Ok(())
}

/// What is wrong with a text that is no JSON object, or not even text.
fn illegible(text: &[u8]) -> Option<String> {
    let is_blank = |byte: &u8| matches!(byte, 0 | b' ' | b'\n' | b'\r' | b'\t');
    if text.is_empty() {
        return Some("it is empty".into());
    }
    if text.iter().all(is_blank) {
        return Some("it holds nothing but blanks or NULs".into());
    }
    // What is none of ours is only skipped later on, whatever its bytes.
    if let Err(error) = std::str::from_utf8(text) {
        let at = error.valid_up_to();
        return Some(format!("byte {at} of it is not UTF-8"));
    }
    let start = json::space(text, 0);
    let end = json::value(text, start, 0).map(|end| json::space(text, end));
    let is_other = end == Ok(text.len()) && text.get(start) != Some(&b'{');
    is_other.then(|| "it is no JSON object".into())
}

/// The version alone, whatever else a newer program writes.
#[derive(Deserialize)]
struct Written {
    version: Option<u64>,
    #[serde(flatten)]
    _rest: BTreeMap<String, IgnoredAny>,
}

/// A file's name, and not a way out of the folder.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != ".."
}
