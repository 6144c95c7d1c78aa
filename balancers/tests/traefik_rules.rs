//! Every rule of Traefik's: a configuration that shows it and one that does not, both accepted by Traefik itself.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

mod common;
#[path = "common/traefik.rs"]
mod traefik;

use std::path::Path;

use evenkeel_balancers::model::{Comparability, Origin, State, Target};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{
    Configuration, Options, Product, ReadError, Rule, Severity, detect, read, read_any, rules,
};

use common::rules::{bad_ones_show_their_rule, good_ones_show_nothing_but_notes};
use common::{folder, today};
use traefik::Running;

/// The rules that only a Traefik configuration can show.
fn shown_by_traefik() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| rule.product == Some(Product::Traefik))
}

fn try_text(text: &str) -> Result<Configuration, ReadError> {
    common::bytes::read_text(Product::Traefik, "traefik.yaml", text)
}

fn read_text(text: &str) -> Configuration {
    try_text(text).unwrap()
}

/// What is found of a rule.
fn told(configuration: &Configuration, id: &str) -> Vec<(Severity, String)> {
    let audit = configuration.audit(today());
    let findings = audit.findings.iter();
    findings
        .filter(|finding| finding.rule.id == id)
        .map(|finding| (finding.severity, finding.message.clone()))
        .collect()
}

#[test]
fn bad_configurations_show_their_rule() {
    bad_ones_show_their_rule(Product::Traefik, "bad.yaml", shown_by_traefik());
}

#[test]
fn good_configurations_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Traefik, "good.yaml", shown_by_traefik());
}

/// Traefik builds each service when a router leads to it, and says what is wrong with it.
#[test]
fn traefik_accepts_them() {
    let mut traefik = Running::start("traefik-rules");
    let mut checked = 0;
    for rule in shown_by_traefik() {
        for kind in ["bad.yaml", "good.yaml"] {
            let path = folder(Product::Traefik).join(rule.id).join(kind);
            let raw = traefik.load(&std::fs::read_to_string(&path).unwrap());
            let router = &raw["routers"]["web@file"];
            // This is what the rule is about.
            let refused = rule.id == "TRF-011" && kind == "bad.yaml";
            let status = if refused { "disabled" } else { "enabled" };
            assert_eq!(router["status"], status, "{}: {raw}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 24, "{checked}");
}

/// GEN-001: only of services of connections.
#[test]
fn known_ports_show_connections_that_live_long() {
    let service = |protocol: &str, server: &str| {
        let servers =
            [1, 2].map(|number| format!("{{ {server} }}").replace('#', &number.to_string()));
        format!(
            "{protocol}: {{ services: {{ db: {{ loadBalancer: {{ servers: [{}] }} }} }} }}\n",
            servers.join(", ")
        )
    };
    let tcp = read_text(&service("tcp", "address: '192.0.2.#:5432'"));
    let [(severity, message)] = &told(&tcp, "GEN-001")[..] else {
        panic!("{:?}", told(&tcp, "GEN-001"));
    };
    assert_eq!(*severity, Severity::Warning);
    assert!(
        message.contains("PostgreSQL") && message.contains("instead of 33.3 %"),
        "{message}"
    );
    let http = read_text(&service("http", "url: 'http://192.0.2.#:5432'"));
    assert_eq!(told(&http, "GEN-001"), []);
}

/// All texts that the tests hold are told by their content alone.
#[test]
fn content_tells_the_product() {
    for rule in shown_by_traefik() {
        let path = folder(Product::Traefik).join(rule.id).join("bad.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(detect(Path::new("x"), &text), Some(Product::Traefik));
    }
    let known = |text: &str| detect(Path::new("x"), text);
    let fixed = "providers:\n  file: {}\nentryPoints:\n  web: {}\n";
    assert_eq!(known(fixed), Some(Product::Traefik));
    let json = "{\n  \"http\": {\n    \"services\": { \"a\": { \"loadBalancer\": {} } }\n  }\n}";
    assert_eq!(known(json), Some(Product::Traefik));
    let compose =
        "services:\n  a:\n    labels:\n    - traefik.http.services.a.loadbalancer.server.port=80\n";
    assert_eq!(known(compose), None);
}

/// TOML is recognised, and the error says what to do.
#[test]
fn toml_is_told() {
    let text = "[http.services]\n  [http.services.shop.loadBalancer]\n    [[http.services.shop.loadBalancer.servers]]\n    url = \"http://192.0.2.1\"\n";
    let files = MemoryFiles::new().with("dynamic.toml", text);
    let error = read_any(&files, Path::new("dynamic.toml"), &Options::default()).unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("dynamic.toml:1:1: Traefik's TOML is not read"),
        "{said}"
    );
    let said = try_text("http: {{ range }}\n  a: {{ end }}\n")
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("templates (`{{`) are not evaluated"),
        "{said}"
    );
}

const SHOP: &str = "shop: { loadBalancer: { servers: [{ url: 'http://192.0.2.1' }, { url: 'http://192.0.2.2' }] } }";

/// What the rules find beside what the configurations on disk show: words of the message, and how bad it is.
#[test]
fn milder_and_worse_cases() {
    let servers = |strategy: &str, weights: [i64; 3]| {
        let servers: Vec<String> = (1..)
            .zip(weights)
            .map(|(host, weight)| format!("{{ url: 'http://192.0.2.{host}', weight: {weight} }}"))
            .collect();
        format!(
            "a: {{ loadBalancer: {{ strategy: {strategy}, healthCheck: {{}}, servers: [{}] }} }}",
            servers.join(", ")
        )
    };
    let weighted = |fields: &str| format!("a: {{ weighted: {{ {fields} }} }}, {SHOP}");
    let cases = [
        (
            "TRF-001",
            servers("p2c", [0, 1, 1]),
            Severity::Error,
            "it gets 33.3 % of the requests, like all others",
        ),
        (
            "TRF-002",
            servers("wrr", [-1, 1, 1]),
            Severity::Error,
            "has weight -1: it gets 0 % of the requests, and each of the 2 others carries 1.50 times",
        ),
        (
            "TRF-002",
            servers("hrw", [0, 0, 0]),
            Severity::Error,
            "no server is left",
        ),
        (
            "TRF-002",
            weighted("services: [{ name: shop, weight: 0 }]"),
            Severity::Error,
            "100 % of the traffic fails",
        ),
        (
            "TRF-002",
            weighted("services: [{ name: shop }, { name: b, weight: -3 }]"),
            Severity::Error,
            "`b` has weight -3",
        ),
        (
            "TRF-009",
            weighted("sticky: { cookie: {} }, services: [{ name: shop }, { name: b }]"),
            Severity::Warning,
            "a service that joins these 2",
        ),
        (
            "TRF-011",
            weighted("healthCheck: {}, services: [{ name: shop }]"),
            Severity::Error,
            "`a` needs the health of `shop`",
        ),
        (
            "TRF-012",
            servers("wrr", [4, 3, 3]),
            Severity::Note,
            "it will get 40.0 % of the requests instead of 33.3 %",
        ),
    ];
    for (id, services, severity, words) in cases {
        let found = told(
            &read_text(&format!("http: {{ services: {{ {services} }} }}")),
            id,
        );
        let fits = |(found, told): &(Severity, String)| *found == severity && told.contains(words);
        assert!(found.iter().any(fits), "{id}: {found:?}");
    }
}

/// Errors that count as failures spare a failover the health of its main service.
#[test]
fn failover_by_status_needs_no_checks() {
    let services = |errors: &str| {
        format!(
            "http: {{ services: {{ a: {{ failover: {{ service: shop, fallback: b{errors} }} }}, {SHOP} }} }}"
        )
    };
    assert_eq!(told(&read_text(&services("")), "TRF-011").len(), 1);
    let by_status = services(", errors: { status: ['500-599'] }");
    assert_eq!(told(&read_text(&by_status), "TRF-011"), []);
    let pool = read_text(&by_status).pools.pop().unwrap();
    let states: Vec<_> = pool
        .members()
        .map(|(server, share)| (server.title().to_owned(), server.state, share.exact()))
        .collect();
    assert_eq!(
        states,
        [
            ("shop".to_owned(), State::InRotation, Some(1.0)),
            ("b".to_owned(), State::Backup, Some(0.0))
        ]
    );
}

/// A static configuration leads to the files of its provider; what cannot be read is told.
#[test]
fn the_file_provider_is_followed() {
    let entry = "entryPoints: { web: { address: ':80', proxyProtocol: {} } }\nproviders: { file: { directory: dynamic } }\nserversTransport: { maxIdleConnsPerHost: -1 }\n";
    let hrw = "http: { services: { shop: { loadBalancer: { strategy: hrw, servers: [{ url: 'https://192.0.2.1' }, { url: 'http://192.0.2.2:81/x' }, { url: 'h2c://app' }] } } } }";
    let files = MemoryFiles::new()
        .with("/e/traefik.yml", entry)
        .with("/e/dynamic/a.yml", hrw)
        .with(
            "/e/dynamic/more/b.yaml",
            "http: { routers: { r: { service: other@docker } } }",
        );
    let path = Path::new("/e/traefik.yml");
    let configuration = read(Product::Traefik, &files, path, &Options::default()).unwrap();
    let pool = &configuration.pools[0];
    let keys: Vec<_> = pool
        .servers
        .iter()
        .map(|server| server.address.key())
        .collect();
    assert_eq!(keys, ["192.0.2.1:443", "192.0.2.2:81", "app:80"]);
    assert_eq!(pool.comparability, Comparability::Exact);
    assert!(!pool.used);
    // Entry points that speak the PROXY protocol know their clients.
    assert_eq!(told(&configuration, "TRF-006"), []);

    let files = MemoryFiles::new().with(
        "/e/traefik.yml",
        "providers: { file: { filename: missing.yml } }",
    );
    let configuration = read(Product::Traefik, &files, path, &Options::default()).unwrap();
    assert_eq!(told(&configuration, "EVK-004").len(), 1);
}

/// TCP and UDP: connections, no weights of servers, addresses without scheme.
#[test]
fn connections_are_balanced_too() {
    let configuration = read_text(
        "tcp: { services: { db: { loadBalancer: { servers: [{ address: '192.0.2.1:5432' }, { address: 'db.example:5432', weight: 7 }] } } } }
udp: { services: { db: { weighted: { services: [{ name: x, weight: 3 }, { name: y }] } } } }",
    );
    let names: Vec<_> = configuration
        .pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.origin, pool.comparability))
        .collect();
    assert_eq!(
        names,
        [
            ("db", Origin::Declared, Comparability::Exact),
            ("db/UDP", Origin::Split, Comparability::Approximate)
        ]
    );
    assert_eq!(configuration.pools[0].shares.exact(), Some(vec![0.5, 0.5]));
    assert_eq!(
        configuration.pools[1].shares.exact(),
        Some(vec![0.75, 0.25])
    );
    let name = &configuration.pools[0].servers[1].address.target;
    assert!(matches!(name, Target::Name { host, port: Some(5432) } if host == "db.example"));
}

/// Comments allow findings, as in all YAML.
#[test]
fn comments_allow_findings() {
    let path = folder(Product::Traefik).join("TRF-012/bad.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let allowed = text.replacen(
        "weight: 5\n",
        "weight: 5 # evenkeel: allow TRF-012 until 2027-01-31 because of the rollout\n",
        1,
    );
    let audit = read_text(&allowed).audit(today());
    assert_eq!(audit.allowed.len(), 1);
    assert!(
        audit
            .findings
            .iter()
            .all(|finding| finding.rule.id != "TRF-012")
    );
}

/// Compositions that hold themselves, or double with each level, come to an end.
#[test]
fn compositions_are_followed_within_bounds() {
    use std::fmt::Write as _;

    let mut text = String::from(
        "http:\n  services:\n    loop: { weighted: { services: [{ name: loop }, { name: loop }] } }\n",
    );
    for level in 0..60 {
        writeln!(
            text,
            "    s{level}: {{ weighted: {{ services: [{{ name: s{0} }}, {{ name: s{0} }}] }} }}",
            level + 1
        )
        .unwrap();
    }
    let configuration = read_text(&text);
    assert_eq!(configuration.pools.len(), 61);
    for pool in &configuration.pools {
        let sum: f64 = pool.shares.exact().unwrap().iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "{}", pool.name);
    }
}
