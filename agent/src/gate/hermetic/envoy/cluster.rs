//! A cluster in the copy: how it chooses, and its hosts, each a listener of the gate's own.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use evenkeel_balancers::EnvoyText;
use serde_json::{Map, Value, json};

use crate::gate::hermetic::copy::Places;

/// What of a cluster decides who gets a request.
const FIELDS: [&str; 10] = [
    "name",
    "lb_policy",
    "load_balancing_policy",
    "common_lb_config",
    "ring_hash_lb_config",
    "maglev_lb_config",
    "least_request_lb_config",
    "round_robin_lb_config",
    "lb_subset_config",
    "connect_timeout",
];
/// What of these depends on time or on other clusters: all hosts are as old as the gate, and of no zone but theirs.
const LEFT_OUT: [&str; 2] = ["slow_start_config", "zone_aware_lb_config"];
/// What of a group of hosts, and of a host, decides.
const GROUP: [&str; 3] = ["locality", "priority", "load_balancing_weight"];
const HOST: [&str; 3] = ["load_balancing_weight", "health_status", "metadata"];

/// What is written of a cluster.
pub(super) struct Copied {
    pub(super) cluster: Value,
    pub(super) servers: BTreeMap<SocketAddr, String>,
    pub(super) notes: Vec<String>,
}

/// Where the hosts of a cluster stand; an error says why it has no place in the copy.
pub(super) fn assignment<'a>(cluster: &'a Value, text: &'a EnvoyText) -> Result<&'a Value, String> {
    let kind = &cluster["cluster_type"];
    let typed = kind["typed_config"]["@type"].as_str();
    let kind = typed
        .or_else(|| kind["name"].as_str())
        .or_else(|| cluster["type"].as_str())
        .unwrap_or("STATIC");
    let kind = kind.rsplit('.').next().unwrap_or_default();
    let one_host =
        cluster["cluster_type"]["typed_config"]["all_addresses_in_single_endpoint"] == true;
    let own = &cluster["load_assignment"];
    let name = cluster["eds_cluster_config"]["service_name"].as_str();
    let name = name
        .or_else(|| cluster["name"].as_str())
        .unwrap_or_default();
    let assignment = match kind {
        "LOGICAL_DNS" | "logical_dns" => Err(one_name()),
        "DnsCluster" if one_host => Err(one_name()),
        "STATIC" | "static" | "STRICT_DNS" | "strict_dns" | "DnsCluster" => Ok(own),
        "EDS" | "eds" => text.endpoints.get(name).ok_or_else(|| {
            "its endpoints come from a management server (EDS): they are in what `/config_dump?include_eds` of the admin \
             interface says, which can be given instead"
                .to_owned()
        }),
        "ORIGINAL_DST" => Err("it has the hosts that clients ask for (ORIGINAL_DST)".to_owned()),
        other => Err(format!("clusters of type {other} choose their hosts while they run")),
    }?;
    match policy(cluster) {
        Some("ClientSideWeightedRoundRobin") => {
            Err("its weights are what hosts report while they run".to_owned())
        }
        _ if hosts(assignment).next().is_none() => Err("it has no hosts".to_owned()),
        _ => Ok(assignment),
    }
}

fn one_name() -> String {
    "a name is one host at a time (LOGICAL_DNS): there is nothing to spread".to_owned()
}

/// The type of the first extension that chooses.
fn policy(cluster: &Value) -> Option<&str> {
    let first = &cluster["load_balancing_policy"]["policies"][0]["typed_extension_config"];
    first["typed_config"]["@type"].as_str()?.rsplit('.').next()
}

fn hosts(assignment: &Value) -> impl Iterator<Item = &Value> {
    list(&assignment["endpoints"]).flat_map(|group| list(&group["lb_endpoints"]))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Copies a cluster with the hosts of `assignment`.
pub(super) fn copied(
    cluster: &Value,
    assignment: &Value,
    places: &mut dyn Places,
) -> io::Result<Copied> {
    let mut servers = BTreeMap::new();
    // Each writing is one backend, so that an address that stands there twice stays one.
    let mut known: BTreeMap<String, SocketAddr> = BTreeMap::new();
    let mut groups = Vec::new();
    let mut by_address = false;
    for group in list(&assignment["endpoints"]) {
        let mut copies = Vec::new();
        for host in list(&group["lb_endpoints"]) {
            let written = written(&host["endpoint"]["address"]);
            let address = match known.get(&written) {
                Some(address) => *address,
                None => places.backend()?,
            };
            known.insert(written.clone(), address);
            servers.insert(address, written);
            by_address |= !names_its_arc(cluster, host);
            copies.push(self::host(host, address));
        }
        let mut copy = only(group, &GROUP);
        copy.insert("lb_endpoints".to_owned(), Value::Array(copies));
        groups.push(Value::Object(copy));
    }
    let mut copy = only(cluster, &FIELDS);
    for value in copy.values_mut() {
        leave_out(value);
    }
    copy.insert("type".to_owned(), json!("STATIC"));
    let mut assigned = json!({ "cluster_name": cluster["name"], "endpoints": groups });
    if let Some(policy) = assignment.get("policy") {
        assigned["policy"] = Value::Object(only(
            policy,
            &["overprovisioning_factor", "weighted_priority_health"],
        ));
    }
    copy.insert("load_assignment".to_owned(), assigned);
    Ok(Copied {
        cluster: Value::Object(copy),
        servers,
        notes: notes(cluster, by_address),
    })
}

/// A host whose address is a listener's.
fn host(host: &Value, address: SocketAddr) -> Value {
    let mut copy = only(host, &HOST);
    let mut endpoint = only(&host["endpoint"], &["hostname"]);
    endpoint.insert("address".to_owned(), socket_address(address));
    copy.insert("endpoint".to_owned(), Value::Object(endpoint));
    Value::Object(copy)
}

/// An address as Envoy takes it.
pub(super) fn socket_address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// An address as people write it.
fn written(address: &Value) -> String {
    if let Some(path) = address["pipe"]["path"].as_str() {
        return path.to_owned();
    }
    let socket = &address["socket_address"];
    let Some(host) = socket["address"].as_str() else {
        return address.to_string();
    };
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    match &socket["port_value"] {
        Value::Null => host,
        Value::String(port) => format!("{host}:{port}"),
        port => format!("{host}:{port}"),
    }
}

/// Whether rings and tables know a host by something else than its address.
fn names_its_arc(cluster: &Value, host: &Value) -> bool {
    let by_name =
        |config: &Value| config["consistent_hashing_lb_config"]["use_hostname_for_hashing"] == true;
    let typed = &cluster["load_balancing_policy"]["policies"][0]["typed_extension_config"];
    let by_name = by_name(&cluster["common_lb_config"]) || by_name(&typed["typed_config"]);
    let key = &host["metadata"]["filter_metadata"]["envoy.lb"]["hash_key"];
    !key.is_null() || (by_name && !host["endpoint"]["hostname"].is_null())
}

/// What decides in production as well, and is not in the copy.
fn notes(cluster: &Value, by_address: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let hashes = matches!(cluster["lb_policy"].as_str(), Some("RING_HASH" | "MAGLEV"))
        || matches!(policy(cluster), Some("RingHash" | "Maglev"));
    if hashes && by_address {
        notes.push(
            "its ring or table follows from the addresses of its hosts, which are others here: `evenkeel audit --pools` computes \
             that of the real ones"
                .to_owned(),
        );
    }
    if cluster.to_string().contains("zone_aware_lb_config") {
        notes.push(
            "zone-aware routing is left out: it follows from where other Envoys are".to_owned(),
        );
    }
    notes
}

/// The fields of these names.
fn only(value: &Value, names: &[&str]) -> Map<String, Value> {
    let fields = value.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Takes out what has no place in the copy, at any depth.
fn leave_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
            fields.values_mut().for_each(leave_out);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out),
        _ => {}
    }
}
