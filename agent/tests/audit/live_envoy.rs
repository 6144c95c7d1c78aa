//! `--running`: what Envoy does now, against its configuration; and Apache httpd, which is found.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use evenkeel_lab::parts::{envoy, require};
use evenkeel_lab::wait::wait_for;

use crate::bed::audit_in;
use crate::live_bed::{Bed, PATIENCE, differences, message};

const ENVOY: &str = r#"
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}
node: {id: lab, cluster: lab}
dynamic_resources: {cds_config: {path_config_source: {path: FOLDER/cds.yaml}}}
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: web, cluster: shop}
  clusters:
  - name: shop
    type: STATIC
    connect_timeout: 1s
    health_checks: [{timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}]
    load_assignment:
      cluster_name: shop
      endpoints:
      - lb_endpoints:
        - {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}, load_balancing_weight: 3}
        - {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9}}}}
  - name: named
    type: EDS
    connect_timeout: 1s
    eds_cluster_config: {eds_config: {path_config_source: {path: FOLDER/eds.yaml}}}
"#;
const EDS: &str = r#"
resources:
- "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name: named
  endpoints:
  - lb_endpoints:
    - {endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}, load_balancing_weight: 7}
    - {endpoint: {address: {socket_address: {address: 192.0.2.2, port_value: 80}}}, load_balancing_weight: 7}
"#;
const CDS: &str = r#"
resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: found
  type: STATIC
  connect_timeout: 1s
  load_assignment:
    cluster_name: found
    endpoints:
    - lb_endpoints:
      - {endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 81}}}, load_balancing_weight: 1}
      - {endpoint: {address: {socket_address: {address: 192.0.2.2, port_value: 81}}}, load_balancing_weight: 9}
"#;

#[test]
fn what_envoy_sees_of_its_hosts_is_told() {
    let mut bed = Bed::start(
        "Envoy",
        envoy().unwrap(),
        &["--disable-hot-restart", "-l", "error", "-c", "e.yaml"],
        &[("e.yaml", ENVOY), ("eds.yaml", EDS), ("cds.yaml", CDS)],
    );
    let read = bed.await_told("Envoy's checks to fail", |told| {
        let read = told.first()?;
        (differences(read) == ["EVK-007 127.0.0.1:9"]).then(|| read.clone())
    });
    let down = message(&read, "EVK-007");
    assert!(down.contains("failed_active_health_check"), "{down}");
    assert!(down.contains("others get the 25.0 %"), "{down}");
    assert_eq!(read["process"]["state"]["asked"], "127.0.0.1:9901");

    // Envoy loads a file when another takes its place, not when it is written to.
    std::fs::write(
        bed.file("eds.yaml"),
        EDS.replace(
            "192.0.2.2, port_value: 80}}}, load_balancing_weight: 7",
            "192.0.2.2, port_value: 80}}}, load_balancing_weight: 9",
        ),
    )
    .unwrap();
    let told = bed.told();
    let expected = ["EVK-007 127.0.0.1:9", "GEN-006 192.0.2.2:80"];
    assert_eq!(differences(&told[0]), expected);
    let text = std::fs::read_to_string(bed.file("e.yaml")).unwrap();
    std::fs::write(bed.file("e.yaml"), text + "\n").unwrap();
    let later = SystemTime::now() + Duration::from_secs(1);
    let file = File::options()
        .append(true)
        .open(bed.file("e.yaml"))
        .unwrap();
    file.set_modified(later).unwrap();
    let changed = bed.told()[0]["process"]["changed"].clone();
    assert_eq!(changed.as_array().unwrap().len(), 1);
    assert_eq!(changed[0]["file"], bed.file("e.yaml").to_str().unwrap());
}

/// What discovery brings is in no bootstrap, and audited as Envoy tells it.
#[test]
fn what_envoy_discovered_is_audited() {
    let bootstrap = ENVOY.replace(
        "path_config_source: {path: FOLDER/cds.yaml}",
        "path: FOLDER/cds.yaml",
    );
    let mut bed = Bed::start(
        "Envoy",
        envoy().unwrap(),
        &[
            "--disable-hot-restart",
            "-l",
            "error",
            "--config-yaml",
            &bootstrap,
        ],
        &[("eds.yaml", EDS), ("cds.yaml", CDS)],
    );
    let told = bed.await_told("Envoy to tell of what it discovered", |told| {
        (told.len() == 2).then(|| told.to_vec())
    });
    let inline = format!("command line of process {}", bed.process.pid());
    assert_eq!(told[0]["file"], inline);
    assert_eq!(told[1]["file"], "config_dump of 127.0.0.1:9901");
    let found: Vec<_> = told[1]["findings"].as_array().unwrap().iter().collect();
    assert!(
        found.iter().any(|found| found["rule"] == "ENV-001"),
        "{found:#?}"
    );
    assert!(
        found.iter().all(|found| found["pool"] == "found"),
        "{found:#?}"
    );
    assert_eq!(differences(&told[1]), [""; 0]);
}

/// `--running` knows more processes than it understands configurations.
#[test]
fn other_servers_are_named() {
    let mut bed = Bed::start(
        "Apache httpd",
        require("apache2").unwrap(),
        &["-d", "FOLDER", "-f", "httpd.conf", "-DFOREGROUND"],
        &[(
            "httpd.conf",
            "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\nLoadModule authz_core_module \
             /usr/lib/apache2/modules/mod_authz_core.so\nServerName lab\nListen 127.0.0.1:8080\nPidFile FOLDER/pid\nErrorLog \
             FOLDER/log\nDefaultRuntimeDir FOLDER\n",
        )],
    );
    let pid = bed.process.pid();
    let path = bed.file("httpd.conf");
    let told = wait_for(PATIENCE, "httpd to be seen", || {
        bed.process.check()?;
        let answer = audit_in(bed.folder.path(), &["--running", "--output", "json"]);
        let json = answer.json();
        let lists = ["not_understood", "configurations"];
        let mut all = lists.iter().flat_map(|list| json[list].as_array().unwrap());
        Ok(all
            .find(|found| found["file"] == Path::new(&path).to_str().unwrap())
            .cloned())
    })
    .unwrap();
    let of = if told["pid"].is_null() {
        &told["process"]["pid"]
    } else {
        &told["pid"]
    };
    assert_eq!((&told["product"], of), (&"apache".into(), &pid.into()));
}
