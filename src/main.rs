//! The program: words to options, logs to stderr, one command, and what went
//! wrong with its exit code.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use highwater::cli::{self, Command, Options, Out};
use highwater::disk::{Disk, Os};
use highwater::error::{Error, Result};
use highwater::sink::stdout::stdout;
use highwater::{audit, check, compact, log_lines, secret, session, status, table};

fn main() -> ExitCode {
    match Options::parse(std::env::args_os().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_quiet() {
                complain(&error);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(options: &Options) -> Result<()> {
    log_lines::install(options);
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    match options.command {
        Command::Help(topic) => print(&cli::help(topic)),
        Command::Version => print(concat!("highwater ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Status => print(&status::report(options, &disk)?),
        Command::Table => {
            let out = stdout();
            let mut out = out.map_err(|error| Error::local(format!("no stdout: {error}")))?;
            table::print(options, &disk, &mut out)
        }
        Command::Compact => {
            let receipt = compact::run(options, &disk, &|_| false)?;
            let text = serde_json::to_string(&receipt).unwrap_or_default();
            print(&format!("{text}\n"))
        }
        Command::Audit => {
            let report = audit::run(options, &disk)?;
            print(&report.show(options.json))?;
            report.verdict()
        }
        Command::Check => {
            let (text, result) = check::run(options);
            print(&text).and(result)
        }
        Command::Sync => {
            let (receipt, result) = session::run(options, disk);
            if let Some(mut receipt) = receipt {
                // The table is all in it that may be a secret. Numbers stay numbers,
                // and whoever reads the file's name wants to open it.
                receipt.table = secret::redacted(&receipt.table).into_owned();
                let text = serde_json::to_string(&receipt).unwrap_or_default();
                match options.out {
                    Out::Dir(_) => print(&format!("{text}\n"))
                        .or_else(|error| if result.is_ok() { Err(error) } else { Ok(()) })?,
                    Out::Stdout => log::info!("{text}"),
                }
            }
            result
        }
    }
}

/// Writes to stdout, where a reader that has had enough is no failure.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::local(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// What failed, and what to try.
fn complain(error: &Error) {
    let text = match error.remedy() {
        "" => format!("error: {error}\n"),
        remedy => format!("error: {error}\n  try: {remedy}\n"),
    };
    // There is nobody left to tell where even this fails.
    let _ = io::stderr().write_all(secret::redacted(&text).as_bytes());
}
