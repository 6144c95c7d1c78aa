//! Pools from Kubernetes: the real agent on the real kernel, with namespaces for pods, and an API server that speaks the real
//! protocol and fails in the real ways.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy allows both in tests, but not in what tests call"
)]

mod bed;
#[path = "../common/mod.rs"]
mod common;
mod conditions;
mod in_a_pod;
mod large;
mod limits;
mod outages;
mod pods;
