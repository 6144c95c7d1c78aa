//! Backends on loopback addresses, and traffic to them over every address family.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::Result;

use super::AGENT;
use super::truth::Truth;
use crate::agent::Agent;
use crate::backend::{Backend, Options, Protocol};
use crate::client::{Failing, Failure, LongLived, Plan};
use crate::ledger::Ledger;
use crate::netns::Namespace;

/// Where backends listen on one address each.
const PORT: u16 = 8080;
/// Where one listens on all addresses of both families.
const DUAL_STACK: u16 = 8081;
/// Where nobody listens.
const NOBODY: u16 = 8082;

/// The connections of one family in [`Bed::traffic`].
const CONNECTIONS: u64 = 800;
/// The refused connects of one family in [`Bed::traffic`].
const REFUSED: u64 = 100;

/// The pools that [`Bed::config`] names.
pub(super) const POOLS: [&str; 2] = ["upstream", "local"];

/// Backends, and the namespace that all is in.
pub(super) struct Bed {
    host: Namespace,
    /// Keeps them serving.
    _backend: Backend,
}

impl Bed {
    pub(super) fn start() -> Result<Self> {
        let host = Namespace::current();
        let mut listening: Vec<SocketAddr> = ipv4().into_iter().chain(ipv6()).collect();
        listening.retain(|address| address.port() == PORT);
        listening.push((Ipv6Addr::UNSPECIFIED, DUAL_STACK).into());
        let backend = Backend::start(&[(&host, listening)], &Options::new(Protocol::Lab))?;
        Ok(Self { host, _backend: backend })
    }

    /// Starts the agent with all addresses in two pools, one for each side of the connections.
    pub(super) fn agent(&self) -> Result<Agent> {
        self.agent_with(&Self::config()?)
    }

    /// Starts the agent with a configuration, and waits until it is ready.
    pub(super) fn agent_with(&self, config: &str) -> Result<Agent> {
        Agent::start(Path::new(AGENT), &self.host, config)
    }

    fn config() -> Result<String> {
        let mut config = "interval: 250ms\nlive_interval: 500ms\npools:\n".to_owned();
        for pool in POOLS {
            write!(config, "  - name: {pool}\n    role: {pool}\n    backends:\n")?;
            for address in ipv4().into_iter().chain(ipv6()).chain(nobody()) {
                writeln!(config, "      - address: \"{address}\"")?;
            }
        }
        Ok(config)
    }

    /// Opens connections that stay, three to each backend.
    pub(super) fn long_lived(&self) -> Result<LongLived> {
        let targets: Vec<SocketAddr> = ipv4().into_iter().chain(ipv6()).collect();
        LongLived::open(&self.host, &targets, 3 * targets.len())
    }

    /// Short connections in every way of closing, and refused connects: over IPv4, over IPv6, and to IPv4 over sockets of
    /// IPv6, all at once.
    pub(super) fn traffic(&self) -> Result<Ledger> {
        let mut plans = [ipv4(), ipv4(), ipv6()].map(|targets| Plan::new(targets, CONNECTIONS));
        for (seed, plan) in plans.iter_mut().enumerate() {
            plan.seed = seed as u64;
            plan.threads = 4;
        }
        plans[1].mapped = true;
        for (plan, target) in plans.iter_mut().step_by(2).zip(nobody()) {
            plan.failing = vec![Failing { kind: Failure::Refused, target, count: REFUSED }];
        }
        let started: Vec<_> = plans.iter().map(|plan| plan.start(&[&self.host])).collect::<Result<_>>()?;
        let mut ledger = Ledger::default();
        for traffic in started {
            ledger.merge(&traffic.wait()?);
        }
        Ok(ledger)
    }
}

/// Waits until the agent shows the truth on both sides; gives the number of bytes that could not be decided.
pub(super) fn settles(agent: &Agent, truth: &Truth) -> Result<u64> {
    let mut uncertain = 0;
    for name in POOLS {
        let pool = agent.wait_pool(name, |pool| truth.judge(pool).map(drop))?;
        uncertain += truth.judge(&pool)?;
    }
    Ok(uncertain)
}

fn ipv4() -> Vec<SocketAddr> {
    let loopback = |host| IpAddr::from(Ipv4Addr::new(127, 0, 0, host));
    let mut addresses: Vec<SocketAddr> = (2..=4).map(|host| (loopback(host), PORT).into()).collect();
    addresses.push((loopback(5), DUAL_STACK).into());
    addresses
}

fn ipv6() -> Vec<SocketAddr> {
    [PORT, DUAL_STACK].map(|port| (Ipv6Addr::LOCALHOST, port).into()).to_vec()
}

fn nobody() -> [SocketAddr; 2] {
    [(Ipv4Addr::new(127, 0, 0, 2), NOBODY).into(), (Ipv6Addr::LOCALHOST, NOBODY).into()]
}
