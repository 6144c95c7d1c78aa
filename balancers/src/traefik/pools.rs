//! Services of servers as pools.

use std::collections::BTreeSet;

use super::document::Document;
use super::service::{Balancer, Body, Protocol, Service, Strategy};
use crate::finding::{Added, Report, Rule};
use crate::model::{
    Algorithm, Basis, Class, Comparability, Pool, Server, Share, Shares, State, Traffic,
};
use crate::product::Product;
use crate::shares::Formula;
use crate::source::Place;

/// A service of servers with what follows from it, for rules to look at.
pub(super) struct View<'a> {
    pub(super) service: &'a Service<'a>,
    pub(super) balancer: &'a Balancer<'a>,
    pub(super) pool: Pool,
    /// What each server gets by weight, or by number where weights do not count.
    pub(super) nominal: &'a [f64],
}

impl View<'_> {
    /// Adds a finding about it.
    pub(super) fn add<'r>(
        &self,
        report: &'r mut Report,
        rule: &'static Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Added<'r> {
        report.add(rule, place, message, help).pool(&self.pool.name)
    }

    /// How many different servers get traffic.
    pub(super) fn live(&self) -> usize {
        let servers = self.balancer.servers.iter().zip(self.nominal);
        let live = servers.filter(|(_, share)| **share > 0.0);
        live.map(|(server, _)| server.url)
            .collect::<BTreeSet<_>>()
            .len()
    }
}

/// All services of servers.
pub(super) fn views<'a>(document: &'a Document<'a>) -> Vec<View<'a>> {
    let view = |service: &'a Service<'a>| {
        let Body::Servers(balancer) = &service.body else {
            return None;
        };
        Some(View {
            pool: pool(document, service, balancer),
            service,
            balancer,
            nominal: &service.shares,
        })
    };
    document.services.iter().filter_map(view).collect()
}

/// The name of a service as a pool: TCP and UDP both are connections, and may have a service of the same name.
pub(super) fn pool_name(service: &Service<'_>) -> String {
    match service.protocol {
        Protocol::Udp => format!("{}/UDP", service.name),
        Protocol::Http | Protocol::Tcp => service.name.to_owned(),
    }
}

/// What is balanced.
pub(super) fn traffic(protocol: Protocol) -> Traffic {
    match protocol {
        Protocol::Http => Traffic::Requests,
        Protocol::Tcp | Protocol::Udp => Traffic::Connections,
    }
}

fn pool(document: &Document<'_>, service: &Service<'_>, balancer: &Balancer<'_>) -> Pool {
    let names = balancer
        .servers
        .iter()
        .any(|server| server.address.is_name());
    let by_weight = matches!(balancer.strategy, Strategy::Wrr | Strategy::P2c);
    let open = matches!(balancer.strategy, Strategy::LeastTime | Strategy::Other(_));
    let open = open && service.shares.iter().filter(|share| **share > 0.0).count() > 1;
    let bound = |share: &f64| {
        if open && *share > 0.0 {
            Share::UNKNOWN
        } else {
            Share::exactly(*share)
        }
    };
    let algorithm = algorithm(service, balancer);
    let note = open.then(|| "shares follow the servers' response times".to_owned());
    Pool {
        // A name stays one server, whatever the number of its addresses.
        formula: (by_weight && !names).then_some(Formula::Weight),
        comparability: comparability(document, service, balancer),
        servers: servers(service, balancer),
        shares: Shares {
            of: match algorithm.class {
                Class::KeyDependent => Basis::Keys,
                Class::LoadDependent => Basis::InProgress,
                _ => Basis::Arrivals,
            },
            servers: service.shares.iter().map(bound).collect(),
        },
        used: document.is_used(service),
        notes: note.into_iter().collect(),
        ..Pool::new(
            Product::Traefik,
            pool_name(service),
            traffic(service.protocol),
            service.place,
            algorithm,
        )
    }
}

fn servers(service: &Service<'_>, balancer: &Balancer<'_>) -> Vec<Server> {
    let weight = |weight: i64| {
        if balancer.strategy.weighs() {
            weight.max(0) as f64
        } else {
            1.0
        }
    };
    let server = |(server, share): (&super::service::Server<'_>, &f64)| Server {
        weight: weight(server.weight),
        state: if *share > 0.0 {
            State::InRotation
        } else {
            State::Disabled
        },
        ..Server::new(server.address.clone(), server.place)
    };
    let servers = balancer.servers.iter().zip(&service.shares);
    servers.map(server).collect()
}

fn algorithm(service: &Service<'_>, balancer: &Balancer<'_>) -> Algorithm {
    let (name, class) = match balancer.strategy {
        Strategy::Wrr => ("wrr", Class::Rotation),
        Strategy::P2c => ("p2c", Class::LoadDependent),
        Strategy::Hrw => ("hrw", Class::KeyDependent),
        Strategy::LeastTime => ("leasttime", Class::LoadDependent),
        Strategy::Other(name) => (name, Class::PolicyGated),
    };
    match service.cookie() {
        Some(_) => Algorithm::new(format!("{name}, sticky cookie"), Class::KeyDependent),
        None => Algorithm::new(name, class),
    }
}

fn comparability(
    document: &Document<'_>,
    service: &Service<'_>,
    balancer: &Balancer<'_>,
) -> Comparability {
    let multiplexed = |scheme: &str| {
        let mut servers = balancer.servers.iter();
        servers.any(|server| server.url.starts_with(scheme))
    };
    if service.protocol != Protocol::Http || document.closes(service) {
        Comparability::Exact
    } else if multiplexed("h2c://") {
        Comparability::Unusable
    } else {
        Comparability::Approximate
    }
}
