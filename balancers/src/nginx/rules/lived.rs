//! Connections that live long: NGX-021, GEN-001.

use super::STREAM;
use crate::finding::generic::{LONG_LIVED, long_lived, long_lived_port};
use crate::finding::{Report, Severity};
use crate::model::Traffic;
use crate::nginx::pools::View;
use crate::text::percent;

/// NGX-021: a pool of such a protocol in `stream`.
pub(super) fn long(view: &View<'_>, report: &mut Report) {
    let servers = view.live().count();
    if view.upstream.traffic != Traffic::Connections || servers < 2 {
        return;
    }
    let known = view
        .live()
        .find_map(|(_, server)| long_lived_port(&server.address.target));
    let Some((port, protocol)) = known else {
        return;
    };
    let message = long_lived(port, protocol, servers);
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
