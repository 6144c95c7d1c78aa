//! The agent as a user runs it: built from the tree, started with a configuration file, asked over HTTP.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use evenkeel_lab::http;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde::Deserialize;
use tempfile::TempDir;

use super::finding::Incidents;
use super::reading::{Answer, Reading};
use crate::shell::cargo;
use crate::stop::Stop;

/// The pool's name.
pub(super) const POOL: &str = "checkout";

/// Where the agent serves unless another program does.
const USUAL_PORT: u16 = 9797;

/// How long the agent may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the agent may take to have counted the last connection.
const LAST_TICKS: Duration = Duration::from_secs(10);

/// Builds the agent and tells where it is. It is the development build, which takes a fraction of the time that the
/// release build takes and has much of what it needs from the build of this program.
pub(crate) fn build() -> Result<PathBuf> {
    let mut build = cargo();
    build.args([
        "build",
        "--locked",
        "--package",
        "evenkeel",
        "--bin",
        "evenkeel",
    ]);
    build
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit());
    let output = build.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the agent does not build ({})", output.status);
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(executable)
        .context("cargo does not tell what it built")
}

/// The program that a line of cargo's messages tells of.
fn executable(line: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    serde_json::from_str::<Message>(line).ok()?.executable
}

/// A running agent. It ends, and its program leaves the kernel, when this value is dropped.
pub(super) struct Agent {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Agent {
    /// Starts the agent and waits until it has proven that it counts.
    pub(super) fn start(
        binary: &Path,
        backends: &[SocketAddr],
        window: Duration,
        stop: &Stop,
    ) -> Result<Self> {
        let folder = TempDir::with_prefix("evenkeel-demo-").context("no temporary directory")?;
        let file = folder.path().join("evenkeel.yaml");
        fs::write(&file, config(free_port(), backends, window)?)
            .context("cannot write the agent's configuration")?;
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&file);
        let mut process = Process::spawn(&Namespace::current(), "evenkeel", &mut command)?;
        let address = wait_for(PATIENCE, "the agent to serve its page", || {
            stop.check()?;
            check(&mut process)?;
            Ok(address(&process.stderr()))
        })?;
        let mut agent = Self {
            process,
            address,
            _folder: folder,
        };
        wait_for(PATIENCE, "the agent to be ready", || {
            stop.check()?;
            Ok((agent.get("/-/ready")?.status == 200).then_some(()))
        })?;
        Ok(agent)
    }

    /// The address of the page for people.
    pub(super) fn page(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The pool as it is at the moment `now` of the demo.
    pub(super) fn read(&mut self, now: Duration) -> Result<Reading> {
        let response = self.get(&format!("/api/v1/pools/{POOL}"))?;
        let answer: Answer = serde_json::from_str(&response.body).with_context(|| {
            format!(
                "the agent tells no pool ({}): {}",
                response.status, response.body
            )
        })?;
        let response = self.get(&format!("/api/v1/incidents?pool={POOL}&open=true"))?;
        let incidents: Incidents = serde_json::from_str(&response.body).with_context(|| {
            format!(
                "the agent tells no incidents ({}): {}",
                response.status, response.body
            )
        })?;
        Reading::new(now, answer, incidents)
    }

    /// Waits until the agent has counted as many connections as were made; tells how many it has.
    pub(super) fn await_count(&mut self, made: u64) -> Result<u64> {
        wait_for(
            LAST_TICKS,
            &format!("the agent to count all {made} connections"),
            || {
                let counted = self.read(Duration::ZERO)?.opened();
                Ok((counted >= made).then_some(counted))
            },
        )
    }

    fn get(&mut self, path: &str) -> Result<http::Response> {
        check(&mut self.process)?;
        http::get(&Namespace::current(), self.address, path)
    }
}

/// An error with the agent's own words if it runs no more: why it refused is for the user to read.
fn check(process: &mut Process) -> Result<()> {
    if process.running() {
        return Ok(());
    }
    let status = process.kill()?;
    let log = process.stderr();
    let words = log
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("without a word");
    bail!(
        "the agent ended ({status}): {}",
        words.trim_start_matches("evenkeel: ")
    )
}

fn config(port: u16, backends: &[SocketAddr], window: Duration) -> Result<String> {
    let mut text = format!(
        "web:\n  listen: 127.0.0.1:{port}\ninterval: 500ms\nwindow: {}s\n",
        window.as_secs()
    );
    write!(
        text,
        "pools:\n  - name: {POOL}\n    role: upstream\n    backends:\n"
    )?;
    for backend in backends {
        writeln!(text, "      - address: {backend}")?;
    }
    Ok(text)
}

/// The usual port, or 0 for any if that is taken.
fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, USUAL_PORT)).is_ok();
    if free { USUAL_PORT } else { 0 }
}

/// Where the agent says in its log that it serves.
fn address(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("http://")?;
    rest.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_lists_every_backend() {
        let backends =
            ["127.0.0.11:8080", "127.0.0.12:8080"].map(|address| address.parse().unwrap());
        let text = config(9797, &backends, Duration::from_secs(10)).unwrap();
        assert_eq!(
            text,
            "web:\n  listen: 127.0.0.1:9797\ninterval: 500ms\nwindow: 10s\npools:\n  - name: checkout\n    role: \
             upstream\n    backends:\n      - address: 127.0.0.11:8080\n      - address: 127.0.0.12:8080\n"
        );
    }

    #[test]
    fn the_built_program_is_found_among_cargos_messages() {
        let library = r#"{"reason":"compiler-artifact","executable":null}"#;
        let program = r#"{"reason":"compiler-artifact","executable":"/target/debug/evenkeel"}"#;
        let found = [library, "not a message", program]
            .into_iter()
            .find_map(executable);
        assert_eq!(found, Some(PathBuf::from("/target/debug/evenkeel")));
    }
}
