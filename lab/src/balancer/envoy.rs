//! Envoy, as TCP proxy and for HTTP, with its admin interface.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Algorithm, Count, Mode, Setup, write};
use crate::http::get;
use crate::netns::Namespace;
use crate::parts;
use crate::process::Process;

pub(super) const CONFIG: &str = "envoy.json";

/// The file into which Envoy writes the admin port that it took.
const ADMIN: &str = "admin-address";

pub(super) fn start(namespace: &Namespace, setup: &Setup, folder: &Path) -> Result<Process> {
    let config = write(
        folder,
        CONFIG,
        &serde_json::to_string_pretty(&render(setup)?)?,
    )?;
    // Nobody shall read the address of a predecessor.
    write(folder, ADMIN, "")?;
    let mut command = Command::new(parts::envoy()?);
    command.args([
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--concurrency",
        &setup.workers.to_string(),
    ]);
    command
        .arg("--admin-address-path")
        .arg(folder.join(ADMIN))
        .arg("--config-path")
        .arg(config);
    Process::spawn(namespace, "Envoy", &mut command)
}

pub(super) fn admin(folder: &Path) -> Result<SocketAddr> {
    let text = std::fs::read_to_string(folder.join(ADMIN))
        .context("Envoy has not told its admin address")?;
    text.trim()
        .parse()
        .with_context(|| format!("not Envoy's admin address: {text:?}"))
}

fn render(setup: &Setup) -> Result<Value> {
    Ok(json!({
        "admin": { "address": socket_address("127.0.0.1:0".parse()?) },
        "static_resources": {
            "listeners": [{
                "name": "lab",
                "address": socket_address(setup.listen),
                "filter_chains": [{ "filters": [filter(setup)] }],
            }],
            "clusters": [cluster(setup)?],
        },
    }))
}

fn filter(setup: &Setup) -> Value {
    let hash = match setup.algorithm {
        Algorithm::SourceHash if setup.mode == Mode::Tcp => json!([{ "source_ip": {} }]),
        Algorithm::SourceHash => json!([{ "connection_properties": { "source_ip": true } }]),
        Algorithm::UriHash => json!([{ "header": { "header_name": ":path" } }]),
        _ => json!([]),
    };
    match setup.mode {
        Mode::Tcp => json!({
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "lab",
                "cluster": "pool",
                "hash_policy": hash,
            },
        }),
        Mode::Http => json!({
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "lab",
                "route_config": { "virtual_hosts": [{
                    "name": "lab",
                    "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "pool", "hash_policy": hash } }],
                }] },
                "http_filters": [{
                    "name": "envoy.filters.http.router",
                    "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                }],
            },
        }),
    }
}

fn cluster(setup: &Setup) -> Result<Value> {
    let policy = match setup.algorithm {
        Algorithm::RoundRobin => "ROUND_ROBIN",
        Algorithm::LeastConnections => "LEAST_REQUEST",
        Algorithm::Random => "RANDOM",
        Algorithm::SourceHash | Algorithm::UriHash => "MAGLEV",
        Algorithm::First => bail!("Envoy cannot fill its backends one after the other"),
    };
    let mut endpoints = Vec::new();
    for server in &setup.servers {
        ensure!(
            server.options.is_empty(),
            "Envoy's endpoints take no options: {:?}",
            server.options
        );
        endpoints.push(json!({
            "endpoint": { "address": socket_address(server.address) },
            "load_balancing_weight": server.weight,
        }));
    }
    let mut cluster = json!({
        "name": "pool",
        "type": "STATIC",
        "connect_timeout": "2s",
        "lb_policy": policy,
        "load_assignment": { "cluster_name": "pool", "endpoints": [{ "lb_endpoints": endpoints }] },
    });
    if setup.mode == Mode::Http && !setup.keepalive {
        cluster["typed_extension_protocol_options"] = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": { "max_requests_per_connection": 1 },
                "explicit_http_config": { "http_protocol_options": {} },
            },
        });
    }
    Ok(cluster)
}

fn socket_address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

pub(super) fn counts(
    namespace: &Namespace,
    setup: &Setup,
    folder: &Path,
) -> Result<BTreeMap<SocketAddr, Count>> {
    let response = get(namespace, admin(folder)?, "/clusters?format=json")?;
    let clusters: Value =
        serde_json::from_str(&response.body).context("Envoy's clusters are no JSON")?;
    let hosts = clusters["cluster_statuses"][0]["host_statuses"]
        .as_array()
        .context("Envoy shows no backends")?;
    hosts.iter().map(|host| count(host, setup.mode)).collect()
}

fn count(host: &Value, mode: Mode) -> Result<(SocketAddr, Count)> {
    let address = &host["address"]["socket_address"];
    let ip: Option<IpAddr> = address["address"].as_str().and_then(|ip| ip.parse().ok());
    let port = address["port_value"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok());
    let (Some(ip), Some(port)) = (ip, port) else {
        bail!("not the address of a backend: {address}")
    };
    let stats = host["stats"]
        .as_array()
        .context("Envoy shows no statistics of a backend")?;
    // JSON of protocol buffers: 64-bit numbers are strings, and zero may be left out.
    let stat = |name: &str| {
        let found = stats.iter().find(|stat| stat["name"] == name);
        found
            .and_then(|stat| stat["value"].as_str()?.parse().ok())
            .unwrap_or(0_u64)
    };
    let count = Count {
        connections: Some(stat("cx_total")),
        requests: (mode == Mode::Http).then(|| stat("rq_total")),
        failed: stat("cx_connect_fail"),
    };
    Ok((SocketAddr::new(ip, port), count))
}
