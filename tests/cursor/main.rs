//! The cursor against a model of an API whose table changes between pages.

mod broken;
mod exhaustive;
mod large;
mod model;
mod random;
mod rules;
