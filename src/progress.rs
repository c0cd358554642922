//! The status line: one line on a terminal that is written over, and gone
//! when the sync ends. It shows nothing anywhere else.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::cli::{Options, Out};
use crate::sync::Tally;

/// Carriage return, and erase to the end of the line (ECMA-48).
const ERASE: &str = "\r\x1b[K";
const EVERY: Duration = Duration::from_millis(100);

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
    begun: Instant,
    shown: Option<Instant>,
}

impl StatusLine {
    /// A line where stderr is a terminal that nothing else is written to.
    pub fn new(options: &Options) -> Self {
        let shared = options.out == Out::Stdout && std::io::stdout().is_terminal();
        let plain = options.verbose == 0 && !options.quiet;
        Self {
            on: plain && !shared && std::io::stderr().is_terminal(),
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
        let text = describe(tally, self.begun.elapsed());
        SHOWN.store(true, Ordering::Relaxed);
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "{ERASE}{text}").and_then(|()| stderr.flush());
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "{}", eraser()).and_then(|()| stderr.flush());
    }
}

/// Rows, of how many, how fast, and how long it will take.
fn describe(tally: &Tally, elapsed: Duration) -> String {
    let rate = tally.rows as f64 / elapsed.as_secs_f64().max(0.001);
    let Some(left) = tally.left else {
        return format!("{} rows, {rate:.0} a second", tally.rows);
    };
    let total = tally.rows + left;
    let seconds = (left as f64 / rate.max(0.001)).ceil();
    format!(
        "{} of {total} rows, {rate:.0} a second, {seconds:.0} s left",
        tally.rows
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_rows_total_rate_and_time_left() {
        let tally = Tally {
            rows: 1000,
            left: Some(3000),
            requests: 20,
        };
        assert_eq!(
            describe(&tally, Duration::from_secs(2)),
            "1000 of 4000 rows, 500 a second, 6 s left"
        );
    }

    #[test]
    fn without_a_total_it_tells_no_time() {
        let tally = Tally {
            rows: 10,
            left: None,
            requests: 1,
        };
        assert_eq!(
            describe(&tally, Duration::from_secs(1)),
            "10 rows, 10 a second"
        );
    }
}
