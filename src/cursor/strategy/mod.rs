//! How the next page is asked for: with an overlap, by its number, or over
//! rows in no order.

pub(super) mod keyset;
pub(super) mod numbered;
pub(super) mod overlap;
pub(super) mod run;
pub(super) mod span;
pub(super) mod unsorted;
