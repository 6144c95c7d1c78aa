//! Any bytes are a configuration of Envoy's or an error with its place; nothing panics, and time grows with length alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::path::Path;

use evenkeel_balancers::source::{Limits, MemoryFiles};
use evenkeel_balancers::{Configuration, Product, ReadError, envoy_text};
use proptest::prelude::*;

use common::bytes::{cases, one, time_grows_with_length};

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, ReadError> {
    common::bytes::read_text(Product::Envoy, "envoy.yaml", text)
}

fn exercise(bytes: &[u8]) {
    common::bytes::exercise(bytes, |bytes| {
        let read = read_text(bytes);
        let files = MemoryFiles::new().with("envoy.yaml", bytes);
        let text = envoy_text(&files, Path::new("envoy.yaml"), Limits::default());
        // What is read can be copied.
        assert_eq!(text.is_ok(), read.is_ok());
        read
    });
}

const SETTINGS: &[&str] = &[
    "",
    "lb_policy: RING_HASH,",
    "lb_policy: MAGLEV,",
    "lb_policy: MAGLEV, maglev_lb_config: { table_size: 3 },",
    "lb_policy: RING_HASH, ring_hash_lb_config: { minimum_ring_size: 3, maximum_ring_size: 5 },",
    "lb_policy: RING_HASH, ring_hash_lb_config: { minimum_ring_size: 0 },",
    "lb_policy: LEAST_REQUEST, type: STRICT_DNS,",
    "lb_policy: RANDOM, commonLbConfig: { localityWeightedLbConfig: {} },",
    "lb_policy: RING_HASH, common_lb_config: { locality_weighted_lb_config: {} },",
    "lb_policy: X, type: LOGICAL_DNS, lb_subset_config: { subset_selectors: [{ keys: [v] }] },",
    "common_lb_config: { healthy_panic_threshold: { value: 0 } }, outlier_detection: { max_ejection_percent: 1e9 },",
    "common_lb_config: { healthy_panic_threshold: { value: -3 } }, health_checks: [{}], circuit_breakers: {},",
];
const LOCALITY: &[&str] = &[
    "",
    "priority: 1,",
    "priority: 99999999999999999999,",
    "load_balancing_weight: 3,",
    "load_balancing_weight: 0, priority: 1,",
    "load_balancing_weight: -1,",
];
const HOST: &[&str] = &[
    "",
    "load_balancing_weight: 7,",
    "load_balancing_weight: 0,",
    "load_balancing_weight: 1e300,",
    "load_balancing_weight: .nan,",
    "health_status: UNHEALTHY,",
    "health_status: DEGRADED,",
    "health_status: DRAINING, load_balancing_weight: 4294967295,",
    "metadata: { filter_metadata: { envoy.lb: { v: a, hash_key: k } } },",
];
const ADDRESS: &[&str] = &[
    "192.0.2.1",
    "192.0.2.2",
    "a.example",
    "a.svc.x",
    "2001:db8::1",
    "",
];

/// Configurations that can be read, with any settings.
fn configurations() -> impl Strategy<Value = String> {
    let host = (one(HOST), one(ADDRESS), 0..4_u16).prop_map(|(fields, address, port)| {
        format!("{{ {fields} endpoint: {{ address: {{ socket_address: {{ address: \"{address}\", port_value: {port} }} }} }} }}")
    });
    let hosts = prop::collection::vec(host, 0..6);
    let locality = (one(LOCALITY), hosts)
        .prop_map(|(fields, hosts)| format!("{{ {fields} lb_endpoints: [{}] }}", hosts.join(",")));
    let localities = prop::collection::vec(locality, 0..4);
    let cluster = (one(SETTINGS), localities).prop_map(|(fields, localities)| {
        format!(
            "{{ name: a, {fields} load_assignment: {{ cluster_name: a, endpoints: [{}] }} }}",
            localities.join(",")
        )
    });
    prop::collection::vec(cluster, 1..4)
        .prop_map(|clusters| format!("static_resources: {{ clusters: [{}] }}", clusters.join(",")))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn texts_of_its_signs(text in "[a:{}&*,'\"\\\\#$ \n|>!%\\[\\]\t-]{0,200}") {
        exercise(text.as_bytes());
        exercise(format!("static_resources: {{ clusters: [ {text}").as_bytes());
    }

    #[test]
    fn whole_configurations(text in configurations()) {
        let configuration = read_text(text.as_str()).unwrap();
        assert!(!configuration.pools.is_empty());
        exercise(text.as_bytes());
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    let repeated = |head: &str, part: &str, tail: &str| common::bytes::repeated(head, part) + tail;
    let hosts = "static_resources: { clusters: [{ name: a, lb_policy: MAGLEV, load_assignment: { endpoints: [{ lb_endpoints: [";
    let host = "{ load_balancing_weight: 2, endpoint: { address: { socket_address: { address: 192.0.2.1, port_value: 1 } } } },";
    let heavy = format!("{hosts}{}", host.replace("weight: 2", "weight: 4000000000"));
    let routes =
        "static_resources: { clusters: [{ name: a }], listeners: [{ virtual_hosts: [{ routes: [";
    let texts = [
        ("brackets", repeated("", "[", "")),
        ("braces", repeated("", "{a:", "")),
        ("one word", repeated("", "a", "")),
        ("keys", repeated("", "a: b\n", "")),
        ("blocks", repeated("", "a:\n  b:\n    - c\n", "")),
        ("quotes", repeated("", "\"\\\"", "")),
        (
            "comments",
            repeated("", "# evenkeel: allow ENV-001 because x\n", "a: b"),
        ),
        (
            "comments behind",
            repeated("", "a: b # evenkeel: allow ENV-001 because x\n", ""),
        ),
        ("anchors", repeated("", "- &a 1\n- *a\n", "")),
        (
            "doubling aliases",
            repeated(
                "a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\n",
                "e: [*d,*d,*d,*d]\n",
                "",
            ),
        ),
        (
            "clusters",
            repeated(
                "static_resources: { clusters: [",
                "{ name: a, lb_policy: MAGLEV },",
                "]}",
            ),
        ),
        (
            "rings",
            repeated(
                "static_resources: { clusters: [",
                "{ name: a, lb_policy: RING_HASH, load_assignment: { endpoints: [{ lb_endpoints: [{}, {}] }] } },",
                "]}",
            ),
        ),
        ("hosts", repeated(hosts, host, "]}]}}]}")),
        ("one heavy host", repeated(&heavy, host, "]}]}}]}")),
        (
            "localities",
            repeated(
                "static_resources: { clusters: [{ load_assignment: { endpoints: [",
                "{ priority: 1, load_balancing_weight: 2, lb_endpoints: [{}] },",
                "]}}]}",
            ),
        ),
        (
            "routes",
            repeated(routes, "{ route: { cluster: a } },", "]}]}]}"),
        ),
        (
            "splits",
            repeated(
                routes,
                "{ route: { weighted_clusters: { clusters: [{ name: a, weight: 1 }, { name: b, weight: 2 }] } } },",
                "]}]}]}",
            ),
        ),
        (
            "documents",
            repeated("", "--- {static_resources: {}}\n", ""),
        ),
    ];
    time_grows_with_length(texts, exercise);
}

/// Aliases that stand for more than a text could hold, and depth.
#[test]
fn growth_and_depth_are_bounded() {
    use std::fmt::Write as _;

    let error = |text: String| read_text(text).unwrap_err().to_string();
    let mut laughs = String::from("a0: &a0 [1, 1]\n");
    for level in 1..40 {
        writeln!(laughs, "a{level}: &a{level} [*a{0}, *a{0}]", level - 1).unwrap();
    }
    assert!(error(laughs).ends_with("the text stands for more than 4000000 values"));
    assert!(error("a: &a [*a]".to_owned()).contains("a part of"));
    let deep = error("[".repeat(100));
    assert!(deep.starts_with("envoy.yaml:1:6"), "{deep}");
    let broken = error("static_resources:\n  clusters: [\n".to_owned());
    assert!(broken.starts_with("envoy.yaml:2:13: "), "{broken}");
}

/// A host without weight beside a degraded one: shares are of what is left.
#[test]
fn weightless_and_degraded_hosts() {
    exercise(
        b"static_resources: { clusters: [{ name: a, load_assignment: { cluster_name: a, endpoints: [{ lb_endpoints: [\
          { load_balancing_weight: 0, endpoint: { address: { socket_address: { address: 192.0.2.1, port_value: 0 } } } },\
          { health_status: DEGRADED, endpoint: { address: { socket_address: { address: 192.0.2.1, port_value: 0 } } } }] }] } }] }",
    );
}
