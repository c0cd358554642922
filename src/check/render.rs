//! How findings are shown: a table for people, one JSON object for machines.
//! It judges nothing.

use serde::Serialize;
use serde_json::Value;

use super::clause::Clause;
use super::finding::{Finding, Verdict, counted};
use super::setting::Fix;

/// The widest line, where words allow it.
const WIDTH: usize = 100;

/// The column where what was found begins.
const MARGIN: usize = 26;

/// The table, and below it what it comes to.
pub(super) fn table(checks: &[Finding], requests: u64) -> String {
    let mut out = String::new();
    for check in checks {
        let (clause, verdict) = (check.clause.name(), check.verdict.name());
        let head = format!("{clause:<16} {verdict:<8} ");
        let mut line = wrapped(head, &one_line(&check.found));
        let setting = check.setting().map(|fix| spaced(&fix.value(), false));
        for words in setting.into_iter().chain([one_line(&check.remedy)]) {
            let last = line.rsplit('\n').next().unwrap_or_default().chars().count();
            if words.is_empty() {
                continue;
            }
            if last + 4 + words.chars().count() <= WIDTH {
                line += "    ";
                line += &words;
            } else {
                line.push('\n');
                line += &wrapped(" ".repeat(MARGIN), &words);
            }
        }
        out += line.trim_end();
        out.push('\n');
    }
    out + &summary(checks, requests)
}

/// Words after a heading, on several lines where they are too many for one.
fn wrapped(head: String, text: &str) -> String {
    let (mut out, mut width) = (head, MARGIN);
    for (at, word) in text.split(' ').enumerate() {
        let long = word.chars().count();
        if at > 0 && width + 1 + long > WIDTH {
            out.push('\n');
            out += &" ".repeat(MARGIN);
            width = MARGIN;
        } else if at > 0 {
            out.push(' ');
            width += 1;
        }
        out += word;
        width += long;
    }
    out
}

fn summary(checks: &[Finding], requests: u64) -> String {
    let names = |wanted: &dyn Fn(&Finding) -> bool| {
        let names = checks.iter().filter(|check| wanted(check));
        names
            .map(|check| check.clause.name())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let bad = names(&|check| check.verdict == Verdict::Broken || check.loses);
    let open = names(&|check| check.is_open());
    let settings = checks.iter().any(|check| check.setting().is_some());
    let requests = counted(usize::try_from(requests).unwrap_or(usize::MAX), "request");
    let mut out = match bad.as_str() {
        "" if !shown(checks) => format!("\n{requests}: no rows, so nothing is proved\n"),
        "" if open.is_empty() => format!("\n{requests}: nothing seen that could lose rows\n"),
        "" => format!("\n{requests}: nothing seen that could lose rows; not proved: {open}\n"),
        bad => format!("\n{requests}: do not sync before this is mended: {bad}\n"),
    };
    if settings {
        out +=
            "settings go into a connection file, --config FILE; --suggest prints one with them\n";
    }
    out
}

/// Whether there were rows to judge by.
fn shown(checks: &[Finding]) -> bool {
    checks
        .iter()
        .any(|check| check.clause == Clause::Rows && check.verdict == Verdict::Ok)
}

/// The same for machines.
pub(super) fn json(checks: &[Finding], requests: u64, ok: bool) -> String {
    let one = |check: &Finding| One {
        clause: check.clause.name(),
        verdict: check.verdict.name(),
        found: check.found.clone(),
        setting: check.setting().map(Fix::value),
        remedy: Some(check.remedy.clone()).filter(|words| !words.is_empty()),
    };
    let all = All {
        ok,
        checks: checks.iter().map(one).collect(),
        requests,
    };
    // It has only strings and numbers, so it cannot fail.
    serde_json::to_string(&all).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct All {
    ok: bool,
    checks: Vec<One>,
    requests: u64,
}

#[derive(Serialize)]
struct One {
    clause: &'static str,
    verdict: &'static str,
    found: String,
    setting: Option<Value>,
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// JSON on one line with blanks after colons and commas; an object that is a
/// piece of a file goes without its `braces`.
pub(super) fn spaced(value: &Value, braces: bool) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(&**key), spaced(value, true)))
                .collect();
            let inside = members.join(", ");
            if braces {
                format!("{{{inside}}}")
            } else {
                inside
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| spaced(item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// An answer's text must not break the table.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
