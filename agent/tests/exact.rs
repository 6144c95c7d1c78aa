//! Exactness: what the agent counts is what the traffic's own generator wrote down, to the last connection.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test ends at the first surprise, and counters are whole numbers"
)]

mod common;

use std::net::SocketAddr;
use std::time::Instant;

use common::{CONNECTIONS, agent, alone, config, pool, wait_equal};
use evenkeel_lab::agent::Pool;
use evenkeel_lab::backend::{Options, Protocol};
use evenkeel_lab::client::{Failing, Failure, LongLived, Plan, Way};
use evenkeel_lab::ledger::{Column, Ledger, Tally};
use evenkeel_lab::network::{
    Family, Layout, Network, SILENT_V4, SILENT_V6, UNREACHABLE_V4, UNREACHABLE_V6,
};

const PORT: u16 = 80;
const CLOSED_PORT: u16 = 81;

/// What the agent counted of one side: payload sent and received, with the most bytes that each may lack.
fn bytes(upstream: bool, truth: &Tally, counted: &Tally) -> [(u64, u64, u64); 2] {
    let closed = truth.closed;
    let to_backend = (truth.to_backend, counted.to_backend);
    let from_backend = (truth.from_backend, counted.from_backend);
    let (sent, received, first, resets) = if upstream {
        let first = closed.client_fin + closed.half_close + closed.process_death;
        (to_backend, from_backend, first, closed.server_rst)
    } else {
        (
            from_backend,
            to_backend,
            closed.server_fin,
            closed.client_rst,
        )
    };
    [
        // The last byte before a reset by the peer may never have been acknowledged.
        (sent.0, sent.1, resets),
        // A byte for each connection that this side closed first (docs/counting.md).
        (received.0, received.1, first),
    ]
}

fn assert_bytes(truth: &Ledger, counted: &Pool, upstream: bool) {
    let ledger = counted.ledger();
    let (mut missing, mut allowed) = (0, 0);
    for (backend, truth) in truth.iter() {
        for (truth, counted, most) in bytes(upstream, truth, &ledger.get(backend)) {
            assert!(
                counted <= truth && truth - counted <= most,
                "{} {backend}: {counted} counted of {truth}, {most} may be missing",
                counted_as(upstream)
            );
            missing += truth - counted;
            allowed += most;
        }
    }
    println!(
        "{}: {missing} bytes missing of {allowed} allowed",
        counted_as(upstream)
    );
}

fn counted_as(upstream: bool) -> &'static str {
    if upstream { "upstream" } else { "local" }
}

/// Targets that fail, with as many attempts each.
fn failing(backends: &[SocketAddr], count: u64) -> Vec<Failing> {
    let refused = backends
        .iter()
        .map(|address| SocketAddr::new(address.ip(), CLOSED_PORT));
    let at = |ip: std::net::IpAddr| SocketAddr::new(ip, PORT);
    let mut failing: Vec<Failing> = refused
        .map(|target| Failing {
            kind: Failure::Refused,
            target,
            count,
        })
        .collect();
    for (kind, v4, v6) in [
        (Failure::TimedOut, SILENT_V4, SILENT_V6),
        (Failure::Cancelled, SILENT_V4, SILENT_V6),
        (Failure::Unreachable, UNREACHABLE_V4, UNREACHABLE_V6),
    ] {
        failing.push(Failing {
            kind,
            target: at(v4.into()),
            count,
        });
        failing.push(Failing {
            kind,
            target: at(v6.into()),
            count,
        });
    }
    failing
}

#[test]
fn two_hundred_thousand_connections_in_every_way() {
    let _alone = alone();
    let layout = Layout {
        clients: 16,
        backend_hosts: 4,
        backend_addresses: 100,
        balancers: 0,
    };
    let network = Network::build(&layout).unwrap();
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, PORT)
        .unwrap();
    let addresses = backend.addresses().to_vec();
    assert_eq!(addresses.len(), 200);

    let failing = failing(&addresses[..10], 50);
    let mut upstream: Vec<SocketAddr> = addresses.clone();
    upstream.extend(failing.iter().map(|failing| failing.target));
    upstream.dedup();
    upstream.sort_unstable();
    upstream.dedup();
    let agent = agent(&config(&[
        pool("out", "upstream", upstream.iter().copied()),
        pool("in", "local", addresses.iter().copied()),
    ]));

    // The first half: IPv4 and IPv6 sockets, with connections that stay open and with failures beside.
    let began = Instant::now();
    let mut staying = LongLived::open(network.sources()[0], &addresses, 400).unwrap();
    let mut plan = Plan::new(addresses.iter().copied(), 100_000);
    plan.failing = failing;
    let mut truth = plan.run(&network.sources()).unwrap();
    let mut middle = truth.clone();
    middle.merge(&staying.ledger());
    wait_equal(&agent, "out", &middle, &CONNECTIONS);
    wait_equal(&agent, "in", &accepted(&middle), &CONNECTIONS);
    assert_eq!(agent.pool("out").unwrap().active(), 400);

    // The second half: IPv4 over AF_INET6 sockets, and a process that dies with its connections.
    plan.failing.clear();
    plan.mapped = true;
    plan.seed = 2;
    truth.merge(&plan.run(&network.sources()).unwrap());
    staying.close(100, Way::ClientFin).unwrap();
    staying.close(100, Way::ClientRst).unwrap();
    let doomed = staying.hand_over().unwrap();
    truth.merge(&doomed.kill().unwrap());
    println!("200,400 connections in {:?}", began.elapsed());

    assert_eq!(truth.total().opened, 200_400);
    assert_eq!(truth.total().open(), 0);
    assert_eq!(truth.total().failed.total(), 16 * 50);
    wait_equal(&agent, "out", &truth, &CONNECTIONS);
    wait_equal(&agent, "in", &accepted(&truth), &CONNECTIONS);
    assert_bytes(&truth, &agent.pool("out").unwrap(), true);
    assert_bytes(&accepted(&truth), &agent.pool("in").unwrap(), false);
    for reason in ["map_full", "insert_refused", "mark_refused"] {
        let lost = format!("evenkeel_kernel_events_lost_total{{reason=\"{reason}\"}}");
        assert_eq!(agent.metric(&lost).unwrap(), 0.0);
    }
    assert_eq!(
        agent
            .metric("evenkeel_kernel_drift_corrected_total")
            .unwrap(),
        0.0
    );
}

/// What the backends can know: attempts that failed never reached them.
fn accepted(truth: &Ledger) -> Ledger {
    truth
        .iter()
        .filter(|(_, tally)| tally.opened > 0)
        .map(|(backend, tally)| {
            let mut tally = *tally;
            tally.failed = evenkeel_lab::ledger::Failed::default();
            (backend, tally)
        })
        .collect()
}

#[test]
fn loopback_addresses_are_told_apart_by_namespace() {
    let _alone = alone();
    let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
    let own = evenkeel_lab::netns::Namespace::current();
    let other = evenkeel_lab::netns::Namespace::create("lo").unwrap();
    let options = Options::new(Protocol::Lab);
    let listen = |namespace| {
        evenkeel_lab::backend::Backend::start(&[(namespace, vec![address])], &options).unwrap()
    };
    let _backends = (listen(&own), listen(&other));
    let agent = agent(&config(&[pool("own", "upstream", [address])]));
    let here = Plan::new([address], 70).run(&[&own]).unwrap();
    Plan::new([address], 300).run(&[&other]).unwrap();
    wait_equal(
        &agent,
        "own",
        &here,
        &[Column::Opened, Column::Closed, Column::Open],
    );
}
