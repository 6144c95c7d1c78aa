//! Every rule of Kubernetes': manifests that show it and some that do not.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, Rule, Severity, detect, read, rules};
use proptest::prelude::*;

use common::{configuration, folder, shown, today};

fn shown_by_kubernetes() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| rule.product == Some(Product::Kubernetes))
}

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, evenkeel_balancers::ReadError> {
    let files = MemoryFiles::new().with("k.yaml", text);
    read(
        Product::Kubernetes,
        &files,
        Path::new("k.yaml"),
        &Options::default(),
    )
}

#[test]
fn bad_manifests_show_their_rule() {
    for rule in shown_by_kubernetes() {
        let folder = folder(Product::Kubernetes).join(rule.id);
        let configuration = configuration(Product::Kubernetes, &folder.join("bad.yaml"));
        let audit = configuration.audit(today());
        let text = shown(&configuration, &audit, &folder);
        assert!(
            audit.findings.iter().any(|finding| finding.rule == rule),
            "{} is not found:\n{text}",
            rule.id
        );
        insta::with_settings!({ snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("bad", text);
        });
    }
}

#[test]
fn good_manifests_show_nothing_but_notes() {
    for rule in shown_by_kubernetes() {
        let folder = folder(Product::Kubernetes).join(rule.id);
        let path = folder.join("good.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(detect(Path::new("x"), &text), Some(Product::Kubernetes));
        let configuration = configuration(Product::Kubernetes, &path);
        let audit = configuration.audit(today());
        let notes = audit
            .findings
            .iter()
            .all(|finding| finding.rule != rule && finding.severity == Severity::Note);
        assert!(
            notes,
            "{}: {}",
            rule.id,
            shown(&configuration, &audit, &folder)
        );
    }
}

/// Each page says what shows a rule, what happens, what to write instead, when it is meant, and where it is known from.
#[test]
fn pages_are_whole() {
    const SECTIONS: [&str; 5] = [
        "What shows it",
        "What happens",
        "Fix",
        "When it is meant",
        "Source",
    ];
    for rule in shown_by_kubernetes() {
        assert!(
            rule.page
                .starts_with(&format!("# {}: {}\n", rule.id, rule.title)),
            "{}",
            rule.id
        );
        let mut rest = rule.page;
        for section in SECTIONS {
            let mark = format!("\n## {section}\n");
            rest = rest
                .split_once(&mark)
                .unwrap_or_else(|| panic!("{}: {section}", rule.id))
                .1;
        }
    }
}

/// Shares of pods, per connection.
#[test]
fn shares_are_those_of_kube_proxy() {
    let shares = |id: &str| -> Vec<_> {
        let path = folder(Product::Kubernetes).join(id).join("bad.yaml");
        let pools = configuration(Product::Kubernetes, &path).pools;
        pools
            .iter()
            .map(|pool| (pool.name.clone(), pool.shares.exact().unwrap()))
            .collect()
    };
    let third = 1.0 / 3.0;
    assert_eq!(
        shares("K8S-001"),
        [("default/shop:80".to_owned(), vec![0.25, 0.25, 0.5])]
    );
    assert_eq!(
        shares("K8S-005"),
        [("default/shop:80".to_owned(), vec![third, third, third])]
    );
    let split = shares("K8S-012");
    assert_eq!(split[0].0, "default/shop rule 1");
    assert!((split[0].1[0] - 0.95).abs() < 1e-9, "{split:?}");
}

/// Traefik's own objects share traffic out by weight as routes do.
#[test]
fn objects_of_traefik_are_read() {
    let text = "apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: web }
spec:
  routes:
  - match: PathPrefix(`/`)
    services: [{ name: shop, port: 80, weight: 3 }, { name: canary, port: 80 }]
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: all, namespace: shop }
spec: { weighted: { services: [{ name: a, weight: 1 }, { name: b, kind: TraefikService, weight: 1 }] } }
";
    let configuration = read_text(text).unwrap();
    let pools: Vec<_> = configuration
        .pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.shares.exact().unwrap()))
        .collect();
    let expected = [
        ("default/web route 1", vec![0.75, 0.25]),
        ("shop/all", vec![0.5, 0.5]),
    ];
    assert_eq!(pools, expected);
    let audit = configuration.audit(today());
    let found: Vec<_> = audit.findings.iter().map(|one| one.rule.id).collect();
    assert_eq!(found, ["K8S-012"]);
}

/// The files of a folder are one configuration, and so are the items of a list.
#[test]
fn folders_and_lists_are_read() {
    let text =
        std::fs::read_to_string(folder(Product::Kubernetes).join("K8S-001/bad.yaml")).unwrap();
    let (service, slice) = text.split_once("---\n").unwrap();
    let files = MemoryFiles::new()
        .with("/k/a.yaml", service)
        .with("/k/b.yml", slice)
        .with("/k/c.txt", "{");
    let folder = read(
        Product::Kubernetes,
        &files,
        Path::new("/k"),
        &Options::default(),
    )
    .unwrap();
    assert_eq!(folder.pools[0].servers.len(), 3);
    assert_eq!(folder.sources.iter().count(), 2);
    let list = "apiVersion: v1\nkind: List\nitems:\n- {kind: Service, metadata: {name: a, namespace: b}, spec: {ports: [{port: 1}, {port: 1, protocol: UDP}]}}";
    let names: Vec<_> = read_text(list)
        .unwrap()
        .pools
        .into_iter()
        .map(|pool| pool.name)
        .collect();
    assert_eq!(names, ["b/a:1", "b/a:1/UDP"]);
    assert!(
        read_text("a: [")
            .unwrap_err()
            .to_string()
            .starts_with("k.yaml:1:")
    );
}

fn exercise(bytes: Vec<u8>) {
    match read_text(bytes) {
        Ok(configuration) => {
            let audit = configuration.audit(today());
            for pool in &configuration.pools {
                assert_eq!(pool.servers.len(), pool.shares.servers.len());
                if let Some(shares) = pool.shares.exact() {
                    let sum: f64 = shares.iter().sum();
                    assert!(sum < 1e-9 || (sum - 1.0).abs() < 1e-9, "{pool:?}");
                }
            }
            serde_json::to_string(&(&configuration.pools, &audit)).unwrap();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

const PARTS: &[&str] = &[
    "kind: Service\nmetadata: {name: a}\nspec: {selector: {x: y}, ports: [{port: 1}, {port: z, name: grpc}], clusterIP: None}\n",
    "kind: Service\nmetadata: {name: a}\nspec: {selector: {x: y}, ports: [{port: 1}], externalTrafficPolicy: Local, trafficDistribution: PreferSameNode}\n",
    "kind: Service\nmetadata: {name: a, annotations: {service.kubernetes.io/topology-mode: auto}}\nspec: {ports: [{port: 1}], sessionAffinity: ClientIP}\n",
    "kind: EndpointSlice\nmetadata: {labels: {kubernetes.io/service-name: a}}\nports: [{port: 99999}]\nendpoints: [{addresses: ['::1'], nodeName: n}, {addresses: []}, {addresses: [x], zone: z}]\n",
    "kind: Deployment\nspec: {replicas: 18446744073709551615, template: {metadata: {labels: {x: y}}, spec: {containers: [{ports: [{}]}]}}}\n",
    "kind: Deployment\nspec: {replicas: 0, template: {metadata: {labels: {x: y}}}}\n",
    "kind: HTTPRoute\nspec: {rules: [{backendRefs: [{name: a, weight: 1e308}, {name: b, weight: -1}, {name: c}]}]}\n",
    "kind: Ingress\nmetadata: {annotations: {nginx.ingress.kubernetes.io/canary-weight: '5'}}\n",
    "kind: [\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 20_000 }))]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(bytes);
    }

    #[test]
    fn objects(parts in prop::collection::vec(prop::sample::select(PARTS), 0..8)) {
        exercise(parts.join("---\n").into_bytes());
    }
}

/// Many objects that have to do with each other.
#[test]
fn time_grows_with_length_alone() {
    for part in PARTS {
        let began = Instant::now();
        let mut text = format!("{part}---\n").repeat(300_000 / (part.len() + 4));
        text.push_str(&PARTS[..7].join("---\n"));
        exercise(text.into_bytes());
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{part}: {:?}",
            began.elapsed()
        );
    }
}
