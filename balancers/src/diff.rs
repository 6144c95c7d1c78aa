//! What changes between two configurations: data only, for tables and pull requests.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{Pool, Share, Traffic};

/// A pool of which something changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolChange {
    /// The pool's name.
    pub name: String,
    /// What it balances.
    pub traffic: Traffic,
    /// Whether it is there before and after.
    pub presence: Presence,
    /// The algorithm before and after, if it changes.
    pub algorithm: Option<(String, String)>,
    /// Servers of which something changes, by address.
    pub servers: Vec<ServerChange>,
}

/// Whether something is there before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Only after.
    Added,
    /// Only before.
    Removed,
    /// Both.
    Kept,
}

/// A server whose expected share changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServerChange {
    /// Its address, as the two configurations agree on it.
    pub address: String,
    /// Its share before; `None` if it was not there.
    pub before: Option<Share>,
    /// Its share after; `None` if it is not there.
    pub after: Option<Share>,
}

/// Differences of shares below this are those of rounding.
const NEGLIGIBLE: f64 = 1e-9;

/// What changes from `old` to `new`, pools by name and servers by address; what stays the same is left out.
pub fn diff(old: &[Pool], new: &[Pool]) -> Vec<PoolChange> {
    let (old, new) = (by_name(old), by_name(new));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    let change = |key: &(&str, Traffic)| pool(*key, old.get(key).copied(), new.get(key).copied());
    keys.iter().filter_map(change).collect()
}

fn by_name(pools: &[Pool]) -> BTreeMap<(&str, Traffic), &Pool> {
    let named = |pool| -> ((&str, Traffic), &Pool) {
        let pool: &Pool = pool;
        ((pool.name.as_str(), pool.traffic), pool)
    };
    pools.iter().map(named).collect()
}

fn pool(
    (name, traffic): (&str, Traffic),
    old: Option<&Pool>,
    new: Option<&Pool>,
) -> Option<PoolChange> {
    let presence = match (old, new) {
        (Some(_), Some(_)) => Presence::Kept,
        (None, Some(_)) => Presence::Added,
        _ => Presence::Removed,
    };
    let names = old
        .zip(new)
        .map(|(old, new)| (&old.algorithm.name, &new.algorithm.name));
    let algorithm = names
        .filter(|(old, new)| old != new)
        .map(|(old, new)| (old.clone(), new.clone()));
    let servers = servers(&shares(old), &shares(new));
    let same = presence == Presence::Kept && algorithm.is_none() && servers.is_empty();
    (!same).then(|| PoolChange {
        name: name.to_owned(),
        traffic,
        presence,
        algorithm,
        servers,
    })
}

/// The share of each address; that of one written twice is the sum.
fn shares(pool: Option<&Pool>) -> BTreeMap<String, Share> {
    let mut shares = BTreeMap::new();
    for (server, share) in pool.into_iter().flat_map(Pool::members) {
        shares
            .entry(server.address.key())
            .and_modify(|sum: &mut Share| {
                *sum = Share::between(sum.low() + share.low(), sum.high() + share.high());
            })
            .or_insert(share);
    }
    shares
}

fn servers(old: &BTreeMap<String, Share>, new: &BTreeMap<String, Share>) -> Vec<ServerChange> {
    let addresses: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changes = addresses.into_iter().map(|address| ServerChange {
        address: address.clone(),
        before: old.get(address).copied(),
        after: new.get(address).copied(),
    });
    changes.filter(|change| !is_same(change)).collect()
}

fn is_same(change: &ServerChange) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() < NEGLIGIBLE;
    match (change.before, change.after) {
        (Some(before), Some(after)) => {
            close(before.low(), after.low()) && close(before.high(), after.high())
        }
        _ => false,
    }
}
