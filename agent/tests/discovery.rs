//! Pools from what balancers are told, against real balancers while traffic flows: the agent follows within five seconds,
//! tells what changed, and keeps what it knows when a source fails.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy allows both in tests, but not in what tests call"
)]

#[path = "discovery/admin.rs"]
mod admin;
#[path = "discovery/auto.rs"]
mod auto;
#[path = "discovery/bed.rs"]
mod bed;
mod common;
#[path = "discovery/files.rs"]
mod files;
#[path = "discovery/findings.rs"]
mod findings;
#[path = "common/host.rs"]
mod host;
#[path = "discovery/others.rs"]
mod others;
#[path = "discovery/sd.rs"]
mod sd;
