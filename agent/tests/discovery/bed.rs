//! What the tests of discovery share: how the agent is asked, and how long it may take.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::wait::wait_until;
use serde_json::Value;

/// How long a change may take from the source to the API.
pub(crate) const PROMISED: Duration = Duration::from_secs(5);

/// A configuration with fast ticks that has its pools from `discovery` alone.
pub(crate) fn config(discovery: &str) -> String {
    format!("interval: 200ms\nwindow: 10s\ndiscovery: {discovery}\n")
}

/// A pool as `/api/v1/pools/{name}` shows it; null if there is none.
pub(crate) fn pool(agent: &Agent, name: &str) -> Value {
    let body = agent.get(&format!("/api/v1/pools/{name}")).unwrap().body;
    let mut answer: Value = serde_json::from_str(&body).unwrap();
    answer["pool"].take()
}

/// The weights of a pool's backends.
pub(crate) fn weights(pool: &Value) -> BTreeMap<String, f64> {
    let backends = pool["backends"].as_array().map_or(&[][..], Vec::as_slice);
    let weight = |backend: &Value| {
        let address = backend["address"].as_str().unwrap().to_owned();
        (address, backend["weight"].as_f64().unwrap())
    };
    backends.iter().map(weight).collect()
}

/// The names of all pools, with their sources.
pub(crate) fn pools(agent: &Agent) -> BTreeMap<String, String> {
    let body = agent.get("/api/v1/pools").unwrap().body;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let text = |pool: &Value, key: &str| pool[key].as_str().unwrap().to_owned();
    let pools = answer["pools"].as_array().unwrap().iter();
    pools
        .map(|pool| (text(pool, "name"), text(pool, "source")))
        .collect()
}

/// The texts of a pool's changes, the latest first.
pub(crate) fn changes(pool: &Value) -> Vec<&str> {
    let changes = pool["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["text"].as_str().unwrap())
        .collect()
}

/// A source of pools as `/api/v1/status` shows it.
pub(crate) fn source(agent: &Agent, name: &str) -> Value {
    let body = agent.get("/api/v1/status").unwrap().body;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let sources = answer["discovery"]["sources"].as_array().unwrap();
    let found = sources.iter().find(|source| source["source"] == name);
    found
        .unwrap_or_else(|| panic!("no source {name}: {sources:?}"))
        .clone()
}

/// Waits until the agent shows what changed at `since`, and prints how long that took.
pub(crate) fn follows(agent: &Agent, what: &str, since: Instant, shown: impl Fn() -> bool) {
    let followed = wait_until(PROMISED, what, &shown);
    followed.unwrap_or_else(|error| panic!("{error}\n{}", agent.log()));
    eprintln!(
        "{what}: in the API after {} ms",
        since.elapsed().as_millis()
    );
}
