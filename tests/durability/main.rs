//! Kills, power cuts, broken disks and meddling hands: none of them may cost a
//! row or deliver one twice.
#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod compact;
mod compact_killed;
mod crash;
mod damage;
mod fault;
mod full;
mod growing;
mod handover;
mod injected;
mod lock;
mod power;
mod scene;
mod sim;
mod sink;
mod struck;
