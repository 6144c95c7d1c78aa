//! What each server or part of a service gets, while all are up.

use std::collections::BTreeMap;

use super::service::{Balancer, Body, Part, Strategy};
use crate::shares::{by_weight, traefik_hrw};

/// How many bytes are hashed for one configuration, at most.
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(50_000_000)
    }
}

/// One for each server, or for each part that traffic is shared out among.
pub(super) fn shares(body: &Body<'_>, budget: &mut Budget) -> Vec<f64> {
    match body {
        Body::Servers(balancer) => servers(balancer, budget),
        Body::Weighted(parts) => by_weight(&weights(parts)),
        Body::HighestRandomWeight(parts) => {
            let names = parts.iter().map(|part| part.written);
            hashed(names.zip(weights(parts)).collect(), budget)
        }
        Body::Mirroring { main, .. } | Body::Failover { main, .. } => {
            main.iter().map(|_| 1.0).collect()
        }
    }
}

/// `Add` in `pkg/server/service/loadbalancer/{wrr,hrw,leasttime}` leaves out whose weight is not above 0.
fn weights(parts: &[Part<'_>]) -> Vec<f64> {
    parts.iter().map(|part| part.weight.max(0) as f64).collect()
}

/// The same of servers; `p2c` knows no weights.
fn servers(balancer: &Balancer<'_>, budget: &mut Budget) -> Vec<f64> {
    let weights = balancer
        .servers
        .iter()
        .map(|server| match balancer.strategy {
            Strategy::P2c => 1.0,
            _ => server.weight.max(0) as f64,
        });
    if balancer.strategy == Strategy::Hrw {
        let names = balancer.servers.iter().map(|server| server.url);
        return hashed(names.zip(weights).collect(), budget);
    }
    by_weight(&weights.collect::<Vec<_>>())
}

/// By hashes of names. Of equal names the one with the largest weight is chosen always; beyond the budget, by weight.
fn hashed(mut servers: Vec<(&str, f64)>, budget: &mut Budget) -> Vec<f64> {
    let mut best: BTreeMap<&str, usize> = BTreeMap::new();
    for index in 0..servers.len() {
        let (name, weight) = servers[index];
        let before = *best.entry(name).or_insert(index);
        if before != index {
            let loser = if weight > servers[before].1 {
                best.insert(name, index);
                before
            } else {
                index
            };
            servers[loser].1 = 0.0;
        }
    }
    let weights: Vec<f64> = servers.iter().map(|(_, weight)| *weight).collect();
    traefik_hrw(&servers, &mut budget.0).unwrap_or_else(|| by_weight(&weights))
}
