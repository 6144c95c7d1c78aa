//! The expected shares of a backend.

use super::balance::Choice;
use super::proxy::Proxy;
use super::server::Server;
use crate::model::{Basis, Share, Shares};
use crate::shares::{HaproxyRing, Slot, by_weight};
use crate::version::Version;

/// Since when draws of `random` that find servers equally loaded go to the one with the lower rate.
const TIES_BY_RATE: Version = Version(3, 4, 0);

/// How many points of rings are computed for one configuration, at most: 250 000 units of weight.
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
    /// By weight, if each template made one server.
    pub(super) weights: Vec<f64>,
    /// The part of the ring of each server, where there is one.
    pub(super) arcs: Option<Vec<f64>>,
    pub(super) notes: Vec<String>,
}

/// The expected shares of a backend's servers while all is well.
pub(super) fn shares(
    proxy: &Proxy,
    choice: &Choice,
    version: Option<Version>,
    budget: &mut Budget,
) -> Expected {
    let mut notes = Vec::new();
    let takers = takers(proxy, &mut notes);
    let weight = |(server, takes): (&Server, &bool)| {
        if *takes { server.weight() as f64 } else { 0.0 }
    };
    let servers = &proxy.servers;
    let weights = by_weight(&servers.iter().zip(&takers).map(weight).collect::<Vec<_>>());
    let ringed =
        matches!(choice, Choice::Random(_)) || (choice.is_hash() && proxy.settings.hash.consistent);
    let arcs = if ringed {
        arcs(proxy, &takers, budget, &mut notes)
    } else {
        None
    };
    let several = takers.iter().filter(|takes| **takes).count() > 1;
    let spread = if several {
        spread(proxy, choice, &weights, ringed, arcs.as_deref())
    } else {
        exactly(&weights)
    };
    let spread = open(proxy, &takers, &weights, spread, &mut notes);
    explain(proxy, choice, version, several, &mut notes);
    Expected {
        bounds: Shares {
            of: basis(choice),
            servers: spread,
        },
        weights,
        arcs,
        notes,
    }
}

/// Which servers take new clients while all is well. A lone backup takes all if there is nobody else.
fn takers(proxy: &Proxy, notes: &mut Vec<String>) -> Vec<bool> {
    let servers = &proxy.servers;
    if servers.iter().any(Server::is_live) {
        return servers.iter().map(Server::is_live).collect();
    }
    notes.push("no server but backups is in rotation: they take all".to_owned());
    let all = proxy.settings.option("allbackups").is_some();
    let first = servers.iter().position(Server::is_usable);
    let takes =
        |(index, server): (usize, &Server)| server.is_usable() && (all || first == Some(index));
    servers.iter().enumerate().map(takes).collect()
}

fn basis(choice: &Choice) -> Basis {
    match choice {
        Choice::LeastConn => Basis::InProgress,
        Choice::Source | Choice::Key(..) => Basis::Keys,
        _ => Basis::Arrivals,
    }
}

fn arcs(
    proxy: &Proxy,
    takers: &[bool],
    budget: &mut Budget,
    notes: &mut Vec<String>,
) -> Option<Vec<f64>> {
    let key = |server: &&Server| {
        server
            .params
            .hash_key
            .as_ref()
            .is_some_and(|key| !key.is("id"))
    };
    if let Some(word) = proxy
        .servers
        .iter()
        .find(key)
        .and_then(|server| server.params.hash_key.as_ref())
    {
        notes.push(format!(
            "the ring of `hash-key {}` is not computed",
            word.short()
        ));
        return None;
    }
    let slot = |(server, takes): (&Server, &bool)| {
        let slot = Slot {
            weight: server.weight(),
            live: *takes,
        };
        (server.id, slot)
    };
    let slots: Vec<_> = proxy.servers.iter().zip(takers).map(slot).collect();
    let Some(ring) = HaproxyRing::new(&slots, budget.0) else {
        notes.push("the ring has too many points to be computed".to_owned());
        return None;
    };
    budget.0 -= ring.points() as u64;
    Some(ring.shares())
}

/// The shares of several servers; `arcs` are those of the ring, if there is one and they are known.
fn spread(
    proxy: &Proxy,
    choice: &Choice,
    weights: &[f64],
    ringed: bool,
    arcs: Option<&[f64]>,
) -> Vec<Share> {
    match (choice, arcs) {
        (Choice::Other(_), _) => unknown(weights),
        (_, None) if ringed => unknown(weights),
        (Choice::First, _) => first(&proxy.servers, weights),
        // Idle servers are chosen as the ring has it, busy ones by their load.
        (Choice::Random(2..), Some(arcs)) => between(arcs, weights),
        (_, Some(arcs)) if proxy.settings.factor > 0 || proxy.settings.passes_on => {
            between(arcs, weights)
        }
        (_, Some(arcs)) => exactly(arcs),
        (_, None) => exactly(weights),
    }
}

/// `first`: the lowest number takes all, up to its `maxconn` if it has one.
fn first(servers: &[Server], weights: &[f64]) -> Vec<Share> {
    let takes = |index: &usize| weights[*index] > 0.0;
    let mut order: Vec<usize> = (0..servers.len()).filter(takes).collect();
    order.sort_by_key(|index| servers[*index].id);
    let mut shares = vec![Share::ZERO; servers.len()];
    for (position, index) in order.into_iter().enumerate() {
        let limited = servers[index].params.maxconn.is_some();
        shares[index] = match (position, limited) {
            (0, false) => Share::exactly(1.0),
            _ => Share::UNKNOWN,
        };
        if !limited {
            break;
        }
    }
    shares
}

/// What is left open by templates, variables and conditions.
fn open(
    proxy: &Proxy,
    takers: &[bool],
    weights: &[f64],
    spread: Vec<Share>,
    notes: &mut Vec<String>,
) -> Vec<Share> {
    let servers = || {
        proxy
            .servers
            .iter()
            .zip(takers)
            .filter(|(_, takes)| **takes)
            .map(|(server, _)| server)
    };
    if proxy.settings.uncertain {
        notes.push(
            "parts of it depend on a condition that is not known: all branches were read"
                .to_owned(),
        );
        return vec![Share::UNKNOWN; weights.len()];
    }
    if proxy.servers.iter().any(|server| {
        server
            .params
            .weight
            .is_some_and(|(weight, _)| weight.is_none())
    }) {
        notes.push("a weight is in a variable whose value is not known".to_owned());
        return vec![Share::UNKNOWN; weights.len()];
    }
    if servers().any(|server| server.template.is_some()) && servers().count() > 1 {
        notes.push(
            "a template weighs as much as all addresses that its name has, up to its size"
                .to_owned(),
        );
        return unknown(weights);
    }
    spread
}

fn explain(
    proxy: &Proxy,
    choice: &Choice,
    version: Option<Version>,
    several: bool,
    notes: &mut Vec<String>,
) {
    let mut note = |text: &str| notes.push(text.to_owned());
    match choice {
        _ if !several => {}
        Choice::Random(2..) if version.is_some_and(|version| version >= TIES_BY_RATE) => {
            note("equally loaded servers are chosen by their rate: shares come near the weights");
        }
        Choice::Random(2..) => {
            note(
                "bounds are the server's part of the ring, which decides while servers are idle, and its weight",
            );
        }
        Choice::Key(..) => note("requests without the key are spread by roundrobin"),
        _ => {}
    }
    let once = |server: &Server| server.address.is_name() && server.params.resolvers.is_none();
    if proxy.servers.iter().any(once) {
        note("a name without `resolvers` is resolved once, when HAProxy starts, to one address");
    }
    if proxy.settings.balance.is_none() && version.is_none() {
        note("no `balance`: by roundrobin before HAProxy 3.3, by random since");
    }
}

fn exactly(shares: &[f64]) -> Vec<Share> {
    shares.iter().map(|share| Share::exactly(*share)).collect()
}

fn between(arcs: &[f64], weights: &[f64]) -> Vec<Share> {
    let bounds = |(arc, weight): (&f64, &f64)| Share::between(arc.min(*weight), arc.max(*weight));
    arcs.iter().zip(weights).map(bounds).collect()
}

fn unknown(weights: &[f64]) -> Vec<Share> {
    let share = |weight: &f64| {
        if *weight > 0.0 {
            Share::UNKNOWN
        } else {
            Share::ZERO
        }
    };
    weights.iter().map(share).collect()
}
