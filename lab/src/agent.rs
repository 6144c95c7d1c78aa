//! The agent under test, as a user runs it: a process with a configuration file, asked over HTTP.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use crate::http::{self, Response};
use crate::ledger::{Ledger, Tally};
use crate::netns::Namespace;
use crate::process::Process;
use crate::wait::wait_for;

/// How long the agent may take to start, and to show what happened.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running agent. It ends when this value is dropped.
pub struct Agent {
    process: Process,
    address: SocketAddr,
    directory: TempDir,
}

/// What `/api/v1/pools/{name}` answers.
#[derive(Deserialize)]
struct Answer {
    pool: Pool,
}

/// A pool, as `/api/v1/pools/{name}` shows it: what tests look at.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Pool {
    pub name: String,
    pub role: String,
    pub source: String,
    pub backends: Vec<Backend>,
    pub measures: BTreeMap<String, Option<serde_json::Value>>,
}

/// A backend of a [`Pool`].
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Backend {
    pub address: SocketAddr,
    pub expected_share: f64,
    pub connections: Connections,
    pub bytes: Bytes,
    pub share: BTreeMap<String, Option<f64>>,
}

/// Connections of a [`Backend`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Connections {
    pub opened: u64,
    pub failed: u64,
    pub closed: u64,
    pub active: u64,
}

/// Payload bytes of a [`Backend`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Bytes {
    pub received: u64,
    pub sent: u64,
}

impl Pool {
    /// What the agent counted, in the columns of the generator's ledger. The agent knows neither why a connection failed
    /// nor how it was closed: all failures stand as refused, all closes as by the client's FIN.
    pub fn ledger(&self) -> Ledger {
        let upstream = self.role == "upstream";
        self.backends
            .iter()
            .map(|backend| {
                let (sent, received) = (backend.bytes.sent, backend.bytes.received);
                let mut tally = Tally {
                    opened: backend.connections.opened,
                    to_backend: if upstream { sent } else { received },
                    from_backend: if upstream { received } else { sent },
                    ..Tally::default()
                };
                tally.failed.refused = backend.connections.failed;
                tally.closed.client_fin = backend.connections.closed;
                (backend.address, tally)
            })
            .collect()
    }

    /// Connections open now, over all backends.
    pub fn active(&self) -> u64 {
        self.backends
            .iter()
            .map(|backend| backend.connections.active)
            .sum()
    }
}

impl Agent {
    /// Starts `binary` with `run` and a configuration, in `namespace`, and waits until it is ready. The configuration
    /// must leave `web` alone: the agent gets a free port of the loopback interface.
    pub fn start(binary: &Path, namespace: &Namespace, config: &str) -> Result<Self> {
        let mut agent = Self::launch(binary, namespace, config, &[])?;
        agent.wait_ready()?;
        Ok(agent)
    }

    /// As [`Agent::start`], without waiting for more than the address that it serves at.
    pub fn launch(
        binary: &Path,
        namespace: &Namespace,
        config: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(binary);
        command.arg("run").args(arguments);
        Self::launch_by(command, namespace, config)
    }

    /// Starts an agent by a command that ends in `run` and its arguments, but for the configuration, which is added.
    pub fn launch_by(mut command: Command, namespace: &Namespace, config: &str) -> Result<Self> {
        let directory = TempDir::with_prefix("evenkeel-").context("no temporary directory")?;
        let file = directory.path().join("evenkeel.yaml");
        fs::write(&file, with_listen(config)).context("cannot write the agent's configuration")?;
        command.arg("--config").arg(&file);
        let mut process = Process::spawn(namespace, "evenkeel", &mut command)?;
        let address = wait_for(PATIENCE, "the agent's address in its log", || {
            process.check()?;
            Ok(page_address(&process.stderr()))
        })?;
        Ok(Self {
            process,
            address,
            directory,
        })
    }

    /// Waits until the agent has proven that it counts.
    pub fn wait_ready(&mut self) -> Result<()> {
        let mut last = String::new();
        let ready = wait_for(PATIENCE, "the agent to be ready", || {
            self.process.check()?;
            let response = self.get("/-/ready")?;
            let ready = response.status == 200;
            last = response.body;
            Ok(ready.then_some(()))
        });
        ready.with_context(|| format!("{last}\n{}", self.process.tail()))
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where it serves HTTP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.directory.path().join("evenkeel.yaml")
    }

    /// Writes another configuration and sends SIGHUP; what came of it is the agent's to say.
    pub fn reconfigure(&self, config: &str) -> Result<()> {
        fs::write(self.config_file(), with_listen(config))?;
        self.process.signal(Signal::HUP)
    }

    /// Any page of the agent. The agent must serve in the namespace that the test runs in.
    pub fn get(&self, path: &str) -> Result<Response> {
        http::get(&Namespace::current(), self.address, path)
    }

    /// One pool as it is now.
    pub fn pool(&self, name: &str) -> Result<Pool> {
        let response = self.get(&format!("/api/v1/pools/{name}"))?;
        ensure!(
            response.status == 200,
            "pool {name}: {} {}",
            response.status,
            response.body
        );
        let answer: Answer = serde_json::from_str(&response.body)
            .with_context(|| format!("not a pool: {}", response.body))?;
        Ok(answer.pool)
    }

    /// Waits until `check` accepts the pool; the error is what it said last.
    pub fn wait_pool(&self, name: &str, check: impl Fn(&Pool) -> Result<()>) -> Result<Pool> {
        let mut last = None;
        let found = wait_for(PATIENCE, &format!("pool {name}"), || {
            // A pool that is not there yet may come.
            match self.pool(name).and_then(|pool| check(&pool).map(|()| pool)) {
                Ok(pool) => Ok(Some(pool)),
                Err(reason) => {
                    last = Some(reason);
                    Ok(None)
                }
            }
        });
        match (found, last) {
            (Err(_), Some(reason)) => Err(reason),
            (found, _) => found,
        }
    }

    /// The value of a series in `/metrics`, by its name with labels as exposed.
    pub fn metric(&self, series: &str) -> Result<f64> {
        let body = self.get("/metrics")?.body;
        let line = body
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        match line {
            Some(value) => value
                .trim()
                .parse()
                .with_context(|| format!("{series} is {value}")),
            None => bail!("no series {series} in /metrics"),
        }
    }
}

fn with_listen(config: &str) -> String {
    format!("web: {{listen: \"127.0.0.1:0\"}}\n{config}")
}

fn page_address(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("http://")?;
    rest.split('/').next()?.parse().ok()
}
