//! Objects as the API server sends them, and what is taken of them. Fields that are not read are not listed; all may be absent or `null`.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::objects::{Endpoint, Kept, Meta, Pod, Scope, Service, ServicePort, Slice};
use crate::model::{Role, canonical};

/// The label of slices that says whose they are.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// A `Service` on the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireService {
    metadata: Meta,
    spec: WireSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    session_affinity: Option<String>,
    session_affinity_config: Option<WireAffinity>,
    external_traffic_policy: Option<String>,
    internal_traffic_policy: Option<String>,
    traffic_distribution: Option<String>,
    ports: Option<Vec<WirePort>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireAffinity {
    #[serde(rename = "clientIP")]
    client_ip: Option<WireTimeout>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireTimeout {
    timeout_seconds: Option<u64>,
}

/// A port of either kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePort {
    name: Option<String>,
    protocol: Option<String>,
    port: Option<u16>,
    app_protocol: Option<String>,
}

impl WirePort {
    /// Its name and number, if it is one of TCP. Without a number it stands for all.
    fn tcp(self) -> Option<(Option<String>, u16, Option<String>)> {
        let name = self.name.filter(|name| !name.is_empty());
        let tcp = self.protocol.as_deref().is_none_or(|it| it == "TCP");
        let port = self.port.filter(|port| tcp && *port != 0)?;
        Some((name, port, self.app_protocol))
    }
}

/// An `EndpointSlice` on the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireSlice {
    metadata: Meta,
    endpoints: Option<Vec<WireEndpoint>>,
    ports: Option<Vec<WirePort>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireEndpoint {
    addresses: Option<Vec<String>>,
    conditions: Option<WireConditions>,
    node_name: Option<String>,
    zone: Option<String>,
    target_ref: Option<WireTarget>,
    hints: Option<WireHints>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireConditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireTarget {
    kind: String,
    name: String,
    uid: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireHints {
    for_zones: Option<Vec<WireHint>>,
    for_nodes: Option<Vec<WireHint>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireHint {
    name: String,
}

impl WireEndpoint {
    /// Without a readable address it is a name, or nothing.
    fn kept(self) -> Option<Endpoint> {
        // "Consumers must handle only the first" of several addresses.
        let address = self.addresses?.into_iter().next()?;
        let ip: IpAddr = address.parse().ok()?;
        let ip = canonical(SocketAddr::new(ip, 0)).ip();
        if ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() {
            return None;
        }
        let conditions = self.conditions.unwrap_or_default();
        // What is not said is: ready, and serving as it is ready.
        let ready = conditions.ready.unwrap_or(true);
        let hints = self.hints.unwrap_or_default();
        let named = |hints: Option<Vec<WireHint>>| hints.into_iter().flatten().map(|it| it.name);
        let mut hints: Vec<String> = named(hints.for_zones)
            .chain(named(hints.for_nodes))
            .collect();
        hints.sort();
        let pod = self.target_ref.filter(|it| it.kind == "Pod");
        Some(Endpoint {
            ip,
            ready,
            serving: conditions.serving.unwrap_or(ready),
            terminating: conditions.terminating.unwrap_or_default(),
            node: self.node_name,
            zone: self.zone,
            pod: pod.map(|it| (it.name, it.uid)),
            hints,
        })
    }
}

impl Kept for Slice {
    type Wire = WireSlice;
    const PLURAL: &'static str = "endpointslices";
    const API: &'static str = "/apis/discovery.k8s.io/v1";
    const METADATA_ALONE: bool = false;

    fn keep(wire: WireSlice, scope: &Scope) -> Option<Self> {
        let Meta {
            namespace, labels, ..
        } = wire.metadata;
        let service = labels?.remove(SERVICE_NAME)?;
        let ports = wire.ports.into_iter().flatten();
        let elsewhere = |endpoint: &Endpoint| {
            scope.role == Role::Local && (endpoint.node.is_none() || endpoint.node != scope.node)
        };
        let endpoints = wire.endpoints.into_iter().flatten();
        let endpoints = endpoints
            .filter_map(WireEndpoint::kept)
            .filter(|endpoint| !elsewhere(endpoint));
        let endpoints: Vec<Endpoint> = endpoints.collect();
        // Most slices of a large cluster have nothing of this node.
        (!endpoints.is_empty()).then(|| Self {
            service: (namespace, service),
            ports: ports
                .filter_map(WirePort::tcp)
                .map(|(name, port, _)| (name, port))
                .collect(),
            endpoints,
        })
    }

    fn meta(wire: &WireSlice) -> &Meta {
        &wire.metadata
    }
}

impl Kept for Service {
    type Wire = WireService;
    const PLURAL: &'static str = "services";
    const API: &'static str = "/api/v1";
    const METADATA_ALONE: bool = false;

    fn keep(wire: WireService, _scope: &Scope) -> Option<Self> {
        let WireService { metadata, spec } = wire;
        let key = metadata.key();
        let mut annotations = metadata.annotations.unwrap_or_default();
        let topology_mode = annotations
            .remove("service.kubernetes.io/topology-mode")
            .or_else(|| annotations.remove("service.kubernetes.io/topology-aware-hints"));
        let own = annotations.into_iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("evenkeel.io/")?.to_owned();
            Some((name, value))
        });
        let is = |field: Option<String>, value: &str| field.as_deref() == Some(value);
        let sticky = is(spec.session_affinity, "ClientIP");
        let affinity = spec.session_affinity_config.and_then(|it| it.client_ip);
        let timeout = affinity.and_then(|it| it.timeout_seconds);
        let ports = spec.ports.into_iter().flatten();
        let port = |(name, number, app_protocol)| ServicePort {
            name,
            number,
            app_protocol,
        };
        Some(Self {
            key,
            headless: is(spec.cluster_ip, "None"),
            sticky: sticky.then_some(timeout.unwrap_or(10_800)),
            external_local: is(spec.external_traffic_policy, "Local"),
            internal_local: is(spec.internal_traffic_policy, "Local"),
            distribution: spec.traffic_distribution,
            topology_mode,
            ports: ports.filter_map(WirePort::tcp).map(port).collect(),
            annotations: own.collect(),
        })
    }

    fn meta(wire: &WireService) -> &Meta {
        &wire.metadata
    }
}

/// A `Pod` on the wire: its metadata.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WirePod {
    metadata: Meta,
}

impl Kept for Pod {
    type Wire = WirePod;
    const PLURAL: &'static str = "pods";
    const API: &'static str = "/api/v1";
    const METADATA_ALONE: bool = true;

    fn keep(wire: WirePod, scope: &Scope) -> Option<Self> {
        let mut all = wire.metadata.labels.unwrap_or_default();
        let wanted = scope.pod_labels.iter();
        Some(Self {
            uid: wire.metadata.uid,
            labels: wanted.filter_map(|name| all.remove_entry(name)).collect(),
        })
    }

    fn meta(wire: &WirePod) -> &Meta {
        &wire.metadata
    }
}
