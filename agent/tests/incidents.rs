//! Real traffic, a real agent, a real Alertmanager: what goes wrong with balancers and backends in practice is found, told
//! with the right backends and the right cause, and over when it is repaired; even traffic is left alone.
//!
//! Shares that incidents report are compared with the backends' own ledgers, never with the agent's numbers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]

#[path = "incidents/bed.rs"]
mod bed;
#[path = "incidents/clock.rs"]
mod clock;
mod common;
#[path = "incidents/control.rs"]
mod control;
#[path = "incidents/faults.rs"]
mod faults;
#[path = "incidents/outages.rs"]
mod outages;
#[path = "incidents/watch.rs"]
mod watch;
