//! Balancers that are asked while they run.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_until;
use serde_json::{Value, json};

use crate::bed::{PROMISED, changes, config, follows, pool, source, weights};
use crate::common::agent;
use crate::host::{at, on_own_host};

const ADMIN: &str = "127.0.0.1:9901";

/// Starts an Envoy whose one cluster has its endpoints from the file `eds.json` of `folder`.
fn start_envoy(host: &Namespace, folder: &Path) -> Process {
    let path =
        |name: &str| json!({ "path": folder.join(name), "watched_directory": { "path": folder } });
    let bootstrap = json!({
        "node": { "id": "lab", "cluster": "lab" },
        "admin": { "address": socket_address(at(ADMIN)) },
        "static_resources": {
            "listeners": [{
                "name": "lab",
                "address": socket_address(at("127.0.0.1:8080")),
                "filter_chains": [{ "filters": [{
                    "name": "envoy.filters.network.tcp_proxy",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                        "stat_prefix": "lab",
                        "cluster": "shop",
                    },
                }] }],
            }],
            "clusters": [{
                "name": "shop",
                "type": "EDS",
                "connect_timeout": "1s",
                "eds_cluster_config": {
                    "eds_config": { "resource_api_version": "V3", "path_config_source": path("eds.json") },
                },
            }],
        },
    });
    let file = folder.join("envoy.json");
    fs::write(&file, bootstrap.to_string()).unwrap();
    let mut command = Command::new(parts::envoy().unwrap());
    command.args([
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--concurrency",
        "1",
    ]);
    command.arg("--config-path").arg(file);
    Process::spawn(host, "Envoy", &mut command).unwrap()
}

fn socket_address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// Replaces the endpoints, as Envoy wants it: by renaming.
fn write_endpoints(folder: &Path, endpoints: &[(&str, u32, &str)]) {
    let endpoint = |(address, weight, health): &(&str, u32, &str)| {
        json!({
            "endpoint": { "address": socket_address(at(address)) },
            "load_balancing_weight": weight,
            "health_status": health,
        })
    };
    let resource = json!({ "resources": [{
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": "shop",
        "endpoints": [{ "lb_endpoints": endpoints.iter().map(endpoint).collect::<Vec<_>>() }],
    }] });
    let new = folder.join("eds.new");
    fs::write(&new, resource.to_string()).unwrap();
    fs::rename(new, folder.join("eds.json")).unwrap();
}

#[test]
fn endpoints_of_envoy_change_and_envoy_ends() {
    on_own_host(|host| {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = ("192.0.2.1:80", "192.0.2.2:80");
        write_endpoints(folder.path(), &[(a, 1, "HEALTHY"), (b, 1, "HEALTHY")]);
        // The agent is there first: a source that does not answer yet is no error.
        let agent = agent(&config(&format!("{{envoy: {{admin: 'http://{ADMIN}'}}}}")));
        assert!(source(&agent, "envoy")["error"].is_string());
        assert!(source(&agent, "envoy")["last_success"].is_null());
        let mut envoy = start_envoy(host, folder.path());
        wait_until(3 * PROMISED, "Envoy's pool", || {
            weights(&pool(&agent, "shop")).len() == 2
        })
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", envoy.tail(), agent.log()));
        assert_eq!(pool(&agent, "shop")["source"], "envoy");

        write_endpoints(
            folder.path(),
            &[
                (a, 1, "DRAINING"),
                (b, 5, "HEALTHY"),
                ("192.0.2.3:80", 1, "HEALTHY"),
            ],
        );
        let since = Instant::now();
        follows(&agent, "Envoy's endpoints changed", since, || {
            weights(&pool(&agent, "shop")).len() == 2 && weights(&pool(&agent, "shop"))[b] > 4.0
        });
        let shop = pool(&agent, "shop");
        assert_eq!(
            changes(&shop),
            [
                "weight of 192.0.2.2:80 changed from 1 to 5",
                "192.0.2.1:80 left the rotation (down)",
                "192.0.2.3:80 was added"
            ]
        );
        // Envoy's dump has but one word for endpoints that get nothing.
        assert_eq!(shop["standby"][0]["why"], "down");

        envoy.stop().unwrap();
        let since = Instant::now();
        follows(&agent, "Envoy that ended", since, || {
            source(&agent, "envoy")["error"].is_string()
        });
        assert_eq!(
            weights(&pool(&agent, "shop")).len(),
            2,
            "what it said last is kept"
        );
    });
}

/// Gives a command to HAProxy's stats socket.
fn tell(socket: &Path, command: &str) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(format!("{command}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.trim(), "", "{command}");
}

#[test]
fn servers_of_haproxy_are_drained_and_reweighted_by_its_socket() {
    on_own_host(|host| {
        let backends = ["127.0.0.1:8001", "127.0.0.2:8001", "127.0.0.3:8001"];
        let setup = Setup::new(Mode::Tcp, at("127.0.0.1:8080"), backends.map(at));
        let haproxy = Balancer::start(Product::Haproxy, host, setup).unwrap();
        let (file, socket) = (haproxy.config_path(), haproxy.stats_socket().unwrap());
        let sources = format!(
            "{{haproxy: {{files: ['{}'], stats_socket: '{}'}}}}",
            file.display(),
            socket.display()
        );
        let agent = agent(&config(&sources));
        assert_eq!(weights(&pool(&agent, "lab")).len(), 3);

        tell(&socket, "set server lab/s1 state drain");
        tell(&socket, "set weight lab/s2 7");
        let since = Instant::now();
        follows(&agent, "HAProxy drained and reweighted", since, || {
            let lab = pool(&agent, "lab");
            weights(&lab).len() == 2 && weights(&lab)[backends[2]] > 6.0
        });
        let lab = pool(&agent, "lab");
        let told = changes(&lab);
        assert!(
            told.contains(&"127.0.0.2:8001 left the rotation (drained)"),
            "{told:?}"
        );
        assert!(
            told.contains(&"weight of 127.0.0.3:8001 changed from 1 to 7"),
            "{told:?}"
        );
        let expected: Vec<f64> = lab["backends"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["expected_share"].as_f64().unwrap())
            .collect();
        assert!((expected[1] - 7.0 / 8.0).abs() < 1e-9, "{expected:?}");
        // What was done by hand is not what is written.
        let answer = agent.get("/api/v1/findings").unwrap().body;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let found = answer["findings"].as_array().unwrap().iter();
        let of_lab = found.filter(|one| one["pool"] == "lab");
        let rules: Vec<&str> = of_lab.filter_map(|one| one["rule"].as_str()).collect();
        assert!(rules.contains(&"EVK-005"), "drained: {answer:#}");
        assert!(rules.contains(&"GEN-006"), "reweighted: {answer:#}");
        tell(&socket, "set server lab/s1 state ready");
        let since = Instant::now();
        follows(&agent, "HAProxy's server is back", since, || {
            weights(&pool(&agent, "lab")).len() == 3
        });

        // The socket alone tells the same.
        agent
            .reconfigure(&config(&format!(
                "{{haproxy: {{stats_socket: '{}'}}}}",
                socket.display()
            )))
            .unwrap();
        let since = Instant::now();
        follows(&agent, "the socket without files", since, || {
            source(&agent, "haproxy")["files"]
                .as_array()
                .unwrap()
                .is_empty()
        });
        let lab = pool(&agent, "lab");
        assert_eq!(weights(&lab)[backends[2]].to_string(), "7");
        assert_eq!(
            (&lab["algorithm"], &lab["backends"][1]["labels"]["server"]),
            (&"rotation".into(), &"s1".into())
        );
    });
}
