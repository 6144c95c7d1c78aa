//! Services: servers, or a composition of other services.

use super::shares::{Budget, shares};
use super::{at, entry, field, integer};
use crate::model::{Address, Target};
use crate::source::Place;
use crate::yaml::Value;

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protocol {
    Http,
    Tcp,
    Udp,
}

/// A service.
#[derive(Debug)]
pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    pub(super) protocol: Protocol,
    pub(super) place: Place,
    pub(super) body: Body<'a>,
    /// What each server or part of it gets, while all are up.
    pub(super) shares: Vec<f64>,
    /// Where it asks for the health of what it is made of.
    pub(super) health: Option<Place>,
    /// What the key of its kind is given, for fields that only one rule looks at.
    pub(super) value: Value<'a>,
}

/// What a service is.
#[derive(Debug)]
pub(super) enum Body<'a> {
    Servers(Balancer<'a>),
    /// By weight, in turn.
    Weighted(Vec<Part<'a>>),
    /// By weight and the client's address.
    HighestRandomWeight(Vec<Part<'a>>),
    Mirroring {
        main: Option<Part<'a>>,
        /// The weight is the percentage that is copied.
        mirrors: Vec<Part<'a>>,
    },
    Failover {
        main: Option<Part<'a>>,
        fallback: Option<Part<'a>>,
        /// Whether certain answers count as failures.
        on_errors: bool,
    },
}

/// A service within another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Without the provider, if that is `file`.
    pub(super) name: &'a str,
    pub(super) written: &'a str,
    pub(super) weight: i64,
    pub(super) weight_place: Option<Place>,
    pub(super) place: Place,
}

/// Servers, and how one of them is chosen.
#[derive(Debug)]
pub(super) struct Balancer<'a> {
    pub(super) strategy: Strategy<'a>,
    /// Where it is chosen, if it is.
    pub(super) strategy_place: Option<Place>,
    pub(super) servers: Vec<Server<'a>>,
}

/// `strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy<'a> {
    /// In turn by weight: the earliest deadline first.
    Wrr,
    /// The less busy of two that are drawn.
    P2c,
    /// By weight and the client's address.
    Hrw,
    /// The least product of response time and requests in progress.
    LeastTime,
    Other(&'a str),
}

/// A server.
#[derive(Debug)]
pub(super) struct Server<'a> {
    /// As written: what Traefik knows it by.
    pub(super) url: &'a str,
    pub(super) address: Address,
    pub(super) weight: i64,
    pub(super) weight_place: Option<Place>,
    pub(super) place: Place,
}

/// A service by its name; `None` if it says nothing that is known here.
pub(super) fn service<'a>(
    name: Value<'a>,
    value: Value<'a>,
    protocol: Protocol,
    budget: &mut Budget,
) -> Option<Service<'a>> {
    let kind = |key: &str| field(value, key);
    let parts = |value: Value<'a>| list(value, "services").filter_map(part).collect();
    let (body, value) = if let Some(value) = kind("loadBalancer") {
        (Body::Servers(balancer(value, protocol)), value)
    } else if let Some(value) = kind("weighted") {
        (Body::Weighted(parts(value)), value)
    } else if let Some(value) = kind("highestRandomWeight") {
        (Body::HighestRandomWeight(parts(value)), value)
    } else if let Some(value) = kind("mirroring") {
        let mirrors = list(value, "mirrors").filter_map(mirror).collect();
        let main = reference(field(value, "service"));
        (Body::Mirroring { main, mirrors }, value)
    } else {
        let value = kind("failover")?;
        let statuses = at(value, &["errors", "status"]);
        let body = Body::Failover {
            main: reference(field(value, "service")),
            fallback: reference(field(value, "fallback")),
            on_errors: statuses.is_some_and(|statuses| statuses.items().next().is_some()),
        };
        (body, value)
    };
    Some(Service {
        name: name.text()?,
        shares: shares(&body, budget),
        protocol,
        place: name.place(),
        body,
        health: entry(value, "healthCheck").map(|entry| entry.key.place()),
        value,
    })
}

/// The items of a list.
fn list<'a>(value: Value<'a>, key: &str) -> impl Iterator<Item = Value<'a>> {
    field(value, key).into_iter().flat_map(Value::items)
}

fn reference(value: Option<Value<'_>>) -> Option<Part<'_>> {
    let value = value?;
    let name = value.text()?;
    Some(Part {
        name: name.strip_suffix("@file").unwrap_or(name),
        written: name,
        weight: 1,
        weight_place: None,
        place: value.place(),
    })
}

fn part(value: Value<'_>) -> Option<Part<'_>> {
    let weight = field(value, "weight");
    Some(Part {
        weight: weight.and_then(integer).unwrap_or(1),
        weight_place: weight.map(Value::place),
        ..reference(field(value, "name"))?
    })
}

fn mirror(value: Value<'_>) -> Option<Part<'_>> {
    let percent = field(value, "percent");
    Some(Part {
        weight: percent.and_then(integer).unwrap_or(0).clamp(0, 100),
        weight_place: percent.map(Value::place),
        ..reference(field(value, "name"))?
    })
}

fn balancer(value: Value<'_>, protocol: Protocol) -> Balancer<'_> {
    let strategy = field(value, "strategy").filter(|_| protocol == Protocol::Http);
    let name = strategy.and_then(Value::text).unwrap_or_default();
    Balancer {
        strategy: match name {
            "" | "wrr" => Strategy::Wrr,
            "p2c" => Strategy::P2c,
            "hrw" => Strategy::Hrw,
            "leasttime" => Strategy::LeastTime,
            other => Strategy::Other(other),
        },
        strategy_place: strategy.map(Value::place),
        servers: list(value, "servers")
            .map(|value| server(value, protocol))
            .collect(),
    }
}

fn server(value: Value<'_>, protocol: Protocol) -> Server<'_> {
    let http = protocol == Protocol::Http;
    let url = field(value, if http { "url" } else { "address" });
    let written = url.and_then(Value::text).unwrap_or_default();
    // Servers of TCP and UDP have no weight.
    let weight = field(value, "weight").filter(|_| http);
    Server {
        url: written,
        address: Address {
            written: written.to_owned(),
            target: if http {
                target(written)
            } else {
                Address::parse(written, None).target
            },
        },
        weight: weight.and_then(integer).unwrap_or(1),
        weight_place: weight.map(Value::place),
        place: url.unwrap_or(value).place(),
    }
}

/// The host and port of a URL.
fn target(url: &str) -> Target {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let port = if scheme == "https" { 443 } else { 80 };
    if host.contains('{') {
        return Target::Unknown;
    }
    Address::parse(host, Some(port)).target
}

impl<'a> Service<'a> {
    /// The parts by weight, if it is a composition by weight.
    pub(super) fn parts(&self) -> Option<&[Part<'a>]> {
        match &self.body {
            Body::Weighted(parts) | Body::HighestRandomWeight(parts) => Some(parts),
            _ => None,
        }
    }

    /// The cookie that binds clients, and whether it expires.
    pub(super) fn cookie(&self) -> Option<(Place, bool)> {
        let balancer = match &self.body {
            Body::Servers(balancer) => Some(balancer),
            Body::Weighted(_) => None,
            _ => return None,
        };
        if balancer.is_some_and(|balancer| balancer.strategy == Strategy::Hrw) {
            return None;
        }
        let sticky = field(self.value, "sticky")?;
        let cookie = entry(sticky, "cookie")?;
        let age = field(cookie.value, "maxAge").and_then(integer);
        Some((cookie.key.place(), age.is_some_and(|age| age > 0)))
    }
}

impl Strategy<'_> {
    /// Whether a server's weight counts.
    pub(super) fn weighs(self) -> bool {
        !matches!(self, Self::P2c)
    }
}
