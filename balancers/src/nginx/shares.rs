//! The expected shares of an upstream.

use super::server::Server;
use super::upstream::{Choice, Upstream};
use crate::model::{Basis, Share, Shares};
use crate::shares::{NginxRing, Slot, by_weight, nginx_hash, nginx_ip_hash};

/// How many points of rings are computed for one configuration, at most: 25 000 units of weight.
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(4_000_000)
    }
}

/// Expected shares, as far as they are known.
pub(super) struct Expected {
    /// What the configuration leaves no doubt of.
    pub(super) bounds: Shares,
    /// What holds if each name has one address.
    pub(super) nominal: Option<Vec<f64>>,
    pub(super) notes: Vec<String>,
}

/// The expected shares of an upstream's servers while all is well.
pub(super) fn shares(upstream: &Upstream, budget: &mut Budget) -> Expected {
    let servers = &upstream.servers;
    let live = || servers.iter().filter(|server| server.is_live());
    let mut notes = Vec::new();
    let nominal = if live().next().is_none() {
        notes.push("no primary server is in rotation".to_owned());
        Some(backups(servers))
    } else {
        nominal(upstream.choice(), servers, budget)
    };
    if nominal.is_none() {
        notes.push("the ring has too many points to be computed".to_owned());
    }
    let names = live().any(|server| server.address.is_name()) && live().nth(1).is_some();
    let bounds = bounds(upstream.choice(), servers, nominal.as_deref(), names);
    if names && bounds.iter().any(|share| share.exact().is_none()) {
        notes.push("a name weighs as much as all its addresses together".to_owned());
    }
    Expected {
        bounds: Shares {
            of: basis(upstream.choice()),
            servers: bounds,
        },
        nominal,
        notes,
    }
}

/// What is certain of the shares, whatever the number of addresses that `names` among several servers have.
fn bounds(choice: &Choice, servers: &[Server], nominal: Option<&[f64]>, names: bool) -> Vec<Share> {
    match (choice, nominal) {
        (_, None) | (Choice::Other(_), _) => unknown(servers),
        // All addresses of a name share its points.
        (choice, Some(nominal)) if choice.is_ring() || !names => exactly(nominal),
        (Choice::IpHash | Choice::Hash { .. }, _) => unknown(servers),
        _ => by_address(servers),
    }
}

fn basis(choice: &Choice) -> Basis {
    match choice {
        Choice::Rotation | Choice::Random { two: false } | Choice::Other(_) => Basis::Arrivals,
        Choice::LeastConn | Choice::LeastTime | Choice::Random { two: true } => Basis::InProgress,
        Choice::IpHash | Choice::Hash { .. } => Basis::Keys,
    }
}

/// The shares if each name has one address.
fn nominal(choice: &Choice, servers: &[Server], budget: &mut Budget) -> Option<Vec<f64>> {
    let primaries: Vec<(usize, &Server)> = servers
        .iter()
        .enumerate()
        .filter(|(_, server)| server.backup.is_none())
        .collect();
    let slot = |server: &Server| Slot {
        weight: server.weight,
        live: server.is_live(),
    };
    let slots: Vec<Slot> = primaries.iter().map(|(_, server)| slot(server)).collect();
    let shares = match choice {
        Choice::IpHash => nginx_ip_hash(&slots),
        Choice::Hash {
            consistent: false, ..
        } => nginx_hash(&slots),
        Choice::Hash { .. } => {
            let written = primaries
                .iter()
                .map(|(_, server)| server.address.written.as_str());
            let named: Vec<(&str, Slot)> = written.zip(slots).collect();
            let ring = NginxRing::new(&named, budget.0)?;
            budget.0 -= ring.points() as u64;
            ring.shares()
        }
        _ => by_weight(&weights(primaries.iter().map(|(_, server)| *server))),
    };
    let mut all = vec![0.0; servers.len()];
    for ((index, _), share) in primaries.iter().zip(shares) {
        all[*index] = share;
    }
    Some(all)
}

/// What backups get when they are all there is.
fn backups(servers: &[Server]) -> Vec<f64> {
    let weight = |server: &Server| match (server.backup, server.down) {
        (Some(_), None) => server.weight as f64,
        _ => 0.0,
    };
    by_weight(&servers.iter().map(weight).collect::<Vec<_>>())
}

fn weights<'a>(servers: impl Iterator<Item = &'a Server>) -> Vec<f64> {
    let weight = |server: &Server| {
        if server.is_live() {
            server.weight as f64
        } else {
            0.0
        }
    };
    servers.map(weight).collect()
}

fn exactly(shares: &[f64]) -> Vec<Share> {
    shares.iter().map(|share| Share::exactly(*share)).collect()
}

fn unknown(servers: &[Server]) -> Vec<Share> {
    let share = |server: &Server| {
        if server.is_live() {
            Share::UNKNOWN
        } else {
            Share::ZERO
        }
    };
    servers.iter().map(share).collect()
}

/// What can be said by weight if each name stands for one address or more; if it is resolved while nginx runs, for none or more.
fn by_address(servers: &[Server]) -> Vec<Share> {
    let live = || servers.iter().filter(|server| server.is_live());
    let names = live().filter(|server| server.address.is_name()).count();
    let least = |server: &Server| {
        if server.address.is_name() && server.resolve {
            0.0
        } else {
            server.weight as f64
        }
    };
    let sum: f64 = live().map(least).sum();
    let share = |server: &Server| {
        if !server.is_live() {
            return Share::ZERO;
        }
        let weight = least(server);
        // Nothing is certain if all names may have no address.
        let part = if sum > 0.0 { weight / sum } else { 0.0 };
        if !server.address.is_name() {
            Share::between(0.0, if names == 0 { 1.0 } else { part })
        } else if names == 1 {
            Share::between(part, 1.0)
        } else {
            Share::UNKNOWN
        }
    };
    servers.iter().map(share).collect()
}
