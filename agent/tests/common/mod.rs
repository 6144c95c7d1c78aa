//! What the tests against the real kernel share.

#![allow(
    dead_code,
    clippy::panic,
    reason = "each test binary uses its own part, and a helper fails its test"
)]

pub(crate) mod clients;
pub(crate) mod hostile;

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::ledger::{Column, Ledger};
use evenkeel_lab::netns::Namespace;

/// The agent's binary.
pub(crate) const EVENKEEL: &str = env!("CARGO_BIN_EXE_evenkeel");

/// What the agent counts of each backend, but for bytes.
pub(crate) const CONNECTIONS: [Column; 4] =
    [Column::Opened, Column::Failed, Column::Closed, Column::Open];

/// The turn of one test; it ends when this is dropped.
pub(crate) struct Turn {
    _here: MutexGuard<'static, ()>,
    _host: File,
}

/// One agent counts on a host: tests take turns, those of other test processes included.
pub(crate) fn alone() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    let here = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let host = File::create(std::env::temp_dir().join("evenkeel-tests.lock")).unwrap();
    host.lock().unwrap();
    Turn {
        _here: here,
        _host: host,
    }
}

/// An agent in the namespace of the tests, with the given configuration.
pub(crate) fn agent(config: &str) -> Agent {
    Agent::start(Path::new(EVENKEEL), &Namespace::current(), config).unwrap()
}

/// The `pools` entry of one pool.
pub(crate) fn pool(
    name: &str,
    role: &str,
    backends: impl IntoIterator<Item = SocketAddr>,
) -> String {
    let mut yaml = format!("  - name: {name}\n    role: {role}\n    backends:\n");
    for address in backends {
        writeln!(yaml, "      - address: '{address}'").unwrap();
    }
    yaml
}

/// A configuration with fast ticks and walks.
pub(crate) fn config(pools: &[String]) -> String {
    format!(
        "interval: 200ms\nlive_interval: 1s\npools:\n{}",
        pools.concat()
    )
}

/// Waits until the agent's counts of a pool are those of the truth.
pub(crate) fn wait_equal(agent: &Agent, name: &str, truth: &Ledger, columns: &[Column]) {
    agent
        .wait_pool(name, |pool| truth.compare(&pool.ledger(), columns))
        .unwrap_or_else(|error| panic!("{name}: truth / agent: {error:#}"));
}

/// The sum of connections that the ledger says to be open.
pub(crate) fn open(truth: &Ledger) -> u64 {
    truth.total().open()
}
