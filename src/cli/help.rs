//! The help texts. What they say about flags comes from the table of flags,
//! so that it cannot be out of date. No line is longer than 80 columns.

mod operate;

use super::flags::FLAGS;
use super::{Topic, complete};
use operate::{COMPLETIONS, INIT, PLAN, RECEIPT};

const WIDTH: usize = 80;
/// Where the flags' descriptions start.
const MARGIN: usize = 24;

/// What a command line without a command gets.
pub(super) const USAGE: &str = "\
no command given

  highwater check --url URL   can this API be synced without loss?
  highwater sync --url URL    fetch what changed since the last sync
  highwater status            how far the last sync got, and how old that is

  highwater help              all commands, and how to name what an API
                              calls otherwise";

const GENERAL: &str = "\
highwater pulls the rows that changed since the last run out of a REST API,
appends them to a file, and remembers how far it got. No row is lost and none
comes twice, even where rows change while it reads.

Usage:
  highwater sync [flags]     fetch what changed since the last sync
  highwater check [flags]    probe whether the API can be synced without loss
  highwater status [flags]   show where the last sync got to
  highwater table [flags]    print the table, the latest version of each row
  highwater compact [flags]  replace the files by one that holds the table
  highwater audit [flags]    compare the files with the API, row by row
  highwater plan [flags]     divide a first sync into many that run at once
  highwater init URL         write the connection file that fits an API
  highwater help [COMMAND]   this, or how a command works, with all its flags
  highwater --version

Start with
  highwater check --url https://api.example.com/v1/users
  highwater sync --url https://api.example.com/v1/users

The API pages by offset or by page number, filters by a timestamp of the last
change, and answers in JSON. How its parameters and fields are called is written
in a connection file (--config FILE), which highwater init makes. Without one
they are called as in the example API of Fivetran's Connector SDK.

highwater help receipt tells what a sync prints when it ends, and
highwater help completions how a shell completes commands and flags.
";

const SYNC: &str = "\
highwater sync fetches the rows that changed since the last sync and writes
them to a file of their own. The rows and the mark (the newest timestamp up to
which the table was copied) are committed together after every batch, so that
the next sync goes on where one was cut short.

Usage:
  highwater sync [flags]

Examples:
  highwater sync --url https://api.example.com/v1/users --out users
  highwater sync --config users.json --format csv | jq -r .file
  highwater sync --config all.json --table users
  highwater sync --metadata --load 'cp \"$HIGHWATER_FILE\" /srv/inbox/'
";

const SYNC_FILES: &str = "\
Files:
  DIR/TABLE-TIME.ndjson           the rows of one sync, or .csv; never changed
                                  once it has this name
  DIR/TABLE-TIME.ndjson.part      the sync under way
  DIR/TABLE-TIME.rejected.ndjson  rows with a fault and its reason, where the
                                  connection file says \"on_bad_row\": \"reject\"
  DIR/state.json                  how far it got
  DIR/.lock                       held while a sync runs
  DIR/NAME/...                    the same for each of several \"tables\"
  A row that changed is there again: the latest by primary key is the table.

Hand-over:
  CMD finds the file's path, its table, its format (ndjson or csv) and its rows
  in HIGHWATER_FILE, HIGHWATER_TABLE, HIGHWATER_FORMAT and HIGHWATER_ROWS. What
  it prints goes to the standard error. A file may come twice, never after a
  later one, and never cut short.

Output:
  One line of JSON at the end, the receipt: the file (null where nothing
  changed), rows, requests, last_updated_at and more, which highwater help
  receipt tells; where it failed too. With --out - the rows
  instead; a pipe acknowledges nothing, so rows that its reader took and then
  lost do not come again. Everything else goes to the standard error.
";

const CHECK: &str = "\
highwater check sends a few requests to the API and says which clauses of the
contract hold: the shape of the answer, the order, the filter, the offset, the
total, the page size. It writes no rows and no state.

With --suggest it prints the connection file that fits. Where no \"query\" is
given, it tries the parameters of APIs that it knows, and keeps those that have
an effect. What it could not find out is a list on stderr.

Usage:
  highwater check [flags]

Examples:
  highwater check --url https://api.example.com/v1/users
  highwater check --url https://api.example.com/v1/users --suggest > users.json
  highwater check --config users.json --json
  highwater check --config draft.json --suggest > users.json

Exit code 1 where nothing speaks against a sync, and too little for it: a table
that is empty, or all rows of one timestamp, show neither order nor filter.
";

const STATUS: &str = "\
highwater status shows where the last sync got to: the mark, which is the newest
timestamp up to which the table was copied, and the sync that was cut short, if
one was. It asks no API and changes nothing.

Usage:
  highwater status [flags]

Examples:
  highwater status --out users
  highwater status --max-age 15m || echo 'no complete sync for 15 minutes'
  highwater status --config all.json --json | jq -r .checked_at

A sync that finds no news notes that too: checked_at is when the last complete
one ended. With --max-age the exit code is 1 where that is too long ago, for any
table where there are several.
";

const STATUS_FILES: &str = "\
Files:
  DIR/state.json          what is read, unless --state names another file
";

const TABLE: &str = "\
highwater table prints the table as the finished files have it: of each primary
key the latest version. It asks no API, changes nothing and takes no lock.

Usage:
  highwater table [flags]

Examples:
  highwater table --out users > users.ndjson
  highwater table --out users --format csv

The latest version is the one that was delivered last: in a later file, or
further down in the same one; where rows carry _seq, the larger one. A row with
\"_deleted\": true takes its key out of the table. Rows come in the order of
their latest versions. The key is that of DIR/state.json, else of --config.

The number 1 and the string \"1\" are two keys. CSV cannot tell them apart, so
where there is a CSV file keys are compared as text. From CSV to NDJSON a field
is a string, or null where it is empty; from NDJSON to NDJSON rows keep their
very bytes.
";

const COMPACT: &str = "\
highwater compact replaces the finished files by one that holds the rows that
highwater table prints. Earlier versions of rows are gone then.

Usage:
  highwater compact [flags]

Examples:
  highwater compact --out users

Whoever lists the folder at any moment finds the whole table, also when the
machine stops midway; run it again then. A file that was listed before may be
gone when it is opened: list again. It holds the lock, as a sync does, and
refuses to start where a sync did not end.

Output:
  One line of JSON, the receipt: the new file (null where there was nothing to
  do), the rows of the table, the versions that there were, the files replaced.
";

const AUDIT: &str = "\
highwater audit reads the whole table from the API and compares it with what
highwater table prints: is it all there, and what was deleted? It writes
nothing without --repair.

Usage:
  highwater audit [flags]

Examples:
  highwater audit --url https://api.example.com/v1/users --out users
  highwater audit --config users.json --json
  highwater audit --config users.json --repair

  alike    in the files as it is in the API
  missing  never delivered, or in an older version
  deleted  in the files, and not in the API any more
  young    changed since the audit began, or so recently that the API may not
           show it everywhere yet (--lookback): not judged
Up to ten ids of each kind are named. What \"ignore\" names does not count. It
asks as often as a sync with --full-refresh, so run it weekly, after a sync.

With --repair it appends what is missing to a file as that of a sync, which
--load hands over with the next one, and for each row that was deleted one with
its key and \"_deleted\": true, in CSV in a column of its own. A walk that is not
believed deletes nothing.

Exit code 1 where rows are missing or deleted, and were not repaired, or where
some were not met and none can say why, as the table changes too often.
";

const SOURCE_NOTES: &str = "\
Durations are 250ms, 60s, 5m, 2h, 1d or a number of seconds.
${NAME} anywhere in the connection file is the environment's, and never shown.
";

const CODES: &str = "\
Exit codes:
  0  done: all that the API reported was delivered
  2  usage or configuration: mend the command
  3  temporary (network, 429, 5xx, timeout), after the retries: run again later
  4  the API refused (other 4xx, credentials): mend the request
  5  the API broke its contract (shape, field, order, total): look at the API
  6  local (disk, state file, lock, output pipe): look at this machine
";

/// How the program, or one of its commands, is used.
pub fn help(topic: Topic) -> String {
    let parts = match topic {
        Topic::General => vec![GENERAL.to_owned()],
        Topic::Sync => vec![
            SYNC.to_owned(),
            flags(topic),
            SOURCE_NOTES.to_owned(),
            SYNC_FILES.to_owned(),
        ],
        Topic::Check => vec![CHECK.to_owned(), flags(topic), SOURCE_NOTES.to_owned()],
        Topic::Status => vec![STATUS.to_owned(), flags(topic), STATUS_FILES.to_owned()],
        Topic::Table => vec![TABLE.to_owned(), flags(topic)],
        Topic::Compact => vec![COMPACT.to_owned(), flags(topic)],
        Topic::Receipt => vec![RECEIPT.to_owned()],
        Topic::Audit => vec![AUDIT.to_owned(), flags(topic), SOURCE_NOTES.to_owned()],
        Topic::Plan => vec![PLAN.to_owned(), flags(topic), SOURCE_NOTES.to_owned()],
        Topic::Init => vec![INIT.to_owned(), flags(topic), SOURCE_NOTES.to_owned()],
        Topic::Completions => vec![COMPLETIONS.to_owned()],
        Topic::Shell(shell) => return complete::script(shell),
    };
    parts.join("\n") + "\n" + CODES
}

/// The command's flags, one paragraph each.
fn flags(topic: Topic) -> String {
    let mut out = String::from("Flags:\n");
    for flag in FLAGS.iter().filter(|flag| flag.of.contains(&topic)) {
        let short = flag
            .short
            .map_or_else(String::new, |letter| format!("-{letter}, "));
        let mut line = format!("  {short}--{}", flag.name);
        if !flag.value.is_empty() {
            line += &format!(" {}", flag.value);
        }
        let default = format!("[default: {}]", flag.default);
        let default = Some(&*default).filter(|_| !flag.default.is_empty());
        let mut words = flag.text.split(' ').chain(default).peekable();
        while words.peek().is_some() {
            line = format!("{line:MARGIN$}");
            // One word a line at least, however long it is.
            while let Some(word) = words.next_if(|word| {
                line.len() == MARGIN || line.len() + 1 + word.chars().count() <= WIDTH
            }) {
                if line.len() > MARGIN {
                    line.push(' ');
                }
                line += word;
            }
            out += &line;
            out.push('\n');
            line.clear();
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::Connection;

    const TOPICS: [Topic; 11] = [
        Topic::General,
        Topic::Sync,
        Topic::Check,
        Topic::Status,
        Topic::Table,
        Topic::Compact,
        Topic::Receipt,
        Topic::Audit,
        Topic::Plan,
        Topic::Init,
        Topic::Completions,
    ];

    #[test]
    fn every_flag_is_in_the_help_of_its_commands() {
        for topic in TOPICS {
            let text = flags(topic);
            for flag in &FLAGS {
                let there = text
                    .split([' ', '\n', ','])
                    .any(|word| word.strip_prefix("--") == Some(flag.name));
                let default = flag.of.contains(&topic);
                assert!(there || !default, "--{} is not in {topic:?}", flag.name);
            }
        }
    }

    #[test]
    fn no_line_is_longer_than_a_terminal_and_none_ends_in_a_blank() {
        for text in TOPICS.map(help).iter().map(String::as_str).chain([USAGE]) {
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line:?}");
                assert_eq!(line, line.trim_end());
            }
        }
    }

    #[test]
    fn the_defaults_are_those_that_hold() {
        let default = |name: &str| FLAGS.iter().find(|flag| flag.name == name).unwrap().default;
        let held = Connection::default();
        assert_eq!(default("url"), held.url);
        assert_eq!(default("page-size"), held.page_size.to_string());
        assert_eq!(default("max-offset"), held.max_offset.to_string());
        assert_eq!(default("max-retries"), held.max_retries.to_string());
        let seconds = |name: &str| crate::timestamp::duration(default(name)).unwrap();
        assert_eq!(seconds("lookback"), held.lookback);
        assert_eq!(seconds("timeout"), held.timeout);
        assert_eq!(
            crate::config::size(default("max-body")).unwrap(),
            held.max_body
        );
    }

    #[test]
    fn every_field_of_a_receipt_is_told() {
        let receipt = include_str!("../session/receipt.rs");
        let (_, fields) = receipt.split_once("pub struct Receipt {").unwrap();
        let (fields, _) = fields.split_once("\n}").unwrap();
        let names = fields.lines().filter_map(|line| {
            let (name, _) = line.trim().strip_prefix("pub ")?.split_once(':')?;
            Some(name)
        });
        assert!(names.clone().count() > 15);
        for name in names {
            assert!(RECEIPT.contains(&format!("\n  {name:<16} ")), "{name}");
        }
    }

    #[test]
    fn every_exit_code_is_in_every_help() {
        for text in TOPICS.map(help) {
            for code in [0, 2, 3, 4, 5, 6] {
                assert!(text.contains(&format!("\n  {code}  ")), "{code}");
            }
        }
    }
}
