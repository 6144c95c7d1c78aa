//! Clusters and their endpoints.

use std::collections::BTreeMap;

use super::document::Parts;
use super::policy::{Policy, policy};
use super::{Word, percent};
use crate::model::{Address, Target};
use crate::source::Place;
use crate::yaml::Value;

/// Where a cluster's endpoints come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Discovery<'a> {
    Static,
    /// Each address of a name is a host.
    StrictDns,
    /// A name is one host: the first of its addresses, whenever a connection is opened.
    LogicalDns,
    Eds,
    Other(&'a str),
}

/// The health that control planes and configurations give a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy,
    Degraded,
    Unhealthy,
    Draining,
}

/// A host.
#[derive(Clone, Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) address: Address,
    pub(super) hostname: Option<&'a str>,
    pub(super) weight: f64,
    pub(super) weight_place: Option<Place>,
    pub(super) health: Health,
    /// Which of the cluster's localities.
    pub(super) locality: usize,
    /// `metadata` under `envoy.lb`.
    pub(super) labels: BTreeMap<&'a str, &'a str>,
    pub(super) place: Place,
}

/// Hosts of one place and priority.
#[derive(Clone, Debug)]
pub(super) struct Locality<'a> {
    /// Region, zone and sub-zone as far as written, joined by slashes.
    pub(super) name: String,
    pub(super) zone: Option<&'a str>,
    pub(super) priority: u64,
    pub(super) priority_place: Option<Place>,
    pub(super) weight: Option<(f64, Place)>,
    pub(super) place: Place,
}

/// A cluster.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    pub(super) name: Word<'a>,
    pub(super) discovery: Discovery<'a>,
    pub(super) discovery_place: Place,
    pub(super) policy: Policy<'a>,
    pub(super) localities: Vec<Locality<'a>>,
    pub(super) endpoints: Vec<Endpoint<'a>>,
    /// In percent; 50 unless written.
    pub(super) panic: (f64, Option<Place>),
    /// In percent; 140 unless written.
    pub(super) overprovisioning: u64,
    pub(super) weighted_health: bool,
    /// The cluster's own message, for fields that only one rule looks at.
    pub(super) value: Value<'a>,
}

impl<'a> Cluster<'a> {
    /// The priority of an endpoint.
    pub(super) fn priority(&self, endpoint: &Endpoint<'_>) -> u64 {
        self.localities
            .get(endpoint.locality)
            .map_or(0, |locality| locality.priority)
    }

    /// The key that hashing takes for an endpoint (`hashKey` in `thread_aware_lb_impl.h`).
    pub(super) fn hash_key<'e>(&self, endpoint: &'e Endpoint<'a>) -> &'e str {
        let by_name = self
            .policy
            .consistent
            .and_then(|config| config.get("use_hostname_for_hashing"));
        let key = endpoint.labels.get("hash_key").copied();
        let name = || {
            by_name
                .filter(|by_name| by_name.is_true())
                .and(endpoint.hostname)
        };
        key.or_else(name).unwrap_or(&endpoint.address.written)
    }

    /// The options of a protocol towards the hosts: `common_http_protocol_options`, or the explicit HTTP configuration.
    pub(super) fn protocol(&self) -> Protocol<'a> {
        let extension = self.value.get("typed_extension_protocol_options");
        let typed = extension
            .and_then(|extension| extension.entries().next())
            .map(|entry| entry.value);
        let explicit = typed.and_then(|typed| typed.get("explicit_http_config"));
        let http2 = ["http2_protocol_options", "http3_protocol_options"];
        let common = |value: Option<Value<'a>>| {
            value.and_then(|value| value.get("common_http_protocol_options"))
        };
        Protocol {
            http2: http2.iter().find_map(|key| {
                let typed = explicit.and_then(|explicit| explicit.entry(key));
                typed
                    .or_else(|| self.value.entry(key))
                    .map(|entry| entry.key.place())
            }),
            common: common(typed).or_else(|| common(Some(self.value))),
            // It was here before it was there.
            most_requests: self
                .value
                .get("max_requests_per_connection")
                .and_then(Value::whole),
        }
    }
}

/// What is spoken to the hosts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protocol<'a> {
    /// Where HTTP/2 or HTTP/3 is chosen.
    pub(super) http2: Option<Place>,
    common: Option<Value<'a>>,
    most_requests: Option<u64>,
}

impl Protocol<'_> {
    /// How many requests a connection carries, if that is bounded.
    pub(super) fn most_requests(&self) -> Option<u64> {
        let common = self
            .common
            .and_then(|common| common.get("max_requests_per_connection"));
        common
            .and_then(Value::whole)
            .or(self.most_requests)
            .filter(|most| *most > 0)
    }

    /// Whether the age of connections is bounded.
    pub(super) fn is_aged(&self) -> bool {
        self.common
            .is_some_and(|common| common.get("max_connection_duration").is_some())
    }
}

/// All clusters.
pub(super) fn clusters<'a>(parts: &Parts<'a>) -> Vec<Cluster<'a>> {
    parts
        .clusters
        .iter()
        .map(|value| cluster(*value, parts))
        .collect()
}

fn cluster<'a>(value: Value<'a>, parts: &Parts<'a>) -> Cluster<'a> {
    let unnamed = Word {
        text: "",
        place: value.place(),
    };
    let name = value.get("name").and_then(Word::of).unwrap_or(unnamed);
    let (discovery, discovery_place) = discovery(value, name.place);
    let found = value
        .at(&["eds_cluster_config", "service_name"])
        .and_then(Value::text)
        .unwrap_or(name.text);
    let discovered = parts.endpoints.get(found);
    let assignment = discovered.copied().or_else(|| value.get("load_assignment"));
    let (localities, endpoints) = endpoints(assignment);
    let common = value.get("common_lb_config");
    let panic = common.and_then(|common| common.get("healthy_panic_threshold"));
    let shared = assignment.and_then(|assignment| assignment.get("policy"));
    let shared = |key: &str| shared.and_then(|shared| shared.get(key));
    Cluster {
        name,
        discovery,
        discovery_place,
        policy: policy(value, name.place),
        localities,
        endpoints,
        panic: (
            panic.map_or(50.0, |panic| percent(panic).unwrap_or(0.0)),
            panic.map(Value::place),
        ),
        overprovisioning: shared("overprovisioning_factor")
            .and_then(Value::whole)
            .unwrap_or(140),
        weighted_health: shared("weighted_priority_health").is_some_and(Value::is_true),
        value,
    }
}

fn discovery(value: Value<'_>, place: Place) -> (Discovery<'_>, Place) {
    if let Some(name) = value.at(&["cluster_type", "name"]).and_then(Word::of) {
        let config = value.at(&["cluster_type", "typed_config"]);
        let kind = config
            .and_then(|config| config.get("@type"))
            .and_then(Value::text)
            .unwrap_or(name.text);
        let one = config.and_then(|config| config.get("all_addresses_in_single_endpoint"));
        let discovery = match kind.rsplit('.').next() {
            Some("DnsCluster") if one.is_some_and(Value::is_true) => Discovery::LogicalDns,
            Some("DnsCluster" | "strict_dns") => Discovery::StrictDns,
            Some("logical_dns") => Discovery::LogicalDns,
            Some("static") => Discovery::Static,
            Some("eds") => Discovery::Eds,
            _ => Discovery::Other(name.text),
        };
        return (discovery, name.place);
    }
    let Some(kind) = value.get("type").and_then(Word::of) else {
        return (Discovery::Static, place);
    };
    let discovery = match kind.text {
        "STATIC" => Discovery::Static,
        "STRICT_DNS" => Discovery::StrictDns,
        "LOGICAL_DNS" => Discovery::LogicalDns,
        "EDS" => Discovery::Eds,
        other => Discovery::Other(other),
    };
    (discovery, kind.place)
}

fn endpoints(assignment: Option<Value<'_>>) -> (Vec<Locality<'_>>, Vec<Endpoint<'_>>) {
    let (mut localities, mut endpoints) = (Vec::new(), Vec::new());
    for value in assignment
        .into_iter()
        .flat_map(|assignment| assignment.list("endpoints"))
    {
        let at = |key: &str| value.at(&["locality", key]).and_then(Value::text);
        let named = ["region", "zone", "sub_zone"]
            .iter()
            .filter_map(|key| at(key));
        let weight = value.get("load_balancing_weight");
        let priority = value.get("priority");
        let index = localities.len();
        localities.push(Locality {
            name: named.collect::<Vec<_>>().join("/"),
            zone: at("zone"),
            priority: priority.and_then(Value::whole).unwrap_or(0),
            priority_place: priority.map(Value::place),
            weight: weight.and_then(|weight| Some((positive(weight)?, weight.place()))),
            place: value.place(),
        });
        endpoints.extend(
            value
                .list("lb_endpoints")
                .map(|value| endpoint(value, index)),
        );
    }
    (localities, endpoints)
}

fn positive(value: Value<'_>) -> Option<f64> {
    value.number().filter(|number| *number >= 0.0)
}

fn endpoint(value: Value<'_>, locality: usize) -> Endpoint<'_> {
    let inner = value.get("endpoint").unwrap_or(value);
    let (address, place) = match inner.get("address") {
        Some(value) => read_address(value),
        None => (Address::parse("?", None), inner.place()),
    };
    let weight = value.get("load_balancing_weight");
    let health = match value.get("health_status").and_then(Value::text) {
        Some("UNHEALTHY" | "TIMEOUT") => Health::Unhealthy,
        Some("DRAINING") => Health::Draining,
        Some("DEGRADED") => Health::Degraded,
        _ => Health::Healthy,
    };
    let metadata = value.at(&["metadata", "filter_metadata", "envoy.lb"]);
    let labels = metadata.into_iter().flat_map(Value::entries);
    Endpoint {
        address,
        hostname: inner.get("hostname").and_then(Value::text),
        // Envoy takes whole numbers from 1 to 2^32 - 1.
        weight: weight
            .and_then(Value::whole)
            .unwrap_or(1)
            .clamp(1, u64::from(u32::MAX)) as f64,
        weight_place: weight.map(Value::place),
        health,
        locality,
        labels: labels
            .filter_map(|entry| Some((entry.key.text()?, entry.value.text()?)))
            .collect(),
        place,
    }
}

/// An address as Envoy prints it: `192.0.2.1:80`, `[2001:db8::1]:80`, a path; and where it stands.
pub(super) fn read_address(value: Value<'_>) -> (Address, Place) {
    let unknown = || (Address::parse("?", None), value.place());
    if let Some(path) = value.at(&["pipe", "path"]).and_then(Word::of) {
        let written = path.text.to_owned();
        let target = Target::Unix(written.clone());
        return (Address { written, target }, path.place);
    }
    let Some(socket) = value.get("socket_address") else {
        return unknown();
    };
    let Some(host) = socket.get("address").and_then(Word::of) else {
        return unknown();
    };
    let port = socket
        .get("port_value")
        .or_else(|| socket.get("named_port"));
    let bracketed = host.text.contains(':') && !host.text.starts_with('[');
    let written = match (port.and_then(Value::text), bracketed) {
        (Some(port), true) => format!("[{}]:{port}", host.text),
        (Some(port), false) => format!("{}:{port}", host.text),
        (None, _) => host.text.to_owned(),
    };
    (Address::parse(&written, None), host.place)
}
