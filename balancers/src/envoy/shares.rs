//! The expected shares of a cluster's hosts: priority level, then locality, then host.

use std::collections::BTreeMap;

use super::cluster::{Cluster, Discovery, Endpoint, Health};
use super::policy::Kind;
use crate::model::{Basis, Share, Shares};
use crate::shares::{EnvoyLevel, EnvoyMaglev, EnvoyRing, by_weight, envoy_priorities};

/// How many points of rings and entries of tables are computed for one configuration, at most.
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
    /// What holds if each name has one address, one per host in the cluster's order.
    pub(super) nominal: Option<Vec<f64>>,
    /// How many points or entries each host has, with algorithms that hash; `None` for hosts that have none.
    pub(super) entries: Vec<Option<u64>>,
    /// Whether levels without enough healthy hosts send traffic to all.
    pub(super) panic: bool,
    pub(super) notes: Vec<String>,
}

/// What a host gets of a group in which it takes part, by its index.
type Part = (usize, f64);

struct Work<'w, 'a> {
    cluster: &'w Cluster<'a>,
    budget: &'w mut Budget,
    entries: Vec<Option<u64>>,
}

/// The expected shares while things are as the configuration says.
pub(super) fn shares(cluster: &Cluster<'_>, budget: &mut Budget) -> Expected {
    let mut work = Work {
        cluster,
        budget,
        entries: vec![None; cluster.endpoints.len()],
    };
    let mut notes = Vec::new();
    let (nominal, panic) = work.nominal();
    if panic {
        notes.push(
            "too few hosts are healthy: Envoy is in panic mode and ignores health".to_owned(),
        );
    }
    let entries = work.entries;
    let nominal = if is_open(cluster, &mut notes) {
        None
    } else {
        nominal
    };
    if nominal.is_none() && cluster.policy.kind.is_hash() && notes.is_empty() {
        notes.push("the ring or table is too large to be computed".to_owned());
    }
    let gets = |index: usize| nominal.as_ref().is_none_or(|shares| shares[index] > 0.0);
    let names =
        |(index, endpoint): (usize, &Endpoint<'_>)| endpoint.address.is_name() && gets(index);
    let by_name = cluster.discovery == Discovery::StrictDns
        && cluster.endpoints.iter().enumerate().any(names);
    let several = (0..cluster.endpoints.len())
        .filter(|index| gets(*index))
        .count()
        > 1;
    if by_name {
        notes.push("a name is as many hosts as it has addresses, each with its weight".to_owned());
    }
    let bound = |index: usize| match &nominal {
        Some(shares) if shares[index] <= 0.0 => Share::ZERO,
        Some(shares) if !(by_name && several) => Share::exactly(shares[index]),
        _ => Share::UNKNOWN,
    };
    Expected {
        bounds: Shares {
            of: basis(&cluster.policy.kind),
            servers: (0..cluster.endpoints.len()).map(bound).collect(),
        },
        nominal,
        entries,
        panic,
        notes,
    }
}

/// Whether something that no file tells decides.
fn is_open(cluster: &Cluster<'_>, notes: &mut Vec<String>) -> bool {
    let note = match cluster.policy.kind {
        _ if cluster.endpoints.is_empty() => {
            "hosts are found while Envoy runs: `/config_dump?include_eds` tells them"
        }
        _ if cluster.policy.subsets.is_some() => {
            "requests choose a subset of the hosts by their metadata"
        }
        _ if cluster.policy.overridden => "requests may name the host",
        Kind::Reported => "weights come from the load that hosts report",
        Kind::PickFirst => "the first host that can be reached gets all",
        Kind::Other(_) => "the cluster's own balancer decides",
        _ => return false,
    };
    notes.push(note.to_owned());
    true
}

fn basis(kind: &Kind<'_>) -> Basis {
    match kind {
        Kind::LeastRequest { .. } => Basis::InProgress,
        kind if kind.is_hash() => Basis::Keys,
        _ => Basis::Arrivals,
    }
}

impl Work<'_, '_> {
    /// A number for each host, if all is known; and whether a level is in panic.
    fn nominal(&mut self) -> (Option<Vec<f64>>, bool) {
        let mut levels: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (index, endpoint) in self.cluster.endpoints.iter().enumerate() {
            levels
                .entry(self.cluster.priority(endpoint))
                .or_default()
                .push(index);
        }
        let counted: Vec<EnvoyLevel> = levels.values().map(|hosts| self.level(hosts)).collect();
        let loads = envoy_priorities(
            &counted,
            self.cluster.overprovisioning,
            self.cluster.panic.0,
        );
        let panic = loads
            .iter()
            .any(|load| load.panic && load.healthy + load.degraded > 0);
        let mut shares = vec![0.0; self.cluster.endpoints.len()];
        for (hosts, load) in levels.values().zip(&loads) {
            let parts = [
                (load.healthy, Health::Healthy),
                (load.degraded, Health::Degraded),
            ];
            for (percent, health) in parts.into_iter().filter(|(percent, _)| *percent > 0) {
                let Some(group) = self.group(hosts, health, load.panic) else {
                    return (None, panic);
                };
                for (index, share) in group {
                    shares[index] += share * percent as f64 / 100.0;
                }
            }
        }
        // Of what reaches hosts at all.
        (Some(by_weight(&shares)), panic)
    }

    fn level(&self, hosts: &[usize]) -> EnvoyLevel {
        let weighted = self.cluster.weighted_health;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "weights are whole and not negative"
        )]
        let weight = |endpoint: &Endpoint<'_>| if weighted { endpoint.weight as u64 } else { 1 };
        let sum = |of: fn(Health) -> bool| {
            let hosts = hosts.iter().map(|index| &self.cluster.endpoints[*index]);
            hosts
                .filter(|host| of(host.health))
                .map(weight)
                .fold(0, u64::saturating_add)
        };
        EnvoyLevel {
            healthy: sum(|health| health == Health::Healthy),
            degraded: sum(|health| health == Health::Degraded),
            total: sum(|_| true),
        }
    }

    /// What each host gets of the load of one level and health.
    fn group(&mut self, level: &[usize], health: Health, panic: bool) -> Option<Vec<Part>> {
        let cluster = self.cluster;
        // Rings and tables are made of healthy hosts, whatever load they are to take (`normalizeWeights`).
        let health = if cluster.policy.kind.is_hash() {
            Health::Healthy
        } else {
            health
        };
        let takes = |index: &usize| panic || cluster.endpoints[*index].health == health;
        let hosts: Vec<usize> = level.iter().copied().filter(takes).collect();
        let by_locality = cluster.policy.by_locality.is_some()
            && level.iter().any(|index| self.locality_weight(*index) > 0.0);
        if cluster.policy.kind.is_hash() {
            let weights = self.hash_weights(level, &hosts, by_locality);
            return self.hashed(&hosts, &weights);
        }
        // In panic localities do not count (`hostSourceToUse`).
        if !by_locality || panic {
            return Some(self.inside(&hosts, 1.0));
        }
        let mut localities: BTreeMap<usize, (Vec<usize>, usize)> = BTreeMap::new();
        for index in level {
            let locality = localities
                .entry(cluster.endpoints[*index].locality)
                .or_default();
            locality.1 += 1;
            if takes(index) {
                locality.0.push(*index);
            }
        }
        let effective = |(hosts, all): &(Vec<usize>, usize)| {
            let weight = hosts
                .first()
                .map_or(0.0, |index| self.locality_weight(*index));
            let available =
                cluster.overprovisioning as f64 / 100.0 * hosts.len() as f64 / *all as f64;
            weight * available.min(1.0)
        };
        let shares = by_weight(&localities.values().map(effective).collect::<Vec<_>>());
        let each = localities.values().zip(shares);
        Some(
            each.flat_map(|((hosts, _), share)| self.inside(hosts, share))
                .collect(),
        )
    }

    fn locality_weight(&self, index: usize) -> f64 {
        let locality = self
            .cluster
            .localities
            .get(self.cluster.endpoints[index].locality);
        locality
            .and_then(|locality| locality.weight)
            .map_or(0.0, |(weight, _)| weight)
    }

    /// A share among hosts by their weights, which `RANDOM` ignores.
    fn inside(&self, hosts: &[usize], share: f64) -> Vec<Part> {
        let weight = |index: &usize| match self.cluster.policy.kind {
            Kind::Random => 1.0,
            _ => self.cluster.endpoints[*index].weight,
        };
        let shares = by_weight(&hosts.iter().map(weight).collect::<Vec<_>>());
        hosts
            .iter()
            .zip(shares)
            .map(|(index, part)| (*index, part * share))
            .collect()
    }

    /// The normalised weights of `normalizeWeights` in `thread_aware_lb_impl.cc`: here localities keep their weight whatever
    /// the health of their hosts.
    fn hash_weights(&self, level: &[usize], hosts: &[usize], by_locality: bool) -> Vec<f64> {
        let weight = |index: &usize| self.cluster.endpoints[*index].weight;
        if !by_locality {
            return by_weight(&hosts.iter().map(weight).collect::<Vec<_>>());
        }
        let mut all = BTreeMap::new();
        for index in level {
            all.insert(
                self.cluster.endpoints[*index].locality,
                self.locality_weight(*index),
            );
        }
        let total: f64 = all.values().sum();
        let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
        for index in hosts {
            *sums
                .entry(self.cluster.endpoints[*index].locality)
                .or_default() += weight(index);
        }
        let part = |index: &usize| {
            let locality = self.cluster.endpoints[*index].locality;
            weight(index) / sums[&locality] * all[&locality] / total
        };
        hosts.iter().map(part).collect()
    }

    /// Shares by ring or table.
    fn hashed(&mut self, hosts: &[usize], weights: &[f64]) -> Option<Vec<Part>> {
        let endpoints = &self.cluster.endpoints;
        let some = || {
            hosts
                .iter()
                .zip(weights)
                .filter(|(_, weight)| **weight > 0.0)
        };
        let keys: Vec<(&str, f64)> = some()
            .map(|(index, weight)| (self.cluster.hash_key(&endpoints[*index]), *weight))
            .collect();
        let (shares, entries) = match self.cluster.policy.kind {
            Kind::RingHash {
                minimum,
                maximum,
                hash,
            } => {
                let ring = EnvoyRing::new(&keys, (minimum, maximum), hash, self.budget.0)?;
                (ring.shares(), ring.entries().to_vec())
            }
            Kind::Maglev { table } => {
                let maglev = EnvoyMaglev::new(&keys, table, self.budget.0)?;
                (maglev.shares(), maglev.entries().to_vec())
            }
            _ => return None,
        };
        self.budget.0 = self.budget.0.saturating_sub(entries.iter().sum());
        let indices: Vec<usize> = some().map(|(index, _)| *index).collect();
        for (index, entries) in indices.iter().zip(entries) {
            self.entries[*index] = Some(entries);
        }
        Some(indices.into_iter().zip(shares).collect())
    }
}
