//! Connections that stay open: their bytes and their number are right while they are open, and those that are older than
//! the agent are seen.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test ends at the first surprise, and counters are whole numbers"
)]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use common::{CONNECTIONS, agent, alone, config, pool, wait_equal};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{LongLived, Plan, Way};
use evenkeel_lab::ledger::{Column, Ledger};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{Family, Layout, Network};

const BYTES: [Column; 2] = [Column::ToBackend, Column::FromBackend];

fn network(clients: usize) -> (Network, Backend, Vec<SocketAddr>) {
    let layout = Layout {
        clients,
        backend_hosts: 2,
        backend_addresses: 4,
        balancers: 0,
    };
    let network = Network::build(&layout).unwrap();
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, 80)
        .unwrap();
    let addresses = backend.addresses().to_vec();
    (network, backend, addresses)
}

fn pools(addresses: &[SocketAddr]) -> String {
    config(&[
        pool("out", "upstream", addresses.iter().copied()),
        pool("in", "local", addresses.iter().copied()),
    ])
}

/// What was exchanged since `before`.
fn since(now: &Ledger, before: &Ledger) -> Ledger {
    now.iter()
        .map(|(backend, tally)| {
            let mut tally = *tally;
            tally.opened = 0;
            tally.to_backend -= before.get(backend).to_backend;
            tally.from_backend -= before.get(backend).from_backend;
            (backend, tally)
        })
        .collect()
}

#[test]
fn bytes_of_open_connections_appear_while_they_are_open_and_once() {
    let _alone = alone();
    let (network, _backend, addresses) = network(2);
    let agent = agent(&pools(&addresses));
    let mut open = LongLived::open(network.sources()[0], &addresses, 200).unwrap();
    for round in 0..3 {
        open.exchange(10_000 + round).unwrap();
        let truth = open.ledger();
        let columns = [&CONNECTIONS[..], &BYTES].concat();
        wait_equal(&agent, "out", &truth, &columns);
        wait_equal(&agent, "in", &truth, &columns);
    }
    // What was published while they were open is not counted again at close, whatever way they close, with short
    // connections to the same backends beside.
    let mut plan = Plan::new(addresses.iter().copied(), 2_000);
    // The client closes first, so that what it sent is known to the byte on both sides.
    plan.mix = vec![(Way::ClientFin, 1), (Way::HalfClose, 1)];
    let short = plan.run(&network.sources()).unwrap();
    open.exchange(777).unwrap();
    open.close(50, Way::ClientRst).unwrap();
    open.close(150, Way::ClientFin).unwrap();
    let mut truth = open.ledger();
    truth.merge(&short);
    wait_equal(&agent, "out", &truth, &CONNECTIONS);
    wait_equal(&agent, "in", &truth, &CONNECTIONS);
    wait_equal(&agent, "in", &truth, &[Column::ToBackend]);
    let counted = agent.pool("out").unwrap().ledger().total();
    let truth = truth.total();
    assert_eq!(counted.to_backend, truth.to_backend);
    let first = truth.closed.client_fin + truth.closed.half_close;
    assert!(
        truth.from_backend.abs_diff(counted.from_backend) <= first,
        "a FIN's byte a connection that this side closed first"
    );
}

#[test]
fn older_connections_are_active_from_the_first_tick_and_never_opened() {
    let _alone = alone();
    let (network, _backend, addresses) = network(2);
    let mut older = LongLived::open(network.sources()[0], &addresses, 160).unwrap();
    older.exchange(5_000).unwrap();
    let before = older.ledger();

    let agent = agent(&pools(&addresses));
    for name in ["out", "in"] {
        let first = agent.pool(name).unwrap();
        assert_eq!(first.active(), 160, "{name}: from the first tick");
        assert_eq!(first.ledger().total().opened, 0, "{name}");
        assert_eq!(
            first.ledger().total().to_backend,
            0,
            "{name}: what came before is not the agent's"
        );
    }
    older.exchange(1_234).unwrap();
    let exchanged = since(&older.ledger(), &before);
    wait_equal(&agent, "out", &exchanged, &BYTES);
    wait_equal(&agent, "in", &exchanged, &BYTES);

    // They close unannounced: the next walk misses them, and that is no drift.
    older.close(100, Way::ClientFin).unwrap();
    agent
        .wait_pool("out", |pool| {
            ensure!(pool.active() == 60, "{} active", pool.active());
            Ok(())
        })
        .unwrap();
    let total = agent.pool("out").unwrap().ledger().total();
    assert_eq!((total.opened, total.closed.total()), (0, 0));
    assert_eq!(
        agent
            .metric("evenkeel_kernel_drift_corrected_total")
            .unwrap(),
        0.0
    );
}

#[test]
fn a_restarted_agent_knows_its_predecessors_connections() {
    let _alone = alone();
    let (network, _backend, addresses) = network(2);
    let mut first = agent(&pools(&addresses));
    // The first agent asked for callbacks on these; the second one gets them.
    let mut open = LongLived::open(network.sources()[0], &addresses, 120).unwrap();
    wait_equal(&first, "out", &open.ledger(), &CONNECTIONS);
    first.process().kill().unwrap();
    drop(first);

    let second = agent(&pools(&addresses));
    assert_eq!(second.pool("out").unwrap().active(), 120);
    open.close(70, Way::ClientRst).unwrap();
    let began = Instant::now();
    let pool = second
        .wait_pool("in", |pool| {
            ensure!(pool.active() == 50, "{} active", pool.active());
            Ok(())
        })
        .unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "callbacks, not walks alone: {:?}",
        began.elapsed()
    );
    assert_eq!(
        pool.ledger().total().closed.total(),
        0,
        "what it never counted as opened"
    );
    assert_eq!(
        second
            .metric("evenkeel_kernel_drift_corrected_total")
            .unwrap(),
        0.0
    );
}

#[test]
fn auto_mode_learns_backends_from_connections_older_than_the_agent() {
    let _alone = alone();
    let (network, _backend, addresses) = network(1);
    let _older = LongLived::open(network.sources()[0], &addresses, 40).unwrap();
    let agent = agent("interval: 200ms\nlive_interval: 1s\n");
    let mut seen = agent.pool("auto:80").unwrap();
    seen.backends.sort_by_key(|backend| backend.address);
    let mut expected = addresses.clone();
    expected.sort_unstable();
    assert_eq!(
        seen.backends
            .iter()
            .map(|backend| backend.address)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(seen.active(), 40);
    // The clients' own ends, as the backends' hosts see them, are no backends.
    let pools = agent.get("/api/v1/pools").unwrap().body;
    let pools: serde_json::Value = serde_json::from_str(&pools).unwrap();
    let names: Vec<&str> = pools["pools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pool| pool["name"].as_str().unwrap())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| *name == "auto:80" || name.ends_with("@lo")),
        "{names:?}"
    );
}

#[test]
fn loss_of_callbacks_is_corrected_and_told() {
    let _alone = alone();
    let own = Namespace::current();
    let address: SocketAddr = "127.0.0.1:8099".parse().unwrap();
    let _backend = Backend::start(&[(&own, vec![address])], &Options::new(Protocol::Lab)).unwrap();
    let agent = agent(&config(&[pool("own", "upstream", [address])]));
    let hostile = common::hostile::Hostile::attach();
    let mut open = LongLived::open(&own, &[address], 30).unwrap();
    agent
        .wait_pool("own", |pool| {
            ensure!(pool.active() == 30, "{} active", pool.active());
            Ok(())
        })
        .unwrap();
    // They close, and nobody calls the agent.
    open.close(30, Way::ClientRst).unwrap();
    agent
        .wait_pool("own", |pool| {
            ensure!(pool.active() == 0, "{} active", pool.active());
            Ok(())
        })
        .unwrap();
    drop(hostile);
    let told = agent
        .metric("evenkeel_kernel_drift_corrected_total")
        .unwrap();
    assert!(told >= 30.0, "{told}");
    // Without the other program everything is counted again.
    let before = agent.pool("own").unwrap().ledger();
    let truth = Plan::new([address], 50).run(&[&own]).unwrap();
    agent
        .wait_pool("own", |pool| {
            let now = pool.ledger().total();
            let closed = now.closed.total() - before.total().closed.total();
            ensure!(closed == truth.total().closed.total(), "{closed} closed");
            Ok(())
        })
        .unwrap();
}
