//! Agents to be measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use serde_json::Value;

use crate::shell::{cargo, run, target};

/// How long to wait for another agent on the host to end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Builds the agent as it is released.
pub(super) fn build() -> Result<PathBuf> {
    run(cargo().args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "evenkeel",
    ]))?;
    Ok(target().join("release/evenkeel"))
}

/// Starts an agent that has proven that it counts. Only one can run on a host: waits for another to end.
pub(super) fn start(binary: &Path, config: &str) -> Result<Agent> {
    let began = Instant::now();
    loop {
        match Agent::start(binary, &Namespace::current(), config) {
            Err(error) if refused(&error) && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(500));
            }
            other => return other,
        }
    }
}

fn refused(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("another evenkeel agent")
}

/// What `/api/v1/status` tells at `pointer` (RFC 6901), in seconds.
pub(super) fn status_seconds(agent: &Agent, pointer: &str) -> Result<f64> {
    let body = agent.get("/api/v1/status")?.body;
    let status: Value = serde_json::from_str(&body).context("the status is no JSON")?;
    let value = status.pointer(pointer).and_then(Value::as_f64);
    value.with_context(|| format!("no {pointer} in the status: {body}"))
}
