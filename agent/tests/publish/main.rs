//! What the agent publishes over HTTP, as its readers see it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access;
mod api;
mod documented;
mod exposition;
mod findings;
mod fixtures;
#[path = "../common/generated.rs"]
mod generated;
mod hostile;
mod http;
mod limits;
mod openmetrics;
mod page;
mod reference;
mod requests;
mod scale;
mod server;
mod stream;
