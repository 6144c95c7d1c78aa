//! The service in the machine, as an administrator asks after it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use evenkeel_lab::wait::wait_for;
use serde_json::Value;

use super::machine::Machine;

const API: &str = "http://127.0.0.1:9797";

/// How long the service may take for whatever it does.
const PATIENCE: Duration = Duration::from_secs(40);

/// A property of the unit.
pub(super) fn property(machine: &Machine, name: &str) -> Result<String> {
    let option = format!("--property={name}");
    machine.run(&["systemctl", "show", "evenkeel", "--value", &option])
}

/// The process of the service that is running.
pub(super) fn pid(machine: &Machine) -> Result<u32> {
    let pid = property(machine, "MainPID")?;
    pid.parse().with_context(|| pid.clone())
}

/// What the agent answers; nothing if it does not.
pub(super) fn get(machine: &Machine, path: &str) -> Result<Option<String>> {
    let words = [
        "curl",
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        "5",
    ];
    let url = format!("{API}{path}");
    let (success, text) = machine.attempt(&[&words[..], &[&url]].concat())?;
    Ok(success.then_some(text))
}

/// The same, as JSON.
pub(super) fn json(machine: &Machine, path: &str) -> Result<Option<Value>> {
    let answer = get(machine, path)?;
    answer
        .map(|text| serde_json::from_str(&text).with_context(|| text))
        .transpose()
}

/// Waits until the agent has proven that it counts.
pub(super) fn wait_ready(machine: &Machine) -> Result<()> {
    wait(machine, "the agent to be ready", || {
        get(machine, "/-/ready").map(|answer| answer.map(drop))
    })
}

/// Waits with the state of the service in the error.
pub(super) fn wait<T>(
    machine: &Machine,
    what: &str,
    look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    wait_for(PATIENCE, what, look).with_context(|| {
        let words = ["systemctl", "status", "--no-pager", "--full", "evenkeel"];
        machine
            .attempt(&words)
            .map_or_else(|error| error.to_string(), |(_, status)| status)
    })
}

/// Connections opened to each backend of a pool, in its order; nothing if there is no such pool.
pub(super) fn opened(machine: &Machine, pool: &str) -> Result<Option<Vec<u64>>> {
    let answer = json(machine, &format!("/api/v1/pools/{pool}"))?;
    let backends = answer.map(|answer| answer["pool"]["backends"].clone());
    let Some(Value::Array(backends)) = backends else {
        return Ok(None);
    };
    let opened = |backend: &Value| backend["connections"]["opened"].as_u64();
    backends
        .iter()
        .map(|backend| opened(backend).context("a backend has counts"))
        .collect::<Result<_>>()
        .map(Some)
}

/// Writes the configuration.
pub(super) fn configure(machine: &Machine, text: &str) -> Result<()> {
    fs::write(machine.path(CONFIGURATION), text).context("cannot write the configuration")
}

/// Where the configuration is.
pub(super) const CONFIGURATION: &str = "/etc/evenkeel/evenkeel.yaml";
