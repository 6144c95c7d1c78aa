//! What the audit finds in Services: their traffic policies, affinity and protocols.
//!
//! Without their endpoints, which come and go: what is found stays the same until a Service is changed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use serde_json::{Value, json};

use super::objects::{Key, Service};
use crate::discovery::findings::of_all;
use crate::model::Finding;

/// Rules that are about one port; others are about all ports of a Service.
const OF_A_PORT: [&str; 2] = ["K8S-006", "GEN-001"];

/// What is found, by Service.
pub(super) type Findings = HashMap<Key, Vec<Found>>;

/// Something that is found in a Service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// The port that it is about; `None` for all.
    pub(super) port: Option<u16>,
    pub(super) finding: Finding,
}

/// Audits all Services. What cannot be read has nothing to be found.
pub(super) fn findings<'a>(services: impl Iterator<Item = &'a Service>) -> Findings {
    let items: Vec<Value> = services.map(manifest).collect();
    let text = json!({"kind": "List", "apiVersion": "v1", "items": items}).to_string();
    let (path, mut found) = ("services.json", Findings::new());
    let files = MemoryFiles::new().with(path, text);
    let read = read(
        Product::Kubernetes,
        &files,
        Path::new(path),
        &Options::default(),
    );
    let Ok(configuration) = read else {
        return found;
    };
    for mut finding in of_all(&[Arc::new(configuration)]) {
        let Some((key, port)) = finding.pool.as_deref().and_then(parts) else {
            continue;
        };
        finding.place = format!("Service {}/{}", key.0, key.1);
        let of_a_port = OF_A_PORT.contains(&finding.rule.as_str());
        found.entry(key).or_default().push(Found {
            port: port.filter(|_| of_a_port),
            finding,
        });
    }
    found
}

/// Service and port of a pool, as the audit calls it: `shop/checkout:80`.
fn parts(pool: &str) -> Option<(Key, Option<u16>)> {
    let (service, port) = pool.rsplit_once(':')?;
    let (namespace, name) = service.split_once('/')?;
    let key = (namespace.to_owned(), name.to_owned());
    Some((key, port.parse().ok()))
}

/// A Service as it would be written.
fn manifest(service: &Service) -> Value {
    let Service {
        key: (namespace, name),
        headless,
        sticky,
        external_local,
        internal_local,
        distribution,
        topology_mode,
        ports,
        annotations: _,
    } = service;
    let ports = ports.iter().map(|port| {
        let mut shown = json!({"port": port.number});
        for (field, value) in [("name", &port.name), ("appProtocol", &port.app_protocol)] {
            if let Some(value) = value {
                shown[field] = json!(value);
            }
        }
        shown
    });
    let mut spec = json!({"ports": ports.collect::<Vec<_>>()});
    let policies = [
        ("clusterIP", "None", *headless),
        ("externalTrafficPolicy", "Local", *external_local),
        ("internalTrafficPolicy", "Local", *internal_local),
        ("sessionAffinity", "ClientIP", sticky.is_some()),
    ];
    for (field, value, _) in policies.into_iter().filter(|(_, _, is)| *is) {
        spec[field] = json!(value);
    }
    if let Some(seconds) = sticky {
        spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": seconds}});
    }
    if let Some(distribution) = distribution {
        spec["trafficDistribution"] = json!(distribution);
    }
    let mut metadata = json!({"namespace": namespace, "name": name});
    if let Some(mode) = topology_mode {
        metadata["annotations"] = json!({"service.kubernetes.io/topology-mode": mode});
    }
    json!({"kind": "Service", "apiVersion": "v1", "metadata": metadata, "spec": spec})
}
