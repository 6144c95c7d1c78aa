//! Any bytes are a configuration of Traefik's or an error with its place; nothing panics, and time grows with length alone.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

mod common;

use evenkeel_balancers::{Configuration, Product, ReadError};
use proptest::prelude::*;

use common::bytes::{cases, one, repeated, time_grows_with_length};

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, ReadError> {
    common::bytes::read_text(Product::Traefik, "traefik.yaml", text)
}

/// Reads, audits, and looks at everything that was found.
fn exercise(bytes: &[u8]) {
    common::bytes::exercise(bytes, |bytes| read_text(bytes));
}

const FIELDS: &[&str] = &[
    "",
    "strategy: p2c,",
    "strategy: hrw,",
    "strategy: leasttime,",
    "strategy: [],",
    "sticky: { cookie: {} },",
    "sticky: { cookie: , },",
    "healthCheck: {}, serversTransport: x,",
];
const SERVER: &[&str] = &[
    "url: 'http://192.0.2.1'",
    "url: 'http://192.0.2.1', weight: 9223372036854775807",
    "url: 'http://192.0.2.2', weight: 9223372036854775807",
    "url: 'http://192.0.2.2', weight: -9223372036854775808",
    "url: 'https://u:p@shop.example:x/y?z', weight: 0",
    "url: '://@/'",
    "url: ''",
    "url: [], weight: {}",
    "address: '192.0.2.1:80'",
    "",
];
const PARTS: &[&str] = &[
    "weighted: { services: [{ name: s0, weight: 3 }, { name: s1 }, { name: s2 }] }",
    "weighted: { healthCheck: {}, sticky: { cookie: {} }, services: [{ name: s0, weight: -1 }, { name: s1@file, weight: 0 }] }",
    "weighted: { services: [{ weight: 3 }, { name: s9, weight: 9223372036854775807 }, { name: s0, weight: 9223372036854775807 }] }",
    "highestRandomWeight: { services: [{ name: s0, weight: 3 }, { name: s1 }, { name: s0 }] }",
    "mirroring: { service: s0, mirrors: [{ name: s1, percent: 50 }, { name: s2, percent: -1 }, { name: s0, percent: 999 }] }",
    "failover: { service: s1, fallback: s0, healthCheck: {} }",
    "failover: {}",
    "weighted: {}",
    "x: y",
];

/// Configurations that can be read, with any settings.
fn configurations() -> impl Strategy<Value = String> {
    let server = one(SERVER).prop_map(|fields| format!("{{ {fields} }}"));
    let servers = prop::collection::vec(server, 0..5);
    let balancer = (one(FIELDS), servers).prop_map(|(fields, servers)| {
        format!(
            "loadBalancer: {{ {fields} servers: [{}] }}",
            servers.join(",")
        )
    });
    let service = prop_oneof![balancer, one(PARTS).prop_map(str::to_owned)];
    let section = one(&["http", "tcp", "udp"]);
    (section, prop::collection::vec(service, 1..5)).prop_map(|(section, services)| {
        let services: Vec<String> = (0..)
            .zip(services)
            .map(|(index, service)| format!("s{index}: {{ {service} }}"))
            .collect();
        format!("{section}: {{ services: {{ {} }} }}", services.join(", "))
    })
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
        exercise(format!("http: {{ services: [ {text}").as_bytes());
    }

    #[test]
    fn whole_configurations(text in configurations()) {
        prop_assert!(read_text(text.clone()).is_ok(), "{text}");
        exercise(text.as_bytes());
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    let head = "http: { services: { ";
    let servers = "http: { services: { a: { loadBalancer: { servers: [";
    let hashed = "http: { services: { a: { loadBalancer: { strategy: hrw, servers: [";
    let doubled = "http: { services: { a: { weighted: { services: [{ name: a }, { name: a }] } }, ";
    let mirrors = "http: { services: { b: { loadBalancer: { servers: [{ url: x }] } }, a: { mirroring: { service: b, mirrors: [";
    let closed = |head: &str, part: &str, tail: &str| repeated(head, part) + tail;
    let texts = [
        ("brackets", repeated("http: ", "[")),
        ("braces", repeated("", "{a:")),
        ("lines", repeated("", "http:\n")),
        ("documents", repeated("", "--- {entryPoints: {a: {}}}\n")),
        ("tables", repeated("", "[http.services]\n")),
        (
            "servers",
            closed(servers, "{ url: 'http://192.0.2.1' }, ", "]}}}}"),
        ),
        (
            "hashed",
            closed(hashed, "{ url: 'http://192.0.2.1' }, ", "]}}}}"),
        ),
        (
            "services",
            closed(head, "a: { loadBalancer: { strategy: hrw } }, ", "}}"),
        ),
        (
            "loops",
            closed(
                doubled,
                "b: { weighted: { services: [{ name: a }, { name: a }] } }, ",
                "}}",
            ),
        ),
        (
            "mirrors",
            closed(mirrors, "{ name: b, percent: 1 }, ", "]}}}}"),
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
    let deep = error("[".repeat(100));
    assert!(deep.starts_with("traefik.yaml:1:6"), "{deep}");
    let broken = error("http:\n  services: [\n".to_owned());
    assert!(broken.starts_with("traefik.yaml:2:13: "), "{broken}");
}
