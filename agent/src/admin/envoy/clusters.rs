//! `/clusters?format=json`: clusters with their hosts, as load balancing sees them.

use std::net::SocketAddr;

use serde::Deserialize;

use super::super::Reason;

pub(super) const PATH: &str = "/clusters?format=json";

/// A cluster (`envoy.admin.v3.ClusterStatus`).
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Whether discovery (CDS) brought it, and not the bootstrap.
    pub by_discovery: bool,
    /// Its hosts, in Envoy's order.
    pub hosts: Vec<Host>,
}

/// A host of a cluster (`envoy.admin.v3.HostStatus`).
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// `192.0.2.1:8080`, or the path of a Unix domain socket.
    pub address: String,
    /// The address, if it is one.
    pub socket: Option<SocketAddr>,
    /// The name that it was found by, with DNS.
    pub hostname: Option<String>,
    /// Its weight, from 1 on.
    pub weight: u32,
    /// 0 is used before 1, and so on.
    pub priority: u32,
    /// Where it is.
    pub locality: Locality,
    /// Whether it gets requests.
    pub health: Health,
    /// Connections that are open.
    pub connections: u64,
    /// Requests in progress.
    pub requests: u64,
}

/// Where a host is; what is not told is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Locality {
    /// The region.
    pub region: String,
    /// The zone within it.
    pub zone: String,
    /// The part of the zone.
    pub sub_zone: String,
}

/// Why a host gets requests or not (`envoy.admin.v3.HostHealthStatus`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Reasons why it gets none, as Envoy calls them: `failed_active_health_check`, `failed_outlier_check`, ...
    pub failures: Vec<&'static str>,
    /// Reasons to use it only if others do not suffice: `failed_active_degraded_check`.
    pub degraded: bool,
    /// What discovery or the file says of it: `HEALTHY`, `UNHEALTHY`, `DRAINING`, `TIMEOUT`, `DEGRADED`, `UNKNOWN`.
    pub told: String,
}

impl Health {
    /// Whether it gets requests while the cluster is not in panic.
    pub fn is_in_rotation(&self) -> bool {
        let told_down = ["UNHEALTHY", "DRAINING", "TIMEOUT"].contains(&self.told.as_str());
        self.failures.is_empty() && !told_down
    }

    /// Whether outlier detection took it out.
    pub fn is_ejected(&self) -> bool {
        self.failures.contains(&OUTLIER)
    }
}

const OUTLIER: &str = "failed_outlier_check";

#[derive(Deserialize)]
struct RawClusters {
    cluster_statuses: Vec<RawCluster>,
}

#[derive(Deserialize)]
struct RawCluster {
    #[serde(default)]
    name: String,
    #[serde(default)]
    added_via_api: bool,
    #[serde(default)]
    host_statuses: Vec<RawHost>,
}

#[derive(Deserialize)]
struct RawHost {
    address: RawAddress,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    weight: u32,
    #[serde(default)]
    priority: u32,
    #[serde(default)]
    locality: Locality,
    #[serde(default)]
    health_status: RawHealth,
    #[serde(default)]
    stats: Vec<RawStat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawAddress {
    SocketAddress {
        address: String,
        #[serde(default)]
        port_value: u16,
    },
    Pipe {
        path: String,
    },
    EnvoyInternalAddress {
        #[serde(default)]
        server_listener_name: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields are those of Envoy's message"
)]
struct RawHealth {
    failed_active_health_check: bool,
    failed_outlier_check: bool,
    failed_active_degraded_check: bool,
    pending_dynamic_removal: bool,
    pending_active_hc: bool,
    excluded_via_immediate_hc_fail: bool,
    active_hc_timeout: bool,
    eds_health_status: Option<String>,
}

#[derive(Deserialize)]
struct RawStat {
    name: String,
    /// 64-bit numbers are text in JSON of protocol buffers; zero is left out.
    #[serde(default)]
    value: Option<String>,
}

/// Reads the answer.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Cluster>, Reason> {
    let raw: RawClusters = serde_json::from_slice(body)
        .map_err(|error| Reason::not_understood(PATH, error.to_string()))?;
    let cluster = |raw: RawCluster| Cluster {
        name: raw.name,
        by_discovery: raw.added_via_api,
        hosts: raw.host_statuses.into_iter().map(host).collect(),
    };
    Ok(raw.cluster_statuses.into_iter().map(cluster).collect())
}

fn host(raw: RawHost) -> Host {
    let (address, socket) = match raw.address {
        RawAddress::SocketAddress {
            address,
            port_value,
        } => {
            let ip = address.parse().ok();
            let socket = ip.map(|ip| SocketAddr::new(ip, port_value));
            let written = socket.map_or_else(
                || format!("{address}:{port_value}"),
                |socket| socket.to_string(),
            );
            (written, socket)
        }
        RawAddress::Pipe { path } => (path, None),
        RawAddress::EnvoyInternalAddress {
            server_listener_name,
        } => (server_listener_name, None),
    };
    let stat = |name: &str| {
        let found = raw.stats.iter().find(|stat| stat.name == name);
        found
            .and_then(|stat| stat.value.as_deref()?.parse().ok())
            .unwrap_or(0)
    };
    let (connections, requests) = (stat("cx_active"), stat("rq_active"));
    Host {
        address,
        socket,
        hostname: (!raw.hostname.is_empty()).then_some(raw.hostname),
        weight: raw.weight.max(1),
        priority: raw.priority,
        locality: raw.locality,
        health: health(raw.health_status),
        connections,
        requests,
    }
}

fn health(raw: RawHealth) -> Health {
    let reasons = [
        (raw.failed_active_health_check, "failed_active_health_check"),
        (raw.failed_outlier_check, OUTLIER),
        (raw.pending_dynamic_removal, "pending_dynamic_removal"),
        (raw.pending_active_hc, "pending_active_hc"),
        (
            raw.excluded_via_immediate_hc_fail,
            "excluded_via_immediate_hc_fail",
        ),
        (raw.active_hc_timeout, "active_hc_timeout"),
    ];
    let told = raw
        .eds_health_status
        .unwrap_or_else(|| "UNKNOWN".to_owned());
    Health {
        failures: reasons
            .into_iter()
            .filter_map(|(holds, name)| holds.then_some(name))
            .collect(),
        degraded: raw.failed_active_degraded_check || told == "DEGRADED",
        told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Envoy 1.40.0 answered.
    const ANSWER: &[u8] = include_bytes!("clusters.json");

    fn cluster(name: &str) -> Cluster {
        let clusters = parse(ANSWER).unwrap();
        assert_eq!(clusters.len(), 3);
        let mut found = clusters.into_iter().filter(|found| found.name == name);
        found.next().unwrap()
    }

    #[test]
    fn hosts_have_weights_priorities_and_places() {
        let pool = cluster("pool");
        let told: Vec<_> = pool
            .hosts
            .iter()
            .map(|host| (host.address.as_str(), host.weight, host.priority))
            .collect();
        assert_eq!(
            told,
            [
                ("127.0.0.1:28991", 3, 0),
                ("127.0.0.1:28092", 1, 0),
                ("127.0.0.1:28093", 1, 0),
                ("/tmp/x.sock", 1, 1),
            ]
        );
        assert_eq!(pool.hosts[0].locality.zone, "z");
        assert_eq!(pool.hosts[0].socket, "127.0.0.1:28991".parse().ok());
        assert_eq!(cluster("named").hosts[0].weight, 7, "by EDS");
        let dns = cluster("dns");
        assert_eq!(dns.hosts[0].hostname.as_deref(), Some("localhost"));
        assert_eq!(dns.hosts[0].address, "[::1]:80");
    }

    #[test]
    fn reasons_not_to_be_used_are_told_apart() {
        let pool = cluster("pool");
        let [fine, failed, drained, _] = &pool.hosts[..] else {
            panic!("{pool:?}")
        };
        assert!(fine.health.is_in_rotation());
        assert_eq!(failed.health.failures, ["failed_active_health_check"]);
        assert!(!failed.health.is_in_rotation() && !failed.health.is_ejected());
        assert_eq!(drained.health.told, "DRAINING");
        assert!(!drained.health.is_in_rotation());
        let text = r#"{"cluster_statuses":[{"name":"a","added_via_api":true,"host_statuses":[{"address":
            {"socket_address":{"address":"192.0.2.1","port_value":1}},"health_status":{"failed_outlier_check":true},
            "stats":[{"name":"cx_active","value":"18446744073709551615"}]}]}]}"#;
        let [cluster] = &parse(text.as_bytes()).unwrap()[..] else {
            panic!("one cluster")
        };
        assert!(cluster.by_discovery && cluster.hosts[0].health.is_ejected());
        assert_eq!(cluster.hosts[0].connections, u64::MAX);
    }

    #[test]
    fn what_another_program_answers_is_refused() {
        for text in ["", "not found", "[]", r#"{"clusters":[]}"#] {
            let message = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("/clusters"), "{message}");
        }
    }
}
