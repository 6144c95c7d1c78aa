//! `--running`, with real balancers.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use evenkeel_balancers::Product as Understood;
use evenkeel_lab::balancer::{Balancer, Mode, Product, Server, Setup};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;
use tempfile::tempdir;

use crate::bed::{Answer, audit_in, upstream, write};

const PATIENCE: Duration = Duration::from_secs(20);

fn setup(weights: [u32; 2]) -> Setup {
    let at = |text: &str| -> SocketAddr { text.parse().unwrap() };
    let addresses = [at("192.0.2.1:8080"), at("192.0.2.2:8080")];
    let mut setup = Setup::new(Mode::Http, at("127.0.0.1:8080"), addresses);
    setup.servers = addresses
        .into_iter()
        .zip(weights)
        .map(|(address, weight)| Server {
            weight,
            ..Server::new(address)
        })
        .collect();
    setup
}

/// What is told of one process; others may run on this host, and how it ends is theirs as well.
fn told(pid: u32, folder: &Path) -> Value {
    let answer = audit_in(folder, &["--running", "--output", "json"]);
    let json = answer.json();
    let read = json["configurations"].as_array().unwrap();
    let mut own = read.iter().filter(|read| read["process"]["pid"] == pid);
    let found = own.next().unwrap_or_else(|| panic!("{answer:?}")).clone();
    assert!(
        own.next().is_none(),
        "workers are no balancers of their own"
    );
    found
}

#[test]
fn the_configuration_that_nginx_was_started_with_is_audited() {
    let namespace = Namespace::create("audit").unwrap();
    let mut nginx = Balancer::start(Product::Nginx, &namespace, setup([1, 8])).unwrap();
    let (config, folder) = (nginx.config_path(), std::env::temp_dir());
    let found = told(nginx.pid(), &folder);
    assert_eq!(found["file"], config.to_str().unwrap());
    assert_eq!(found["findings"][0]["rule"], "NGX-001");
    assert_eq!(found["process"]["changed"], serde_json::json!([]));

    // Written and not loaded: nginx goes on with what it read.
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("weight=8", "weight=1")).unwrap();
    let later = SystemTime::now() + Duration::from_secs(1);
    std::fs::File::options()
        .append(true)
        .open(&config)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let found = told(nginx.pid(), &folder);
    assert_eq!(
        found["process"]["changed"][0]["file"],
        config.to_str().unwrap()
    );
    let text = audit_in(&folder, &["--running"]).out;
    assert!(text.contains("is not loaded"), "{text}");

    let before = told(nginx.pid(), &folder)["process"]["loaded"].clone();
    nginx.reload(setup([1, 1])).unwrap();
    let found = told(nginx.pid(), &folder);
    assert_eq!(
        found["process"]["changed"],
        serde_json::json!([]),
        "loaded by the reload"
    );
    assert!(found["process"]["loaded"].as_str() > before.as_str());
}

/// HAProxy and Envoy are found. Whether they are audited depends on whether their configurations are understood.
#[test]
fn other_balancers_are_found_and_named() {
    for (product, name) in [(Product::Haproxy, "haproxy"), (Product::Envoy, "envoy")] {
        let namespace = Namespace::create("audit").unwrap();
        let balancer = Balancer::start(product, &namespace, setup([1, 8])).unwrap();
        let answer = audit_in(&std::env::temp_dir(), &["--running", "--output", "json"]);
        let json = answer.json();
        let own = |list: &str, pid: fn(&Value) -> &Value| {
            let all = json[list].as_array().unwrap();
            let mut own = all.iter().filter(|found| pid(found) == balancer.pid());
            own.next().cloned()
        };
        let found = if Understood::from_name(name).is_some() {
            own("configurations", |found| &found["process"]["pid"])
        } else {
            own("not_understood", |found| &found["pid"])
        };
        let found = found.unwrap_or_else(|| panic!("{answer:?}"));
        assert_eq!(found["product"], name);
        assert_eq!(found["file"], balancer.config_path().to_str().unwrap());
    }
}

#[test]
fn a_process_that_may_not_be_looked_into_is_said_to_be() {
    let namespace = Namespace::create("audit").unwrap();
    let nginx = Balancer::start(Product::Nginx, &namespace, setup([1, 8])).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set", "-sys_ptrace"])
        .args([env!("CARGO_BIN_EXE_evenkeel"), "audit", "--running"])
        .args(["--output", "json"]);
    let answer = Answer::of(&command.output().unwrap());
    assert_eq!(answer.code, 2);
    let json = answer.json();
    let of = format!("process {} does not let its files be seen", nginx.pid());
    let mut messages = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["message"].as_str().unwrap());
    assert!(messages.any(|message| message.contains(&of)), "{answer:?}");
}

/// A script in a mount namespace of its own, where `/etc/nginx` is a folder of the test.
fn contained(etc: &Path, script: &str) -> Command {
    let mut command = Command::new("timeout");
    let prepare = format!("mount --bind '{}' /etc/nginx && {script}", etc.display());
    command
        .args(["60", "unshare", "--mount", "--net"])
        .args([
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
        ])
        .arg(prepare);
    command
}

/// nginx' configuration where Debian has it, with a link as Debian makes them.
fn etc(folder: &Path) {
    let main = format!(
        "daemon off; pid {0}/pid; error_log stderr; events {{}}\n\
         http {{ access_log off; include /etc/nginx/sites-enabled/*; server {{ listen unix:{0}/socket; }} }}\n",
        folder.display()
    );
    let shop = upstream("shop", 8);
    let files = [
        ("nginx.conf", main.as_bytes()),
        ("sites-available/only-here", shop.as_bytes()),
    ];
    write(folder, &files);
    std::fs::create_dir(folder.join("sites-enabled")).unwrap();
    let link = folder.join("sites-enabled/shop");
    std::os::unix::fs::symlink("/etc/nginx/sites-available/only-here", link).unwrap();
}

#[test]
fn what_a_process_in_a_container_reads_is_read_in_its_root() {
    let folder = tempdir().unwrap();
    etc(folder.path());
    let nginx = require("nginx").unwrap();
    let script = format!("exec {} -e stderr", nginx.display());
    let mut command = contained(folder.path(), &script);
    let mut process = Process::spawn(&Namespace::current(), "nginx", &mut command).unwrap();
    let pool = wait_for(PATIENCE, "nginx in its container to be seen", || {
        process.check()?;
        let json = audit_in(&std::env::temp_dir(), &["--running", "--output", "json"]).json();
        let read = json["configurations"].as_array().unwrap();
        let mut found = read
            .iter()
            .flat_map(|read| read["findings"].as_array().unwrap());
        Ok(found
            .find(|found| found["file"] == "/etc/nginx/sites-enabled/shop")
            .map(|found| found["pool"].clone()))
    });
    assert_eq!(pool.unwrap(), "shop");
}

#[test]
fn the_exit_code_is_that_of_what_runs() {
    let folder = tempdir().unwrap();
    etc(folder.path());
    let (nginx, evenkeel) = (require("nginx").unwrap(), env!("CARGO_BIN_EXE_evenkeel"));
    let alone = format!("exec {evenkeel} audit --running");
    let answer = Answer::of(&contained(folder.path(), &alone).output().unwrap());
    assert_eq!((answer.code, answer.out.as_str()), (1, ""));
    let nothing = "no nginx, HAProxy, Envoy, Apache httpd, Caddy or Traefik runs here";
    assert!(answer.err.contains(nothing), "{}", answer.err);
    let alone = format!("{alone} --output json");
    let answer = Answer::of(&contained(folder.path(), &alone).output().unwrap());
    assert_eq!(answer.code, 1);
    assert_eq!(answer.json()["configurations"], serde_json::json!([]));

    let with = format!(
        "{{ {} -e stderr & }}; until [ -s '{}/pid' ]; do sleep 0.05; done; {evenkeel} audit --running",
        nginx.display(),
        folder.path().display()
    );
    let answer = Answer::of(&contained(folder.path(), &with).output().unwrap());
    assert_eq!(answer.code, 3, "{}", answer.err);
    let head = "reads /etc/nginx/nginx.conf, loaded 20";
    assert!(answer.out.contains(head), "{}", answer.out);
    assert!(
        answer
            .out
            .contains("1 warning in 1 configuration, 2 files, 1 pool"),
        "{}",
        answer.out
    );
}
