//! A real Alertmanager, which takes alerts and tells nobody.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::http;
use crate::netns::Namespace;
use crate::parts::require;
use crate::process::Process;
use crate::wait::wait_for;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// The configuration of one that tells nobody.
const SILENT: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";

/// An Alertmanager with its own data, on the loopback interface of a namespace. It ends when this value is dropped.
pub struct Alertmanager<'a> {
    namespace: &'a Namespace,
    address: SocketAddr,
    directory: TempDir,
    /// None while it is stopped.
    process: Option<Process>,
}

/// An alert, as `/api/v2/alerts` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of Alertmanager's API")]
pub struct Alert {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: String,
    pub ends_at: String,
    pub fingerprint: String,
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
}

impl<'a> Alertmanager<'a> {
    /// Starts one that tells nobody, on a free port, and waits until it takes alerts.
    pub fn start(namespace: &'a Namespace) -> Result<Self> {
        Self::with_config(namespace, SILENT)
    }

    /// Starts one with this configuration.
    pub fn with_config(namespace: &'a Namespace, config: &str) -> Result<Self> {
        let directory =
            TempDir::with_prefix("evenkeel-alertmanager-").context("no temporary directory")?;
        std::fs::write(directory.path().join("alertmanager.yml"), config)
            .context("cannot write Alertmanager's configuration")?;
        // Free now; nobody else in the namespace is expected to take it.
        let free = namespace.enter(|| TcpListener::bind("127.0.0.1:0")?.local_addr())?;
        let mut alertmanager = Self {
            namespace,
            address: free.context("no free port")?,
            directory,
            process: None,
        };
        alertmanager.resume()?;
        Ok(alertmanager)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its root, for configurations.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it. What it knew of alerts is gone, as with every Alertmanager.
    pub fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop().map(drop),
            None => Ok(()),
        }
    }

    /// Starts it again at the same address, with what it keeps on disk.
    pub fn resume(&mut self) -> Result<()> {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let mut command = Command::new(require("prometheus-alertmanager")?);
        command.args([
            format!("--config.file={}", path("alertmanager.yml")),
            format!("--storage.path={}", path("data")),
            format!("--web.listen-address={}", self.address),
            "--cluster.listen-address=".to_owned(),
        ]);
        let mut process = Process::spawn(self.namespace, "Alertmanager", &mut command)?;
        wait_for(PATIENCE, "Alertmanager to be ready", || {
            process.check()?;
            let ready = http::get(self.namespace, self.address, "/-/ready");
            Ok(ready.is_ok_and(|answer| answer.status == 200).then_some(()))
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// The alerts that it takes to be on.
    pub fn alerts(&self) -> Result<Vec<Alert>> {
        let body = self.get("/api/v2/alerts")?;
        serde_json::from_str(&body).with_context(|| format!("not a list of alerts: {body}"))
    }

    /// How many alerts with this status (`firing` or `resolved`) it was sent since it was started, repetitions included.
    pub fn received(&self, status: &str) -> Result<u64> {
        let label = format!("status=\"{status}\"");
        let body = self.get("/metrics")?;
        let lines = body.lines().filter(|line| {
            line.starts_with("alertmanager_alerts_received_total{") && line.contains(&label)
        });
        lines
            .map(|line| {
                let value = line.rsplit(' ').next().unwrap_or_default();
                value
                    .parse::<u64>()
                    .with_context(|| format!("no count: {line}"))
            })
            .sum()
    }

    /// Any page of it.
    pub fn get(&self, path: &str) -> Result<String> {
        let answer = http::get(self.namespace, self.address, path)?;
        ensure!(
            answer.status == 200,
            "Alertmanager answers {} to {path}: {}",
            answer.status,
            answer.body
        );
        Ok(answer.body)
    }
}
