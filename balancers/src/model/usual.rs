//! Pools and servers as most are, for readers of products to begin with: `Pool { used: false, ..Pool::new(..) }`.

use std::collections::BTreeMap;

use super::address::{Address, Target};
use super::algorithm::Algorithm;
use super::pool::{Comparability, Origin, Pool, Scheduling, Server, State, Traffic};
use super::share::{Basis, Share, Shares};
use crate::product::Product;
use crate::shares::{Formula, by_weight};
use crate::source::Place;

impl Pool {
    /// A declared pool that is used, without servers: one account for all workers, one connection per choice, and no formula
    /// of shares, which are of arrivals.
    pub(crate) fn new(
        product: Product,
        name: impl Into<String>,
        traffic: Traffic,
        place: Place,
        algorithm: Algorithm,
    ) -> Self {
        Self {
            name: name.into(),
            product,
            origin: Origin::Declared,
            traffic,
            place,
            algorithm,
            formula: None,
            scheduling: Scheduling::Shared,
            comparability: Comparability::Exact,
            servers: Vec::new(),
            shares: Shares {
                of: Basis::Arrivals,
                servers: Vec::new(),
            },
            used: true,
            notes: Vec::new(),
        }
    }

    /// The same pool as one that shares its traffic out among other pools ([`Server::pool`]), by their weight.
    #[must_use]
    pub(crate) fn split_among(mut self, parts: Vec<Server>) -> Self {
        let weights: Vec<f64> = parts.iter().map(|part| part.weight).collect();
        let shares = by_weight(&weights).into_iter();
        self.origin = Origin::Split;
        self.formula = Some(Formula::Weight);
        self.comparability = Comparability::Approximate;
        self.servers = parts;
        self.shares.servers = shares.map(Share::exactly).collect();
        self
    }

    /// What its shares are parts of, in a sentence.
    pub(crate) fn units(&self) -> &'static str {
        match (self.shares.of, self.traffic) {
            (Basis::Keys, _) => "the keys",
            (Basis::Bytes, _) => "the bytes",
            (Basis::InProgress, Traffic::Requests) => "the requests in progress",
            (Basis::InProgress, Traffic::Connections) => "the open connections",
            (Basis::Arrivals, Traffic::Requests) => "the requests",
            (Basis::Arrivals, Traffic::Connections) => "the connections",
        }
    }
}

impl Server {
    /// A server without a name, of weight 1, that gets traffic.
    pub(crate) const fn new(address: Address, place: Place) -> Self {
        Self {
            name: None,
            address,
            weight: 1.0,
            state: State::InRotation,
            max_connections: None,
            labels: BTreeMap::new(),
            place,
        }
    }

    /// Another pool, by its name, that gets a part of the traffic.
    pub(crate) fn pool(name: &str, weight: f64, place: Place) -> Self {
        let address = Address {
            written: name.to_owned(),
            target: Target::Unknown,
        };
        Self {
            name: Some(name.to_owned()),
            weight,
            state: if weight > 0.0 {
                State::InRotation
            } else {
                State::Disabled
            },
            ..Self::new(address, place)
        }
    }
}
