//! A real Prometheus and its HTTP API.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::http;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;
use tempfile::TempDir;

use crate::host::at;

/// How long a scrape and what follows from it may take to be seen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A Prometheus that scrapes the agent every second.
pub(crate) struct Prometheus {
    process: Process,
    address: SocketAddr,
    _directory: TempDir,
}

/// The labels of a series, its name among them as `__name__`.
pub(crate) type Labels = BTreeMap<String, String>;

impl Prometheus {
    /// Starts it and waits until it has scraped the agent.
    pub(crate) fn start(host: &Namespace, agent: &Agent) -> Self {
        Self::start_with(host, agent, "")
    }

    /// As [`Prometheus::start`]; a file of rules is evaluated every second.
    #[allow(dead_code, reason = "the metrics themselves are tested without rules")]
    pub(crate) fn start_with_rules(host: &Namespace, agent: &Agent, rules: &Path) -> Self {
        let rules = rules.canonicalize().unwrap();
        Self::start_with(
            host,
            agent,
            &format!("rule_files: ['{}']\n", rules.display()),
        )
    }

    fn start_with(host: &Namespace, agent: &Agent, rules: &str) -> Self {
        let directory = TempDir::with_prefix("evenkeel-prometheus-").unwrap();
        let file = directory.path().join("prometheus.yml");
        let yaml = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n{rules}\
             scrape_configs:\n  - job_name: evenkeel\n    static_configs: [{{targets: ['{}']}}]\n",
            agent.address()
        );
        std::fs::write(&file, yaml).unwrap();
        let address = at("127.0.0.1:9090");
        let mut command = Command::new(require("prometheus").unwrap());
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!(
            "--storage.tsdb.path={}",
            directory.path().join("data").display()
        ));
        command.arg(format!("--web.listen-address={address}"));
        let process = Process::spawn(host, "Prometheus", &mut command).unwrap();
        let mut prometheus = Self {
            process,
            address,
            _directory: directory,
        };
        prometheus.await_scrape();
        prometheus
    }

    fn await_scrape(&mut self) {
        let scraped = wait_for(DEADLINE, "the first scrape", || {
            self.process.check()?;
            // Nobody listens in the beginning.
            let up = self.query("up").unwrap_or_default();
            Ok((up.len() == 1 && up[0].1 == 1.0).then_some(()))
        });
        scraped.unwrap_or_else(|error| panic!("{error:#}\n{}", self.process.tail()));
    }

    /// Where it serves.
    #[allow(dead_code, reason = "most tests ask through this type")]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `data` of an answer of its HTTP API.
    pub(crate) fn api(&self, path: &str) -> Result<Value> {
        let response = http::get(&Namespace::current(), self.address, path)?;
        ensure!(
            response.status == 200,
            "{path}: {} {}",
            response.status,
            response.body
        );
        let mut answer: Value = serde_json::from_str(&response.body)?;
        ensure!(
            answer["status"] == "success" && answer.get("warnings").is_none(),
            "{path}: {answer}"
        );
        Ok(answer["data"].take())
    }

    /// The result of an instant query: labels and value of each series.
    pub(crate) fn query(&self, query: &str) -> Result<Vec<(Labels, f64)>> {
        self.query_with(query, "")
    }

    /// The result of an instant query at a time in seconds since the Unix epoch.
    pub(crate) fn query_at(&self, query: &str, time: f64) -> Result<Vec<(Labels, f64)>> {
        self.query_with(query, &format!("&time={time:.3}"))
    }

    fn query_with(&self, query: &str, more: &str) -> Result<Vec<(Labels, f64)>> {
        let data = self.api(&format!("/api/v1/query?query={}{more}", encoded(query)))?;
        let series = data["result"]
            .as_array()
            .context("a query without result")?;
        let series = series.iter().map(|series| {
            let value = series["value"][1]
                .as_str()
                .and_then(|text| text.parse().ok());
            Ok((
                serde_json::from_value(series["metric"].clone())?,
                value.context("no number")?,
            ))
        });
        series.collect()
    }

    /// The result of an instant query, by backend.
    pub(crate) fn by_backend(&self, query: &str) -> Result<BTreeMap<SocketAddr, f64>> {
        let series = self.query(query)?.into_iter();
        series
            .map(|(labels, value)| Ok((labels["backend"].parse()?, value)))
            .collect()
    }

    /// Waits until a query gives these values by backend.
    pub(crate) fn wait_by_backend(&self, query: &str, expected: &BTreeMap<SocketAddr, f64>) {
        let mut last = None;
        let found = wait_for(DEADLINE, query, || {
            let now = self.by_backend(query)?;
            let done = now == *expected;
            last = Some(now);
            Ok(done.then_some(()))
        });
        found.unwrap_or_else(|error| panic!("{error:#}: {last:?}, not {expected:?}"));
    }

    /// Asserts that every scrape was right: the target healthy all the time, no sample refused, no word of warning.
    pub(crate) fn assert_content(&self) {
        let data = self.api("/api/v1/targets").unwrap();
        let targets = data["activeTargets"].as_array().unwrap();
        assert_eq!(targets.len(), 1, "{data:#}");
        assert_eq!(
            (&targets[0]["health"], &targets[0]["lastError"]),
            (&"up".into(), &"".into()),
            "{data:#}"
        );
        let always_up = self.query("min_over_time(up[1h])").unwrap();
        assert_eq!(always_up[0].1, 1.0);
        let kept = "scrape_samples_scraped - scrape_samples_post_metric_relabeling";
        assert_eq!(self.query(kept).unwrap()[0].1, 0.0);

        let own = http::get(&Namespace::current(), self.address, "/metrics")
            .unwrap()
            .body;
        for why in [
            "sample_duplicate_timestamp",
            "sample_out_of_order",
            "sample_out_of_bounds",
            "exceeded_sample_limit",
        ] {
            let refused = format!("\nprometheus_target_scrapes_{why}_total 0\n");
            assert!(own.contains(&refused), "{why}: {own}");
        }
        let log = format!("{}{}", self.process.stdout(), self.process.stderr()).to_lowercase();
        assert!(log.contains("level=info"), "{log}");
        let grave = |line: &&str| line.contains("level=warn") || line.contains("level=error");
        assert_eq!(log.lines().find(grave), None);
    }
}

/// Percent-encodes a query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
        encoded
    })
}
