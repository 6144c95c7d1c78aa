//! Clusters as pools.

use std::collections::BTreeMap;

use super::cluster::{Cluster, Discovery, Endpoint, Health};
use super::policy::Kind;
use super::shares::{Budget, shares};
use super::users::{User, Users};
use crate::configuration::Options;
use crate::model::{
    Algorithm, Class, Comparability, Pool, Scheduling, Server, State, Traffic, Workers,
};
use crate::product::Product;

/// A cluster with what follows from it, for rules to look at.
pub(super) struct View<'a> {
    pub(super) cluster: &'a Cluster<'a>,
    pub(super) pool: Pool,
    pub(super) users: &'a [User],
    /// What holds if each name has one address.
    pub(super) nominal: Option<Vec<f64>>,
    /// Points on the ring or entries of the table.
    pub(super) entries: Vec<Option<u64>>,
    pub(super) panic: bool,
}

impl<'a> View<'a> {
    /// Hosts that get traffic while all is well, of the first priority level that has any.
    pub(super) fn live(&self) -> Vec<(usize, &'a Endpoint<'a>)> {
        let endpoints = self.cluster.endpoints.iter().enumerate();
        let states = self.pool.servers.iter().map(|server| server.state);
        let live = endpoints
            .zip(states)
            .filter(|(_, state)| *state == State::InRotation);
        live.map(|(endpoint, _)| endpoint).collect()
    }

    /// The name of the cluster.
    pub(super) fn name(&self) -> &'a str {
        self.cluster.name.text
    }
}

/// All clusters.
pub(super) fn views<'a>(
    clusters: &'a [Cluster<'a>],
    users: &'a Users<'a>,
    options: &Options,
) -> Vec<View<'a>> {
    let mut budget = Budget::default();
    let view = |cluster: &'a Cluster<'a>| {
        let expected = shares(cluster, &mut budget);
        let of = users.of(cluster.name.text);
        let gets = |index: usize| expected.nominal.as_ref().map(|shares| shares[index] > 0.0);
        let servers = cluster.endpoints.iter().enumerate();
        let traffic = traffic(of);
        View {
            pool: Pool {
                // No formula: priorities, localities and rings of hashes need more than a name and a weight.
                scheduling: scheduling(cluster, options),
                comparability: comparability(cluster, traffic),
                servers: servers
                    .map(|(index, endpoint)| server(cluster, endpoint, gets(index)))
                    .collect(),
                shares: expected.bounds,
                used: users.is_used(cluster.name.text),
                notes: expected.notes,
                ..Pool::new(
                    Product::Envoy,
                    cluster.name.text,
                    traffic,
                    cluster.name.place,
                    algorithm(cluster),
                )
            },
            cluster,
            users: of,
            nominal: expected.nominal,
            entries: expected.entries,
            panic: expected.panic,
        }
    };
    clusters.iter().map(view).collect()
}

fn traffic(users: &[User]) -> Traffic {
    let connections = |user: &User| user.traffic == Traffic::Connections;
    if !users.is_empty() && users.iter().all(connections) {
        Traffic::Connections
    } else {
        Traffic::Requests
    }
}

fn algorithm(cluster: &Cluster<'_>) -> Algorithm {
    let policy = &cluster.policy;
    let class = match policy.kind {
        _ if policy.subsets.is_some() || policy.overridden => Class::PolicyGated,
        Kind::RoundRobin => Class::Rotation,
        Kind::Random => Class::Random,
        Kind::LeastRequest { .. } | Kind::Reported => Class::LoadDependent,
        Kind::RingHash { .. } | Kind::Maglev { .. } => Class::KeyDependent,
        Kind::PickFirst | Kind::Other(_) => Class::PolicyGated,
    };
    Algorithm::new(policy.kind.name(), class)
}

/// Workers share rings and tables; rotation and load each worker keeps for itself.
fn scheduling(cluster: &Cluster<'_>, options: &Options) -> Scheduling {
    match cluster.policy.kind {
        Kind::Random | Kind::RingHash { .. } | Kind::Maglev { .. } => Scheduling::Shared,
        // `--concurrency` is as many as there are processors, unless given.
        _ => Scheduling::PerWorker(options.cpus.map_or(Workers::PerCpu, Workers::Number)),
    }
}

fn comparability(cluster: &Cluster<'_>, traffic: Traffic) -> Comparability {
    let protocol = cluster.protocol();
    if traffic == Traffic::Connections || protocol.most_requests() == Some(1) {
        Comparability::Exact
    } else if protocol.http2.is_some() {
        Comparability::Unusable
    } else {
        Comparability::Approximate
    }
}

fn server(cluster: &Cluster<'_>, endpoint: &Endpoint<'_>, gets: Option<bool>) -> Server {
    let locality = cluster.localities.get(endpoint.locality);
    let mut labels: BTreeMap<String, String> = endpoint
        .labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    if let Some(locality) = locality {
        let zone = locality
            .zone
            .map(|zone| ("zone".to_owned(), zone.to_owned()));
        labels.extend(zone);
        if locality.priority > 0 {
            labels.insert("priority".to_owned(), locality.priority.to_string());
        }
    }
    Server {
        name: endpoint
            .hostname
            .filter(|_| cluster.discovery == Discovery::Static)
            .map(str::to_owned),
        weight: endpoint.weight,
        state: state(cluster, endpoint, gets),
        labels,
        ..Server::new(endpoint.address.clone(), endpoint.place)
    }
}

/// `gets` is whether shares say that it gets traffic; `None` if they say nothing.
fn state(cluster: &Cluster<'_>, endpoint: &Endpoint<'_>, gets: Option<bool>) -> State {
    let weight = cluster
        .localities
        .get(endpoint.locality)
        .and_then(|locality| locality.weight);
    let weightless =
        cluster.policy.by_locality.is_some() && weight.is_none_or(|(weight, _)| weight <= 0.0);
    match endpoint.health {
        _ if gets == Some(true) => State::InRotation,
        Health::Unhealthy => State::Down,
        Health::Draining => State::Drained,
        Health::Degraded => State::Backup,
        Health::Healthy if cluster.priority(endpoint) > 0 => State::Backup,
        Health::Healthy if weightless => State::Disabled,
        Health::Healthy => State::InRotation,
    }
}
