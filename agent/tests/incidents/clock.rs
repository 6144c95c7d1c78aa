//! The clock on the wall is set while the agent runs: nothing begins and nothing ends by that.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::ensure;
use evenkeel::model::rfc3339;
use evenkeel_lab::agent::Agent;
use evenkeel_lab::alertmanager::Alertmanager;
use evenkeel_lab::backend::Protocol;
use evenkeel_lab::balancer::{Mode, Product};
use evenkeel_lab::http::HttpTraffic;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::wait::wait_until;
use serde_json::Value;
use tempfile::TempDir;

use crate::bed::{BACKENDS, Config, POOL, RATE, Site, weigh};
use crate::common::EVENKEEL;
use crate::watch::{
    DEADLINE, DELIVERY, Expected, assert_only, assert_silent, eventually, open, settle,
};

/// A clock that can be set, of one process.
struct Clock(TempDir);

impl Clock {
    fn new() -> Self {
        let clock = Self(TempDir::with_prefix("evenkeel-clock-").unwrap());
        clock.set(0);
        clock
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("offset")
    }

    /// Sets it to so many hours before or after the true time.
    fn set(&self, hours: i32) {
        let new = self.0.path().join("new");
        std::fs::write(&new, format!("{hours:+}h\n")).unwrap();
        // At once: half a line would be another time.
        std::fs::rename(new, self.file()).unwrap();
    }

    /// `evenkeel run` by this clock.
    fn command(&self) -> Command {
        require("faketime").unwrap();
        let mut command = Command::new(EVENKEEL);
        command
            .arg("run")
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            // Setting a clock moves the one on the wall alone.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        command
    }
}

/// Debian's place for libfaketime, for programs with threads.
fn library() -> PathBuf {
    let folder = std::fs::read_dir("/usr/lib").unwrap();
    let places = folder.map(|entry| {
        let folder = entry.unwrap().path();
        folder.join("faketime/libfaketimeMT.so.1")
    });
    places.into_iter().find(|path| path.exists()).unwrap()
}

/// Sets the agent's clock, and waits until the agent has lived by it for a while, under load.
fn step(clock: &Clock, hours: i32, agent: &Agent, load: &HttpTraffic) {
    clock.set(hours);
    eventually(DELIVERY, &format!("a clock set to {hours:+} h"), || {
        let body: Value = serde_json::from_str(&agent.get("/api/v1/pools")?.body)?;
        let taken = body["taken"].as_str().unwrap_or_default();
        let hour = Duration::from_secs(3600) * hours.unsigned_abs();
        let now = SystemTime::now();
        let expected = if hours < 0 { now - hour } else { now + hour };
        let expected = rfc3339(expected).to_string();
        let minutes = "YYYY-MM-DDThh:mm".len();
        ensure!(
            taken.get(..minutes) == expected.get(..minutes),
            "{taken} instead of {expected}"
        );
        Ok(())
    });
    let answers = || load.counts().statuses.values().sum::<u64>();
    let enough = answers() + u64::from(RATE);
    wait_until(DEADLINE, "some more traffic", || answers() >= enough).unwrap();
}

#[test]
fn steps_of_an_hour_neither_fire_nor_resolve() {
    let (site, here, clock) = (Site::build(), Namespace::current(), Clock::new());
    let _farm = site.farm(Protocol::Http, Duration::ZERO);
    let even = site.setup(Mode::Http, BACKENDS);
    let mut balancer = site.balancer(Product::Nginx, even.clone());
    let alertmanager = Alertmanager::start(&here).unwrap();
    let config = Config::for_one(&alertmanager).pool(&site.addresses(), &[]);
    let mut agent = Agent::launch_by(clock.command(), &here, &config).unwrap();
    agent.wait_ready().unwrap();
    let load = site.load(RATE);
    settle(&agent);
    for hours in [1, 0, -1, 0] {
        step(&clock, hours, &agent, &load);
        assert_silent(&agent);
        assert_eq!(agent.pool(POOL).unwrap().verdict, "even");
    }
    assert_eq!(alertmanager.received("firing").unwrap(), 0);

    balancer.reload(weigh(even.clone(), 0, 2)).unwrap();
    let expected = Expected {
        signal: "opened",
        alert: "EvenkeelPoolSkewed",
        cause: "weights_differ",
        hot: None,
        cold: None,
    };
    let (incident, alert) = expected.wait(&agent, &alertmanager);
    for hours in [1, 0, -1, 0] {
        step(&clock, hours, &agent, &load);
        let now = open(&agent, "opened").unwrap();
        assert_eq!((&now.id, &now.started), (&incident.id, &incident.started));
        let told = expected.alert(&alertmanager).unwrap();
        assert_eq!(
            (&told.labels, &told.starts_at, &told.fingerprint),
            (&alert.labels, &alert.starts_at, &alert.fingerprint)
        );
    }
    assert_only(&agent, &["opened"]);
    assert_eq!(alertmanager.received("resolved").unwrap(), 0);
    balancer.reload(even).unwrap();
    expected.wait_over(&agent, &alertmanager, &incident);
}
