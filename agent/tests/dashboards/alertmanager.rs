//! A real Alertmanager, and what it makes of alerts that come in two ways.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use evenkeel_lab::http;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::{Process, run};
use evenkeel_lab::wait::wait_until;
use serde_json::Value;
use tempfile::TempDir;

use crate::host::{at, on_own_host};
use crate::{assert_accepts, text};

/// Where it listens, in the namespace of its test.
pub(crate) const ADDRESS: &str = "127.0.0.1:9093";

/// How long it may take to start, and to take an alert.
const DEADLINE: Duration = Duration::from_secs(20);

/// An Alertmanager with the inhibition rules, that tells nobody.
pub(crate) struct Alertmanager {
    _process: Process,
    address: SocketAddr,
    _directory: TempDir,
}

/// A configuration with the inhibition rules as users have it.
fn configuration() -> String {
    let rules = text("dashboards/alertmanager/inhibit.yaml");
    rules + "route: {receiver: nobody, group_by: [pool]}\nreceivers: [{name: nobody}]\n"
}

impl Alertmanager {
    /// Starts it and waits until it takes alerts.
    pub(crate) fn start(host: &Namespace) -> Self {
        let directory = TempDir::with_prefix("evenkeel-alertmanager-").unwrap();
        let file = directory.path().join("alertmanager.yml");
        std::fs::write(&file, configuration()).unwrap();
        let mut command = Command::new(require("prometheus-alertmanager").unwrap());
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.path={}", directory.path().display()));
        command.arg(format!("--web.listen-address={ADDRESS}"));
        command.arg("--cluster.listen-address=");
        let alertmanager = Self {
            _process: Process::spawn(host, "Alertmanager", &mut command).unwrap(),
            address: at(ADDRESS),
            _directory: directory,
        };
        let ready = || alertmanager.get("/-/ready").is_some();
        wait_until(DEADLINE, "Alertmanager", ready).unwrap();
        alertmanager
    }

    fn get(&self, path: &str) -> Option<String> {
        let response = http::get(&Namespace::current(), self.address, path).ok()?;
        (response.status == 200).then_some(response.body)
    }

    /// The alerts that it has.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        serde_json::from_str(&self.get("/api/v2/alerts").unwrap()).unwrap()
    }

    /// Sends an alert with these labels.
    fn add(&self, labels: &[&str]) {
        let mut amtool = Command::new(require("amtool").unwrap());
        amtool.args(["alert", "add"]).args(labels);
        amtool.arg(format!("--alertmanager.url=http://{}", self.address));
        run(&mut amtool).unwrap();
    }

    /// The `label` of the alerts of which it would tell somebody.
    fn told(&self, label: &str) -> Vec<String> {
        let alerts = self.alerts();
        let active = alerts
            .iter()
            .filter(|alert| alert["status"]["state"] == "active");
        let mut told: Vec<String> = active
            .map(|alert| {
                alert["labels"][label]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        told.sort();
        told
    }

    /// Waits until it would tell of alerts with these values of `label`, and of no others.
    fn wait_told(&self, label: &str, expected: &[&str]) {
        let done = || self.told(label) == expected;
        let waited = wait_until(DEADLINE, "alerts to be told apart", done);
        waited.unwrap_or_else(|error| panic!("{error:#}: {:#?}", self.alerts()));
    }
}

#[test]
fn amtool_accepts_the_inhibition_rules() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("alertmanager.yml");
    std::fs::write(&file, configuration()).unwrap();
    assert_accepts("amtool", &["check-config", &file.display().to_string()]);
}

#[test]
fn of_one_skew_that_comes_in_both_ways_people_are_told_once() {
    on_own_host(|host| {
        let alertmanager = Alertmanager::start(host);
        let skew = ["alertname=EvenkeelPoolSkewed", "severity=warning"];
        let by_agent = ["sender=evenkeel", "instance=lb-1", "node=lb-1"];
        let by_rules = ["job=evenkeel", "instance=lb-1:9797"];
        let of = |pool, signal| [pool, signal];
        let shop = of("pool=shop", "signal=opened");
        alertmanager.add(&[&skew[..], &shop, &by_agent].concat());
        alertmanager.add(&[&skew[..], &shop, &by_rules].concat());
        alertmanager.wait_told("instance", &["lb-1"]);

        // Another pool is another matter, and so is another signal.
        let search = of("pool=search", "signal=opened");
        alertmanager.add(&[&skew[..], &search, &by_rules].concat());
        let bytes = of("pool=shop", "signal=bytes");
        alertmanager.add(&[&skew[..], &bytes, &by_rules].concat());
        alertmanager.wait_told("instance", &["lb-1", "lb-1:9797", "lb-1:9797"]);
        assert_eq!(alertmanager.alerts().len(), 4);
    });
}

#[test]
fn of_a_backend_that_refuses_people_are_told_why_it_gets_nothing() {
    on_own_host(|host| {
        let alertmanager = Alertmanager::start(host);
        for backend in ["backend=192.0.2.1:80", "backend=192.0.2.2:80"] {
            let starved = ["alertname=EvenkeelBackendStarved", "signal=opened"];
            let place = ["pool=shop", "instance=lb-1:9797", backend];
            alertmanager.add(&[&starved[..], &place].concat());
        }
        let failing = ["alertname=EvenkeelBackendFailingConnects", "signal=failed"];
        let place = ["pool=shop", "instance=lb-1:9797", "backend=192.0.2.1:80"];
        alertmanager.add(&[&failing[..], &place].concat());
        alertmanager.wait_told(
            "alertname",
            &["EvenkeelBackendFailingConnects", "EvenkeelBackendStarved"],
        );
        alertmanager.wait_told("backend", &["192.0.2.1:80", "192.0.2.2:80"]);
    });
}
