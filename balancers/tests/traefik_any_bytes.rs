//! Any bytes are a configuration of Traefik's or an error with its place; nothing panics, and time grows with length alone.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, ReadError, detect, read};
use proptest::prelude::*;

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with("traefik.yaml", text);
    read(
        Product::Traefik,
        &files,
        Path::new("traefik.yaml"),
        &Options::default(),
    )
}

/// Reads, audits, and looks at everything that was found.
fn exercise(bytes: Vec<u8>) {
    let _ = detect(Path::new("x"), &String::from_utf8_lossy(&bytes));
    match read_text(bytes) {
        Ok(configuration) => {
            let audit = configuration.audit("2026-11-22".parse().unwrap());
            for finding in &audit.findings {
                let excerpt = configuration.sources.excerpt(finding.place);
                assert!(
                    excerpt.indent + excerpt.carets <= excerpt.line.chars().count() + 1,
                    "{finding:?}"
                );
            }
            for pool in &configuration.pools {
                assert_eq!(pool.servers.len(), pool.shares.servers.len());
                if let Some(shares) = pool.shares.exact() {
                    let sum: f64 = shares.iter().sum();
                    assert!(sum < 1e-9 || (sum - 1.0).abs() < 1e-9, "{pool:?}");
                }
            }
            serde_json::to_string(&configuration.pools).unwrap();
            serde_json::to_string(&audit).unwrap();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// One of several fragments, or nothing.
fn one(fragments: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(fragments)
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
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 20_000 }))]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(bytes);
    }

    #[test]
    fn texts_of_its_signs(text in "[a:{}&*,'\"\\\\#$ \n|>!%\\[\\]\t-]{0,200}") {
        exercise(text.clone().into_bytes());
        exercise(format!("http: {{ services: [ {text}").into_bytes());
    }

    #[test]
    fn whole_configurations(text in configurations()) {
        prop_assert!(read_text(text.clone()).is_ok(), "{text}");
        exercise(text.into_bytes());
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    const LENGTH: usize = 300_000;
    let repeated = |head: &str, part: &str, tail: &str| {
        let mut text = head.to_owned();
        text.push_str(&part.repeat((LENGTH - head.len()) / part.len()));
        text + tail
    };
    let head = "http: { services: { ";
    let servers = "http: { services: { a: { loadBalancer: { servers: [";
    let hashed = "http: { services: { a: { loadBalancer: { strategy: hrw, servers: [";
    let doubled = "http: { services: { a: { weighted: { services: [{ name: a }, { name: a }] } }, ";
    let mirrors = "http: { services: { b: { loadBalancer: { servers: [{ url: x }] } }, a: { mirroring: { service: b, mirrors: [";
    for (name, text) in [
        ("brackets", repeated("http: ", "[", "")),
        ("braces", repeated("", "{a:", "")),
        ("lines", repeated("", "http:\n", "")),
        (
            "documents",
            repeated("", "--- {entryPoints: {a: {}}}\n", ""),
        ),
        ("tables", repeated("", "[http.services]\n", "")),
        (
            "servers",
            repeated(servers, "{ url: 'http://192.0.2.1' }, ", "]}}}}"),
        ),
        (
            "hashed",
            repeated(hashed, "{ url: 'http://192.0.2.1' }, ", "]}}}}"),
        ),
        (
            "services",
            repeated(head, "a: { loadBalancer: { strategy: hrw } }, ", "}}"),
        ),
        (
            "loops",
            repeated(
                doubled,
                "b: { weighted: { services: [{ name: a }, { name: a }] } }, ",
                "}}",
            ),
        ),
        (
            "mirrors",
            repeated(mirrors, "{ name: b, percent: 1 }, ", "]}}}}"),
        ),
    ] {
        let began = Instant::now();
        exercise(text.into_bytes());
        let took = began.elapsed();
        // Without optimisation, on a busy machine: a quadratic step would take minutes.
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
        println!("{name}: {took:?}");
    }
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
