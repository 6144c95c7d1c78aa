//! The sender of alerts against real Alertmanagers, and against receivers that misbehave.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "alerts/documented.rs"]
mod documented;
#[path = "alerts/failures.rs"]
mod failures;
#[path = "alerts/fixtures.rs"]
mod fixtures;
#[path = "alerts/limits.rs"]
mod limits;
#[path = "alerts/manager.rs"]
mod manager;
#[path = "alerts/pages.rs"]
mod pages;
#[path = "alerts/real.rs"]
mod real;
#[path = "alerts/reload.rs"]
mod reload;
#[path = "alerts/secrets.rs"]
mod secrets;
#[path = "alerts/server.rs"]
mod server;
#[path = "alerts/webhooks.rs"]
mod webhooks;
