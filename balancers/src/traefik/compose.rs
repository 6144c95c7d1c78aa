//! Services that share traffic out among other services: what each of those gets in the end.

use super::document::Document;
use super::pools::{pool_name, traffic};
use super::service::{Body, Part, Service};
use crate::model::{
    Algorithm, Basis, Class, Comparability, Origin, Pool, Server, Share, Shares, State,
};
use crate::product::Product;
use crate::shares::Formula;
use crate::source::Place;

/// How many parts all compositions together may come to; compositions of compositions could double with each level.
const MOST_PARTS: usize = 10_000;
/// How deep compositions are followed: one that holds itself has no end.
const DEPTH: usize = 16;

/// A composition with its pool.
pub(super) struct Split<'a> {
    pub(super) service: &'a Service<'a>,
    pub(super) pool: Pool,
}

/// A service at the end of compositions, and its part of what the outermost one gets.
#[derive(Clone, Debug)]
pub(super) struct Leaf<'a> {
    pub(super) name: &'a str,
    pub(super) share: f64,
    /// As it is written; within compositions of compositions weights of different lists mean different things.
    pub(super) weight: f64,
    pub(super) place: Place,
    /// The composition within the outermost one by which it is reached.
    pub(super) through: Option<&'a str>,
}

/// All compositions by weight, and failovers.
pub(super) fn splits<'a>(document: &'a Document<'a>) -> Vec<Split<'a>> {
    let mut left = MOST_PARTS;
    let split = |service: &'a Service<'a>| {
        let backup = match &service.body {
            Body::Servers(_) | Body::Mirroring { .. } => return None,
            Body::Failover { fallback, .. } => *fallback,
            Body::Weighted(_) | Body::HighestRandomWeight(_) => None,
        };
        let pool = pool(document, service, backup, &mut left);
        Some(Split { service, pool })
    };
    document.services.iter().filter_map(split).collect()
}

/// What a service leads to while all is well: shares multiply from composition to composition. Without the budget for all,
/// only what it names itself.
pub(super) fn leaves<'a>(
    document: &'a Document<'a>,
    service: &'a Service<'a>,
    left: &mut usize,
) -> Vec<Leaf<'a>> {
    let mut found = Vec::new();
    let direct = direct(service);
    for (part, share) in &direct {
        let leaf = Leaf {
            name: part.name,
            share: *share,
            weight: part.weight.max(0) as f64,
            place: part.weight_place.unwrap_or(part.place),
            through: None,
        };
        follow(document, service, leaf, &mut found, left, 0);
    }
    if *left == 0 {
        let leaf = |(part, share): (&Part<'a>, f64)| Leaf {
            name: part.name,
            share,
            weight: part.weight.max(0) as f64,
            place: part.place,
            through: None,
        };
        return direct.into_iter().map(leaf).collect();
    }
    found
}

/// The services that a composition names, with their shares.
fn direct<'s, 'a>(service: &'s Service<'a>) -> Vec<(&'s Part<'a>, f64)> {
    let parts: &[Part<'a>] = match &service.body {
        Body::Servers(_) => &[],
        Body::Weighted(parts) | Body::HighestRandomWeight(parts) => parts,
        Body::Mirroring { main, .. } | Body::Failover { main, .. } => main.as_slice(),
    };
    parts.iter().zip(service.shares.iter().copied()).collect()
}

fn follow<'a>(
    document: &'a Document<'a>,
    outer: &Service<'_>,
    leaf: Leaf<'a>,
    found: &mut Vec<Leaf<'a>>,
    left: &mut usize,
    depth: usize,
) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let inner = document.get(outer.protocol, leaf.name);
    let parts = inner.map(direct).unwrap_or_default();
    // One that gives none of its parts anything keeps what it gets, which fails there.
    let none = parts.iter().all(|(_, share)| *share <= 0.0);
    if none || depth == DEPTH {
        found.push(leaf);
        return;
    }
    for (part, share) in parts {
        let next = Leaf {
            name: part.name,
            share: leaf.share * share,
            weight: leaf.share * share,
            place: leaf.place,
            through: leaf.through.or(Some(leaf.name)),
        };
        follow(document, outer, next, found, left, depth + 1);
    }
}

fn pool<'a>(
    document: &'a Document<'a>,
    service: &'a Service<'a>,
    backup: Option<Part<'a>>,
    left: &mut usize,
) -> Pool {
    let mut leaves = leaves(document, service, left);
    if leaves.iter().any(|leaf| leaf.through.is_some()) {
        for leaf in &mut leaves {
            leaf.weight = leaf.share;
        }
    }
    let (name, class) = match &service.body {
        Body::Failover { .. } => ("failover", Class::PolicyGated),
        Body::HighestRandomWeight(_) => ("highestRandomWeight", Class::KeyDependent),
        _ if service.cookie().is_some() => ("weighted, sticky cookie", Class::KeyDependent),
        _ => ("weighted", Class::Rotation),
    };
    let mut servers: Vec<Server> = leaves.iter().map(server).collect();
    let mut shares: Vec<Share> = leaves
        .iter()
        .map(|leaf| Share::exactly(leaf.share))
        .collect();
    if let Some(part) = backup {
        servers.push(Server {
            state: State::Backup,
            ..Server::pool(part.name, 1.0, part.place)
        });
        shares.push(Share::ZERO);
    }
    let keyed = class == Class::KeyDependent;
    Pool {
        origin: Origin::Split,
        formula: (!keyed).then_some(Formula::Weight),
        comparability: Comparability::Approximate,
        servers,
        shares: Shares {
            of: if keyed { Basis::Keys } else { Basis::Arrivals },
            servers: shares,
        },
        used: document.is_used(service),
        ..Pool::new(
            Product::Traefik,
            pool_name(service),
            traffic(service.protocol),
            service.place,
            Algorithm::new(name, class),
        )
    }
}

fn server(leaf: &Leaf<'_>) -> Server {
    let through = leaf
        .through
        .map(|name| ("through".to_owned(), name.to_owned()));
    Server {
        labels: through.into_iter().collect(),
        ..Server::pool(leaf.name, leaf.weight, leaf.place)
    }
}
