//! The documents, the manual pages and the completions: what they say is so, and what they show can be done.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod blocks;
mod commands;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/generated.rs"]
mod generated;
mod links;
mod measures;
mod pages;
mod shells;
mod summary;
mod tutorial;
mod words;

use std::path::{Path, PathBuf};

/// The agent's binary.
const EVENKEEL: &str = env!("CARGO_BIN_EXE_evenkeel");

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
