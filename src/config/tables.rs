//! Several tables in one connection file: which there are, and the text of each
//! as if it had a file of its own. That text keeps every line where it stands
//! in the file, so that a fault is named with the line that it is on. It does
//! not know what the keys mean.

use std::ops::Range;

use crate::error::{Error, Result, excerpt, nearest};
use crate::json::{self, Fault};

/// What a file of several tables may hold.
const KEYS: [&str; 2] = ["defaults", "tables"];

/// Objects of which a table may give a part and leave the rest to the defaults.
const MERGED: [&str; 4] = ["headers", "response", "since", "statuses"];

/// A member of an object: its key, and where it and its value stand.
struct Member {
    key: String,
    all: Range<usize>,
    value: Range<usize>,
}

/// A file of several tables.
pub struct Tables<'a> {
    text: &'a str,
    defaults: Vec<Member>,
    tables: Vec<Member>,
}

impl<'a> Tables<'a> {
    /// Reads a file; None where it describes one table alone, and where it is
    /// no JSON, which is for its reader to explain.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the line.
    pub fn read(text: &'a str) -> Result<Option<Self>> {
        let start = json::space(text.as_bytes(), 0);
        let Ok(end) = json::value(text.as_bytes(), start, 0) else {
            return Ok(None);
        };
        let file = Tables {
            text,
            defaults: Vec::new(),
            tables: Vec::new(),
        };
        let all = match file.members(&(start..end)) {
            Some(all) if all.iter().any(|member| member.key == "tables") => all,
            _ => return Ok(None),
        };
        if text[end..].trim_end() != "" {
            return Ok(None);
        }
        file.with(all).map(Some)
    }

    fn with(mut self, all: Vec<Member>) -> Result<Self> {
        let mut seen: Vec<&str> = Vec::new();
        for member in &all {
            let bad = |what: String| Err(self.fault(member, what));
            if !KEYS.contains(&&*member.key) {
                let key = excerpt(&member.key);
                let meant = nearest(&member.key, KEYS);
                let meant =
                    meant.map_or_else(String::new, |key| format!(", did you mean {key:?}?"));
                return Err(self
                    .fault(
                        member,
                        format!("unknown key {key:?} beside \"tables\"{meant}"),
                    )
                    .hint("what holds for every table belongs into \"defaults\""));
            }
            if seen.contains(&&*member.key) {
                return bad(format!("{:?} is there twice", member.key));
            }
            seen.push(&member.key);
        }
        for member in all {
            let what = format!("{:?} must be an object", member.key);
            let members = self.members(&member.value);
            let members = members.ok_or_else(|| self.fault(&member, what))?;
            if member.key == "defaults" {
                self.defaults = members;
                continue;
            }
            if members.is_empty() {
                return Err(self.fault(&member, "\"tables\" names no table".into()));
            }
            for (at, table) in members.iter().enumerate() {
                self.check(table, &members[..at])?;
            }
            self.tables = members;
        }
        Ok(self)
    }

    /// A table's name is that of its folder.
    fn check(&self, table: &Member, before: &[Member]) -> Result<()> {
        let name = &table.key;
        let shown = excerpt(name);
        let sane = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 200 || name.starts_with('.') || !name.chars().all(sane) {
            let what = format!("the table {shown:?} must be a name of letters, digits, _, - and .");
            return Err(self.fault(table, what));
        }
        // Some file systems take both for one folder.
        let folded = name.to_lowercase();
        if before
            .iter()
            .any(|other| other.key.to_lowercase() == folded)
        {
            return Err(self.fault(table, format!("the table {shown:?} is there twice")));
        }
        match self.members(&table.value) {
            Some(_) => Ok(()),
            None => Err(self.fault(table, format!("the table {shown:?} must be an object"))),
        }
    }

    /// The tables' names, in the file's order.
    pub fn names(&self) -> Vec<&str> {
        self.tables.iter().map(|table| &*table.key).collect()
    }

    /// The text of this table's own file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the nearest, where there is no
    /// such table.
    pub fn of(&self, name: &str) -> Result<String> {
        let found = self.tables.iter().find(|table| table.key == name);
        let Some(table) = found else {
            let shown = excerpt(name);
            let error = match nearest(name, self.names()) {
                Some(meant) => format!("there is no table {shown:?}, did you mean {meant:?}?"),
                None => format!("there is no table {shown:?}"),
            };
            let all = self.names().join(", ");
            return Err(Error::usage(error).hint(format!("the tables are {all}")));
        };
        let own = self.members(&table.value).unwrap_or_default();
        Ok(self.compose(name, &own))
    }

    /// Everything but the members that hold for a table is blanked out.
    fn compose(&self, name: &str, own: &[Member]) -> String {
        let has = |key: &str| own.iter().any(|member| member.key == key);
        let defaults = self.defaults.iter();
        let defaults = defaults.filter(|member| !has(&member.key) && member.key != "table");
        let mut kept: Vec<&Member> = defaults.chain(own).collect();
        kept.sort_by_key(|member| member.all.start);
        let mut out = String::from("{");
        if !has("table") {
            let quoted = serde_json::to_string(name).unwrap_or_default();
            out += &format!("\"table\":{quoted}");
        }
        let mut at = 0;
        for member in kept {
            let between = &self.text[at..member.all.start];
            if out.len() > 1 {
                out.push(',');
            }
            out.extend(between.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            out += &self.text[member.all.start..member.value.start];
            out += &self.merged(member);
            at = member.all.end;
        }
        out.push('}');
        out
    }

    /// A member's value, with what the defaults' object of that name has and
    /// it has not.
    fn merged(&self, member: &Member) -> String {
        let text = &self.text[member.value.clone()];
        let default = self.defaults.iter().find(|other| other.key == member.key);
        let default = default.filter(|other| other.all != member.all);
        let (Some(default), true) = (default, MERGED.contains(&&*member.key)) else {
            return text.to_owned();
        };
        let (Some(theirs), Some(ours)) =
            (self.members(&default.value), self.members(&member.value))
        else {
            return text.to_owned();
        };
        let mut out = String::from("{");
        for other in theirs {
            // Names of headers have no case.
            let named = |member: &Member| member.key.eq_ignore_ascii_case(&other.key);
            if !ours.iter().any(named) {
                out += &self.text[other.all.clone()].replace('\n', " ");
                out.push(',');
            }
        }
        if ours.is_empty() {
            out.pop();
        }
        if out.is_empty() {
            out.push('{');
        }
        out + &text[1..]
    }

    /// The members of the object there, None where there is none.
    fn members(&self, at: &Range<usize>) -> Option<Vec<Member>> {
        let text = self.text.as_bytes();
        let mut all = Vec::new();
        let found = json::members::<Fault>(text, at.start, 0, &mut |text, key, start| {
            let end = json::value(text, start, 1)?;
            // With its quote.
            let first = key.start as usize - 1;
            all.push(Member {
                key: json::unescape(key.of(text)).into_owned(),
                all: first..end,
                value: start..end,
            });
            Ok(end)
        });
        found.ok().map(|_| all)
    }

    fn fault(&self, member: &Member, what: String) -> Error {
        let before = &self.text[..member.all.start];
        let line = 1 + before.matches('\n').count();
        Error::usage(what).at(format_args!("line {line}"))
    }
}
