//! `--running`, with a real nginx.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use evenkeel_lab::balancer::{Balancer, Mode, Product, Server, Setup};
use evenkeel_lab::netns::Namespace;
use serde_json::Value;

use crate::bed::audit_in;

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
