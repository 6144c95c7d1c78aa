//! What the audit finds in configurations that pools are discovered in, and incidents that it explains.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::http::HttpLoad;
use evenkeel_lab::wait::wait_until;
use serde_json::Value;

use crate::bed::{config, follows, pool};
use crate::common::agent;
use crate::host::{at, on_own_host};

const LISTEN: &str = "127.0.0.1:8080";
const BACKENDS: [&str; 3] = ["127.0.0.1:8001", "127.0.0.2:8001", "127.0.0.3:8001"];
/// Of settling, and of an incident.
const PATIENCE: Duration = Duration::from_secs(60);

/// The elements of a list in an answer of the API.
fn list(agent: &Agent, path: &str, key: &str) -> Vec<Value> {
    let body = agent.get(path).unwrap().body;
    let mut answer: Value = serde_json::from_str(&body).unwrap();
    serde_json::from_value(answer[key].take()).unwrap()
}

fn findings(agent: &Agent) -> Vec<Value> {
    list(agent, "/api/v1/findings", "findings")
}

fn counted(agent: &Agent, rule: &str) -> f64 {
    let series = format!("evenkeel_audit_findings{{id=\"{rule}\",severity=\"warning\"}}");
    agent.metric(&series).unwrap_or(0.0)
}

#[test]
fn an_incident_names_the_finding_that_explains_it() {
    on_own_host(|host| {
        let addresses = BACKENDS.map(at);
        let options = Options::new(Protocol::Http);
        let start = |some: &[SocketAddr]| Backend::start(&[(host, some.to_vec())], &options);
        let _serving = start(&addresses[..2]).unwrap();
        let failing = start(&addresses[2..]).unwrap();
        // Without `check`: a server that fails keeps its share.
        let setup = Setup::new(Mode::Http, at(LISTEN), addresses);
        let haproxy = Balancer::start(Product::Haproxy, host, setup).unwrap();
        let file = haproxy.config_path().display().to_string();
        let sources = format!("{{haproxy: {{files: ['{file}']}}}}");
        let agent = agent(&(config(&sources) + "detection: {false_alarm_every: 1h}\n"));

        let unchecked =
            |found: &[Value]| found.iter().find(|one| one["rule"] == "HAP-012").cloned();
        let found = unchecked(&findings(&agent)).unwrap();
        assert_eq!(
            (&found["severity"], &found["pool"]),
            (&"warning".into(), &"lab".into())
        );
        let place = found["place"].as_str().unwrap().to_owned();
        assert!(place.starts_with(&format!("{file}:")), "{place}");
        let of_pool: Vec<Value> =
            serde_json::from_value(pool(&agent, "lab")["findings"].take()).unwrap();
        assert_eq!(unchecked(&of_pool), Some(found.clone()));
        assert!(counted(&agent, "HAP-012") > 0.0);
        assert!(agent.log().contains("HAP-012"), "{}", agent.log());

        let _load = HttpLoad::steady(at(LISTEN), 300).start(&[host]).unwrap();
        wait_until(PATIENCE, "the pool to be found even", || {
            pool(&agent, "lab")["verdict"] == "even"
        })
        .unwrap();
        drop(failing);
        let refused = || {
            let incidents = list(&agent, "/api/v1/incidents", "incidents").into_iter();
            let mut causes = incidents.map(|mut incident| incident["cause"].take());
            causes.find(|cause| cause["id"] == "refusing")
        };
        wait_until(PATIENCE, "an incident of refused connections", || {
            refused().is_some()
        })
        .unwrap();
        assert_eq!(refused().unwrap()["findings"], Value::from(vec![found]));
        let page = agent.get("/").unwrap().body;
        assert!(page.contains("Configured so: <bdi>HAP-012 at "), "{page}");
        let told = format!("configuration=\"HAP-012 at {place}");
        assert!(agent.log().contains(&told), "{}", agent.log());
    });
}

#[test]
fn new_findings_are_told_but_not_all_of_many() {
    on_own_host(|_| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nginx.conf");
        let upstreams = |weight: u32, comment: &str| {
            let upstream = |mut text: String, pool| {
                let servers = format!(
                    "server 192.0.2.1:8{pool:03}; server 192.0.2.2:8{pool:03} weight={weight};"
                );
                writeln!(
                    text,
                    "upstream pool-{pool} {{ zone a 64k; {servers} }} {comment}"
                )
                .unwrap();
                text
            };
            let passes = (0..25).fold(String::new(), |text, pool| {
                text + &format!("location /{pool}/ {{ proxy_pass http://pool-{pool}; }} ")
            });
            let upstreams = (0..25).fold(String::new(), upstream);
            format!("events {{}}\nhttp {{\n{upstreams}server {{ {passes} }}\n}}\n")
        };
        fs::write(&file, upstreams(1, "")).unwrap();
        let agent = agent(&config(&format!(
            "{{nginx: {{files: ['{}']}}}}",
            file.display()
        )));
        assert_eq!(findings(&agent), Vec::<Value>::new());

        fs::write(&file, upstreams(3, "")).unwrap();
        let since = Instant::now();
        follows(&agent, "weights that differ", since, || {
            (counted(&agent, "NGX-001") - 25.0).abs() < f64::EPSILON
        });
        assert_eq!(findings(&agent).len(), 25);
        follows(&agent, "the finding of a pool", since, || {
            pool(&agent, "pool-7")["findings"][0]["rule"] == "NGX-001"
        });
        let log = agent.log();
        assert_eq!(
            log.matches("the configuration skews traffic").count(),
            10,
            "{log}"
        );
        assert!(log.contains("more=15"), "{log}");

        fs::write(
            &file,
            upstreams(3, "# evenkeel: allow NGX-001 because they are larger"),
        )
        .unwrap();
        let since = Instant::now();
        follows(&agent, "a comment that allows them", since, || {
            findings(&agent).is_empty()
        });
        follows(&agent, "a pool without findings", since, || {
            pool(&agent, "pool-7")["findings"] == Value::Array(Vec::new())
        });
    });
}
