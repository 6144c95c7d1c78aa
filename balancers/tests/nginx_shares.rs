//! Expected shares against nginx itself: the same configuration is read here and run there, thousands of keys are sent
//! through it, and who answered is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use evenkeel_balancers::Product;
use evenkeel_balancers::shares::{NginxRing, Slot, crc32, nginx_ip_hash_of};
use evenkeel_lab::parts::require;

use common::traffic::{Seen, Written, client, key};

/// The configuration: an upstream, and servers that answer with their number.
fn config(method: &str, servers: &[&str], folder: &Path) -> String {
    let mut text = String::from("worker_processes 1;\ndaemon off;\n");
    let folder = folder.display();
    writeln!(
        text,
        "pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\nkeepalive_requests 1000000;"
    )
    .unwrap();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "{kind}_temp_path {folder}/{kind};").unwrap();
    }
    writeln!(text, "upstream pool {{\n{method}").unwrap();
    for (index, server) in servers.iter().enumerate() {
        writeln!(text, "server 127.0.0.1:{} {server};", 8000 + index).unwrap();
    }
    writeln!(text, "}}").unwrap();
    for index in 0..servers.len() {
        writeln!(
            text,
            "server {{ listen 127.0.0.1:{}; return 200 {index}; }}",
            8000 + index
        )
        .unwrap();
    }
    text.push_str(
        "server { listen 127.0.0.1:80; set_real_ip_from 127.0.0.1; real_ip_header X-Client;\n",
    );
    text.push_str("location / { proxy_pass http://pool; } }\n}\n");
    text
}

/// Reads a configuration, runs nginx with it, and sends requests.
fn run(method: &str, servers: &[&str]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let text = config(method, servers, folder.path());
    let written = Written::new(folder, "nginx.conf", text);
    let mut command = Command::new(require("nginx").unwrap());
    command.args(["-e", "stderr", "-c"]);
    Seen {
        expected: written.read(Product::Nginx).pools[0].shares.clone(),
        answers: written.ask(command, 80),
    }
}

#[test]
fn rotation_is_by_weight_to_the_request() {
    run("", &["weight=5", "", "weight=2", "down", "backup"]).is_within(1.0);
}

#[test]
fn random_is_by_weight() {
    run("random;", &["weight=5", "", "weight=2", "down"]).fits();
}

#[test]
fn ip_hash_has_slots() {
    let weights = [5000, 3000, 2000];
    let seen = run("ip_hash;", &["weight=5000", "weight=3000", "weight=2000"]);
    seen.fits();
    seen.each(|number| {
        let [a, b, c, _] = client(number).octets();
        let mut slot = nginx_ip_hash_of([a, b, c]) % 10_000;
        weights.iter().position(|weight| {
            let here = slot < *weight;
            slot = slot.saturating_sub(*weight);
            here
        })
    });
}

#[test]
fn ip_hash_passes_on_what_falls_to_a_server_that_is_down() {
    run("ip_hash;", &["weight=2", "down weight=3", "", "weight=2"]).fits();
}

#[test]
fn hash_has_slots() {
    let seen = run("hash $arg_k;", &["weight=3", "", "weight=2"]);
    seen.fits();
    seen.each(|number| {
        let slot = ((crc32(key(number).as_bytes()) >> 16) & 0x7fff) % 6;
        Some([0, 0, 0, 1, 2, 2][slot as usize])
    });
    run("hash $arg_k;", &["weight=20000", "weight=20000"]).fits();
    run("hash $arg_k;", &["weight=3", "down weight=4", "weight=2"]).fits();
}

#[test]
fn consistent_hash_is_a_ring() {
    let seen = run(
        "hash $arg_k consistent;",
        &["", "", "weight=2", "weight=10"],
    );
    seen.fits();
    let names: Vec<String> = (8000..8004)
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let slot = |weight| Slot { weight, live: true };
    let servers = names
        .iter()
        .map(String::as_str)
        .zip([1, 1, 2, 10].map(slot));
    let ring = NginxRing::new(&servers.collect::<Vec<_>>(), 1 << 20).unwrap();
    seen.each(|number| ring.server_of(key(number).as_bytes()));
    run(
        "hash $arg_k consistent;",
        &["", "down weight=3", "weight=2"],
    )
    .fits();
}
