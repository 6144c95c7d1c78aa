//! The agent under test, as a user runs it: a process with a configuration file, asked over HTTP.

mod answers;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::http::{self, Response};
use crate::netns::Namespace;
use crate::process::Process;
use crate::wait::wait_for;
use answers::{IncidentsAnswer, PoolAnswer};

pub use answers::{Backend, Bytes, Cause, Connections, Deviation, Incident, Pool};

/// How long the agent may take to start, and to show what happened.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running agent. It ends when this value is dropped.
pub struct Agent {
    process: Process,
    /// How it is started again.
    command: Command,
    address: SocketAddr,
    /// The address in its configuration, with a port of 0 at first: what is reloaded must not move the listener.
    listen: SocketAddr,
    directory: TempDir,
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
    pub fn launch_by(command: Command, namespace: &Namespace, config: &str) -> Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::launch_at(any, command, namespace, config)
    }

    /// As [`Agent::launch_by`], to serve at an address.
    pub fn launch_at(
        listen: SocketAddr,
        mut command: Command,
        namespace: &Namespace,
        config: &str,
    ) -> Result<Self> {
        let directory = TempDir::with_prefix("evenkeel-").context("no temporary directory")?;
        let file = directory.path().join("evenkeel.yaml");
        fs::write(&file, with_listen(listen, config))
            .context("cannot write the agent's configuration")?;
        command.arg("--config").arg(&file);
        let mut process = Process::spawn(namespace, "evenkeel", &mut command)?;
        let address = await_address(&mut process)?;
        Ok(Self {
            process,
            command,
            address,
            listen,
            directory,
        })
    }

    /// Ends it by a signal and starts it again in `namespace`, with the same configuration, at the same address; waits until
    /// it is ready.
    pub fn restart(&mut self, namespace: &Namespace, by: Signal) -> Result<()> {
        self.process.signal(by)?;
        self.process.wait(PATIENCE)?;
        self.resume(namespace)
    }

    /// Starts it again once it has ended, as [`Agent::restart`] does.
    pub fn resume(&mut self, namespace: &Namespace) -> Result<()> {
        let config = fs::read_to_string(self.config_file())?;
        let (_, config) = config.split_once('\n').unwrap_or_default();
        self.listen = self.address;
        fs::write(self.config_file(), with_listen(self.listen, config))?;
        self.process = Process::spawn(namespace, "evenkeel", &mut self.command)?;
        self.address = await_address(&mut self.process)?;
        self.wait_ready()
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

    /// What it has logged since it was started last.
    pub fn log(&self) -> String {
        self.process.stderr()
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
        fs::write(self.config_file(), with_listen(self.listen, config))?;
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
        let answer: PoolAnswer = serde_json::from_str(&response.body)
            .with_context(|| format!("not a pool: {}", response.body))?;
        Ok(answer.pool)
    }

    /// All incidents that it knows of, the newest first.
    pub fn incidents(&self) -> Result<Vec<Incident>> {
        let response = self.get("/api/v1/incidents")?;
        let answer: IncidentsAnswer = serde_json::from_str(&response.body)
            .with_context(|| format!("no incidents: {} {}", response.status, response.body))?;
        Ok(answer.incidents)
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

fn with_listen(address: SocketAddr, config: &str) -> String {
    format!("web: {{listen: \"{address}\"}}\n{config}")
}

fn await_address(process: &mut Process) -> Result<SocketAddr> {
    wait_for(PATIENCE, "the agent's address in its log", || {
        process.check()?;
        Ok(page_address(&process.stderr()))
    })
}

fn page_address(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("http://")?;
    rest.split('/').next()?.parse().ok()
}
