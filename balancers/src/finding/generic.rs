//! Rules that hold for any product.

use super::define_rules;
use crate::model::Target;
use crate::text::percent;

define_rules! {
    product: None,
    LONG_LIVED = "GEN-001", Warning, "Connections that live long are balanced only once";
}

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

/// The port of such a protocol, with its name, if a server has one.
pub(crate) fn long_lived_port(target: &Target) -> Option<(u16, &'static str)> {
    let port = match target {
        Target::Ip(address) => address.port(),
        Target::Name { port, .. } => (*port)?,
        _ => return None,
    };
    PORTS.iter().find(|(known, _)| *known == port).copied()
}

/// What happens to a pool of so many servers behind such a port.
pub(crate) fn long_lived(port: u16, protocol: &str, servers: usize) -> String {
    format!(
        "port {port} is that of {protocol}, whose clients keep their connections: each is placed once, when it opens, so that a server that joins these {servers}, or comes back, has 0 % of the open connections instead of {} until clients connect anew",
        percent(1.0 / (servers + 1) as f64),
    )
}
