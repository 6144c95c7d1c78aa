//! `evenkeel top` on a real terminal, which tmux is: with a real agent before real traffic, counting by itself, and before made-up states.

#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too, and the made-up states are shared with other tests"
)]

#[path = "../common/answer.rs"]
mod answer;
mod bed;
#[path = "../common/mod.rs"]
mod common;
#[path = "../publish/findings.rs"]
mod findings;
#[path = "../publish/fixtures.rs"]
mod fixtures;
#[path = "../publish/http.rs"]
mod http;
mod live;
mod once;
mod own;
mod terminal;
mod tmux;
mod usage;
