//! What is deployed to Kubernetes: rendered by real kubectl and Helm, valid by the schemas of Kubernetes' versions, the same by either way, and
//! no more than the agent needs.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod chart;
mod kustomize;
mod objects;
mod rules;
mod same;
mod secure;
mod valid;

use std::path::PathBuf;

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// The text of a file of the repository.
fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
