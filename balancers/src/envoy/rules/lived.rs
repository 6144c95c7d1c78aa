//! Connections that carry many requests, or live long: ENV-010, GEN-001.

use super::MULTIPLEXED;
use crate::envoy::cluster::Endpoint;
use crate::envoy::pools::View;
use crate::finding::generic::{LONG_LIVED, long_lived, long_lived_port};
use crate::finding::{Report, Severity};
use crate::model::{Target, Traffic};
use crate::text::percent;

/// The port that gRPC's examples use.
const GRPC: u16 = 50_051;

/// GEN-001: connections of protocols whose clients keep them, with no bound of their age.
pub(super) fn known_port(view: &View<'_>, report: &mut Report) {
    let live = view.live();
    let known = live
        .iter()
        .find_map(|(_, host)| long_lived_port(&host.address.target));
    let proxy = view
        .users
        .iter()
        .find(|user| user.traffic == Traffic::Connections && !user.aged);
    let (Some((port, protocol)), Some(proxy)) = (known.filter(|(port, _)| *port != GRPC), proxy)
    else {
        return;
    };
    if live.len() < 2 {
        return;
    }
    report
        .add(
            &LONG_LIVED,
            proxy.place,
            long_lived(port, protocol, live.len()),
            "bound the age of connections by `max_downstream_connection_duration`, or in the clients' pools, with jitter",
        )
        .pool(view.name());
}

/// ENV-010: HTTP/2 through a proxy of connections, or with connections that never end.
pub(super) fn multiplexed(view: &View<'_>, report: &mut Report) {
    let live = view.live();
    let several = live.len() > 1 || live.iter().any(|(_, host)| host.address.is_name());
    if !several {
        return;
    }
    let joins = percent(1.0 / (live.len() + 1) as f64);
    let protocol = view.cluster.protocol();
    let proxy = view
        .users
        .iter()
        .find(|user| user.traffic == Traffic::Connections && !user.aged);
    if let Some(proxy) =
        proxy.filter(|_| protocol.http2.is_some() || live.iter().any(|(_, host)| is_grpc(host)))
    {
        report
            .add(
                &MULTIPLEXED,
                proxy.place,
                format!("`{}` speaks HTTP/2, and here its connections are balanced, not its requests: all requests of a client go to one host, and a host that joins has 0 % of the open connections instead of {joins}", view.name()),
                "use `http_connection_manager` with a route, or bound the age of connections by `max_downstream_connection_duration`",
            )
            .pool(view.name());
        return;
    }
    let Some(place) = protocol.http2 else { return };
    if view.pool.traffic == Traffic::Connections
        || protocol.most_requests().is_some()
        || protocol.is_aged()
    {
        return;
    }
    // Within Envoy requests are balanced; only an address that stands for several servers hides them.
    if live.iter().any(|(_, host)| host.address.is_name()) {
        report
            .add(
                &MULTIPLEXED,
                place,
                format!("connections to `{}` carry many requests and never end: if an address of it is that of another balancer, that one places each worker's only connection once", view.name()),
                "set `common_http_protocol_options.max_connection_duration`, or `max_requests_per_connection`",
            )
            .severity(Severity::Note)
            .pool(view.name());
    }
}

fn is_grpc(host: &Endpoint<'_>) -> bool {
    match &host.address.target {
        Target::Ip(address) => address.port() == GRPC,
        Target::Name { port, .. } => *port == Some(GRPC),
        _ => false,
    }
}
