//! Servers that stand where a balancer could, and what is sent where only a request knows.

use std::collections::BTreeSet;

use super::balancer::Method;
use super::config::Config;
use super::member::Member;
use super::pass::{Pass, Target};
use super::pools::{comparability, server};
use super::url::Url;
use crate::configuration::Unresolved;
use crate::model::{Algorithm, Basis, Class, Origin, Pool, Share, Shares, Traffic};
use crate::product::Product;
use crate::shares::Formula;

/// The servers that stand where a balancer could, once each.
pub(super) fn implicit(config: &Config) -> Vec<Pool> {
    let mut seen = BTreeSet::new();
    let mut pools = Vec::new();
    for pass in &config.passes {
        if let Target::Server(url) = &pass.target
            && seen.insert(url.address.key())
        {
            pools.push(implicit_pool(pass, url));
        }
    }
    pools
}

fn implicit_pool(pass: &Pass, url: &Url) -> Pool {
    let member = Member::new(&pass.url, url.clone(), &pass.params);
    let algorithm = Algorithm::new(Method::ByRequests.name(), Class::Rotation);
    let pool = Pool::new(
        Product::Apache,
        url.address.key(),
        Traffic::Requests,
        pass.url.place,
        algorithm,
    );
    Pool {
        origin: Origin::Implicit,
        formula: Some(Formula::Weight),
        comparability: comparability(std::iter::once(&member)),
        servers: vec![server(&member, true)],
        shares: Shares {
            of: Basis::Arrivals,
            servers: vec![Share::exactly(1.0)],
        },
        ..pool
    }
}

/// What sends requests where only they know.
pub(super) fn unresolved(config: &Config) -> Vec<Unresolved> {
    let open = config
        .passes
        .iter()
        .filter(|pass| matches!(pass.target, Target::Variable));
    let found = open.map(|pass| Unresolved {
        written: pass.url.text.clone(),
        traffic: Traffic::Requests,
        place: pass.url.place,
    });
    found.collect()
}
