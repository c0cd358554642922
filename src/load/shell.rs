//! The loader of `--load`: a command of the shell, with the file as its
//! standard input. It opens the user's own file to read it, waits for the
//! command however long that takes, and counts nothing but exit 0 as success.

use std::fs::File;
use std::path::absolute;
use std::process::{Command, ExitStatus, Stdio};

use crate::error::{Error, Result, shortened};
use crate::load::{Finished, Loader};
use crate::secret;
use crate::store::failed;

/// How much of a command is shown in an error.
const SHOWN: usize = 300;

/// Runs a command for each file.
#[derive(Debug)]
pub struct Shell {
    command: String,
}

impl Shell {
    /// A loader that runs this command.
    pub fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
        }
    }

    /// The interpreter, told to run the command.
    #[cfg(not(windows))]
    fn interpreter(&self) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", &self.command]);
        shell
    }

    #[cfg(windows)]
    fn interpreter(&self) -> Command {
        use std::os::windows::process::CommandExt;
        let mut shell = Command::new("cmd");
        // The interpreter splits the command into words.
        shell.arg("/C").raw_arg(&self.command);
        shell
    }
}

impl Loader for Shell {
    fn load(&mut self, file: &Finished<'_>) -> Result<()> {
        let path = &file.path;
        let rows = File::open(path).map_err(|error| failed("cannot read", path, &error))?;
        let name = absolute(path).map_err(|error| failed("cannot name", path, &error))?;
        let place = |message: String| {
            Error::local(format!("cannot hand over {}: {message}", path.display()))
        };
        let status = self
            .interpreter()
            .env("HIGHWATER_FILE", name)
            .env("HIGHWATER_TABLE", file.table)
            .env("HIGHWATER_FORMAT", file.format.extension())
            .env("HIGHWATER_ROWS", file.rows.to_string())
            .stdin(rows)
            // The standard output is for the receipt alone.
            .stdout(Stdio::from(std::io::stderr()))
            .status()
            .map_err(|error| {
                place(format!("cannot start the shell: {error}")).hint("is there a shell in PATH?")
            })?;
        if status.success() {
            return Ok(());
        }
        // A secret that is cut in two could not be recognised any more.
        let command = shortened(&secret::redacted(&self.command), SHOWN);
        Err(place(format!("the command `{command}` {}", ended(status))).hint(hint(status)))
    }
}

/// How a command that did not succeed ended.
fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit status {code}"),
        None => format!("was ended by a {status}"),
    }
}

fn hint(status: ExitStatus) -> &'static str {
    match status.code() {
        Some(127) => {
            "is the program installed, and in PATH here? its rows are safe in the file, which the next sync hands over again"
        }
        _ => {
            "see what it said above and mend it; the rows are safe in the file, which the next sync hands over again"
        }
    }
}
