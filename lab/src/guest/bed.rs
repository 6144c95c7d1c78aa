//! Backends on loopback addresses, and traffic to them over every address family.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::Result;

use super::AGENT;
use super::truth::Truth;
use crate::agent::Agent;
use crate::backend::{Backend, Options, Protocol};
use crate::client::{Failing, Failure, LongLived, Plan, Sizes, Way};
use crate::ledger::Ledger;
use crate::netns::Namespace;

/// Where backends listen on one address each.
const PORT: u16 = 8080;
/// Where one listens on all addresses of both families.
const DUAL_STACK: u16 = 8081;
/// Where nobody listens.
const NOBODY: u16 = 8082;

/// One in so many connections of [`Bed::traffic`] is reset by the client.
const RESET: u64 = 5;
/// Refused connects of one family in [`Bed::traffic`].
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
        Ok(Self {
            host,
            _backend: backend,
        })
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
            write!(
                config,
                "  - name: {pool}\n    role: {pool}\n    backends:\n"
            )?;
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
    /// IPv6, as many connections each, all at once.
    pub(super) fn traffic(&self, connections: u64) -> Result<Ledger> {
        let mut plans = plans(connections);
        for (plan, target) in plans.iter_mut().zip(nobody()) {
            plan.failing = vec![Failing {
                kind: Failure::Refused,
                target,
                count: REFUSED,
            }];
        }
        let start = |plan: &Plan| plan.start(&[&self.host]);
        let started: Vec<_> = plans.iter().map(start).collect::<Result<_>>()?;
        let mut ledger = Ledger::default();
        for traffic in started {
            ledger.merge(&traffic.wait()?);
        }
        Ok(ledger)
    }
}

/// Two plans for each family: all ways of closing but the client's RST, and that.
fn plans(connections: u64) -> Vec<Plan> {
    let reset = connections / RESET;
    let families = [(ipv4(), false), (ipv4(), true), (ipv6(), false)];
    let both = |(seed, (targets, mapped)): (u64, (Vec<SocketAddr>, bool))| {
        let ways = Way::ALL.map(|way| (way, u32::from(way != Way::ClientRst)));
        let most = Plan {
            seed,
            threads: 4,
            mapped,
            mix: ways.to_vec(),
            ..Plan::new(targets.clone(), connections - reset)
        };
        let resets = Plan {
            seed,
            threads: 1,
            mapped,
            mix: vec![(Way::ClientRst, 1)],
            // What the client's RST may leave without an acknowledgement.
            response: Sizes { min: 1, max: 1 },
            ..Plan::new(targets, reset)
        };
        [most, resets]
    };
    (1..).zip(families).flat_map(both).collect()
}

/// Closes them all, each way in turn but for the client's RST, which may overtake what it should acknowledge.
pub(super) fn close_all(connections: &mut LongLived) -> Result<()> {
    let mut ways = Way::ALL.to_vec();
    ways.retain(|way| *way != Way::ClientRst);
    let each = connections.len().div_ceil(ways.len());
    ways.into_iter()
        .try_for_each(|way| connections.close(each, way))
}

/// Waits until the agent shows the truth on both sides; gives the number of bytes that are missing where they may be.
pub(super) fn settles(agent: &Agent, truth: &Truth) -> Result<u64> {
    let mut missing = 0;
    for name in POOLS {
        let pool = agent.wait_pool(name, |pool| truth.judge(pool).map(drop))?;
        missing += truth.judge(&pool)?;
    }
    Ok(missing)
}

fn ipv4() -> Vec<SocketAddr> {
    let loopback = |host| IpAddr::from(Ipv4Addr::new(127, 0, 0, host));
    let mut addresses: Vec<SocketAddr> =
        (2..=4).map(|host| (loopback(host), PORT).into()).collect();
    addresses.push((loopback(5), DUAL_STACK).into());
    addresses
}

fn ipv6() -> Vec<SocketAddr> {
    [PORT, DUAL_STACK]
        .map(|port| (Ipv6Addr::LOCALHOST, port).into())
        .to_vec()
}

fn nobody() -> [SocketAddr; 2] {
    [
        (Ipv4Addr::new(127, 0, 0, 2), NOBODY).into(),
        (Ipv6Addr::LOCALHOST, NOBODY).into(),
    ]
}
