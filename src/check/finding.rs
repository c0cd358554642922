//! What was found about one clause: whether it holds, what to set, what to do.
//! It judges nothing.

use super::clause::Clause;
use super::setting::Fix;

/// Whether a clause holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds, as far as could be seen.
    Ok,
    /// It holds with a setting, or is worth knowing.
    Warning,
    /// It does not hold: a sync would fail or lose rows.
    Broken,
    /// It could not be seen, so that nothing is said of it.
    Unseen,
}

/// One clause of the contract.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// The clause.
    pub(super) clause: Clause,
    /// How it stands.
    pub(super) verdict: Verdict,
    /// What was seen.
    pub(super) found: String,
    /// What to write into the connection file.
    pub(super) fix: Option<Fix>,
    /// What to do, in words.
    pub(super) remedy: String,
    /// Whether a sync could lose rows with the present settings.
    pub(super) loses: bool,
    /// Whether what was seen speaks for it, though it could be luck.
    pub(super) leans: bool,
}

impl Verdict {
    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Broken => "broken",
            Self::Unseen => "not seen",
        }
    }
}

impl Finding {
    fn new(clause: Clause, verdict: Verdict, found: String) -> Self {
        Self {
            clause,
            verdict,
            found,
            fix: None,
            remedy: String::new(),
            loses: verdict == Verdict::Broken,
            leans: false,
        }
    }

    /// The clause holds.
    pub(super) fn ok(clause: Clause, found: impl Into<String>) -> Self {
        Self::new(clause, Verdict::Ok, found.into())
    }

    /// The clause holds with a setting, or is worth knowing.
    pub(super) fn warning(clause: Clause, found: impl Into<String>) -> Self {
        Self::new(clause, Verdict::Warning, found.into())
    }

    /// The clause does not hold.
    pub(super) fn broken(clause: Clause, found: impl Into<String>) -> Self {
        Self::new(clause, Verdict::Broken, found.into())
    }

    /// The clause could not be seen.
    pub(super) fn unseen(clause: Clause, found: impl Into<String>) -> Self {
        Self::new(clause, Verdict::Unseen, found.into())
    }

    /// Adds what to write into the connection file.
    #[must_use]
    pub(super) fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }

    /// Adds what to do.
    #[must_use]
    pub(super) fn remedy(mut self, words: impl Into<String>) -> Self {
        self.remedy = words.into();
        self
    }

    /// Although it is no more than a warning, rows could be lost.
    #[must_use]
    pub(super) fn loses(mut self) -> Self {
        self.loses = true;
        self
    }

    /// Although it was not seen, what was seen speaks for it.
    #[must_use]
    pub(super) fn leans(mut self) -> Self {
        self.leans = true;
        self
    }

    /// Whether the person who reads a suggestion has to know it.
    pub(super) fn is_noted(&self) -> bool {
        matches!(self.verdict, Verdict::Warning | Verdict::Broken)
    }

    /// Whether it has to be proved before a sync is relied on, and is not.
    pub(super) fn is_open(&self) -> bool {
        self.verdict == Verdict::Unseen && self.clause.is_vital()
    }

    /// The setting that is called for: where a clause holds there is none.
    pub(super) fn setting(&self) -> Option<&Fix> {
        self.fix.as_ref().filter(|_| self.is_noted())
    }
}

/// A number with its noun.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
