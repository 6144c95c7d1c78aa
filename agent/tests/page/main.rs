//! The page in a real Chromium: what a person at a screen, at a keyboard or with a screen reader gets.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too, and the made-up states are shared with other tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod driver;
#[path = "../publish/findings.rs"]
mod findings;
#[path = "../publish/fixtures.rs"]
mod fixtures;
mod hands;
mod hostile;
#[path = "../publish/http.rs"]
mod http;
mod many;
mod outage;
mod pictures;
mod secured;
mod stale;
mod world;
