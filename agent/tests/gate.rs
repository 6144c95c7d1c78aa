//! `evenkeel gate` as a user runs it: with real balancers, a real load generator and the real kernel; and without.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

#[path = "common/answer.rs"]
mod answer;
#[path = "gate/bed.rs"]
mod bed;
#[path = "gate/beside.rs"]
mod beside;
mod common;
#[path = "gate/corpus.rs"]
mod corpus;
#[path = "gate/documented.rs"]
mod documented;
#[path = "gate/hermetic.rs"]
mod hermetic;
#[path = "common/host.rs"]
mod host;
#[path = "gate/live.rs"]
mod live;
#[path = "gate/output.rs"]
mod output;
#[path = "gate/phases.rs"]
mod phases;
#[path = "gate/products.rs"]
mod products;
#[path = "gate/sandbox.rs"]
mod sandbox;
#[path = "gate/usage.rs"]
mod usage;
