//! `weighted_clusters` as pools, whose servers are clusters.

use std::collections::{BTreeMap, BTreeSet};

use super::users::{Split, Users};
use crate::model::{
    Address, Algorithm, Basis, Class, Comparability, Origin, Pool, Scheduling, Server, Share,
    Shares, State, Target,
};
use crate::product::Product;
use crate::shares::{Formula, by_weight};

/// A pool for each, with names that differ.
pub(super) fn pools(users: &Users<'_>) -> Vec<Pool> {
    let mut names = BTreeSet::new();
    let unique = |split: &Split<'_>| {
        let mut name = split.name.clone();
        if !names.insert((split.traffic, name.clone())) {
            name = format!("{name} (line {})", split.place.line);
            names.insert((split.traffic, name.clone()));
        }
        pool(split, name)
    };
    users.splits.iter().map(unique).collect()
}

/// The weights of a split's clusters as shares: a draw for each request or connection.
pub(super) fn shares(split: &Split<'_>) -> Vec<f64> {
    by_weight(
        &split
            .parts
            .iter()
            .map(|(_, weight, _)| *weight)
            .collect::<Vec<_>>(),
    )
}

fn pool(split: &Split<'_>, name: String) -> Pool {
    let server = |(cluster, weight, place): &(super::Word<'_>, f64, _)| Server {
        name: Some(cluster.text.to_owned()),
        address: Address {
            written: cluster.text.to_owned(),
            target: Target::Unknown,
        },
        weight: *weight,
        state: if *weight > 0.0 {
            State::InRotation
        } else {
            State::Disabled
        },
        max_connections: None,
        labels: BTreeMap::new(),
        place: *place,
    };
    Pool {
        name,
        product: Product::Envoy,
        origin: Origin::Split,
        traffic: split.traffic,
        place: split.place,
        algorithm: Algorithm::new("weighted_clusters", Class::Random),
        formula: Some(Formula::Weight),
        scheduling: Scheduling::Shared,
        comparability: Comparability::Approximate,
        servers: split.parts.iter().map(server).collect(),
        shares: Shares {
            of: Basis::Arrivals,
            servers: shares(split).into_iter().map(Share::exactly).collect(),
        },
        used: true,
        notes: Vec::new(),
    }
}
