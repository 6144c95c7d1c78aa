//! Meshes: whose pods have a proxy that balances, and Istio's `DestinationRule`, which says how.

use std::collections::BTreeSet;

use super::objects::Key;
use crate::yaml::Value;

/// Where clients have a proxy that balances requests, as far as manifests tell.
#[derive(Debug, Default)]
pub(super) struct Meshes<'a> {
    istio: BTreeSet<&'a str>,
    linkerd: BTreeSet<&'a str>,
    /// Services of which a `DestinationRule` speaks.
    ruled: BTreeSet<Key<'a>>,
    /// Hosts of Linkerd's `ServiceProfile`s.
    profiles: BTreeSet<&'a str>,
}

impl<'a> Meshes<'a> {
    /// Takes in a namespace.
    pub(super) fn namespace(&mut self, name: &'a str, metadata: Value<'a>) {
        let said = |kind: &str, key: &str| metadata.at(&[kind, key]).and_then(Value::text);
        if said("labels", "istio-injection") == Some("enabled")
            || said("labels", "istio.io/rev").is_some()
        {
            self.istio.insert(name);
        }
        if said("annotations", "linkerd.io/inject") == Some("enabled") {
            self.linkerd.insert(name);
        }
    }

    /// Takes in what makes pods: those of one namespace are taken for clients of each other.
    pub(super) fn pods(&mut self, namespace: &'a str, spec: Value<'a>) {
        let said = |kind: &str, key: &str| {
            let text = spec.at(&["template", "metadata", kind, key]);
            text.and_then(Value::text)
        };
        let istio = "sidecar.istio.io/inject";
        if [said("labels", istio), said("annotations", istio)].contains(&Some("true")) {
            self.istio.insert(namespace);
        }
        if said("annotations", "linkerd.io/inject") == Some("enabled") {
            self.linkerd.insert(namespace);
        }
    }

    /// Takes in the policies of a `DestinationRule`.
    pub(super) fn policies(&mut self, policies: &[Policy<'a>]) {
        self.ruled
            .extend(policies.iter().map(|policy| policy.service));
    }

    /// Takes in a `ServiceProfile`, which is named as its host.
    pub(super) fn profile(&mut self, host: &'a str) {
        self.profiles.insert(host);
    }

    /// Whether a proxy of Istio's stands before clients of a Service.
    pub(super) fn is_istio(&self, service: Key<'_>) -> bool {
        self.istio.contains(service.0) || self.ruled.contains(&service)
    }

    /// Whether a proxy of Linkerd's does.
    pub(super) fn is_linkerd(&self, service: Key<'_>) -> bool {
        self.linkerd.contains(service.0)
    }

    /// Whether a Service has a `ServiceProfile`.
    pub(super) fn has_profile(&self, service: Key<'_>) -> bool {
        let prefix = format!("{}.{}.svc.", service.1, service.0);
        self.profiles.iter().any(|host| host.starts_with(&prefix))
    }
}

/// A traffic policy for a host, or for a subset of it.
#[derive(Debug)]
pub(super) struct Policy<'a> {
    /// The rule's namespace and name, and the subset's name.
    pub(super) name: String,
    /// Namespace and name of the Service that the host is, if it is one.
    pub(super) service: Key<'a>,
    /// `loadBalancer`.
    pub(super) balancer: Option<Value<'a>>,
    pub(super) outlier_detection: Option<Value<'a>>,
    /// `connectionPool.http`.
    pub(super) http: Option<Value<'a>>,
}

impl<'a> Policy<'a> {
    /// `localityLbSetting`, unless it is turned off.
    pub(super) fn locality(&self) -> Option<Value<'a>> {
        let setting = self.balancer?.get("localityLbSetting")?;
        let enabled = setting.get("enabled").and_then(Value::text);
        (enabled != Some("false")).then_some(setting)
    }

    /// Whether the rule says anything of localities, if only that they do not count.
    pub(super) fn says_locality(&self) -> bool {
        let setting = self
            .balancer
            .and_then(|balancer| balancer.get("localityLbSetting"));
        setting.is_some()
    }
}

/// The policies of a `DestinationRule`; a subset has what its host has, but for what it says itself, and a port has only that.
pub(super) fn policies<'a>(key: Key<'a>, spec: Value<'a>) -> Vec<Policy<'a>> {
    let host = spec.get("host").and_then(Value::text).unwrap_or_default();
    let service = service(key.0, host);
    let own = spec.get("trafficPolicy");
    let whole = own.map(|own| policy(format!("{}/{}", key.0, key.1), service, own, None));
    let subset = |value: Value<'a>| {
        let name = value.get("name").and_then(Value::text).unwrap_or_default();
        let name = format!("{}/{} subset {name}", key.0, key.1);
        Some(policy(name, service, value.get("trafficPolicy")?, own))
    };
    let subsets = spec.list("subsets").filter_map(subset);
    let port = |value: Value<'a>| {
        let number = value.at(&["port", "number"]).and_then(Value::text);
        let name = format!("{}/{} port {}", key.0, key.1, number.unwrap_or_default());
        policy(name, service, value, None)
    };
    let ports = own
        .into_iter()
        .flat_map(|own| own.list("portLevelSettings"));
    let all = whole.into_iter().chain(subsets);
    all.chain(ports.map(port)).collect()
}

fn policy<'a>(
    name: String,
    service: Key<'a>,
    own: Value<'a>,
    inherited: Option<Value<'a>>,
) -> Policy<'a> {
    let setting = |keys: &[&str]| own.at(keys).or_else(|| inherited?.at(keys));
    Policy {
        name,
        service,
        balancer: setting(&["loadBalancer"]),
        outlier_detection: setting(&["outlierDetection"]),
        http: setting(&["connectionPool", "http"]),
    }
}

/// `shop`, `shop.prod`, `shop.prod.svc.cluster.local`: a short name is of the rule's namespace.
fn service<'a>(namespace: &'a str, host: &'a str) -> Key<'a> {
    match host.split_once('.') {
        Some((name, rest)) => (rest.split('.').next().unwrap_or_default(), name),
        None => (namespace, host),
    }
}
