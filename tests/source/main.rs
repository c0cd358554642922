//! The sources, against what networks and environments do.
#![allow(clippy::unwrap_used)]

mod live;
mod recording;
mod secret;
mod server;
