//! In what a pool of one balancer differs from the same pool of the others.

use std::collections::BTreeMap;

use super::{DIFFERENT, MOST_COMPARED};
use crate::configuration::Configuration;
use crate::finding::Report;
use crate::model::{Class, Pool, Server, State};
use crate::product::Product;
use crate::text::{list, percent};

/// A pool in its configuration.
pub(super) type Member<'a> = (&'a Configuration, &'a Pool);

/// The member that most others are like; the first of those if there are several.
pub(super) fn usual<'a>(members: &[Member<'a>]) -> Member<'a> {
    let alike = |member: &Member<'a>| {
        let others = members.iter().take(MOST_COMPARED);
        others
            .filter(|other| differences(member.1, other.1).is_empty())
            .count()
    };
    let mut best = (members[0], 0);
    for member in members.iter().take(MOST_COMPARED) {
        let count = alike(member);
        if count > best.1 {
            best = (*member, count);
        }
    }
    best.0
}

/// GEN-003: finds in what a member is not as usual.
pub(super) fn check(member: Member<'_>, usual: Member<'_>, report: &mut Report) {
    let ((_, pool), (there, other)) = (member, usual);
    let differences = differences(pool, other);
    if differences.is_empty() {
        return;
    }
    let message = format!(
        "{} differs from that of {}: {}{}",
        pool.name,
        there.sources.locate(other.place),
        list(differences),
        shares(pool, other)
    );
    let help = "make the files of all balancers from one source; what is meant to differ is another pool, by another name";
    report
        .add(&DIFFERENT, pool.place, message, help)
        .pool(&pool.name);
}

/// In words, one for each.
fn differences(pool: &Pool, other: &Pool) -> Vec<String> {
    let (own, theirs) = (by_key(pool), by_key(other));
    let mut found = Vec::new();
    if pool.algorithm.name != other.algorithm.name {
        let (here, there) = (&pool.algorithm.name, &other.algorithm.name);
        found.push(format!("it is by {here} instead of {there}"));
    }
    for (key, server) in &own {
        match theirs.get(key) {
            None => found.push(format!("{key} is only here")),
            Some(known) => found.extend(difference(key, server, known)),
        }
    }
    let missing = theirs.keys().filter(|key| !own.contains_key(*key));
    found.extend(missing.map(|key| format!("{key} is missing here")));
    if found.is_empty() && order_counts(pool) && order(pool) != order(other) {
        found.push("its servers stand in another order, and the hash goes by positions".to_owned());
    }
    found
}

fn difference(key: &str, server: &Server, known: &Server) -> Option<String> {
    if server.state != known.state {
        let (here, there) = (state(server.state), state(known.state));
        return Some(format!("{key} is {here} instead of {there}"));
    }
    let differs = (server.weight - known.weight).abs() > 1e-9;
    let (here, there) = (server.weight, known.weight);
    differs.then(|| format!("the weight of {key} is {here} instead of {there}"))
}

const fn state(state: State) -> &'static str {
    match state {
        State::InRotation => "in rotation",
        State::Backup => "a backup",
        State::Down => "down",
        State::Drained => "drained",
        State::Disabled => "disabled",
    }
}

fn by_key(pool: &Pool) -> BTreeMap<String, &Server> {
    let servers = pool.servers.iter();
    servers
        .map(|server| (server.address.key(), server))
        .collect()
}

fn order(pool: &Pool) -> Vec<String> {
    let servers = pool.servers.iter();
    servers.map(|server| server.address.key()).collect()
}

/// Whether a key's server is known by its position: with hashes of `HAProxy` and nginx that are no ring.
fn order_counts(pool: &Pool) -> bool {
    let name = &pool.algorithm.name;
    let positional = matches!(pool.product, Product::Nginx | Product::Haproxy);
    let plain = !name.contains("consistent") && !name.contains(',');
    positional && plain && pool.algorithm.class == Class::KeyDependent
}

/// The share of a server here and there, of the one where they differ most.
fn shares(pool: &Pool, other: &Pool) -> String {
    let (Some(own), Some(theirs)) = (pool.shares.exact(), other.shares.exact()) else {
        return String::new();
    };
    let of = |pool: &Pool, shares: Vec<f64>| -> BTreeMap<String, f64> {
        order(pool).into_iter().zip(shares).collect()
    };
    let (own, theirs) = (of(pool, own), of(other, theirs));
    let both = own
        .iter()
        .filter_map(|(key, share)| Some((key, *share, *theirs.get(key)?)));
    // Of equal ones `max_by` takes the last.
    let most = both
        .rev()
        .max_by(|a, b| (a.1 - a.2).abs().total_cmp(&(b.1 - b.2).abs()));
    match most {
        Some((key, here, there)) if (here - there).abs() > 1e-9 => {
            let (here, there) = (percent(here), percent(there));
            format!("; {key} gets {here} here and {there} there")
        }
        _ => String::new(),
    }
}
