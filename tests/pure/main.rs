//! The code that only computes: scanner, page, types and connection, held
//! against serde_json and against every damage that one byte can do.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod config;
mod damage;
mod json;
mod odd;
mod page;
mod types;
mod zone;

#[path = "../support/zone.rs"]
mod zone_file;
