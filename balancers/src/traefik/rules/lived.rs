//! Connections that live long: GEN-001.

use crate::finding::Report;
use crate::finding::generic::{LONG_LIVED, long_lived, long_lived_port};
use crate::model::Traffic;
use crate::traefik::pools::View;
use crate::traefik::service::Protocol;

/// GEN-001: a TCP service of a protocol whose clients keep their connections.
pub(super) fn known_port(view: &View<'_>, report: &mut Report) {
    let live = view.live();
    let servers = view.balancer.servers.iter();
    let known = servers
        .zip(view.nominal)
        .filter(|(_, share)| **share > 0.0)
        .find_map(|(server, _)| long_lived_port(&server.address.target));
    let Some((port, protocol)) = known.filter(|_| live > 1) else {
        return;
    };
    if view.pool.traffic != Traffic::Connections || view.service.protocol == Protocol::Udp {
        return;
    }
    view.add(
        report,
        &LONG_LIVED,
        view.service.place,
        long_lived(port, protocol, live),
        "limit the age of connections in the clients' pools, with jitter; for gRPC use a router of HTTP",
    );
}
