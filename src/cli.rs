//! The command line: it turns words into [`Options`], and has the help texts.
//! It only looks at the words themselves. It asks no file, clock or
//! environment, and it does not judge what an API may say about a value.

mod commands;
mod complete;
mod flags;
mod help;
mod words;

use std::path::PathBuf;
use std::time::Duration;

pub use crate::row::FileFormat;
pub use help::help;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Fetch what changed.
    Sync,
    /// Find out which clauses of the contract the API keeps.
    Check,
    /// Show how far the last sync got.
    Status,
    /// Print the table as it is now.
    Table,
    /// Replace the finished files by one.
    Compact,
    /// Compare the files with the API.
    Audit,
    /// Divide a first sync into ranges of nearly equal rows.
    Plan,
    /// Write the connection file that fits an API.
    Init,
    /// Print a help text.
    Help(Topic),
    /// Print the version.
    Version,
}

/// What a help text is about, and the command that a flag belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The program as a whole.
    General,
    /// `sync`
    Sync,
    /// `check`
    Check,
    /// `status`
    Status,
    /// `table`
    Table,
    /// `compact`
    Compact,
    /// The receipt's fields.
    Receipt,
    /// `audit`
    Audit,
    /// `plan`
    Plan,
    /// `init`
    Init,
    /// How shells complete the program's words.
    Completions,
    /// The script that one of these shells reads for that.
    Shell(Shell),
}

/// A shell that completes the program's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the shell of that name
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Where the rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Into files in this directory.
    Dir(PathBuf),
    /// To the standard output.
    Stdout,
}

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateAt {
    /// Next to the rows.
    Default,
    /// In this file.
    File(PathBuf),
    /// Nowhere: a state is neither read nor written.
    None,
}

/// What the words said. None stands for what they did not say: the connection
/// file, or the default, decides that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // each is the flag of that name, see `help`
pub struct Options {
    pub command: Command,
    pub url: Option<String>,
    pub out: Out,
    pub format: Option<FileFormat>,
    pub page_size: Option<u64>,
    pub state: StateAt,
    pub since: Option<String>,
    pub until: Option<String>,
    pub full_refresh: bool,
    pub load: Option<String>,
    pub metadata: bool,
    pub config: Option<PathBuf>,
    pub record: Option<PathBuf>,
    pub replay: Option<PathBuf>,
    pub max_offset: Option<u64>,
    pub lookback: Option<Duration>,
    pub max_retries: Option<u32>,
    pub timeout: Option<Duration>,
    pub max_body: Option<u64>,
    pub verbose: u8,
    pub quiet: bool,
    pub json: bool,
    pub suggest: bool,
    pub table: Option<String>,
    pub max_age: Option<Duration>,
    /// Which table of a connection file with several tables these options are
    /// for.
    pub one_of: Option<String>,
    pub repair: bool,
    pub yes: bool,
    pub shards: Option<u64>,
    pub overwrite: bool,
}

impl Options {
    fn new(command: Command) -> Self {
        Self {
            command,
            url: None,
            out: Out::Dir("out".into()),
            format: None,
            page_size: None,
            state: StateAt::Default,
            since: None,
            until: None,
            full_refresh: false,
            load: None,
            metadata: false,
            config: None,
            record: None,
            replay: None,
            max_offset: None,
            lookback: None,
            max_retries: None,
            timeout: None,
            max_body: None,
            verbose: 0,
            quiet: false,
            json: false,
            suggest: false,
            table: None,
            max_age: None,
            one_of: None,
            repair: false,
            yes: false,
            shards: None,
            overwrite: false,
        }
    }

    /// The state's file; None where no state is kept.
    pub fn state_path(&self) -> Option<PathBuf> {
        match (&self.state, &self.out) {
            (StateAt::None, _) => None,
            (StateAt::File(file), _) => Some(file.clone()),
            (StateAt::Default, Out::Dir(dir)) => Some(dir.join("state.json")),
            (StateAt::Default, Out::Stdout) => Some("./state.json".into()),
        }
    }
}
