//! Values that must not show: what each `${NAME}` of the environment stood for,
//! keys that are written out in an address or a header, and tokens that came
//! while the program ran. The name is put in the place of the value wherever
//! the value appears. It does not read the environment itself and never prints
//! a value.

mod escape;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use escape::{escaped, percent};

/// The secret values. A clone knows what the original knows, now and later.
#[derive(Clone, Default)]
pub struct Secrets {
    known: Arc<RwLock<Vec<Secret>>>,
}

#[derive(Clone)]
struct Secret {
    name: String,
    needle: String,
    /// Where the value is too short to be told from other text: the name of the
    /// parameter or field whose whole value it is.
    of: Option<String>,
}

/// How a value may be written where it appears.
#[derive(Clone, Copy)]
enum Spelling {
    Plain,
    Percent,
    Json,
}

const SPELLINGS: [Spelling; 3] = [Spelling::Plain, Spelling::Percent, Spelling::Json];

impl Secrets {
    /// Replaces each `${NAME}` by what `lookup` knows it to be, and remembers
    /// both. The error is the name of the first variable that is not set.
    pub fn expand(
        &mut self,
        text: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        self.replace(text, &mut |name| {
            lookup(name).map(Some).ok_or_else(|| name.to_owned())
        })
    }

    /// As [`expand`](Self::expand), but a variable that is not set stays as the
    /// literal `${NAME}`, which is what a recording holds in its place.
    pub fn expand_or_keep(
        &mut self,
        text: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> String {
        self.replace(text, &mut |name| Ok::<_, String>(lookup(name)))
            .unwrap_or_else(|_| text.to_owned())
    }

    fn replace(
        &mut self,
        text: &str,
        value_of: &mut dyn FnMut(&str) -> Result<Option<String>, String>,
    ) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            match after.split_once('}').filter(|(name, _)| is_name(name)) {
                Some((name, tail)) => {
                    match value_of(name)? {
                        Some(value) => {
                            out.push_str(&value);
                            self.remember(name, &value);
                        }
                        None => out.push_str(&format!("${{{name}}}")),
                    }
                    rest = tail;
                }
                None => {
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Remembers a value under this name, unless it is too short to be a secret.
    pub fn add(&self, name: &str, value: &str) {
        self.remember(name, value);
    }

    /// Remembers what a parameter, a header or a field of this name is set to,
    /// though it is too short to be told from other text: it is redacted where
    /// that name stands before it, and nowhere else.
    pub fn add_short(&self, name: &str, value: &str) {
        let secret = Secret {
            name: name.to_owned(),
            needle: value.to_owned(),
            of: Some(name.to_owned()),
        };
        if !value.is_empty() {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.push(secret);
        }
    }

    /// As [`redact`](Self::redact), of the whole value of something of this name.
    pub fn redact_value<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        let whole = |secret: &&Secret| {
            let of = secret.of.as_deref();
            of.is_some_and(|of| of.eq_ignore_ascii_case(name)) && secret.needle == value
        };
        if let Some(secret) = self.known().iter().find(whole) {
            return Cow::Owned(format!("${{{}}}", secret.name));
        }
        self.redact(value)
    }

    fn known(&self) -> RwLockReadGuard<'_, Vec<Secret>> {
        // The data is good even where another thread has panicked.
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, name: &str, value: &str) {
        // A page size or a port is no secret. Hiding it wherever the same
        // number appears would spoil recordings.
        if value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        let mut needles = vec![value.to_owned()];
        // Servers strip the blanks around a header's value before they echo it.
        needles.push(value.trim().to_owned());
        if !is_short(value) {
            // "user:password" is sent as the base64 of it.
            for url_safe in [false, true] {
                needles.push(base64(value.as_bytes(), url_safe));
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for needle in needles {
            // An empty value would match everywhere.
            if !needle.is_empty() && !known.iter().any(|secret| secret.needle == needle) {
                known.push(Secret {
                    name: name.to_owned(),
                    needle,
                    of: None,
                });
            }
        }
    }

    /// Whether there is nothing to redact.
    pub fn is_empty(&self) -> bool {
        self.known().is_empty()
    }

    /// Puts `${NAME}` in place of each occurrence of a value: as it is, in
    /// percent-encoding, escaped as in JSON, and in base64. A value of up to
    /// three characters is replaced only where it is a word of its own.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redact_by(text, &["=", ": "])
    }

    /// As [`redact`](Self::redact), of a body that was sent: its fields have
    /// short values too. What came is not for that, since rows may well have a
    /// field of the same name and value.
    pub fn redact_sent<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redact_by(text, &["=", ": ", "\": \"", "\":\""])
    }

    /// `between` is the text between a name and its value.
    fn redact_by<'a>(&self, text: &'a str, between: &[&str]) -> Cow<'a, str> {
        let known = self.known();
        let mut found = find(&known, text.as_bytes(), between);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        // Values that overlap are replaced together, under the name of the
        // longest, so that no piece of either is left.
        found.sort_by_key(|(start, end, _)| (*start, usize::MAX - *end));
        let mut merged: Vec<(usize, usize, usize, &str)> = Vec::new();
        for (start, end, name) in found {
            match merged.last_mut() {
                Some((_, last_end, longest, last_name)) if start < *last_end => {
                    *last_end = end.max(*last_end);
                    if end - start > *longest {
                        (*longest, *last_name) = (end - start, name);
                    }
                }
                _ => merged.push((start, end, end - start, name)),
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (start, end, _, name) in merged {
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str("${");
            out.push_str(name);
            out.push('}');
            done = end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known();
        let names: BTreeSet<&str> = known.iter().map(|s| s.name.as_str()).collect();
        names.fmt(f)
    }
}

/// Where values appear, and their names.
fn find<'a>(known: &'a [Secret], text: &[u8], between: &[&str]) -> Vec<(usize, usize, &'a str)> {
    let mut found = Vec::new();
    for secret in known {
        let first = secret.needle.as_bytes().first().copied();
        let short = is_short(&secret.needle) || secret.of.is_some();
        for (start, byte) in text.iter().enumerate() {
            if Some(*byte) != first && !matches!(byte, b'%' | b'\\' | b'+') {
                continue;
            }
            let tail = &text[start..];
            let Some(length) = SPELLINGS
                .iter()
                .filter_map(|spelling| spelled(tail, &secret.needle, *spelling))
                .max()
            else {
                continue;
            };
            let end = start + length;
            let inside_word = |at: Option<&u8>| {
                at.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80)
            };
            let before = start.checked_sub(1).and_then(|at| text.get(at));
            let of = secret.of.as_deref();
            if of.is_some_and(|of| !stands_before(of, &text[..start], between)) {
                continue;
            }
            if !(short && (inside_word(before) || inside_word(text.get(end)))) {
                found.push((start, end, secret.name.as_str()));
            }
        }
    }
    found
}

/// Whether a text ends in this name and in what stands between a name and its
/// value.
fn stands_before(name: &str, text: &[u8], between: &[&str]) -> bool {
    between.iter().any(|between| {
        let text = text.strip_suffix(between.as_bytes()).unwrap_or_default();
        let before = text.len().checked_sub(name.len());
        let (before, end) = text.split_at(before.unwrap_or(0));
        let inside_word = before.last().is_some_and(u8::is_ascii_alphanumeric);
        end.eq_ignore_ascii_case(name.as_bytes()) && !inside_word
    })
}

/// The length of `value` at the start of `text`, where it is spelled so.
fn spelled(text: &[u8], value: &str, spelling: Spelling) -> Option<usize> {
    let mut at = 0;
    match spelling {
        Spelling::Plain => return text.starts_with(value.as_bytes()).then_some(value.len()),
        Spelling::Percent => {
            for byte in value.bytes() {
                let rest = text.get(at..)?;
                at += match rest {
                    [b'%', ..] => percent(rest, byte).or((byte == b'%').then_some(1))?,
                    [b'+', ..] if byte == b' ' => 1,
                    [same, ..] if *same == byte => 1,
                    _ => return None,
                };
            }
        }
        Spelling::Json => {
            for c in value.chars() {
                let mut plain = [0; 4];
                let rest = text.get(at..)?;
                at += match rest {
                    [b'\\', ..] => escaped(rest, c)?,
                    _ if rest.starts_with(c.encode_utf8(&mut plain).as_bytes()) => c.len_utf8(),
                    _ => return None,
                };
            }
        }
    }
    Some(at)
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_short(value: &str) -> bool {
    value.chars().count() < 4
}

/// A header's value for basic authentication (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> String {
    let mut value = base64(format!("{user}:{password}").as_bytes(), false);
    while !value.len().is_multiple_of(4) {
        value.push('=');
    }
    format!("Basic {value}")
}

/// Base64 without its padding.
fn base64(bytes: &[u8], url_safe: bool) -> String {
    let digit = |six: u32| match six as u8 & 63 {
        n @ 0..26 => char::from(b'A' + n),
        n @ 26..52 => char::from(b'a' + n - 26),
        n @ 52..62 => char::from(b'0' + n - 52),
        62 if url_safe => '-',
        62 => '+',
        _ if url_safe => '_',
        _ => '/',
    };
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, n| {
            bits << 8 | u32::from(chunk.get(n).copied().unwrap_or(0))
        });
        let digits = [18, 12, 6, 0].map(|shift| digit(bits >> shift));
        out.extend(&digits[..=chunk.len()]);
    }
    out
}

static INSTALLED: OnceLock<Secrets> = OnceLock::new();

/// Makes these the values that [`redacted`] knows, for the whole process. The
/// first call wins.
pub fn install(secrets: Secrets) {
    // Only a test can call it a second time, and then there is nothing to say.
    let _ = INSTALLED.set(secrets);
}

/// Those that [`redacted`] knows, to be added to.
pub fn shared() -> Secrets {
    INSTALLED.get_or_init(Secrets::default).clone()
}

/// The text as it may be shown: see [`Secrets::redact`].
pub fn redacted(text: &str) -> Cow<'_, str> {
    match INSTALLED.get() {
        Some(secrets) => secrets.redact(text),
        None => Cow::Borrowed(text),
    }
}
