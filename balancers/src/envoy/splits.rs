//! `weighted_clusters` as pools, whose servers are clusters.

use std::collections::BTreeSet;

use super::users::{Split, Users};
use crate::model::{Algorithm, Class, Pool, Server};
use crate::product::Product;
use crate::shares::by_weight;

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
    let part = |(cluster, weight, place): &(super::Word<'_>, f64, _)| {
        Server::pool(cluster.text, *weight, *place)
    };
    let algorithm = Algorithm::new("weighted_clusters", Class::Random);
    Pool::new(Product::Envoy, name, split.traffic, split.place, algorithm)
        .split_among(split.parts.iter().map(part).collect())
}
