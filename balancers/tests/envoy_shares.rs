//! Expected shares against Envoy itself: the same configuration is read here and run there, thousands of keys are sent
//! through it, and who answered is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::fmt::Write as _;
use std::process::Command;

use evenkeel_balancers::Product;
use evenkeel_balancers::shares::{ENVOY_MAGLEV_TABLE, EnvoyHash, EnvoyMaglev, EnvoyRing};
use evenkeel_lab::parts::envoy;
use twox_hash::XxHash64;

use common::traffic::{Seen, Written, key};

/// The hosts of one locality.
struct Group<'a> {
    /// Fields of the locality.
    settings: &'a str,
    /// Fields of each host: `load_balancing_weight: 3`, `health_status: UNHEALTHY`.
    hosts: &'a [&'a str],
}

const fn group<'a>(settings: &'a str, hosts: &'a [&'a str]) -> Group<'a> {
    Group { settings, hosts }
}

/// A listener whose one route says `action`.
fn listener(port: usize, action: &str) -> String {
    format!(
        "  - name: at-{port}
    address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: at-{port}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: all
              domains: ['*']
              routes:
              - match: {{ prefix: / }}
                {action}\n"
    )
}

/// A cluster with settings, and listeners that answer with the number of their host.
fn config(cluster: &str, groups: &[Group<'_>]) -> String {
    let mut listeners = listener(
        10_000,
        "route: { cluster: pool, hash_policy: [{ header: { header_name: x-key } }] }",
    );
    let mut endpoints = String::new();
    let mut port = 8000;
    for (zone, group) in groups.iter().enumerate() {
        let settings = group.settings;
        writeln!(
            endpoints,
            "      - locality: {{ zone: z{zone} }}\n        {settings}\n        lb_endpoints:"
        )
        .unwrap();
        for host in group.hosts {
            let comma = if host.is_empty() { "" } else { "," };
            writeln!(endpoints, "        - {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }}{comma} {host} }}").unwrap();
            let number = port - 8000;
            listeners += &listener(
                port,
                &format!(
                    "direct_response: {{ status: 200, body: {{ inline_string: '{number}' }} }}"
                ),
            );
            port += 1;
        }
    }
    format!(
        "static_resources:
  clusters:
  - name: pool
    type: STATIC
    {cluster}
    circuit_breakers: {{ thresholds: [{{ max_requests: 100000, max_connections: 100000, max_pending_requests: 100000 }}] }}
    load_assignment:
      cluster_name: pool
      endpoints:
{endpoints}  listeners:
{listeners}"
    )
}

/// Reads a configuration, runs Envoy with it, and sends requests.
fn run(cluster: &str, groups: &[Group<'_>]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let written = Written::new(folder, "envoy.yaml", config(cluster, groups));
    let mut command = Command::new(envoy().unwrap());
    command.args(["--concurrency", "1", "--disable-hot-restart"]);
    command.args(["--log-level", "error", "-c"]);
    let seen = Seen {
        expected: written.read(Product::Envoy).pools[0].shares.clone(),
        answers: written.ask(command, 10_000),
    };
    assert!(seen.expected.exact().is_some(), "{:?}", seen.expected);
    seen
}

/// The hash by which Envoy finds a request's host.
fn hash(number: u64) -> u64 {
    XxHash64::oneshot(0, key(number).as_bytes())
}

const WEIGHTED: [&str; 4] = [
    "",
    "load_balancing_weight: 1",
    "load_balancing_weight: 2",
    "load_balancing_weight: 10",
];
const DOWN: &str = "health_status: UNHEALTHY";
const CHECKED: &str = "lb_policy: ROUND_ROBIN";

/// The hosts of [`WEIGHTED`] with their keys and normalised weights.
fn hosts(names: &[String]) -> Vec<(&str, f64)> {
    let weights = [1.0, 1.0, 2.0, 10.0].map(|weight| weight / 14.0);
    names.iter().map(String::as_str).zip(weights).collect()
}

fn names() -> Vec<String> {
    (8000..8004)
        .map(|port| format!("127.0.0.1:{port}"))
        .collect()
}

#[test]
fn rotation_is_by_weight_to_the_request() {
    let seen = run(
        "lb_policy: ROUND_ROBIN",
        &[group(
            "",
            &[
                "load_balancing_weight: 5",
                "",
                "load_balancing_weight: 2",
                DOWN,
            ],
        )],
    );
    seen.is_within(2.0);
}

#[test]
fn random_ignores_weights() {
    let seen = run(
        "lb_policy: RANDOM",
        &[group(
            "",
            &[
                "load_balancing_weight: 5",
                "",
                "load_balancing_weight: 2",
                DOWN,
            ],
        )],
    );
    assert!((seen.exact()[0] - seen.exact()[1]).abs() < 1e-12);
    seen.fits();
}

#[test]
fn ring_hash_is_a_ring() {
    for (name, function) in [
        ("XX_HASH", EnvoyHash::XxHash),
        ("MURMUR_HASH_2", EnvoyHash::Murmur2),
    ] {
        let policy =
            format!("{{ lb_policy: RING_HASH, ring_hash_lb_config: {{ hash_function: {name} }} }}");
        let policy = policy
            .trim_matches(['{', '}', ' '])
            .replace(", ring", "\n    ring")
            + "}";
        let seen = run(&policy, &[group("", &WEIGHTED)]);
        seen.fits();
        let names = names();
        let ring = EnvoyRing::new(&hosts(&names), (1024, 8 << 20), function, 1 << 20).unwrap();
        seen.each(|number| ring.host_of(hash(number)));
    }
}

#[test]
fn maglev_is_a_table() {
    let seen = run("lb_policy: MAGLEV", &[group("", &WEIGHTED)]);
    seen.fits();
    let names = names();
    let maglev = EnvoyMaglev::new(&hosts(&names), ENVOY_MAGLEV_TABLE, 1 << 20).unwrap();
    seen.each(|number| maglev.host_of(hash(number)));
    run(
        "lb_policy: MAGLEV\n    maglev_lb_config: { table_size: 5 }",
        &[group("", &["", "", "", "", "", "", ""])],
    )
    .fits();
}

#[test]
fn priorities_take_what_is_left() {
    let seen = run(
        CHECKED,
        &[
            group("priority: 0", &["", DOWN, DOWN]),
            group("priority: 1", &["", "load_balancing_weight: 3"]),
        ],
    );
    assert!((seen.exact()[0] - 0.46).abs() < 1e-9, "{:?}", seen.exact());
    seen.fits();
    run(
        "lb_policy: MAGLEV",
        &[
            group("priority: 0", &["", DOWN, DOWN]),
            group("priority: 1", &["", "load_balancing_weight: 3"]),
        ],
    )
    .fits();
}

#[test]
fn panic_ignores_health() {
    let seen = run(CHECKED, &[group("", &["", DOWN, DOWN])]);
    assert!(seen.exact().iter().all(|share| *share > 0.3));
    seen.fits();
}

#[test]
fn degraded_hosts_take_the_rest() {
    run(
        CHECKED,
        &[group("", &["", "health_status: DEGRADED", DOWN, DOWN])],
    )
    .fits();
}

#[test]
fn localities_have_weights() {
    let weighted = "common_lb_config: { locality_weighted_lb_config: {} }";
    let three = [
        group(
            "load_balancing_weight: 1",
            &["", "load_balancing_weight: 4"],
        ),
        group("load_balancing_weight: 3", &["", DOWN, DOWN]),
        group("load_balancing_weight: 2", &["", DOWN]),
    ];
    for policy in ["ROUND_ROBIN", "RANDOM", "MAGLEV", "RING_HASH"] {
        run(&format!("lb_policy: {policy}\n    {weighted}"), &three).fits();
    }
    let typed = "load_balancing_policy: { policies: [{ typed_extension_config: { name: r, typed_config: { '@type': type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin, locality_lb_config: { locality_weighted_lb_config: {} } } } }] }";
    run(typed, &three).fits();
}
