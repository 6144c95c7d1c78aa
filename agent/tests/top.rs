//! `evenkeel top` on a real terminal, which tmux is: with a real agent before real traffic, and counting by itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]

#[path = "common/answer.rs"]
mod answer;
#[path = "top/bed.rs"]
mod bed;
mod common;
#[path = "top/live.rs"]
mod live;
#[path = "top/once.rs"]
mod once;
#[path = "top/own.rs"]
mod own;
#[path = "top/tmux.rs"]
mod tmux;
#[path = "top/usage.rs"]
mod usage;
