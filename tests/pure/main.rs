//! The code that only computes: scanner, page, types and connection, held
//! against serde_json and against every damage that one byte can do.

#![allow(clippy::unwrap_used)]

mod config;
mod damage;
mod json;
mod page;
mod types;
