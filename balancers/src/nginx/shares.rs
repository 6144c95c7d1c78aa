//! What an upstream leaves no doubt of, whatever the number of addresses its names have.

use super::server::Server;
use super::upstream::{Choice, Upstream};
use crate::model::{Basis, Share};
use crate::shares::Formula;

/// The formula of the shares; `None` if it is a module's that is not known here.
pub(super) fn formula(choice: &Choice) -> Option<Formula> {
    match choice {
        Choice::Other(_) => None,
        Choice::IpHash => Some(Formula::NginxIpHash),
        Choice::Hash { consistent, .. } if *consistent => Some(Formula::NginxRing),
        Choice::Hash { .. } => Some(Formula::NginxHash),
        _ => Some(Formula::Weight),
    }
}

/// Of what shares are a part.
pub(super) fn basis(choice: &Choice) -> Basis {
    match choice {
        Choice::Rotation | Choice::Random { two: false } | Choice::Other(_) => Basis::Arrivals,
        Choice::LeastConn | Choice::LeastTime | Choice::Random { two: true } => Basis::InProgress,
        Choice::IpHash | Choice::Hash { .. } => Basis::Keys,
    }
}

/// Shares or their bounds, and what is to be said of them; `nominal` holds if each name has one address.
pub(super) fn bounds(upstream: &Upstream, nominal: Option<&[f64]>) -> (Vec<Share>, Vec<String>) {
    let servers = &upstream.servers;
    let live = || servers.iter().filter(|server| server.is_live());
    let mut notes = Vec::new();
    if live().next().is_none() {
        notes.push("no primary server is in rotation".to_owned());
    }
    // A name alone has all, however many addresses it has.
    let names = live().any(|server| server.address.is_name()) && live().nth(1).is_some();
    let shares = match (nominal, upstream.choice()) {
        (None, Choice::Other(name)) => {
            notes.push(format!("how `{name}` chooses is not known"));
            unknown(servers)
        }
        (None, _) => {
            notes.push("the ring has too many points to be computed".to_owned());
            unknown(servers)
        }
        // All addresses of a name share its points.
        (Some(nominal), choice) if choice.is_ring() || !names => {
            return (nominal.iter().copied().map(Share::exactly).collect(), notes);
        }
        (_, Choice::IpHash | Choice::Hash { .. }) => unknown(servers),
        _ => by_address(servers),
    };
    if names {
        notes.push("a name weighs as much as all its addresses together".to_owned());
    }
    (shares, notes)
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
        // Nothing is certain if all names may have no address.
        let part = if sum > 0.0 { least(server) / sum } else { 0.0 };
        match (server.address.is_name(), names) {
            (false, _) => Share::between(0.0, part),
            (true, 1) => Share::between(part, 1.0),
            (true, _) => Share::UNKNOWN,
        }
    };
    servers.iter().map(share).collect()
}
