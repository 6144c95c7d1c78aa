//! How requests come to a cluster: the first route or proxy that leads to it, and the entry of the copy that does as it does.

use std::net::SocketAddr;

use evenkeel_balancers::model::Traffic;
use serde_json::{Value, json};

use super::carries;
use super::cluster::socket_address;
use crate::gate::hermetic::traffic::Keys;

/// Headers whose values mean something to Envoy, or to HTTP.
const MEANINGFUL: [&str; 5] = [
    "connection",
    "upgrade",
    "content-length",
    "transfer-encoding",
    "cookie",
];
const MANAGER: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const PROXY: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

/// What leads to a cluster; nothing if nobody does.
#[derive(Default)]
pub(super) struct Route {
    hash_policy: Option<Value>,
    /// Which subset of the hosts it asks for.
    metadata_match: Option<Value>,
    /// Whether it is a proxy of connections.
    connections: bool,
}

/// The first HTTP route to a cluster, else the first proxy of connections.
pub(super) fn to(cluster: &str, parts: &[Value]) -> Route {
    let mut found = Vec::new();
    for part in parts {
        look(part, cluster, &mut found);
    }
    let first = found.iter().position(|route| !route.connections);
    let index = first.unwrap_or(0);
    found.into_iter().nth(index).unwrap_or_default()
}

fn look(value: &Value, cluster: &str, found: &mut Vec<Route>) {
    match value {
        Value::Object(fields) => {
            if let Some(action) = fields.get("route").filter(|action| leads(action, cluster)) {
                found.push(Route::of(action, false));
            }
            let kind = fields.get("@type").and_then(Value::as_str);
            if kind.is_some_and(|kind| kind.ends_with(".TcpProxy")) && leads(value, cluster) {
                found.push(Route::of(value, true));
            }
            fields
                .values()
                .for_each(|value| look(value, cluster, found));
        }
        Value::Array(items) => items.iter().for_each(|value| look(value, cluster, found)),
        _ => {}
    }
}

/// Whether a route or a proxy leads to a cluster, alone or among others.
fn leads(action: &Value, cluster: &str) -> bool {
    let weighted = action["weighted_clusters"]["clusters"].as_array();
    let mut weighted = weighted.into_iter().flatten();
    action["cluster"] == cluster || weighted.any(|part| part["name"] == cluster)
}

impl Route {
    fn of(action: &Value, connections: bool) -> Self {
        Self {
            hash_policy: action.get("hash_policy").cloned(),
            metadata_match: action.get("metadata_match").cloned(),
            connections,
        }
    }

    /// What it carries.
    pub(super) const fn traffic(&self) -> Traffic {
        carries(self.connections)
    }

    /// What requests have to differ in; an error says why they cannot.
    pub(super) fn keys(&self) -> Result<Keys, String> {
        let mut keys = Keys::default();
        let policies = self.hash_policy.iter().filter_map(Value::as_array);
        for policy in policies.flatten() {
            let name = |kind: &str, field: &str| policy[kind][field].as_str().map(str::to_owned);
            if let Some(name) = name("header", "header_name") {
                header(name, &mut keys)?;
            }
            keys.cookies.extend(name("cookie", "name"));
            keys.arguments.extend(name("query_parameter", "name"));
            if !policy["filter_state"].is_null() {
                return Err(
                    "its route chooses by a filter's state, in which the gate's requests do not differ"
                        .to_owned(),
                );
            }
        }
        Ok(keys)
    }

    /// The listener through which the cluster is reached.
    pub(super) fn listener(&self, cluster: &str, entry: SocketAddr) -> Value {
        let mut action = json!({ "cluster": cluster });
        for (name, value) in [
            ("hash_policy", &self.hash_policy),
            ("metadata_match", &self.metadata_match),
        ] {
            if let Some(value) = value {
                action[name] = value.clone();
            }
        }
        let filter = if self.connections {
            action["@type"] = json!(PROXY);
            action["stat_prefix"] = json!(cluster);
            json!({ "name": "envoy.filters.network.tcp_proxy", "typed_config": action })
        } else {
            manager(cluster, &action)
        };
        json!({
            "name": cluster,
            "address": socket_address(entry),
            "filter_chains": [{ "filters": [filter] }],
        })
    }
}

fn manager(cluster: &str, action: &Value) -> Value {
    json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": MANAGER,
            "stat_prefix": cluster,
            // The client is who connects, not who is said to.
            "use_remote_address": true,
            "route_config": { "virtual_hosts": [{
                "name": cluster,
                "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "route": action }],
            }] },
            "http_filters": [{ "name": "envoy.filters.http.router", "typed_config": { "@type": ROUTER } }],
        },
    })
}

/// A header that a route chooses by.
fn header(name: String, keys: &mut Keys) -> Result<(), String> {
    match name.to_ascii_lowercase().as_str() {
        ":path" => {}
        ":authority" | "host" => keys.hosts = true,
        lower if lower.starts_with(':') || MEANINGFUL.contains(&lower) => {
            return Err(format!(
                "its route chooses by the header `{name}`, in which the gate's requests do not differ"
            ));
        }
        _ => keys.headers.push(name),
    }
    Ok(())
}
