//! `--running`: what real balancers do now, against their configurations.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::{envoy, require};
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::bed::{audit_in, write};

const PATIENCE: Duration = Duration::from_secs(20);

/// A balancer in a namespace of its own, with its files. It ends when this does.
struct Bed {
    process: Process,
    folder: TempDir,
    _namespace: Namespace,
}

impl Bed {
    fn start(name: &str, program: PathBuf, arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = tempdir().unwrap();
        let at = folder.path().to_str().unwrap();
        for (file, text) in files {
            let text = text.replace("FOLDER", at);
            write(folder.path(), &[(file, text.as_bytes())]);
        }
        let namespace = Namespace::create("live").unwrap();
        let arguments = arguments.iter().map(|text| text.replace("FOLDER", at));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path());
        let process = Process::spawn(&namespace, name, &mut command).unwrap();
        Self {
            process,
            folder,
            _namespace: namespace,
        }
    }

    fn haproxy(arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let mut bed = Self::start("HAProxy", require("haproxy").unwrap(), arguments, files);
        let socket = bed.file("socket");
        wait_for(PATIENCE, "HAProxy's socket", || {
            bed.process.check()?;
            Ok(UnixStream::connect(&socket).ok())
        })
        .unwrap();
        bed
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives a command to HAProxy.
    fn tell(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.file("socket")).unwrap();
        stream.write_all(format!("{command}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What is told of this process: a configuration for each text.
    fn told(&self) -> Vec<Value> {
        let json = audit_in(self.folder.path(), &["--running", "--output", "json"]).json();
        let all = json["configurations"].as_array().unwrap();
        let own = all
            .iter()
            .filter(|read| read["process"]["pid"] == self.process.pid());
        own.cloned().collect()
    }

    /// The same, once it answers and `wanted` finds what it looks for in it.
    fn await_told<T>(&mut self, what: &str, wanted: impl Fn(&[Value]) -> Option<T>) -> T {
        wait_for(PATIENCE, what, || {
            self.process.check()?;
            Ok(wanted(&self.told()))
        })
        .unwrap()
    }
}

/// Without line ends, which depend on the width of the terminal.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `RULE subject` of each finding whose rule compares.
fn differences(read: &Value) -> Vec<String> {
    let compared = ["EVK-005", "EVK-006", "EVK-007", "GEN-005", "GEN-006"];
    let findings = read["findings"].as_array().unwrap().iter();
    let mut found: Vec<String> = findings
        .filter(|found| compared.iter().any(|rule| found["rule"] == *rule))
        .map(|found| {
            let text = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
            format!("{} {}", text("rule"), text("subject"))
        })
        .collect();
    found.sort();
    found
}

fn message(read: &Value, rule: &str) -> String {
    let mut findings = read["findings"].as_array().unwrap().iter();
    let found = findings.find(|found| found["rule"] == rule);
    let found = found.unwrap_or_else(|| panic!("no {rule} in {read:#}"));
    found["message"].as_str().unwrap().to_owned()
}

const GLOBAL: &str = "global\n  stats socket FOLDER/socket mode 600 level admin\ndefaults\n  mode tcp\n  timeout connect 1s\n  \
                      timeout client 5s\n  timeout server 5s\nfrontend web\n  bind 127.0.0.1:8080\n  default_backend shop\n";
const SHOP: &str = "backend shop\n  balance roundrobin\n  server a 192.0.2.1:80 weight 10\n  server b 192.0.2.2:80 weight 10\n  \
                    server c 192.0.2.3:80 weight 10 disabled\n  server d 192.0.2.4:80 weight 10\n";

#[test]
fn what_was_done_to_haproxy_at_run_time_is_told() {
    let bed = Bed::haproxy(
        &["-db", "-f", "FOLDER/a.cfg", "-f", "FOLDER/conf.d"],
        &[("a.cfg", GLOBAL), ("conf.d/shop.cfg", SHOP)],
    );
    let [read] = &bed.told()[..] else {
        panic!("one configuration of two files")
    };
    let files = serde_json::json!([bed.file("a.cfg"), bed.file("conf.d/shop.cfg")]);
    assert_eq!(read["files"], files);
    assert_eq!(differences(read), [""; 0]);
    let state = &read["process"]["state"];
    assert_eq!(state["asked"], bed.file("socket").to_str().unwrap());
    assert_eq!(state["error"], Value::Null);
    let server = &state["pools"][0]["servers"][2];
    assert_eq!(
        (&server["name"], &server["condition"]),
        (&"c".into(), &"maintenance".into())
    );

    for command in [
        "set weight shop/a 50%",
        "set server shop/b state drain",
        "enable server shop/c",
        "set server shop/d addr 192.0.2.44 port 99",
        "add server shop/new 192.0.2.9:80 weight 20",
        "enable server shop/new",
    ] {
        bed.tell(command);
    }
    let [read] = &bed.told()[..] else {
        panic!("one configuration")
    };
    let expected = [
        "EVK-005 b",
        "EVK-005 c",
        "EVK-006 d",
        "EVK-006 new",
        "GEN-006 a",
    ];
    assert_eq!(differences(read), expected);
    let weight = message(read, "GEN-006");
    assert!(
        weight.starts_with("the weight of a is 5 (11.1 % of the weight"),
        "{weight}"
    );
    let text = flowing(&audit_in(bed.folder.path(), &["--running"]).out);
    let asked = format!("asked: at {}: version 2.", bed.file("socket").display());
    assert!(text.contains(&asked), "{text}");
    assert!(
        text.contains("1 pool with 5 servers, 4 of them in rotation"),
        "{text}"
    );
}

#[test]
fn a_file_that_haproxy_has_not_loaded_is_told() {
    let mut bed = Bed::haproxy(
        &["-W", "-db", "-f", "a.cfg"],
        &[("a.cfg", &(GLOBAL.to_owned() + SHOP))],
    );
    let read = bed.await_told("the worker to be seen", |told| told.first().cloned());
    assert_eq!(differences(&read), [""; 0]);
    let text = std::fs::read_to_string(bed.file("a.cfg")).unwrap();
    std::fs::write(
        bed.file("a.cfg"),
        text.replace("a 192.0.2.1:80 weight 10", "a 192.0.2.1:80 weight 30"),
    )
    .unwrap();
    let later = SystemTime::now() + Duration::from_secs(1);
    let file = File::options()
        .append(true)
        .open(bed.file("a.cfg"))
        .unwrap();
    file.set_modified(later).unwrap();
    let told = bed.told();
    let path = bed.file("a.cfg").display().to_string();
    assert_eq!(
        differences(&told[0]),
        [format!("GEN-006 {path}"), "GEN-006 a".to_owned()]
    );
    assert_eq!(told[0]["process"]["changed"][0]["file"], path);

    // The master loads it, and its new worker is asked.
    File::options()
        .append(true)
        .open(bed.file("a.cfg"))
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(1))
        .unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(bed.process.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::USR2).unwrap();
    bed.await_told("the reload to be seen", |told| {
        let [read] = told else { return None };
        let pools = read["process"]["state"]["pools"].as_array()?;
        (!pools.is_empty() && differences(read).is_empty()).then_some(())
    });
}

#[test]
fn a_haproxy_that_cannot_be_asked_is_audited_all_the_same() {
    let silent = GLOBAL.replace(
        "stats socket FOLDER/socket mode 600 level admin",
        "maxconn 100",
    );
    let mut bed = Bed::start(
        "HAProxy",
        require("haproxy").unwrap(),
        &["-db", "-f", "a.cfg"],
        &[("a.cfg", &(silent + SHOP))],
    );
    let read = bed.await_told("HAProxy to be seen", |told| told.first().cloned());
    let state = &read["process"]["state"];
    assert_eq!(state["asked"], Value::Null);
    assert!(
        state["error"]
            .as_str()
            .unwrap()
            .contains("no `stats socket`"),
        "{state}"
    );
    assert!(
        !read["findings"].as_array().unwrap().is_empty(),
        "HAP-001 of the server that is disabled"
    );
    let text = flowing(&audit_in(bed.folder.path(), &["--running"]).out);
    assert!(
        text.contains("not asked: its configuration has no `stats socket`"),
        "{text}"
    );
}

/// After `chroot` its root is an empty folder; what it read is where it was.
#[test]
fn a_haproxy_that_changed_its_root_is_read_and_asked() {
    let global = GLOBAL.replace("defaults", "  chroot FOLDER/empty\ndefaults");
    let bed = Bed::haproxy(
        &["-db", "-f", "FOLDER/a.cfg"],
        &[("a.cfg", &(global + SHOP)), ("empty/none", "")],
    );
    bed.tell("disable server shop/a");
    let told = bed.told();
    assert_eq!(differences(&told[0]), ["EVK-005 a"]);
}

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
