//! The status line: one line on a terminal that is written over, never wider
//! than the terminal, and removed when the sync ends. It shows nothing anywhere
//! else, and nothing on a terminal that cannot erase (`TERM=dumb`, or none). It
//! has no colours.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::cli::{Options, Out};
use crate::sync::Tally;

/// Carriage return, and erase to the end of the line (ECMA-48).
const ERASE: &str = "\r\x1b[K";
const EVERY: Duration = Duration::from_millis(100);
/// The columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// Whether the line is on the screen, so that a log line clears it first.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// What is to be written before a line that is to stay.
pub fn eraser() -> &'static str {
    if SHOWN.swap(false, Ordering::Relaxed) {
        ERASE
    } else {
        ""
    }
}

/// The line.
#[derive(Debug)]
pub struct StatusLine {
    on: bool,
    table: Option<String>,
    columns: usize,
    begun: Instant,
    shown: Option<Instant>,
}

impl StatusLine {
    /// A line where stderr is a terminal that nothing else is written to. It
    /// names the table where there are several.
    pub fn new(options: &Options) -> Self {
        let set = |name: &str| std::env::var(name).unwrap_or_default();
        let shared = options.out == Out::Stdout && std::io::stdout().is_terminal();
        let plain = options.verbose == 0 && !options.quiet;
        let term = set("TERM");
        let erases = term != "dumb" && (cfg!(windows) || !term.is_empty());
        let on = plain && !shared && erases && std::io::stderr().is_terminal();
        let terminal = || on.then(terminal_columns).flatten();
        Self {
            on,
            table: options.one_of.clone(),
            columns: columns(&set("COLUMNS"), &terminal),
            begun: Instant::now(),
            shown: None,
        }
    }

    /// Shows where the sync stands, ten times a second at most.
    pub fn show(&mut self, tally: &Tally) {
        if !self.on || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let text = describe(
            self.table.as_deref(),
            tally,
            self.begun.elapsed(),
            self.columns,
        );
        SHOWN.store(true, Ordering::Relaxed);
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "{ERASE}{text}").and_then(|()| stderr.flush());
    }

    /// Removes the line.
    pub fn clear(&mut self) {
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "{}", eraser()).and_then(|()| stderr.flush());
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// How many columns may be written to: those that the environment tells, else
/// those of the terminal. The last one stays empty, since some terminals begin a
/// new line as soon as it is taken.
fn columns(told: &str, terminal: &dyn Fn() -> Option<usize>) -> usize {
    let told = told.trim().parse().ok().filter(|columns| *columns > 1);
    told.or_else(terminal).unwrap_or(COLUMNS) - 1
}

/// The terminal's columns as `stty` knows them: a shell knows them too, but
/// tells the programs that it starts only where it is asked to.
#[cfg(unix)]
fn terminal_columns() -> Option<usize> {
    use std::os::fd::AsFd;
    use std::process::{Command, Stdio};
    let terminal = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    let mut stty = Command::new("stty");
    stty.arg("size").stdin(terminal).stderr(Stdio::null());
    let output = stty.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let columns = text.split_whitespace().nth(1)?.parse().ok();
    columns.filter(|columns| *columns > 1)
}

#[cfg(not(unix))]
fn terminal_columns() -> Option<usize> {
    None
}

/// Rows, of how many, how fast, and how long it will take: as much of it as
/// there is room for.
fn describe(table: Option<&str>, tally: &Tally, elapsed: Duration, columns: usize) -> String {
    let rate = tally.rows as f64 / elapsed.as_secs_f64().max(0.001);
    let name = table.map_or_else(String::new, |table| format!("{table}: "));
    let rows = match tally.left {
        None => format!("{} rows", tally.rows),
        Some(left) => format!("{} of {} rows", tally.rows, tally.rows.saturating_add(left)),
    };
    let time = tally.left.map_or_else(String::new, |left| {
        format!(", {:.0} s left", (left as f64 / rate.max(0.001)).ceil())
    });
    let longest = [
        format!("{name}{rows}, {rate:.0} a second{time}"),
        format!("{name}{rows}, {rate:.0}/s{time}"),
        format!("{name}{rows}{time}"),
        format!("{name}{rows}"),
        format!("{rows}{time}"),
    ];
    let fits = |text: &String| text.chars().map(width).sum::<usize>() <= columns;
    let fitting = longest.into_iter().find(fits);
    fitting.unwrap_or_else(|| rows.chars().take(columns).collect())
}

/// The columns that a character takes at most.
fn width(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: u64, left: Option<u64>) -> Tally {
        Tally {
            rows,
            left,
            requests: 20,
        }
    }

    #[test]
    fn the_line_tells_rows_total_rate_and_time_left() {
        let shown = |table, columns| {
            let tally = tally(1000, Some(3000));
            describe(table, &tally, Duration::from_secs(2), columns)
        };
        assert_eq!(shown(None, 79), "1000 of 4000 rows, 500 a second, 6 s left");
        assert_eq!(
            shown(Some("users"), 79),
            "users: 1000 of 4000 rows, 500 a second, 6 s left"
        );
        assert_eq!(
            shown(Some("users"), 41),
            "users: 1000 of 4000 rows, 500/s, 6 s left"
        );
        assert_eq!(
            shown(Some("users"), 39),
            "users: 1000 of 4000 rows, 6 s left"
        );
        assert_eq!(shown(Some("users"), 24), "users: 1000 of 4000 rows");
        assert_eq!(
            shown(Some("organisation_members"), 30),
            "1000 of 4000 rows, 6 s left"
        );
        assert_eq!(shown(Some("users"), 10), "1000 of 40");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 1..100 {
            for table in [None, Some("users"), Some("Größenverhältnisse")] {
                let tally = tally(u64::MAX / 2, Some(u64::MAX / 2));
                let line = describe(table, &tally, Duration::from_secs(1), columns);
                assert!(line.chars().map(width).sum::<usize>() <= columns, "{line}");
                assert!(!line.is_empty());
            }
        }
    }

    #[test]
    fn the_environment_tells_the_width_then_the_terminal_and_else_it_is_eighty() {
        for (told, known) in [("40", 39), ("", 79), ("0", 79), ("wide", 79), ("1", 79)] {
            assert_eq!(columns(told, &|| None), known, "{told}");
        }
        assert_eq!(columns("", &|| Some(40)), 39);
        assert_eq!(columns("60", &|| Some(40)), 59);
    }

    #[test]
    fn without_a_total_it_tells_no_time() {
        assert_eq!(
            describe(None, &tally(10, None), Duration::from_secs(1), 79),
            "10 rows, 10 a second"
        );
    }
}
