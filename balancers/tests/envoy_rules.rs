//! Every rule of Envoy's: a configuration that shows it and one that does not, both accepted by Envoy itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::model::State;
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, Rule, Severity, detect, read, rules};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::envoy;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;

use common::rules::{
    bad_ones_show_their_rule, good_ones_show_nothing_but_notes, the_product_accepts_them,
};
use common::{configuration, folder, today};

/// The rules that only an Envoy configuration can show.
fn shown_by_envoy() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| rule.product == Some(Product::Envoy))
}

#[test]
fn bad_configurations_show_their_rule() {
    bad_ones_show_their_rule(Product::Envoy, "bad.yaml", shown_by_envoy());
}

#[test]
fn good_configurations_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Envoy, "good.yaml", shown_by_envoy());
}

#[test]
fn envoy_accepts_them() {
    let envoy = envoy().unwrap();
    the_product_accepts_them(
        Product::Envoy,
        ["bad.yaml", "good.yaml"],
        shown_by_envoy(),
        |_| false,
        |path| {
            let mut command = Command::new(&envoy);
            command.args(["--mode", "validate", "--log-level", "error", "-c"]);
            command.arg(path).output().unwrap()
        },
    );
}

/// What the rules find beside what the configurations on disk show: a change to one of them, and words of the message.
#[test]
fn milder_and_worse_cases() {
    let weighted = "common_lb_config: { locality_weighted_lb_config: {} }\n    type: STATIC";
    let split = "route: { weighted_clusters: { clusters: [{ name: shop, weight: 95 }, { name: new, weight: 5 }] } }";
    let single = "route: { cluster: shop }";
    let header = "- header: { header_name: x-user }";
    let other =
        format!("{header}\n              - match: {{ prefix: /b }}\n                {single}");
    let cases = [
        (
            "ENV-001/bad",
            "type: STATIC",
            "type: STATIC\n    lb_policy: RANDOM",
            "ENV-001",
            "RANDOM ignores weights: each of its locality gets 33.3 %",
        ),
        (
            "ENV-018/good",
            single,
            split,
            "ENV-001",
            "route 1 of web shares its traffic out by weight: shop 95.0 % and new 5.0 %",
        ),
        (
            "ENV-003/good",
            header,
            &other,
            "ENV-003",
            "1 of 2 routes to `shop` have no `hash_policy`",
        ),
        ("ENV-013/bad", "type: STATIC", weighted, "ENV-013", ""),
    ];
    for (name, from, to, id, words) in cases {
        let text =
            std::fs::read_to_string(folder(Product::Envoy).join(format!("{name}.yaml"))).unwrap();
        assert!(text.contains(from), "{name}");
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("envoy.yaml");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let audit = configuration(Product::Envoy, &path).audit(today());
        let mut found = audit
            .findings
            .iter()
            .filter(|finding| finding.rule.id == id);
        // No words: the change takes the finding away.
        let told = found.next().map(|finding| finding.message.as_str());
        assert!(
            told.map_or(words.is_empty(), |told| !words.is_empty()
                && told.contains(words)),
            "{name} {id}: {told:?}"
        );
    }
}

/// Localities that get nothing, and panic mode as it stands.
#[test]
fn weightless_localities_and_panic() {
    let text = "static_resources: { clusters: [{ name: a, common_lb_config: { locality_weighted_lb_config: {} }, load_assignment: { cluster_name: a, endpoints: [
        { locality: { zone: x }, load_balancing_weight: 1, lb_endpoints: [{ endpoint: { address: { socket_address: { address: 192.0.2.1, port_value: 1 } } } }] },
        { locality: { zone: y }, lb_endpoints: [{ endpoint: { address: { socket_address: { address: 192.0.2.2, port_value: 1 } } } }] },
        ] } }, { name: b, load_assignment: { cluster_name: b, endpoints: [{ lb_endpoints: [
        { endpoint: { address: { pipe: { path: /a } } } }, { endpoint: { address: { pipe: { path: /b } } }, health_status: UNHEALTHY }, { endpoint: { address: { pipe: { path: /c } } }, healthStatus: TIMEOUT } ] }] } }] }";
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("envoy.yaml");
    std::fs::write(&path, text).unwrap();
    let configuration = configuration(Product::Envoy, &path);
    let shares: Vec<_> = configuration
        .pools
        .iter()
        .map(|pool| pool.shares.exact().unwrap())
        .collect();
    assert_eq!(shares[0], [1.0, 0.0]);
    assert!(
        shares[1]
            .iter()
            .all(|share| (share - 1.0 / 3.0).abs() < 1e-9),
        "{shares:?}"
    );
    let states: Vec<_> = configuration.pools[0]
        .servers
        .iter()
        .map(|server| server.state)
        .collect();
    assert_eq!(states, [State::InRotation, State::Disabled]);
    let audit = configuration.audit(today());
    let told = |id: &str| {
        audit
            .findings
            .iter()
            .find(|finding| finding.rule.id == id)
            .unwrap()
    };
    assert_eq!(
        told("ENV-013").message,
        "y has no weight, and so no load: its 1 host will get 0 %"
    );
    assert_eq!(told("ENV-005").severity, Severity::Error);
}

/// Files that a bootstrap names are read, and missing ones are told.
#[test]
fn files_of_discovery_are_read() {
    let bootstrap = "dynamic_resources: { cds_config: { path_config_source: { path: /e/cds.yaml } }, lds_config: { path_config_source: { path: /e/lds.yaml } } }";
    let clusters = "resources:\n- '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: shop\n  type: EDS\n  eds_cluster_config: { eds_config: { path_config_source: { path: eds.json } } }\n";
    let endpoints = r#"{"resources": [{"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "clusterName": "shop", "endpoints": [{"lbEndpoints": [
        {"endpoint": {"address": {"socketAddress": {"address": "192.0.2.1", "portValue": 80}}}, "loadBalancingWeight": 3},
        {"endpoint": {"address": {"socketAddress": {"address": "2001:db8::2", "portValue": 80}}}}]}]}]}"#;
    let files = MemoryFiles::new()
        .with("/e/envoy.yaml", bootstrap)
        .with("/e/cds.yaml", clusters)
        .with("/e/eds.json", endpoints);
    let configuration = read(
        Product::Envoy,
        &files,
        Path::new("/e/envoy.yaml"),
        &Options::default(),
    )
    .unwrap();
    let shop = &configuration.pools[0];
    assert_eq!(shop.shares.exact(), Some(vec![0.75, 0.25]));
    assert_eq!(shop.servers[1].address.key(), "[2001:db8::2]:80");
    let audit = configuration.audit(today());
    let told: Vec<_> = audit
        .findings
        .iter()
        .map(|finding| (finding.rule.id, configuration.sources.locate(finding.place)))
        .collect();
    let expected = [
        ("EVK-004", "/e/envoy.yaml:1:123"),
        ("ENV-001", "/e/eds.json:2:120"),
    ];
    assert_eq!(told, expected.map(|(id, place)| (id, place.to_owned())));
}

/// A comment in YAML covers its line, or the next item or key with all that is in it.
#[test]
fn comments_allow_findings() {
    let folder = folder(Product::Envoy).join("ENV-001");
    let text = std::fs::read_to_string(folder.join("bad.yaml")).unwrap();
    let comment = "# evenkeel: allow ENV-001 because it is larger\n";
    let count = |text: String| {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("envoy.yaml");
        std::fs::write(&path, text).unwrap();
        let audit = configuration(Product::Envoy, &path).audit(today());
        let ids: Vec<_> = audit
            .findings
            .iter()
            .map(|finding| finding.rule.id)
            .collect();
        (
            audit.allowed.len(),
            ids.contains(&"ENV-001"),
            ids.contains(&"EVK-003"),
        )
    };
    assert_eq!(count(text.clone()), (0, true, false));
    assert_eq!(count(format!("{comment}{text}")), (1, false, false));
    let before = |line: &str| text.replacen(line, &format!("{comment}{line}"), 1);
    assert_eq!(count(before("  - name: shop\n")), (1, false, false));
    assert_eq!(
        count(before("          load_balancing_weight: 8\n")),
        (1, false, false)
    );
    assert_eq!(count(before("  listeners:\n")), (0, true, true));
}

/// What Envoy's `/config_dump` says is read as the file is that Envoy was given.
#[test]
fn dumps_are_read() {
    for id in ["ENV-002", "ENV-010", "ENV-013", "ENV-014"] {
        let folder = folder(Product::Envoy).join(id);
        let path = folder.join("bad.yaml");
        let work = tempfile::tempdir().unwrap();
        let dump = work.path().join("dump.json");
        std::fs::write(&dump, config_dump(&path)).unwrap();
        let (file, dump) = (
            configuration(Product::Envoy, &path),
            configuration(Product::Envoy, &dump),
        );
        assert_eq!(
            detect(Path::new("x"), &dump.sources.iter().next().unwrap().text),
            Some(Product::Envoy)
        );
        let pools = |from: &Configuration| -> Vec<_> {
            let pools = from.pools.iter();
            pools
                .map(|pool| {
                    (
                        pool.name.clone(),
                        pool.algorithm.clone(),
                        pool.shares.clone(),
                        pool.comparability,
                        pool.used,
                    )
                })
                .collect()
        };
        assert_eq!(pools(&file), pools(&dump), "{id}");
        let found = |from: &Configuration| -> BTreeSet<_> {
            from.audit(today())
                .findings
                .iter()
                .map(|finding| (finding.rule.id, finding.message.clone()))
                .collect()
        };
        assert_eq!(found(&file), found(&dump), "{id}");
    }
}

/// Runs Envoy with a configuration and asks its admin interface.
fn config_dump(path: &Path) -> String {
    let namespace = Namespace::create("envoy-dump").unwrap();
    let mut command = Command::new(envoy().unwrap());
    let admin = "admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }";
    command.args([
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "error",
    ]);
    command.args(["--config-yaml", admin, "-c"]).arg(path);
    let mut envoy = Process::spawn(&namespace, "envoy", &mut command).unwrap();
    let answer = namespace.enter(|| {
        let stream = wait_for(Duration::from_secs(60), "Envoy to listen", || {
            envoy.check()?;
            Ok(TcpStream::connect("127.0.0.1:9901").ok())
        });
        let mut stream = stream.unwrap();
        let request =
            "GET /config_dump?include_eds HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("200 OK"), "{head}");
    if head.contains("chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
}

/// GEN-001: connections of a database through a proxy of connections, unless it bounds their age.
#[test]
fn known_ports_show_connections_that_live_long() {
    let found = |age: &str| {
        let host = |number: u8| {
            format!(
                "{{ endpoint: {{ address: {{ socket_address: {{ address: 192.0.2.{number}, port_value: 5432 }} }} }} }}"
            )
        };
        let text = format!(
            "static_resources:\n  clusters:\n  - name: db\n    type: STATIC\n    outlier_detection: {{}}\n    load_assignment: {{ cluster_name: db, endpoints: [{{ lb_endpoints: [{}, {}] }}] }}\n  listeners:\n  - name: db\n    filter_chains:\n    - filters:\n      - name: envoy.filters.network.tcp_proxy\n        typed_config:\n          \"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy\n          stat_prefix: db\n          cluster: db\n{age}",
            host(1),
            host(2),
        );
        let configuration = common::bytes::read_text(Product::Envoy, "envoy.yaml", text).unwrap();
        let audit = configuration.audit(today());
        let findings = audit.findings.iter();
        findings
            .filter(|finding| finding.rule.id == "GEN-001")
            .count()
    };
    assert_eq!(found(""), 1);
    assert_eq!(
        found("          max_downstream_connection_duration: 600s\n"),
        0
    );
}
