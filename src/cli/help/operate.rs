//! The help texts of what stands beside the syncs themselves: receipts, plans
//! for many at once, the first connection file, and completions.

pub(super) const RECEIPT: &str = "\
A sync prints one line of JSON on the standard output when it ends, the receipt
(with --out -, where stdout is for rows, in the log: -v). It comes on every exit
once the words of the command were understood; with several tables one comes
for each.

  table            the table's name; null where the connection is unreadable
  file             the file of the rows; null where nothing changed
  files            all files, only where a CSV had to change its header
  rows             rows delivered and committed
  requests         requests sent, failures included
  windows          windows walked
  drifts           pages that showed that rows had moved
  duplicates       rows that came again and were dropped
  retries          requests sent again
  rejected         rows set aside (\"on_bad_row\": \"reject\")
  last_updated_at  the high-water mark, as the API wrote it; null: none yet
  complete         true where all that the API reported was delivered
  confirmed        true where a known row confirmed the API's bound, else why
                   none did
  loaded           files handed over, only with --load
  waiting          files that still wait to be handed over, only with --load
  started          when it began: RFC 3339, UTC
  finished         when it ended
  exit             the exit code that this table comes to
  error            what ended it before its time, as on the standard error; null
                   where nothing did
  seconds          how long it took
";

pub(super) const PLAN: &str = "\
highwater plan divides a first sync that would take too long into ranges of
nearly equal rows, by asking the API for its totals: a few requests a shard. It
fetches no rows and writes nothing.

Usage:
  highwater plan --shards N [flags]

Examples:
  highwater plan --config users.json --shards 8 > plan
  cat -n plan | xargs -r -P 8 -L 1 sh shard.sh
  tail -n 1 plan | sed 's/.*--until/--since/' |
    xargs highwater sync --config users.json

Output:
  N lines, each --since A --until B, to be given to sync with --state none by a
  script of yours (the README has one that makes a file of each). Each begins
  where the one before it ends. A value with a blank is in quotes, which
  xargs and the shell take away. The last --until is the mark from which the
  ordinary sync goes on, some minutes old or, where nothing changed since, that
  of one of the last rows: nothing that changes after the plan lies before it.
  There are fewer lines where too many rows share one timestamp, which cannot be
  divided. With --json one line: the shards with their rows, and the mark.
";

pub(super) const INIT: &str = "\
highwater init asks the API what it is like, as check --suggest does, writes the
connection file that fits it, and names the command that comes next.

Usage:
  highwater init URL [flags]

Examples:
  highwater init https://api.example.com/v1/users
  highwater init --config draft.json https://api.example.com/v1/users

Files:
  TABLE.json              what is written, in this folder, named by the table;
                          one that is there stays without --overwrite
";

pub(super) const COMPLETIONS: &str = "\
highwater help completions bash|zsh|fish prints what that shell reads to
complete the commands and flags:

  bash   source <(highwater help completions bash)        in ~/.bashrc
  zsh    source <(highwater help completions zsh)         in ~/.zshrc
  fish   highwater help completions fish | source         in config.fish
";
