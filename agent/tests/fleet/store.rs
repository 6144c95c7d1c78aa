//! A Prometheus that scrapes several agents.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use evenkeel_lab::http;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_until;
use tempfile::TempDir;

const ADDRESS: &str = "127.0.0.1:9090";

/// It ends when this is dropped.
pub(crate) struct Prometheus {
    process: Option<Process>,
    directory: TempDir,
}

impl Prometheus {
    /// Starts one in this namespace that scrapes the targets every second, and waits until it answers.
    pub(crate) fn start(targets: &[SocketAddr]) -> Self {
        let directory = TempDir::with_prefix("evenkeel-fleet-").unwrap();
        let targets: Vec<String> = targets.iter().map(|one| format!("'{one}'")).collect();
        let yaml = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - job_name: evenkeel\n    \
             static_configs: [{{targets: [{}], labels: {{cluster: lab}}}}]\n",
            targets.join(", ")
        );
        std::fs::write(directory.path().join("prometheus.yml"), yaml).unwrap();
        let mut prometheus = Self {
            process: None,
            directory,
        };
        prometheus.resume();
        prometheus
    }

    pub(crate) fn url() -> String {
        format!("http://{ADDRESS}")
    }

    /// Ends it; what it has scraped stays on disk.
    pub(crate) fn stop(&mut self) {
        self.process.take().unwrap().stop().unwrap();
    }

    /// Starts it again.
    pub(crate) fn resume(&mut self) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let mut command = Command::new(require("prometheus").unwrap());
        command.args([
            format!("--config.file={}", path("prometheus.yml")),
            format!("--storage.tsdb.path={}", path("data")),
            format!("--web.listen-address={ADDRESS}"),
        ]);
        let process = Process::spawn(&Namespace::current(), "Prometheus", &mut command).unwrap();
        let address = ADDRESS.parse().unwrap();
        wait_until(Duration::from_secs(20), "Prometheus", || {
            let answer = http::get(&Namespace::current(), address, "/-/ready");
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .unwrap();
        self.process = Some(process);
    }
}
