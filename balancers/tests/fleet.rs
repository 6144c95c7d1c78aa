//! Several balancers that spread over the same servers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use std::path::Path;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Finding, Options, Product, fleet, read};

fn nginx(name: &str, upstream: &str) -> Configuration {
    let text = format!("http {{ upstream shop {{ {upstream} }} }}\n");
    let files = MemoryFiles::new().with(name, text);
    read(Product::Nginx, &files, Path::new(name), &Options::default()).unwrap()
}

/// What is found by comparison, with the name of the file that it is found in.
fn compared(upstreams: &[&str]) -> Vec<(String, Finding)> {
    let mut all: Vec<Configuration> = upstreams
        .iter()
        .enumerate()
        .map(|(index, upstream)| nginx(&format!("lb{index}"), upstream))
        .collect();
    fleet::compare(&mut all);
    let mut found = Vec::new();
    for configuration in &all {
        let name = &configuration.sources.iter().next().unwrap().name;
        let audit = configuration.audit("2026-11-22".parse().unwrap());
        let ours = audit
            .findings
            .into_iter()
            .filter(|finding| !finding.rule.is_of_one());
        found.extend(ours.map(|finding| (name.clone(), finding)));
    }
    found
}

const USUAL: &str = "server 192.0.2.1:80; server 192.0.2.2:80;";

#[test]
fn equal_pools_show_nothing() {
    assert_eq!(compared(&[USUAL, USUAL]), []);
    let turned = "server 192.0.2.2:80; server 192.0.2.1:80;";
    assert_eq!(
        compared(&[USUAL, turned]),
        [],
        "a rotation has no first server"
    );
}

#[test]
fn the_odd_one_is_told_with_shares() {
    let odd = "server 192.0.2.1:80 weight=3; server 192.0.2.2:80;";
    let found = compared(&[odd, USUAL, USUAL]);
    let [(name, finding)] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!((name.as_str(), finding.rule.id), ("lb0", "GEN-003"));
    let expected = "shop differs from that of lb1:1:17: the weight of 192.0.2.1:80 is 3 instead of 1; 192.0.2.1:80 gets \
                    75.0 % here and 50.0 % there";
    assert_eq!(finding.message, expected);
}

#[test]
fn servers_states_methods_and_positions_are_compared() {
    for (odd, said) in [
        ("server 192.0.2.1:80;", "192.0.2.2:80 is missing here"),
        (
            "server 192.0.2.1:80; server 192.0.2.2:80; server 192.0.2.3:80;",
            "192.0.2.3:80 is only here",
        ),
        (
            "server 192.0.2.1:80; server 192.0.2.2:80 down;",
            "192.0.2.2:80 is down instead of in rotation",
        ),
        (
            "ip_hash; server 192.0.2.1:80; server 192.0.2.2:80;",
            "it is by ip_hash instead of",
        ),
    ] {
        let found = compared(&[USUAL, odd]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].1.message.contains(said), "{found:#?}");
    }
    let found = compared(&[
        "ip_hash; server 192.0.2.1:80; server 192.0.2.2:80;",
        "ip_hash; server 192.0.2.2:80; server 192.0.2.1:80;",
    ]);
    assert!(
        found[0].1.message.contains("in another order"),
        "{found:#?}"
    );
}

#[test]
fn pools_of_other_systems_are_not_compared() {
    let other = "server 198.51.100.1:80; server 198.51.100.2:80 weight=9;";
    assert_eq!(compared(&[USUAL, other]), []);
    // Each host has its own.
    let local = "server 127.0.0.1:80; server unix:/run/a.sock;";
    let heavier = "server 127.0.0.1:80 weight=2; server unix:/run/a.sock;";
    assert_eq!(compared(&[local, heavier]), []);
}

#[test]
fn many_that_look_for_the_least_busy_are_a_herd() {
    let least = "least_conn; server 192.0.2.1:80; server 192.0.2.2:80;";
    assert_eq!(compared(&[least, least]), []);
    let found = compared(&[least, least, least]);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found
            .iter()
            .all(|(_, finding)| finding.rule.id == "GEN-004")
    );
    assert!(found[0].1.message.contains("gets 3 connections at a time"));
    let drawn = "random two least_conn; server 192.0.2.1:80; server 192.0.2.2:80;";
    assert_eq!(compared(&[drawn, drawn, drawn]), []);
}
