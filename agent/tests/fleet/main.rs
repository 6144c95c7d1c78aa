//! `evenkeel fleet` before a real Prometheus that scrapes three real agents, each beside a real balancer on a host of its own.
//!
//! One agent counts on a host, and here there is one kernel: each agent counts its host's cgroup alone.

#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod bed;
#[path = "../common/mod.rs"]
mod common;
mod real;
mod usage;
