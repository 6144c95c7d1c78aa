//! A real Prometheus that scrapes agents.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::http;
use crate::netns::Namespace;
use crate::parts::require;
use crate::process::Process;
use crate::wait::wait_for;

const ADDRESS: &str = "127.0.0.1:9090";
const PATIENCE: Duration = Duration::from_secs(20);

/// It ends when this is dropped.
pub struct Prometheus {
    process: Option<Process>,
    directory: TempDir,
}

impl Prometheus {
    /// Starts one in the namespace that this thread is in, which scrapes the targets every second and gives them the label
    /// `cluster="lab"`; waits until it answers.
    pub fn start(targets: &[SocketAddr]) -> Result<Self> {
        let directory = TempDir::with_prefix("evenkeel-fleet-")?;
        let targets: Vec<String> = targets.iter().map(|one| format!("'{one}'")).collect();
        let yaml = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - job_name: evenkeel\n    \
             static_configs: [{{targets: [{}], labels: {{cluster: lab}}}}]\n",
            targets.join(", ")
        );
        std::fs::write(directory.path().join("prometheus.yml"), yaml)?;
        let mut prometheus = Self {
            process: None,
            directory,
        };
        prometheus.resume()?;
        Ok(prometheus)
    }

    /// Where it answers, in its own namespace.
    pub fn url() -> String {
        format!("http://{ADDRESS}")
    }

    /// Ends it; what it has scraped stays on disk.
    pub fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop().map(drop),
            None => Ok(()),
        }
    }

    /// Starts it again.
    pub fn resume(&mut self) -> Result<()> {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let mut command = Command::new(require("prometheus")?);
        command.args([
            format!("--config.file={}", path("prometheus.yml")),
            format!("--storage.tsdb.path={}", path("data")),
            format!("--web.listen-address={ADDRESS}"),
        ]);
        let here = Namespace::current();
        let mut process = Process::spawn(&here, "Prometheus", &mut command)?;
        let address = ADDRESS.parse().context("an address")?;
        wait_for(PATIENCE, "Prometheus", || {
            process.check()?;
            let answer = http::get(&here, address, "/-/ready");
            Ok(answer.ok().filter(|answer| answer.status == 200))
        })?;
        self.process = Some(process);
        Ok(())
    }
}
