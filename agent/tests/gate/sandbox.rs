//! Without privileges: real `HAProxy` and Envoy with a copy of their configuration.

use std::path::Path;
use std::process::{Command, Stdio};

use evenkeel_lab::parts;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::bed::{Answer, gate};
use crate::common::EVENKEEL;

/// What production has and a pipeline has not: certificates, names, users, sockets, health checks, other machines.
const HAPROXY: &str = "
global
    log /dev/log local0
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    daemon
    pidfile /run/haproxy.pid
    stats socket /run/haproxy/admin.sock mode 660 level admin
    nbthread 2
defaults
    mode http
    log global
    errorfile 503 /etc/haproxy/errors/503.http
    default-server inter 2s weight 10 check ssl verify required ca-file /etc/missing.pem resolvers dns init-addr none
resolvers dns
    nameserver one 192.0.2.53:53
frontend in
    bind :443 ssl crt /etc/tls/missing.pem
    http-request auth unless { http_auth(people) }
    default_backend shop
userlist people
    user a password b
backend shop
    option httpchk GET /health
    http-check expect status 204
    server a 203.0.113.1:80 weight 20 check port 8081
    server b app.invalid:80 agent-check agent-port 81
    server spare 203.0.113.3:80 backup
    server drained 203.0.113.4:80 weight 0
    server-template slot 2 slots.invalid:80 weight 5
backend ring
    balance hdr(X-Tenant)
    hash-type consistent
    server a 203.0.113.1:80 weight 1
    server b 203.0.113.2:80 weight 1
    server c unix@/run/c.sock weight 2
listen db
    mode tcp
    bind :5432
    balance leastconn
    option tcp-check
    server a 203.0.113.5:5432 send-proxy-v2
    server b 203.0.113.6:5432
backend by-variable
    balance hash var(txn.tenant)
    server a 203.0.113.1:80
    server b 203.0.113.2:80
";

const ENVOY: &str = r#"
admin: { address: { socket_address: { address: 0.0.0.0, port_value: 9901 } } }
static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 443 } }
    filter_chains:
    - transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext } }
      filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          route_config:
            virtual_hosts:
            - routes:
              - { match: { prefix: / }, route: { cluster: shop } }
              - { match: { prefix: /t }, route: { cluster: ring, hash_policy: [ { header: { header_name: X-Tenant } } ] } }
              - { match: { prefix: /d }, route: { cluster: discovered } }
  - address: { socket_address: { address: 0.0.0.0, port_value: 5432 } }
    filter_chains:
    - filters:
      - name: tcp
        typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, cluster: db }
  clusters:
  - name: shop
    type: STRICT_DNS
    health_checks: [ { timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: /health } } ]
    transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext } }
    load_assignment:
      endpoints:
      - lb_endpoints:
        - { endpoint: { address: { socket_address: { address: app.invalid, port_value: 80 } } }, load_balancing_weight: 2 }
        - { endpoint: { address: { socket_address: { address: 203.0.113.2, port_value: 80 } } } }
        - { endpoint: { address: { pipe: { path: /run/c.sock } } } }
      - priority: 1
        lb_endpoints: [ { endpoint: { address: { socket_address: { address: 203.0.113.9, port_value: 80 } } } } ]
  - name: ring
    lbPolicy: RING_HASH
    ringHashLbConfig: { minimumRingSize: 4096 }
    loadAssignment:
      endpoints:
      - lbEndpoints:
        - { endpoint: { address: { socketAddress: { address: 203.0.113.1, portValue: 80 } } } }
        - { endpoint: { address: { socketAddress: { address: 203.0.113.2, portValue: 80 } } } }
  - name: db
    lb_policy: RANDOM
    load_assignment:
      endpoints:
      - lb_endpoints:
        - { endpoint: { address: { socket_address: { address: 203.0.113.5, port_value: 5432 } } } }
        - { endpoint: { address: { socket_address: { address: 203.0.113.6, port_value: 5432 } } } }
  - { name: discovered, type: EDS, eds_cluster_config: { eds_config: { ads: {}, resource_api_version: V3 } } }
"#;

fn written(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    (folder, file)
}

fn run(file: &str, program: &Path, options: &[&str]) -> Answer {
    let program = program.display().to_string();
    let first = [
        "--hermetic",
        file,
        "--program",
        &program,
        "--output",
        "json",
    ];
    gate(&[&first, options].concat())
}

fn pool<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut pools = report["pools"].as_array().unwrap().iter();
    pools.find(|pool| pool["name"] == name).unwrap()
}

fn names(pool: &Value) -> Vec<&str> {
    let all = pool["backends"].as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn haproxy_does_what_its_configuration_says() {
    let program = parts::require("haproxy").unwrap();
    let (_folder, file) = written("haproxy.cfg", HAPROXY);
    let answer = run(&file, &program, &["--max-to-mean", "1.2"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let report = answer.json();
    let shop = pool(&report, "shop");
    assert_eq!(shop["signal"], "requests");
    assert_eq!(
        names(shop),
        [
            "a (203.0.113.1:80)",
            "b (app.invalid:80)",
            "slot1 (slots.invalid:80)",
            "slot2 (slots.invalid:80)",
        ]
    );
    // 20, 10, 5 and 5 of 40; spare and drained get nothing.
    let share = |index: usize| shop["backends"][index]["share"].as_f64().unwrap();
    assert!(
        (share(0) - 0.5).abs() < 0.02 && (share(3) - 0.125).abs() < 0.02,
        "{shop}"
    );
    assert!(
        shop["notes"].to_string().contains("spare, drained"),
        "{shop}"
    );
    // By the header, whose values differ: arcs as large as the ring says.
    assert_eq!(
        pool(&report, "ring")["backends"].as_array().unwrap().len(),
        3
    );
    assert_eq!(pool(&report, "db")["signal"], "opened");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("by-variable is left out: it chooses by `var(txn.tenant)`"),
        "{notes}"
    );
}

#[test]
fn envoy_does_what_its_configuration_says() {
    let program = parts::envoy().unwrap();
    let (_folder, file) = written("envoy.yaml", ENVOY);
    let answer = run(&file, &program, &["--max-to-mean", "1.2"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let report = answer.json();
    let shop = pool(&report, "shop");
    assert_eq!(
        names(shop),
        ["app.invalid:80", "203.0.113.2:80", "/run/c.sock"]
    );
    let share = shop["backends"][0]["share"].as_f64().unwrap();
    assert!((share - 0.5).abs() < 0.05, "{shop}");
    assert!(
        shop["notes"].to_string().contains("203.0.113.9:80"),
        "{shop}"
    );
    let ring = pool(&report, "ring");
    assert!(
        ring["notes"].to_string().contains("audit --pools"),
        "{ring}"
    );
    assert_eq!(pool(&report, "db")["signal"], "opened");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("discovered is left out: its endpoints come from"),
        "{notes}"
    );
}

#[test]
fn what_is_expected_and_not_kept_is_skewed() {
    let haproxy = parts::require("haproxy").unwrap();
    let (_folder, file) = written("haproxy.cfg", HAPROXY);
    let equal = [
        "--pool",
        "shop",
        "--expect",
        "equal",
        "--max-to-mean",
        "1.2",
    ];
    let answer = run(&file, &haproxy, &equal);
    assert_eq!(answer.code, 3, "{answer:?}");
    let factor = answer.json()["pools"][0]["capacity"]["factor"]
        .as_f64()
        .unwrap();
    assert!((factor - 2.0).abs() < 0.1, "{factor}");
    let (_folder, file) = written("envoy.json", &json(ENVOY));
    let answer = run(&file, &parts::envoy().unwrap(), &equal);
    assert_eq!(answer.code, 3, "{answer:?}");
}

/// A bootstrap in JSON.
fn json(yaml: &str) -> String {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    value.to_string()
}

#[test]
fn they_need_no_privileges_and_leave_nothing() {
    let everybody = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
    for (name, text, program) in [
        ("haproxy.cfg", HAPROXY, parts::require("haproxy").unwrap()),
        ("envoy.yaml", ENVOY, parts::envoy().unwrap()),
    ] {
        let (folder, file) = written(name, text);
        // Where nobody may look: the programs, the configuration, and a folder for the copy.
        let own = folder.path().join("evenkeel");
        let balancer = folder.path().join("balancer");
        std::fs::copy(EVENKEEL, &own).unwrap();
        std::fs::copy(program, &balancer).unwrap();
        let copies = folder.path().join("copies");
        std::fs::create_dir(&copies).unwrap();
        for path in [folder.path(), &copies, &balancer] {
            std::fs::set_permissions(path, everybody(0o777)).unwrap();
        }
        let output = Command::new("setpriv")
            .args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "timeout",
                "60",
            ])
            .arg(&own)
            .args([
                "gate",
                "--hermetic",
                &file,
                "--pool",
                "shop",
                "--max-to-mean",
                "1.2",
            ])
            .arg("--program")
            .arg(&balancer)
            .env("TMPDIR", &copies)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let answer = Answer::of(&output);
        assert_eq!(answer.code, 0, "{name}: {answer:?}");
        assert_eq!(
            std::fs::read_dir(&copies).unwrap().count(),
            0,
            "the copy is gone"
        );
        assert!(
            !runs(&copies.display().to_string()),
            "{name}: the balancer has ended"
        );
    }
}

/// Whether a process has this text in its command line.
fn runs(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
}

#[test]
fn what_cannot_be_started_is_told() {
    let refused = |name: &str, text: &str, options: &[&str]| {
        let (_folder, file) = written(name, text);
        let answer = gate(&[&["--hermetic", &file], options].concat());
        assert_eq!(answer.code, 2, "{answer:?}");
        answer.err
    };
    let pools = "backend a\n server a 203.0.113.1:80\n server b 203.0.113.2:80\n";
    let unknown = format!("{pools} balance nonsense\n");
    assert!(
        refused("haproxy.cfg", &unknown, &["--expect", "equal"])
            .contains("HAProxy refuses the copy")
    );
    let condition = format!(".if feature(X)\n{pools}.endif\n");
    assert!(
        refused("haproxy.cfg", &condition, &[])
            .contains("a is left out: it depends on a condition")
    );
    assert!(refused("notes.txt", "hello\n", &[]).contains("--as PRODUCT"));
    let caddy = refused("notes.txt", "hello\n", &["--as", "caddy"]);
    assert!(
        caddy.contains("there is no hermetic gate for Caddy"),
        "{caddy}"
    );
    let dns =
        "static_resources: { clusters: [ { name: a, type: LOGICAL_DNS, load_assignment: {} } ] }";
    let dns = refused("envoy.yaml", dns, &[]);
    assert!(
        dns.contains("a is left out: a name is one host at a time"),
        "{dns}"
    );
    let (_folder, file) = written("haproxy.cfg", pools);
    let none = gate(&["--hermetic", &file, "--program", "/nowhere/haproxy"]);
    assert_eq!(none.code, 1, "{none:?}");
    assert!(
        none.err
            .contains("install HAProxy, or name it by --program"),
        "{none:?}"
    );
}
