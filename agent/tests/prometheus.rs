//! A real Prometheus scrapes the running agent: it finds what docs/metrics.md promises, has nothing to complain about, and
//! its queries give the ledger's numbers.
//!
//! Each test has a network namespace of its own, as if it were a host: nobody else's traffic is there to be counted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]
#![allow(clippy::float_cmp, reason = "what is counted is whole, in floats too")]

mod common;
#[path = "prometheus/documented.rs"]
mod documented;
#[path = "common/host.rs"]
mod host;
#[path = "prometheus/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::clients::{add_addresses, connect_from};
use common::{CONNECTIONS, EVENKEEL, agent, config, pool, wait_equal};
use documented::{Documented, documented_of_agents, own_labels};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{Failing, Failure, LongLived, Plan, Traffic};
use evenkeel_lab::ledger::Ledger;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::wait::{wait_for, wait_until};
use host::{at, on_own_host};
use serde_json::Value;
use server::{DEADLINE, Prometheus, encoded};
use tempfile::TempDir;

const OPENED: &str = "evenkeel_backend_connections_opened_total";

/// The metrics that agents have which discover pools, and no others.
const DISCOVERED: [&str; 7] = [
    LAST_SUCCESS,
    "evenkeel_audit_findings",
    "evenkeel_discovery_failures_total",
    "evenkeel_discovery_stale_files",
    "evenkeel_discovery_backends",
    "evenkeel_standby_connections_opened_total",
    "evenkeel_standby_connections",
];
const LAST_SUCCESS: &str = "evenkeel_discovery_last_success_timestamp_seconds";

const SERVES: [&str; 2] = ["127.0.0.1:8001", "127.0.0.1:8002"];
/// A backend that nobody connects to.
const IDLE: &str = "127.0.0.3:8001";
/// A backend that refuses.
const REFUSING: &str = "127.0.0.9:9";

fn backends(host: &Namespace) -> Backend {
    let places = [(host, SERVES.map(at).to_vec())];
    Backend::start(&places, &Options::new(Protocol::Lab)).unwrap()
}

/// The configuration of one pool of these backends.
fn one_pool(backends: &[&str]) -> String {
    config(&[pool(
        "shop",
        "upstream",
        backends.iter().map(|address| at(address)),
    )])
}

/// What Prometheus knows of a metric: of this type, and with a unit if its name says one.
fn assert_metadata(metric: &Documented, entry: &Value) {
    // Infos and units exist in OpenMetrics alone: it was negotiated.
    assert_eq!(entry["type"], metric.kind.as_str(), "{}", metric.name);
    assert_ne!(entry["help"], "", "{}", metric.name);
    let mut units = ["seconds", "bytes", "ratio"].into_iter();
    let unit = units.find(|unit| metric.family().ends_with(unit));
    // The names of process metrics are older than units.
    if metric.name.starts_with("evenkeel_") {
        assert_eq!(entry["unit"], unit.unwrap_or_default(), "{}", metric.name);
    }
}

/// The series of a metric are there, with these labels.
fn assert_series(metric: &Documented, prometheus: &Prometheus) {
    for name in metric.series() {
        let series = prometheus.query(&name).unwrap();
        assert!(!series.is_empty(), "{name}");
        assert!(
            series.iter().all(|(_, value)| value.is_finite()),
            "{series:?}"
        );
        let labels: BTreeSet<String> = series
            .iter()
            .flat_map(|(labels, _)| own_labels(labels))
            .collect();
        assert_eq!(labels, metric.labels, "{name}: {series:?}");
    }
}

/// An agent with a receiver for its alerts, of a pool with a label, that records.
fn agent_of_all() -> Agent {
    let yaml = one_pool(&[SERVES[0], SERVES[1], REFUSING]);
    let labels = format!("'{}'\n        labels: {{zone: a}}\n", SERVES[0]);
    let pools = yaml.replace(&format!("'{}'\n", SERVES[0]), &labels);
    let receiver = format!("alerting: {{alertmanagers: [{{url: 'http://{REFUSING}'}}]}}\n");
    let yaml = format!("window: 5s\n{receiver}{pools}");
    // What is recorded is of no interest here, only that it is measured.
    let file = TempDir::with_prefix("evenkeel-recording-").unwrap();
    let name = file.path().join("recording").display().to_string();
    let arguments = ["--record", &name];
    let mut agent =
        Agent::launch(EVENKEEL.as_ref(), &Namespace::current(), &yaml, &arguments).unwrap();
    agent.wait_ready().unwrap();
    agent
}

/// Traffic with something of each signal, and so uneven that it is an incident.
fn uneven(host: &Namespace) -> (LongLived, Traffic) {
    let open = LongLived::open(host, &SERVES.map(at), 10).unwrap();
    let mut plan = Plan::new(SERVES.map(at), u64::MAX);
    plan.per_second = Some(200);
    plan.targets[0].weight = 3;
    plan.failing = vec![Failing {
        kind: Failure::Refused,
        target: at(REFUSING),
        count: 10,
    }];
    (open, plan.start(&[host]).unwrap())
}

#[test]
fn prometheus_has_every_documented_metric_with_type_unit_and_labels() {
    on_own_host(|host| {
        let _backends = backends(host);
        let agent = agent_of_all();
        let prometheus = Prometheus::start(host, &agent);
        let (_open, traffic) = uneven(host);
        let [client, server] = ["192.0.2.1:0", "192.0.2.2:80"].map(at);
        add_addresses(host, [client.ip(), server.ip()]);
        connect_from(host, &[(client.ip(), 50)], server, server.ip());
        for (what, query) in [
            (
                "all signals",
                "count(count by (signal) (evenkeel_pool_gini_ratio)) == 4",
            ),
            ("clients", "evenkeel_kernel_clients_effective"),
            ("an incident", "evenkeel_incidents_open > 0"),
            ("an alert about it", "evenkeel_alerts_errors_total > 0"),
        ] {
            let answered = || !prometheus.query(query).unwrap().is_empty();
            wait_until(DEADLINE, what, answered).unwrap();
        }

        let data = prometheus.api("/api/v1/targets/metadata").unwrap();
        let entries = data.as_array().unwrap().iter();
        let metadata: BTreeMap<&str, &Value> = entries
            .map(|entry| (entry["metric"].as_str().unwrap(), entry))
            .collect();
        let documented = documented_of_agents();
        for metric in &documented {
            let entry = metadata
                .get(metric.family())
                .unwrap_or_else(|| panic!("{}: {data:#}", metric.name));
            assert_metadata(metric, entry);
            if DISCOVERED.contains(&metric.name.as_str()) {
                assert_eq!(
                    prometheus.query(&metric.name).unwrap(),
                    [],
                    "it has its pools"
                );
            } else {
                assert_series(metric, &prometheus);
            }
        }
        let families: BTreeSet<&str> = documented.iter().map(Documented::family).collect();
        assert_eq!(
            metadata.keys().copied().collect::<BTreeSet<_>>(),
            families,
            "and no others"
        );
        assert!(
            families.contains("evenkeel_backend_connections_opened"),
            "{families:?}"
        );
        prometheus.assert_content();
        traffic.stop().unwrap();
    });
}

#[test]
fn an_agent_that_discovers_pools_says_when_it_did() {
    on_own_host(|host| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.json");
        let drained = r#"{"targets": ["192.0.2.2:80"], "labels": {"__evenkeel_weight__": "0"}}"#;
        fs::write(
            &file,
            format!(r#"[{{"targets": ["192.0.2.1:80"]}}, {drained}]"#),
        )
        .unwrap();
        // NGX-001: other weights.
        let nginx = folder.path().join("nginx.conf");
        let servers = "server 192.0.2.3:80; server 192.0.2.4:80 weight=5;";
        fs::write(
            &nginx,
            format!("http {{ upstream cart {{ zone a 64k; {servers} }} server {{ location / {{ proxy_pass http://cart; }} }} }}"),
        )
        .unwrap();
        let source = format!(
            "{{file_sd: {{files: ['{}']}}, nginx: {{files: ['{}']}}}}",
            file.display(),
            nginx.display()
        );
        let agent = agent(&format!("interval: 200ms\ndiscovery: {source}\n"));
        let prometheus = Prometheus::start(host, &agent);
        for metric in documented_of_agents() {
            if DISCOVERED.contains(&metric.name.as_str()) {
                assert_series(&metric, &prometheus);
            }
        }
        let age = |query: &str| {
            let found = prometheus
                .query(&format!("time() - {LAST_SUCCESS} {query}"))
                .unwrap();
            let sources = found.into_iter();
            let sources = sources.map(|(labels, _)| labels["source"].clone());
            sources.collect::<BTreeSet<String>>()
        };
        let file_sd = || BTreeSet::from(["file_sd".to_owned()]);
        // What EvenkeelDiscoveryStale asks, with a few seconds for ten minutes.
        assert_eq!(age("< 5").len(), 2);
        fs::remove_file(&file).unwrap();
        let aged = wait_for(Duration::from_secs(20), "a source that ages", || {
            Ok((age("> 5") == file_sd()).then_some(()))
        });
        aged.unwrap();
    });
}

/// The connections opened of each backend in the ledger, and 0 for those that are not in it.
fn opened(truth: &Ledger, backends: &[&str]) -> BTreeMap<SocketAddr, f64> {
    backends
        .iter()
        .map(|address| (at(address), truth.get(at(address)).opened as f64))
        .collect()
}

/// The rates over ten minutes are those of so many connections.
fn assert_rates(prometheus: &Prometheus, expected: &BTreeMap<SocketAddr, f64>) {
    // At the time of a scrape nothing has to be extrapolated from series that began at 0.
    let times = prometheus.query(&format!("timestamp({OPENED})")).unwrap();
    for (backend, opened) in expected {
        let rate = format!("rate({OPENED}{{backend=\"{backend}\"}}[10m])");
        let found = prometheus.query_at(&rate, times[0].1).unwrap();
        assert_eq!(found.len(), 1, "{rate}");
        let increase = found[0].1 * 600.0;
        assert!(
            (increase - opened).abs() < 1e-6,
            "{rate}: {increase} in 600 s, not {opened}"
        );
    }
}

/// All that is counted of the idle backend is there and at 0.
fn assert_idle(prometheus: &Prometheus) {
    let names = "evenkeel_backend_(.*_total|connections|handshake_seconds_(sum|count))";
    let idle = prometheus
        .query(&format!("{{backend=\"{IDLE}\", __name__=~\"{names}\"}}"))
        .unwrap();
    assert_eq!(idle.len(), 9, "{idle:?}");
    assert!(idle.iter().all(|(_, value)| *value == 0.0), "{idle:?}");
}

#[test]
fn rates_are_the_ledgers_and_an_idle_backend_is_at_zero() {
    on_own_host(|host| {
        let _backends = backends(host);
        let all = [SERVES[0], SERVES[1], IDLE];
        let agent = agent(&one_pool(&all));
        let prometheus = Prometheus::start(host, &agent);
        // Scraped before there is traffic, so that nothing is missing from the increase.
        prometheus.wait_by_backend(OPENED, &opened(&Ledger::default(), &all));
        let mut plan = Plan::new(SERVES.map(at), 1_000);
        plan.targets[0].weight = 3;
        // Several scrapes see a part of it.
        plan.per_second = Some(300);
        let truth = plan.run(&[host]).unwrap();
        wait_equal(&agent, "shop", &truth, &CONNECTIONS);
        let expected = opened(&truth, &all);
        prometheus.wait_by_backend(OPENED, &expected);
        prometheus.wait_by_backend("evenkeel_backend_connections_closed_total", &expected);
        assert_rates(&prometheus, &expected);
        let steps = format!("changes({OPENED}{{backend=\"{}\"}}[10m])", SERVES[0]);
        assert!(
            prometheus.query(&steps).unwrap()[0].1 >= 2.0,
            "traffic was seen while it flowed"
        );
        let shares = BTreeMap::from([
            (at(SERVES[0]), 0.75),
            (at(SERVES[1]), 0.25),
            (at(IDLE), 0.0),
        ]);
        prometheus.wait_by_backend("evenkeel_backend_share_ratio{signal=\"opened\"}", &shares);
        assert_idle(&prometheus);
        prometheus.assert_content();
    });
}

#[test]
fn a_backend_that_leaves_its_pool_is_stale_at_once_and_may_come_back() {
    on_own_host(|host| {
        let _backends = backends(host);
        let agent = agent(&one_pool(&SERVES));
        let prometheus = Prometheus::start(host, &agent);
        let mut truth = Plan::new(SERVES.map(at), 100).run(&[host]).unwrap();
        prometheus.wait_by_backend(OPENED, &opened(&truth, &SERVES));

        // Long before the five minutes for which a query looks back.
        agent.reconfigure(&one_pool(&SERVES[..1])).unwrap();
        prometheus.wait_by_backend(OPENED, &opened(&truth, &SERVES[..1]));
        let gone = prometheus
            .query(&format!("{{backend=\"{}\"}}", SERVES[1]))
            .unwrap();
        assert_eq!(gone, [], "every series of it");
        assert_eq!(
            prometheus.query("evenkeel_pool_backends").unwrap()[0].1,
            1.0
        );
        truth.merge(&Plan::new([at(SERVES[0])], 50).run(&[host]).unwrap());
        prometheus.wait_by_backend(OPENED, &opened(&truth, &SERVES[..1]));

        // Back in the pool it counts from 0, and the other goes on counting.
        agent.reconfigure(&one_pool(&SERVES)).unwrap();
        let both = || prometheus.by_backend(OPENED).unwrap().len() == 2;
        wait_until(DEADLINE, "the backend to be back", both).unwrap();
        truth.merge(&Plan::new(SERVES.map(at), 80).run(&[host]).unwrap());
        let mut expected = opened(&truth, &SERVES);
        expected.insert(at(SERVES[1]), 40.0);
        prometheus.wait_by_backend(OPENED, &expected);
        prometheus.assert_content();
    });
}

#[test]
fn names_and_labels_come_through_whatever_is_in_them() {
    on_own_host(|host| {
        let name = "we\"ird \\n {x=\"y\", #} ünï 名前 \u{2028}100%\\";
        let note = "two\nlines, a\ttab, \"quotes\", back\\slash\r\n\\";
        // JSON is YAML, but for the line separator of Unicode, which may be a line's end to YAML.
        let yaml = |text: &str| {
            serde_json::to_string(text)
                .unwrap()
                .replace('\u{2028}', "\\u2028")
        };
        let config = format!(
            "interval: 200ms\npools:\n  - name: {}\n    backends: [{{address: '{IDLE}', labels: {{note: {}}}}}]\n",
            yaml(name),
            yaml(note)
        );
        let agent = agent(&config);
        assert_eq!(agent.pool(&encoded(name)).unwrap().name, name);
        let prometheus = Prometheus::start(host, &agent);
        let info = prometheus.query("evenkeel_backend_info").unwrap();
        assert_eq!(info.len(), 1);
        assert_eq!(
            (info[0].0["pool"].as_str(), info[0].0["label_note"].as_str()),
            (name, note)
        );
        // Found by its name, as a person would type it into a query.
        let matcher = format!("evenkeel_pool_backends{{pool={}}}", yaml(name));
        assert_eq!(prometheus.query(&matcher).unwrap()[0].1, 1.0);
        prometheus.assert_content();
    });
}

/// The head and the body of the answer to a request for `/metrics` with these header lines.
fn metrics(agent: &Agent, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(agent.address()).unwrap();
    let address = agent.address();
    write!(
        stream,
        "GET /metrics HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[test]
fn the_format_is_classic_unless_asked_for_and_promtool_has_no_objection() {
    on_own_host(|host| {
        let _backends = backends(host);
        let agent = agent(&one_pool(&SERVES));
        let truth = Plan::new(SERVES.map(at), 100).run(&[host]).unwrap();
        wait_equal(&agent, "shop", &truth, &CONNECTIONS);
        let open = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        let (head, body) = metrics(&agent, &format!("Accept: {open}\r\n"));
        assert!(
            head.contains("content-type: application/openmetrics-text; version=1.0.0"),
            "{head}"
        );
        assert!(body.ends_with("\n# EOF\n"));
        for accept in ["", "Accept: */*\r\n"] {
            let (head, body) = metrics(&agent, accept);
            assert!(
                head.contains("content-type: text/plain; version=0.0.4"),
                "{accept:?}: {head}"
            );
            assert!(
                !body.contains("# EOF") && body.contains("evenkeel_backend_share_ratio{"),
                "{body}"
            );
            let directory = TempDir::new().unwrap();
            let file = directory.path().join("metrics");
            fs::write(&file, body).unwrap();
            let mut promtool = Command::new(require("promtool").unwrap());
            promtool
                .args(["check", "metrics"])
                .stdin(Stdio::from(File::open(&file).unwrap()));
            let output = promtool.output().unwrap();
            let said = [output.stdout, output.stderr]
                .map(|text| String::from_utf8(text).unwrap())
                .concat();
            assert!(
                output.status.success() && said.is_empty(),
                "{}: {said}",
                output.status
            );
        }
    });
}
