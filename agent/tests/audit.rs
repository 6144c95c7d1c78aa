//! `evenkeel audit` as a user runs it: what it prints in each format, how it ends, and what it reads.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

#[path = "common/answer.rs"]
mod answer;
#[path = "audit/bed.rs"]
mod bed;
#[path = "audit/documented.rs"]
mod documented;
#[path = "audit/formats.rs"]
mod formats;
#[path = "common/generated.rs"]
mod generated;
#[path = "audit/input.rs"]
mod input;
#[path = "audit/instances.rs"]
mod instances;
#[path = "audit/live_bed.rs"]
mod live_bed;
#[path = "audit/live_envoy.rs"]
mod live_envoy;
#[path = "audit/live_haproxy.rs"]
mod live_haproxy;
#[path = "audit/running.rs"]
mod running;
#[path = "audit/sarif.rs"]
mod sarif;
