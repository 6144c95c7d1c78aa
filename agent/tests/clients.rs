//! How many clients the host's new connections come from: whatever endpoints they connect to, by address or by /64, and
//! without what the host does with itself.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use common::clients::{add_addresses, connect_from};
use common::{agent, alone, config, pool};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_for;

/// Clients of most tests.
const CLIENTS: u8 = 20;

/// What is found of [`CLIENTS`] that connect equally often. Two pairs of them may share a cell; three do so less than once in
/// ten thousand times.
const FOUND: RangeInclusive<f64> = 16.4..=20.5;

/// Cells are read every five seconds.
const PATIENCE: Duration = Duration::from_secs(20);

const SERVER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const BACKEND_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));
const SERVER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1));
const ANY_V6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

fn v4(number: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, number])
}

/// In a /64 of its own.
fn v6(number: u8) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, number.into(), 0, 0, 0, 1])
}

/// Another address of the first one's /64.
fn v6_neighbour(number: u8) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 1, number.into()])
}

/// A namespace that has the addresses of all clients and of the servers.
fn site() -> Namespace {
    let namespace = Namespace::create("clients").unwrap();
    let clients = (1..=CLIENTS).flat_map(|number| [v4(number), v6(number), v6_neighbour(number)]);
    add_addresses(
        &namespace,
        clients.chain([SERVER_V4, BACKEND_V4, SERVER_V6]),
    );
    namespace
}

fn equally(client: fn(u8) -> IpAddr, connections: usize) -> Vec<(IpAddr, usize)> {
    (1..=CLIENTS)
        .map(|number| (client(number), connections))
        .collect()
}

/// An agent that watches connections to the backend.
fn watching() -> Agent {
    let backend = SocketAddr::new(BACKEND_V4, 8080);
    agent(&config(&[pool("own", "upstream", [backend])]))
}

/// What the agent tells, effective number and connections.
fn told(agent: &Agent) -> Option<(f64, u64)> {
    let status = agent.get("/api/v1/status").unwrap().body;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let clients = &status["kernel"]["clients"];
    Some((
        clients["effective"].as_f64()?,
        clients["connections"].as_u64()?,
    ))
}

/// What the agent tells as soon as it has seen that many connections.
fn told_of(agent: &Agent, connections: u64) -> (f64, u64) {
    let what = format!("{connections} connections of clients");
    wait_for(PATIENCE, &what, || {
        Ok(told(agent).filter(|(_, seen)| *seen >= connections))
    })
    .unwrap()
}

#[test]
fn clients_that_connect_equally_often_are_counted() {
    let _alone = alone();
    let site = site();
    for (client, server) in [(v4 as fn(u8) -> IpAddr, SERVER_V4), (v6, SERVER_V6)] {
        let agent = watching();
        assert_eq!(told(&agent), None);
        let series = "evenkeel_kernel_clients_effective";
        assert!(agent.metric(series).is_err(), "nothing is known yet");
        connect_from(
            &site,
            &equally(client, 100),
            SocketAddr::new(server, 80),
            server,
        );
        let (effective, connections) = told_of(&agent, 2_000);
        assert!(FOUND.contains(&effective), "{server}: {effective}");
        assert!(connections < 2_050, "{connections}");
        assert!(FOUND.contains(&agent.metric(series).unwrap()));
    }
}

#[test]
fn one_that_dominates_counts_for_nearly_all() {
    let _alone = alone();
    let site = site();
    let agent = watching();
    let mut clients = equally(v4, 10);
    clients[0].1 = 1_810;
    connect_from(&site, &clients, SocketAddr::new(SERVER_V4, 80), SERVER_V4);
    let (effective, _) = told_of(&agent, 2_000);
    // 1 / ((1810/2000)^2 + 19 (10/2000)^2)
    assert!((1.15..=1.25).contains(&effective), "{effective}");
}

#[test]
fn a_client_is_one_by_either_family_of_the_listener_and_within_its_64() {
    let _alone = alone();
    let site = site();
    let agent = watching();
    let server = SocketAddr::new(SERVER_V4, 80);
    // The same client over an AF_INET and an AF_INET6 socket.
    connect_from(&site, &[(v4(1), 100)], server, SERVER_V4);
    connect_from(&site, &[(v4(1), 100)], server, ANY_V6);
    let (effective, _) = told_of(&agent, 200);
    assert!((1.0..=1.1).contains(&effective), "{effective}");
    drop(agent);

    let agent = watching();
    let server = SocketAddr::new(SERVER_V6, 80);
    connect_from(&site, &equally(v6_neighbour, 20), server, SERVER_V6);
    let (effective, _) = told_of(&agent, 400);
    assert!((1.0..=1.1).contains(&effective), "{effective}");
}

#[test]
fn what_the_host_does_with_itself_is_not_of_clients() {
    let _alone = alone();
    let site = site();
    let agent = watching();
    let [loopback_v4, loopback_v6] = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let many = |from, to: IpAddr, port, on| {
        connect_from(&site, &[(from, 100)], SocketAddr::new(to, port), on);
    };
    many(loopback_v4, loopback_v4, 80, loopback_v4);
    many(loopback_v4, loopback_v4, 80, ANY_V6);
    many(loopback_v6, loopback_v6, 80, loopback_v6);
    many(SERVER_V4, SERVER_V4, 80, SERVER_V4);
    many(SERVER_V6, SERVER_V6, 80, SERVER_V6);
    // A balancer's connections to its own backends, and others to the backend's port.
    many(v4(1), BACKEND_V4, 8080, BACKEND_V4);
    connect_from(
        &site,
        &[(v4(2), 30)],
        SocketAddr::new(SERVER_V4, 8080),
        SERVER_V4,
    );
    let (effective, connections) = told_of(&agent, 30);
    assert!(connections < 80, "{connections} instead of 30");
    assert!(effective < 2.5, "{effective}");
}
