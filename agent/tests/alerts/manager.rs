//! A real Alertmanager, which notifies a receiver of the test.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use evenkeel_lab::http;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::{wait_for, wait_until};
use crate::server::{Answer, Request, Server};

/// An Alertmanager that can be stopped and started again, and whoever it notifies.
pub(crate) struct Manager {
    address: SocketAddr,
    directory: TempDir,
    process: Option<Process>,
    notified: Server,
}

impl Manager {
    /// One that is not started yet.
    pub(crate) async fn new() -> Self {
        let directory = TempDir::with_prefix("evenkeel-alertmanager-").unwrap();
        let notified = Server::start(Answer::fine()).await;
        let yaml = format!(
            "route: {{receiver: test, group_by: [alertname, pool], group_wait: 200ms, group_interval: 500ms, repeat_interval: 1h}}\n\
             receivers: [{{name: test, webhook_configs: [{{url: '{}', send_resolved: true}}]}}]\n",
            notified.url()
        );
        std::fs::write(directory.path().join("alertmanager.yml"), yaml).unwrap();
        // Free now; nobody else on this host is expected to take it.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Self {
            address,
            directory,
            process: None,
            notified,
        }
    }

    pub(crate) async fn started() -> Self {
        let mut manager = Self::new().await;
        manager.start().await;
        manager
    }

    pub(crate) async fn start(&mut self) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let mut command = Command::new(require("prometheus-alertmanager").unwrap());
        command.args([
            format!("--config.file={}", path("alertmanager.yml")),
            format!("--storage.path={}", path("data")),
            format!("--web.listen-address={}", self.address),
            "--cluster.listen-address=".to_owned(),
        ]);
        let mut process =
            Process::spawn(&Namespace::current(), "Alertmanager", &mut command).unwrap();
        wait_until("Alertmanager to be ready", || {
            process.check().unwrap();
            http::get(&Namespace::current(), self.address, "/-/ready")
                .is_ok_and(|answer| answer.status == 200)
        })
        .await;
        self.process = Some(process);
    }

    /// Stops it; what it has notified of is kept on disk.
    pub(crate) async fn stop(&mut self) {
        // It notes what it has notified of after the receiver answered. Once it looks into its notes again, that is done.
        let looks = self.looks();
        wait_until("its notes to be looked into", || self.looks() > looks).await;
        self.process.take().unwrap().stop().unwrap();
    }

    /// How often it has looked into its notes of notifications.
    fn looks(&self) -> u64 {
        let answer = http::get(&Namespace::current(), self.address, "/metrics").unwrap();
        let mut lines = answer.body.lines();
        let looks = lines.find_map(|line| line.strip_prefix("alertmanager_nflog_queries_total "));
        looks.unwrap().parse().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The alerts that it knows to be on.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let answer = http::get(&Namespace::current(), self.address, "/api/v2/alerts").unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Waits until it knows of exactly `count` alerts that are on.
    pub(crate) async fn knows(&self, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} alerts to be on"), || {
            let alerts = self.alerts();
            std::future::ready((alerts.len() == count).then_some(alerts))
        })
        .await
    }

    /// All notifications so far.
    pub(crate) fn notifications(&self) -> Vec<Request> {
        self.notified.requests()
    }

    /// How many notifications there were with this status.
    pub(crate) fn notified(&self, status: &str) -> usize {
        let requests = self.notifications().into_iter();
        requests
            .filter(|request| request.body["status"] == status)
            .count()
    }

    /// Waits for the first notification with this status.
    pub(crate) async fn notification(&self, status: &str) -> Value {
        let what = format!("a notification of status {status}");
        let request = self
            .notified
            .request(&what, |request| request.body["status"] == status);
        request.await.body
    }
}
