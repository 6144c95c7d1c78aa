//! Expected shares against `HAProxy` itself: the same configuration is read here and run there, thousands of keys are sent
//! through it, and who answered is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::fmt::Write as _;
use std::process::Command;

use evenkeel_balancers::Product;
use evenkeel_balancers::model::Basis;
use evenkeel_balancers::shares::{HaproxyRing, Slot, haproxy_full_hash, haproxy_sdbm};
use evenkeel_lab::parts::require;

use common::traffic::{REQUESTS, Seen, Written, client, key};

/// The configuration: a backend, and servers that answer with their number.
fn config(method: &str, servers: &[&str]) -> String {
    let mut text = String::from(
        "global\n nbthread 1\ndefaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n",
    );
    text.push_str("frontend web\n bind 127.0.0.1:80\n http-request set-src req.hdr(x-client)\n default_backend pool\n");
    writeln!(text, "backend pool\n {method}").unwrap();
    for (index, server) in servers.iter().enumerate() {
        writeln!(text, " server s{index} 127.0.0.1:{} {server}", 8000 + index).unwrap();
    }
    for index in 0..servers.len() {
        let port = 8000 + index;
        writeln!(text, "frontend f{index}\n bind 127.0.0.1:{port}\n http-request return status 200 content-type text/plain string {index}").unwrap();
    }
    text
}

/// Reads a configuration, runs `HAProxy` with it, and sends requests.
fn run(method: &str, servers: &[&str]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let written = Written::new(folder, "haproxy.cfg", config(method, servers));
    let mut command = Command::new(require("haproxy").unwrap());
    command.args(["-db", "-f"]);
    Seen {
        expected: written.read(Product::Haproxy).pools[0].shares.clone(),
        answers: written.ask(command, 80),
    }
}

#[test]
fn rotation_is_by_weight_to_the_request() {
    let servers = ["weight 5", "", "weight 2", "disabled", "weight 0", "backup"];
    for method in ["balance roundrobin", "balance static-rr", ""] {
        run(method, &servers).is_within(1.0);
    }
}

#[test]
fn backups_take_over_one_or_all() {
    let servers = ["disabled", "backup weight 3", "backup"];
    let one = run("balance roundrobin", &servers);
    assert_eq!(one.counts(), [0, REQUESTS, 0]);
    one.is_within(0.0);
    run("balance roundrobin\n option allbackups", &servers).is_within(1.0);
}

#[test]
fn the_first_takes_all() {
    let servers = ["id 3", "id 1 disabled", "id 2", "id 4"];
    let seen = run("balance first", &servers);
    assert_eq!(seen.counts(), [0, 0, REQUESTS, 0]);
    seen.is_within(0.0);
}

#[test]
fn maps_are_by_weight() {
    let servers = ["weight 4", "disabled weight 9", "weight 2", "weight 10"];
    for function in [
        "",
        "hash-type map-based wt6",
        "hash-type map-based djb2 avalanche",
    ] {
        run(&format!("balance url_param k\n {function}"), &servers).fits();
    }
    run("balance source", &servers).fits();
}

/// The servers of the next tests, and their ring.
const RINGED: [&str; 5] = ["", "", "weight 2 id 40", "disabled weight 3", "weight 10"];

fn ring() -> HaproxyRing {
    let slot = |weight, live| Slot { weight, live };
    let servers = [
        (1, slot(1, true)),
        (2, slot(1, true)),
        (40, slot(2, true)),
        (4, slot(3, false)),
        (5, slot(10, true)),
    ];
    HaproxyRing::new(&servers, 1 << 20).unwrap()
}

#[test]
fn consistent_hashes_are_a_ring() {
    let seen = run("balance url_param k\n hash-type consistent", &RINGED);
    seen.fits();
    assert_eq!(seen.exact(), ring().shares());
    let ring = ring();
    seen.each(|number| {
        let hash = haproxy_full_hash(haproxy_sdbm(key(number).as_bytes()));
        ring.server_of(hash)
    });
}

#[test]
fn addresses_are_on_the_ring_too() {
    let seen = run("balance source\n hash-type consistent", &RINGED);
    seen.fits();
    let ring = ring();
    seen.each(|number| ring.server_of(haproxy_full_hash(client(number).to_bits())));
}

#[test]
fn random_draws_on_the_ring() {
    let one = run("balance random(1)", &RINGED);
    assert_eq!(one.exact(), ring().shares());
    one.fits();
    // While servers are idle the ring decides; the bounds have room for the weights.
    let two = run("balance random", &RINGED);
    two.fits();
    let idle = Seen {
        expected: one.expected,
        ..two
    };
    idle.fits();
}

/// Among servers without connections leastconn goes in turn, whatever their weights.
#[test]
fn leastconn_ignores_weights_while_servers_are_idle() {
    let seen = run("balance leastconn", &["weight 10", "weight 10", ""]);
    let counts = seen.counts();
    let third = REQUESTS / 3;
    assert!(
        counts.iter().all(|count| count.abs_diff(third) <= 1),
        "{counts:?}"
    );
    // What is expected is the part of requests in progress.
    assert_eq!(seen.expected.of, Basis::InProgress);
}
