//! Ports of Services, and rules of routes, as pools.

use std::collections::BTreeMap;

use super::objects::{Endpoint, Objects, Port, Service};
use super::routes::{Part, Split};
use crate::model::{Algorithm, Basis, Class, Pool, Server, Share, Shares, State, Traffic};
use crate::product::Product;
use crate::shares::by_weight;
use crate::yaml::Value;

/// A port of a Service, for rules to look at.
pub(super) struct View<'a> {
    pub(super) service: &'a Service<'a>,
    pub(super) port: Port<'a>,
    pub(super) endpoints: Vec<&'a Endpoint<'a>>,
    pub(super) pool: Pool,
}

impl<'a> View<'a> {
    /// Pods that take connections.
    pub(super) fn ready(&self) -> impl Iterator<Item = &'a Endpoint<'a>> {
        self.endpoints
            .iter()
            .copied()
            .filter(|endpoint| endpoint.ready)
    }

    /// A field of the Service's `spec` with this value.
    pub(super) fn setting(&self, key: &str, value: &str) -> Option<Value<'a>> {
        self.service
            .spec
            .get(key)
            .filter(|found| found.text() == Some(value))
    }
}

/// The ports of all Services.
pub(super) fn views<'a>(objects: &'a Objects<'a>) -> Vec<View<'a>> {
    let mut views = Vec::new();
    for service in &objects.services {
        let all = objects
            .endpoints
            .get(&service.key)
            .map_or(&[][..], Vec::as_slice);
        let mut by_port: BTreeMap<Option<&str>, Vec<&Endpoint<'_>>> = BTreeMap::new();
        for endpoint in all {
            by_port.entry(endpoint.port).or_default().push(endpoint);
        }
        for port in &service.ports {
            let endpoints = by_port.remove(&port.name).unwrap_or_default();
            let pool = pool(service, *port, &endpoints);
            views.push(View {
                service,
                port: *port,
                endpoints,
                pool,
            });
        }
    }
    views
}

/// Whether traffic from outside stays on the node where it arrives.
fn is_local(service: &Service<'_>) -> bool {
    service
        .spec
        .get("externalTrafficPolicy")
        .and_then(Value::text)
        == Some("Local")
}

fn pool(service: &Service<'_>, port: Port<'_>, endpoints: &[&Endpoint<'_>]) -> Pool {
    let sticky = service.spec.get("sessionAffinity").and_then(Value::text) == Some("ClientIP");
    let local = is_local(service);
    let algorithm = if service.headless {
        Algorithm::new("DNS, the client chooses", Class::PolicyGated)
    } else if sticky {
        Algorithm::new("ClientIP, new clients by random", Class::KeyDependent)
    } else if local {
        Algorithm::new("node, then random", Class::PolicyGated)
    } else {
        Algorithm::new("random", Class::Random)
    };
    let (shares, notes) = shares(service, endpoints, local);
    let (namespace, name) = service.key;
    let name = match port.transport {
        Some(transport) => format!("{namespace}/{name}:{}/{transport}", port.number),
        None => format!("{namespace}/{name}:{}", port.number),
    };
    Pool {
        // No formula: nodes and affinity count besides.
        servers: endpoints.iter().map(|endpoint| server(endpoint)).collect(),
        shares: Shares {
            of: if sticky { Basis::Keys } else { Basis::Arrivals },
            servers: shares,
        },
        notes,
        ..Pool::new(
            Product::Kubernetes,
            name,
            Traffic::Connections,
            service.place,
            algorithm,
        )
    }
}

/// kube-proxy draws one of the ready pods for each connection: 1 / n of them. With `externalTrafficPolicy: Local` a balancer
/// outside shares connections out among nodes that have pods, each of which draws one of its own.
fn shares(
    service: &Service<'_>,
    endpoints: &[&Endpoint<'_>],
    local: bool,
) -> (Vec<Share>, Vec<String>) {
    if endpoints.is_empty() {
        return (
            Vec::new(),
            vec!["pods are known to the cluster alone: add the EndpointSlices".to_owned()],
        );
    }
    if service.headless {
        let share = |endpoint: &&Endpoint<'_>| {
            if endpoint.ready {
                Share::UNKNOWN
            } else {
                Share::ZERO
            }
        };
        return (
            endpoints.iter().map(share).collect(),
            vec!["clients choose among the addresses".to_owned()],
        );
    }
    let weights = if local {
        node_weights(endpoints)
    } else {
        endpoints
            .iter()
            .map(|endpoint| f64::from(u8::from(endpoint.ready)))
            .collect()
    };
    let notes = if local {
        vec!["of connections from outside, if nodes get equally many".to_owned()]
    } else {
        Vec::new()
    };
    (
        by_weight(&weights)
            .into_iter()
            .map(Share::exactly)
            .collect(),
        notes,
    )
}

/// 1 / the pods of the node.
fn node_weights(endpoints: &[&Endpoint<'_>]) -> Vec<f64> {
    let mut pods: BTreeMap<Option<&str>, u32> = BTreeMap::new();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.ready) {
        *pods.entry(endpoint.node).or_default() += 1;
    }
    let weight = |endpoint: &&Endpoint<'_>| match pods.get(&endpoint.node) {
        Some(pods) if endpoint.ready => 1.0 / f64::from(*pods),
        _ => 0.0,
    };
    endpoints.iter().map(weight).collect()
}

fn server(endpoint: &Endpoint<'_>) -> Server {
    let labels = [("node", endpoint.node), ("zone", endpoint.zone)];
    Server {
        state: if endpoint.ready {
            State::InRotation
        } else {
            State::Down
        },
        labels: labels
            .iter()
            .filter_map(|(key, value)| Some(((*key).to_owned(), (*value)?.to_owned())))
            .collect(),
        ..Server::new(endpoint.address.clone(), endpoint.place)
    }
}

/// Rules of routes that share traffic out among several backends.
pub(super) fn splits(objects: &Objects<'_>) -> Vec<Pool> {
    let pool = |split: &Split<'_>| {
        let part = |part: &Part<'_>| Server::pool(part.name, part.weight, part.place);
        let traffic = if split.connections {
            Traffic::Connections
        } else {
            Traffic::Requests
        };
        let algorithm = Algorithm::new(format!("{} by weight", split.list), Class::Random);
        let name = split.name.as_str();
        Pool::new(Product::Kubernetes, name, traffic, split.place, algorithm)
            .split_among(split.parts.iter().map(part).collect())
    };
    objects.splits.iter().map(pool).collect()
}
