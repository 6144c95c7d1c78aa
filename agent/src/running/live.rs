//! What products tell of themselves, in the words that are common to them.

use evenkeel_balancers::live::{Condition, Pool, Server};

use crate::admin::{envoy, haproxy};

/// HAProxy's proxies.
pub(crate) fn of_haproxy(state: &haproxy::State) -> Vec<Pool> {
    let pool = |proxy: &haproxy::Proxy| Pool {
        name: proxy.name.clone(),
        discovered: false,
        servers: proxy.servers.iter().map(haproxy_server).collect(),
    };
    state.proxies.iter().map(pool).collect()
}

fn haproxy_server(server: &haproxy::Server) -> Server {
    let statistics = server.statistics.as_ref();
    let condition = condition(server);
    let reason = statistics.and_then(|statistics| match condition {
        Condition::Down => statistics
            .check
            .clone()
            .or_else(|| Some(format!("it tracks {}", statistics.tracks.as_ref()?))),
        Condition::Up => None,
        // `MAINT (via shop/app1)` says more than its condition.
        _ => Some(statistics.status.clone()).filter(|status| status.contains('(')),
    });
    Server {
        name: Some(server.name.clone()),
        address: server.address.map(|address| address.to_string()),
        host: server.host.clone(),
        weight: server.weight,
        loaded_weight: Some(server.file_weight),
        has_agent: statistics.is_some_and(|statistics| statistics.agent),
        backup: server.is_backup(),
        condition,
        reason,
        sessions: statistics.map_or(0, |statistics| statistics.sessions),
    }
}

fn condition(server: &haproxy::Server) -> Condition {
    let admin = server.admin;
    if admin.is_unresolved() {
        return Condition::Unresolved;
    }
    if admin.is_maintenance() {
        return Condition::Maintenance;
    }
    match server.operation {
        haproxy::Operation::Stopped => Condition::Down,
        _ if admin.is_drain() => Condition::Drained,
        haproxy::Operation::Stopping => Condition::Drained,
        haproxy::Operation::Starting => Condition::Starting,
        haproxy::Operation::Running => Condition::Up,
    }
}

/// Envoy's clusters.
pub(super) fn of_envoy(state: &envoy::State) -> Vec<Pool> {
    let pool = |cluster: &envoy::Cluster| Pool {
        name: cluster.name.clone(),
        discovered: cluster.by_discovery,
        servers: cluster.hosts.iter().map(envoy_host).collect(),
    };
    state.clusters.iter().map(pool).collect()
}

fn envoy_host(host: &envoy::Host) -> Server {
    let health = &host.health;
    let condition = if health.is_ejected() {
        Condition::Ejected
    } else if !health.failures.is_empty() {
        Condition::Down
    } else {
        match health.told.as_str() {
            "DRAINING" => Condition::Drained,
            "UNHEALTHY" | "TIMEOUT" => Condition::Maintenance,
            _ => Condition::Up,
        }
    };
    let reason = match condition {
        Condition::Up => None,
        Condition::Down | Condition::Ejected => Some(health.failures.join(", ")),
        _ => Some(format!("{} by its endpoint's health_status", health.told)),
    };
    Server {
        name: None,
        address: Some(host.address.clone()),
        host: host.hostname.clone(),
        weight: host.weight,
        loaded_weight: None,
        has_agent: false,
        backup: host.priority > 0,
        condition,
        reason,
        sessions: host.requests.max(host.connections),
    }
}
