//! Expected shares against Envoy itself: the same configuration is read here and run there, thousands of keys are sent
//! through it, and who answered is counted.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::shares::{ENVOY_MAGLEV_TABLE, EnvoyHash, EnvoyMaglev, EnvoyRing};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::envoy;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use twox_hash::XxHash64;

/// How many requests are sent.
const REQUESTS: u64 = 6000;

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

/// The key of the request with this number, mixed by `splitmix64`.
fn key(number: u64) -> String {
    let mut mixed = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x1234_5678);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    format!("{:x}", mixed ^ (mixed >> 31))
}

/// What was expected, and who answered each request.
struct Seen {
    expected: Vec<f64>,
    answers: Vec<usize>,
}

/// Reads a configuration, runs Envoy with it, and sends requests.
fn run(cluster: &str, groups: &[Group<'_>]) -> Seen {
    let text = config(cluster, groups);
    let files = MemoryFiles::new().with("envoy.yaml", text.clone());
    let read = read(
        Product::Envoy,
        &files,
        Path::new("envoy.yaml"),
        &Options::default(),
    );
    let read = read.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let expected = read.pools[0].shares.exact().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("envoy.yaml");
    std::fs::write(&path, text).unwrap();
    let namespace = Namespace::create("envoy-shares").unwrap();
    let mut command = Command::new(envoy().unwrap());
    command
        .args([
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "error",
            "-c",
        ])
        .arg(&path);
    let mut envoy = Process::spawn(&namespace, "envoy", &mut command).unwrap();
    let answers = namespace.enter(|| {
        let stream = wait_for(Duration::from_secs(60), "Envoy to listen", || {
            envoy.check()?;
            Ok(TcpStream::connect("127.0.0.1:10000").ok())
        });
        ask(stream.unwrap())
    });
    Seen {
        expected,
        answers: answers.unwrap(),
    }
}

/// Sends all requests over one connection.
fn ask(stream: TcpStream) -> Vec<usize> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let request = |number: u64| {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX-Key: {}\r\n\r\n",
            key(number)
        );
        writer.write_all(request.as_bytes()).unwrap();
        answer(&mut reader)
    };
    (0..REQUESTS).map(request).collect()
}

fn answer(reader: &mut BufReader<TcpStream>) -> usize {
    let (mut length, mut status) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if status.is_empty() {
            status.clone_from(&line);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    body.parse().unwrap_or_else(|_| panic!("{status}{body}"))
}

impl Seen {
    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.expected.len()];
        for answer in &self.answers {
            counts[*answer] += 1;
        }
        counts
    }

    /// Pearson's statistic against its mean (the degrees of freedom) and five standard deviations more. Hosts that are
    /// expected to get nothing must have got nothing.
    fn fits(&self) {
        let (mut statistic, mut classes) = (0.0, 0.0);
        for (count, share) in self.counts().into_iter().zip(&self.expected) {
            let expected = share * REQUESTS as f64;
            if expected < 1e-6 {
                assert_eq!(count, 0, "{:?} {:?}", self.counts(), self.expected);
                continue;
            }
            classes += 1.0;
            statistic += (count as f64 - expected).powi(2) / expected;
        }
        let freedom: f64 = classes - 1.0;
        let most = freedom + 5.0 * (2.0 * freedom).sqrt();
        assert!(
            statistic <= most,
            "{statistic} > {most}: {:?} {:?}",
            self.counts(),
            self.expected
        );
    }

    /// Every single answer came from the host that is computed for its key.
    fn each(&self, host_of: impl Fn(u64) -> Option<usize>) {
        for (number, answer) in (0..).zip(&self.answers) {
            let hash = XxHash64::oneshot(0, key(number).as_bytes());
            assert_eq!(host_of(hash), Some(*answer), "request {number}");
        }
    }
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
    for (count, share) in seen.counts().into_iter().zip(&seen.expected) {
        assert!(
            (count as f64 - share * REQUESTS as f64).abs() <= 2.0,
            "{:?}",
            seen.counts()
        );
    }
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
    assert!((seen.expected[0] - seen.expected[1]).abs() < 1e-12);
    seen.fits();
}

#[test]
fn ring_hash_is_a_ring() {
    for (name, hash) in [
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
        let ring = EnvoyRing::new(&hosts(&names), (1024, 8 << 20), hash, 1 << 20).unwrap();
        seen.each(|hash| ring.host_of(hash));
    }
}

#[test]
fn maglev_is_a_table() {
    let seen = run("lb_policy: MAGLEV", &[group("", &WEIGHTED)]);
    seen.fits();
    let names = names();
    let maglev = EnvoyMaglev::new(&hosts(&names), ENVOY_MAGLEV_TABLE, 1 << 20).unwrap();
    seen.each(|hash| maglev.host_of(hash));
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
    assert!(
        (seen.expected[0] - 0.46).abs() < 1e-9,
        "{:?}",
        seen.expected
    );
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
    assert_eq!(
        seen.expected.iter().filter(|share| **share > 0.3).count(),
        3
    );
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
