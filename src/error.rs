//! The one error type: what failed, where, what to try, and whether trying
//! again can help. It does not know who raised it.

use std::fmt;
use std::time::Duration;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Errors sorted by what the caller can do about them; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command or its configuration is wrong: mend the command.
    Usage,
    /// Network, 429, 5xx, a timeout: run again later.
    Temporary,
    /// The API refused the request: mend the request or the credentials.
    Refused,
    /// The API broke its contract: look at the API.
    Contract,
    /// Disk, state file, lock or output pipe: look at this machine.
    Local,
    /// The answer is no, though nothing failed: the files are not as the API
    /// is, or what was asked for could not be seen.
    Differs,
}

/// Whether and when the same request is worth sending again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It would fail in the same way.
    Never,
    /// At once: nothing was wrong but a connection that had died while it was
    /// idle.
    Now,
    /// After a pause that the caller chooses.
    Later,
    /// After the pause that the server asked for.
    After(Duration),
}

/// How a request was refused, for callers that can do without its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// By an HTTP status.
    Status(u16),
    /// Its token has expired.
    Expired,
    /// A recording has no answer to it.
    Unrecorded,
}

/// What failed, where, and what to try. Its text is `place: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    again: Again,
    place: String,
    message: String,
    hint: String,
    quiet: bool,
    refusal: Option<Refusal>,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            again: Again::Never,
            place: String::new(),
            message: message.into(),
            hint: String::new(),
            quiet: false,
            refusal: None,
        }
    }

    /// Exit 2: the command or its configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Exit 3: it is worth running again later, and worth a retry now.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self::new(Kind::Temporary, message).again(Again::Later)
    }

    /// Exit 4: the API refused the request.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// Exit 5: the API broke its contract.
    pub fn contract(message: impl Into<String>) -> Self {
        Self::new(Kind::Contract, message)
    }

    /// Exit 6: something on this machine is in the way.
    pub fn local(message: impl Into<String>) -> Self {
        Self::new(Kind::Local, message)
    }

    /// [`Kind::Differs`]. Whoever reads the report needs no more words.
    pub fn differs() -> Self {
        Self::new(Kind::Differs, "the files are not as the API is").quiet()
    }

    /// [`Kind::Differs`]: nothing speaks against it, and too little for it.
    pub fn unproved(message: impl Into<String>) -> Self {
        Self::new(Kind::Differs, message)
    }

    /// Says where, in front of what was said before.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = if self.place.is_empty() {
            place.to_string()
        } else {
            format!("{place}, {}", self.place)
        };
        self
    }

    /// Says what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Says whether the same request is worth sending again.
    #[must_use]
    pub fn again(mut self, again: Again) -> Self {
        self.again = again;
        self
    }

    /// Marks an error without a message: the user knows already.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Says how the request was refused.
    #[must_use]
    pub fn refusing(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// How the request was refused, where that is what failed.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Whether there is no message.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the same request is worth sending again.
    pub fn again_when(&self) -> Again {
        self.again
    }

    /// What to try; empty where there is no advice.
    pub fn hint_text(&self) -> &str {
        &self.hint
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Temporary => 3,
            Kind::Refused => 4,
            Kind::Contract => 5,
            Kind::Local => 6,
            Kind::Differs => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A value as it is shown in an error: control characters are escaped, and it
/// is cut short after 60 characters.
pub fn excerpt(value: &str) -> String {
    shortened(value, 60)
}

/// The same, cut short after so many characters.
pub fn shortened(value: &str, most: usize) -> String {
    let mut out = String::new();
    for (n, c) in value.chars().enumerate() {
        if n == most {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// The word among `known` that `word` was most likely meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in characters. ASCII case and the difference between
/// `-` and `_` do not count.
fn distance(a: &str, b: &str) -> usize {
    let fold = |s: &str| -> Vec<char> {
        s.chars()
            .map(|c| {
                if c == '-' {
                    '_'
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .take(64)
            .collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above.min(row[j]) + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}
