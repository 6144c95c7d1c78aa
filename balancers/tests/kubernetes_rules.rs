//! Every rule of Kubernetes': manifests that show it and some that do not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::path::Path;

use evenkeel_balancers::model::Traffic;
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, ReadError, Rule, detect, read, rules};
use proptest::prelude::*;

use common::bytes::{cases, repeated, time_grows_with_length};
use common::rules::{bad_ones_show_their_rule, good_ones_show_nothing_but_notes};
use common::{configuration, folder};

fn shown_by_kubernetes() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| rule.product == Some(Product::Kubernetes))
}

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, ReadError> {
    common::bytes::read_text(Product::Kubernetes, "k.yaml", text)
}

#[test]
fn bad_manifests_show_their_rule() {
    bad_ones_show_their_rule(Product::Kubernetes, "bad.yaml", shown_by_kubernetes());
}

#[test]
fn good_manifests_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Kubernetes, "good.yaml", shown_by_kubernetes());
}

/// Manifests are told from configurations of Envoy, which are YAML as well.
#[test]
fn manifests_are_recognised() {
    for rule in shown_by_kubernetes() {
        let path = folder(Product::Kubernetes).join(rule.id).join("good.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let product = detect(Path::new("x"), &text);
        assert_eq!(product, Some(Product::Kubernetes), "{}", rule.id);
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

/// Routes of Istio and Traefik share traffic out as those of the Gateway API do.
#[test]
fn routes_of_meshes_and_ingresses_are_read() {
    let text = "kind: VirtualService\nmetadata: {name: a}\nspec:\n  http:\n  - route: [{destination: {host: shop}}]\n  - route: [{destination: {host: shop, subset: v1}, weight: 75}, {destination: {host: shop, subset: v2}, weight: 25}]\n  tcp:\n  - route: [{destination: {host: db}, weight: 50}, {destination: {host: db2}, weight: 50}]\n---\n\
                kind: TraefikService\nmetadata: {name: b}\nspec: {weighted: {services: [{name: x, weight: 3}, {name: y}]}}\n---\n\
                kind: IngressRoute\nmetadata: {name: c}\nspec: {routes: [{services: [{name: x}, {name: y}]}]}\n";
    let read = read_text(text).unwrap();
    let pools: Vec<_> = read
        .pools
        .iter()
        .map(|pool| {
            let title = pool.servers[1].title();
            let share = pool.shares.exact().unwrap()[1];
            (pool.name.as_str(), pool.traffic, title, share)
        })
        .collect();
    let expected = [
        ("default/a rule 2", Traffic::Requests, "v2", 0.25),
        ("default/a rule 3", Traffic::Connections, "db2", 0.5),
        ("default/b rule 1", Traffic::Requests, "y", 0.25),
        ("default/c rule 1", Traffic::Requests, "y", 0.5),
    ];
    assert_eq!(pools, expected);
    let found = read.audit(common::today()).findings;
    let about: Vec<_> = found
        .iter()
        .filter_map(|finding| finding.pool.as_deref())
        .collect();
    assert_eq!(about, ["default/a rule 2", "default/b rule 1"]);
}

/// GEN-001: a database's port before several pods.
#[test]
fn named_ports_show_connections_that_live_long() {
    let text = std::fs::read_to_string(folder(Product::Kubernetes).join("K8S-006/bad.yaml"));
    let text = text
        .unwrap()
        .replace("appProtocol: grpc", "appProtocol: postgresql");
    let audit = read_text(text).unwrap().audit(common::today());
    let found: Vec<_> = audit.findings.iter().map(|one| one.rule.id).collect();
    // The name of the port is that of gRPC still.
    assert_eq!(found, ["GEN-001", "K8S-006"]);
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

fn exercise(bytes: &[u8]) {
    common::bytes::exercise(bytes, |bytes| read_text(bytes));
}

const PARTS: &[&str] = &[
    "kind: Service\nmetadata: {name: a}\nspec: {selector: {x: y}, ports: [{port: 1}, {port: z, name: grpc}], clusterIP: None}\n",
    "kind: Service\nmetadata: {name: a}\nspec: {selector: {x: y}, ports: [{port: 1}], externalTrafficPolicy: Local, trafficDistribution: PreferSameNode}\n",
    "kind: Service\nmetadata: {name: a, annotations: {service.kubernetes.io/topology-mode: auto}}\nspec: {ports: [{port: 1}], sessionAffinity: ClientIP}\n",
    "kind: EndpointSlice\nmetadata: {labels: {kubernetes.io/service-name: a}}\nports: [{port: 99999}]\nendpoints: [{addresses: ['::1'], nodeName: n}, {addresses: []}, {addresses: [x], zone: z}]\n",
    "kind: Deployment\nspec: {replicas: 18446744073709551615, template: {metadata: {labels: {x: y}}, spec: {containers: [{ports: [{}]}]}}}\n",
    "kind: Deployment\nspec: {replicas: 0, template: {metadata: {labels: {x: y}}}}\n",
    "kind: HTTPRoute\nspec: {rules: [{backendRefs: [{name: a, weight: 1e308}, {name: b, weight: -1}, {name: c}]}]}\n",
    "kind: DestinationRule\nspec: {host: a.b, trafficPolicy: {outlierDetection: {}, loadBalancer: {simple: ROUND_ROBIN, consistentHash: {minimumRingSize: 3}, localityLbSetting: {failover: [], distribute: [{from: x, to: {'*': 1e308, a/b: -1}}]}}}, subsets: [{name: v, trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}}]}\n",
    "kind: VirtualService\nspec: {http: [{route: [{destination: {host: a}, weight: 1}, {destination: {subset: b}, weight: .nan}]}]}\n",
    "kind: Ingress\nmetadata: {annotations: {nginx.ingress.kubernetes.io/canary-weight: '5'}}\n",
    "kind: [\n",
];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
    }

    #[test]
    fn objects(parts in prop::collection::vec(prop::sample::select(PARTS), 0..8)) {
        exercise(parts.join("---\n").as_bytes());
    }
}

/// Many objects that have to do with each other.
#[test]
fn time_grows_with_length_alone() {
    let texts = PARTS.iter().map(|part| {
        let many = repeated("", &format!("{part}---\n"));
        (*part, many + &PARTS[..9].join("---\n"))
    });
    time_grows_with_length(texts, exercise);
}
