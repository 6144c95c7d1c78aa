//! Namespaces and networks: they join, they separate, and they go.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};

use common::{DEADLINE, alone, assert_nothing_left, namespaces, veths};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{LongLived, Way};
use evenkeel_lab::netns::{Namespace, sweep};
use evenkeel_lab::network::{Family, Layout, Network};
use evenkeel_lab::process::Process;

const LAYOUT: Layout = Layout {
    clients: 2,
    backend_hosts: 2,
    backend_addresses: 5,
    balancers: 1,
};

#[test]
fn a_namespace_has_its_own_ports_and_goes_with_its_value() {
    let _alone = alone();
    let before = veths();
    let namespace = Namespace::create("own").unwrap();
    let name = namespace.name().unwrap().to_owned();
    assert!(namespaces().iter().any(|line| line.starts_with(&name)));
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let inside = namespace
        .enter(|| TcpListener::bind(outside.local_addr().unwrap()))
        .unwrap();
    assert!(inside.is_ok(), "the same port is free inside: {inside:?}");
    let mut process = Process::spawn(
        &namespace,
        "ip",
        Command::new("ip").args(["-oneline", "link"]),
    )
    .unwrap();
    assert!(process.wait(DEADLINE).unwrap().success());
    assert_eq!(process.stdout().lines().count(), 1, "{}", process.stdout());
    drop((inside, namespace));
    assert_nothing_left(&before, &[]);
}

#[test]
fn a_network_goes_also_when_a_test_panics() {
    let _alone = alone();
    let before = veths();
    let mut holder = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let network = Network::build(&LAYOUT).unwrap();
        let inside = &network.backends[0].namespace;
        let process = Process::spawn(inside, "sleep", Command::new("sleep").arg("1000")).unwrap();
        holder = Some(process.pid());
        assert_eq!(namespaces().len(), 6, "five hosts and the hub");
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_nothing_left(&before, &[holder.unwrap()]);
}

#[test]
fn every_backend_address_is_reached_from_every_client_at_once() {
    let _alone = alone();
    let before = veths();
    let began = Instant::now();
    let network = Network::build(&LAYOUT).unwrap();
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, 80)
        .unwrap();
    assert_eq!(backend.addresses().len(), 10);
    for client in &network.clients {
        let mut held = LongLived::open(&client.namespace, backend.addresses(), 10).unwrap();
        held.exchange(100).unwrap();
        held.close(10, Way::ClientFin).unwrap();
        let ledger = held.ledger();
        assert!(
            backend
                .addresses()
                .iter()
                .all(|address| ledger.get(*address).opened == 1),
            "{ledger:?}"
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "IPv6 works without waiting: {:?}",
        began.elapsed()
    );
    drop((backend, network));
    assert_nothing_left(&before, &[]);
}

#[test]
fn a_listener_on_any_address_books_the_address_that_was_reached() {
    let _alone = alone();
    let network = Network::build(&LAYOUT).unwrap();
    let host = &network.backends[0];
    let backend =
        Backend::single(&host.namespace, "[::]:81".parse().unwrap(), Protocol::Lab).unwrap();
    let targets = host.addresses(Family::Both, 81);
    let mut held = LongLived::open(&network.clients[0].namespace, &targets, targets.len()).unwrap();
    held.exchange(1).unwrap();
    let ledger = backend.ledger();
    assert_eq!(targets.len(), 6);
    for target in targets {
        assert_eq!(ledger.get(target).opened, 1, "{target}");
    }
}

#[test]
fn left_overs_of_the_dead_are_swept_and_the_living_left_alone() {
    let _alone = alone();
    let mine = Namespace::create("mine").unwrap();
    let mut dead =
        Process::spawn(&Namespace::current(), "true", &mut Command::new("true")).unwrap();
    let pid = dead.pid();
    dead.wait(DEADLINE).unwrap();
    let name = format!("ek-{pid}-left-0");
    assert!(
        Command::new("ip")
            .args(["netns", "add", &name])
            .status()
            .unwrap()
            .success()
    );
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &name, "sleep", "1000"]);
    let mut orphan = Process::spawn(&Namespace::current(), "an orphan", &mut command).unwrap();
    let inside = || {
        !Command::new("ip")
            .args(["netns", "pids", &name])
            .output()
            .unwrap()
            .stdout
            .is_empty()
    };
    evenkeel_lab::wait::wait_until(DEADLINE, "the orphan to be inside", inside).unwrap();
    assert_eq!(sweep().unwrap(), [name]);
    assert!(!orphan.wait(DEADLINE).unwrap().success());
    assert_eq!(
        namespaces().len(),
        1,
        "{} still there",
        mine.name().unwrap()
    );
}
