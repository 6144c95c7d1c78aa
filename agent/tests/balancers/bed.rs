//! What the tests of balancers share: backends, a balancer's setup, traffic, and the comparison of counters.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use evenkeel_lab::agent::{Agent, Pool};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Server, Setup};
use evenkeel_lab::client::{Plan, Way};
use evenkeel_lab::http::HttpLoad;
use evenkeel_lab::ledger::Column;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_for;

use crate::common::{config, pool};
use crate::host::at;

/// How long counters may take to agree.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Connections or requests for an exact comparison.
pub(crate) const MANY: u64 = 2_000;

pub(crate) const LISTEN: &str = "127.0.0.1:8080";

/// Where backends listen, with their weights.
pub(crate) const BACKENDS: [(&str, u32); 4] = [
    ("127.0.0.1:8001", 3),
    ("127.0.0.1:8002", 1),
    ("127.0.0.2:8001", 1),
    ("[::1]:8001", 1),
];

/// Backends that listen on the first `count` addresses.
pub(crate) fn backends(host: &Namespace, mode: Mode, count: usize) -> Backend {
    let addresses = BACKENDS[..count]
        .iter()
        .map(|(address, _)| at(address))
        .collect();
    Backend::start(&[(host, addresses)], &Options::new(protocol(mode))).unwrap()
}

fn protocol(mode: Mode) -> Protocol {
    match mode {
        Mode::Tcp => Protocol::Lab,
        Mode::Http => Protocol::Http,
    }
}

/// A balancer's setup for all backends.
pub(crate) fn setup(mode: Mode) -> Setup {
    let mut setup = Setup::new(mode, at(LISTEN), BACKENDS.map(|(address, _)| at(address)));
    for (server, (_, weight)) in setup.servers.iter_mut().zip(BACKENDS) {
        server.weight = weight;
    }
    setup
}

/// The `pools` entry of a pool with weights.
pub(crate) fn weighted(name: &str, role: &str, servers: &[Server]) -> String {
    let plain = pool(name, role, servers.iter().map(|server| server.address));
    servers.iter().fold(plain, |yaml, server| {
        let line = format!("'{}'\n", server.address);
        yaml.replace(&line, &format!("{line}        weight: {}\n", server.weight))
    })
}

/// A configuration that watches the balancer's servers from both sides, and once more without their weights.
pub(crate) fn watching(servers: &[Server]) -> String {
    let pools = [
        weighted("out", "upstream", servers),
        weighted("in", "local", servers),
        pool(
            "unweighted",
            "upstream",
            servers.iter().map(|server| server.address),
        ),
    ];
    // The window contains all that a test does.
    format!("window: 10m\n{}", config(&pools))
}

/// Sends connections or requests through the balancer, all of which must succeed.
pub(crate) fn send(host: &Namespace, mode: Mode, keepalive: bool) {
    match mode {
        Mode::Tcp => {
            let mut plan = Plan::new([at(LISTEN)], MANY);
            plan.mix = vec![(Way::ClientFin, 1), (Way::ServerFin, 1)];
            let total = plan.run(&[host]).unwrap().total();
            assert_eq!((total.opened, total.failed.total()), (MANY, 0));
        }
        Mode::Http => {
            let load = HttpLoad {
                keepalive,
                ..HttpLoad::new(at(LISTEN), MANY)
            };
            let counts = load.run(&[host]).unwrap();
            assert_eq!(counts.statuses, BTreeMap::from([(200, MANY)]), "{counts:?}");
        }
    }
}

/// Waits until the agent's counts of a pool are those of the backends.
pub(crate) fn wait_accepted(
    agent: &Agent,
    name: &str,
    backend: &Backend,
    columns: &[Column],
) -> Pool {
    let agreed = agent.wait_pool(name, |pool| {
        backend.ledger().compare(&pool.ledger(), columns)
    });
    agreed.unwrap_or_else(|error| panic!("{name}: backends / agent: {error:#}"))
}

/// Waits until the balancer's own counters are those of the agent.
pub(crate) fn wait_balancer(agent: &Agent, name: &str, balancer: &Balancer<'_>) -> Pool {
    let look = |pool: &Pool| -> Result<()> {
        let own = balancer.counts()?;
        ensure!(own.len() == pool.backends.len(), "{} backends", own.len());
        for backend in &pool.backends {
            let (counted, own) = (backend.connections, own[&backend.address]);
            // A connection that failed is a connection to all balancers; nginx with keep-alive tells of none.
            let connections = own.connections.unwrap_or(counted.opened + counted.failed);
            ensure!(
                (connections, own.failed) == (counted.opened + counted.failed, counted.failed),
                "{}: balancer {own:?}, agent {counted:?}",
                backend.address
            );
        }
        Ok(())
    };
    agent
        .wait_pool(name, look)
        .unwrap_or_else(|error| panic!("{name}: {error:#}\n{}", balancer.log()))
}

/// Keeps sending until the first backend's share of the window is as expected.
pub(crate) fn wait_share(host: &Namespace, agent: &Agent, expected: f64) -> Pool {
    let load = HttpLoad::new(at(LISTEN), 100);
    let mut last = None;
    let settled = wait_for(DEADLINE, &format!("a share of {expected}"), || {
        load.run(&[host])?;
        let pool = agent.pool("out")?;
        last = pool.backends[0].share["opened"];
        Ok(last
            .is_some_and(|share| (share - expected).abs() < 0.03)
            .then_some(pool))
    });
    settled.unwrap_or_else(|error| panic!("{error}: {last:?}"))
}
