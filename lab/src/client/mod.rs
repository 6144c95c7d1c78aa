//! Clients: traffic made after a plan, with a ledger of what truly happened.

mod conversation;
mod failing;
mod long_lived;
mod traffic;

use std::net::SocketAddr;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;
use crate::netns::Namespace;
use crate::random::Random;

pub use long_lived::{Doomed, LongLived};
pub use traffic::Traffic;

/// How a connection comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The client closes first.
    ClientFin,
    /// The backend closes first.
    ServerFin,
    /// The client resets, after an answer of one byte; whether that byte was acknowledged is open.
    ClientRst,
    /// The backend resets, after one last byte from the client; whether that byte was acknowledged is open.
    ServerRst,
    /// The client shuts down its side after the request; the backend answers after that and closes.
    HalfClose,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ClientFin,
        Self::ServerFin,
        Self::ClientRst,
        Self::ServerRst,
        Self::HalfClose,
    ];
}

/// How a connect is meant to fail. The ledger says how it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Nobody listens there.
    Refused,
    /// Nobody answers, and the client waits for it: one to two seconds, hundreds at once.
    TimedOut,
    /// Nobody answers, and the client does not wait for it.
    Cancelled,
    /// The network says that it cannot deliver.
    Unreachable,
}

/// An address to connect to, with its share of the plan's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where to.
    pub address: SocketAddr,
    /// Its part of the sum of all weights.
    pub weight: u32,
}

/// How connections are spread over the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// In turn, each as often as its weight says: exact shares.
    RoundRobin,
    /// Drawn independently: shares as chance has them.
    Random,
}

/// A range of sizes in bytes, both ends included; each connection draws one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// The smallest.
    pub min: u32,
    /// The largest.
    pub max: u32,
}

/// Connects that are meant to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// How.
    pub kind: Failure,
    /// Where to; [`Failure::TimedOut`] and [`Failure::Cancelled`] want a silent address.
    pub target: SocketAddr,
    /// How many.
    pub count: u64,
}

/// Traffic to be made. The same plan gives every connection the same target, way and sizes on any number of threads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Where the random numbers begin.
    pub seed: u64,
    /// How many connections; `u64::MAX` goes on until stopped.
    pub connections: u64,
    /// Threads, spread over the sources; each has one connection at a time.
    pub threads: usize,
    /// Connections per second over all threads; as fast as possible without it.
    pub per_second: Option<u32>,
    /// Where to.
    pub targets: Vec<Target>,
    /// How connections are spread over the targets.
    pub spread: Spread,
    /// How they end, with the weight of each way.
    pub mix: Vec<(Way, u32)>,
    /// Payload of requests; the ledger also has the header of 12 bytes and, for [`Way::ServerRst`], one byte more.
    pub request: Sizes,
    /// Payload of answers; at least one byte before a reset.
    pub response: Sizes,
    /// Whether IPv4 targets are reached over an `AF_INET6` socket as `::ffff:a.b.c.d`.
    pub mapped: bool,
    /// Connects that are meant to fail, made beside the others.
    pub failing: Vec<Failing>,
}

impl Plan {
    /// Equal targets in turn, every way of closing, requests of up to 1,000 and answers of up to 4,000 bytes, 16 threads.
    pub fn new(targets: impl IntoIterator<Item = SocketAddr>, connections: u64) -> Self {
        Self {
            seed: 1,
            connections,
            threads: 16,
            per_second: None,
            targets: targets
                .into_iter()
                .map(|address| Target { address, weight: 1 })
                .collect(),
            spread: Spread::RoundRobin,
            mix: Way::ALL.map(|way| (way, 1)).to_vec(),
            request: Sizes { min: 0, max: 1_000 },
            response: Sizes { min: 0, max: 4_000 },
            mapped: false,
            failing: Vec::new(),
        }
    }

    /// Carries it out from the given namespaces and returns what happened.
    pub fn run(&self, sources: &[&Namespace]) -> Result<Ledger> {
        self.start(sources)?.wait()
    }

    /// Begins to carry it out in the background.
    pub fn start(&self, sources: &[&Namespace]) -> Result<Traffic> {
        Traffic::start(self, sources)
    }
}

/// What one connection shall do.
struct Order {
    address: SocketAddr,
    way: Way,
    request: u32,
    response: u32,
    mapped: bool,
}

/// A plan made ready to look up orders.
struct Orders {
    plan: Plan,
    /// Index of the target for each turn of [`Spread::RoundRobin`].
    rotation: Vec<usize>,
}

impl Orders {
    fn new(plan: &Plan) -> Self {
        let turns = plan
            .targets
            .iter()
            .enumerate()
            .flat_map(|(index, target)| (0..target.weight).map(move |_| index));
        Self {
            plan: plan.clone(),
            rotation: turns.collect(),
        }
    }

    /// What connection number `index` shall do; none if there is no target or no way.
    fn get(&self, index: u64) -> Option<Order> {
        let plan = &self.plan;
        let mut random = Random::new(plan.seed, index);
        let drawn = random.weighted(plan.targets.iter().map(|target| target.weight));
        let target = match plan.spread {
            Spread::Random => drawn,
            Spread::RoundRobin => {
                let turn = index.checked_rem(self.rotation.len() as u64)?;
                *self.rotation.get(usize::try_from(turn).ok()?)?
            }
        };
        let way = plan
            .mix
            .get(random.weighted(plan.mix.iter().map(|(_, weight)| *weight)))?
            .0;
        let mut size = |sizes: Sizes| {
            let extra = random.below(u64::from(sizes.max.saturating_sub(sizes.min)) + 1);
            sizes
                .min
                .saturating_add(u32::try_from(extra).unwrap_or(u32::MAX))
        };
        let (request, response) = (size(plan.request), size(plan.response));
        Some(Order {
            address: plan.targets.get(target)?.address,
            way,
            request,
            response,
            mapped: plan.mapped,
        })
    }
}
