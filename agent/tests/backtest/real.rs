//! A real agent on real traffic: what it recorded, and what a real Prometheus scraped of it, says what it said.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel::recording::{Event, Reader};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::Plan;
use evenkeel_lab::ledger::Ledger;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_for;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;

use crate::common::{CONNECTIONS, EVENKEEL, pool, wait_equal};
use crate::host::{at, on_own_host};
use crate::server::{DEADLINE, Prometheus};

const SERVES: [&str; 3] = ["127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003"];
const OPENED: &str = "evenkeel_backend_connections_opened_total";

fn backends(host: &Namespace) -> Backend {
    let places = [(host, SERVES.map(at).to_vec())];
    Backend::start(&places, &Options::new(Protocol::Lab)).unwrap()
}

fn configuration() -> String {
    let pool = pool("shop", "upstream", SERVES.map(at));
    format!("interval: 200ms\nwindow: 5s\nlive_interval: 1s\npools:\n{pool}")
}

/// Connections of which the second backend gets two thirds.
fn skewed(host: &Namespace, seconds: u64) -> Ledger {
    let mut plan = Plan::new(SERVES.map(at), 300 * seconds);
    plan.targets[1].weight = 4;
    plan.per_second = Some(300);
    plan.run(&[host]).unwrap()
}

/// The agent's incidents, once there is one.
fn incidents(agent: &Agent) -> Vec<Value> {
    wait_for(DEADLINE, "an incident", || {
        let answer = agent.get("/api/v1/incidents")?;
        let json: Value = serde_json::from_str(&answer.body)?;
        let incidents = json["incidents"].as_array().cloned().unwrap_or_default();
        Ok((!incidents.is_empty()).then_some(incidents))
    })
    .unwrap()
}

fn backtest(arguments: &[&str]) -> Value {
    let mut command = Command::new(EVENKEEL);
    command.arg("backtest").args(arguments).arg("--output=json");
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the last tick of a recording says, in the words of the ledger.
fn last_counts(file: &Path) -> BTreeMap<SocketAddr, [u64; 4]> {
    let mut reader = Reader::open(file).unwrap();
    let mut counts = BTreeMap::new();
    while let Some(event) = reader.next().unwrap() {
        if let Event::Tick { snapshot, .. } = event {
            let numbers = snapshot.iter().map(|one| {
                let counters = one.counters;
                let numbers = [
                    counters.opened,
                    counters.failed,
                    counters.closed,
                    one.active,
                ];
                (one.endpoint.address(), numbers)
            });
            counts = numbers.collect();
        }
    }
    assert_eq!(reader.torn(), 0);
    counts
}

/// What identifies an incident and what does not change once it was detected.
fn facts(incident: &Value) -> [&Value; 5] {
    ["id", "started", "detected", "signal", "pool"].map(|key| &incident[key])
}

#[test]
fn a_recording_of_a_real_agent_has_its_counts_and_gives_its_incidents() {
    on_own_host(|host| {
        let _backends = backends(host);
        let directory = tempdir().unwrap();
        let file = directory.path().join("recording");
        let name = file.display().to_string();
        let arguments = ["--record", &name, "--record-limit", "1MiB"];
        let mut agent =
            Agent::launch(Path::new(EVENKEEL), host, &configuration(), &arguments).unwrap();
        agent.wait_ready().unwrap();
        let truth = skewed(host, 12);
        wait_equal(&agent, "shop", &truth, &CONNECTIONS);
        let had = incidents(&agent);
        assert_eq!(
            agent.metric("evenkeel_record_dropped_ticks_total").unwrap(),
            0.0
        );
        agent.metric("evenkeel_record_bytes_total").unwrap();
        let process = agent.process();
        process.signal(Signal::TERM).unwrap();
        let ended = process.wait(Duration::from_secs(20)).unwrap();
        assert!(ended.success(), "{}", process.tail());

        let counted = last_counts(&file);
        for (backend, tally) in truth.iter() {
            let expected = [
                tally.opened,
                tally.failed.total(),
                tally.closed.total(),
                tally.open(),
            ];
            assert_eq!(counted.get(&backend), Some(&expected), "{backend}");
        }
        let report = backtest(&[&name]);
        let pool = &report["settings"][0]["pools"][0];
        assert_eq!(pool["pool"], "shop");
        let found = pool["incidents"].as_array().unwrap();
        for incident in &had {
            let same = found.iter().find(|one| one["id"] == incident["id"]);
            assert_eq!(same.map(facts), Some(facts(incident)), "{report:#}");
        }
        assert_eq!(report["interval_seconds"], 0.2);
        assert_eq!(report["missed_ticks"], 0);
    });
}

#[test]
fn what_prometheus_scraped_of_a_real_agent_shows_the_skew() {
    on_own_host(|host| {
        let _backends = backends(host);
        let mut agent = Agent::launch(Path::new(EVENKEEL), host, &configuration(), &[]).unwrap();
        agent.wait_ready().unwrap();
        let prometheus = Prometheus::start(host, &agent);
        let nothing: BTreeMap<_, _> = SERVES.map(|backend| (at(backend), 0.0)).into();
        prometheus.wait_by_backend(OPENED, &nothing);
        let truth = skewed(host, 12);
        let counted = truth
            .iter()
            .map(|(backend, tally)| (backend, tally.opened as f64));
        prometheus.wait_by_backend(OPENED, &counted.collect());

        let url = format!("--prometheus=http://{}", prometheus.address());
        let config = format!("--config={}", agent.config_file().display());
        let common = [&url, "--start=-3m", "--step=1s"];
        let report = backtest(&[&common[..], &[&config]].concat());
        let pool = &report["settings"][0]["pools"][0];
        assert_eq!(
            (&pool["pool"], &pool["backends"]),
            (&"shop".into(), &3.into()),
            "{report:#}"
        );
        let hot = &pool["incidents"][0]["hot"];
        assert_eq!(hot[0]["backend"], SERVES[1], "{report:#}");
        assert_eq!(report["interval_seconds"], 1.0);

        // Without the configuration the pools are those of the series; what the selector leaves out is not there.
        let report = backtest(&[&common[..], &["--tolerance=0.25", "--tolerance=9"]].concat());
        let found = |setting: usize| &report["settings"][setting]["pools"][0];
        assert_eq!(found(0)["backends"], 3, "{report:#}");
        assert_eq!(found(1)["incidents"], Value::Array(Vec::new()));
        let selector = format!("--selector=backend!=\"{}\"", SERVES[1]);
        let report = backtest(&[&common[..], &[&selector]].concat());
        assert_eq!(report["settings"][0]["pools"][0]["backends"], 2);
        refused_queries(&url);
    });
}

/// What Prometheus says is passed on, and a failure of the surroundings is no misuse.
fn refused_queries(url: &str) {
    for (arguments, word) in [
        (
            vec![url, "--start=-1m", "--selector=backend=~\"(\""],
            "parse error",
        ),
        (
            vec![url, "--start=-1m", "--selector=pool=\"none\""],
            "no series",
        ),
        (
            vec!["--prometheus=http://127.0.0.1:1", "--start=-1m"],
            "cannot connect",
        ),
    ] {
        let mut command = Command::new(EVENKEEL);
        let output = command.arg("backtest").args(&arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(word), "{word}: {errors}");
    }
}
