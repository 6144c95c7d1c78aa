//! Istio's `DestinationRule`: how the proxies of clients balance.

use super::objects::Key;
use crate::yaml::Value;

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

/// The policies of a `DestinationRule`; a subset has what its host has, but for what it says itself.
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
    whole.into_iter().chain(subsets).collect()
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
