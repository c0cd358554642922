//! The proofs that a walk has to pass before it is believed, one a file.

pub(super) mod audit;
pub(super) mod end;
pub(super) mod ground;
pub(super) mod inquiry;
pub(super) mod join;
pub(super) mod positions;
pub(super) mod totals;
pub(super) mod witness;
