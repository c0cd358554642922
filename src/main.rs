//! The program: it turns words into options, sends logs to stderr, runs one
//! command, says what went wrong, and exits with its code.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use highwater::cli::{self, Command, Options, Out};
use highwater::clock::time_of_day;
use highwater::disk::{Disk, Os};
use highwater::error::{Error, Result};
use highwater::sink::stdout::stdout;
use highwater::status::Status;
use highwater::{audit, check, compact, fleet, init, log_lines, plan, secret, session, table};

fn main() -> ExitCode {
    let code = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => {
            log_lines::install(&options);
            run_each(&options)
        }
        Err(error) => told(&error, ""),
    };
    ExitCode::from(code)
}

/// Runs the command for each table. A table that fails stops no other one.
fn run_each(options: &Options) -> u8 {
    match fleet::each(options) {
        Ok(tables) => {
            let several = tables.len() > 1;
            fleet::gravest(tables.iter().map(|options| run_one(options, several)))
        }
        Err(error) => {
            if options.command == Command::Sync {
                let receipt = session::Receipt::failed(options, &error);
                // What ended the sync is told whatever the log level is.
                let _ = hand_out(options, receipt);
            }
            told(&error, "")
        }
    }
}

/// Runs the command for one table, says what went wrong, and answers the exit
/// code.
fn run_one(options: &Options, several: bool) -> u8 {
    let name = options.one_of.as_deref().unwrap_or_default();
    log_lines::name_table(name);
    let result = match options.command {
        Command::Status => return status(options),
        Command::Sync => return sync(options),
        Command::Check if several && !options.json => {
            print(&format!("{name}:\n")).and_then(|()| run(options))
        }
        _ => run(options),
    };
    let Err(error) = result else {
        return 0;
    };
    told(&error, name)
}

/// Syncs and prints the receipt.
fn sync(options: &Options) -> u8 {
    let (receipt, result) = session::run(options, Arc::new(Os::default()));
    let table = receipt.as_ref().and_then(|receipt| receipt.table.clone());
    // Without a connection file there is only one table.
    let table = table.filter(|_| options.config.is_some());
    let printed = receipt.map_or(Ok(()), |receipt| hand_out(options, receipt));
    match result.and(printed) {
        Ok(()) => 0,
        Err(error) => told(&error, &table.unwrap_or_default()),
    }
}

/// Prints how far the last sync got; exit 1 where that is too long ago.
fn status(options: &Options) -> u8 {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    let looked = Status::look(options, &disk).and_then(|status| {
        let text = if options.json {
            status.json()
        } else {
            status.text()
        };
        print(&text).map(|()| status)
    });
    match (looked, options.max_age) {
        (Ok(status), Some(most)) if !status.is_fresh(most) => 1,
        (Ok(_), _) => 0,
        (Err(error), _) => told(&error, options.one_of.as_deref().unwrap_or_default()),
    }
}

/// Prints a sync's receipt.
fn hand_out(options: &Options, mut receipt: session::Receipt) -> Result<()> {
    // Only the table and the error may hold a secret. Numbers stay numbers, and
    // a program that reads the file's name wants to open that file.
    for text in [&mut receipt.table, &mut receipt.error] {
        *text = text.take().map(|text| secret::redacted(&text).into_owned());
    }
    let text = serde_json::to_string(&receipt).unwrap_or_default();
    match options.out {
        Out::Dir(_) => print(&format!("{text}\n")),
        Out::Stdout => {
            log::info!("{text}");
            Ok(())
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let disk: Arc<dyn Disk> = Arc::new(Os::default());
    match options.command {
        Command::Help(topic) => print(&cli::help(topic)),
        Command::Version => print(concat!("highwater ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Sync | Command::Status => Ok(()),
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
        Command::Plan => {
            let plan = plan::run(options)?;
            print(&plan.show(options.json))?;
            if !options.quiet {
                note(&plan.notes());
            }
            Ok(())
        }
        Command::Init => {
            let (text, result) = init::run(options);
            print(&text).and(result)
        }
        Command::Check => {
            let (text, result) = check::run(options);
            print(&text).and(result)
        }
    }
}

/// Writes to stdout. A reader that has read enough and went away is no failure.
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

/// Tells people what the program that reads stdout need not know.
fn note(notes: &[String]) {
    let text: String = notes.iter().map(|note| format!("{note}\n")).collect();
    let _ = io::stderr().write_all(secret::redacted(&text).as_bytes());
}

/// Says what failed and what to try, and answers the exit code. Where there are
/// several tables, the line says which one it was, and when.
fn told(error: &Error, table: &str) -> u8 {
    if !error.is_quiet() {
        complain(error, table);
    }
    error.exit_code()
}

fn complain(error: &Error, table: &str) {
    let place = match table {
        "" => String::new(),
        table => format!("{table} at {}: ", time_of_day()),
    };
    let text = match error.hint_text() {
        "" => format!("error: {place}{error}\n"),
        remedy => format!("error: {place}{error}\n  try: {remedy}\n"),
    };
    // There is nobody left to tell where even this write fails.
    let _ = io::stderr().write_all(secret::redacted(&text).as_bytes());
}
