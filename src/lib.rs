//! Rows that changed, out of a REST API and onto a disk.

mod calendar;
pub mod check;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod cursor;
pub mod disk;
pub mod error;
pub mod exchange;
pub mod json;
pub mod log_lines;
pub mod page;
pub mod progress;
pub mod row;
pub mod secret;
pub mod seen;
pub mod session;
pub mod sink;
pub mod source;
pub mod status;
pub mod store;
pub mod sync;
pub mod template;
pub mod timestamp;
pub mod types;
