//! Connections that live long: NGX-021, GEN-001.

use super::STREAM;
use crate::finding::generic::LONG_LIVED;
use crate::finding::{Report, Severity};
use crate::model::{Target, Traffic};
use crate::nginx::pools::View;
use crate::text::percent;

/// Ports of protocols whose clients keep their connections.
const PORTS: [(u16, &str); 18] = [
    (389, "LDAP"),
    (636, "LDAP"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (1883, "MQTT"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (4222, "NATS"),
    (5432, "PostgreSQL"),
    (5671, "AMQP"),
    (5672, "AMQP"),
    (6379, "Redis"),
    (8883, "MQTT"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (27_017, "MongoDB"),
    (50_051, "gRPC"),
    (61_616, "ActiveMQ"),
];

/// NGX-021: a pool of such a protocol in `stream`.
pub(super) fn long(view: &View<'_>, report: &mut Report) {
    let servers = view.live().count();
    if view.upstream.traffic != Traffic::Connections || servers < 2 {
        return;
    }
    let port = |target: &Target| match target {
        Target::Ip(address) => Some(address.port()),
        Target::Name { port, .. } => *port,
        _ => None,
    };
    let known = view.live().find_map(|(_, server)| {
        let port = port(&server.address.target)?;
        PORTS.iter().find(|(known, _)| *known == port)
    });
    let Some((port, protocol)) = known else {
        return;
    };
    let message = format!(
        "port {port} is that of {protocol}, whose clients keep their connections: each is placed once, when it opens, so that a server that joins these {servers}, or comes back, has 0 % of the open connections instead of {} until clients connect anew",
        percent(1.0 / (servers + 1) as f64),
    );
    view.add(report, &STREAM, view.upstream.name.place,
            message,
            "limit the age of connections in the clients' pools (with jitter); for gRPC balance requests: `grpc_pass` in `http`");
}

/// GEN-001: upgraded connections, which stay where they were opened.
pub(super) fn upgraded(view: &View<'_>, report: &mut Report) {
    let servers = view.live().count();
    let upgrade = view.users.iter().find_map(|pass| pass.scope.upgrade);
    let Some(place) = upgrade.filter(|_| servers > 1) else {
        return;
    };
    let message = format!(
        "a WebSocket to `{}` is placed once, when it opens: a server that joins these {servers}, or comes back, has 0 % of the open ones instead of {} until clients connect anew",
        view.pool.name,
        percent(1.0 / (servers + 1) as f64),
    );
    report
        .add(
            &LONG_LIVED,
            place,
            message,
            "let servers or clients close WebSockets after a while, at random times",
        )
        .severity(Severity::Note)
        .pool(&view.pool.name);
}
