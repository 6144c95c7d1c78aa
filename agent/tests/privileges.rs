//! Least privilege: what the agent needs to start, and what is left of it once it counts.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test ends at the first surprise, and counters are whole numbers"
)]

mod common;
#[path = "privileges/inside.rs"]
mod inside;
#[path = "privileges/left.rs"]
mod left;
#[path = "privileges/rights.rs"]
mod rights;
#[path = "privileges/start.rs"]
mod start;
