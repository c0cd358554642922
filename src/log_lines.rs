//! The log's lines: to stderr, redacted as a whole, over the status line.

use std::io::Write;
use std::sync::{PoisonError, RwLock};

use log::{Level, LevelFilter};

use crate::cli::Options;
use crate::progress;
use crate::secret;

/// The table that the lines are about, where there are several.
static TABLE: RwLock<String> = RwLock::new(String::new());

/// Names the table that the lines to come are about.
pub fn name_table(name: &str) {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    name.clone_into(&mut table);
}

/// Installs the logger: warnings by default, a line a page with `-v`, every
/// request with `-vv`, errors alone with `-q`; else what RUST_LOG says.
pub fn install(options: &Options) {
    let mut builder = env_logger::Builder::new();
    match (options.verbose, options.quiet) {
        (_, true) => builder.filter_level(LevelFilter::Error),
        (0, _) => builder
            .filter_level(LevelFilter::Warn)
            .parse_env("RUST_LOG"),
        (1, _) => builder.filter_level(LevelFilter::Info),
        // The libraries below this crate say more than anybody wants to read.
        _ => builder
            .filter_level(LevelFilter::Info)
            .filter_module("highwater", LevelFilter::Debug),
    };
    let times = options.verbose > 0;
    builder.format(move |out, record| {
        let level = match record.level() {
            Level::Error => "error",
            Level::Warn => "warning",
            Level::Info => "info",
            Level::Debug | Level::Trace => "debug",
        };
        let text = record.args().to_string();
        let text = secret::redacted(&text);
        write!(out, "{}", progress::eraser())?;
        if times {
            write!(out, "{} ", crate::clock::time_of_day())?;
        }
        let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
        if !table.is_empty() {
            return writeln!(out, "{level}: {}: {text}", secret::redacted(&table));
        }
        writeln!(out, "{level}: {text}")
    });
    // Where the process has a logger already, that one stays.
    let _ = builder.try_init();
    // At the level trace the HTTP client writes requests as they are, with the
    // credentials.
    log::set_max_level(log::max_level().min(LevelFilter::Debug));
}
