//! A scenario that runs: balancer, backends, traffic, and what the agent is told of the pool.

use std::any::Any;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use super::ground::Ground;
use crate::balancer::Balancer;
use crate::farm::Farm;
use crate::ledger::{Ledger, Tally};

/// A share further from what it should be than this part counts as a deviation: the agent's default tolerance.
const TOLERANCE: f64 = 0.25;

/// A running scenario. It ends, traffic first, when this value is dropped.
pub struct Stage<'a> {
    /// What makes traffic, or makes the balancer do something now and then.
    pub(super) traffic: Vec<Box<dyn Any>>,
    pub(super) balancer: Balancer<'a>,
    pub(super) farm: Farm<'a>,
    pub(super) ground: Ground<'a>,
    pub(super) members: Vec<Member>,
    /// The agent's word for how the balancer chooses, where that is not in turn.
    pub(super) algorithm: Option<&'static str>,
    /// When it went wrong, and what the backends had seen until then.
    pub(super) struck: Option<(Instant, Ledger)>,
}

/// A backend as the pool is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) address: SocketAddr,
    pub(super) weight: u32,
}

impl Member {
    /// With equal weights.
    pub(super) fn equal(addresses: &[SocketAddr]) -> Vec<Self> {
        let member = |address: &SocketAddr| Self {
            address: *address,
            weight: 1,
        };
        addresses.iter().map(member).collect()
    }
}

/// What a ledger tells of a backend in one signal of the agent.
fn load(signal: &str, tally: &Tally) -> u64 {
    match signal {
        "active" => tally.open(),
        "bytes" => tally.to_backend + tally.from_backend,
        _ => tally.opened,
    }
}

impl Stage<'_> {
    /// The backends of the pool as it is meant to be now, in its order.
    pub fn backends(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.address).collect()
    }

    /// Addresses of backends by their numbers.
    pub(super) fn named(&self, backends: &[usize]) -> Vec<SocketAddr> {
        let all = self.farm.addresses();
        let named = backends.iter().filter_map(|backend| all.get(*backend));
        named.copied().collect()
    }

    /// The balancer, to be looked at.
    pub fn balancer(&self) -> &Balancer<'_> {
        &self.balancer
    }

    /// When it went wrong.
    pub fn struck(&self) -> Option<Instant> {
        self.struck.as_ref().map(|(at, _)| *at)
    }

    /// The pool's entry in the agent's configuration.
    pub(super) fn entry(&self, name: &str) -> String {
        let mut text = format!("  - name: {name}\n    role: upstream\n");
        // A `String` takes whatever is written to it.
        if let Some(algorithm) = self.algorithm {
            let _ = writeln!(text, "    algorithm: {algorithm}");
        }
        text.push_str("    backends:\n");
        for Member { address, weight } in &self.members {
            let _ = writeln!(text, "      - {{address: '{address}', weight: {weight}}}");
        }
        text
    }

    /// Each backend's share over the share that it should have, by what the backends themselves have seen since it went wrong.
    pub fn truth(&self, signal: &str) -> Vec<(SocketAddr, f64)> {
        let now = self.farm.ledger();
        let before = self.struck.as_ref().map(|(_, ledger)| ledger);
        let since = |address: SocketAddr| {
            let now = load(signal, &now.get(address));
            // What is open now is what it is.
            let before = before.filter(|_| signal != "active");
            now - before.map_or(0, |before| load(signal, &before.get(address)))
        };
        let total: u64 = self.members.iter().map(|it| since(it.address)).sum();
        let weights: u32 = self.members.iter().map(|it| it.weight).sum();
        let relative = |member: &Member| {
            let expected = f64::from(member.weight) / f64::from(weights.max(1));
            let share = since(member.address) as f64 / total.max(1) as f64;
            (member.address, share / expected)
        };
        self.members.iter().map(relative).collect()
    }

    /// The backends that get more than the tolerance allows, and those that get less, by the same account.
    pub fn deviating(&self, signal: &str) -> (Vec<SocketAddr>, Vec<SocketAddr>) {
        let truth = self.truth(signal);
        let those = |far: fn(f64) -> bool| {
            let found = truth.iter().filter(|(_, relative)| far(*relative));
            found.map(|(address, _)| *address).collect()
        };
        (
            those(|relative| relative > 1.0 + TOLERANCE),
            those(|relative| relative < 1.0 - TOLERANCE),
        )
    }
}
