//! What the checks of every agent have in common.

use anyhow::{Context as _, Result, ensure};

use super::loaded;
use crate::agent::Agent;
use crate::ledger::Tally;

/// Ends an agent as a user does; nothing may stay behind.
pub(super) fn leaves(agent: &mut Agent) -> Result<()> {
    let status = agent.process().stop()?;
    ensure!(
        status.success(),
        "the agent ended with {status}:\n{}",
        agent.process().tail()
    );
    loaded::none()
}

/// The agent's answer to how it is.
pub(super) fn status(agent: &Agent) -> Result<serde_json::Value> {
    let body = agent.get("/api/v1/status")?.body;
    serde_json::from_str(&body).with_context(|| format!("the status is not JSON: {body}"))
}

/// What was counted, for the console.
pub(super) fn in_words(total: &Tally, missing: u64) -> String {
    format!(
        "{} opened, {} failed, {} bytes, {missing} missing that may be",
        total.opened,
        total.failed.total(),
        total.to_backend + total.from_backend
    )
}
