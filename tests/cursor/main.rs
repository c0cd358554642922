//! The cursor against a model of an API whose table changes between pages.

#![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]

mod apis;
mod betrayed;
mod broken;
mod exhaustive;
mod large;
mod model;
mod random;
mod reader;
mod rules;
