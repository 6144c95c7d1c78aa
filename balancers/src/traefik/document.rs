//! Where services and routers stand, and which services are used.

use std::collections::{BTreeMap, BTreeSet};

use super::field;
use super::service::{Body, Part, Protocol, Service, service};
use super::shares::Budget;
use crate::yaml::{Tree, Value};

/// A configuration.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    pub(super) services: Vec<Service<'a>>,
    by_name: BTreeMap<(Protocol, &'a str), usize>,
    /// Services that traffic can reach, by their index; all if no router was read.
    used: BTreeSet<usize>,
    /// Names of `serversTransports` that do not keep connections.
    closing: BTreeSet<&'a str>,
    /// Whether every entry point learns clients' addresses by the PROXY protocol; `None` if none was read.
    pub(super) proxied: Option<bool>,
}

const SECTIONS: [(&str, Protocol); 3] = [
    ("http", Protocol::Http),
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
];

/// The name under which the settings of the static configuration are kept.
const DEFAULT_TRANSPORT: &str = "default@internal";

/// What all files say together.
pub(super) fn document(trees: &[Tree]) -> Document<'_> {
    let mut document = Document::default();
    let mut routed = Vec::new();
    let mut budget = Budget::default();
    for root in trees.iter().flat_map(Tree::documents) {
        if let Some(proxied) = proxied(root) {
            document.proxied = Some(proxied && document.proxied != Some(false));
        }
        if field(root, "serversTransport").is_some_and(closes) {
            document.closing.insert(DEFAULT_TRANSPORT);
        }
        for (key, protocol) in SECTIONS {
            let Some(section) = field(root, key) else {
                continue;
            };
            let entries = |key| field(section, key).into_iter().flat_map(Value::entries);
            for entry in entries("services") {
                document.add(service(entry.key, entry.value, protocol, &mut budget));
            }
            for entry in entries("routers") {
                let name = field(entry.value, "service").and_then(Value::text);
                routed.extend(name.map(|name| (protocol, name)));
            }
            for entry in entries("serversTransports") {
                let name = entry.key.text().filter(|_| closes(entry.value));
                document.closing.extend(name);
            }
        }
    }
    document.reach(&routed);
    document
}

/// Whether a transport keeps no connections: "If negative, disables connection reuse."
fn closes(transport: Value<'_>) -> bool {
    let idle = field(transport, "maxIdleConnsPerHost");
    idle.and_then(super::integer).is_some_and(|idle| idle < 0)
}

impl<'a> Document<'a> {
    fn add(&mut self, service: Option<Service<'a>>) {
        let Some(service) = service else { return };
        // Of a name that is declared again Traefik keeps none or one; the first is shown.
        let key = (service.protocol, service.name);
        if !self.by_name.contains_key(&key) {
            self.by_name.insert(key, self.services.len());
            self.services.push(service);
        }
    }

    /// The service that a part refers to, if it was read.
    pub(super) fn get(&self, protocol: Protocol, name: &str) -> Option<&Service<'a>> {
        self.index(protocol, name)
            .and_then(|index| self.services.get(index))
    }

    fn index(&self, protocol: Protocol, name: &str) -> Option<usize> {
        let name = name.strip_suffix("@file").unwrap_or(name);
        self.by_name.get(&(protocol, name)).copied()
    }

    /// Whether a service gets traffic.
    pub(super) fn is_used(&self, service: &Service<'_>) -> bool {
        self.index(service.protocol, service.name)
            .is_some_and(|index| self.used.contains(&index))
    }

    /// Whether connections to the servers of a service end with each request.
    pub(super) fn closes(&self, service: &Service<'_>) -> bool {
        let transport = field(service.value, "serversTransport").and_then(Value::text);
        let name = transport.unwrap_or(DEFAULT_TRANSPORT);
        self.closing
            .contains(name.strip_suffix("@file").unwrap_or(name))
    }

    /// Marks what routers lead to.
    fn reach(&mut self, routed: &[(Protocol, &str)]) {
        if routed.is_empty() {
            self.used = (0..self.services.len()).collect();
            return;
        }
        let mut waiting: Vec<usize> = routed
            .iter()
            .filter_map(|(protocol, name)| self.index(*protocol, name))
            .collect();
        while let Some(index) = waiting.pop() {
            if self.used.insert(index) {
                let service = &self.services[index];
                let parts = children(&service.body);
                waiting.extend(
                    parts
                        .iter()
                        .filter_map(|part| self.index(service.protocol, part.name)),
                );
            }
        }
    }
}

/// Whether all entry points of a document learn clients' addresses by the PROXY protocol; `None` without entry points.
fn proxied(root: Value<'_>) -> Option<bool> {
    let mut points = field(root, "entryPoints")?.entries().peekable();
    points.peek()?;
    Some(points.all(|point| field(point.value, "proxyProtocol").is_some()))
}

/// The services that a service is made of.
fn children<'s, 'a>(body: &'s Body<'a>) -> Vec<&'s Part<'a>> {
    match body {
        Body::Servers(_) => Vec::new(),
        Body::Weighted(parts) | Body::HighestRandomWeight(parts) => parts.iter().collect(),
        Body::Mirroring { main, mirrors } => main.iter().chain(mirrors).collect(),
        Body::Failover { main, fallback, .. } => main.iter().chain(fallback).collect(),
    }
}
