//! Why a walk down an answer stops: the answer is at fault, or only a row of it
//! is.

use crate::config::Field;
use crate::error::{Again, Error, excerpt};
use crate::json::Fault;

/// What to do about a row's fault.
pub(super) const REMEDY: &str =
    "set such rows aside with \"on_bad_row\": \"reject\" in the connection file";

/// What is wrong with a row, before it is decided whether the sync ends.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) field: String,
    pub(super) reason: String,
    hint: &'static str,
    pub(super) absent: bool,
}

impl Flaw {
    pub(super) fn new(reason: String) -> Self {
        Self {
            field: String::new(),
            reason,
            hint: "",
            absent: false,
        }
    }

    pub(super) fn of(mut self, field: &Field) -> Self {
        self.field.clone_from(&field.name);
        self
    }

    #[cold]
    pub(super) fn missing(field: &Field, what: &str, absent: bool) -> Self {
        Self {
            hint: "name it with \"primary_key\" and \"cursor\" in the connection file",
            absent,
            ..Self::new(format!("{what} is missing or null")).of(field)
        }
    }

    /// For a key that is neither a string nor a number.
    #[cold]
    pub(super) fn no_key(field: &Field, raw: &[u8]) -> Self {
        let value = excerpt(&String::from_utf8_lossy(raw));
        let reason = format!("the primary key must be a string or a number: {value}");
        Self::new(reason).of(field)
    }

    /// For a cursor that is no instant.
    #[cold]
    pub(super) fn timeless(field: &Field, raw: &[u8]) -> Self {
        let value = excerpt(&String::from_utf8_lossy(raw));
        Self {
            hint: "a timestamp needs its offset from UTC; say how this API spells them with \"since\": {\"read\": …} or \"format\", or which \"zone\" they are in, in the connection file",
            ..Self::new(format!(
                "not a timestamp that can be placed in time: {value}"
            ))
            .of(field)
        }
    }

    pub(super) fn error(&self) -> Error {
        let hint = match self.hint {
            "" => REMEDY.to_owned(),
            hint => format!("{hint}; or {REMEDY}"),
        };
        let error = Error::contract(&self.reason).hint(hint);
        match &*self.field {
            "" => error,
            field => error.at(format_args!("field {field:?}")),
        }
    }
}

/// Why the walk stops: the text is not JSON, or not the JSON that was wanted.
pub(super) enum Stop {
    Fault(Fault),
    Error(Box<Error>),
    /// Only this row is not as it should be.
    Row(Box<Flaw>),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Row(Box::new(flaw))
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}

impl Stop {
    pub(super) fn explain(self, body: &[u8]) -> Error {
        let fault = match self {
            Self::Error(error) => return *error,
            Self::Row(flaw) => return flaw.error(),
            Self::Fault(fault) => fault,
        };
        let at = format!("byte {} of the body", fault.at);
        if fault.is_end() && !body.is_empty() {
            return Error::temporary("the body was cut off").at(at);
        }
        let from = fault.at.saturating_sub(20).min(body.len());
        let near = String::from_utf8_lossy(&body[from..body.len().min(from + 80)]);
        let message = format!("the body is not JSON: {}: {:?}", fault.what, excerpt(&near));
        Error::contract(message)
            .at(at)
            .again(Again::Later)
            .hint("is the URL that of the API, and not of a web page?")
    }
}

pub(super) fn too_many() -> Stop {
    Error::contract("more fields than any table has")
        .hint("ask for smaller pages with --page-size")
        .into()
}
