//! Several balancers that spread over the same servers: what each does right by itself and all do wrong together.
//!
//! Pools of two configurations are the same pool if product, name and traffic are, and at least half of the servers of the
//! smaller one. Others of one name are of different systems.

mod differences;

use std::collections::{BTreeMap, BTreeSet};

use crate::configuration::Configuration;
use crate::finding::{Report, define_rules};
use crate::model::{Class, Origin, Pool, Server, Target, Traffic};
use crate::product::Product;

define_rules! {
    product: None,
    DIFFERENT = "GEN-003", Warning, "Balancers of one fleet spread differently";
    HERD = "GEN-004", Warning, "Several balancers look for the least busy server, each by its own count";
}

/// From how many balancers on one that joins a pool, or comes back, is overrun by the sum of their picks.
const MANY: usize = 3;

/// With how many pools of its name one is compared, at most: folders can hold thousands of files.
const MOST_COMPARED: usize = 100;

/// Compares the pools that several configurations have, and adds what differs to their findings.
pub fn compare(configurations: &mut [Configuration]) {
    let mut reports: Vec<Report> = Vec::new();
    reports.resize_with(configurations.len(), Report::default);
    for fleet in fleets(configurations) {
        let members: Vec<(&Configuration, &Pool)> = fleet
            .iter()
            .map(|(index, pool)| {
                let configuration = &configurations[*index];
                (configuration, &configuration.pools[*pool])
            })
            .collect();
        let usual = differences::usual(&members);
        for (member, (index, _)) in members.iter().zip(&fleet) {
            differences::check(*member, usual, &mut reports[*index]);
            herd(member.1, members.len(), &mut reports[*index]);
        }
    }
    for (configuration, report) in configurations.iter_mut().zip(reports) {
        configuration.add(report);
    }
}

/// Configurations and pools by their positions.
type Fleet = Vec<(usize, usize)>;

/// Pools that are the same in several configurations.
fn fleets(configurations: &[Configuration]) -> Vec<Fleet> {
    let mut named: BTreeMap<(Product, &str, Traffic), Vec<Fleet>> = BTreeMap::new();
    for (index, configuration) in configurations.iter().enumerate() {
        for (position, pool) in configuration.pools.iter().enumerate() {
            if pool.origin != Origin::Declared || pool.servers.is_empty() {
                continue;
            }
            let known = named
                .entry((pool.product, &pool.name, pool.traffic))
                .or_default();
            let same = |fleet: &&mut Fleet| {
                let (first, pool_there) = fleet[0];
                let there = &configurations[first].pools[pool_there];
                let elsewhere = fleet.last().is_some_and(|(other, _)| *other != index);
                elsewhere && overlap(pool, there)
            };
            match known.iter_mut().take(MOST_COMPARED).find(same) {
                Some(fleet) => fleet.push((index, position)),
                None => known.push(vec![(index, position)]),
            }
        }
    }
    let all = named.into_values().flatten();
    all.filter(|fleet| fleet.len() > 1).collect()
}

/// Whether two pools have at least half of the servers of the smaller one in common, on other hosts than the balancers':
/// each host has a loopback of its own.
fn overlap(a: &Pool, b: &Pool) -> bool {
    let remote = |server: &&Server| match &server.address.target {
        Target::Ip(address) => !address.ip().is_loopback(),
        Target::Name { host, .. } => host != "localhost",
        Target::Unix(_) | Target::Unknown => false,
    };
    let keys = |pool: &Pool| -> BTreeSet<String> {
        let servers = pool.servers.iter().filter(remote);
        servers.map(|server| server.address.key()).collect()
    };
    let (a, b) = (keys(a), keys(b));
    let common = a.intersection(&b).count();
    common > 0 && common * 2 >= a.len().min(b.len())
}

/// GEN-004: each of many takes the server that has the fewest of its own connections.
fn herd(pool: &Pool, balancers: usize, report: &mut Report) {
    // Those that look at two servers which they draw do not all look at the same.
    let draws = pool.product == Product::Envoy || pool.algorithm.name.starts_with("random");
    let by_count = pool.algorithm.class == Class::LoadDependent && !draws;
    let servers = pool.in_rotation().count();
    if !by_count || balancers < MANY || servers < 2 {
        return;
    }
    let message = format!(
        "{balancers} balancers that were audited together choose among these {servers} servers by `{}`, and each counts only \
         what it opened itself: a server that joins, or comes back, is the least busy for all of them and gets {balancers} \
         connections at a time instead of 1",
        pool.algorithm.name
    );
    let help = "choose the better of two drawn at random: `random two least_conn` (nginx), `balance random(2)` (HAProxy)";
    report
        .add(&HERD, pool.place, message, help)
        .pool(&pool.name);
}
