//! How Istio's proxies balance: IST-001 to IST-008.

use std::collections::BTreeSet;

use super::{
    DISTRIBUTE, HASH_AND_LOCALITY, LOCALITY_BY_DEFAULT, NEVER_RECYCLED, NO_FAILOVER, PORT_NAME,
    ROTATION, SMALL_RING,
};
use crate::finding::{Report, Severity};
use crate::kubernetes::mesh::Policy;
use crate::kubernetes::objects::{Objects, Service};
use crate::text::{count, list, percent};
use crate::yaml::Value;

/// The ring's size unless it is set (`LoadBalancerSettings.ConsistentHashLB`).
const RING: u64 = 1024;
/// How many points of a ring each pod should have: below, shares differ by 10 % and more.
const POINTS: u64 = 100;

/// All rules, for each policy.
pub(super) fn check(objects: &Objects<'_>, report: &mut Report) {
    for policy in &objects.policies {
        locality_by_default(policy, report);
        no_failover(policy, report);
        distribute(policy, objects, report);
        rotation(policy, report);
        hash_and_locality(policy, report);
        small_ring(policy, objects, report);
        never_recycled(policy, report);
    }
    port_names(objects, report);
}

/// What names of ports, or what stands before their first hyphen, tell Istio.
const PROTOCOLS: [&str; 10] = [
    "http", "http2", "https", "grpc", "tcp", "tls", "udp", "mongo", "mysql", "redis",
];

/// IST-008: ports that do not say what they speak.
fn port_names(objects: &Objects<'_>, report: &mut Report) {
    let meshed = |service: &&Service<'_>| objects.meshes.is_istio(service.key);
    for service in objects.services.iter().filter(meshed) {
        for port in &service.ports {
            let name = port.name.unwrap_or_default();
            let protocol = name.split('-').next().unwrap_or_default();
            if port.protocol.is_some()
                || port.transport.is_some()
                || PROTOCOLS.contains(&protocol.to_ascii_lowercase().as_str())
            {
                continue;
            }
            let called = match name {
                "" => format!("port {} has no name", port.number),
                name => format!("port {} is called `{name}`", port.number),
            };
            report
                .add(
                    &PORT_NAME,
                    port.place,
                    format!("{called}: Istio guesses the protocol from each connection's first bytes, and balances what it does not recognise once per connection, not per request"),
                    "name it by its protocol (`http-web`, `grpc-api`, `tcp-db`), or write `appProtocol`",
                )
                .pool(&format!("{}/{}:{}", service.key.0, service.key.1, port.number));
        }
    }
}

/// IST-001: outlier detection turns on failover between localities, which keeps traffic in its own.
fn locality_by_default(policy: &Policy<'_>, report: &mut Report) {
    let Some(detection) = policy.outlier_detection.filter(|_| !policy.says_locality()) else {
        return;
    };
    report
        .add(
            &LOCALITY_BY_DEFAULT,
            detection.place(),
            "with `outlierDetection` clients prefer pods of their own locality, because the mesh's default is `localityLbSetting.enabled: true`: pods elsewhere get 0 % of their requests while it has enough healthy ones",
            "write `localityLbSetting: { enabled: false }` to balance over all pods, or `enabled: true` if it is meant",
        )
        .pool(&policy.name);
}

/// IST-002: failover that nothing triggers.
fn no_failover(policy: &Policy<'_>, report: &mut Report) {
    let Some(setting) = policy
        .locality()
        .filter(|_| policy.outlier_detection.is_none())
    else {
        return;
    };
    for key in ["failover", "failoverPriority"] {
        if let Some(entry) = setting.entry(key) {
            report
                .add(
                    &NO_FAILOVER,
                    entry.key.place(),
                    format!("`{key}` has no effect without `outlierDetection`: pods that fail keep 100 % of their share"),
                    "add `outlierDetection` to the same policy",
                )
                .pool(&policy.name)
                .subject(key);
        }
    }
}

/// IST-003: rows of `distribute` that do not sum to 100, or that leave out a zone that has pods.
fn distribute(policy: &Policy<'_>, objects: &Objects<'_>, report: &mut Report) {
    let Some(setting) = policy.locality() else {
        return;
    };
    let endpoints = objects.endpoints.get(&policy.service).into_iter().flatten();
    let zones: BTreeSet<&str> = endpoints
        .filter(|endpoint| endpoint.ready)
        .filter_map(|endpoint| endpoint.zone)
        .collect();
    for row in setting.list("distribute") {
        let Some(to) = row.get("to") else { continue };
        let from = row.get("from").and_then(Value::text).unwrap_or_default();
        let sum: f64 = to.entries().filter_map(|entry| entry.value.number()).sum();
        if (sum - 100.0).abs() > 1e-9 {
            report
                .add(
                    &DISTRIBUTE,
                    to.place(),
                    format!("the weights of clients in {from} sum to {sum}, not to 100, and Istio refuses the rule"),
                    "make them sum to 100",
                )
                .pool(&policy.name)
                .subject(from);
            continue;
        }
        let named: Vec<&str> = to
            .entries()
            .filter(|entry| entry.value.number().is_some_and(|weight| weight > 0.0))
            .filter_map(|entry| entry.key.text())
            .collect();
        let missing: Vec<String> = zones
            .iter()
            .filter(|zone| !named.iter().any(|locality| has(locality, zone)))
            .map(|zone| (*zone).to_owned())
            .collect();
        if !missing.is_empty() {
            report
                .add(
                    &DISTRIBUTE,
                    to.place(),
                    format!(
                        "clients in {from} send 0 % to the pods in {}, which the row does not name",
                        list(missing)
                    ),
                    "name every zone that has pods, or balance without `distribute`",
                )
                .pool(&policy.name)
                .subject(from);
        }
    }
}

/// Whether a locality, `region/zone/subzone` with `*` for any, has a zone.
fn has(locality: &str, zone: &str) -> bool {
    let mut parts = locality.split('/').skip(1);
    parts
        .next()
        .is_none_or(|named| named == "*" || named == zone)
}

/// IST-004: rotation, which does not look at load.
fn rotation(policy: &Policy<'_>, report: &mut Report) {
    let simple = policy.balancer.and_then(|balancer| balancer.get("simple"));
    if let Some(word) = simple.filter(|word| word.text() == Some("ROUND_ROBIN")) {
        report
            .add(
                &ROTATION,
                word.place(),
                "each client's proxy rotates by itself and looks at no load: a pod that is twice as slow has twice the requests in progress",
                "use `LEAST_REQUEST`, which is Istio's default",
            )
            .pool(&policy.name);
    }
}

/// IST-005: a hash over pods of which clients in different localities see different ones.
fn hash_and_locality(policy: &Policy<'_>, report: &mut Report) {
    let hash = policy
        .balancer
        .and_then(|balancer| balancer.entry("consistentHash"));
    let (Some(hash), Some(setting)) = (hash, policy.locality()) else {
        return;
    };
    report
        .add(
            &HASH_AND_LOCALITY,
            hash.key.place(),
            "clients in each locality hash over the pods that they prefer, so that one key has as many pods as there are localities, and a zone's few pods get all keys of its clients",
            "use `consistentHash` or `localityLbSetting`, not both",
        )
        .pool(&policy.name)
        .related(setting.place(), "localities are set here");
}

/// IST-006: a ring with few points for each pod.
fn small_ring(policy: &Policy<'_>, objects: &Objects<'_>, report: &mut Report) {
    let Some(hash) = policy
        .balancer
        .and_then(|balancer| balancer.get("consistentHash"))
    else {
        return;
    };
    if hash.get("maglev").is_some() {
        return;
    }
    let written = hash
        .at(&["ringHash", "minimumRingSize"])
        .or_else(|| hash.get("minimumRingSize"));
    let size = written.and_then(Value::whole).unwrap_or(RING).max(1);
    let endpoints = objects.endpoints.get(&policy.service).into_iter().flatten();
    let pods = endpoints.filter(|endpoint| endpoint.ready).count();
    let each = size / (pods as u64).max(1);
    if pods < 2 || each >= POINTS {
        return;
    }
    // The spread of arcs is that of the number of points: 1 / sqrt(points).
    let spread = 1.0 / (each.max(1) as f64).sqrt();
    let severity = if each < 20 {
        Severity::Error
    } else {
        Severity::Warning
    };
    report
        .add(
            &SMALL_RING,
            written.unwrap_or(hash).place(),
            format!(
                "a ring of {size} points has {each} for each of {}: their shares of the keys differ by {} and more",
                count(pods, "pod"),
                percent(spread)
            ),
            format!("set `ringHash.minimumRingSize` to {} or more, or use `maglev: {{}}`", RING * pods as u64),
        )
        .severity(severity)
        .pool(&policy.name);
}

/// IST-007: HTTP/2 to pods over connections that never end.
fn never_recycled(policy: &Policy<'_>, report: &mut Report) {
    let Some(http) = policy.http else { return };
    let upgrade = http.get("h2UpgradePolicy");
    let Some(upgrade) = upgrade.filter(|word| word.text() == Some("UPGRADE")) else {
        return;
    };
    let most = http.get("maxRequestsPerConnection").and_then(Value::whole);
    if most.unwrap_or(0) == 0 {
        report
            .add(
                &NEVER_RECYCLED,
                upgrade.place(),
                "connections to pods carry HTTP/2 and are never closed for their age: what the kernel sees of them says little of requests",
                "set `maxRequestsPerConnection`, and compare bytes or open connections rather than new ones",
            )
            .pool(&policy.name);
    }
}
